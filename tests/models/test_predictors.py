"""The two loss predictors: what they read, what they refuse, and how the finer maps reach the coarsest."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from llpp_core.models import ConvPredictor, PooledPredictor

SIZES = [(16, 8, 4), (28, 14, 6, 4), (9, 5, 2), (7, 7, 3), (5, 5), (11, 4, 1), (6,), (1, 1)]


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
    with pytest.raises(ValueError, match=r"of sides \(8, 4\), fine → coarse; got \(8, 2\)"):
        ConvPredictor([4, 4], [8, 4])(maps((8, 2), [4, 4]))


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
