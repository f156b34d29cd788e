"""Sphinx extension: the search page says where a word stands, without reading another file.

Sphinx fetches each page that it found to show the words around the match; a page that was opened from a file may
fetch nothing. The texts of all pages are therefore laid beside the search page, as a script that it alone loads, and
`search_here.js` takes the words from there.
"""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

UNREAD_TAGS = {"script", "style", "svg", "pre", "h1", "textarea", "button", "canvas"}
UNREAD_CLASSES = {"math", "headerlink", "llpp-data", "llpp-made"}
"""What is no text to a reader of a search result: code, LaTeX, numbers of figures; and the title, shown anyway."""

INLINE = {"a", "abbr", "b", "cite", "code", "em", "i", "mark", "span", "strong", "sub", "sup"}
VOID = {"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class _Words(HTMLParser):
    """Gathers the words of a page's article."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inside = 0  # depth within the article, 0 outside
        self.unread = 0  # depth within what is not read

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if not self.inside and tag != "article":
            return
        if tag not in INLINE:
            self.words.append(" ")  # and none between a word and the comma behind it
        if tag in VOID:
            return
        self.inside += 1
        classes = set((dict(attributes).get("class") or "").split())
        if self.unread or tag in UNREAD_TAGS or classes & UNREAD_CLASSES:
            self.unread += 1

    def handle_endtag(self, tag: str) -> None:
        if not self.inside or tag in VOID:
            return
        self.inside -= 1
        self.unread -= self.unread > 0

    def handle_data(self, data: str) -> None:
        if self.inside and not self.unread:
            self.words.append(data)


def text(page: str) -> str:
    """Return the words of a page's article in reading order, blanks squeezed; ``page`` is its HTML."""
    parser = _Words()
    parser.feed(page)
    parser.close()
    return " ".join("".join(parser.words).split())


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    pages = {name: folder / f"{name}.html" for name in sorted(app.env.found_docs)}
    texts = {name: text(page.read_text(encoding="utf-8")) for name, page in pages.items()}
    script = f"window.llppTexts = {json.dumps(texts, ensure_ascii=False)};\n"
    (folder / "_static" / "search_texts.js").write_text(script, encoding="utf-8")


def _add(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node | None) -> None:
    if pagename == "search":
        app.add_js_file("search_texts.js", loading_method="defer")
        app.add_js_file("search_here.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it."""
    app.connect("html-page-context", _add)
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
