r"""The supplement's finite sums for integer shape k: which hold, and the smallest correction for those that do not.

For independent true losses X, Y ~ γ(k, Θ), k = 1, 2, 3, …, the supplement of Shukla & Ahmed (CVPRW 2021,
doi 10.1109/CVPRW53098.2021.00370) sums :math:`P(|X-Y|\le\delta)` (Eq. S5) and
:math:`\varphi(\delta) = E[X/(2X+\delta) \mid Y-X=\delta]` (Eq. S12 to S14). `llpp_core.analysis.gamma_pairs` computes
both for every real k, in float64; this module is about the formulas themselves. The sums cancel (S5 loses more digits
than float64 has at k = 30, δ = 3, Θ = 0.066), so they are evaluated with mpmath, at a precision that is doubled until
the digits asked for stand still.

The corrected forms, each derived here and tested against quadrature:

* S5. With :math:`G(x,k,\Theta) = -\Theta\sum_{n=1}^k x^{n-1}e^{-x/\Theta}/(\Theta^n\Gamma(n))`, the antiderivative of
  the density f, so that the distribution function is F = 1 + G: P is :math:`\int f(x)F(x+\delta)\,dx` less
  :math:`\int_\delta^\infty f(x)F(x-\delta)\,dx`; put G in for F, expand :math:`(x\pm\delta)^{n-1}`, integrate.
* S13. The density of Y − X at δ ≥ 0 is :math:`\int f(x)f(x+\delta)\,dx`, a sum over i once :math:`(x+\delta)^{k-1}` is
  expanded; a gap has the value δ and X is then γ(k + i, Θ/2) distributed in the i-th term. Integrated over δ the sum
  gives the probability mass of δ₁ < Y − X ≤ δ₂, which is what S13 holds for.
* S14. :math:`I(u,\delta) = E[\delta/(X+\delta)] = z^u e^z\,\Gamma(1-u,z)` for X ~ γ(u, Θ) and z = δ/Θ, which the
  recurrence of the *upper* incomplete gamma function takes down to Γ(0, z). The lower one is infinite.
* S12. X/(2X+δ) = ½ [1 − δ/(2X+δ)], and 2X ~ γ(k + i, Θ) in the i-th term: φ is ½ less half the mean of
  I(k + i, δ), at scale Θ, over the terms of S13.

What the printed formulas give is known here only by recorded values, not by their text. S12 with one sign turned gives
1 − φ, as recorded; S14's two recorded values, 0.3113 and 0.4642 at u = 4, δ = 0.1, are I at Θ and at Θ/2; S5's are in
`RECORDED_S5`, and `probability_within_reconstructed` says what reproduces them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from mpmath import mp

Real: TypeAlias = float | int
Number: TypeAlias = Any  # mpmath's mpf, which has no type that a checker knows

RECORDED_S5: Mapping[float, float] = MappingProxyType({0.02: 0.066, 0.04: 0.069, 0.06: 0.079})
"""What Eq. S5 as printed was found to give for k = 4, Θ = 0.066, by δ; three digits."""

_MOST_DIGITS = 4000


def probability_within_sum(loss_gap: Real, shape: int, scale: Real, *, digits: int = 30) -> Number:
    """Return P(|X − Y| ≤ δ) by Eq. S5, corrected.

    Args:
        loss_gap: δ ≥ 0, in the unit of the losses.
        shape: k, a whole number from 1.
        scale: Θ > 0, in the unit of the losses.
        digits: significant digits wanted, ≥ 1.

    Returns:
        An mpmath number; `float()` makes it one of Python's.

    Raises:
        ValueError: an argument is out of its range.
    """
    k = _checked(loss_gap, shape, scale)
    if loss_gap == 0:
        return mp.zero

    def value() -> Number:
        d, t = mp.mpf(loss_gap), mp.mpf(scale)
        above, below = _s5_sums(d, k, t)
        return 1 + _antiderivative(d, k, t) - above - below

    return _settled(value, digits)


def probability_within_reconstructed(loss_gap: Real, shape: int, scale: Real, *, digits: int = 30) -> Number:
    """Return what Eq. S5 may say as printed: the smallest slip of the corrected form that gives the recorded values.

    The printed formula itself is not reproduced here. The tests try every change of one or two places in the corrected
    form (signs, factors Θ and Γ(n), powers, bounds of the sums, arguments of G and of the factorials); one function
    alone rounds to `RECORDED_S5`: the sign of the first double sum turned, and one factor Θ too many in both. It
    cannot be a probability: as δ → 0 it tends to Θ, which has a unit. Arguments as in `probability_within_sum`.
    """
    k = _checked(loss_gap, shape, scale)

    def value() -> Number:
        d, t = mp.mpf(loss_gap), mp.mpf(scale)
        above, below = _s5_sums(d, k, t)
        return 1 + _antiderivative(d, k, t) + t * above - t * below

    return _settled(value, digits)


def gap_density_sum(loss_gap: Real, shape: int, scale: Real, *, digits: int = 30) -> Number:
    """Return the density of Y − X at δ ≥ 0, per unit of the losses; arguments as in `probability_within_sum`."""
    k = _checked(loss_gap, shape, scale)
    return _settled(lambda: mp.fsum(_density_terms(mp.mpf(loss_gap), k, mp.mpf(scale))), digits)


def gap_mass_sum(low: Real, high: Real, shape: int, scale: Real, *, digits: int = 30) -> Number:
    """Return P(δ₁ < Y − X ≤ δ₂), which is what Eq. S13 holds for.

    Args:
        low: δ₁ ≥ 0, in the unit of the losses.
        high: δ₂ > δ₁.
        shape: k, a whole number from 1.
        scale: Θ > 0, in the unit of the losses.
        digits: significant digits wanted, ≥ 1.

    Raises:
        ValueError: an argument is out of its range.
    """
    k = _checked(low, shape, scale)
    if not low < high < math.inf:
        raise ValueError(f"the gaps must be in order and finite, got low = {low} and high = {high}")

    def value() -> Number:
        a, b, t = mp.mpf(low), mp.mpf(high), mp.mpf(scale)
        return mp.fsum(
            mp.binomial(k - 1, i) * mp.gamma(k + i) * mp.gamma(k - i) / (mp.gamma(k) ** 2 * mp.mpf(2) ** (k + i))
            * (_antiderivative(b, k - i, t) - _antiderivative(a, k - i, t))
            for i in range(k)
        )  # fmt: skip

    return _settled(value, digits)


def gap_share_sum(loss_gap: Real, shape: int, scale: Real, *, digits: int = 30) -> Number:
    """Return I(u, δ) = E[δ / (X + δ)], X ~ γ(u, Θ), by Eq. S14; arguments as in `probability_within_sum`, u for k."""
    u = _checked(loss_gap, shape, scale)
    return _settled(lambda: _gap_share(u, mp.mpf(loss_gap) / mp.mpf(scale)), digits)


def expected_share_sum(loss_gap: Real, shape: int, scale: Real, *, digits: int = 30) -> Number:
    """Return φ(δ) by Eq. S12 and S14, corrected; arguments as in `probability_within_sum`."""
    k = _checked(loss_gap, shape, scale)
    return _settled(lambda: (1 - _mean_gap_share(loss_gap, k, scale)) / 2, digits)


def expected_share_printed(loss_gap: Real, shape: int, scale: Real, *, digits: int = 30) -> Number:
    """Return Eq. S12 with its sign as recorded, which is 1 − φ(δ); arguments as in `probability_within_sum`."""
    k = _checked(loss_gap, shape, scale)
    return _settled(lambda: (1 + _mean_gap_share(loss_gap, k, scale)) / 2, digits)


@dataclass(frozen=True)
class Finding:
    """One equation of the supplement, held against quadrature.

    Attributes:
        equation: its number, and in which reading.
        claim: what it is said to be equal to.
        printed: its value as printed (see ``note``).
        quadrature: the value of what it is said to be equal to.
        holds: whether the two agree, to 12 digits.
        correction: the smallest change that makes it hold; empty if it holds.
        corrected: its value after that change.
        corrected_quadrature: the value that this should have.
        corrected_holds: whether those two agree, to 12 digits.
        note: where the printed value comes from.
    """

    equation: str
    claim: str
    printed: float
    quadrature: float
    holds: bool
    correction: str
    corrected: float
    corrected_quadrature: float
    corrected_holds: bool
    note: str


def table(loss_gap: Real = 0.1, shape: int = 4, scale: Real = 0.066) -> tuple[Finding, ...]:
    """Return a row for each of the supplement's equations: does it hold, and if not, what makes it hold?

    Args:
        loss_gap: δ > 0; for S13 the interval is (δ/2, δ], and for S14 u is ``shape``.
        shape: k, a whole number from 1.
        scale: Θ > 0.

    Raises:
        ValueError: an argument is out of its range.
    """
    arguments = (loss_gap, shape, scale)
    _checked(*arguments)
    if loss_gap == 0:
        raise ValueError("the findings are about a gap above 0, got loss_gap = 0")
    probability, whole = probability_by_quadrature(*arguments), double_integral(*arguments)
    share, density = share_by_quadrature(*arguments), density_by_quadrature(*arguments)
    mass, mass_sum = mass_by_quadrature(loss_gap / 2, *arguments), gap_mass_sum(loss_gap / 2, *arguments)
    gap_share = gap_share_sum(*arguments)
    through_f = "P(|X − Y| ≤ δ) = ∫ f(x) [F(x + δ) − F(x − δ)] dx"
    return (
        _finding("S4", through_f, probability, whole, note="the integral over x by quadrature, against the double one; "
                 "the supplement's four parts, A to D, are not told apart here"),
        _finding("S5", "P(|X − Y| ≤ δ)", probability_within_reconstructed(*arguments), probability,
                 correction="turn the sign of the first double sum; divide both sums by Θ",
                 corrected=probability_within_sum(*arguments), note="a reconstruction, from recorded values"),
        _finding("S12", "φ(δ)", expected_share_printed(*arguments), share, correction="turn the sign of the sum",
                 corrected=expected_share_sum(*arguments), note="the sum with its sign as recorded"),
        _finding("S13, as a mass", "P(δ₁ < Y − X ≤ δ₂)", mass_sum, mass, note="the interval (δ/2, δ]"),
        _finding("S13, as a density", "density of Y − X at δ", mass_sum, density,
                 correction="take the derivative in δ₂", corrected=gap_density_sum(*arguments),
                 note="the mass of (δ/2, δ], read as a density"),
        _finding("S14", "I(u, δ) = E[δ / (X + δ)], X ~ γ(u, Θ/2)", gap_share,
                 gap_share_by_quadrature(loss_gap, shape, scale / 2), correction="X ~ γ(u, Θ)",
                 corrected=gap_share, corrected_quadrature=gap_share_by_quadrature(*arguments),
                 note="the closed form, with the upper Γ(0, ·)"),
    )  # fmt: skip


def probability_by_quadrature(loss_gap: Real, shape: int, scale: Real, *, digits: int = 20) -> Number:
    """Return ∫ f(x) [F(x + δ) − F(x − δ)] dx; arguments as in `probability_within_sum`, δ > 0."""
    with mp.workdps(digits + 15):
        d, k, t = mp.mpf(loss_gap), shape, mp.mpf(scale)
        return mp.quad(
            lambda x: _density(x, k, t) * (_distribution(x + d, k, t) - _distribution(x - d, k, t)),
            [0, d, *(d + m * t for m in _breaks(k)), mp.inf],
        )


def double_integral(loss_gap: Real, shape: int, scale: Real, *, digits: int = 14) -> Number:
    """Return P(|X − Y| ≤ δ) as the integral of f(x) f(x + g) over x > 0 and |g| ≤ δ, without any antiderivative."""
    with mp.workdps(digits + 6):
        limits, t = [0, mp.mpf(loss_gap)], mp.mpf(scale)
        return 2 * mp.quad(lambda g: _pair_integral(g, shape, t, lambda x: 1), limits, method="gauss-legendre")


def mass_by_quadrature(low: Real, high: Real, shape: int, scale: Real, *, digits: int = 20) -> Number:
    """Return P(δ₁ < Y − X ≤ δ₂) = ∫ f(x) [F(x + δ₂) − F(x + δ₁)] dx; arguments as in `gap_mass_sum`."""
    with mp.workdps(digits + 15):
        a, b, k, t = mp.mpf(low), mp.mpf(high), shape, mp.mpf(scale)
        return mp.quad(
            lambda x: _density(x, k, t) * (_distribution(x + b, k, t) - _distribution(x + a, k, t)),
            [0, *(m * t for m in _breaks(k)), mp.inf],
        )


def density_by_quadrature(loss_gap: Real, shape: int, scale: Real, *, digits: int = 20) -> Number:
    """Return ∫ f(x) f(x + δ) dx, the density of Y − X; arguments as in `probability_within_sum`."""
    with mp.workdps(digits + 15):
        return _pair_integral(mp.mpf(loss_gap), shape, mp.mpf(scale), lambda x: 1)


def share_by_quadrature(loss_gap: Real, shape: int, scale: Real, *, digits: int = 20) -> Number:
    """Return φ(δ) as the mean of x / (2x + δ) under f(x) f(x + δ); arguments as in `probability_within_sum`, δ > 0."""
    with mp.workdps(digits + 15):
        d, t = mp.mpf(loss_gap), mp.mpf(scale)
        return _pair_integral(d, shape, t, lambda x: x / (2 * x + d)) / _pair_integral(d, shape, t, lambda x: 1)


def gap_share_by_quadrature(loss_gap: Real, shape: int, scale: Real, *, digits: int = 20) -> Number:
    """Return the mean of δ / (x + δ) under f(x); arguments as in `probability_within_sum`, δ > 0."""
    with mp.workdps(digits + 15):
        d, t = mp.mpf(loss_gap), mp.mpf(scale)
        limits = [0, *(m * t for m in _breaks(shape)), mp.inf]
        return mp.quad(lambda x: d / (x + d) * _density(x, shape, t), limits)


def _s5_sums(d: Number, k: int, t: Number) -> tuple[Number, Number]:
    """Return S5's two double sums, those with f(i, n, k, δ, Θ) and with f(i, n, k, −δ, Θ) G(δ, k + i, Θ/2)."""
    terms = [(n, i) for n in range(1, k + 1) for i in range(n)]
    above = mp.fsum(_s5_term(i, n, k, d, t) / mp.gamma(n) for n, i in terms)
    below = mp.fsum(_s5_term(i, n, k, -d, t) * _antiderivative(d, k + i, t / 2) / mp.gamma(n) for n, i in terms)
    return t * above, t * below


def _s5_term(i: int, n: int, k: int, d: Number, t: Number) -> Number:
    moment = mp.factorial(k + i - 1) / mp.factorial(k - 1) / (mp.mpf(2) ** (k + i) * t ** (n - i))
    return mp.exp(-d / t) * mp.binomial(n - 1, i) * d ** (n - 1 - i) * moment


def _antiderivative(x: Number, k: int, t: Number) -> Number:
    return -t * mp.fsum(x ** (n - 1) * mp.exp(-x / t) / (t**n * mp.gamma(n)) for n in range(1, k + 1))


def _density_terms(d: Number, k: int, t: Number) -> list[Number]:
    outside = mp.exp(-d / t) / (mp.gamma(k) ** 2 * t ** (2 * k))
    return [outside * mp.binomial(k - 1, i) * d ** (k - 1 - i) * mp.gamma(k + i) * (t / 2) ** (k + i) for i in range(k)]


def _gap_share(u: int, z: Number) -> Number:
    if z == 0:
        return mp.zero
    rest = mp.fsum((-1) ** j * mp.factorial(j) * z ** (u - 1 - j) for j in range(u - 1))
    return (-1) ** (u - 1) / mp.factorial(u - 1) * (z**u * mp.exp(z) * mp.e1(z) - rest)


def _mean_gap_share(loss_gap: Real, k: int, scale: Real) -> Number:
    """Return E[δ / (2X + δ) | Y − X = δ]: 2X ~ γ(k + i, Θ) in the i-th term of the density of the gap."""
    d, t = mp.mpf(loss_gap), mp.mpf(scale)
    weights = _density_terms(d, k, t)
    return mp.fsum(w * _gap_share(k + i, d / t) for i, w in enumerate(weights)) / mp.fsum(weights)


def _density(x: Number, k: int, t: Number) -> Number:
    return x ** (k - 1) * mp.exp(-x / t) / (mp.gamma(k) * t**k)


def _distribution(x: Number, k: int, t: Number) -> Number:
    return mp.gammainc(k, 0, x / t, regularized=True) if x > 0 else mp.zero


def _pair_integral(gap: Number, k: int, t: Number, function: Callable[[Number], Number]) -> Number:
    limits = [0, *(m * t for m in _breaks(k)), mp.inf]
    return mp.quad(lambda x: function(x) * _density(x, k, t) * _density(x + gap, k, t), limits)


def _breaks(k: int) -> tuple[float, ...]:
    """Return where to cut an integral over a gamma density of shape k and scale 1: about its mean, and in its tail."""
    return (k / 2, k + 2 * math.sqrt(k), k + 8 * math.sqrt(k) + 10, k + 20 * math.sqrt(k) + 40)


def _finding(
    equation: str, claim: str, printed: Number, quadrature: Number, *, correction: str = "",
    corrected: Number = None, corrected_quadrature: Number = None, note: str,
) -> Finding:  # fmt: skip
    after = printed if corrected is None else corrected
    target = quadrature if corrected_quadrature is None else corrected_quadrature
    return Finding(
        equation, claim, float(printed), float(quadrature), _agree(printed, quadrature), correction,
        float(after), float(target), _agree(after, target), note,
    )  # fmt: skip


def _agree(value: Number, other: Number) -> bool:
    with mp.workdps(30):
        return bool(abs(value - other) <= mp.mpf(10) ** -12 * abs(other))


def _checked(loss_gap: Real, shape: int, scale: Real) -> int:
    if not 0 <= loss_gap < math.inf:
        raise ValueError(f"loss_gap must be at least 0 and finite, got {loss_gap}")
    if isinstance(shape, bool) or shape != int(shape) or shape < 1:
        raise ValueError(f"the finite sums need a whole shape from 1, got {shape}")
    if not 0 < scale < math.inf:
        raise ValueError(f"scale must be above 0 and finite, got {scale}")
    return int(shape)


def _settled(value: Callable[[], Number], digits: int) -> Number:
    """Return a value whose first digits stay when the precision is doubled, however much its sum cancels."""
    if digits < 1:
        raise ValueError(f"at least one digit must be wanted, got {digits}")
    precision, before = digits + 10, None
    while precision <= _MOST_DIGITS:
        with mp.workdps(precision):
            now = value()
            if before is not None and abs(now - before) <= abs(now) * mp.mpf(10) ** (-digits - 1):
                return now
        precision, before = 2 * precision, now
    raise ArithmeticError(f"{digits} digits are not reached with {_MOST_DIGITS} digits of precision")
