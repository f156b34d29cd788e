"""The units of an experiment, their order, and the tables that they leave."""

import math
from pathlib import Path

import pytest
import torch
from folders import tiny
from hypothesis import given
from hypothesis import strategies as st

from llpp_core.experiment import Unit, units
from llpp_core.experiment.tables import column, read_table, write_table
from llpp_core.experiment.units import choosers


def test_there_is_one_base_a_seed_and_one_unit_a_method_and_stage() -> None:
    plan = tiny(seeds=[3, 1], stages=2)
    names = [unit.name for unit in units(plan)]
    assert names[:2] == ["seed3/base", "seed1/base"]
    assert names[2:4] == ["seed3/random/stage1", "seed3/core_set/stage1"]
    assert len(names) == len(set(names)) == 2 * (1 + 5 * 2)
    assert [unit.seed for unit in units(plan)][2:] == [3] * 10 + [1] * 10


def test_a_unit_comes_after_what_it_stands_on() -> None:
    seen: set[Unit] = set()
    for unit in units(tiny(seeds=[0, 1], stages=3, budget=2)):
        assert unit.before is None or unit.before in seen
        seen.add(unit)


def test_what_a_unit_stands_on() -> None:
    assert Unit(4).before is None
    assert Unit(4, 1, "LL").before == Unit(4)
    assert Unit(4, 3, "LL").before == Unit(4, 2, "LL")


def test_who_chooses_with_which_model() -> None:
    plan = tiny(stages=2)
    assert choosers(plan, Unit(0)) == ["random", "core_set", "LL++", "entropy", "clusters"]
    assert choosers(plan, Unit(0, 1, "entropy")) == ["entropy"]
    assert choosers(plan, Unit(0, 2, "entropy")) == []  # nobody asks for more after the last stage
    assert choosers(tiny(stages=1), Unit(0, 1, "random")) == []


TEXT = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(TEXT, st.floats(width=32), st.integers()), max_size=6))
def test_a_table_comes_back_with_its_float32_numbers(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float, int]]
) -> None:
    path = tmp_path_factory.mktemp("table") / "a.csv"
    write_table(path, ["id", "value", "n"], rows)
    read = read_table(path)
    assert [row["id"] for row in read] == [row[0] for row in rows]
    assert [int(row["n"]) for row in read] == [row[2] for row in rows]
    wanted = torch.tensor([row[1] for row in rows], dtype=torch.float32)
    assert torch.equal(column(read, "value").nan_to_num(7.5), wanted.nan_to_num(7.5))
    assert torch.equal(column(read, "value").isnan(), wanted.isnan())


def test_an_absent_number_is_an_empty_cell(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", ["id", "value"], [["a", math.nan], ["b", 0.1], ["c", math.inf]])
    assert (tmp_path / "a.csv").read_text() == "id,value\na,\nb,0.1\nc,inf\n"


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", ["id", "value"], [["a", 1.0]])
    with pytest.raises(ValueError, match="wanted a column 'pck', there are id, value"):
        column(read_table(tmp_path / "a.csv"), "pck")
