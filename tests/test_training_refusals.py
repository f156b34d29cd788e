"""What ends a training run: a loss that is not finite, with the samples' ids, and parts that do not fit together."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from llpp_core.data import PoseDataset, render_figures
from llpp_core.heads import paper_heads
from llpp_core.losses import learning_loss_pp
from llpp_core.models import StackedHourglass, seeded
from llpp_core.training import TrainingConfig, sample_loss, train
from llpp_core.training.run import Run

CONFIG = TrainingConfig(epochs=3, batch_size=4, seed=5)


@pytest.fixture(scope="module")
def data() -> PoseDataset:
    return render_figures(10, 0)


def new_model(stacks: int = 1) -> StackedHourglass:
    with seeded(0):
        return StackedHourglass(joints=14, stacks=stacks, channels=8)


def with_bad_weight(model: StackedHourglass) -> StackedHourglass:
    with torch.no_grad():
        model.heads[0].bias[0] = torch.nan
    return model


def test_a_task_loss_that_is_not_finite_names_the_batch(data: PoseDataset) -> None:
    with pytest.raises(ValueError, match=r"not finite at step 0; the batch held (everyday-0-\d{6}(, )?){4}$"):
        train(with_bad_weight(new_model()), {}, data, CONFIG, progress=False)


@pytest.mark.parametrize("objective", [learning_loss_pp, lambda predicted, true: (predicted - true).square().mean()])
def test_a_predictors_loss_that_is_not_finite_names_the_predictor_or_the_batch(data: PoseDataset, objective) -> None:
    model = new_model()
    head = replace(paper_heads(model, 64)["LL++"], objective=objective)
    with torch.no_grad():
        head.predictor.last.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"everyday-0-\d{6}"):
        train(model, {"LL++": head}, data, CONFIG, progress=False)


def test_a_step_whose_loss_is_not_finite_changes_no_weight(data: PoseDataset) -> None:
    model = new_model()
    head = replace(paper_heads(model, 64)["LL++"], objective=lambda predicted, true: predicted.sum() * torch.nan)
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(ValueError, match=r"the objective of LL\+\+ is not finite at step 0; .*everyday-0-\d{6}"):
        train(model, {"LL++": head}, data, CONFIG, progress=False)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.fixture
def looking_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for what is not finite as on a GPU: every 25 steps, and where it matters."""
    original = Run.__init__

    def made(self, *arguments) -> None:
        original(self, *arguments)
        self.look_every = 25

    monkeypatch.setattr(Run, "__init__", made)


@pytest.mark.usefixtures("looking_seldom")
def test_an_objective_that_refuses_what_is_not_finite_cannot_hide_the_ids(data: PoseDataset) -> None:
    model = new_model()
    head = paper_heads(model, 64)["LL++"]
    with torch.no_grad():
        head.predictor.last.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"^what LL\+\+ predicts is not finite at step 0; .*everyday-0-\d{6}"):
        train(model, {"LL++": head}, data, CONFIG, progress=False)


@pytest.mark.usefixtures("looking_seldom")
def test_an_interruption_writes_no_checkpoint_of_weights_that_are_not_finite(data: PoseDataset, tmp_path: Path) -> None:
    def broken(predicted: Tensor, true: Tensor) -> Tensor:
        signal.raise_signal(signal.SIGINT)
        return predicted.sum() * torch.nan

    model = new_model()
    head = replace(paper_heads(model, 64)["LL++"], objective=broken)
    with pytest.raises(ValueError, match=r"the objective of LL\+\+ is not finite at step 0; .*everyday-0-\d{6}"):
        train(model, {"LL++": head}, data, CONFIG, checkpoint=tmp_path / "c.pt", progress=False)
    assert not (tmp_path / "c.pt").exists()


def test_a_complaint_of_an_objective_about_something_else_stays(data: PoseDataset) -> None:
    def choosy(predicted: Tensor, true: Tensor) -> Tensor:
        raise ValueError("wanted a larger batch")

    model = new_model()
    head = replace(paper_heads(model, 64)["LL++"], objective=choosy)
    with pytest.raises(ValueError, match=r"^wanted a larger batch$"):
        train(model, {"LL++": head}, data, CONFIG, progress=False)


@pytest.mark.usefixtures("as_users_run_it")
def test_a_model_of_other_joints_is_refused_where_they_would_broadcast(data: PoseDataset) -> None:
    with pytest.raises(ValueError, match=r"wanted heatmaps of shape \(4, 14, 16, 16\), got \(4, 1, 16, 16\)"):
        train(StackedHourglass(joints=1, stacks=1, channels=8), {}, data, CONFIG, progress=False)
    with pytest.raises(ValueError, match=r"wanted heatmaps of shape \(1, 2, 4, 4\), got \(1, 1, 4, 4\)"):
        sample_loss(torch.zeros(1, 1, 4, 4), torch.zeros(1, 2, 4, 4), torch.ones(1, 2, dtype=torch.bool))


def test_a_head_that_reads_what_the_model_has_not_is_told_what_there_is(data: PoseDataset) -> None:
    model = new_model()
    head = replace(paper_heads(model, 64)["LL"], features=("stack1/stride4", "stack9/stride4"))
    wanted = r"reads the features \['stack9/stride4'\], which are not among \['prediction', 'stack1/stride4', "
    with pytest.raises(ValueError, match=wanted):
        train(model, {"LL": head}, data, CONFIG, progress=False)


def test_the_samples_named_are_those_of_the_batch(data: PoseDataset) -> None:
    config = replace(CONFIG, batch_size=7, validation=0.3)  # one batch: all that is not held out
    held_out = torch.randperm(10, generator=torch.Generator().manual_seed(config.seed))[:3].tolist()
    with pytest.raises(ValueError, match=r"not finite at step 0; the batch held ") as error:
        train(with_bad_weight(new_model()), {}, data, config, progress=False)
    named = str(error.value).split("the batch held ")[1].split(", ")
    assert sorted(named) == [id_ for place, id_ in enumerate(data.ids) if place not in held_out]
