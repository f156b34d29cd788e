"""Several questions put to one set of numbers: p-values corrected for how many were asked.

Holm's step-down procedure (S. Holm, Scandinavian Journal of Statistics 6, 1979, p. 65) and Bonferroni's.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

CORRECTIONS = ("holm", "bonferroni", "none")


def adjust(p: npt.NDArray[np.float64], alpha: float, correction: str = "holm") -> tuple[list[float], list[float]]:
    """Return adjusted p-values, each above ``alpha`` where its comparison is not decided, and the level of each.

    The level is the one at which the comparison was decided: an interval of that level leaves 0 out where it was.

    Args:
        p: (comparisons,) p-values, each of its comparison alone.
        alpha: chance of any false verdict among them, between 0 and 1; of one in each if ``correction`` is "none".
        correction: "holm", "bonferroni" or "none".

    Raises:
        ValueError: an unknown correction.
    """
    if correction not in CORRECTIONS:
        raise ValueError(f"correction must be one of {', '.join(CORRECTIONS)}, got {correction!r}")
    m = len(p)
    if correction == "none":
        return p.tolist(), [alpha] * m
    if correction == "bonferroni":
        return np.minimum(p * m, 1.0).tolist(), [alpha / m] * m
    order = np.argsort(p, kind="stable")
    factors = m - np.arange(m)
    adjusted, levels = np.empty(m), np.empty(m)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    # Holm goes on until the first comparison that fails; that one's level decides all that are left.
    failed = np.flatnonzero(p[order] > alpha / factors)
    stop = failed[0] if len(failed) else m - 1
    levels[order] = alpha / factors[np.minimum(np.arange(m), stop)]
    return adjusted.tolist(), levels.tolist()


def paired(differences: Sequence[Sequence[float]]) -> list[float]:
    """Return p-values of paired t-tests, corrected by Holm's procedure for all of them.

    Args:
        differences: of each comparison one number a repetition; how many may differ.

    Returns:
        One p-value a comparison, two-sided; NaN for a comparison of a single repetition, or of none, which is no test
        and not counted. Differences that are all 0 have 1, others that are all alike 0.
    """
    asked = [i for i, values in enumerate(differences) if len(values) > 1]
    alone = [
        float(stats.ttest_1samp(differences[i], 0.0).pvalue) if np.ptp(differences[i]) else float(not differences[i][0])
        for i in asked
    ]
    found = [float("nan")] * len(differences)
    corrected, _ = adjust(np.array(alone), 0.05)  # the level has no part in them
    for i, p in zip(asked, corrected, strict=True):
        found[i] = p
    return found
