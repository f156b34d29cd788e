"""The entropy of a whole heatmap, and when multi-peak entropy is a lower bound of it."""

import math

import pytest
import torch
from scipy.special import entr, softmax
from torch import Tensor

from llpp_core.acquisition import heatmap_entropy, multipeak_entropy
from llpp_core.acquisition.multipeak_entropy import _peaks


def broad_peak_and_spikes(spikes: int = 10) -> Tensor:
    """A heatmap (1, 1, 64, 64): a peak of 3×3 pixels, nearly level, and single spikes of a tenth of its weight."""
    maps = torch.zeros(1, 1, 64, 64, dtype=torch.float64)
    side = torch.arange(spikes) * 6 + 3
    maps[0, 0, side[:, None], side] = 1 - math.log(10) / 30
    maps[..., 60:63, 60:63] = 1 - 1e-9
    maps[..., 61, 61] = 1.0
    return maps


def test_it_is_the_entropy_of_the_softmax_over_all_pixels() -> None:
    maps = torch.randn(5, 3, 6, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for sharpness in (1.0, 30.0):
        flat = softmax(sharpness * maps.flatten(2).numpy(), axis=2)
        wanted = torch.from_numpy(entr(flat).sum(2).mean(1))
        torch.testing.assert_close(heatmap_entropy(maps, sharpness=sharpness), wanted, rtol=1e-12, atol=1e-12)
        single = heatmap_entropy(maps.float(), sharpness=sharpness)
        torch.testing.assert_close(single.double(), wanted, rtol=1e-4, atol=1e-5)
    level = torch.ones(1, 1, 4, 4)
    assert float(heatmap_entropy(level)) == pytest.approx(math.log(16), abs=1e-6)
    assert heatmap_entropy(torch.ones(1, 1, 4, 4, dtype=torch.bfloat16)).dtype == torch.float32


@pytest.mark.parametrize("levels", [None, 4])
@pytest.mark.parametrize("sharpness", [1.0, 5.0, 30.0])
def test_it_is_that_of_the_peaks_of_the_rest_and_of_which_of_the_two(sharpness: float, levels: int | None) -> None:
    """H(p) = h(a) + a H(q) + (1 − a) H(r), and so a bound wherever the rest is as spread as the peaks."""
    maps = torch.rand(40, 1, 7, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    if levels:
        maps = (maps * levels).round() / levels
    whole, of_peaks = heatmap_entropy(maps, sharpness=sharpness), multipeak_entropy(maps, sharpness=sharpness)
    work = torch.empty(2, 40, 7, 9, dtype=torch.float64)
    at = _peaks(maps[:, 0], *work).flatten(1).bool()
    p = torch.softmax(sharpness * maps.flatten(1), dim=1)
    for i in range(40):
        peaks, rest = p[i][at[i]], p[i][~at[i]]
        a = float(peaks.sum())
        q, r = entr((peaks / peaks.sum()).numpy()).sum(), entr((rest / rest.sum()).numpy()).sum()
        assert float(of_peaks[i]) == pytest.approx(q, abs=1e-9)
        parts = entr(a) + entr(1 - a) + a * q + (1 - a) * r
        assert float(whole[i]) == pytest.approx(parts, abs=1e-9)
        if r >= q:
            assert float(whole[i]) >= float(of_peaks[i])


def test_many_images_are_each_scored_as_if_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    maps = torch.rand(7, 3, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    alone = torch.cat([heatmap_entropy(image[None]) for image in maps])
    for pixels in (1, 200, 10**6):
        monkeypatch.setitem(heatmap_entropy.__globals__, "PIXELS_AT_ONCE_ON_CPU", pixels)
        torch.testing.assert_close(heatmap_entropy(maps), alone, rtol=1e-12, atol=1e-12)
    assert heatmap_entropy(maps[:0]).shape == (0,)


def test_multipeak_entropy_is_not_always_the_lower_one() -> None:
    """Worked out by hand: over the peaks 1 and 100 tenths, of 11; over the pixels nine ones and 100 tenths, of 19."""
    maps = broad_peak_and_spikes()
    over_peaks = -(1 / 11) * math.log(1 / 11) - 100 * (0.1 / 11) * math.log(0.1 / 11)
    over_pixels = -9 * (1 / 19) * math.log(1 / 19) - 100 * (0.1 / 19) * math.log(0.1 / 19)
    assert float(multipeak_entropy(maps)) == pytest.approx(over_peaks, abs=1e-6)
    assert float(heatmap_entropy(maps)) == pytest.approx(over_pixels, abs=1e-6)
    assert over_peaks > over_pixels + 0.3


@pytest.mark.usefixtures("as_users_run_it")
def test_what_is_no_heatmap_is_refused() -> None:
    with pytest.raises(ValueError, match="sharpness must be above 0 and finite, got 0"):
        heatmap_entropy(torch.zeros(1, 1, 2, 2), sharpness=0)
    with pytest.raises(ValueError, match=r"wanted heatmaps \(n, joints, height, width\) that are not empty"):
        heatmap_entropy(torch.zeros(1, 2, 2))
    assert heatmap_entropy(torch.full((1, 1, 2, 2), math.nan)).isnan().all()
