"""Takes a picture of every page of the built book, light, dark and as a telephone shows it, to be looked through.

    python book/screenshots.py                  what `make screenshots` runs
    python book/screenshots.py intro notation   only pages whose name holds one of these words

They go to ``book/_build/screenshots``; its ``index.html`` shows all of them beside each other. A browser draws pictures
up to some 16,000 pixels high, so a long page comes in pieces.
"""

import argparse
import html
import os
import re
import shutil
import sys
from itertools import product
from pathlib import Path
from typing import Any

from tqdm import tqdm

BOOK = Path(__file__).resolve().parent
PAGES = BOOK / "_build" / "html"
SHOTS = BOOK / "_build" / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PIECE = 4000
"""Height of a piece of a long page, in CSS pixels."""
KINDS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "telephone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light", "has_touch": True},
}
DRAWN = """async () => {
    if (window.MathJax?.startup) await MathJax.startup.promise;
    const due = [...document.querySelectorAll(".llpp-plot:not([data-drawn]), [data-explorer]:not([data-ready])")];
    return due.length === 0;
}"""


def main(arguments: list[str] | None = None) -> int:
    """Take the pictures and return the exit status: 0 done, 2 nothing to take them of or with."""
    parser = argparse.ArgumentParser(description="Take a picture of every page of the built book.")
    parser.add_argument("words", nargs="*", help="only pages whose name holds one of these")
    words = parser.parse_args(arguments).words
    names = re.findall(r"^(?:root|\s+- file): (\S+)", (BOOK / "_toc.yml").read_text(encoding="utf-8"), flags=re.M)
    wanted = [name for name in names if not words or any(word in name for word in words)]
    browser = os.environ.get("LLPP_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        if not wanted:
            raise ValueError(f"no page's name holds {' or '.join(words)}; the pages are {', '.join(names)}")
        if missing := [name for name in wanted if not (PAGES / f"{name}.html").is_file()]:
            raise ValueError(f"there is no {PAGES / missing[0]}.html; `make book` makes it")
        if browser is None or not Path(browser).exists():
            looked = browser or ", ".join(BROWSERS)
            raise ValueError(f"no browser at {looked}: apt-get install chromium, or set LLPP_CHROMIUM to one")
        take(wanted, browser)
    except ValueError as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 2
    print(f"{len(wanted)} pages, {len(KINDS)} pictures of each: {SHOTS / 'index.html'}")
    return 0


def take(names: list[str], browser: str) -> None:
    """Write the pictures of the pages of these names, and the page that shows them.

    Args:
        names: of pages, as the table of contents has them.
        browser: path of a Chromium.
    """
    from playwright.sync_api import sync_playwright

    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        for kind, name in tqdm(list(product(KINDS, names)), desc="pictures", unit="page"):
            for old in SHOTS.glob(f"{Path(name).name}.{kind}.*.png"):
                old.unlink()
            context = chromium.new_context(**KINDS[kind], reduced_motion="reduce")
            page = context.new_page()
            page.goto((PAGES / f"{name}.html").as_uri())
            page.wait_for_function(DRAWN)
            width, height = page.evaluate("() => [innerWidth, document.documentElement.scrollHeight]")
            for piece, top in enumerate(range(0, height, PIECE)):
                clip = {"x": 0, "y": top, "width": width, "height": min(PIECE, height - top)}
                page.screenshot(path=SHOTS / f"{Path(name).name}.{kind}.{piece}.png", full_page=True, clip=clip)
            context.close()
        chromium.close()
    (SHOTS / "index.html").write_text(_index(), encoding="utf-8")


def _index() -> str:
    names = sorted({path.name.split(".")[0] for path in SHOTS.glob("*.png")})
    rows = []
    for name in names:
        columns = []
        for kind in KINDS:
            pieces = sorted(SHOTS.glob(f"{name}.{kind}.*.png"), key=lambda path: int(path.suffixes[-2][1:]))
            pictures = "".join(f'<a href="{p.name}"><img loading="lazy" src="{p.name}" alt=""></a>' for p in pieces)
            columns.append(f"<div><h3>{kind}</h3>{pictures}</div>")
        rows.append(f"<h2>{html.escape(name)}</h2><section>{''.join(columns)}</section>")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Every page of the book</title><style>'
        "body { margin: 1rem; font: 1rem system-ui, sans-serif; background: #888; }"
        "img { display: block; width: 100%; }"
        "section { display: grid; grid-template-columns: 5fr 5fr 2fr; gap: 1rem; align-items: start; }"
        f"</style><h1>Every page of the book</h1>{''.join(rows)}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
