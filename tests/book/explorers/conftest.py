"""Explorers as a reader of the static page uses them: opened from a file, with no network and no kernel."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llpp_core.explorers import Explorer

TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Shown:
    """A page of explorers in the browser."""

    def __init__(self, visit: Any) -> None:
        self.visit, self.page = visit, visit.page

    def __getitem__(self, index: int) -> Any:
        """Return the explorer of that place on the page, as a locator."""
        return self.page.locator(".llpp-explorer").nth(index)

    def settle(self) -> None:
        """Wait until what was moved is drawn."""
        self.page.evaluate(TWO_FRAMES)

    def words(self, index: int = 0) -> str:
        """Return what the explorer says of its state."""
        return self[index].locator(".words").inner_text()

    def drag(self, handle: Any, across: float, down: float) -> None:
        """Move the middle of an element by so many pixels, with the mouse."""
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + across, y + down, steps=5)
        self.page.mouse.up()
        self.settle()

    def touch_drag(self, handle: Any, across: float, down: float) -> None:
        """Move the middle of an element by so many pixels, with a finger (the context needs has_touch)."""
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        finger = self.page.context.new_cdp_session(self.page)
        for kind, part in [("touchStart", 0.0), *(("touchMove", n / 5) for n in range(1, 6))]:
            points = [{"x": x + across * part, "y": y + down * part}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        self.settle()

    def address(self) -> str:
        """Return the page's address with what a link to a view added to it."""
        return str(self.page.evaluate("location.href"))


@pytest.fixture
def show(open_page: Callable[..., Any], tmp_path: Path) -> Callable[..., Shown]:
    """A function that writes explorers on one page and opens it; `at` follows the page's address (``#duel?…``)."""

    def show_(*explorers: Explorer, theme: str = "light", at: str = "", **options: Any) -> Shown:
        body = "\n".join(explorer.html() for explorer in explorers)
        for explorer in explorers:
            explorer.close()
        path = tmp_path / "page.html"
        path.write_text(
            f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8">'
            f'<title>explorer</title><meta name="viewport" content="width=device-width"><body>{body}</body>',
            encoding="utf-8",
        )
        return Shown(open_page(path.as_uri() + at, **options))

    return show_
