"""Multi-peak entropy (Liu & Ferrari, ICCV 2017, doi 10.1109/ICCV.2017.468): ask where heatmaps waver between places.

The values x_1, …, x_m of a joint's m peaks are read as a distribution over places, p = softmax(x); its entropy
−Σ p log p is 0 where there is one peak, and at most log m. An image's score is the mean over its joints. Beyond the
publication: the values are multiplied by a sharpness s first, because a softmax depends on how high heatmaps are drawn.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from llpp_core.acquisition.strategy import Pool, needed, top

SHARPNESS = 30.0
"""Makes heatmaps of peak 1, this package's, those of peak 30, the height in the code of the paper's authors."""
PIXELS_AT_ONCE_ON_CPU = 2**18
"""1 MiB in float32: what the steps hand on stays in a core's cache."""
PIXELS_AT_ONCE = 2**24
"""Elsewhere: enough to occupy a GPU, and 64 MiB in float32."""


class MultipeakEntropy:
    """Asks for the samples of the highest `multipeak_entropy`."""

    name = "multipeak_entropy"
    needs: tuple[str, ...] = ("multipeak_entropy",)

    def score(self, pool: Pool, *, generator: torch.Generator) -> Float[Tensor, "n"]:
        """Return the entropies.

        Raises:
            ValueError: the pool has no entropies, or they are not finite.
        """
        (entropy,) = needed(self, pool)
        return entropy

    def select(self, scores: Float[Tensor, "n"], budget: int, *, pool: Pool) -> Int[Tensor, "budget"]:
        """Return the ``budget`` indices of the highest entropy, highest first."""
        return top(scores, budget, ids=pool.ids)


def multipeak_entropy(
    heatmaps: Float[Tensor, "n joints height width"], *, sharpness: int | float = SHARPNESS
) -> Float[Tensor, "n"]:
    """Return the entropy of each image's peaks in nats, the mean over its joints.

    A peak is a pixel higher than all of its neighbors: 8 of them, 5 at a border and 3 in a corner, so a peak at the
    border is one like any other. Adjacent pixels of one value count as one, so a flat top is one peak, a flat shoulder
    none, and a map of a single value has one peak and entropy 0. There is no threshold: the ripples of a background
    are peaks too. Beside a peak of height 1 a ripple near 0 weighs e⁻ˢ as much. With s = 1 many of them drown the
    peaks, and the entropy says how rippled a map is; a large s leaves the highest peaks.

    Args:
        heatmaps: as predicted, of any floating type; no gradient flows into them. At least one joint and pixel.
        sharpness: s > 0, what all values are multiplied with; 1 takes them as they are.

    Returns:
        One entropy an image, in float32, or in float64 for float64; nan where a heatmap is not finite, or is not when
        it is multiplied.

    Raises:
        ValueError: ``sharpness`` not above 0 or not finite; maps without a joint or a pixel.
    """
    _check(heatmaps, sharpness)
    wide = torch.promote_types(heatmaps.dtype, torch.float32)
    maps = heatmaps.detach().flatten(0, 1)  # (n * joints, height, width)
    at_once = max(1, (PIXELS_AT_ONCE_ON_CPU if maps.is_cpu else PIXELS_AT_ONCE) // maps.shape[1:].numel())
    # Memory that is new at every step costs more time than the steps themselves.
    work = torch.empty(3, min(at_once, len(maps)), *maps.shape[1:], dtype=wide, device=maps.device)
    entropy = torch.empty(len(maps), dtype=wide, device=maps.device)
    for start in range(0, len(maps), at_once):
        part = slice(start, start + at_once)
        entropy[part] = _entropy(maps[part].to(wide), sharpness, work)
    return entropy.view(heatmaps.shape[:2]).mean(1)


def heatmap_entropy(
    heatmaps: Float[Tensor, "n joints height width"], *, sharpness: int | float = SHARPNESS
) -> Float[Tensor, "n"]:
    """Return the entropy of each image's heatmaps over all of their pixels in nats, the mean over its joints.

    What `multipeak_entropy` is said to be a lower bound of. With a the weight of the peaks in the softmax over all
    pixels, E_p the entropy over the peaks alone, which is multi-peak entropy, and E_r that over the rest alone, it is
    E = −a log a − (1 − a) log(1 − a) + a E_p + (1 − a) E_r: at least E_p wherever E_r ≥ E_p, and not always else.

    Args:
        heatmaps: as in `multipeak_entropy`.
        sharpness: as in `multipeak_entropy`.

    Returns:
        One entropy an image, in float32, or in float64 for float64; nan where a heatmap is not finite.

    Raises:
        ValueError: as in `multipeak_entropy`.
    """
    _check(heatmaps, sharpness)
    wide = torch.promote_types(heatmaps.dtype, torch.float32)
    at_once = max(1, (PIXELS_AT_ONCE_ON_CPU if heatmaps.is_cpu else PIXELS_AT_ONCE) // heatmaps.shape[1:].numel())
    parts = []
    for part in heatmaps.detach().split(at_once):
        log_weight = torch.log_softmax(sharpness * part.to(wide).flatten(2), dim=2)  # (images, joints, pixels)
        parts.append(-(log_weight.exp() * log_weight).sum(2).mean(1))
    return torch.cat(parts) if parts else heatmaps.new_zeros(0, dtype=wide)


def _check(heatmaps: Tensor, sharpness: int | float) -> None:
    if not (sharpness > 0 and math.isfinite(sharpness)):
        raise ValueError(f"sharpness must be above 0 and finite, got {sharpness}")
    if heatmaps.ndim != 4 or 0 in heatmaps.shape[1:]:
        raise ValueError(f"wanted heatmaps (n, joints, height, width) that are not empty, got {tuple(heatmaps.shape)}")


def _entropy(maps: Tensor, sharpness: int | float, work: Tensor) -> Tensor:
    """Return the entropy of each map's peaks; ``work`` is room for three copies of the maps."""
    one, two, three = work[:, : len(maps)]
    peaks = _peaks(maps, one, two)
    logit = torch.sub(maps, maps.amax((1, 2), keepdim=True), out=two).mul_(sharpness)
    weight = torch.exp(logit, out=three).mul_(peaks)
    total = weight.sum((1, 2))
    # 0 times an infinite logit is nan, so that no map gets away with a pixel that is not finite.
    return total.log() - weight.mul_(logit).sum((1, 2)) / total


def _peaks(maps: Tensor, one: Tensor, two: Tensor) -> Tensor:
    """Return, in ``one``, 1 at the peaks of each map, at the first pixel of a flat top, and 0 elsewhere."""
    # Numbers, not booleans: the processor works through those several at a time.
    sign = torch.sub(maps, _highest_neighbor(maps, one, two), out=one).sign_()
    # Where ties are, a pixel is neither higher nor lower than its highest neighbor.
    tied = (torch.abs(sign, out=two).sum((1, 2)) < sign[0].numel()).nonzero().flatten()
    first = _first_of_flat_tops(maps[tied], sign[tied] == 0) if len(tied) else None
    peaks = sign.clamp_min_(0)
    if first is not None:
        peaks[tied] = torch.maximum(peaks[tied], first.to(peaks.dtype))
    return peaks


def _first_of_flat_tops(maps: Tensor, level: Bool[Tensor, "k height width"]) -> Bool[Tensor, "k height width"]:
    """Return the first pixel of each set of adjacent equal pixels all of whose other neighbors are lower.

    Args:
        maps: (k, height, width).
        level: the pixels that have an equal neighbor and no higher one.
    """
    lowest = maps.amin((1, 2), keepdim=True)
    constant = maps.amax((1, 2)) == lowest.flatten()
    # Most ties are those of a background. What is lowest is no peak, unless all is.
    level = level & (maps > lowest)
    value = F.pad(maps, (1, 1, 1, 1), value=-torch.inf)
    width = value.shape[2]
    at = F.pad(level, (1, 1, 1, 1)).flatten().nonzero().flatten()
    step = torch.tensor([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1], device=at.device)
    beside = at[:, None] + step
    equal = value.flatten()[beside] == value.flatten()[at, None]
    # The lowest number of a set spreads over it: that of its first pixel, or -1 from beside a pixel with a higher one.
    number = torch.full((value.numel(),), -1, device=at.device)
    number[at] = at
    while True:
        spread = torch.where(equal, number[beside], at[:, None]).amin(1).minimum(number[at])
        if torch.equal(spread, number[at]):
            break
        number[at] = spread
    first = torch.zeros_like(value, dtype=torch.bool)
    first.view(-1)[at[number[at] == at]] = True
    first = first[:, 1:-1, 1:-1]
    first[constant, 0, 0] = True
    return first


def _highest_neighbor(maps: Tensor, one: Tensor, two: Tensor) -> Tensor:
    """Return, in ``one``, the highest of each pixel's 8 neighbors; beyond the border all is -inf."""
    highest = one
    highest[..., 0] = -torch.inf
    highest[..., 1:] = maps[..., :-1]
    torch.maximum(highest[..., :-1], maps[..., 1:], out=highest[..., :-1])
    row = torch.maximum(highest, maps, out=two)  # of three pixels
    torch.maximum(highest[..., 1:, :], row[..., :-1, :], out=highest[..., 1:, :])
    torch.maximum(highest[..., :-1, :], row[..., 1:, :], out=highest[..., :-1, :])
    return highest
