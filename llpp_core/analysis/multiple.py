"""Several questions put to one set of numbers: p-values corrected for how many were asked.

Holm's step-down procedure (S. Holm, Scandinavian Journal of Statistics 6, 1979, p. 65) and Bonferroni's.
"""

import numpy as np
import numpy.typing as npt

CORRECTIONS = ("holm", "bonferroni", "none")


def adjust(p: npt.NDArray[np.float64], alpha: float, correction: str = "holm") -> tuple[list[float], list[float]]:
    """Return adjusted p-values, and the level at which each comparison was decided.

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
