"""Training that is told to stop leaves a checkpoint and goes on from it; how often checkpoints are written."""

import copy
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from llpp_core.data import PoseDataset, render_figures
from llpp_core.heads import Head, paper_heads
from llpp_core.models import StackedHourglass, seeded
from llpp_core.training import History, Stopped, TrainingConfig, loop, train
from llpp_core.training.run import Run

CONFIG = TrainingConfig(epochs=3, batch_size=4, seed=5)
STEPS = 9
"""Twelve samples, three epochs."""


@pytest.fixture(scope="module")
def data() -> PoseDataset:
    return render_figures(12, 0)


def new() -> tuple[nn.Module, dict[str, Head]]:
    with seeded(0):
        model = StackedHourglass(joints=14, stacks=1, channels=8)
        return model, dict(paper_heads(model, 64))


def after(steps: int):
    """Say stop when asked for the so manieth time, and ever after."""
    asked = iter(range(1, 1000))
    return lambda: next(asked) >= steps


def weights(model: nn.Module, heads: dict[str, Head]) -> list[torch.Tensor]:
    modules = [model, *(head.predictor for head in heads.values())]
    return [value.clone() for module in modules for value in module.state_dict().values()]


@pytest.fixture(scope="module")
def whole(data: PoseDataset) -> tuple[list[torch.Tensor], History]:
    model, heads = new()
    history = train(model, heads, data, CONFIG, progress=False)
    return weights(model, heads), history


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps after which a checkpoint was written."""
    steps: list[int] = []
    original = Run.save

    def save(self: Run, path: Path) -> None:
        steps.append(self.step)
        original(self, path)

    monkeypatch.setattr(Run, "save", save)
    return steps


@pytest.mark.parametrize("step", [1, 2, 3, 4, STEPS])
def test_who_is_stopped_and_goes_on_ends_as_if_nothing_had_been(
    data: PoseDataset, tmp_path: Path, whole: tuple[list[torch.Tensor], History], step: int
) -> None:
    path = tmp_path / "run.pt"
    model, heads = new()
    with pytest.raises(Stopped):
        train(model, heads, data, CONFIG, checkpoint=path, stop=after(step), progress=False)
    assert path.is_file()
    model, heads = new()
    asked: list[bool] = []
    history = train(
        model, heads, data, CONFIG, checkpoint=path, stop=lambda: asked.append(True) is not None, progress=False
    )
    assert len(asked) == STEPS - step  # what was done is not done again
    assert history == whole[1]
    assert all(torch.equal(wanted, got) for wanted, got in zip(whole[0], weights(model, heads), strict=True))


def test_who_is_stopped_after_every_step_gets_there_too(
    data: PoseDataset, tmp_path: Path, whole: tuple[list[torch.Tensor], History]
) -> None:
    for _ in range(STEPS):
        with pytest.raises(Stopped):
            train(*new(), data, CONFIG, checkpoint=tmp_path / "run.pt", stop=lambda: True, progress=False)
    model, heads = new()
    history = train(model, heads, data, CONFIG, checkpoint=tmp_path / "run.pt", stop=lambda: True, progress=False)
    assert history == whole[1]
    assert all(torch.equal(wanted, got) for wanted, got in zip(whole[0], weights(model, heads), strict=True))


def test_stopping_writes_the_checkpoint_at_the_step_under_way(
    data: PoseDataset, tmp_path: Path, saved: list[int]
) -> None:
    with pytest.raises(Stopped):
        train(
            *new(), data, CONFIG, checkpoint=tmp_path / "run.pt", checkpoint_seconds=math.inf, stop=after(5),
            progress=False,
        )  # fmt: skip
    assert saved == [5]


def test_without_a_checkpoint_stopping_leaves_what_was_trained(data: PoseDataset) -> None:
    model, heads = new()
    before = weights(model, heads)
    with pytest.raises(Stopped):
        train(model, heads, data, CONFIG, stop=after(2), progress=False)
    assert any(not torch.equal(old, now) for old, now in zip(before, weights(model, heads), strict=True))


def test_a_finished_run_is_not_stopped_any_more(
    data: PoseDataset, tmp_path: Path, whole: tuple[list[torch.Tensor], History]
) -> None:
    path = tmp_path / "run.pt"
    train(*new(), data, CONFIG, checkpoint=path, progress=False)
    content = path.read_bytes()
    model, heads = new()
    history = train(model, heads, data, CONFIG, checkpoint=path, stop=lambda: pytest.fail("asked"), progress=False)
    assert history == whole[1]
    assert all(torch.equal(wanted, got) for wanted, got in zip(whole[0], weights(model, heads), strict=True))
    assert path.read_bytes() == content


def test_averaged_weights_survive_a_stop(data: PoseDataset, tmp_path: Path) -> None:
    config = replace(CONFIG, average=0.5)
    model, heads = new()
    wanted = copy.deepcopy(train(model, heads, data, config, progress=False))
    ends = weights(model, heads)
    with pytest.raises(Stopped):
        train(*new(), data, config, checkpoint=tmp_path / "run.pt", stop=after(4), progress=False)
    model, heads = new()
    assert train(model, heads, data, config, checkpoint=tmp_path / "run.pt", progress=False) == wanted
    assert all(torch.equal(a, b) for a, b in zip(ends, weights(model, heads), strict=True))


class Clock:
    """A time that goes on by ten seconds whenever an epoch ends."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds", "steps"),
    [(0, [3, 6, 9, 12, 15]), (10, [3, 6, 9, 12, 15]), (10.5, [6, 12, 15]), (20, [6, 12, 15]), (30.0, [9, 15]),
     (1e6, [15]), (math.inf, [15])],
)  # fmt: skip
def test_checkpoints_are_so_many_seconds_apart_but_for_the_last(
    data: PoseDataset, tmp_path: Path, saved: list[int], monkeypatch: pytest.MonkeyPatch, seconds: float,
    steps: list[int],
) -> None:  # fmt: skip
    clock = Clock()
    monkeypatch.setattr(loop, "time", clock)
    original = Run.end_epoch

    def end_epoch(self: Run) -> dict[str, str]:
        clock.now += 10
        return original(self)

    monkeypatch.setattr(Run, "end_epoch", end_epoch)
    config = replace(CONFIG, epochs=5)
    path = tmp_path / "run.pt"
    train(*new(), data, config, checkpoint=path, checkpoint_seconds=seconds, progress=False)
    assert saved == steps


def test_unless_said_otherwise_every_epoch_has_its_checkpoint(
    data: PoseDataset, tmp_path: Path, saved: list[int]
) -> None:
    train(*new(), data, CONFIG, checkpoint=tmp_path / "run.pt", progress=False)
    assert saved == [3, 6, 9]


def test_a_run_between_checkpoints_that_is_killed_goes_on_from_the_last_one(
    data: PoseDataset, tmp_path: Path, whole: tuple[list[torch.Tensor], History]
) -> None:
    def killed_at_five():
        asked = iter(range(1, 1000))

        def stop() -> bool:
            if next(asked) == 5:
                raise RuntimeError("killed")
            return False

        return stop

    for seconds in (0.0, math.inf):
        path = tmp_path / f"{seconds}.pt"
        with pytest.raises(RuntimeError, match="killed"):
            train(
                *new(), data, CONFIG, checkpoint=path, checkpoint_seconds=seconds, stop=killed_at_five(), progress=False
            )
        assert path.exists() == (seconds == 0.0)
        model, heads = new()
        assert train(model, heads, data, CONFIG, checkpoint=path, progress=False) == whole[1]
        assert all(torch.equal(wanted, got) for wanted, got in zip(whole[0], weights(model, heads), strict=True))
