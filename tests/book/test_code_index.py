"""The index of code and the page of proofs lead to each other, and neither leaves anything out."""

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "book" / "_ext"))  # for the extension, which is no package

import llpp_code_index as code_index  # noqa: E402

PROOFS = (ROOT / "book" / "proofs.md").read_text()
FOUND = code_index.proofs(PROOFS)
INDEX = code_index.by_function(FOUND)


def test_the_page_of_proofs_is_read_whole() -> None:
    assert len(FOUND) == len(re.findall(r"^\(proof-", PROOFS, flags=re.M))
    assert sum(len(p.code) for p in FOUND) == PROOFS.count(":::{dropdown} Code:")
    assert sum(p.equation is not None for p in FOUND) == len(re.findall(r"^### \{eq\}", PROOFS, flags=re.M))
    assert {p.chapter for p in FOUND} <= set(re.findall(r"^## (.+)$", PROOFS, flags=re.M))


def test_every_equation_of_a_chapter_is_held_by_code_in_the_index() -> None:
    pages = [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "book").glob("*.md")]
    written = {label for page in pages for label in re.findall(r"\((eq-[\w-]+)\)", page.read_text())}
    held = {proof.equation for proofs in INDEX.values() for proof in proofs} - {None}
    assert held == written


@pytest.mark.parametrize(("path", "name"), INDEX)
def test_an_entry_is_a_definition_of_the_package_and_has_its_equations(path: str, name: str) -> None:
    body: list[ast.stmt] = ast.parse((ROOT / path).read_text()).body
    for part in name.split("."):
        (found,) = (node for node in body if getattr(node, "name", None) == part)
        body = getattr(found, "body", [])
    sections = re.findall(r"^\(proof-([\w-]+)\)=\n(.*?)(?=^\(proof-|\Z)", PROOFS, flags=re.M | re.S)
    shown = [label for label, text in sections if f"Code: `{name}` in `{path}`" in text]
    assert shown
    assert [proof.label for proof in INDEX[path, name]] == shown


def test_ids_are_told_apart() -> None:
    ids = [code_index.anchor(path, name) for path, name in INDEX]
    assert len(set(ids)) == len(ids)


def test_the_built_pages_lead_to_each_other_both_ways(book: Path, open_page: Any) -> None:
    there = open_page(book / "book/code_index.html")
    entries = there.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("dt[id^=code-]")].map(dt =>
            [dt.id, [...dt.nextElementSibling.querySelectorAll("a")].map(a => a.getAttribute("href"))]))"""
    )
    assert set(entries) == {code_index.anchor(path, name) for path, name in INDEX}
    for (path, name), proofs in INDEX.items():
        links = entries[code_index.anchor(path, name)]
        for proof in proofs:
            assert f"proofs.html#proof-{proof.label}" in links
            if proof.equation:
                assert any(link.endswith(f"#equation-{proof.equation}") for link in links), proof.equation

    back = open_page(book / "book/proofs.html")
    boxes = back.page.evaluate(
        """() => [...document.querySelectorAll("article details")].map(box => [
            box.querySelector("summary").textContent.trim(),
            [...box.querySelectorAll("a[href*='code_index']")].map(a => a.getAttribute("href"))])"""
    )
    shown = 0
    for title, links in boxes:
        if code := re.match(r"Code: ([\w.]+) in ([\w/.]+)", title):
            shown += 1
            assert links == [f"code_index.html#{code_index.anchor(code[2], code[1])}"]
        else:
            assert not links, title
    assert shown == PROOFS.count(":::{dropdown} Code:")
    ids = back.page.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert {f"proof-{proof.label}" for proof in FOUND} <= set(ids)
    assert not there.complaints
    assert not back.complaints


def test_a_reader_goes_from_a_function_to_its_equation_and_back(book: Path, open_page: Any) -> None:
    visit = open_page(book / "book/code_index.html")
    key = ("llpp_core/analysis/objectives.py", "Objective.optimal_gap")
    entry = visit.page.locator(f"dt#{code_index.anchor(*key)} + dd")
    assert "gap" in entry.locator("p").first.inner_text()
    entry.locator("a[href='proofs.html#proof-log-loss']").click()
    visit.page.wait_for_url("**/proofs.html#proof-log-loss")
    section = visit.page.locator("section:has(> span#proof-log-loss)")
    box = section.locator("details").first
    box.locator("summary").click()
    box.locator("a[href*='code_index']").click()
    visit.page.wait_for_url(f"**/code_index.html#{code_index.anchor(*key)}")


@pytest.mark.parametrize(
    ("source", "name", "sentence"),
    [
        ('def f():\n    """Return it. And more."""', "f", "Return it."),
        ('class A:\n    """A."""\n    def g(self):\n        """Go;\n        on.\n\n        Not this."""', "A.g", "Go"),
        ('def f():\n    """Return it (Eq. 2). More."""', "f", "Return it (Eq. 2)."),
        ("def f(): ...", "f", ""),
    ],
)
def test_the_first_sentence_of_a_docstring(source: str, name: str, sentence: str) -> None:
    assert code_index.says(source, name) == sentence
