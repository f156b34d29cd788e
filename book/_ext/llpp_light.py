"""Sphinx extension: pages without the theme's heaviest scripts, once they are written.

The theme draws its icons in the browser, with a script of 1.5 MB that holds two thousand of them, and gives every page
the search index. Here each icon becomes the drawing that this script would put in its place, as part of the page; and
the index is left to the search page. An icon that is not known ends the build.
"""

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

STYLES = {"fas": "fas", "fa-solid": "fas", "far": "far", "fa-regular": "far", "fab": "fab", "fa-brands": "fab"}
"""The class that says which set an icon is of, and the name of the set in the theme's script."""

_SCRIPT = re.compile(r'\s*<script [^>]*src="[^"]*/scripts/fontawesome\.js[^"]*"[^>]*></script>')
_INDEX = re.compile(r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>')
_ICON = re.compile(r'<(i|span)\s+([^>]*?class="[^"]*\bfa[srb]?[ -][^"]*"[^>]*)>\s*</\1>')
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_DRAWING = re.compile(r'[{,]"?([\w-]+)"?:\[(\d+),(\d+),\[([^\]]*)\],"[0-9a-f]+","([^"]+)"\]')
_ALIAS = re.compile(r'"([\w-]+)"')
_SIZE = re.compile(r"^(?:fa-)?(?:2xs|xs|sm|lg|xl|2xl|fw|\d+x|spin|pulse|rotate-\d+|flip-\w+|inverse)$")


class Drawing(NamedTuple):
    """One icon: the size of its box, and its outline as an SVG path."""

    width: int
    height: int
    path: str


def drawings(script: str) -> dict[tuple[str, str], Drawing]:
    """Return the icons of the theme's script by set (`fas`, `far`, `fab`) and name, other names of them included.

    Raises:
        ExtensionError: the script is not built as this reads it.
    """
    found: dict[tuple[str, str], Drawing] = {}
    *sets, _ = re.split(r'\("(fa[srb])",\w+\),\w+\("fa-\w+",\w+\)', script)
    for entries, style in zip(sets[::2], sets[1::2], strict=True):
        for name, width, height, others, path in _DRAWING.findall(entries):
            drawing = Drawing(int(width), int(height), path)
            found[style, name] = drawing
            for other in _ALIAS.findall(others):
                found.setdefault((style, other), drawing)
    missing = set(STYLES.values()) - {style for style, _ in found}
    if missing:
        raise ExtensionError(f"the theme's fontawesome.js is not read any more: it shows no icons of {sorted(missing)}")
    return found


def draw(page: str, known: Mapping[tuple[str, str], Drawing]) -> str:
    """Return a page with every icon drawn in its place.

    Args:
        page: its HTML.
        known: what `drawings` returned.

    Raises:
        ExtensionError: an icon is not among them.
    """
    return _ICON.sub(lambda match: _svg(dict(_ATTRIBUTE.findall(match[2])), known), page)


def _svg(attributes: dict[str, str], known: Mapping[tuple[str, str], Drawing]) -> str:
    classes = attributes.pop("class").split()
    style = next((STYLES[c] for c in classes if c in STYLES), "fas")
    names = [c[3:] for c in classes if c.startswith("fa-") and c not in STYLES and not _SIZE.match(c)]
    if len(names) != 1 or (style, names[0]) not in known:
        raise ExtensionError(f"no icon for class={' '.join(classes)!r}: wanted one that the theme's fontawesome.js has")
    width, height, path = known[style, names[0]]
    kept = [c for c in classes if c not in STYLES and c != "fa"]
    title = f"<title>{attributes.pop('title')}</title>" if "title" in attributes else ""
    others = "".join(f' {name}="{value}"' for name, value in attributes.items() if name != "aria-hidden")
    hidden = ' role="img"' if title else ' aria-hidden="true"'
    return (
        f'<svg class="svg-inline--fa {html.escape(" ".join(kept))}"{others}{hidden} focusable="false"'
        f' viewBox="0 0 {width} {height}">{title}<path fill="currentColor" d="{path}"/></svg>'
    )


def _lighten(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    script = folder / "_static" / "scripts" / "fontawesome.js"
    if not script.exists():
        raise ExtensionError("the theme has no fontawesome.js any more: look at how it draws its icons")
    known = drawings(script.read_text(encoding="utf-8"))
    for file in folder.rglob("*.html"):
        if "_static" in file.relative_to(folder).parts:
            continue
        before = file.read_text(encoding="utf-8")
        page = draw(_SCRIPT.sub("", before), known)
        if file.name != "search.html" and not app.config.html_context.get("search_as_you_type"):
            page = _INDEX.sub("", page)
        if "fontawesome.js" in page:
            raise ExtensionError(f"{file.name} still loads fontawesome.js, in a way that was not foreseen")
        if page != before:
            file.write_text(page, encoding="utf-8")
    for heavy in [script, *folder.glob("_static/**/*.map")]:
        heavy.unlink()  # 7 MB that no page asks for


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it; the pages are changed when all of them are written."""
    app.connect("build-finished", _lighten, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
