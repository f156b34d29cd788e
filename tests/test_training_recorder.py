"""What a training run records of held-out samples, and that recording leaves no trace in it."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from llpp_core.data import PoseDataset, render_figures
from llpp_core.explorers.run_record import checked
from llpp_core.heads import Head, paper_heads
from llpp_core.metrics import pck, torso_length
from llpp_core.models import StackedHourglass, seeded
from llpp_core.training import Recorder, Stopped, TrainingConfig, score, train

CONFIG = TrainingConfig(epochs=3, batch_size=4, seed=5)


@pytest.fixture(scope="module")
def data() -> PoseDataset:
    return render_figures(12, 0)


@pytest.fixture(scope="module")
def held_out() -> PoseDataset:
    return render_figures(6, 1)


def new() -> tuple[nn.Module, dict[str, Head]]:
    with seeded(0):
        model = StackedHourglass(joints=14, stacks=1, channels=8)
        return model, dict(paper_heads(model, 64))


def weights(model: nn.Module, heads: dict[str, Head]) -> list[torch.Tensor]:
    modules = [model, *(head.predictor for head in heads.values())]
    return [value.clone() for module in modules for value in module.state_dict().values()]


@pytest.mark.parametrize("options", [{}, {"average": 0.5}, {"validation": 0.25}])
def test_who_is_recorded_ends_with_the_very_weights(data, held_out, options) -> None:
    config = replace(CONFIG, **options)
    plain, watched = new(), new()
    torch.manual_seed(3)
    history = train(*plain, data, config, progress=False)
    recorder = Recorder(*watched, held_out)

    def after_step() -> bool:
        recorder.after_step()
        return False

    assert train(*watched, data, config, each_epoch=recorder, stop=after_step, progress=False) == history
    assert all(torch.equal(a, b) for a, b in zip(weights(*plain), weights(*watched), strict=True))
    assert recorder.record["epochs"] == [1, 2, 3]


def test_the_record_is_what_scoring_says(data, held_out) -> None:
    model, heads = new()
    recorder = Recorder(model, heads, held_out)
    train(model, heads, data, CONFIG, each_epoch=recorder, progress=False)
    scores = score(model, heads, held_out, progress=False)
    record = recorder.record
    assert checked(record) == json.loads(json.dumps(record))
    assert record["ids"] == list(held_out.ids)
    for name in heads:
        assert record["methods"][name][-1] == pytest.approx(scores.predicted_loss[name].tolist(), rel=5e-4)
        assert record["methods"][name][0] != record["methods"][name][-1]
    assert record["true_loss"][-1] == pytest.approx(scores.true_loss.tolist(), rel=5e-4)
    correct = pck(scores.joints, held_out.joints, held_out.annotated, torso_length(held_out)).mean
    assert record["pck"][-1] == pytest.approx(correct, rel=5e-4)
    assert "gradient_norm" not in record


def test_gradient_norms_are_the_mean_over_the_steps(data, held_out) -> None:
    model, heads = new()
    recorder = Recorder(model, heads, held_out)
    seen: list[float] = []

    def after_step() -> bool:
        recorder.after_step()
        seen.append(sum(float(p.grad.square().sum()) for p in heads["LL++"].predictor.parameters()) ** 0.5)
        return False

    train(model, heads, data, CONFIG, each_epoch=recorder, stop=after_step, progress=False)
    expected = [sum(seen[n : n + 3]) / 3 for n in (0, 3, 6)]
    assert recorder.record["gradient_norm"]["LL++"] == pytest.approx(expected, rel=1e-3)
    assert checked(recorder.record)


def test_a_long_run_keeps_few_epochs_and_the_last(held_out) -> None:
    model, heads = new()
    recorder = Recorder(model, heads, held_out, most=4)
    for epoch in range(1, 14):
        recorder(epoch)
        assert recorder.record["epochs"][-1] == epoch
        assert len(recorder.record["epochs"]) <= 4
        assert checked(recorder.record)
    assert recorder.record["epochs"] == [4, 8, 12, 13]


def test_samples_without_torso_leave_no_accuracy(held_out) -> None:
    bare = replace(held_out, annotated=held_out.annotated.clone())
    for name in ("right_shoulder", "left_shoulder"):
        bare.annotated[:, bare.index(name)] = False
    model, heads = new()
    recorder = Recorder(model, heads, bare)
    recorder(1)
    assert recorder.record["pck"] == []
    assert checked(recorder.record)


def test_what_cannot_be_recorded_is_refused(held_out) -> None:
    model, heads = new()
    with pytest.raises(ValueError, match=r"at least 3 samples, .* has 2"):
        Recorder(model, heads, held_out.subset([0, 1]))
    bare = replace(held_out, annotated=held_out.annotated.clone())
    bare.annotated[4] = False
    with pytest.raises(ValueError, match=rf"{held_out.ids[4]} has no annotated joint"):
        Recorder(model, heads, bare)
    with pytest.raises(ValueError, match="at least 2 epochs, got 1"):
        Recorder(model, heads, held_out, most=1)


def test_each_epoch_is_told_once_and_not_again_after_a_stop(data, tmp_path) -> None:
    told: list[int] = []
    asked = iter(range(1, 100))
    with pytest.raises(Stopped):
        train(*new(), data, CONFIG, checkpoint=tmp_path / "run.pt", each_epoch=told.append,
              stop=lambda: next(asked) >= 4, progress=False)  # fmt: skip
    assert told == [1]
    train(*new(), data, CONFIG, checkpoint=tmp_path / "run.pt", each_epoch=told.append, progress=False)
    assert told == [1, 2, 3]
