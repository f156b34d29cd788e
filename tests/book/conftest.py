"""A real browser for what a reader sees: no test here trusts the HTML text alone."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
INSIDE = {"file", "data", "blob", "about"}


@dataclass
class Visit:
    """A page that was opened, and what it asked for or complained about from its first request on."""

    page: Any
    outside: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def complaints(self) -> dict[str, list[str]]:
        found = {"outside": self.outside, "missing": self.missing, "errors": self.errors}
        return {kind: entries for kind, entries in found.items() if entries}


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window; skips where there is none, and fails where CI promised one."""
    named = os.environ.get("LLPP_CHROMIUM")
    executable = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None or not Path(executable).exists():
        looked = executable or ", ".join(BROWSERS)
        message = f"no browser at {looked}: apt-get install chromium, or set LLPP_CHROMIUM to one"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Visit]]:
    """A function that opens a path or URL in a fresh context; keyword arguments go to the context.

    Nothing leaves the machine: a request to anything but a file or this machine is aborted and recorded.
    """
    contexts = []

    def open_(address: Path | str, **options: Any) -> Visit:
        context = browser.new_context(**options)
        contexts.append(context)
        visit = Visit(context.new_page())

        def gate(route: Any) -> None:
            if _is_inside(route.request.url):
                route.continue_()
            else:
                visit.outside.append(route.request.url)
                route.abort()

        def failed(request: Any) -> None:
            if _is_inside(request.url):
                visit.missing.append(f"{request.url} ({request.failure})")

        def answered(response: Any) -> None:
            if response.status >= 400:
                visit.missing.append(f"{response.url} ({response.status})")

        def said(message: Any) -> None:
            if message.type == "error":
                visit.errors.append(message.text)

        context.route("**/*", gate)
        visit.page.on("requestfailed", failed)
        visit.page.on("response", answered)
        visit.page.on("console", said)
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        visit.page.goto(address.resolve().as_uri() if isinstance(address, Path) else address)
        if options.get("java_script_enabled", True):
            visit.page.wait_for_selector("html:not(.llpp-moving)", state="attached")  # see book/assets/steady.js
        return visit

    yield open_
    for context in contexts:
        context.close()


def _is_inside(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in INSIDE or parts.hostname in LOOPBACK
