"""The reproduction's plan, on the tiny experiment: followed, stopped, gone on with, recorded."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from folders import tinier, tiny
from typer.testing import CliRunner

from llpp_core import experiment
from llpp_core.cli import app
from llpp_core.data import render_figures
from llpp_core.experiment import (
    FULL,
    REDUCED,
    Recorded,
    Step,
    build,
    follow,
    load_experiment,
    plan,
    record,
    reproduce,
    restore,
)
from llpp_core.experiment.tables import write_table
from llpp_core.training import Stopped, score, train

STEPS = (
    Step("base", "tiny", stages=0),
    Step("along", "tiny", followed=True),
    Step("stages of one", "tiny", (0,), ("LL++",)),
)


@pytest.fixture(autouse=True)
def of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "load_experiment", lambda name: tiny())


def test_the_plan_is_done_step_by_step_and_recorded(tmp_path: Path, whole: experiment.Outcome) -> None:
    said: list[str] = []
    left = reproduce(
        STEPS, tmp_path / "runs", tmp_path / "into", commit="abc", device="cpu", say=said.append, progress=False
    )
    assert left == []
    assert said == [f"{step.what}: {how}" for step in STEPS for how in ("begun", "done")]
    recorded = Recorded.read(tmp_path / "into" / "tiny")
    assert recorded.experiment == tiny()
    units = [unit["unit"] for unit in recorded.provenance["units"]]
    assert units == ["seed0/base", "seed0/LL++/stage1", "seed0/LL++/stage2"]
    assert {unit["commit"] for unit in recorded.provenance["units"]} == {"abc"}
    # The very numbers of a run in one go, and the training that was followed ends with them.
    results = experiment.Results.read(whole.folder)
    wanted = results.values("PCK@0.2", split="test")
    assert recorded.values("PCK@0.2", split="test") == wanted
    assert recorded.tested("PCK@0.2", "LL++", 2) == results.tested("PCK@0.2", "LL++", 2)
    along = recorded.table("along.csv", whole=("seed", "epoch", "n"))
    last = {(row["split"], row["of"], row["metric"]): row["value"] for row in along if row["epoch"] == 2}
    assert last["test", "", "PCK@0.2"] == wanted[0]
    assert last["pool", "LL++", "Pearson"] == results.values("Pearson", split="pool", of="LL++")[0]


def test_a_plan_out_of_time_goes_on_where_it_was(tmp_path: Path) -> None:
    runs, into = tmp_path / "runs", tmp_path / "into"
    assert reproduce(STEPS, runs, into, commit="a", device="cpu", seconds=0, progress=False) == list(STEPS)
    steps = iter(range(10**6))
    left = reproduce(STEPS, runs, into, commit="a", device="cpu", stop=lambda: next(steps) > 12, progress=False)
    assert left
    assert reproduce(STEPS, runs, into, commit="a", device="cpu", progress=False) == []
    straight = tmp_path / "straight"
    reproduce(STEPS, straight, straight / "into", commit="a", device="cpu", progress=False)
    for name in ("metrics.csv", "reading.csv", "picked.csv", "along.csv"):
        assert (into / "tiny" / name).read_text() == (straight / "into" / "tiny" / name).read_text(), name


def test_a_machine_with_nothing_but_the_record_goes_on_from_there(tmp_path: Path) -> None:
    into, straight = tmp_path / "into", tmp_path / "straight"
    reproduce(STEPS[:2], tmp_path / "first", into, commit="a", device="cpu", progress=False)
    shutil.rmtree(tmp_path / "first")
    said: list[str] = []
    assert reproduce(STEPS, tmp_path / "new", into, commit="b", device="cpu", say=said.append, progress=False) == []
    assert "base: 1 units were recorded before" in said
    assert not list((tmp_path / "new").rglob("along.csv"))
    recorded = Recorded.read(into / "tiny")
    made = {unit["unit"]: unit["commit"] for unit in recorded.provenance["units"]}
    assert made == {"seed0/base": "a", "seed0/LL++/stage1": "b", "seed0/LL++/stage2": "b"}
    reproduce(STEPS, straight, straight / "into", commit="c", device="cpu", progress=False)
    for name in ("metrics.csv", "selected.csv", "reading.csv", "picked.csv", "along.csv"):
        assert (into / "tiny" / name).read_text() == (straight / "into" / "tiny" / name).read_text(), name


def test_every_unit_is_recorded_once_it_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that vanishes in the second seed leaves the first one in the record."""
    monkeypatch.setattr(plan, "load_experiment", lambda name: tinier(seeds=[0, 1, 2]))
    into = tmp_path / "into"

    def vanish() -> bool:
        if (into / "tiny" / "provenance.json").exists():
            raise SystemExit
        return False

    with pytest.raises(SystemExit):
        reproduce(STEPS[:1], tmp_path / "runs", into, commit="a", device="cpu", stop=vanish, progress=False)
    assert [unit["unit"] for unit in Recorded.read(into / "tiny").provenance["units"]] == ["seed0/base"]


def test_base_models_that_are_recorded_without_their_choices_are_not_trained_again(tmp_path: Path) -> None:
    into = tmp_path / "into"
    reproduce(STEPS[:1], tmp_path / "first", into, commit="a", device="cpu", progress=False)
    (into / "tiny" / "selected.csv").unlink()
    assert reproduce(STEPS[:1], tmp_path / "new", into, commit="b", device="cpu", progress=False) == []
    assert {unit["commit"] for unit in Recorded.read(into / "tiny").provenance["units"]} == {"a"}
    assert not list((tmp_path / "new").rglob("manifest.json"))
    # Nor is a followed training lost, though the run's folder is new.
    assert reproduce(STEPS[1:2], tmp_path / "new", into, commit="b", device="cpu", progress=False) == []
    assert plan.is_followed(Recorded.read(into / "tiny"))
    shutil.rmtree(tmp_path / "new")
    # A later stage has to know what was chosen, so it begins with the base model.
    assert reproduce(STEPS[2:], tmp_path / "new", into, commit="b", device="cpu", progress=False) == []
    assert {unit["commit"] for unit in Recorded.read(into / "tiny").provenance["units"]} == {"b"}


@pytest.mark.parametrize("step", REDUCED, ids=lambda step: step.what)
def test_what_the_repository_records_of_the_reduced_plan_is_not_done_again(step: Step) -> None:
    place = Path(__file__).parents[2] / "book" / "results" / step.experiment
    of = load_experiment(step.experiment)
    if step.followed or not place.is_dir():
        return
    left = plan._seeds_left(step, of, Recorded.read(place))
    assert left == [seed for seed in of.seeds if f"seed{seed}/base" not in {
        unit["unit"] for unit in Recorded.read(place).provenance["units"]}]  # fmt: skip
    assert len(left) < len(of.seeds)


def test_seeds_of_several_machines_come_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "load_experiment", lambda name: tinier(seeds=[0, 1, 2]))
    into = tmp_path / "into"
    for seed in (2, 0):
        run = tmp_path / f"run{seed}"
        experiment.run(tinier(seeds=[0, 1, 2]), run, seeds=[seed], stages=0, device="cpu", progress=False)
        record(next(run.glob("tiny-*")), into / "tiny", commit=str(seed))
    recorded = Recorded.read(into / "tiny")
    assert [(unit["unit"], unit["commit"]) for unit in recorded.provenance["units"]] == [
        ("seed0/base", "0"), ("seed2/base", "2"),
    ]  # fmt: skip
    assert list(recorded.values("PCK@0.2", split="test")) == [0, 2]
    for name in ("metrics.csv", "selected.csv", "reading.csv", "picked.csv"):
        assert list(dict.fromkeys(row["seed"] for row in recorded.cells(name))) == ["0", "2"], name
    # A choice that is not recorded cannot be stood on: that base model is made anew, and the other one is not.
    rows = recorded.cells("selected.csv")
    write_table(into / "tiny" / "selected.csv", list(rows[0]), [list(row.values()) for row in rows[1:]])
    assert restore(Recorded.read(into / "tiny"), tmp_path / "new") == ["seed2/base"]
    assert restore(Recorded.read(into / "tiny"), tmp_path / "new") == []


def test_the_record_of_another_experiment_is_replaced(whole: experiment.Outcome, tmp_path: Path) -> None:
    run = experiment.run(tinier(), tmp_path, stages=0, device="cpu", progress=False)
    record(whole.folder, tmp_path / "into", commit="a")
    (tmp_path / "into" / "along.csv").write_text("of the other\n")
    recorded = record(run.folder, tmp_path / "into", commit="b")
    assert recorded.experiment == tinier()
    assert [unit["unit"] for unit in recorded.provenance["units"]] == ["seed0/base"]
    assert not recorded.cells("along.csv")


def test_a_training_that_is_followed_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    asked = iter(range(10**6))
    with pytest.raises(Stopped):
        follow(tiny(), tmp_path / "a", seed=0, epochs=[1, 2], stop=lambda: next(asked) >= 2, progress=False)
    rows = follow(tiny(), tmp_path / "a", seed=0, epochs=[1, 2], progress=False)
    assert rows == follow(tiny(), tmp_path / "b", seed=0, epochs=[1, 2], progress=False)
    assert {row["epoch"] for row in rows} == {"1", "2"}
    assert {row["split"] for row in rows} == {"test", "pool"}


def test_of_a_large_pool_a_sample_is_followed(tmp_path: Path) -> None:
    rows = follow(tiny(), tmp_path, seed=0, epochs=[2], pool=11, progress=False)
    assert {row["n"] for row in rows if row["split"] == "pool" and row["metric"] == "Pearson"} == {"11"}


@pytest.mark.parametrize(("epochs", "pool", "wanted"), [([3], None, "epochs from 1 to 2"), ([1], 1, "at least 2")])
def test_what_cannot_be_followed_is_refused(tmp_path: Path, epochs: list[int], pool: int | None, wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        follow(tiny(), tmp_path, seed=0, epochs=epochs, pool=pool, progress=False)


def test_what_is_no_run_or_no_record_is_refused(whole: experiment.Outcome, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wanted the folder of a run"):
        record(tmp_path, tmp_path / "into", commit="a")
    with pytest.raises(ValueError, match=r"with experiment\.json and metrics\.csv"):
        Recorded.read(tmp_path)
    with pytest.raises(ValueError, match="no table of a training that was followed"):
        record(whole.folder, tmp_path / "into", commit="a", along=next(whole.folder.rglob("pool.csv")))
    with pytest.raises(ValueError, match=r"has no along\.csv"):
        record(whole.folder, tmp_path / "into", commit="a").table("along.csv")
    (tmp_path / "into" / "experiment.json").write_text(json.dumps({"name": 3}))
    with pytest.raises(ValueError, match="describes no experiment"):
        Recorded.read(tmp_path / "into")


@pytest.mark.parametrize("step", [*FULL, *REDUCED], ids=lambda step: step.what)
def test_every_step_names_what_there_is(step: Step) -> None:
    of = load_experiment(step.experiment)
    assert set(step.seeds or of.seeds) <= set(of.seeds)
    assert set(step.methods or of.methods) <= set(of.methods)
    assert of.data.kind == "lsp_lspet"


@pytest.mark.parametrize("name", sorted({step.experiment for step in FULL}))
def test_the_models_of_the_full_size_train_and_score(name: str) -> None:
    """A step of each, as a GPU takes it but for the device: nothing is left to be found out there."""
    of = load_experiment(name)
    data = render_figures(2, 0, size=of.data.size)
    trained = build(of, data.joint_names, seed=0)
    joint = min(1, of.training.joint_epochs)
    settings = replace(of.training, epochs=1, batch_size=2, joint_epochs=joint, device="cpu")
    train(trained.model, trained.heads, data, settings, progress=False)
    scores = score(trained.model, trained.heads, data, bfloat16=settings.bfloat16, progress=False)
    assert set(scores.predicted_loss) == set(of.predictors)


def test_the_command_wants_real_data() -> None:
    answer = CliRunner().invoke(app, ["reproduce", "--data", "figures"])
    assert answer.exit_code == 2
    assert "wanted LSP and LSPET" in answer.output


def test_no_stage_below_the_base_models(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 0, got -1"):
        experiment.run(tiny(), tmp_path, stages=-1, progress=False)
