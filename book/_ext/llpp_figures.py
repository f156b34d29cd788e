"""Sphinx extension of the book: figures are numbered by chapter and can be referred to.

Figures, drawings, galleries and explorers come as raw HTML, of which Sphinx knows nothing. Each is made a node that it
counts as it counts figures of its own, with a number in its caption, an address, and a label made of its name, which is
the file name of its data::

    {numref}`fig-push-regions` shows where the two objectives disagree.

A figure's name is its own in the whole book: two of one name are a warning, and so is a label that no figure has. An
explorer may stand on several pages; its label has the page's name in front, ``fig-intro-gradient-landscape``.
"""

import html
import re
from pathlib import PurePosixPath
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

_BLOCK = re.compile(r'<(?:figure|div)\b[^>]*\bclass="[^"]*\bllpp-(?:figure|explorer)(?!-)[^>]*>')
_CAPTION = re.compile(r"<figcaption\b[^>]*>")
_logger = logging.getLogger(__name__)


class llpp_figure(nodes.General, nodes.Element):  # noqa: N801, as docutils names nodes
    """A figure: ``markup`` is its HTML; its one child is the caption, for the search and for other builders."""


class NumberFigures(SphinxTransform):
    """Puts a `llpp_figure` in the place of every raw HTML that holds a figure or an explorer."""

    default_priority = 300  # before the labels of the page are collected

    def apply(self, **_: Any) -> None:
        """Replace them in the order of the page."""
        taken: set[str] = set()
        for raw in list(self.document.findall(nodes.raw)):
            if raw.get("format") == "html" and _BLOCK.search(raw.astext()):
                figure = self._figure(raw, taken)
                raw.replace_self(figure)
                self.document.note_explicit_target(figure, figure)

    def _figure(self, raw: nodes.raw, taken: set[str]) -> llpp_figure:
        markup, place = _captioned(raw.astext()), self.env.docname
        label, own = _label(markup, place)
        if own and label in taken:
            _logger.warning("two figures of this page have the label %s: give one another name", label, location=place)
        first, count = label, 1
        while label in taken:
            count += 1
            label = f"{first}-{count}"
        taken.add(label)
        figure = llpp_figure("", markup=markup, classes=raw["classes"], names=[label])
        figure.source, figure.line = raw.source, raw.line
        caption = re.search(r"<figcaption\b[^>]*>(.*?)</figcaption>", markup, flags=re.DOTALL)
        words = html.unescape(re.sub(r"<[^>]+>", "", caption[1] if caption else "")).strip()
        figure += nodes.paragraph("", words)
        return figure


def _captioned(markup: str) -> str:
    """Return the HTML with a caption, which is an explorer's name where it brings none."""
    if _CAPTION.search(markup):
        return markup
    name = re.search(r'\bdata-explorer="([^"]+)"', markup)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name[1]).capitalize() if name else ""
    return f'<figure class="llpp-explorer-figure">{markup}<figcaption>{words}</figcaption></figure>'


def _label(markup: str, place: str) -> tuple[str, bool]:
    """Return the label of a figure, and whether it is the figure's own rather than one made of the page's name."""
    if (name := re.search(r'\bdownload="([^"]+)\.csv"', markup)) and "data-explorer=" not in markup:
        return f"fig-{_slug(name[1])}", True
    page = _slug(re.sub(r"^\d+_", "", PurePosixPath(place).name))
    explorer = re.search(r'\bdata-explorer="([^"]+)"', markup)
    kind = _slug(re.sub(r"(?<=[a-z])(?=[A-Z])", "-", explorer[1])) if explorer else "figure"
    return f"fig-{page}-{kind}", False


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace("++", "pp")).strip("-")


def visit_html(translator: Any, node: llpp_figure) -> None:
    """Write the figure in a box with its address, and its number in front of the caption."""
    body, markup = translator.body, node["markup"]
    caption = _CAPTION.search(markup)
    assert caption  # the transform saw to it
    end = markup.index("</figcaption>", caption.end())
    body.append(translator.starttag(node, "div", "", classes=["llpp-numbered"]))
    body.append(markup[: caption.end()])
    translator.add_fignumber(node)
    body.append(markup[caption.end() : end])
    translator.add_permalink_ref(node, "Link to this figure")
    body.append(f"{markup[end:]}</div>")
    raise nodes.SkipNode


def _nothing(translator: Any, node: nodes.Element) -> None:
    """Leave it to the caption: builders other than HTML show that alone."""


def _title(node: nodes.Node) -> str:
    return str(node.astext())


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of it; nothing keeps state, so pages may be read and written in parallel."""
    other = (_nothing, _nothing)
    app.add_enumerable_node(
        llpp_figure, "figure", _title, html=(visit_html, _nothing), latex=other, text=other, man=other, texinfo=other
    )
    app.add_transform(NumberFigures)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
