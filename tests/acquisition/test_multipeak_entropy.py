"""Multi-peak entropy is the entropy of the softmax over regional maxima, border and flat tops included."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.special import entr, softmax
from torch import Tensor

from llpp_core.acquisition import MultipeakEntropy, Pool, ask, multipeak_entropy
from llpp_core.data import heatmaps


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def plain(maps: Tensor, sharpness: float = 30.0) -> Tensor:
    """One map at a time, every connected set of equal pixels held against its neighbors."""
    return torch.tensor([np.mean([_entropy(one, sharpness) for one in image]) for image in maps.double().numpy()])


def _entropy(one: np.ndarray, sharpness: float) -> float:
    square, peaks = np.ones((3, 3)), []
    for value in np.unique(one):
        labels, count = ndimage.label(one == value, structure=square)
        for label in range(1, count + 1):
            inside = labels == label
            around = ndimage.binary_dilation(inside, square) & ~inside
            if (one[around] < value).all():
                peaks.append(value)
    return entr(softmax(sharpness * np.array(peaks))).sum()


def of(*rows: str, **options: float) -> float:
    """The entropy of one map, given as rows of digits."""
    return float(multipeak_entropy(torch.tensor([[[float(c) for c in row] for row in rows]])[None], **options))


@pytest.mark.parametrize("levels", [None, 2, 3, 5, 20])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (6, 1), (2, 2), (5, 6), (9, 12)])
def test_it_is_the_entropy_of_all_regional_maxima(height: int, width: int, levels: int | None) -> None:
    maps = torch.randn(8, 3, height, width, generator=generator(height))
    if levels:
        maps = (maps * levels / 4).round() / levels
    torch.testing.assert_close(multipeak_entropy(maps.double()), plain(maps), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(multipeak_entropy(maps).double(), plain(maps), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(multipeak_entropy(maps.double(), sharpness=7), plain(maps, 7.0), rtol=1e-12, atol=1e-12)


def test_one_peak_has_no_entropy_wherever_it_stands() -> None:
    for x, y in ((0.0, 0.0), (63.0, 0.0), (63.0, 63.0), (31.5, 0.0), (31.5, 31.5), (20.0, 41.0)):
        drawn = heatmaps.draw(torch.tensor([[[x, y]]]), torch.tensor([[True]]), 64)
        assert float(multipeak_entropy(drawn)) == 0.0


@pytest.mark.parametrize("at", [(0, 0), (0, 3), (4, 0), (4, 6), (2, 6)])
def test_a_peak_at_the_border_counts_like_any_other(at: tuple[int, int]) -> None:
    maps = torch.zeros(1, 1, 5, 7)
    maps[0, 0, 2, 3] = 1.0
    if at != (2, 3):
        maps[(0, 0, *at)] = 1.0
    assert float(multipeak_entropy(maps)) == pytest.approx(math.log(2), abs=1e-6)


def test_values_count_by_their_softmax() -> None:
    p = math.e**3 / (math.e**3 + math.e)
    assert of("3001", sharpness=1) == pytest.approx(-p * math.log(p) - (1 - p) * math.log(1 - p), abs=1e-6)
    p = math.e**6 / (math.e**6 + math.e**2)
    assert of("3001", sharpness=2) == pytest.approx(-p * math.log(p) - (1 - p) * math.log(1 - p), abs=1e-6)


def test_ripples_count_unless_the_values_are_sharpened() -> None:
    ripples = 0.01 * torch.rand(1, 1, 24, 24, generator=generator())
    torn = torch.zeros(1, 1, 24, 24)
    torn[..., 5, 5], torn[..., 15, 20] = 1.0, 0.95
    sure = ripples.clone()
    sure[..., 5, 5] = 1.0
    assert float(multipeak_entropy(sure, sharpness=1)) > float(multipeak_entropy(torn, sharpness=1)) + 1
    assert float(multipeak_entropy(sure)) < 1e-3 < 0.4 < float(multipeak_entropy(torn))


def test_adjacent_equal_pixels_are_one_peak_or_none() -> None:
    assert of("0000", "0220", "0220", "0000") == 0  # a flat top
    assert of("02200220") == pytest.approx(math.log(2), abs=1e-6)  # two of them
    assert of("0223") == 0  # a shoulder
    assert of("3223") == pytest.approx(math.log(2), abs=1e-6)  # a flat valley between two peaks
    assert of("20002", "02020", "00200") == 0  # a flat top that bends, joined at its corners
    assert of("20003", "02020", "00200") == 0  # the same, and it is a shoulder all along
    assert of("1111", "1111") == 0  # nothing but one value
    assert of("1111", "1112") == 0


def test_joints_count_alike_and_maps_have_no_part_in_each_other() -> None:
    two, one = torch.tensor([[1.0, 0.0, 1.0]]), torch.tensor([[0.0, 0.0, 1.0]])
    images = torch.stack([torch.stack([two, one, one]), torch.stack([two, two, one]), torch.stack([one, one, one])])
    expected = math.log(2) * torch.tensor([1 / 3, 2 / 3, 0])
    torch.testing.assert_close(multipeak_entropy(images), expected, rtol=0, atol=1e-6)


def test_many_images_are_each_scored_as_if_alone(monkeypatch) -> None:
    maps = torch.rand(7, 3, 6, 5, generator=generator())
    maps[2] = (4 * maps[2]).round()
    alone = torch.cat([multipeak_entropy(image[None]) for image in maps])
    for pixels in (1, 60, 100, 10**6):
        monkeypatch.setitem(multipeak_entropy.__globals__, "PIXELS_AT_ONCE_ON_CPU", pixels)
        torch.testing.assert_close(multipeak_entropy(maps), alone, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_map_that_is_not_finite_gives_nan_for_its_image_alone(value: float) -> None:
    maps = torch.rand(3, 2, 4, 4, generator=generator())
    maps[1, 1, 2, 2] = value
    got = multipeak_entropy(maps)
    assert got.isnan().tolist() == [False, True, False]
    with pytest.raises(ValueError, match=r"^multipeak_entropy must be finite; they are not for b$"):
        ask(MultipeakEntropy(), Pool("abc", multipeak_entropy=got), 1, generator=generator())


@pytest.mark.parametrize("height", [1e-30, 1e30])
def test_heights_of_all_sizes_give_finite_entropies(height: float) -> None:
    maps = height * torch.rand(2, 2, 8, 8, generator=generator())
    got = multipeak_entropy(maps)
    assert bool(torch.isfinite(got).all())
    torch.testing.assert_close(got.double(), plain(maps), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    maps = torch.rand(4, 2, 9, 9, generator=generator()).to(dtype)
    got = multipeak_entropy(maps)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got.double(), plain(maps), rtol=1e-5, atol=1e-6)


def test_heatmaps_are_left_alone_and_gradients_out_of_it() -> None:
    maps = torch.rand(2, 2, 5, 5, generator=generator(), requires_grad=True)
    before = maps.detach().clone()
    assert not multipeak_entropy(maps).requires_grad
    assert torch.equal(maps.detach(), before)


def test_no_image_has_no_entropy() -> None:
    assert multipeak_entropy(torch.zeros(0, 14, 64, 64)).shape == (0,)


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 0, 4, 4), (2, 3, 0, 4), (2, 3, 4, 0)])
def test_maps_without_a_joint_or_a_pixel_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"wanted heatmaps \(n, joints, height, width\) that are not empty, got \("):
        multipeak_entropy(torch.zeros(shape))


@pytest.mark.parametrize("sharpness", [0, -1.0, float("nan"), float("inf")])
def test_a_sharpness_that_is_none_is_refused(sharpness: float) -> None:
    with pytest.raises(ValueError, match="sharpness must be above 0 and finite, got"):
        multipeak_entropy(torch.rand(1, 1, 3, 3), sharpness=sharpness)
