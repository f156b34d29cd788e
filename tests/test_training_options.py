"""What a configuration can ask of the training loop beyond its defaults, each held to what it says."""

import copy
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from llpp_core.data import PoseDataset, render_figures
from llpp_core.heads import paper_heads
from llpp_core.metrics import pck, torso_length
from llpp_core.models import StackedHourglass, seeded
from llpp_core.training import TrainingConfig, score, train
from llpp_core.training.run import Run

CONFIG = TrainingConfig(epochs=2, batch_size=4, seed=5)


@pytest.fixture(scope="module")
def data() -> PoseDataset:
    return render_figures(12, 0)


def new_model() -> StackedHourglass:
    with seeded(0):
        return StackedHourglass(joints=14, stacks=1, channels=8)


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def run(data: PoseDataset, config: TrainingConfig, **options):
    model = new_model()
    heads = paper_heads(model, 64)
    return model, heads, train(model, heads, data, config, progress=False, **options)


def differs(first: nn.Module, second: nn.Module) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(weights(first).values(), weights(second).values(), strict=True))


def test_a_part_of_the_training_data_is_held_out_and_followed(data: PoseDataset) -> None:
    _, _, history = run(data, replace(CONFIG, validation=0.25))
    assert len(history.validation_loss) == len(history.validation_pck) == 2
    assert all(value > 0 for value in history.validation_loss)
    assert all(0 <= value <= 1 for value in history.validation_pck)


def test_what_is_held_out_is_never_trained_on(data: PoseDataset) -> None:
    config = replace(CONFIG, validation=0.25)
    model, _, history = run(data, config)
    held_out = set(torch.randperm(12, generator=torch.Generator().manual_seed(config.seed))[:3].tolist())
    images = data.images.clone()
    images[sorted(held_out)] = 255 - images[sorted(held_out)]
    other, _, other_history = run(replace(data, images=images), config)
    assert not differs(model, other)
    assert history.validation_loss != other_history.validation_loss


def test_nothing_is_held_out_by_default(data: PoseDataset) -> None:
    _, _, history = run(data, CONFIG)
    assert history.validation_loss == history.validation_pck == []


def test_too_few_samples_are_counted_without_those_held_out(data: PoseDataset) -> None:
    with pytest.raises(ValueError, match="has 3 samples without the 9 held out, fewer than a batch of 4"):
        run(data, replace(CONFIG, validation=0.75))


def test_the_average_is_the_exponential_one_of_the_weights_after_every_step(data: PoseDataset) -> None:
    model = new_model()
    name = "heads.0.weight"
    seen = []
    original = torch.optim.Adam.step

    def step(self, *arguments, **options):
        done = original(self, *arguments, **options)
        seen.append(model.state_dict()[name].clone())
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", step)
        train(model, {}, data, replace(CONFIG, average=0.75), progress=False)
    wanted = seen[0]
    for weight in seen[1:]:
        wanted = 0.75 * wanted + 0.25 * weight
    assert len(seen) == 6
    assert_close(model.state_dict()[name], wanted)


def test_validation_follows_the_averaged_weights_that_stay(data: PoseDataset) -> None:
    config = replace(CONFIG, average=0.9, validation=0.25, sigma=1.7)
    model, _, history = run(data, config)
    held_out = torch.randperm(12, generator=torch.Generator().manual_seed(config.seed))[:3].sort().values
    data = data.subset(held_out)
    scores = score(model, {}, data, sigma=1.7, progress=False)
    assert history.validation_loss[-1] == pytest.approx(float(scores.true_loss.mean()))
    assert history.validation_pck[-1] == pck(scores.joints, data.joints, data.annotated, torso_length(data)).mean


def test_the_statistics_of_batch_normalization_are_averaged_too(data: PoseDataset) -> None:
    model, seen = new_model(), []
    name = "stem.1.running_mean"
    original = torch.optim.Adam.step

    def step(self, *arguments, **options):
        seen.append(model.state_dict()[name].clone())
        return original(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", step)
        train(model, {}, data, replace(CONFIG, average=0.75), progress=False)
    wanted = seen[0]
    for mean in seen[1:]:
        wanted = 0.75 * wanted + 0.25 * mean
    assert_close(model.state_dict()[name], wanted)


def test_at_least_one_sample_is_held_out(data: PoseDataset) -> None:
    _, _, history = run(data, replace(CONFIG, validation=0.01, schedule="plateau"))
    assert len(history.validation_loss) == 2


OPTIONS = {
    "average": {"average": 0.9},
    "plateau": {"schedule": "plateau", "patience": 1, "validation": 0.25, "learning_rate": 0.05},
    "clip": {"clip": 0.01},
    "joint": {"joint_epochs": 2},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.1},
    "bfloat16": {"bfloat16": True},
    "not channels last": {"channels_last": False},
    "all": {"average": 0.5, "validation": 0.25, "clip": 1.0, "joint_epochs": 2, "channels_last": False},
}


def interrupted_at(step: int, data: PoseDataset, config: TrainingConfig, file: Path) -> None:
    original = Run._one_step

    def one_step(self, rows):
        if self.step == step:
            signal.raise_signal(signal.SIGINT)
        return original(self, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "_one_step", one_step)
        with pytest.raises(KeyboardInterrupt):
            run(data, config, checkpoint=file)


# 12 figures are 3 steps an epoch, 2 where a quarter is held out: within an epoch, and after a last step.
@pytest.mark.parametrize("stop_at", [1, 2, 3])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_with_every_option_a_run_goes_on_to_the_same_weights(
    data: PoseDataset, tmp_path: Path, options: dict, stop_at: int
) -> None:
    config = replace(CONFIG, epochs=3, **options)
    whole, whole_heads, whole_history = run(data, config)
    interrupted_at(stop_at, data, config, tmp_path / "c.pt")
    assert torch.load(tmp_path / "c.pt", weights_only=True)["step"] == stop_at + 1
    again, heads, history = run(data, config, checkpoint=tmp_path / "c.pt")
    assert not differs(again, whole)
    assert not any(differs(heads[name].predictor, head.predictor) for name, head in whole_heads.items())
    assert history == whole_history


def test_an_interruption_at_the_end_of_the_last_epoch_is_not_swallowed(data: PoseDataset, tmp_path: Path) -> None:
    original = Run.end_epoch

    def end_epoch(self):
        if self.epoch == 1:
            signal.raise_signal(signal.SIGINT)
        return original(self)

    config = replace(CONFIG, validation=0.25)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "end_epoch", end_epoch)
        with pytest.raises(KeyboardInterrupt):
            run(data, config, checkpoint=tmp_path / "c.pt")
    assert torch.load(tmp_path / "c.pt", weights_only=True)["epoch"] == 2
    again, _, _ = run(data, config, checkpoint=tmp_path / "c.pt")
    assert not differs(again, run(data, config)[0])


@pytest.mark.usefixtures("as_users_run_it")
def test_a_compiled_model_learns_the_same_and_shares_its_weights(data: PoseDataset) -> None:
    plain, _, history = run(data, CONFIG)
    compiled = []
    original = torch.compile

    def compile_without_cpp(module):
        compiled.append(module)
        return original(module, backend="aot_eager")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "compile", compile_without_cpp)
        model, _, again = run(data, replace(CONFIG, compile=True))
    torch.compiler.reset()
    assert compiled == [model]
    assert_close(torch.tensor(again.task_loss), torch.tensor(history.task_loss), rtol=1e-3, atol=0)
    assert model.state_dict().keys() == plain.state_dict().keys()


def test_an_average_resumed_is_the_uninterrupted_one(data: PoseDataset, tmp_path) -> None:
    config = replace(CONFIG, average=0.9, epochs=3)
    whole, _, _ = run(data, config)
    run(data, replace(config, epochs=3), checkpoint=tmp_path / "whole.pt")
    model = new_model()
    heads = paper_heads(model, 64)
    train(model, heads, data, config, checkpoint=tmp_path / "whole.pt", progress=False)  # finished: loads it
    assert not differs(whole, model)


def test_clipping_bounds_the_first_step(data: PoseDataset) -> None:
    # SGD-like check through AdamW is blurred by its normalization, so look at what the optimizer was given.
    norms = []
    model = new_model()
    heads = paper_heads(model, 64)
    original = torch.optim.Adam.step

    def step(self, *arguments, **options):
        norms.append(float(torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]).norm()))
        return original(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", step)
        train(model, heads, data, replace(CONFIG, clip=1e-3, epochs=1), progress=False)
    assert norms
    assert max(norms) == pytest.approx(1e-3, rel=1e-3)


def test_adamw_decays_weights_that_adam_leaves(data: PoseDataset) -> None:
    adam, _, _ = run(data, CONFIG)
    same, _, _ = run(data, replace(CONFIG, optimizer="adamw"))
    decayed, _, _ = run(data, replace(CONFIG, optimizer="adamw", weight_decay=1.0))
    assert_close(weights(same), weights(adam), rtol=1e-4, atol=1e-6)
    assert differs(decayed, adam)


def test_detached_predictors_leave_the_task_model_alone_and_joint_ones_do_not(data: PoseDataset) -> None:
    alone = new_model()
    train(alone, {}, data, CONFIG, progress=False)
    detached, _, _ = run(data, CONFIG)
    joint, _, _ = run(data, replace(CONFIG, joint_epochs=1))
    weightless, _, _ = run(data, replace(CONFIG, joint_epochs=2, joint_weight=0.0))
    assert not differs(alone, detached)
    assert not differs(alone, weightless)
    assert differs(alone, joint)


def test_the_rate_is_halved_on_a_plateau(data: PoseDataset) -> None:
    rates = []
    original = torch.optim.lr_scheduler.ReduceLROnPlateau.step

    def step(self, metrics):
        original(self, 1.0)  # never better than before
        rates.append(self.optimizer.param_groups[0]["lr"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.lr_scheduler.ReduceLROnPlateau, "step", step)
        run(data, replace(CONFIG, schedule="plateau", patience=1, validation=0.25, epochs=5))
    assert rates == [2e-3, 2e-3, 1e-3, 1e-3, 5e-4]


@pytest.mark.parametrize("option", [{"bfloat16": True}, {"channels_last": False}], ids=str)
def test_another_way_learns_the_same(data: PoseDataset, option: dict[str, bool]) -> None:
    config = replace(CONFIG, epochs=6)
    _, _, plain = run(data, config)
    _, _, fast = run(data, replace(config, **option))
    # Rounding grows from step to step: the first epoch is compared, and the last has to have learned.
    assert fast.task_loss[0] == pytest.approx(plain.task_loss[0], rel=0.05)
    assert fast.task_loss[-1] < fast.task_loss[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schedule": "plateau"}, "set validation above 0"),
        ({"weight_decay": 0.1}, 'weight_decay goes with optimizer "adamw"'),
        ({"average": 1.0}, "average must be from 0 to below 1, got 1.0"),
        ({"validation": -0.1}, "validation must be from 0 to below 1, got -0.1"),
        ({"clip": 0.0}, "clip must be above 0, got 0.0"),
        ({"joint_epochs": -1}, "joint_epochs must be at least 0, got -1"),
    ],
)
def test_a_setting_out_of_range_is_named(change, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TrainingConfig(**change)


def test_a_configuration_comes_from_plain_values_and_an_unknown_key_names_the_nearest() -> None:
    made = TrainingConfig.from_mapping({"epochs": 3, "augmentation": {"flip": 0.0}})
    assert made.epochs == 3
    assert made.augmentation.flip == 0.0
    with pytest.raises(ValueError, match=r"TrainingConfig has no key 'epoch'; did you mean 'epochs'\?"):
        TrainingConfig.from_mapping({"epoch": 3})
    with pytest.raises(ValueError, match=r"augmentation has no key 'flips'; did you mean 'flip'\?"):
        TrainingConfig.from_mapping({"augmentation": {"flips": 0.5}})


def test_the_models_of_a_run_are_the_ones_given(data: PoseDataset) -> None:
    model = new_model()
    before = copy.deepcopy(model)
    train(model, {}, data, replace(CONFIG, average=0.5, epochs=1), progress=False)
    assert differs(before, model)
