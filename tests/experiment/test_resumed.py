"""Runs that were stopped, damaged, mixed up or out of disk space end as one to which nothing happened."""

import errno
import json
import os
import resource
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from folders import METHODS, differences, times, tinier, tiny

from llpp_core import experiment, store
from llpp_core.experiment import Outcome, Results, Splits, runner
from llpp_core.experiment import splits as data_of

UNIT = "seed0/LL++/stage1"


def run(folder: Path, **options: object) -> Outcome:
    """Go on with the tiny experiment whose run lies in ``folder``."""
    return experiment.run(tiny(), folder.parent, device="cpu", progress=False, **options)  # type: ignore[arg-type]


def stop_after(steps: int) -> Callable[[], bool]:
    asked = [0]

    def stop() -> bool:
        asked[0] += 1
        return asked[0] > steps

    return stop


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def aside(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "set_aside").iterdir())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """An undisturbed run of two small units. Its folder is not to be changed."""
    return experiment.run(tinier(stages=1), tmp_path_factory.mktemp("small"), device="cpu", progress=False)


@pytest.mark.parametrize("steps", [5, 7])  # less does not last for the scoring, which begins anew every time
def test_a_run_stopped_anywhere_goes_on_to_the_same_bytes(small: Outcome, tmp_path: Path, steps: int) -> None:
    calls, left = 0, ["something"]
    while left:
        outcome = experiment.run(tinier(stages=1), tmp_path, device="cpu", progress=False, stop=stop_after(steps))
        left, calls = list(outcome.left), calls + 1
        assert calls < 10, "no progress"
    assert calls > 2
    assert "seed0/base: stopped; the next run goes on there" in (outcome.folder / "log.txt").read_text()
    assert differences(small.folder, outcome.folder) == []
    manifest = json.loads((outcome.folder / "seed0/base/manifest.json").read_text())
    assert manifest["about"]["resumed"] is True


def test_a_stopped_unit_keeps_a_checkpoint_and_is_left(tmp_path: Path) -> None:
    outcome = experiment.run(tiny(), tmp_path, device="cpu", progress=False, stop=stop_after(5))
    assert (outcome.done, outcome.left[0]) == ((), "seed0/base")
    assert [path.name for path in (outcome.folder / "seed0/base").iterdir()] == ["checkpoint.pt"]


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    **{f"{name} with another byte": (name, lambda f, n=name: flip(f / n))
       for name in ("metrics.csv", "selected.csv", "pool.csv", "model.safetensors", "manifest.json")},
    "metrics.csv emptied": ("metrics.csv", lambda f: os.truncate(f / "metrics.csv", 0)),
    "model.safetensors cut short": ("model.safetensors", lambda f: os.truncate(f / "model.safetensors", 10_000)),
    "manifest.json cut short": ("manifest.json", lambda f: os.truncate(f / "manifest.json", 100)),
    "selected.csv gone": ("selected.csv", lambda f: (f / "selected.csv").unlink()),
    "test.csv a folder": ("test.csv", lambda f: (f / "test.csv").unlink() or (f / "test.csv").mkdir()),
}  # fmt: skip


@pytest.mark.parametrize("unit", ["seed0/base", UNIT])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_only_its_unit_redone(whole: Outcome, again: Path, unit: str, damage: str) -> None:
    if unit == "seed0/base" and damage not in ("selected.csv gone", "manifest.json with another byte"):
        return  # a base model takes no other path; it costs more
    name, harm = DAMAGES[damage]
    others = times(again, but=unit)
    harm(again / unit)
    outcome = run(again)
    assert (len(outcome.done), outcome.left) == (11, ())
    assert len(outcome.notices) == 1
    assert str(again / unit / name) in outcome.notices[0]
    assert aside(again) == [f"{unit.replace('/', '-')}.1"]
    assert differences(whole.folder, again) == []
    assert times(again, but=unit) == others
    assert (again / "log.txt").read_text().count(": begun") == 12  # eleven, and one once more
    assert run(again).notices == ()


def test_results_name_a_damaged_unit_and_go_without_it(again: Path) -> None:
    flip(again / UNIT / "metrics.csv")
    before = times(again)
    results = Results.read(again)
    assert len(results.records) == 9  # the stage that stands on it is in doubt too
    assert len(results.notices) == 2
    assert results.notices[1] == "left out, since they stand on units that are not complete: seed0/LL++/stage2"
    assert f"{again / UNIT / 'metrics.csv'} is not what was written" in results.notices[0]
    assert times(again) == before
    with pytest.raises(ValueError, match=rf"{UNIT.replace('+', '[+]')} of .* is not complete"):
        results.ids(experiment.Unit(0, 1, "LL++"), "test")


@pytest.mark.parametrize(
    "change", [flip, lambda p: os.truncate(p, 10), lambda p: p.write_text("[]"), lambda p: p.unlink()]
)
def test_a_damaged_description_is_set_aside_and_nothing_redone(
    whole: Outcome, again: Path, change: Callable[[Path], object]
) -> None:
    units = times(again, but="experiment.json")
    change(again / "experiment.json")
    gone = not (again / "experiment.json").exists()
    outcome = run(again)
    assert len(outcome.notices) == (0 if gone else 1)
    assert all("experiment.json" in notice for notice in outcome.notices)
    assert times(again, but="experiment.json") == units
    assert differences(whole.folder, again) == []


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run that was stopped in the training of its base model, after its first epoch: the checkpoint."""
    outcome = experiment.run(tinier(stages=1), tmp_path / "runs", device="cpu", progress=False, stop=stop_after(5))
    return outcome.folder / "seed0/base/checkpoint.pt"


def change_a_weight(path: Path) -> None:
    """Change one bit of a number that training goes on from."""
    state = torch.load(path, weights_only=True)
    weights = max((v for v in state["modules"].values() if v.is_floating_point()), key=lambda v: v.numel())
    content = bytearray(path.read_bytes())
    at = content.find(bytes(weights.untyped_storage()))
    assert at > 0
    content[at + 2] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [change_a_weight, flip, lambda p: os.truncate(p, 20_000), lambda p: os.truncate(p, 0),
     lambda p: p.write_bytes(b"x" * 99), lambda p: torch.save({"epoch": 1}, p), lambda p: p.unlink() or p.mkdir()],
    ids=["a weight", "a byte", "cut short", "empty", "no checkpoint", "another file", "a folder"],
)  # fmt: skip
def test_a_damaged_checkpoint_is_named_and_training_begun_anew(
    small: Outcome, stopped: Path, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    damage(stopped)
    outcome = experiment.run(tinier(stages=1), tmp_path / "runs", device="cpu", progress=False)
    assert len(outcome.notices) == 1
    assert str(stopped) in outcome.notices[0]
    assert aside(outcome.folder) == ["seed0-base-checkpoint.pt.1"]
    assert differences(small.folder, outcome.folder) == []
    assert json.loads((stopped.parent / "manifest.json").read_text())["about"]["resumed"] is False


def test_another_run_s_checkpoint_is_no_beginning(small: Outcome, stopped: Path, tmp_path: Path) -> None:
    other = tinier(stages=1, seeds=[3])
    there = experiment.run(other, tmp_path / "other", device="cpu", progress=False, stop=stop_after(5))
    shutil.copy(there.folder / "seed3/base/checkpoint.pt", stopped)
    outcome = experiment.run(tinier(stages=1), tmp_path / "runs", device="cpu", progress=False)
    assert len(outcome.notices) == 1
    assert "is the checkpoint of another run" in outcome.notices[0]
    assert differences(small.folder, outcome.folder) == []


def test_a_checkpoint_beside_a_complete_unit_is_taken_away(whole: Outcome, again: Path) -> None:
    (again / UNIT / "checkpoint.pt").write_text("of a process killed after its last write")
    assert run(again).notices == ()
    assert differences(whole.folder, again) == []


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "a folder"])
def test_a_foreign_file_is_named_and_set_aside_and_nothing_redone(whole: Outcome, again: Path, name: str) -> None:
    before = times(again)
    if name == "a folder":
        (again / UNIT / name).mkdir()
        (again / UNIT / name / "file").write_text("mine")
    else:
        (again / UNIT / name).write_text("mine")
    outcome = run(again)
    assert outcome.notices == (f"{again / UNIT / name} is no file of this run",)
    assert aside(again) == [f"seed0-LL++-stage1-{name}.1"]
    assert times(again) == before
    assert differences(whole.folder, again) == []


def test_a_unit_of_another_experiment_is_foreign(whole: Outcome, again: Path, tmp_path: Path) -> None:
    others = experiment.run(
        tiny(training={"epochs": 1}, stages=1, methods={"LL++": METHODS["LL++"]}), tmp_path / "other", device="cpu",
        progress=False,
    )  # fmt: skip
    for unit in ("seed0/base", UNIT):
        shutil.rmtree(again / unit)
        shutil.copytree(others.folder / unit, again / unit)
    results = Results.read(again)
    assert not results.records  # all others stand on the base unit
    assert f"{again / 'seed0/base'} is foreign here" in results.notices[0]
    assert "stand on units that are not complete: seed0/random/stage1, " in results.notices[1]
    outcome = run(again)
    assert len(outcome.notices) == 2
    assert all("is foreign here: its experiment is" in notice for notice in outcome.notices)
    assert differences(whole.folder, again) == []


def test_a_unit_in_the_place_of_another_one_is_foreign(whole: Outcome, again: Path) -> None:
    shutil.rmtree(again / UNIT)
    shutil.copytree(again / "seed0/random/stage1", again / UNIT)
    outcome = run(again)
    assert len(outcome.notices) == 1
    assert f"{again / UNIT} is foreign here: its unit is 'seed0/random/stage1'" in outcome.notices[0]
    assert differences(whole.folder, again) == []


def test_a_unit_whose_manifest_is_gone_is_done_again(whole: Outcome, again: Path) -> None:
    others = times(again, but=UNIT)
    (again / UNIT / "manifest.json").unlink()
    (again / UNIT / ".metrics.csv.abc.part").write_text("half")
    outcome = run(again)
    assert (outcome.left, outcome.notices) == ((), ())
    assert differences(whole.folder, again) == []
    assert times(again, but=UNIT) == others


@pytest.mark.parametrize("blocked", ["seed0/base", "seed0/base/metrics.csv", "seed0/base/checkpoint.pt"])
def test_something_else_in_the_place_of_what_is_to_be_written_is_set_aside(
    small: Outcome, tmp_path: Path, blocked: str
) -> None:
    plan = tinier(stages=1)
    place = tmp_path / "runs" / plan.folder_name / blocked
    place.parent.mkdir(parents=True)
    if blocked == "seed0/base":
        place.write_text("a file where a folder is wanted")
    else:
        place.mkdir()
    outcome = experiment.run(plan, tmp_path / "runs", device="cpu", progress=False)
    assert (outcome.left, len(outcome.notices)) == ((), 1)
    assert blocked in outcome.notices[0]
    assert differences(small.folder, outcome.folder) == []


def moved(monkeypatch: pytest.MonkeyPatch, by: float, *, shared: bool) -> None:
    """Let the annotations be others by some pixels, the ids the same."""
    original = data_of.planned_splits

    def planned(plan: experiment.DataPlan, seed: int, **options: object) -> Splits:
        splits = original(plan, 0 if shared else seed, **options)  # type: ignore[arg-type]
        return Splits(*(replace(part, joints=part.joints + by) for part in vars(splits).values()))

    monkeypatch.setattr(data_of, "planned_splits", planned)


def refused(again: Path) -> None:
    before = times(again)
    with pytest.raises(ValueError, match=rf"{again} was begun on other data"):
        run(again)
    assert times(again) == before


def test_other_data_are_one_clear_error_and_nothing_is_lost(again: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (again / UNIT / "manifest.json").unlink()  # something is to be done
    moved(monkeypatch, 1.0, shared=False)
    refused(again)
    monkeypatch.undo()
    assert run(again).left == ()


def test_a_damaged_base_is_not_redone_on_other_data(
    whole: Outcome, again: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(again / "seed0/base/metrics.csv")
    moved(monkeypatch, 1.0, shared=False)
    with pytest.raises(ValueError, match="was begun on other data"):
        run(again)
    monkeypatch.undo()
    assert run(again).left == ()
    assert differences(whole.folder, again) == []


def test_data_are_checked_for_all_that_a_number_depends_on(again: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = data_of.planned_splits

    def planned(*args: object, **options: object) -> Splits:
        splits = original(*args, **options)  # type: ignore[arg-type]
        heads = torch.full((len(splits.test),), 9.0)
        return replace(splits, test=replace(splits.test, head_length=heads))

    (again / UNIT / "manifest.json").unlink()
    monkeypatch.setattr(data_of, "planned_splits", planned)
    refused(again)


@pytest.mark.parametrize("nth", [2, 10, 24])
def test_a_full_disk_is_an_oserror_and_loses_nothing(
    small: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    plan, synced, sync = tinier(stages=1), [0], os.fsync

    def fsync(handle: int) -> None:
        synced[0] += 1
        if synced[0] >= nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    monkeypatch.setattr(runner, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left on device"):
        experiment.run(plan, tmp_path / "runs", device="cpu", progress=False)
    folder = tmp_path / "runs" / plan.folder_name
    assert not list(folder.rglob("*.part"))
    complete = {path.parent for path in folder.rglob("manifest.json")}
    assert all(store.read_record(path) is not None for path in complete)
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("manifest.json")}
    monkeypatch.setattr(os, "fsync", sync)
    outcome = experiment.run(plan, tmp_path / "runs", device="cpu", progress=False)
    assert (outcome.left, outcome.notices) == ((), ())
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
    assert differences(small.folder, outcome.folder) == []


@pytest.mark.parametrize("room", [1_500, 60_000])
def test_a_disk_that_takes_no_more_bytes_is_an_oserror_for_every_kind_of_file(tmp_path: Path, room: int) -> None:
    """By a limit on the size of files, which torch and safetensors meet as a full disk. 60 kB hold no checkpoint."""
    plan = tinier(stages=1)
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(OSError):  # noqa: PT011 - the system's sentence, not ours
            experiment.run(plan, tmp_path / "runs", device="cpu", progress=False)
        trained = experiment.build(plan, ("left_knee", "right_knee"), seed=0)
        with pytest.raises(OSError):  # noqa: PT011
            experiment.save_trained(tmp_path / "model.safetensors", trained)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.rglob("*.part"))
    assert not (tmp_path / "model.safetensors").exists()
    outcome = experiment.run(plan, tmp_path / "runs", device="cpu", progress=False)
    assert (outcome.left, outcome.notices) == ((), ())
