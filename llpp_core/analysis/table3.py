r"""Table 3 read again: which differences between methods the printed means and deviations support.

Beyond the paper. Table 3 of Shukla & Ahmed (CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370) gives a mean and a standard
deviation of n = 5 repetitions for every method, stage and data set. From those alone, for any combination
:math:`\sum_a c_a m_a` of means (a difference of two methods; a difference of differences), the standard error is
:math:`(\sum_a c_a^2 s_a^2/n)^{1/2}` and the degrees of freedom are Welch's and Satterthwaite's (B. L. Welch, Biometrika
1947, doi 10.1093/biomet/34.1-2.28). With five methods, ten stages and so a hundred pairs to a table, some differences
look large by chance: p-values are corrected for all comparisons asked for together, by Holm's step-down procedure
(S. Holm, Scandinavian Journal of Statistics 6, 1979, p. 65) or Bonferroni's.

What the table does not say is an option, so that a reader can see whether a verdict depends on it: whether deviations
divide by n − 1 or n; what was cut off by rounding; whether repetition r of two methods shares a base model or a split,
in which case the comparison is paired and the intervals here are too wide or too narrow.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from llpp_core.analysis.multiple import CORRECTIONS, adjust
from llpp_core.analysis.printed import StageTable

LOWER, HIGHER, NOT_SEPARABLE = "lower", "higher", "not separable"
ROUNDINGS = ("as printed", "least favorable", "most favorable")


@dataclass(frozen=True)
class Settings:
    """How a printed mean and deviation are read.

    Attributes:
        confidence: between 0 and 1; 1 less the chance of any false verdict in one table, or of one in each comparison
            if ``correction`` is "none".
        correction: for the number of comparisons: "holm", "bonferroni" or "none".
        divisor: what the printed variances divide by: "n-1" (of a sample) or "n".
        rounding: "as printed", or with each mean and deviation moved by half a unit of its last digit so that the
            difference is separated as little ("least favorable") or as much ("most favorable") as the digits allow.
        correlation: None for independent repetitions (Welch); from −1 to 1, the correlation over paired repetitions.
    """

    confidence: float = 0.95
    correction: str = "holm"
    divisor: str = "n-1"
    rounding: str = "as printed"
    correlation: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence must be between 0 and 1, got {self.confidence}")
        for name, allowed in (("correction", CORRECTIONS), ("divisor", ("n-1", "n")), ("rounding", ROUNDINGS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if self.correlation is not None and not -1 <= self.correlation <= 1:
            raise ValueError(f"correlation must be None or from −1 to 1, got {self.correlation}")


@dataclass(frozen=True)
class Comparison:
    """A combination of printed means, most often the difference of two methods, and what can be said of its sign.

    Attributes:
        source: the table.
        data: the data set.
        stage: the printed column head, or two of them.
        method: whose mean is taken …
        reference: … less this one's.
        difference: the combination of the printed means, in units of the table's measure.
        low: lower end of its interval. The interval is at the level at which the comparison was decided: it leaves 0
            out exactly if the verdict is "lower" or "higher". After Bonferroni all intervals hold together with the
            chosen confidence; after Holm only the verdicts do.
        high: upper end.
        degrees_of_freedom: of the t distribution.
        p_value: two-sided, for this comparison alone.
        adjusted_p: for all comparisons decided together.
        verdict: "lower", "higher" or "not separable": of the method against the reference.
    """

    source: str
    data: str
    stage: str
    method: str
    reference: str
    difference: float
    low: float
    high: float
    degrees_of_freedom: float
    p_value: float
    adjusted_p: float
    verdict: str


@dataclass(frozen=True)
class _Combination:
    """Σ c m over independent groups of ``repetitions`` runs, before anything is decided."""

    name: tuple[str, str, str, str, str]
    coefficients: tuple[float, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    repetitions: int
    half_unit: float


def compare(
    tables: Sequence[StageTable], settings: Settings | None = None, *, reference: str | None = None
) -> tuple[Comparison, ...]:
    """Return every pair of methods at every stage of the tables, decided together.

    Args:
        tables: both halves of Table 3a or of Table 3b, for instance.
        settings: how to read the numbers; the default is Welch, Holm, 95 %.
        reference: compare with this method only, rather than every pair once.

    Returns:
        Of a pair the method printed later is compared with the one printed earlier, LL++ with LL and all with Random.

    Raises:
        ValueError: no table, or no such reference.
    """
    combinations = []
    for table in tables:
        if reference is not None and reference not in table.methods:
            raise ValueError(f"{table.source} has no method {reference!r}; it has {', '.join(table.methods)}")
        for (a, b), at in itertools.product(itertools.combinations(table.methods, 2), range(len(table.stages))):
            if reference is None or a == reference:
                combinations.append(_combination(table, [(b, at, 1.0), (a, at, -1.0)], (b, a), table.stages[at]))
            elif b == reference:
                combinations.append(_combination(table, [(a, at, 1.0), (b, at, -1.0)], (a, b), table.stages[at]))
    return _decide(combinations, settings or Settings())


def change_of_difference(
    tables: Sequence[StageTable], reference: str, settings: Settings | None = None
) -> tuple[Comparison, ...]:
    """Return how each method's difference to a reference changes from the first stage to the last, decided together.

    A verdict "higher" says that the difference (method less reference) is higher at the last stage. The four groups
    are taken as independent, although one run passes through both stages.

    Args:
        tables: as for `compare`.
        reference: a method.
        settings: how to read the numbers, with correlation None.

    Raises:
        ValueError: a table has one stage only, no such reference, or a correlation is given.
    """
    settings = settings or Settings()
    if settings.correlation is not None:
        raise ValueError(f"a change between stages has four groups and no one correlation, got {settings.correlation}")
    combinations = []
    for table in tables:
        if reference not in table.methods or len(table.stages) < 2:
            raise ValueError(f"{table.source} must have the method {reference!r} and two stages, got {table.methods}")
        last = len(table.stages) - 1
        stages = f"{table.stages[0]} to {table.stages[last]}"
        for method in table.methods:
            if method != reference:
                parts = [(method, last, 1.0), (reference, last, -1.0), (method, 0, -1.0), (reference, 0, 1.0)]
                combinations.append(_combination(table, parts, (method, reference), stages))
    return _decide(combinations, settings)


def mean_half_width(table: StageTable, settings: Settings | None = None) -> Mapping[str, npt.NDArray[np.float64]]:
    """Return the half-width of each mean's own t-interval by method, (stages,); nothing is corrected or paired."""
    settings = settings or Settings()
    n = table.repetitions
    quantile = stats.t.ppf(0.5 + settings.confidence / 2, n - 1)
    divide = math.sqrt(n - 1 if settings.divisor == "n" else n)
    return {method: quantile * np.array(table.deviation[method]) / divide for method in table.methods}


def pick(comparisons: Iterable[Comparison], **wanted: str | Sequence[str]) -> tuple[Comparison, ...]:
    """Return the comparisons whose fields have the wanted values, one or several each: ``pick(c, data="MPII")``.

    Raises:
        ValueError: none has them.
    """
    allowed = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in wanted.items()}
    found = tuple(c for c in comparisons if all(getattr(c, name) in values for name, values in allowed.items()))
    if not found:
        raise ValueError(f"no comparison has {wanted}")
    return found


VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "as chosen": {},
    "deviations divide by n": {"divisor": "n"},
    "rounding, least favorable": {"rounding": "least favorable"},
    "rounding, most favorable": {"rounding": "most favorable"},
    "paired, correlation 0": {"correlation": 0.0},
    "paired, correlation 0.5": {"correlation": 0.5},
    "paired, correlation 0.9": {"correlation": 0.9},
}
"""What the table does not say, as changes of `Settings`."""


def sensitivity(tables: Sequence[StageTable], settings: Settings | None = None) -> dict[str, tuple[Comparison, ...]]:
    """Return `compare` under each of `VARIANTS`, in one order, so that verdicts can be held against each other."""
    return {name: compare(tables, variant(settings or Settings(), name)) for name in VARIANTS}


def variant(settings: Settings, name: str) -> Settings:
    """Return the settings with one of `VARIANTS`.

    Raises:
        ValueError: there is no variant of that name.
    """
    if name not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, got {name!r}")
    return replace(settings, **VARIANTS[name])


def oriented(comparison: Comparison, method: str) -> Comparison:
    """Return the same comparison told from the side of ``method``: of it against the other one.

    Raises:
        ValueError: the comparison is not of this method.
    """
    c = comparison
    if method == c.method:
        return c
    if method != c.reference:
        raise ValueError(f"the comparison is of {c.method} and {c.reference}, not of {method}")
    verdict = {LOWER: HIGHER, HIGHER: LOWER}.get(c.verdict, c.verdict)
    return replace(
        c, method=c.reference, reference=c.method, difference=-c.difference, low=-c.high, high=-c.low, verdict=verdict
    )


def difference_of_summaries(
    mean: float,
    deviation: float,
    reference_mean: float,
    reference_deviation: float,
    *,
    n: int,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """Return (low, high, p) for a difference of two printed means of n values each, by Welch; for one comparison.

    Raises:
        ValueError: n is below 2, or a deviation is not above 0.
    """
    if n < 2 or not min(deviation, reference_deviation) > 0:
        raise ValueError(f"wanted n ≥ 2 and deviations above 0, got {n}, {deviation} and {reference_deviation}")
    name = ("", "", "", "", "")
    combination = _Combination(name, (1.0, -1.0), (mean, reference_mean), (deviation, reference_deviation), n, 0.0)
    (decided,) = _decide([combination], Settings(confidence=confidence, correction="none"))
    return decided.low, decided.high, decided.p_value


def ratio_of_deviations(
    deviation: float, reference_deviation: float, *, n: int, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return (low, high, p) for the ratio of two deviations of n normal values each, by the F distribution.

    Raises:
        ValueError: n is below 2, or a deviation is not above 0.
    """
    if n < 2 or not min(deviation, reference_deviation) > 0:
        raise ValueError(f"wanted n ≥ 2 and deviations above 0, got {n}, {deviation} and {reference_deviation}")
    ratio = deviation / reference_deviation
    quantile = math.sqrt(stats.f.ppf(0.5 + confidence / 2, n - 1, n - 1))
    p = 2 * min(stats.f.sf(ratio**2, n - 1, n - 1), stats.f.cdf(ratio**2, n - 1, n - 1))
    return float(ratio / quantile), float(ratio * quantile), float(p)


def _combination(
    table: StageTable, parts: Sequence[tuple[str, int, float]], pair: tuple[str, str], stage: str
) -> _Combination:
    return _Combination(
        (table.source, table.data, stage, *pair),
        tuple(c for _, _, c in parts),
        tuple(table.mean[method][at] for method, at, _ in parts),
        tuple(table.deviation[method][at] for method, at, _ in parts),
        table.repetitions,
        table.half_unit,
    )


def _decide(combinations: Sequence[_Combination], settings: Settings) -> tuple[Comparison, ...]:
    if not combinations:
        raise ValueError("there is nothing to compare: no table, or one with a single method")
    estimates = [_estimate(combination, settings) for combination in combinations]
    p = np.array([2 * stats.t.sf(abs(difference) / error, freedom) for difference, error, freedom in estimates])
    adjusted, levels = adjust(p, 1 - settings.confidence, settings.correction)
    comparisons = []
    for combination, (difference, error, freedom), own, joint, level in zip(
        combinations, estimates, p, adjusted, levels, strict=True
    ):
        half = float(stats.t.isf(level / 2, freedom)) * error
        low, high = difference - half, difference + half
        verdict = LOWER if high < 0 else HIGHER if low > 0 else NOT_SEPARABLE
        comparisons.append(
            Comparison(*combination.name, difference, low, high, freedom, float(own), float(joint), verdict)
        )
    return tuple(comparisons)


def _estimate(c: _Combination, settings: Settings) -> tuple[float, float, float]:
    """Return the combination, its standard error and its degrees of freedom."""
    difference = math.fsum(a * m for a, m in zip(c.coefficients, c.means, strict=True))
    if settings.rounding == "as printed":
        return difference, *_error(c, c.deviations, settings)
    sign = -1 if settings.rounding == "least favorable" else 1
    slack = c.half_unit * math.fsum(abs(a) for a in c.coefficients)
    moved = math.copysign(max(abs(difference) + sign * slack, 0.0), difference)
    corners = itertools.product(*((s - c.half_unit, s + c.half_unit) for s in c.deviations))
    candidates = [(moved, *_error(c, corner, settings)) for corner in corners]
    # By p-value, not by the error alone: degrees of freedom count too. (A difference of 0 has p = 1 at any error, so a
    # billionth stands for it.)
    return max(candidates, key=lambda e: -sign * float(stats.t.logsf(max(abs(e[0]), 1e-9) / e[1], e[2])))


def _error(c: _Combination, deviations: Sequence[float], settings: Settings) -> tuple[float, float]:
    n = c.repetitions
    divide = n - 1 if settings.divisor == "n" else n
    parts = [a * s / math.sqrt(divide) for a, s in zip(c.coefficients, deviations, strict=True)]
    variance = math.fsum(part**2 for part in parts)
    if settings.correlation is None:
        return math.sqrt(variance), variance**2 / math.fsum(part**4 / (n - 1) for part in parts)
    # Two groups: Var(a X + b Y) has the term 2ab·Cov, and n paired differences have n − 1 degrees of freedom.
    variance += 2 * parts[0] * parts[1] * settings.correlation
    return math.sqrt(max(variance, 1e-18)), n - 1.0
