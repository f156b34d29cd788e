"""How sure a mean over repetitions is: Student's interval (Biometrika 1908), beyond the paper's mean ± deviation.

For n values with mean m and standard deviation s (over n − 1) it is m ± t · s / √n, where t is the quantile of
Student's t with n − 1 degrees of freedom. It holds for values that are independent and near normal: one number a seed,
say, not one a sample of one run.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special
from torch import Tensor


@dataclass(frozen=True)
class Interval:
    """A mean and the interval that holds what it estimates, at the confidence asked for.

    Attributes:
        mean: of the values.
        low: lower end; NaN where one value leaves nothing to estimate a deviation from.
        high: upper end; NaN likewise.
        n: number of values.
    """

    mean: float
    low: float
    high: float
    n: int

    def excludes(self, value: int | float) -> bool:
        """Whether ``value`` lies outside; False for the interval of a single value, which excludes nothing."""
        return value < self.low or value > self.high

    def __format__(self, spec: str) -> str:
        """Return "mean [low, high]", each formatted by ``spec``, or "mean" for a single value."""
        if self.n == 1:
            return format(self.mean, spec)
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def mean_interval(
    values: Sequence[int | float] | npt.NDArray[np.number] | Tensor, *, confidence: float = 0.95
) -> Interval:
    """Return the mean of independent values with Student's interval.

    Args:
        values: (n,) numbers, one a repetition, n ≥ 1.
        confidence: chance, between 0 and 1, that such an interval holds the mean that is estimated.

    Raises:
        ValueError: no value, more than one axis, a value that is not finite (with its position), or ``confidence``
            outside.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    numbers = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values, dtype=np.float64)
    if numbers.ndim != 1 or not len(numbers):
        raise ValueError(f"an interval needs a list of at least 1 value, got an array of shape {numbers.shape}")
    broken = np.flatnonzero(~np.isfinite(numbers))
    if len(broken):
        raise ValueError(f"values must be finite; they are not at position {', '.join(map(str, broken[:10]))}")
    n, mean = len(numbers), float(numbers.mean())
    if n == 1:
        return Interval(mean, math.nan, math.nan, 1)
    t = float(special.stdtrit(n - 1, (1 + confidence) / 2))
    half = t * float(numbers.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n)


def mean_curve(
    curves: Sequence[npt.NDArray[np.float64]], *, confidence: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the mean of curves and the two ends of its interval, point by point: each holds by itself, not jointly.

    Args:
        curves: (points,) each, one a repetition.
        confidence: as in `mean_interval`.

    Raises:
        ValueError: as in `mean_interval`, or curves of different lengths.
    """
    lengths = [len(curve) for curve in curves]
    if len(set(lengths)) > 1:
        raise ValueError(f"curves must have one number of points, got {lengths}")
    intervals = [mean_interval(column, confidence=confidence) for column in np.stack(list(curves), axis=1)]
    mean, low, high = (np.array([getattr(i, end) for i in intervals]) for end in ("mean", "low", "high"))
    return mean, low, high
