"""Sphinx extension of the book: which equations a function holds, from the page that says which code holds an equation.

``book/proofs.md`` names, under each equation, the functions and methods that state or derive it. The directive
``{code-index}`` turns that round: a list of those functions by module, each with its equations. Every box of code on
the page of proofs links to its entry here, and every entry to its sections there. Nothing is written twice.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

PROOFS = "book/proofs"
_SECTION = re.compile(r"^\(proof-([\w-]+)\)=\n### (?:\{eq\}`(eq-[\w-]+)` )?(.+)$")
_CODE = re.compile(r"^:::\{dropdown\} Code: `([\w.]+)` in `([\w/.]+)`$")
_TITLE = re.compile(r"^Code: ([\w.]+) in ([\w/.]+)$")


@dataclass(frozen=True)
class Proof:
    """A section of the page of proofs.

    Attributes:
        label: the part behind ``proof-``.
        equation: label of its equation; none for what stands beside the equations.
        title: its heading without the equation's number.
        chapter: the heading above it.
        code: (path, name) of each function or method that it shows, in order.
    """

    label: str
    equation: str | None
    title: str
    chapter: str
    code: tuple[tuple[str, str], ...]


def proofs(text: str) -> list[Proof]:
    """Return the sections of the page of proofs, in order."""
    found: list[Proof] = []
    chapter = ""
    for block in re.split(r"^(?=\(proof-|## )", text, flags=re.MULTILINE):
        lines = block.splitlines()
        if block.startswith("## "):
            chapter = lines[0].removeprefix("## ")
        elif head := _SECTION.match("\n".join(lines[:2])):
            code = tuple((m[2], m[1]) for line in lines if (m := _CODE.match(line)))
            found.append(Proof(head[1], head[2], head[3], chapter, code))
    return found


def by_function(found: list[Proof]) -> dict[tuple[str, str], list[Proof]]:
    """Return the sections that show each function or method, by (path, name) in alphabetical order."""
    index: dict[tuple[str, str], list[Proof]] = {}
    for proof in found:
        for code in dict.fromkeys(proof.code):
            index.setdefault(code, []).append(proof)
    return dict(sorted(index.items()))


def anchor(path: str, name: str) -> str:
    """Return the id of a function's entry."""
    return "code-" + re.sub(r"[^a-z0-9]+", "-", f"{module(path)}.{name}".lower()).strip("-")


def module(path: str) -> str:
    """Return a file of the package as Python imports it."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def says(source: str, name: str) -> str:
    """Return the first sentence of a definition's docstring; nothing where it has none."""
    body: list[ast.stmt] = ast.parse(source).body
    found: ast.stmt | None = None
    for part in name.split("."):
        found = next((n for n in body if getattr(n, "name", None) == part), None)
        body = getattr(found, "body", [])
    doc = ast.get_docstring(found) if isinstance(found, ast.FunctionDef | ast.ClassDef) else None
    paragraph = " ".join((doc or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.;:])(?<!Eq\.)(?<!Fig\.)(?<!No\.)\s", paragraph)[0].rstrip(";:")


class CodeIndex(SphinxDirective):
    """``{code-index}``: the functions and methods that hold an equation, by module."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each module."""
        page = Path(self.env.doc2path(PROOFS))
        self.env.note_dependency(str(page))
        index = by_function(proofs(page.read_text(encoding="utf-8")))
        out: list[nodes.Node] = []
        for path in dict.fromkeys(path for path, _ in index):
            source = page.parents[1] / path
            self.env.note_dependency(str(source))
            listed = nodes.definition_list(classes=["llpp-code-index"])
            for (where, name), held in index.items():
                if where == path:
                    listed += self._entry(path, name, source.read_text(encoding="utf-8"), held)
            room = module(path).removeprefix("llpp_core.")
            out.append(nodes.section("", nodes.title("", room), listed, ids=[nodes.make_id(f"module-{room}")]))
        return out

    def _entry(self, path: str, name: str, source: str, held: list[Proof]) -> nodes.definition_list_item:
        term = nodes.term("", "", nodes.literal("", name), ids=[anchor(path, name)])
        body = nodes.definition()
        if sentence := says(source, name):
            plain = re.sub(r"`+", "", sentence)
            body += nodes.paragraph("", plain)
        lines = []
        for proof in held:
            number = f"{{eq}}`{proof.equation}` " if proof.equation else ""
            place = "" if proof.title == proof.chapter else f" ({proof.chapter})"
            lines.append(f"- {number}{proof.title}{place}: [code and tests](proofs.md#proof-{proof.label})")
        body += self.parse_text_to_nodes("\n".join(lines))
        return nodes.definition_list_item("", term, body)


class LinkFromProofs(SphinxPostTransform):
    """Ends each box of code on the page of proofs with a link to the entry of its function."""

    default_priority = 5  # before the boxes are turned into HTML's details
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Add the links."""
        pages = self.env.found_docs
        home = next((page for page in sorted(pages) if page.endswith("code_index")), None)
        if self.env.docname != PROOFS or home is None:
            return
        for box, path, name in _boxes(self.document):
            target = f"{self.app.builder.get_relative_uri(PROOFS, home)}#{anchor(path, name)}"
            link = nodes.reference("", "", nodes.literal("", name), internal=True, refuri=target)
            box += nodes.paragraph("", "", nodes.Text("All that "), link, nodes.Text(" holds is in the index of code."))


def _boxes(document: nodes.document) -> Iterator[tuple[nodes.container, str, str]]:
    for box in document.findall(nodes.container):
        if box.get("design_component") == "dropdown" and (title := _TITLE.match(box.children[0].astext())):
            yield box, title[2], title[1]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both directions."""
    app.add_directive("code-index", CodeIndex)
    app.add_post_transform(LinkFromProofs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
