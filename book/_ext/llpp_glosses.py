"""Sphinx extension of the book: symbols and terms say what they mean.

The meanings are written once: in the tables of ``book/notation.md`` (symbols and names in code; a table with a column
of pages is about those pages alone, and goes before the others there) and in the glossary of ``book/glossary.md``.
On every page, mathematics that is exactly a symbol, code that is exactly a name, and links to a term are marked with
``data-gloss``; the texts stand once at the page's end, and ``glosses.js`` shows them by pointer, keyboard and touch.

The first mark of a meaning in a section is the one that the keyboard stops at; a stop at each would bury the rest.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

NOTATION, GLOSSARY = "book/notation", "book/glossary"
_PLAIN = (nodes.Text, nodes.inline, nodes.emphasis, nodes.strong, nodes.literal, nodes.math)
"""What a meaning may hold: a tooltip is read, not followed."""
_ELSEWHERE = (nodes.title, nodes.rubric, nodes.term, nodes.reference, nodes.caption, addnodes.pending_xref, nodes.raw)
"""Where nothing is marked: in headings, and in what already does something when it is pressed."""
_log = logging.getLogger(__name__)


class marked(nodes.inline):  # noqa: N801  docutils names nodes so
    """What has a meaning: ``gloss``, the id of its text, and ``first``, whether the keyboard stops here."""


@dataclass(frozen=True)
class Gloss:
    """One meaning.

    Attributes:
        keys: what is marked with it: ``math:`` and a symbol, ``code:`` and a name, ``term:`` and a term.
        pages: the pages that it is about; none for all.
        text: what is shown, as nodes without links.
    """

    keys: tuple[str, ...]
    pages: tuple[str, ...]
    text: tuple[nodes.Node, ...]


def symbol(tex: str) -> str:
    """Return the symbol that a formula of the table defines: what stands before a relation, without spaces."""
    return re.sub(r"\s+", "", re.split(r"(?<!\\)[=<>]|\\[gl]e\\b|\\propto", tex)[0])


def parts(tex: str) -> list[str]:
    """Return the symbols of a formula that is one, or several with commas; a number that one is held to is left out."""
    return [re.sub(r"(=|<|>|\\[gl]e(?![a-z]))[-\d.]+$", "", part) for part in re.sub(r"\s+", "", tex).split(",")]


def names_of(tex: str) -> list[str]:
    """Return what to look up for one symbol on a page: itself, as an indexed i, and without its index."""
    found = [re.sub(r"\s+", "", tex)]
    found.append(re.sub(r"_j$", "_i", found[0]))
    if re.fullmatch(r"(\\hat)?(l|\\theta|\\mu)_[ij]", found[0]):  # one sample's; w_i is no component of w's meaning
        found.append(found[0][:-2])
    return found


def collect(app: Sphinx, document: nodes.document) -> None:
    """Keep the meanings of the page that was read, where it is one of the two that have them."""
    env = app.env
    found: list[Gloss] = []
    if env.docname == NOTATION:
        for table in document.findall(nodes.table):
            head = [entry.astext() for entry in next(table.findall(nodes.thead)).findall(nodes.entry)]
            rows = next(table.findall(nodes.tbody)).findall(nodes.row)
            found += [_row(dict(zip(head, row.children, strict=True))) for row in rows]
    elif env.docname == GLOSSARY:
        for item in document.findall(nodes.definition_list_item):
            terms = [t.astext() for t in item.findall(nodes.term)]
            first = next(item.findall(nodes.paragraph))
            said = (nodes.strong("", terms[0]), nodes.Text(": "), *_plain(first.children, terms[0]))
            found.append(Gloss(tuple(f"term:{t.lower()}" for t in terms), (), said))
    if found:
        _kept(env)[env.docname] = found


def _row(cells: dict[str, nodes.entry]) -> Gloss:
    symbols = list(cells["symbol"].findall(nodes.math))
    keys = []
    for tex in (s.astext() for s in symbols):
        keys.append(f"math:{symbol(tex)}")
        if tex.endswith(")") and "=" not in tex:  # φ(δ) is called φ too
            keys.append(f"math:{symbol(tex.split('(')[0])}")
    codes = list(cells["in code"].findall(nodes.literal)) if "in code" in cells else []
    keys += [f"code:{c.astext()}" for c in codes]
    pages = (
        [x["reftarget"] for x in cells["on the page"].findall(addnodes.pending_xref)] if "on the page" in cells else []
    )
    text: list[nodes.Node] = []
    for number, part in enumerate([*symbols, *codes]):
        text += [nodes.Text(", ")] * (number > 0) + [part.deepcopy()]
    meaning = _plain(next(cells["meaning"].findall(nodes.paragraph)).children, symbols[0].astext())
    return Gloss(tuple(keys), tuple(pages), (*text, nodes.Text(": "), *meaning))


def _plain(children: Iterable[nodes.Node], what: str) -> Iterator[nodes.Node]:
    """Yield copies of inline nodes, links as their words."""
    for child in children:
        if isinstance(child, addnodes.pending_xref) and child.get("reftype") in ("term", "myst"):
            yield from _plain(child.children, what)
        elif isinstance(child, _PLAIN):
            yield child.deepcopy()
        else:
            _log.warning("the meaning of %r holds a %s: a tooltip takes words and symbols", what, type(child).__name__)


def _kept(env: BuildEnvironment) -> dict[str, list[Gloss]]:
    if not hasattr(env, "llpp_glosses"):
        env.llpp_glosses = {}  # type: ignore[attr-defined]
    return env.llpp_glosses  # type: ignore[attr-defined]


class Mark(SphinxPostTransform):
    """Marks what has a meaning, and leaves the texts that the page needs for `write`."""

    default_priority = 4  # before links are resolved, so that a link's words are marked and no link is in a text
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Mark the page's mathematics, code and terms."""
        page = self.env.docname
        known: dict[str, Gloss] = {}
        typeset = any(self.document.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)))
        for one in (g for found in _kept(self.env).values() for g in found):
            if not typeset and _formulas(one.text):
                continue  # a page of code alone does not load what draws formulas
            if page in one.pages or not one.pages:
                # A meaning of this page alone goes before the others, wherever it stands.
                known.update({k: one for k in one.keys if one.pages or k not in known})
        used: dict[int, tuple[str, Gloss]] = {}
        seen: set[tuple[int, int]] = set()
        for node in list(self.document.findall(_may_be_marked)):
            if page == NOTATION and not isinstance(node, addnodes.pending_xref):
                continue  # here the meanings stand beside the symbols
            glosses = [next((known[k] for k in keys if k in known), None) for keys in _keys(node)]
            if (gloss := glosses[0]) is None or any(g is not gloss for g in glosses):
                continue
            name, _ = used.setdefault(id(gloss), (f"llpp-gloss-{len(used) + 1}", gloss))
            place = (id(_section(node)), id(gloss))
            mark = marked("", "", gloss=name, first=place not in seen)
            seen.add(place)
            target = node.children[0] if isinstance(node, addnodes.pending_xref) else node
            target.parent.replace(target, mark)
            mark += target
        self.document["llpp_glosses"] = [(name, gloss.text) for name, gloss in used.values()]


def _may_be_marked(node: nodes.Node) -> bool:
    if isinstance(node, addnodes.pending_xref):
        return bool(node.get("reftype") == "term")
    if not isinstance(node, nodes.math | nodes.literal):
        return False
    above = node.parent
    while above is not None and not isinstance(above, _ELSEWHERE):
        above = above.parent
    return above is None


def _keys(node: nodes.Node) -> list[list[str]]:
    """Return for each symbol of a node what to look up, the best first."""
    if isinstance(node, addnodes.pending_xref):
        return [[f"term:{node['reftarget'].lower()}"]]
    if isinstance(node, nodes.literal):
        return [[f"code:{node.astext()}"]]
    return [[f"math:{name}" for name in names_of(part)] for part in parts(node.astext())]


def _formulas(text: Iterable[nodes.Node]) -> bool:
    return any(isinstance(node, nodes.math) for part in text for node in part.findall())


def _section(node: nodes.Node) -> nodes.Node:
    while node.parent is not None and not isinstance(node, nodes.section):
        node = node.parent
    return node


def write(app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None) -> None:
    """Put the texts at the end of the page: not into its document, or each would be found by every search."""
    texts = document.get("llpp_glosses") if document is not None else None
    if not texts:
        return
    if any(_formulas(text) for _, text in texts) and not app.env.get_domain("math").has_equations(page):  # type: ignore[attr-defined]
        _log.warning("%s has no mathematics, and a meaning shown on it has: nothing would typeset it", page)
    parts = []
    for name, text in texts:
        paragraph = nodes.paragraph("", "", *(node.deepcopy() for node in text))
        shown = app.builder.render_partial(paragraph)["fragment"]  # type: ignore[attr-defined]
        parts.append(f'<div class="llpp-gloss" role="tooltip" id="{name}">{shown}</div>')
    context["body"] += f'<div class="llpp-glosses">{"".join(parts)}</div>\n'


def _open(self: HTML5Translator, node: marked) -> None:
    first = ' data-gloss-first=""' if node["first"] else ""
    self.body.append(f'<span class="llpp-marked" data-gloss="{node["gloss"]}"{first}>')


def _close(self: HTML5Translator, node: marked) -> None:
    self.body.append("</span>")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of it."""
    app.add_node(marked, html=(_open, _close))
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", lambda app, env, page: _kept(env).pop(page, None))
    app.connect("env-merge-info", lambda app, env, pages, other: _kept(env).update(_kept(other)))
    app.connect("html-page-context", write)
    app.add_post_transform(Mark)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
