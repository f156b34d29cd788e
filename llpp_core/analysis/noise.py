r"""What noise in the true losses does to both objectives: to where they rest, and to how much of a gradient is noise.

Beyond the paper (Shukla & Ahmed, CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370), whose Eq. 5 asks how many pairs are
too close to call. Two readings of the gamma distribution are kept apart:

* **of one image**: its loss is :math:`l = \mu G` with an expected loss μ, which a predictor can know, and noise
  G ~ γ(k, 1/k) of mean 1, which it cannot. With :math:`r = \log(\mu_i/\mu_j)` the true share of a pair is
  :math:`p_i = \sigma(r + x)`, x = log(G_i/G_j), and x has the density :math:`(2\cosh(x/2))^{-2k} / B(k, k)`;
* **of a population**: the losses X, Y ~ γ(k, Θ) of two images differ by |X − Y|, as in `gamma_pairs`.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import beta, betainc, expit, gammainc, log_expit, logsumexp, zeta

from llpp_core.analysis.gamma_pairs import probability_within

Array = npt.NDArray[np.float64]
Values = float | int | npt.ArrayLike  # beartype reads ArrayLike's `complex` as refusing floats


def optimal_gap(log_ratio: Values, shape: int | float, *, samples: int = 2) -> float | Array:
    r"""Return the predicted gap at which LearningLoss++ rests on average, log(E[p_i] / E[p_j]), under gamma noise.

    Without noise it is ``log_ratio`` itself. Near 0 its slope is 2k/(2k+1); far out it trails by log(k/(k−1)) where
    k > 1, and grows only like k times the log ratio where k < 1.

    Args:
        log_ratio: r, the logarithm of the ratio of the expected losses.
        shape: k > 0 of the noise in one loss; its variance is 1/k.
        samples: n of `losses.learning_loss_pp_batch`: an even number, half of them with the one expected loss and half
            with the other. Sums of n/2 gamma losses are gamma with shape kn/2, so it is the pair's gap at that shape.

    Raises:
        ValueError: ``shape`` ≤ 0, ``samples`` odd or below 2, a ``log_ratio`` that is not finite.
    """
    if samples < 2 or samples % 2:
        raise ValueError(f"samples must be an even number from 2, got {samples}")
    r = _finite(log_ratio)
    x, log_weight = _log_ratio_of_noise(_positive(shape) * samples / 2, r)
    # Logarithms of both mean shares, sums of positive terms: neither can underflow, and both keep their digits.
    own, other = (logsumexp(log_expit(sign * (r[..., None] + x)) + log_weight, axis=-1) for sign in (1, -1))
    return _result(np.where(r == 0, 0.0, own - other))


def expected_true_share(log_ratio: Values, shape: int | float) -> float | Array:
    """Return E[p_i] of a pair under gamma noise: the predicted share at which LearningLoss++ rests.

    Args and errors as in `optimal_gap`.
    """
    r = _finite(log_ratio)
    x, log_weight = _log_ratio_of_noise(_positive(shape), r)
    return _result(expit(r[..., None] + x) @ np.exp(log_weight))


def probability_of_order(log_ratio: Values, shape: int | float) -> float | Array:
    """Return P(l_i > l_j) of a pair under gamma noise: how often Learning Loss is told the right order, for r > 0.

    Args and errors as in `optimal_gap`.
    """
    k = _positive(shape)
    return _result(np.asarray(betainc(k, k, expit(_finite(log_ratio)))))


def gradient_variance(log_ratio: Values, shape: int | float) -> tuple[float | Array, float | Array]:
    r"""Return the variance of ∂L/∂l̂_i under gamma noise, for Learning Loss inside its margin and LearningLoss++.

    It is the part of the squared gradient that is noise: a predictor that knows both expected losses cannot foresee
    it. Neither depends on the scale of the losses, and Learning Loss's not on ξ > 0 either. At r = 0 they are 1 and
    1 / (4(2k + 1)).

    Args and errors as in `optimal_gap`.
    """
    r = np.asarray(
        -np.abs(_finite(log_ratio))
    )  # both are even in r, and below 0 the chance and the share keep their digits
    x, log_weight = _log_ratio_of_noise(_positive(shape), r)
    weight = np.exp(log_weight)
    share = expit(r[..., None] + x)  # (…, nodes)
    mean = np.asarray(share @ weight)
    hinge = np.asarray(probability_of_order(r, shape)) * np.asarray(probability_of_order(-r, shape))
    return _result(4 * hinge), _result(((share - mean[..., None]) ** 2) @ weight)


def tie_share(loss_gap: Values, shape: Values, scale: Values, margin: Values = np.inf) -> float | Array:
    """Return which share of Learning Loss's updates pushes a pair apart whose true losses are within δ.

    An update is a pair inside the margin. A predictor that knows nothing has all pairs there (``margin`` infinite, the
    paper's reading of Table 1); one whose predictions are the true losses has those within ξ.

    Args:
        loss_gap: δ ≥ 0, in the unit of the losses.
        shape: k of the population, above 0 and up to 10⁶.
        scale: Θ of the population > 0.
        margin: ξ > 0, in the unit of the predicted losses.

    Raises:
        ValueError: an argument is NaN or out of its range.
    """
    if not np.all(np.asarray(margin) > 0):
        raise ValueError(f"margin must be above 0, got {margin!r}")
    active = probability_within(margin, shape, scale)
    return _result(np.asarray(probability_within(np.minimum(loss_gap, margin), shape, scale) / active))


def squared_gradient_share(loss_gap: int | float, shape: int | float, scale: int | float) -> float:
    r"""Return which share of LearningLoss++'s expected squared gradient comes from pairs within δ, before training.

    At equal predictions its push is :math:`|X - Y| / 2(X + Y)`, small for a near tie; Learning Loss's is 1 for every
    pair, so there the same share is `tie_share`. S = X + Y ~ γ(2k, Θ) is independent of (X − Y)²/S² ~ Beta(½, k), and
    weighting by the latter makes it U ~ Beta(3/2, k): the share is P(S √U ≤ δ).

    Args:
        loss_gap: δ ≥ 0, in the unit of the losses.
        shape: k > 0 of the population.
        scale: Θ > 0 of the population.

    Raises:
        ValueError: an argument is not finite or out of its range.
    """
    k, z = _positive(shape), float(loss_gap) / _positive(scale)
    if not (np.isfinite(z) and z >= 0):
        raise ValueError(f"loss_gap must be finite and at least 0, got {loss_gap}")
    if z == 0:
        return 0.0

    # U = e^y / (1 + e^y). The integrand is analytic around the real line, as those of `gamma_pairs` are.
    low, high = min(0.0, 2 * np.log(z)) - np.log1p(k) - 30, 5 + 40 / k
    y = np.linspace(low, high, int(np.ceil((high - low) * 4 * np.sqrt(1 + k / 8))) + 1)
    weight = np.exp(1.5 * y - (1.5 + k) * np.logaddexp(0, y) - np.log(beta(1.5, k)))
    return float(gammainc(2 * k, z * np.sqrt(1 + np.exp(-y))) @ weight / weight.sum())


def pearson_at_optimum(shape: Values) -> float | Array:
    r"""Return the linear correlation of log l with l for l ~ γ(k, Θ): 1 / √(k ψ'(k)).

    LearningLoss++'s optimum without noise is log l + c, so a perfect predictor shows no more than this when its
    predictions are held against the losses themselves. Cov(log l, l) = Θ, Var(log l) = ψ'(k), Var(l) = kΘ².

    Args:
        shape: k > 0.

    Raises:
        ValueError: ``shape`` ≤ 0 or infinite.
    """
    k = np.asarray(shape, dtype=float)
    if not np.all((k > 0) & np.isfinite(k)):
        raise ValueError(f"shape must be above 0 and finite, got {shape!r}")
    return _result(1 / np.sqrt(k * zeta(2, k)))  # ψ'(k) is zeta(2, k)


def _log_ratio_of_noise(k: float, r: Array) -> tuple[Array, Array]:
    """Return points, and logarithms of weights of sum 1, for a mean over x = log(G_i/G_j) at all the ratios r."""
    # The integrand is analytic in the strip |Im x| < π: the trapezoidal rule converges geometrically.
    end, step = float(np.abs(r).max(initial=0.0)) + 40 / k + 12 / np.sqrt(k), 0.4 / np.sqrt(1 + k / 4)
    x = np.linspace(-end, end, 2 * int(np.ceil(end / step)) + 1)
    log_weight = -2 * k * (np.logaddexp(x / 2, -x / 2) - np.log(2))  # 0 at the center, where rounding would tell
    return x, log_weight - np.log(np.exp(log_weight).sum())


def _positive(value: int | float) -> float:
    if not (value > 0 and np.isfinite(value)):
        raise ValueError(f"shape and scale must be above 0 and finite, got {value}")
    return float(value)


def _finite(values: Values) -> Array:
    array = np.asarray(values, dtype=float)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"log_ratio must be finite, got {values!r}")
    return array


def _result(values: Array | np.float64) -> float | Array:
    return np.asarray(values) if np.ndim(values) else float(values)
