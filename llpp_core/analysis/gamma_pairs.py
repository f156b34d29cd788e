r"""Pairs of gamma-distributed losses: how often they are too close to call, and what share the smaller one has.

Shukla & Ahmed (CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370, Eq. 5 and 6) take the true losses of a converged
regressor to be gamma distributed with shape k and scale Θ. For independent X, Y of that distribution this module has

* :math:`P(|X - Y| \le \delta)` (Table 1; the supplement sums it for integer k),
* :math:`\varphi(\delta) = E[X / (2X + \delta) \mid Y - X = \delta]` (Table 2),
* the density of the gap X − Y, which is a symmetric variance-gamma variable,

for every real k > 0. All depend on k and z = δ/Θ alone. With ν = k − ½, K the modified Bessel and L the modified
Struve function they have closed forms (beyond the paper):

.. math::

    P = z\,[K_\nu(z) L_{\nu-1}(z) + K_{\nu-1}(z) L_\nu(z)],

    \varphi = \tfrac12 \Bigl[1 - \frac{\int_z^\infty t^{-\nu} K_\nu(t)\,dt}{z^{-\nu} K_\nu(z)}\Bigr],

which overflow, cancel or divide 0 by 0 over much of the range. They are not evaluated here. Every value is a mean of
positive terms instead, an integral over the real line whose integrand falls off exponentially and is analytic in a
strip around it, so that the trapezoidal rule converges geometrically:

* X − Y is a normal variable of variance 2G with G ~ γ(k, 1), hence P is the mean of :math:`\mathrm{erf}(z / 2\sqrt G)`
  over G (used for k ≥ 1), or of the distribution function of G at :math:`z^2/4y^2` over a half-normal y (for k < 1);
* φ is a ratio of two integrals over :math:`x^{k-1}(x+z)^{k-1}e^{-2x}`; for k < 1 the lower one is integrated by parts
  once, which takes away the singularity at 0 and leaves it positive;
* the density needs :math:`K_\nu(z) = \int_0^\infty e^{-z\cosh t}\cosh(\nu t)\,dt`, taken about the integrand's peak.

Where many gaps are asked for at one shape, the logarithm of the function is interpolated in log z instead, by
Chebyshev polynomials of degree 96 on intervals of length 4.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numpy.polynomial import Chebyshev
from scipy.special import erf, gammainc, gammaln, xlogy

from llpp_core.analysis.gamma_fit import GammaFit, fit

__all__ = [
    "GammaFit",
    "expected_share",
    "expected_share_large_gap",
    "fit",
    "gap_density",
    "probability_beyond_large_gap",
    "probability_within",
    "probability_within_small_gap",
]

Array = npt.NDArray[np.float64]
Values = float | int | npt.ArrayLike  # beartype reads ArrayLike's `complex` as refusing floats

LARGEST_SHAPE = 1e6
"""Up to here the rules below keep their accuracy; a gamma variable of that shape varies by a thousandth of its mean."""

_FALL = 40.0  # nats: where an integrand has fallen by e^-40, the rest is below the last digit
_LARGEST_GAP = 1e9  # in units of the scale; beyond, the density is below the smallest number for every shape
_MANY = 300  # from so many different gaps on, interpolation is the cheaper way
_PIECE, _DEGREE = 4.0, 96
_CELLS = 2_000_000  # numbers in one intermediate array: 16 MB


def probability_within(loss_gap: Values, shape: Values, scale: Values) -> float | Array:
    r"""Return P(|X − Y| ≤ δ), the chance that the losses of a pair are within δ of each other (Eq. 5, Table 1).

    Args:
        loss_gap: δ ≥ 0, in the unit of the losses; infinity too.
        shape: k, above 0 and up to 10⁶.
        scale: Θ > 0, in the unit of the losses.

    Returns:
        From 0 to 1, a float for three scalars, else an array of the broadcast shape.

    Raises:
        ValueError: an argument is NaN or out of its range.
    """
    probability = _evaluate(
        _probability, np.log, np.exp, loss_gap, shape, scale, at_zero=lambda k: 0.0, at_infinity=1.0
    )
    return _result(np.minimum(probability, 1.0))  # rounding


def expected_share(loss_gap: Values, shape: Values, scale: Values) -> float | Array:
    r"""Return φ(δ) = E[X / (2X + δ) | Y − X = δ]: the expected share of a pair's smaller loss (Eq. 6, Table 2).

    At δ = 0 it is the limit δ → 0: ½ for k ≥ ½, as in the paper, but ½ [1 − √π Γ(1−k)/Γ(½−k)] for k < ½, where the
    density of the losses is so steep at 0 that the smaller loss of a close pair shrinks in proportion to the gap.

    Args:
        loss_gap: δ ≥ 0, in the unit of the losses; infinity too.
        shape: k, above 0 and up to 10⁶.
        scale: Θ > 0, in the unit of the losses.

    Returns:
        From 0 to ½, a float for three scalars, else an array of the broadcast shape.

    Raises:
        ValueError: an argument is NaN or out of its range.
    """
    share = _evaluate(_share, np.log, np.exp, loss_gap, shape, scale, at_zero=_share_at_zero, at_infinity=0.0)
    return _result(np.minimum(share, 0.5))  # rounding


def gap_density(gap: Values, shape: Values, scale: Values) -> float | Array:
    r"""Return the density of X − Y: :math:`|x|^\nu K_\nu(|x|) / (\sqrt\pi\,\Gamma(k)\,2^\nu\,\Theta)`, x = gap/Θ.

    Args:
        gap: of any sign, in the unit of the losses.
        shape: k, above 0 and up to 10⁶.
        scale: Θ > 0, in the unit of the losses.

    Returns:
        Per unit of the losses; infinite at 0 for k ≤ ½. A float for three scalars, else an array.

    Raises:
        ValueError: an argument is NaN or out of its range.
    """
    size = np.abs(np.asarray(gap, dtype=float))
    unit = np.asarray(scale, dtype=float)

    def scaled(z: Array, k: float) -> Array:  # e^z f(z), which varies gently in log z
        return _log_density(z, k) + z

    with np.errstate(all="ignore"):  # what is wrong with the arguments, _evaluate says
        size = np.where(size > _LARGEST_GAP * unit, np.inf, size)

    density = _evaluate(
        scaled, lambda v: v, lambda v: v, size, shape, scale, at_zero=_log_density_at_zero, at_infinity=-np.inf
    )
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        decay = np.where(np.isinf(size / unit), 0.0, size / unit)
        value = np.exp(density - decay) / unit
    return value if value.ndim else float(value)


def probability_within_small_gap(loss_gap: Values, shape: Values, scale: Values) -> float | Array:
    """Return what P(|X − Y| ≤ δ) tends to as δ → 0: its leading term.

    z Γ(k−½) / (√π Γ(k)) for k > ½; (2z/π) (1 − γ − log(z/2)), with Euler's γ, for k = ½; for k < ½
    (z/2)^{2k} Γ(½−k) / (√π Γ(k) k). Arguments as in `probability_within`.
    """
    z, k = _checked(loss_gap, shape, scale)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_z = np.log(z)
        above = np.exp(log_z + gammaln(k - 0.5) - gammaln(k)) / np.sqrt(np.pi)
        below = np.exp(2 * k * (log_z - np.log(2)) + gammaln(0.5 - k) - gammaln(k)) / (np.sqrt(np.pi) * k)
        between = np.where(z > 0, 2 * z / np.pi * (1 - np.euler_gamma - log_z + np.log(2)), 0.0)
    return _result(np.where(k > 0.5, above, np.where(k < 0.5, below, between)))


def probability_beyond_large_gap(loss_gap: Values, shape: Values, scale: Values) -> float | Array:
    """Return what P(|X − Y| > δ) tends to as δ → ∞: its leading term (z/2)^{k−1} e^{−z} / Γ(k).

    Arguments as in `probability_within`.
    """
    z, k = _checked(loss_gap, shape, scale)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = np.exp(xlogy(k - 1, z / 2) - z - gammaln(k))
    return _result(np.where(np.isinf(z), 0.0, value))


def expected_share_large_gap(loss_gap: Values, shape: Values, scale: Values) -> float | Array:
    """Return what φ(δ) tends to as δ → ∞: its leading term k / (2z), so φ falls with the reciprocal of the gap.

    Arguments as in `expected_share`.
    """
    z, k = _checked(loss_gap, shape, scale)
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        return _result(k / z / 2)


def _checked(loss_gap: Values, shape: Values, scale: Values) -> tuple[Array, Array]:
    """Return z = δ/Θ and k, broadcast, or raise naming what is wrong."""
    gap, k, unit = (np.asarray(v, dtype=float) for v in (loss_gap, shape, scale))
    for name, value, fits, wanted in (
        ("loss_gap", gap, gap >= 0, "at least 0"),
        ("shape", k, (k > 0) & (k <= LARGEST_SHAPE), f"above 0 and at most {LARGEST_SHAPE:,.0f}"),
        ("scale", unit, (unit > 0) & np.isfinite(unit), "above 0 and finite"),
    ):
        if not np.all(fits):  # false for NaN
            raise ValueError(f"{name} must be {wanted}, got {value[~fits].flat[0] if value.ndim else value:g}")
    with np.errstate(over="ignore", under="ignore"):
        z, k = np.broadcast_arrays(gap / unit, k)
    return z, k


def _result(values: Array | np.float64) -> float | Array:
    """Return a float for a single value: NumPy's arithmetic turns arrays without axes into scalars of its own."""
    return values if isinstance(values, np.ndarray) and values.ndim else float(values)


def _evaluate(
    function: Callable[[Array, float], Array],
    gentle: Callable[[Array], Array],
    back: Callable[[Array], Array],
    loss_gap: Values,
    shape: Values,
    scale: Values,
    *,
    at_zero: Callable[[float], float],
    at_infinity: float,
) -> float | Array:
    """Return ``function(z, k)`` for every element; ``gentle`` is interpolated in log z, and ``back`` undoes it."""
    z, k = _checked(loss_gap, shape, scale)
    result = np.full(z.shape, at_infinity)
    for one in np.unique(k):
        here = k == one
        result[here & (z == 0)] = at_zero(float(one))
        inside = here & (z > 0) & np.isfinite(z)
        different, position = np.unique(z[inside], return_inverse=True)
        if len(different) < _MANY:
            values = function(different, float(one))
        else:
            values = _interpolated(function, gentle, back, different, float(one))
        result[inside] = values[position]
    return _result(result)


def _interpolated(
    function: Callable[[Array, float], Array],
    gentle: Callable[[Array], Array],
    back: Callable[[Array], Array],
    z: Array,
    k: float,
) -> Array:
    """Return ``function(z, k)`` for many z in ascending order, through polynomials in log z."""
    log_z = np.log(z)
    pieces = np.floor(log_z / _PIECE)
    values = np.empty_like(z)
    for piece in np.unique(pieces):
        here = slice(np.searchsorted(pieces, piece), np.searchsorted(pieces, piece, side="right"))
        if here.stop - here.start <= _DEGREE or abs(piece * _PIECE) > 600:  # nodes or values could be 0 or infinite
            values[here] = function(z[here], k)
        else:
            ends = [piece * _PIECE, (piece + 1) * _PIECE]
            polynomial = Chebyshev.interpolate(lambda t: gentle(function(np.exp(t), k)), _DEGREE, domain=ends)
            values[here] = back(polynomial(log_z[here]))
    return values


def _in_parts(function: Callable[[Array, float, int], Array], z: Array, k: float, nodes: int) -> Array:
    """Return ``function`` over z in parts whose (part, nodes) arrays stay small."""
    rows = max(1, _CELLS // nodes)
    return np.concatenate([function(z[at : at + rows], k, nodes) for at in range(0, max(len(z), 1), rows)])


def _probability(z: Array, k: float) -> Array:
    if k >= 1:
        # G = k e^s. Steps and ends as the width of log G asks for them: 1/√k where k is large.
        low, high = -(10 / np.sqrt(k) + 2 * _FALL / k), np.log1p(_FALL / k + 10 / np.sqrt(k))
        s = _line(low, high, 0.25 / np.sqrt(1 + k / 8))
        weight = np.exp(k * (s - np.expm1(s)))
        half_width = 0.5 / np.sqrt(k * np.exp(s))
        with np.errstate(over="ignore"):
            return _in_parts(lambda z, k, n: erf(z[:, None] * half_width) @ weight / weight.sum(), z, k, len(s))

    def over_normal(z: Array, k: float, nodes: int) -> Array:
        v = _line(min(float(np.log(z).min(initial=0.0)), 0.0) - _FALL, 2.0, 0.125)  # y = e^v
        weight = np.exp(v - np.exp(2 * v))
        log_g = 2 * (np.log(z)[:, None] - v - np.log(2))  # (gaps, nodes): log of z² / 4y²
        with np.errstate(under="ignore"):
            # Far below 1 the distribution function of G is g^k / Γ(k+1); as a logarithm it cannot underflow.
            tail = np.exp(np.minimum(k * log_g, 0) - gammaln(k + 1))
            inside = np.where(log_g < -600, tail, gammainc(k, np.exp(np.clip(log_g, -600, 600))))
        return inside @ weight / weight.sum()

    return _in_parts(over_normal, z, k, 1000)


def _share(z: Array, k: float) -> Array:
    low, high = _share_range(z, k)
    step = 0.25 / np.sqrt(1 + k / 4)
    nodes = int(np.ceil((high - low).max(initial=0.0) / step)) + 1

    def ratio(z: Array, k: float, nodes: int) -> Array:
        low, high = _share_range(z, k)
        u = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, nodes)  # (gaps, nodes), x = e^u
        log_z = np.log(z)[:, None]
        far, twice = np.logaddexp(u, log_z), np.logaddexp(u + np.log(2), log_z)  # log of x + z and 2x + z, for any z
        log_weight = (k if k >= 1 else k + 1) * u + (k - 1) * far - 2 * np.exp(u)
        weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
        if k >= 1:
            return (weight * np.exp(u - twice)).sum(axis=1) / weight.sum(axis=1)
        log_unit = np.minimum(log_z, 0)  # both sums are multiplied by min(z, 1)
        upper = weight * np.exp(log_unit - twice)
        lower = weight * (2 * np.exp(log_unit) + (1 - k) * np.exp(log_unit - far))
        return k * upper.sum(axis=1) / lower.sum(axis=1)

    return _in_parts(ratio, z, k, nodes)


def _share_range(z: Array, k: float) -> tuple[Array, Array]:
    """Return between which logarithms of x there is anything to sum."""
    if k < 1:
        return np.minimum(np.log(z), 0) - _FALL, np.full(z.shape, np.log(k + 12 * np.sqrt(k) + _FALL))
    # About the peak x, where k + (k−1) x/(x+z) = 2x; at both sides the fall is at least that of γ(k) in log x.
    half, root = z - k + 0.5, np.sqrt(2 * k) * np.sqrt(z)
    size = np.hypot(half, root)
    peak = np.log(np.where(half > 0, root * (root / (size / 2 + np.abs(half) / 2)) / 2, size - half)) - np.log(2)
    return peak - (10 / np.sqrt(k) + 2 * _FALL / k), peak + np.log1p(_FALL / k + 10 / np.sqrt(k))


def _share_at_zero(k: float) -> float:
    if k >= 0.5:
        return 0.5
    return float(0.5 * (1 - np.sqrt(np.pi) * np.exp(gammaln(1 - k) - gammaln(0.5 - k))))


def _log_density(z: Array, k: float) -> Array:
    # (z/2)^ν K_ν(z); for ν < 0 the order is −ν, and (z/2)^{2ν} is left over.
    order = abs(k - 0.5)
    left = 2 * min(k - 0.5, 0.0) * (np.log(z) - np.log(2))
    return left + _log_bessel_k(order, z) - 0.5 * np.log(np.pi) - gammaln(k)


def _log_density_at_zero(k: float) -> float:
    return float(gammaln(k - 0.5) - gammaln(k) - 0.5 * np.log(4 * np.pi)) if k > 0.5 else np.inf


def _log_bessel_k(order: float, z: Array) -> Array:
    """Return log of (z/2)^ν K_ν(z), ν ≥ 0, through the integral of K about the peak of exp(νt − z cosh t)."""
    size, low, high = _bessel_range(order, z)
    nodes = int(np.ceil(((high - low) * np.sqrt(1 + size / 8)).max(initial=1.0) / 0.25)) + 1

    def over_line(z: Array, order: float, nodes: int) -> Array:
        size, low, high = _bessel_range(order, z)
        s = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, nodes)  # (gaps, nodes), t = peak + s
        small = np.clip(s, -1, 1)
        near = order * (np.sinh(small) - small) + 2 * size[:, None] * np.sinh(small / 2) ** 2
        # The same sum without the difference of two large terms that it is for s ≪ 0 (size² − order² = z²).
        log_total = np.log(size + order)[:, None]
        fall_and_rise = np.exp(2 * np.log(z)[:, None] - log_total - s) + np.exp(log_total + s)
        far = fall_and_rise / 2 - order * s - size[:, None]
        drop = np.where(np.abs(s) < 1, near, far)
        step = (high - low) / (nodes - 1)
        return order * (np.log(order + size) - np.log(2)) - size + np.log(0.5 * step * np.exp(-drop).sum(axis=1))

    return _in_parts(over_line, z, order, nodes)


def _bessel_range(order: float, z: Array) -> tuple[Array, Array, Array]:
    """Return √(order² + z²), and how far left and right of the integrand's peak there is anything to sum."""
    size = np.hypot(order, z)
    peak = np.log(order + size) - np.log(z)
    low = np.maximum(-_arccosh_of_one_and(_FALL, z) - peak, -(1 + _FALL / order) if order else -np.inf)
    return size, low, _arccosh_of_one_and(_FALL, size)


def _arccosh_of_one_and(rise: float, z: Array) -> Array:
    """Return arccosh(1 + rise/z), for any z > 0."""
    return np.log(z + rise + np.sqrt(rise * (rise + 2 * z))) - np.log(z)


def _line(low: float, high: float, step: float) -> Array:
    return np.linspace(low, high, int(np.ceil((high - low) / step)) + 1)
