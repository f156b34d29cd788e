"""The two loss predictors: what they read, what they refuse, and how the finer maps reach the coarsest."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from llpp_core.models import ConvPredictor, PooledPredictor

SIZES = [
    *((64, 48, 20, 7, 4), (13, 5, 2), (16, 8, 4), (28, 14, 6, 4), (9, 5, 2)),
    *((7, 7, 3), (5, 5), (11, 4, 1), (6,), (1, 1)),
]


def maps(sizes: tuple[int, ...], channels: list[int], batch: int = 3) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(batch, c, s, s, generator=generator) for s, c in zip(sizes, channels, strict=True)]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_conv_predictor_reads_any_falling_sizes_and_uses_every_map(sizes: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    channels = [4 + i for i in range(len(sizes))]
    features = [m.requires_grad_() for m in maps(sizes, channels)]
    predicted = ConvPredictor(channels, sizes)(features)
    assert predicted.shape == (3,)
    predicted.sum().backward()
    assert all(bool((m.grad != 0).any()) for m in features)


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5).map(lambda sizes: tuple(sorted(sizes, reverse=True))),
    widths=st.lists(st.integers(1, 4), min_size=5, max_size=5),
    batch=st.integers(1, 3),
)
@example(sizes=(64, 48, 20, 7, 4), widths=[2, 3, 1, 2, 3], batch=1)
@example(sizes=(13, 5, 2), widths=[2, 3, 1, 2, 3], batch=1)
@settings(deadline=None, max_examples=40, derandomize=True)
def test_any_falling_sizes_widths_and_batches_give_one_finite_number_a_sample(
    sizes: tuple[int, ...], widths: list[int], batch: int
) -> None:
    channels = widths[: len(sizes)]
    features = maps(sizes, channels, batch)
    for predictor in (ConvPredictor(channels, sizes, hidden=(4,)), PooledPredictor(channels, hidden=(4,))):
        predicted = predictor(features)
        assert predicted.shape == (batch,)
        assert bool(torch.isfinite(predicted).all())
        predicted.sum().backward()
        assert all(bool(torch.isfinite(p.grad).all()) for p in predictor.parameters())


@pytest.mark.parametrize(("fine", "coarse", "read"), [(13, 5, 12), (12, 5, 12), (5, 2, 4), (64, 48, 64), (9, 3, 9)])
def test_the_rows_and_columns_left_over_by_the_strided_convolution_are_not_read(
    fine: int, coarse: int, read: int
) -> None:
    (down,) = ConvPredictor([1, 1], [fine, coarse]).down
    feature = torch.randn(1, 1, fine, fine, requires_grad=True)
    with torch.no_grad():
        for parameter in down.parameters():
            parameter.fill_(1.0)  # no dead ReLU, no weight of zero
        feature.abs_()
    down(feature).sum().backward()
    wanted = torch.zeros(fine, fine, dtype=torch.bool)
    wanted[:read, :read] = True
    assert torch.equal(feature.grad[0, 0] != 0, wanted)


@pytest.mark.parametrize("fine", range(1, 20))
def test_a_carried_map_has_the_size_of_the_next(fine: int) -> None:
    for coarse in range(1, fine + 1):
        (down,) = ConvPredictor([2, 3], [fine, coarse]).down
        assert down(torch.zeros(1, 2, fine, fine)).shape == (1, 3, coarse, coarse)


def test_where_the_sizes_divide_one_convolution_of_that_kernel_and_stride_carries() -> None:
    (down,) = ConvPredictor([2, 3], [12, 4]).down
    assert isinstance(down, nn.Conv2d)
    assert down.kernel_size == down.stride == (3, 3)


def test_where_they_do_not_a_second_convolution_of_stride_one_follows() -> None:
    (down,) = ConvPredictor([2, 3], [14, 6]).down
    first, second = (m for m in down if isinstance(m, nn.Conv2d))
    assert first.kernel_size == first.stride == (2, 2)
    assert second.stride == (1, 1)


def test_maps_are_added_not_concatenated() -> None:
    # H₂ ← H₂ + Conv(H₁): moving the convolution's output into the coarser map changes nothing.
    predictor = ConvPredictor([2, 3], [8, 4])
    fine, coarse = maps((8, 4), [2, 3])
    carried = predictor.down[0](fine)
    with torch.no_grad():
        predictor.down[0].weight.zero_()
        predictor.down[0].bias.zero_()
        moved = predictor([fine, coarse + carried])
        predictor.down[0].bias.fill_(0.5)
        assert_close(predictor([fine, coarse + carried - 0.5]), moved)


def test_conv_predictor_sees_where_things_are_and_pooled_predictor_does_not() -> None:
    features = maps((8, 4), [4, 4])
    moved = [features[0].flip(-1), features[1]]
    torch.manual_seed(0)
    pooled, conv = PooledPredictor([4, 4]), ConvPredictor([4, 4], [8, 4])
    assert_close(pooled(features), pooled(moved))
    shuffled = [features[0].flatten(2)[..., torch.randperm(64)].view_as(features[0]), features[1]]
    assert not torch.allclose(conv(features), conv(shuffled), atol=1e-7)


def test_prediction_is_the_embedding_times_w_without_bias() -> None:
    for predictor in (PooledPredictor([4, 4], hidden=(8, 5)), ConvPredictor([4, 4], [8, 4], hidden=(8, 5))):
        features = maps((8, 4), [4, 4])
        theta = predictor.embedding(features)
        assert theta.shape == (3, 5)
        assert_close(predictor(features), theta @ predictor.last.weight[0])
        assert predictor.last.bias is None


@pytest.mark.parametrize("predictor", [PooledPredictor([4, 6]), ConvPredictor([4, 6], [8, 4])], ids=["pooled", "conv"])
@pytest.mark.parametrize("wrong", [[6, 4], [4], [4, 6, 6], [4, 5]])
def test_maps_of_other_widths_are_refused(predictor: nn.Module, wrong: list[int]) -> None:
    features = maps((8, 4, 4)[: len(wrong)], wrong)
    with pytest.raises(ValueError, match=r"reads feature maps of \[4, 6\] channels, fine → coarse; got \["):
        predictor(features)


def test_conv_predictor_refuses_maps_of_other_sides() -> None:
    with pytest.raises(ValueError, match=r"of sides \(8, 4\), fine → coarse; got .* \[\(8, 8\), \(2, 2\)\]"):
        ConvPredictor([4, 4], [8, 4])(maps((8, 2), [4, 4]))


@pytest.mark.parametrize("shapes", [[(8, 8), (5, 4)], [(8, 8), (4, 5)], [(6, 8), (4, 4)], [(8, 8), (4,)], [(), ()]])
def test_conv_predictor_refuses_what_is_no_square_map(shapes: list[tuple[int, ...]]) -> None:
    features = [torch.zeros(3, 4, *shape) for shape in shapes]
    with pytest.raises(ValueError, match=r"square feature maps of sides \(8, 4\), fine → coarse; got features of hei"):
        ConvPredictor([4, 4], [8, 4])(features)


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (2, 3, 4)])
def test_pooled_predictor_averages_whatever_follows_the_channels(shape: tuple[int, ...]) -> None:
    predictor = PooledPredictor([4, 2])
    features = [torch.randn(3, 4, *shape), torch.randn(3, 2, *shape)]
    averages = [f.reshape(3, f.shape[1], -1).mean(-1) for f in features]
    assert_close(predictor.embedding(features), predictor.layers(torch.cat(averages, dim=1)))


@pytest.mark.parametrize("predictor", [PooledPredictor([4, 6]), ConvPredictor([4, 6], [8, 4])], ids=["pooled", "conv"])
@pytest.mark.parametrize(
    "shapes",
    [[(3, 4, 8, 8), (1, 6, 4, 4)], [(1, 4, 8, 8), (3, 6, 4, 4)], [(3, 4, 8, 8), (3, 6, 0, 4)], [(3, 4, 8, 8), (3,)]],
    ids=str,
)
@pytest.mark.usefixtures("as_users_run_it")
def test_features_of_two_batches_or_without_pixels_are_refused(predictor: nn.Module, shapes: list) -> None:
    with pytest.raises(ValueError, match=r"reads features \(batch, channels, …\) of one batch, got shapes \["):
        predictor([torch.zeros(shape) for shape in shapes])


def test_a_predictor_of_one_scale_is_given_a_list_of_one() -> None:
    feature = torch.randn(3, 4, 5, 5)
    torch.manual_seed(0)
    pooled = PooledPredictor([4])
    torch.manual_seed(0)
    conv = ConvPredictor([4], [5])
    assert torch.equal(pooled([feature]), conv({"last": feature}))  # nothing to carry down: they are the same


@pytest.mark.parametrize("sizes", [[4, 8], [8, 0], [0, 0]])
def test_sizes_that_grow_or_vanish_are_refused(sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="sizes run fine → coarse and are at least 1"):
        ConvPredictor([4, 4], sizes)


def test_every_map_needs_a_size() -> None:
    with pytest.raises(ValueError, match="got 2 channels and 3 sizes"):
        ConvPredictor([4, 4], [8, 4, 2])


@pytest.mark.parametrize("make", [PooledPredictor, lambda c, **k: ConvPredictor(c, [4] * len(c), **k)])
def test_a_predictor_needs_a_map_and_a_layer(make) -> None:
    with pytest.raises(ValueError, match="at least one feature map"):
        make([])
    with pytest.raises(ValueError, match="at least one layer"):
        make([4], hidden=())
