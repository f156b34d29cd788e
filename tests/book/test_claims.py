"""The page of claims: nineteen rows, each with a verdict of five, and what it rests on as links."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "book" / "claims.md"
VERDICTS = ("holds", "holds with a correction", "does not hold here", "not decided here", "not tested")
TABLE = re.search(r"^```\{list-table\}.*?^```$", PAGE.read_text(), flags=re.M | re.S)
ROWS = [
    [" ".join(cell.split()) for cell in re.split(r"^(?:\* -|  -)", row, flags=re.M)[1:]]
    for row in re.split(r"^(?=\* -)", TABLE[0], flags=re.M)[2:]
]
LINK = r"\[[^\]]+\]\((?:\.\./notebooks/\w+\.ipynb(?:#[\w-]+)?|\w+\.md(?:#[\w-]+)?)\)"


def test_there_is_a_row_for_each_of_the_nineteen_claims() -> None:
    assert [row[0] for row in ROWS] == [str(n) for n in range(1, 20)]
    assert {len(row) for row in ROWS} == {6}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_has_a_claim_links_and_a_verdict(row: list[str]) -> None:
    _, claim, *evidence, verdict = row
    assert claim.endswith(".")
    said = re.match(r"\*\*([\w ]+)\*\*", verdict)
    assert said
    assert said[1] in VERDICTS
    for cell in evidence:
        assert cell == "–" or re.fullmatch(rf"{LINK}(?:, {LINK})*", cell), cell
    if said[1] != "not tested":
        assert any(cell != "–" for cell in evidence), "a verdict rests on something"
    if said[1] == "holds with a correction":
        assert len(verdict) > len(said[0]) + 20, "the correction is not named"
