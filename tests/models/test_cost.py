"""Parameters and FLOPs agree with what one counts by hand, and counting leaves no trace."""

import copy
from itertools import pairwise

import pytest
import torch
from torch import nn

from llpp_core.models import ConvPredictor, PooledPredictor, StackedHourglass, cost


def test_the_papers_task_model() -> None:
    with torch.device("meta"):
        found = cost.of(StackedHourglass(joints=16, stacks=2, channels=256), torch.empty(1, 3, 256, 256))
    assert found.parameters == 6_570_400
    assert round(found.flops / 1e9, 2) == 16.67
    assert 16.66e9 <= found.flops <= 16.67e9


def test_a_linear_layer_by_hand() -> None:
    assert cost.of(nn.Linear(3, 4), torch.empty(1, 3)) == cost.Cost(parameters=3 * 4 + 4, flops=2 * 3 * 4)


def test_a_convolution_by_hand() -> None:
    layer = nn.Conv2d(3, 8, kernel_size=5, stride=2, padding=2)
    wanted = cost.Cost(parameters=3 * 8 * 5 * 5 + 8, flops=2 * (3 * 5 * 5) * (8 * 16 * 12))
    assert cost.of(layer, torch.empty(1, 3, 32, 24)) == wanted


def test_normalization_activation_and_pooling_cost_nothing() -> None:
    layers = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Upsample(scale_factor=2))
    assert cost.of(layers, torch.empty(2, 3, 8, 8)) == cost.Cost(parameters=6, flops=0)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_cost_is_that_of_one_sample(batch: int) -> None:
    model = StackedHourglass(joints=3, stacks=1, channels=8)
    one = cost.forward_flops(model.eval(), torch.empty(1, 3, 64, 64))
    assert cost.forward_flops(model, torch.empty(batch, 3, 64, 64)) == one


SIZES, HIDDEN = (64, 32, 16, 8, 4), (256, 128, 64, 32, 16, 1)


def test_the_pooled_predictor_of_the_paper_by_hand() -> None:
    features = [torch.empty(2, 256, s, s, device="meta") for s in SIZES]
    layers = [(5 * 256, 128), (128, 64), (64, 32), (32, 16), (16, 1)]
    found = cost.of(PooledPredictor([256] * 5), features)
    assert found.parameters == sum(i * o + o for i, o in layers) - 1  # the last has no bias
    assert found.flops == sum(2 * i * o for i, o in layers)


def test_the_convolutional_predictor_of_the_paper_by_hand() -> None:
    features = {str(s): torch.empty(2, 256, s, s, device="meta") for s in SIZES}
    found = cost.of(ConvPredictor([256] * 5, SIZES), features)
    layers = list(pairwise(HIDDEN))
    linear = sum(i * o for i, o in layers)
    assert found.parameters == 4 * (256 * 256 * 2 * 2 + 256) + linear + sum(o for _, o in layers) - 1
    assert found.flops == 2 * linear + sum(2 * 256 * 256 * 2 * 2 * s * s for s in SIZES[1:])


def test_sizes_that_do_not_divide_by_hand() -> None:
    found = cost.of(
        ConvPredictor([2, 3], [64, 48], hidden=(4,)), [torch.empty(1, 2, 64, 64), torch.empty(1, 3, 48, 48)]
    )
    first, second = 2 * (2 * 3) * 64**2, 2 * (3 * 3 * 17**2) * 48**2
    assert found.flops == first + second + 2 * (3 * 4 + 4)


def test_a_parameter_used_twice_counts_once_and_its_work_twice() -> None:
    layer = nn.Linear(4, 4)
    assert cost.of(nn.Sequential(layer, layer), torch.empty(1, 4)) == cost.Cost(parameters=20, flops=64)


def test_counting_changes_neither_the_network_nor_the_generator() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    model[2].eval()
    before, modes = copy.deepcopy(model.state_dict()), [m.training for m in model.modules()]
    state = torch.get_rng_state()
    images = torch.full((2, 3, 8, 8), torch.nan)  # a pass that reads them would carry it to the statistics
    cost.of(model, images)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None and p.device.type == "cpu" for p in model.parameters())


def test_an_image_too_small_to_train_on_alone_is_counted_in_any_mode() -> None:
    model = StackedHourglass(joints=3, stacks=1, channels=8)
    image = torch.empty(1, 3, 64, 64)
    assert cost.of(model, image) == cost.of(model.eval(), image)
    with pytest.raises(ValueError, match="multiples of 64"):
        cost.of(model.train(), torch.empty(1, 3, 64, 65))
    assert model.training


def test_the_table_has_a_line_for_each_network() -> None:
    table = cost.describe(
        {
            "task model": cost.Cost(6_570_400, 16_669_212_672),
            "large": cost.Cost(1_234, 33_338_425_344),
            "small": cost.Cost(999, 1_000_000),
            "tiny": cost.Cost(0, 0),
        }
    )
    assert table.splitlines() == [
        "| network | parameters | FLOPs, one sample | of the first |",
        "|---|---:|---:|---:|",
        "| task model | 6.57 M | 16.67 G | 100% |",
        "| large | 1.23 k | 33.34 G | 200% |",
        "| small | 999 | 1.00 M | 0.006% |",
        "| tiny | 0 | 0 | 0% |",
    ]


@pytest.mark.parametrize("costs", [{}, {"nothing": cost.Cost(3, 0), "something": cost.Cost(3, 5)}])
def test_a_table_without_a_first_network_to_compare_with_is_refused(costs: dict) -> None:
    with pytest.raises(ValueError, match=r"the first of at least 1 FLOP; got \{"):
        cost.describe(costs)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], r"one number of samples, at least 1; got \[\]"),
        ([torch.empty(0, 3)], r"got \[0\]"),
        ([[torch.empty(1, 3), torch.empty(2, 3)]], r"got \[1, 2\]"),
        ([3], "got int"),
        (["features"], "got str"),
    ],
)
def test_inputs_that_are_no_batch_are_refused(inputs: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cost.forward_flops(nn.Linear(3, 4), *inputs)
