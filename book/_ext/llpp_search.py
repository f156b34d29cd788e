"""Sphinx extension: the search page says where a word stands, without reading another file.

Sphinx fetches each page that it found to show the words around the match; a page that was opened from a file may
fetch nothing. The texts of all pages are therefore laid beside the search page, as a script that it alone loads, and
`search_here.js` takes the words from there.
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

UNREAD = (nodes.raw, nodes.math, nodes.math_block, nodes.comment, nodes.image, nodes.title)
"""What is no text to a reader of a search result: scripts and drawings, LaTeX, and titles, which are shown anyway."""


def text(document: nodes.Node) -> str:
    """Return the words of a page in reading order, blanks squeezed."""
    words: list[str] = []
    _gather(document, words)
    return " ".join(" ".join(words).split())


def _gather(node: nodes.Node, words: list[str]) -> None:
    if isinstance(node, UNREAD):
        return
    if isinstance(node, nodes.Text):
        words.append(node.astext())
    elif isinstance(node, nodes.TextElement):
        parts: list[str] = []
        for child in node.children:
            _gather(child, parts)
        words.append("".join(parts))  # no blank between a word and the comma behind it
    else:
        for child in node.children:
            _gather(child, words)


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    texts = {name: text(app.env.get_doctree(name)) for name in sorted(app.env.found_docs)}
    target = Path(app.outdir) / "_static" / "search_texts.js"
    target.write_text(f"window.llppTexts = {json.dumps(texts, ensure_ascii=False)};\n", encoding="utf-8")


def _add(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node | None) -> None:
    if pagename == "search":
        app.add_js_file("search_texts.js", loading_method="defer")
        app.add_js_file("search_here.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it."""
    app.connect("html-page-context", _add)
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
