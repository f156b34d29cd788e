"""One battery over every task model, and one over every loss predictor."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.testing import assert_close

from llpp_core.models import MLP, ConvPredictor, HRNet, PooledPredictor, StackedHourglass, TaskOutput, seeded

JOINTS, SIDE = 5, 64
IMAGE = (3, SIDE, SIDE)
HEATMAPS = (JOINTS, SIDE // 4, SIDE // 4)
CHANNELS, SIZES = (6, 6, 8), (16, 7, 4)
MAPS = [(c, s, s) for c, s in zip(CHANNELS, SIZES, strict=True)]


@dataclass(frozen=True)
class Member:
    """How to make a network, and the shapes of what goes in and comes out for one sample."""

    make: Callable[[], nn.Module]
    reads: tuple[int, ...] | list[tuple[int, ...]]
    returns: tuple[int, ...]

    def made(self, seed: int = 0) -> nn.Module:
        with seeded(seed):
            return self.make()

    def inputs(self, batch: int = 3, dtype: torch.dtype = torch.float32) -> Any:
        generator = torch.Generator().manual_seed(7)
        shapes = self.reads if isinstance(self.reads, list) else [self.reads]
        tensors = [torch.randn(batch, *shape, generator=generator).to(dtype) for shape in shapes]
        return tensors if isinstance(self.reads, list) else tensors[0]


def small_hrnet(modules: tuple[int, int, int] = (1, 1, 1), blocks: int = 1) -> HRNet:
    return HRNet(JOINTS, 4, modules=modules, blocks=blocks, stem=4)


TASK_MODELS = {
    "hourglass of one stack": Member(lambda: StackedHourglass(JOINTS, 1, 8), IMAGE, HEATMAPS),
    "hourglass of two stacks": Member(lambda: StackedHourglass(JOINTS, 2, 12), IMAGE, HEATMAPS),
    "HRNet": Member(small_hrnet, IMAGE, HEATMAPS),
    "HRNet of many modules": Member(lambda: small_hrnet((2, 1, 2), 2), IMAGE, HEATMAPS),
    "MLP": Member(lambda: MLP(6, 2, (8, 9)), (6,), (2,)),
    "MLP of one layer": Member(lambda: MLP(1, 1, (16,)), (1,), (1,)),
}
PREDICTORS = {
    "pooled": Member(lambda: PooledPredictor(CHANNELS), MAPS, ()),
    "pooled, one layer": Member(lambda: PooledPredictor(CHANNELS, hidden=(4,)), MAPS, ()),
    "pooled, one scale": Member(lambda: PooledPredictor(CHANNELS[-1:]), MAPS[-1:], ()),
    "pooled, of a table": Member(lambda: PooledPredictor((8, 9)), [(8,), (9,)], ()),
    "convolutional": Member(lambda: ConvPredictor(CHANNELS, SIZES), MAPS, ()),
    "convolutional, one scale": Member(lambda: ConvPredictor(CHANNELS[-1:], SIZES[-1:]), MAPS[-1:], ()),
}
ALL = TASK_MODELS | PREDICTORS
# One of a family: compiling takes seconds.
SMALLEST = {n: ALL[n] for n in ("hourglass of one stack", "HRNet", "MLP of one layer", "pooled", "convolutional")}
IMAGE_MODELS = {name: member for name, member in TASK_MODELS.items() if member.reads == IMAGE}


def over(members: dict[str, Member]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("member", members.values(), ids=members)


def answer(output: TaskOutput | Tensor) -> Tensor:
    return output.prediction if isinstance(output, TaskOutput) else output


def everything(output: TaskOutput | Tensor) -> list[Tensor]:
    return [*output.predictions, *output.features.values()] if isinstance(output, TaskOutput) else [output]


def supervised(output: TaskOutput | Tensor) -> Tensor:
    """A loss as training has it: on the prediction of every stack, and on no feature."""
    return sum(p.square().sum() for p in (output.predictions if isinstance(output, TaskOutput) else [output]))


def settled(member: Member, momentum: float = 0.1) -> nn.Module:
    """A network in evaluation whose running statistics have seen its inputs; with a momentum of 1 nothing else."""
    model = member.made()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = momentum
    model(member.inputs())
    return model.eval()


@over(TASK_MODELS)
@pytest.mark.parametrize("training", [True, False])
def test_task_model_returns_a_prediction_and_the_features_it_lists(member: Member, training: bool) -> None:
    model = member.made().train(training)
    output = model(member.inputs())
    assert output.prediction.shape == (3, *member.returns)
    assert output.prediction is output.predictions[-1]
    assert all(p.shape == output.prediction.shape for p in output.predictions)
    assert list(output.features) == [info.name for info in model.feature_info]
    for info in model.feature_info:
        pixels = tuple(side // info.stride for side in member.reads[1:])
        assert output.features[info.name].shape == (3, info.channels, *pixels)
    strides = [info.stride for info in model.feature_info]
    assert strides == sorted(strides)
    assert all(tensor.dtype == torch.float32 for tensor in everything(output))


@over(TASK_MODELS)
def test_the_prediction_reads_every_feature_of_the_last_stack(member: Member) -> None:
    # A feature that it does not read would stay as untrained as it was drawn.
    output = settled(member)(member.inputs())
    last = {
        name: f for name, f in output.features.items() if name.split("/")[0] == list(output.features)[-1].split("/")[0]
    }
    gradients = torch.autograd.grad(output.prediction.square().sum(), list(last.values()), allow_unused=True)
    assert [name for name, g in zip(last, gradients, strict=True) if g is None or not bool((g != 0).any())] == []


@over(TASK_MODELS)
def test_a_loss_on_any_feature_reaches_the_first_layer(member: Member) -> None:
    model = settled(member)
    first = next(model.parameters())
    for feature in model(member.inputs()).features.values():
        (gradient,) = torch.autograd.grad(feature.square().sum(), first, retain_graph=True)
        assert bool((gradient != 0).any())


@over(TASK_MODELS)
def test_a_few_steps_lower_the_loss(member: Member) -> None:
    model, inputs = member.made(), member.inputs()
    target = torch.randn(3, *member.returns, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(12):
        loss = (model(inputs).prediction - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


@over(PREDICTORS)
def test_predictor_returns_one_number_a_sample(member: Member) -> None:
    predicted = member.made()(member.inputs())
    assert predicted.shape == (3,)
    assert predicted.dtype == torch.float32
    assert len(set(predicted.tolist())) == 3


@over(PREDICTORS)
def test_predictor_reads_a_dictionary_as_it_reads_a_list(member: Member) -> None:
    predictor, features = member.made(), member.inputs()
    named = {str(place): feature for place, feature in enumerate(features)}
    assert torch.equal(predictor(named), predictor(features))


@over(PREDICTORS)
def test_predictor_reads_every_feature(member: Member) -> None:
    predictor, features = member.made(), member.inputs()
    before = predictor(features)
    for place in range(len(features)):
        changed = [f + 1 if i == place else f for i, f in enumerate(features)]
        assert not torch.allclose(predictor(changed), before, rtol=1e-3, atol=0)


@over(ALL)
def test_a_sample_alone_gets_what_it_gets_in_a_batch(member: Member) -> None:
    model, whole = settled(member), member.inputs()
    alone = [m[1:2] for m in whole] if isinstance(whole, list) else whole[1:2]
    for one, of_three in zip(everything(model(alone)), everything(model(whole)), strict=True):
        assert_close(one, of_three[1:2], rtol=1e-4, atol=1e-5)


@over(ALL)
def test_a_sample_alone_can_be_trained_on(member: Member) -> None:
    # Larger images: at the coarsest scale, one pixel of one image has no variance.
    bigger = Member(member.make, (3, 128, 128), ()) if member.reads == IMAGE else member
    model = member.made()
    loss = supervised(model(bigger.inputs(1)))
    loss.backward()
    assert bool(torch.isfinite(loss))
    assert all(bool(torch.isfinite(p.grad).all()) for p in model.parameters())


@over(ALL)
@pytest.mark.parametrize("training", [True, False])
def test_every_parameter_receives_a_finite_gradient(member: Member, training: bool) -> None:
    # In training the bias of a convolution before a normalization gets rounding errors only; in evaluation it counts.
    # Statistics of the inputs themselves keep alive ReLUs that narrow layers would otherwise lose.
    model = settled(member, momentum=1.0).train(training)
    supervised(model(member.inputs())).backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or not bool((p.grad != 0).any())]
    assert without == []
    assert all(bool(torch.isfinite(p.grad).all()) for p in model.parameters())


@over(ALL)
def test_a_seed_makes_the_weights_and_another_makes_others(member: Member) -> None:
    first, again, other = (member.made(seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@over(ALL)
def test_a_training_step_is_the_same_twice(member: Member) -> None:
    states = []
    for _ in range(2):
        model = member.made()
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        for _ in range(2):
            optimizer.zero_grad()
            supervised(model(member.inputs())).backward()
            optimizer.step()
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], value) for name, value in member.made().state_dict().items())


@over(ALL)
def test_weights_survive_a_file_of_safetensors(member: Member, tmp_path: Path) -> None:
    model, empty = settled(member), member.made(2)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    empty.load_state_dict(load_file(tmp_path / "model.safetensors"))
    for restored, saved in zip(
        everything(empty.eval()(member.inputs())), everything(model(member.inputs())), strict=True
    ):
        assert torch.equal(restored, saved)


@over(ALL)
def test_evaluation_changes_nothing_in_the_model(member: Member) -> None:
    model = settled(member)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = answer(model(member.inputs()))
    assert torch.equal(answer(model(member.inputs())), first)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@over(ALL)
def test_double_precision_gives_doubles_near_the_floats(member: Member) -> None:
    model = settled(member)
    single = everything(model(member.inputs()))
    double = everything(model.double()(member.inputs(dtype=torch.float64)))
    assert all(tensor.dtype == torch.float64 for tensor in double)
    for rough, fine in zip(single, double, strict=True):
        assert_close(rough.double(), fine, rtol=1e-3, atol=1e-4)


@over(ALL)
def test_bfloat16_autocast_stays_finite_and_near_and_trains(member: Member) -> None:
    model = settled(member)
    fine = answer(model(member.inputs()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(member.inputs())
        loss = supervised(output)
    loss.backward()
    assert answer(output).dtype == torch.bfloat16
    assert_close(answer(output).float(), fine, rtol=0, atol=0.1 * float(fine.detach().abs().max()))
    assert all(p.dtype == torch.float32 and bool(torch.isfinite(p.grad).all()) for p in model.parameters())


@over(ALL)
def test_channels_last_gives_the_same_numbers_and_gradients(member: Member) -> None:
    outputs, gradients = [], []
    for layout in (torch.contiguous_format, torch.channels_last):
        model = settled(member).to(memory_format=layout)
        inputs = member.inputs()
        tensors = inputs if isinstance(inputs, list) else [inputs]
        moved = [t.to(memory_format=layout) if t.ndim == 4 else t for t in tensors]
        output = model(moved if isinstance(inputs, list) else moved[0])
        supervised(output).backward()
        outputs.append(everything(output))
        gradients.append([p.grad for p in model.parameters()])
    for plain, last in zip(outputs[0] + gradients[0], outputs[1] + gradients[1], strict=True):
        assert_close(last, plain, rtol=1e-3, atol=1e-3 * float(plain.detach().abs().max()))


@over(IMAGE_MODELS)
def test_images_need_not_be_square(member: Member) -> None:
    output = settled(member)(torch.randn(2, 3, SIDE, 2 * SIDE))
    assert output.prediction.shape == (2, JOINTS, SIDE // 4, SIDE // 2)


@over(IMAGE_MODELS)
@pytest.mark.parametrize(("height", "width"), [(1.5, 1), (1, 2.25), (0.5, 0.5), (0, 1), (1, 0), (1, 0.5)])
def test_sides_that_the_coarsest_stride_does_not_divide_are_refused(
    member: Member, height: float, width: float
) -> None:
    model = member.made()
    stride = model.feature_info[-1].stride
    images = torch.zeros(2, 3, int(height * stride), int(width * stride))
    with pytest.raises(ValueError, match=rf"multiples of {stride}, got \(2, 3, {images.shape[2]}, {images.shape[3]}\)"):
        model(images)


@over(IMAGE_MODELS)
@pytest.mark.parametrize("shape", [(2, 1, SIDE, SIDE), (2, 4, SIDE, SIDE), (3, SIDE, SIDE), (2, 3, 3, SIDE, SIDE)])
@pytest.mark.usefixtures("as_users_run_it")
def test_what_is_no_batch_of_color_images_is_refused(member: Member, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"wanted images \(batch, 3, height, width\), got \("):
        member.made()(torch.zeros(shape))


@over(IMAGE_MODELS)
def test_one_image_that_shrinks_to_a_pixel_is_refused_in_training_alone(member: Member) -> None:
    model = member.made()
    stride = model.feature_info[-1].stride
    image = torch.randn(2, 3, stride, stride)
    with pytest.raises(ValueError, match=f"an image of {stride}×{stride} pixels needs company: .*one pixel"):
        model(image[:1])
    assert bool(torch.isfinite(model(image).prediction).all())
    assert bool(torch.isfinite(model.eval()(image[:1]).prediction).all())


@pytest.fixture
def fresh_compiler() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@over(SMALLEST)
@pytest.mark.usefixtures("as_users_run_it", "fresh_compiler")
def test_the_smallest_of_each_family_compiles_whole_with_its_gradient(member: Member) -> None:
    # "aot_eager" traces forward and backward as "inductor" does, without minutes of C++.
    model, inputs = settled(member), member.inputs()
    parameters = list(model.parameters())
    plain = model(inputs)
    wanted = torch.autograd.grad(supervised(plain), parameters)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")(inputs)
    got = torch.autograd.grad(supervised(compiled), parameters)
    if isinstance(plain, TaskOutput):
        assert list(compiled.features) == list(plain.features)
    assert_close(everything(compiled), everything(plain), rtol=1e-4, atol=1e-5)
    for one, other in zip(got, wanted, strict=True):
        assert_close(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))


@over({name: SMALLEST[name] for name in ("MLP of one layer", "pooled", "convolutional")})
@pytest.mark.usefixtures("as_users_run_it", "fresh_compiler")
def test_batches_of_all_sizes_share_a_compiled_program(member: Member) -> None:
    programs = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Callable[..., Any]:
        programs.append(len(inputs))
        return graph.forward

    compiled = torch.compile(member.made(), fullgraph=True, backend=backend)
    for batch in (3, 5, 7, 11):
        assert answer(compiled(member.inputs(batch))).shape[0] == batch
    assert len(programs) == 2  # one for the first size, one for all others


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
