"""Every numbered equation links to a section on the page of proofs, which shows the code and the test that hold it."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROOFS = ROOT / "book" / "proofs.md"


def prose_of(path: Path) -> str:
    """The Markdown of a page or notebook."""
    if path.suffix == ".md":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


PAGES = {
    path.relative_to(ROOT).as_posix(): prose_of(path)
    for path in sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "book").glob("*.md")])
}
EQUATIONS = [(label, page) for page, text in PAGES.items() for label in re.findall(r"\(eq-([\w-]+)\)", text)]
SECTIONS = dict(re.findall(r"^\(proof-([\w-]+)\)=\n(.*?)(?=^\(proof-|\Z)", PROOFS.read_text(), flags=re.M | re.S))
BOX = re.compile(r"^:::\{dropdown\} (.*)\n```\{literalinclude\} (\S+)\n:pyobject: (\S+)\n```\n:::$", flags=re.M)


def definitions(source: str) -> set[str]:
    """Names of the functions and classes of a source, and of the methods as Class.method."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return found


def test_equations_and_sections_were_found() -> None:
    assert {"learning-loss", "learning-loss-pp-gradient"} <= {label for label, _ in EQUATIONS} & set(SECTIONS)


def test_a_label_is_used_once() -> None:
    labels = [label for label, _ in EQUATIONS]
    assert sorted(labels) == sorted(set(labels))
    assert len(SECTIONS) == len(re.findall(r"^\(proof-", PROOFS.read_text(), flags=re.M))


@pytest.mark.parametrize(("label", "page"), EQUATIONS)
def test_an_equation_has_a_section_that_names_it(label: str, page: str) -> None:
    assert label in SECTIONS, f"book/proofs.md has no section (proof-{label})= for the equation of {page}"
    heading = SECTIONS[label].splitlines()[0]
    assert heading.startswith("### {eq}`eq-" + label + "` "), heading


@pytest.mark.parametrize(("label", "page"), EQUATIONS)
def test_the_page_of_an_equation_links_to_its_proof(label: str, page: str) -> None:
    linked = re.findall(r"\]\((?:\.\./book/)?proofs\.md#proof-([\w-]+)\)", PAGES[page])
    assert label in linked, f"{page} has no link such as [Code and tests](../book/proofs.md#proof-{label})"


@pytest.mark.parametrize("label", SECTIONS)
def test_a_section_shows_code_and_a_test_that_exist(label: str) -> None:
    boxes = BOX.findall(SECTIONS[label])
    assert len(boxes) == SECTIONS[label].count("{literalinclude}"), "a box has another form than its neighbours"
    for title, path, name in boxes:
        file = (PROOFS.parent / path).resolve()
        where = file.relative_to(ROOT).as_posix()
        kind = "Test" if where.startswith("tests/") else "Code"
        assert title == f"{kind}: `{name}` in `{where}`"
        assert name in definitions(file.read_text()), f"{where} has no {name}"
        assert kind == "Code" or name.split(".")[-1].startswith("test_") or name.startswith("Test")
    kinds = {title.split(":")[0] for title, _, _ in boxes}
    assert kinds == {"Code", "Test"}, f"proof-{label} shows {kinds or 'nothing'}"


def test_every_section_proves_an_equation_or_stands_beside_them() -> None:
    for label, text in SECTIONS.items():
        named = re.match(r"### \{eq\}`eq-([\w-]+)` ", text)
        assert (named[1] if named else None) == (label if label in dict(EQUATIONS) else None), label
