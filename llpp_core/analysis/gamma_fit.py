"""The gamma distribution that fits a sample of true losses: shape, scale, how sure, how well.

Shukla & Ahmed (CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370, Fig. 3) fit the true losses of one pose model by maximum
likelihood. Here the location is fixed at 0, and the fit says how sure it is of its parameters and whether the sample
looks like the distribution at all.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, ndtri, psi, zeta

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GammaFit:
    """A gamma distribution fitted to true losses.

    Attributes:
        shape: k.
        scale: Θ, in the unit of the losses.
        shape_interval: of k, at the level ``confidence``.
        scale_interval: of Θ, at the level ``confidence``.
        count: number of losses.
        distance: largest difference of the empirical and the fitted distribution function (Kolmogorov and Smirnov).
        p_value: share of samples from the fitted distribution that, refitted, are at least as far from their own fit.
        confidence: level of the intervals.
    """

    shape: float
    scale: float
    shape_interval: tuple[float, float]
    scale_interval: tuple[float, float]
    count: int
    distance: float
    p_value: float
    confidence: float

    def statement(self) -> str:
        """Return a sentence: the fit, its intervals, and whether the losses look gamma distributed."""
        level = f"{self.confidence:.0%}"
        low, high = self.shape_interval
        scale_low, scale_high = self.scale_interval
        verdict = (
            "nothing speaks against a gamma distribution"
            if self.p_value >= 1 - self.confidence
            else "they are not gamma distributed"
        )
        return (
            f"{self.count:,} losses: shape k = {self.shape:.3g} ({level} interval {low:.3g} to {high:.3g}), scale "
            f"Θ = {self.scale:.3g} ({scale_low:.3g} to {scale_high:.3g}); {verdict}: the largest "
            f"distance of the distribution functions is {self.distance:.3f} (p = {self.p_value:.2g})"
        )


def fit(true_losses: npt.ArrayLike, *, confidence: float = 0.95, samples: int = 199, seed: int = 0) -> GammaFit:
    """Return the gamma distribution, with location 0, of maximum likelihood for a sample of losses.

    The intervals are Wald's on the logarithms of k and Θ. The p-value is that of a parametric bootstrap: a
    Kolmogorov-Smirnov distance to a distribution fitted to the same sample does not follow the usual tables.

    Args:
        true_losses: at least two different values > 0, of any shape; flattened.
        confidence: level of the intervals, between 0 and 1.
        samples: how many samples the bootstrap draws, at least 1; the smallest p-value is 1/(samples + 1).
        seed: of the bootstrap.

    Raises:
        ValueError: fewer than two values, a value that is not finite and above 0 (with its position), values all
            alike (k would be infinite), or ``confidence`` or ``samples`` out of range.
    """
    losses = np.asarray(true_losses, dtype=float).ravel()
    if len(losses) < 2:
        raise ValueError(f"a gamma fit needs at least 2 losses, got {len(losses)}")
    if not 0 < confidence < 1 or samples < 1:
        raise ValueError(
            f"wanted confidence between 0 and 1 and at least 1 bootstrap sample, got {confidence} and {samples}"
        )
    wrong = np.flatnonzero(~(np.isfinite(losses) & (losses > 0)))
    if len(wrong):
        shown = ", ".join(map(str, wrong[:10])) + (", …" if len(wrong) > 10 else "")
        raise ValueError(f"true losses must be finite and above 0; they are not at position {shown}")
    if losses.min() == losses.max():
        raise ValueError(f"a gamma fit needs losses that differ, got {len(losses)} times {losses[0]:g}")
    # In a unit that is a power of two, which changes no digit, and in which the largest loss is near 2^1000.
    power = 1000 - int(np.frexp(losses.max())[1])
    losses = np.ldexp(losses, power)
    shape, unscaled = (float(v[0]) for v in _maximum_likelihood(losses[None]))
    scale = float(np.ldexp(unscaled, -power))
    # Fisher's information of (log k, log Θ), inverted; k² trigamma(k) is k + slope.
    slope = float(_log_less_digamma(np.array([shape]))[1][0])
    shape_spread = -ndtri((1 - confidence) / 2) / np.sqrt(len(losses) * slope)
    scale_spread = shape_spread * np.sqrt(1 + slope / shape)
    distance = float(_distance(losses[None], np.array([shape]), np.array([unscaled]))[0])
    further = _bootstrap(distance, shape, len(losses), samples, np.random.default_rng(seed))
    return GammaFit(
        shape=shape,
        scale=scale,
        shape_interval=_around(shape, shape_spread),
        scale_interval=_around(scale, scale_spread),
        count=len(losses),
        distance=distance,
        p_value=(further + 1) / (samples + 1),
        confidence=confidence,
    )


def _maximum_likelihood(losses: Array) -> tuple[Array, Array]:
    """Return shape and scale of each row: k solves log k − ψ(k) = log(mean) − mean(log), and Θ = mean / k."""
    mean = losses.mean(axis=1)
    off = losses / mean[:, None] - 1  # its mean is 0 but for rounding, which off − log1p(off) does not see
    gap = np.where(off > -0.5, off - np.log1p(np.maximum(off, -0.5)), off - np.log(losses) + np.log(mean)[:, None])
    wanted = np.maximum(gap.mean(axis=1), np.finfo(float).tiny)
    shape = (3 - wanted + np.sqrt((wanted - 3) ** 2 + 24 * wanted)) / (12 * wanted)  # within 1.5 % of the root
    for _ in range(6):  # Newton on 1/k, which the equation is nearly linear in
        excess, slope = _log_less_digamma(shape)
        shape = 1 / (1 / shape + (wanted - excess) / slope)
    return shape, mean / shape


def _log_less_digamma(shape: Array) -> tuple[Array, Array]:
    """Return log k − ψ(k) and its derivative by 1/k, from the series in 1/k where the difference would cancel."""
    y = 1 / np.maximum(shape, 50.0)
    series = y * (1 / 2 + y * (1 / 12 - y**2 * (1 / 120 - y**2 / 252)))
    its_slope = 1 / 2 + y * (1 / 6 - y**2 * (1 / 30 - y**2 / 42))
    k = np.minimum(shape, 50.0)
    large = shape > 50
    return np.where(large, series, np.log(k) - psi(k)), np.where(large, its_slope, k * (k * zeta(2, k) - 1))


def _distance(losses: Array, shape: Array, scale: Array) -> Array:
    """Return the Kolmogorov-Smirnov distance of each row of losses to its gamma distribution."""
    count = losses.shape[1]
    fitted = gammainc(shape[:, None], np.sort(losses, axis=1) / scale[:, None])
    steps = np.arange(count + 1) / count
    return np.maximum(steps[1:] - fitted, fitted - steps[:-1]).max(axis=1)


def _bootstrap(distance: float, shape: float, count: int, samples: int, rng: np.random.Generator) -> int:
    """Return how many samples of the fitted distribution lie at least as far from their own fit."""
    rows = max(1, 500_000 // count)
    further = 0
    for start in range(0, samples, rows):
        drawn = rng.standard_gamma(shape, size=(min(rows, samples - start), count))
        drawn = np.maximum(drawn, np.finfo(float).tiny)  # a very small k draws zeros
        further += int((_distance(drawn, *_maximum_likelihood(drawn)) >= distance).sum())
    return further


def _around(value: float, spread: float) -> tuple[float, float]:
    return value * float(np.exp(-spread)), value * float(np.exp(spread))
