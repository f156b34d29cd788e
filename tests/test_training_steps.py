"""One step of the training loop, in its parts: what enters the losses, the rate, and each process's part."""

import math
from dataclasses import replace

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.testing import assert_close

from llpp_core.data import PoseDataset, heatmaps, render_figures
from llpp_core.data.augment import Augmentation, as_input
from llpp_core.heads import paper_heads
from llpp_core.losses import learning_loss_pp
from llpp_core.models import StackedHourglass, seeded
from llpp_core.training import TrainingConfig, parallel, sample_loss, train
from llpp_core.training import run as run_module
from llpp_core.training.run import Run
from llpp_core.training.true_loss import task_loss

STILL = Augmentation(flip=0.0, rotation=0.0, scale=0.0, shift=0.0, color=0.0)
CONFIG = TrainingConfig(epochs=2, batch_size=4, seed=5, augmentation=STILL)


@pytest.fixture(scope="module")
def data() -> PoseDataset:
    return render_figures(8, 0)


def new_model(stacks: int = 1) -> StackedHourglass:
    with seeded(0):
        return StackedHourglass(joints=14, stacks=stacks, channels=8)


def test_task_loss_by_hand() -> None:
    target = torch.zeros(1, 2, 2, 2)
    target[0, 0, 0, 0] = 1.0
    first, second = torch.zeros(1, 2, 2, 2), torch.full((1, 2, 2, 2), 2.0)
    annotated = torch.tensor([[True, False]])
    # Of 8 pixels: an error of 1 weighted 4; then of −1 weighted 4 and three of 2 weighted 1.
    assert float(task_loss([first, second], target, annotated, foreground=3.0)) == 4 / 8 + (4 + 3 * 4) / 8


@pytest.mark.parametrize(("sigma", "foreground"), [(1.0, 20.0), (1.7, 3.0)])
def test_the_first_step_has_the_losses_of_the_data(data: PoseDataset, sigma: float, foreground: float) -> None:
    model, fresh, seen = new_model(stacks=2), new_model(stacks=2), []

    def objective(predicted: Tensor, true: Tensor) -> Tensor:
        seen.append(true)
        return learning_loss_pp(predicted, true)

    heads = {"LL++": replace(paper_heads(model, 64)["LL++"], objective=objective)}
    config = replace(CONFIG, epochs=1, batch_size=8, sigma=sigma, foreground=foreground)
    history = train(model, heads, data, config, progress=False)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(config.seed))
    shuffled = data.subset(order)
    with torch.no_grad():
        output = fresh.train()(as_input(shuffled.images))
    target = heatmaps.draw(shuffled.joints, shuffled.annotated, 64, sigma=sigma)
    wanted = sample_loss(output.prediction, target, shuffled.annotated)
    task = task_loss(output.predictions, target, shuffled.annotated, foreground=foreground)
    assert_close(seen[0], wanted, rtol=1e-3, atol=1e-4)
    assert history.true_loss == pytest.approx([float(wanted.mean())], rel=1e-3)
    assert history.task_loss == pytest.approx([float(task)], rel=1e-3)


def test_the_history_has_the_means_of_an_epochs_steps(data: PoseDataset) -> None:
    model, seen = new_model(), []

    def objective(predicted: Tensor, true: Tensor) -> Tensor:
        value = learning_loss_pp(predicted, true)
        seen.append((float(true.mean()), float(value.detach())))
        return value

    heads = {"LL++": replace(paper_heads(model, 64)["LL++"], objective=objective)}
    history = train(model, heads, data, CONFIG, progress=False)
    steps = torch.tensor(seen).view(2, 2, 2)  # (epoch, step, what)
    assert_close(torch.tensor(history.true_loss), steps[..., 0].mean(1))
    assert_close(torch.tensor(history.objective["LL++"]), steps[..., 1].mean(1))


def test_a_step_follows_its_own_gradient_alone(data: PoseDataset) -> None:
    model, seen = new_model(), []
    original = torch.optim.Adam.step

    def step(self, *arguments, **options):
        seen.append([p.grad.clone() for p in model.parameters()])
        return original(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", step)
        # So slow that the second epoch meets the same weights, in batches that hold all samples.
        train(model, {}, data, replace(CONFIG, batch_size=8, learning_rate=1e-12), progress=False)
    for first, second in zip(*seen, strict=True):
        assert_close(second, first, rtol=1e-2, atol=1e-3)


def test_the_rate_rises_in_a_tenth_of_the_steps_and_falls_along_a_cosine_to_zero(data: PoseDataset) -> None:
    run = Run(new_model(), {}, data, replace(CONFIG, epochs=10))
    assert run.steps == 20
    rates = [run._rate(step) for step in range(21)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[11] == pytest.approx(0.5)
    assert rates[7] == pytest.approx(0.5 * (1 + math.cos(math.pi * 5 / 18)))
    assert rates[20] == 0.0
    assert run.optimizer.param_groups[0]["lr"] == 2e-3 * rates[0]


def test_each_predictors_gradient_is_clipped_by_itself(data: PoseDataset) -> None:
    model, norms = new_model(), []
    heads = paper_heads(model, 64)
    original = torch.optim.Adam.step

    def step(self, *arguments, **options):
        for module in (model, *(head.predictor for head in heads.values())):
            norms.append(float(torch.stack([p.grad.norm() for p in module.parameters()]).norm()))
        return original(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", step)
        train(model, heads, data, replace(CONFIG, clip=1e-4, epochs=1), progress=False)
    assert norms == pytest.approx([1e-4] * 8, rel=0.02)  # two steps of a model and three predictors


def test_joint_training_ends_after_its_epochs(data: PoseDataset) -> None:
    model, seen = new_model(), []

    class Spy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.ones(1))

        def forward(self, features: list[Tensor]) -> Tensor:
            seen.append(features[0].requires_grad)
            return features[0].mean((1, 2, 3)) * self.w

    head = replace(paper_heads(model, 64)["LL++"], predictor=Spy())
    train(model, {"spy": head}, data, replace(CONFIG, epochs=3, joint_epochs=1), progress=False)
    assert seen == [True, True, False, False, False, False]


def test_the_weight_of_joint_training_scales_the_gradient(data: PoseDataset) -> None:
    run = Run(new_model(), {}, data, replace(CONFIG, joint_epochs=1, joint_weight=0.25))
    features = torch.randn(3, 4, requires_grad=True)
    passed = run._for_predictors(features)
    assert torch.equal(passed, features)
    passed.sum().backward()
    assert torch.equal(features.grad, torch.full((3, 4), 0.25))


@pytest.mark.parametrize("on", [True, False])
def test_the_models_run_in_the_type_and_the_layout_asked_for(data: PoseDataset, on: bool) -> None:
    model, seen = new_model(), []
    heads = paper_heads(model, 64)
    for module in (model, *(head.predictor for head in heads.values())):
        layer = next(m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear))
        layer.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output.dtype)))
    train(model, heads, data, replace(CONFIG, epochs=1, bfloat16=on, channels_last=on), progress=False)
    assert {dtype for _, dtype in seen} == {torch.bfloat16 if on else torch.float32}
    images, weight = seen[0][0], model.stem[0].weight
    assert images.is_contiguous(memory_format=torch.channels_last) == on
    assert weight.is_contiguous(), "safetensors takes no other weights"
    assert weight.dtype == torch.float32


def test_processes_share_a_batch_and_no_sample_twice(data: PoseDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[list[Tensor]] = [[], []]
    original = run_module.augment
    for name in ("average", "start_alike", "wait"):
        monkeypatch.setattr(parallel, name, lambda *_: None)
    monkeypatch.setattr(parallel, "size", lambda: 2)
    for rank in (0, 1):
        monkeypatch.setattr(parallel, "rank", lambda rank=rank: rank)

        def spied(images: Tensor, *arguments, rank: int = rank, **options):
            parts[rank].append(images)
            return original(images, *arguments, **options)

        monkeypatch.setattr(run_module, "augment", spied)
        train(new_model(), {}, data, replace(CONFIG, epochs=1), progress=False)
    assert [len(images) for part in parts for images in part] == [2] * 4
    together = torch.cat([*parts[0], *parts[1]])
    places = [int((data.images == image).flatten(1).all(1).nonzero()[0]) for image in together]
    assert sorted(places) == list(range(8))


def test_views_differ_between_processes(data: PoseDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    for name in ("average", "start_alike"):
        monkeypatch.setattr(parallel, name, lambda *_: None)
    monkeypatch.setattr(parallel, "size", lambda: 2)
    for rank in (0, 1):
        monkeypatch.setattr(parallel, "rank", lambda rank=rank: rank)
        run = Run(new_model(), {}, data, CONFIG)
        next(run.steps_of_epoch())
        drawn.append(torch.rand(4, generator=run.generators["views"]))
    assert not torch.equal(*drawn)


def test_an_average_is_the_mean_over_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "size", lambda: 2)
    monkeypatch.setattr(dist, "all_reduce", lambda flat: flat.add_(torch.tensor([3.0, 5.0, 7.0])))  # the other's
    first, second = torch.tensor([[1.0], [1.0]]), torch.tensor(1.0)
    parallel.average([first, second], 0)
    assert first.tolist() == [[2.0], [3.0]]
    assert second.item() == 4.0
