"""Sphinx extension of the book: mends what the tools beneath it write wrongly for readers who use a screen reader.

Once the pages are written:

- Sphinx 7.4 calls the bibliography a list and its entries something else: a screen reader finds a list of nothing.
- Sphinx 7.4 lays out a long signature as a list of definitions without terms, inside the term that it belongs to.
- The theme's sidebar unfolds the pages of a page by a button that has no name.
"""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

_SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', flags=re.DOTALL)
_UNFOLDS = re.compile(r'(<a class="[^"]*reference internal" href="[^"]*">([^<]+)</a><details[^>]*>)<summary>')


def mend(page: str) -> str:
    """Return the HTML of a page with all three mended."""
    page = page.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    page = _SIGNATURE.sub(lambda match: _lines(match[0]), page)
    return _UNFOLDS.sub(r'\1<summary aria-label="Pages of: \2">', page)


def _lines(signature: str) -> str:
    """Return a signature whose parameters are lines, not definitions."""
    signature = re.sub(
        r"<dl>|<dd>", lambda tag: f'<span class="sig-{"lines" if tag[0] == "<dl>" else "line"}">', signature
    )
    return re.sub(r"</dl>|</dd>", "</span>", signature)


def _mend_all(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    for file in folder.rglob("*.html"):
        before = file.read_text(encoding="utf-8")
        if "_static" not in file.relative_to(folder).parts and (page := mend(before)) != before:
            file.write_text(page, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it; it keeps no state."""
    app.connect("build-finished", _mend_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
