"""The data that an experiment's plan asks for, of rendered figures; and where pages keep their runs."""

from pathlib import Path

import pytest
import torch

import llpp_core
from llpp_core.experiment import DataPlan, load_splits, planned_splits, runs_folder

PLAN = DataPlan(kind="figures", size=16, train=6, test=4, pool=5)


def test_figures_are_as_many_and_as_large_as_planned() -> None:
    splits = planned_splits(PLAN, 0)
    assert (len(splits.train), len(splits.test), len(splits.pool)) == (6, 4, 5)
    assert {part.size for part in (splits.train, splits.test, splits.pool)} == {16}
    kinds = [[name.split("-")[0] for name in part.ids] for part in (splits.train, splits.test, splits.pool)]
    assert kinds == [["everyday"] * 6, ["everyday"] * 4, ["everyday"] * 3 + ["acrobatic"] * 2]


def test_figures_are_those_of_the_seed_of_the_repetition() -> None:
    splits, again, other = (planned_splits(PLAN, seed) for seed in (3, 3, 4))
    wanted = load_splits("figures", seed=3, size=16, train_figures=6, test_figures=4, pool=5)
    for part in ("train", "test", "pool"):
        first, second, third, fourth = (getattr(s, part) for s in (splits, again, wanted, other))
        assert torch.equal(first.images, second.images)
        assert torch.equal(first.images, third.images)
        assert first.ids == third.ids
        assert not torch.equal(first.images, fourth.images)


def test_figures_need_no_folder_whatever_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLPP_DATA", "/no/such/folder")
    named = planned_splits(PLAN, 0, data="/no/such/folder either", progress=False)
    assert torch.equal(named.pool.images, planned_splits(PLAN, 0).pool.images)


def test_other_data_are_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLPP_DATA", raising=False)
    with pytest.raises(ValueError, match=r"LSP and LSPET: name their folder by --data or LLPP_DATA"):
        planned_splits(DataPlan(kind="lsp_lspet", size=64, train=10), 0)
    with pytest.raises(ValueError, match=r"a folder that holds mpii/.*name it by --data or LLPP_DATA"):
        planned_splits(DataPlan(kind="mpii", size=64, train=10), 0)


def test_a_folder_of_runs_that_is_named_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert runs_folder(str(tmp_path / "mine")) == tmp_path / "mine"
    assert runs_folder("~/mine") == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()


def test_pages_keep_their_runs_in_the_cache_or_here_where_nothing_is_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLPP_CACHE", str(tmp_path))
    folder = runs_folder()
    assert folder.parent == tmp_path
    assert folder.name.startswith("runs-")
    assert runs_folder("auto") == folder
    monkeypatch.setenv("LLPP_CACHE", "off")
    assert runs_folder() == Path("runs")


def test_other_code_keeps_its_runs_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLPP_CACHE", str(tmp_path / "cache"))
    package = tmp_path / "llpp_core"
    (package / "in").mkdir(parents=True)
    monkeypatch.setattr(llpp_core, "__file__", str(package / "__init__.py"))
    names = []
    for path, text in (
        ("__init__.py", "x = 1"), ("in/a.py", "y = 1"), ("in/a.py", "y = 2"), ("in/notes.txt", "not code"),
    ):  # fmt: skip
        (package / path).write_text(text)
        names.append(runs_folder().name)
    assert len(set(names[:3])) == 3
    assert names[3] == names[2]
