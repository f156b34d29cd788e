"""Exercises: in every chapter of theory, each with a folded solution, and code in it that prints what it states."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("0[1-5]_*.ipynb"))
EXERCISE = re.compile(r"^:::\{exercise\} (\S[^\n]*)\n:label: ex-([\w-]+)\n\n(.+?)\n:::$", flags=re.M | re.S)
START = re.compile(r"^:::\{solution-start\} ex-([\w-]+)\n:label: solution-([\w-]+)\n:class: dropdown\n:::$", flags=re.M)
END = ":::{solution-end}\n:::"

# What a solution states in numbers, as its code prints it with the parameters that the book has.
STATED = {
    "tie": [r"loss of a tie 1, push 0", r"16 decimals: 0\.000%", r" 2 decimals: [12]\.\d+%"],
    "ranks": [r"\b3 samples: smallest range 2 ξ", r"16 samples: smallest range 15 ξ"],
    "steps": [r"worked example: 4 steps", r"formula misses 0"],
    "squared-hinge": [
        r"g = margin\*\(2\*pi - 1\)",
        r"π = 0\.51: hinge 1\.00, squared 0\.02",
        r"π = 1: .* squared 1\.00",
    ],
    "units": [r"Learning Loss: all losses times c, change 0", r"LearningLoss\+\+: all losses times c, change 0"],
    "step-size": [r"0\.95 .*after 100 steps \de-0[4-9]", r"1\.05 .*after 100 steps \de-01"],
    "slope": [
        r"k = 5: slope 10/11, 2k/\(2k\+1\) = 10/11",
        r"k = 4: .* is 0\.28768, .* = 0\.28768",
        r"0\.4: slope .* 0\.4000",
    ],
    "reverse": [r"what is claimed: 0", r"rests at (?:2\.00|1\.99)\d ± 0\.002 turned round", r"at 1\.810 as it was"],
    "laplace": [r"difference to 1 − exp\(−z\): \de-1[56]", r"function: 1/\(y\*\*2 \+ 1\)"],
    "relative-gap": [r"k = 256: P .* = 1\.00\d\d"],
    "unequal": [r"n/2 = 4, k = 4\.00", r"n/2 = 501, k = 1\.10"],
    "small-shape": [r"k = 0\.4: .* by 1\.7411, claimed 1\.7411", r"k = 4: .* by 2\.0000, claimed 2\.0000"],
    "half-margin": [r"ξ = 0\.1161, (\S+) Θ\n.*ξ = 0\.01161, \1 Θ"],
    "spread": [r"towards the ends:\nz = .*: 0\.000\d\n"],
    "opening": [r"k = 4: push / gap 0\.08333, .* = 0\.08333", r"to the 0\.(?:4999|5000), 2k − 1 = 0\.5"],
    "mean-push": [r"k = 1: 0\.2500", r"k = 64: 0\.0352.*= 0\.0353"],
    "noisy-shape": [
        r"k = 0\.3: a tie's push 0\.2\d+, at rest 1\.1\d+ apart; .*: 1\.17, 1\.17, 1\.21",
        r"k = 4: .* 1\.49, 1\.05, 0\.01",
    ],
    "far-end": [r"k = 0\.5: .* is 1\.273\d, the limit 1\.2732", r"k = 1: .* the limit 1\.0000"],
    "zeta": [r"h is a sum: 2 ζ₁ / ζ₂ = 1\.000000", r"and a rest: 2 ζ₁ / ζ₂ = 0\."],
    "lone": [r"n = 512: 1\.9[89]\d ± 0\.\d+, half and half 1\.997"],
    "sharp": [r"α = 256: gap at rest (?:1\.00|0\.99)\d ± 0\.004", r"log π/\(1 − π\) = 1\.000, π = 0\.731"],
    "how-many": [r"k = 0\.5: n = 38 ", r"k = 1: n = 20 ", r"k = 4: n = 6 "],
}


def cells_of(chapter: Path) -> list[Any]:
    return nbformat.read(chapter, as_version=4).cells


def solutions(cells: list[Any]) -> dict[str, list[Any]]:
    """The code cells of each solution, by its exercise's label."""
    found: dict[str, list[Any]] = {}
    inside = None
    for cell in cells:
        if cell.cell_type == "code":
            if inside:
                found[inside].append(cell)
            continue
        for part in re.split(r"(?=^:::\{solution-)", cell.source, flags=re.M):
            if started := START.match(part):
                assert inside is None, f"{started[1]} begins within {inside}"
                inside = started[1]
                found[inside] = []
            elif part.startswith(END):
                inside = None
    assert inside is None, f"{inside} has no end"
    return found


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_has_exercises_each_with_a_solution_that_runs_code(chapter: Path) -> None:
    cells = cells_of(chapter)
    text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    labels = [label for _, label, _ in EXERCISE.findall(text)]
    assert 3 <= len(labels) <= 5
    assert len(labels) == text.count("{exercise}"), "an exercise has another form than its neighbours"
    assert START.findall(text) == [(label, label) for label in labels], "solutions in the order of the exercises"
    for label, code in solutions(cells).items():
        assert any("print(" in c.source for c in code), f"the solution of {label} shows no number"
        assert set(STATED) >= {label}, f"no statement of {label} is looked up in what its code printed"


def test_a_label_names_one_exercise_of_the_book() -> None:
    labels = [label for chapter in CHAPTERS for label in solutions(cells_of(chapter))]
    assert sorted(labels) == sorted(STATED)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_what_a_solution_states_is_what_its_code_printed(book: Path, chapter: Path) -> None:
    staged = book.parent / "source" / "notebooks" / chapter.name
    for label, code in solutions(cells_of(staged)).items():
        printed = "".join(o.text for cell in code for o in cell.outputs if o.output_type == "stream")
        for statement in STATED[label]:
            assert re.search(statement, printed), f"{label}: no {statement!r} in\n{printed}"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_exercises_are_numbered_and_a_solution_opens_at_the_keyboard(book: Path, open_page: Any, chapter: Path) -> None:
    visit = open_page(book / "notebooks" / f"{chapter.stem}.html")
    count = len(solutions(cells_of(chapter)))
    titles = visit.page.locator("div.exercise > .admonition-title").all_inner_texts()
    number = int(chapter.stem[:2])
    assert [t.split(" (")[0] for t in titles] == [f"Exercise {number}.{n}" for n in range(1, count + 1)]
    boxes = visit.page.locator("div.solution")
    assert boxes.count() == count
    for box in boxes.all():
        content, button = box.locator(".solution-content"), box.locator("button.toggle-button")
        assert content.locator(".cell_output").count() > 0
        assert not content.is_visible()
        button.focus()
        button.press("Enter")
        assert content.is_visible()
        assert content.locator(".cell_output").first.is_visible()
    visit.page.wait_for_function(
        """() => [...document.querySelectorAll("div.solution pre")].every(
            code => code.scrollWidth <= code.clientWidth || code.tabIndex === 0)"""
    )
    ids = visit.page.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids)), "an id stands twice"
    assert not visit.complaints


def test_the_text_leads_to_exercises_by_number(book: Path) -> None:
    html = (book / "notebooks/03_pairs_too_close.html").read_text()
    assert re.search(r'href="#ex-unequal"[^>]*>(?:<[^>]+>)*Exercise 3\.3<', html)
    for chapter in CHAPTERS:
        words = " ".join(
            c["source"] if isinstance(c["source"], str) else "".join(c["source"])
            for c in json.loads(chapter.read_text())["cells"]
        )
        assert not re.search(r"\b(?:first|second|third|fourth|fifth)\s+exercise", words), "say which, with a link"
