"""HRNet is the article's size and cost, and its branches exchange what the article says."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from llpp_core.models import HRNet, cost
from llpp_core.models.hrnet import Entry, Exchange, Parallel


def small(joints: int = 3) -> HRNet:
    return HRNet(joints, 4, modules=(1, 2, 1), blocks=2, stem=4)


# Printed in the article for 17 joints: parameters in millions, and GFLOPs, there multiply-adds over 2³⁰.
PRINTED = {
    (32, 256, 192): (28.5, 7.10),
    (48, 256, 192): (63.6, 14.6),
    (32, 384, 288): (28.5, 16.0),
    (48, 384, 288): (63.6, 32.9),
}


@pytest.fixture(scope="module")
def found() -> dict[tuple[int, int, int], cost.Cost]:
    costs = {}
    with torch.device("meta"):
        for width, *sides in PRINTED:
            costs[width, *sides] = cost.of(HRNet(joints=17, width=width), torch.empty(1, 3, *sides))
    return costs


@pytest.mark.parametrize("case", PRINTED, ids=str)
def test_size_and_cost_are_the_articles(case: tuple[int, int, int], found: dict) -> None:
    parameters, gflops = PRINTED[case]
    assert round(found[case].parameters / 1e6, 1) == parameters
    assert found[case].flops / 2 / 2**30 == pytest.approx(gflops, abs=0.025)


def test_the_docstring_prints_these_costs(found: dict) -> None:
    text = " ".join((HRNet.__doc__ or "").split())
    for unit in (2**30, 10**9):
        *most, last = (f"{one.flops / 2 / unit:.2f}" for one in found.values())
        assert f"{', '.join(most)} and {last}" in text


def test_the_stages_have_the_articles_modules_and_blocks() -> None:
    with torch.device("meta"):
        model = HRNet()
    assert len(model.stage1) == 4
    parallel = [[m for m in stage if isinstance(m, Parallel)] for stage in model.stages]
    assert [len(stage) for stage in parallel] == [1, 4, 3]
    for branches, stage in zip((2, 3, 4), parallel, strict=True):
        assert all(len(module.branches) == branches for module in stage)
        assert all(len(branch) == 4 for module in stage for branch in module.branches)
    # One exchange after each module.
    assert [sum(isinstance(m, Exchange) for m in stage) + 1 for stage in model.stages] == [1, 4, 3]


def test_fewer_blocks_are_fewer_everywhere() -> None:
    model = HRNet(3, 4, modules=(1, 1, 1), blocks=3, stem=8)
    assert len(model.stage1) == 3
    assert {len(branch) for stage in model.stages for module in stage for branch in module.branches} == {3}
    assert model.stem[0].out_channels == 8
    assert model.entries[0].kept[0][0].in_channels == 32


def kinds(module: nn.Module) -> list[str]:
    """The layers in order: convolutions as kernel and stride, the others by name."""
    layers = (m for m in module.modules() if not list(m.children()))
    return [
        f"{m.kernel_size[0]}/{m.stride[0]}" if isinstance(m, nn.Conv2d) else type(m).__name__.removesuffix("2d")
        for m in layers
    ]


def test_the_layers_are_the_articles() -> None:
    model = small()
    assert kinds(model.stem) == ["3/2", "BatchNorm", "ReLU"] * 2
    bottleneck = ["1/1", "BatchNorm", "ReLU", "3/1", "BatchNorm", "ReLU", "1/1", "BatchNorm"]
    assert kinds(model.stage1[0].body) == kinds(model.stage1[1].body) == bottleneck
    assert kinds(model.stage1[0].skip) == ["1/1", "BatchNorm"]
    basic = ["3/1", "BatchNorm", "ReLU", "3/1", "BatchNorm"]
    assert all(kinds(unit.body) == basic for branch in model.stages[0][0].branches for unit in branch)
    assert kinds(model.entries[0].kept[0]) == ["3/1", "BatchNorm", "ReLU"]
    assert all(kinds(entry.new) == ["3/2", "BatchNorm", "ReLU"] for entry in model.entries)


def test_features_run_from_fine_to_coarse_and_are_named_by_stride() -> None:
    model = small()
    assert [tuple(info) for info in model.feature_info] == [
        ("stage4/stride4", 4, 4),
        ("stage4/stride8", 8, 8),
        ("stage4/stride16", 16, 16),
        ("stage4/stride32", 32, 32),
    ]
    assert list(model(torch.randn(2, 3, 64, 64)).features) == [info.name for info in model.feature_info]


def test_the_heatmaps_are_a_linear_reading_of_the_finest_feature() -> None:
    model = small()
    output = model(torch.randn(2, 3, 64, 64))
    assert_close(output.prediction, model.head(output.features["stage4/stride4"]))
    assert output.predictions == (output.prediction,)


def test_the_coarse_features_are_the_branches_that_enter_the_last_exchange() -> None:
    model = small().eval()
    entering = []
    model.exchanges[-1].register_forward_pre_hook(lambda _, args: entering.extend(args[0]))
    output = model(torch.randn(2, 3, 64, 64))
    assert [id(f) for f in output.features.values()][1:] == [id(x) for x in entering[1:]]
    (fused,) = model.exchanges[-1](entering[:4])
    assert torch.equal(output.features["stage4/stride4"], fused)


def test_an_exchange_adds_every_map_to_every_other() -> None:
    exchange = Exchange([2, 3, 5], 3).eval()
    maps = [torch.randn(2, c, s, s, requires_grad=True) for c, s in ((2, 8), (3, 4), (5, 2))]
    for target, fused in enumerate(exchange(maps)):
        assert fused.shape == maps[target].shape
        assert all(bool((g != 0).any()) for g in torch.autograd.grad(fused.sum(), maps))


def test_an_exchange_passes_a_scale_on_to_itself_unchanged_but_for_the_relu() -> None:
    exchange = Exchange([2, 3, 5], 2).eval()
    with torch.no_grad():
        for parameter in exchange.parameters():
            parameter.zero_()
    maps = [torch.randn(2, c, s, s) for c, s in ((2, 8), (3, 4), (5, 2))]
    assert all(torch.equal(fused, m.relu()) for fused, m in zip(exchange(maps), maps[:2], strict=True))


def test_an_exchange_sums_before_it_cuts() -> None:
    exchange = Exchange([2, 3], 1).eval()
    fine, coarse = torch.full((1, 2, 4, 4), -5.0), torch.zeros(1, 3, 2, 2)
    with torch.no_grad():
        exchange.fusions[0].paths[1][1].bias.fill_(7.0)  # what the coarser map adds
    assert_close(exchange([fine, coarse])[0], torch.full((1, 2, 4, 4), 2.0))


def test_a_coarser_map_comes_up_by_a_pointwise_convolution_and_nearest_neighbors() -> None:
    path = Exchange([2, 3, 5], 1).fusions[0].paths[2].eval()
    (convolution,) = (m for m in path if isinstance(m, nn.Conv2d))
    assert (convolution.kernel_size, convolution.in_channels, convolution.out_channels) == ((1, 1), 5, 2)
    raised = path(torch.randn(1, 5, 3, 3))
    assert torch.equal(raised, raised[..., ::4, ::4].repeat_interleave(4, -1).repeat_interleave(4, -2))


def test_a_finer_map_comes_down_by_one_strided_convolution_for_each_halving() -> None:
    path = Exchange([2, 4, 8, 16], 4).fusions[3].paths[0]
    convolutions = [m for m in path if isinstance(m, nn.Conv2d)]
    assert [(m.kernel_size, m.stride) for m in convolutions] == [((3, 3), (2, 2))] * 3
    assert [m.out_channels for m in convolutions] == [2, 2, 16]
    # A ReLU between two of them, none before the sum.
    assert [type(m) for m in path] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * 2 + [nn.Conv2d, nn.BatchNorm2d]


def test_a_stage_starts_one_branch_from_the_coarsest_and_keeps_the_others() -> None:
    entry = Entry([4, 8], [4, 8, 16]).eval()
    maps = [torch.randn(1, 4, 8, 8), torch.randn(1, 8, 4, 4)]
    now = entry(maps)
    assert [tuple(m.shape) for m in now] == [(1, 4, 8, 8), (1, 8, 4, 4), (1, 16, 2, 2)]
    assert now[0] is maps[0]
    assert now[1] is maps[1]


def test_no_convolution_before_a_normalization_has_a_bias() -> None:
    model = small()
    with_bias = [name for name, m in model.named_modules() if isinstance(m, nn.Conv2d) and m.bias is not None]
    assert with_bias == ["head"]
    names = [type(m) for m in model.modules() if not list(m.children())]
    convolutions = [i for i, kind in enumerate(names) if kind is nn.Conv2d]
    assert all(names[i + 1] is nn.BatchNorm2d for i in convolutions[:-1])


def test_a_residual_unit_is_the_identity_where_its_body_is_silent() -> None:
    unit = Parallel([4], 1).branches[0][0].eval()
    with torch.no_grad():
        for parameter in unit.parameters():
            parameter.zero_()
    x = torch.randn(1, 4, 5, 5)
    assert torch.equal(unit(x), x.relu())


@pytest.mark.parametrize(
    ("wrong", "got"),
    [
        ({"joints": 0}, "joints=0"),
        ({"width": 0}, "width=0"),
        ({"modules": (1, 4)}, r"modules=\(1, 4\)"),
        ({"modules": (1, 0, 3)}, r"modules=\(1, 0, 3\)"),
        ({"blocks": 0}, "blocks=0"),
        ({"stem": 0}, "stem=0"),
    ],
)
def test_numbers_that_make_no_hrnet_are_refused(wrong: dict, got: str) -> None:
    with pytest.raises(ValueError, match=f"every number at least 1; got .*{got}"):
        HRNet(**wrong)
