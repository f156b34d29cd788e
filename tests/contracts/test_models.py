"""One battery over every task model, and one over every loss predictor."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.testing import assert_close

from llpp_core.models import ConvPredictor, PooledPredictor, StackedHourglass, TaskOutput, seeded

JOINTS, SIDE = 5, 64
TASK_MODELS: dict[str, Callable[[], nn.Module]] = {
    "hourglass of one stack": lambda: StackedHourglass(joints=JOINTS, stacks=1, channels=8),
    "hourglass of two stacks": lambda: StackedHourglass(joints=JOINTS, stacks=2, channels=12),
}
CHANNELS, SIZES = (6, 6, 8), (16, 7, 4)
PREDICTORS: dict[str, Callable[[], nn.Module]] = {
    "pooled": lambda: PooledPredictor(CHANNELS),
    "pooled, one layer": lambda: PooledPredictor(CHANNELS, hidden=(4,)),
    "convolutional": lambda: ConvPredictor(CHANNELS, SIZES),
}
each_model = pytest.mark.parametrize("make", TASK_MODELS.values(), ids=TASK_MODELS)
each_predictor = pytest.mark.parametrize("make", PREDICTORS.values(), ids=PREDICTORS)
each = pytest.mark.parametrize("make", [*TASK_MODELS.values(), *PREDICTORS.values()], ids=[*TASK_MODELS, *PREDICTORS])


def made(make: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    with seeded(seed):
        return make()


def inputs(model: nn.Module, batch: int = 3):
    generator = torch.Generator().manual_seed(7)
    if hasattr(model, "feature_info"):
        return torch.randn(batch, 3, SIDE, SIDE, generator=generator)
    return [torch.randn(batch, c, s, s, generator=generator) for c, s in zip(CHANNELS, SIZES, strict=True)]


def answer(output: TaskOutput | torch.Tensor) -> torch.Tensor:
    return output.prediction if isinstance(output, TaskOutput) else output


@each_model
@pytest.mark.parametrize("training", [True, False])
def test_task_model_returns_heatmaps_and_the_features_it_lists(make, training: bool) -> None:
    model = made(make).train(training)
    output = model(inputs(model))
    assert output.prediction.shape == (3, JOINTS, SIDE // 4, SIDE // 4)
    assert all(p.shape == output.prediction.shape for p in output.predictions)
    assert output.prediction.dtype == torch.float32
    assert list(output.features) == [info.name for info in model.feature_info]
    for info in model.feature_info:
        side = SIDE // info.stride
        assert output.features[info.name].shape == (3, info.channels, side, side)
    strides = [info.stride for info in model.feature_info]
    assert strides == sorted(strides)


@each_predictor
def test_predictor_returns_one_number_a_sample(make) -> None:
    predictor = made(make)
    predicted = predictor(inputs(predictor))
    assert predicted.shape == (3,)
    assert predicted.dtype == torch.float32
    assert len(set(predicted.tolist())) == 3


@each_predictor
def test_predictor_reads_a_dictionary_as_it_reads_a_list(make) -> None:
    predictor = made(make)
    features = inputs(predictor)
    assert torch.equal(predictor(dict(zip("abc", features, strict=True))), predictor(features))


@each
def test_a_sample_alone_gets_what_it_gets_in_a_batch(make) -> None:
    model = made(make).eval()
    whole = inputs(model)
    alone = [m[1:2] for m in whole] if isinstance(whole, list) else whole[1:2]
    assert_close(answer(model(alone)), answer(model(whole))[1:2], rtol=1e-4, atol=1e-5)


@each
def test_every_parameter_receives_a_gradient(make) -> None:
    model = made(make)
    output = model(inputs(model))
    if isinstance(output, TaskOutput):  # training supervises the prediction of every stack
        output = torch.stack(output.predictions)
    output.square().sum().backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or not bool((p.grad != 0).any())]
    assert without == []


@each
def test_a_seed_makes_the_weights_and_another_makes_others(make) -> None:
    first, again, other = (made(make, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@each
def test_weights_survive_a_file_of_safetensors(make, tmp_path: Path) -> None:
    model, empty = made(make, 1), made(make, 2)
    model(inputs(model))  # moves the running statistics too
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    empty.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert torch.equal(answer(empty.eval()(inputs(model))), answer(model.eval()(inputs(model))))


@each
def test_evaluation_changes_nothing_in_the_model(make) -> None:
    model = made(make).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = answer(model(inputs(model)))
    assert torch.equal(answer(model(inputs(model))), first)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@each
def test_bfloat16_autocast_stays_finite_and_near(make) -> None:
    model = made(make).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = answer(model(inputs(model)))
    assert bool(torch.isfinite(rough).all())
    assert_close(rough.float(), answer(model(inputs(model))), rtol=0.1, atol=0.05)


def test_seeded_leaves_the_global_generator_untouched() -> None:
    torch.manual_seed(11)
    wanted = torch.rand(3)
    torch.manual_seed(11)
    with seeded(5):
        inside = torch.rand(3)
    assert torch.equal(torch.rand(3), wanted)
    assert not torch.equal(inside, wanted)


def test_seeded_restores_the_global_generator_after_an_error() -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="inside"), seeded(5):
        raise RuntimeError("inside")
    assert torch.equal(torch.get_rng_state(), before)


def test_seeded_seeds_no_other_device(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is seeded on a GPU would have to be put back there as well.
    seeds: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    with seeded(5):
        pass
    assert seeds == []
