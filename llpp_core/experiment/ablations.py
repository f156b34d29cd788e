"""Ablations: predictors that differ in one thing, compared on one base model, seed by seed.

Many questions are asked of a few seeds, so the p-values of the paired t-tests are corrected for their number by Holm's
procedure (`analysis.multiple`); an interval is that of its comparison alone.
"""

from dataclasses import dataclass

import numpy as np

from llpp_core.analysis import multiple
from llpp_core.experiment.measured import Measured, less

ALPHA = 0.05
"""Chance of any false verdict among the comparisons made together."""


@dataclass(frozen=True)
class Change:
    """What one predictor has that the other has not.

    Attributes:
        what: in words.
        own: the predictor with the change.
        other: the one without.
    """

    what: str
    own: str
    other: str


CHANGES = (
    Change("margin ξ = 0.1 in place of 1", "LL-margin0.1", "LL"),
    Change("margin ξ = 0.3", "LL-margin0.3", "LL"),
    Change("margin ξ = 3", "LL-margin3", "LL"),
    Change("all pairs, LL", "LL-all", "LL"),
    Change("all pairs, LL++", "LL++all", "LL++"),
    Change("the whole batch at once", "LL++n", "LL++"),
    Change("inverse temperature α = 2", "LL++alpha2", "LL++"),
    Change("inverse temperature α = 0.5", "LL++alpha0.5", "LL++"),
    Change("LL++ in place of LL", "LL++", "LL"),
    Change("regression of l in place of LL++", "squared", "LL++"),
    Change("regression of log l", "log", "LL++"),
    Change("features of both stacks, LL", "LL-both", "LL"),
    Change("features of both stacks, LL++", "LL++both", "LL++"),
    Change("convolutions in place of pooling", "LL++conv-n", "LL++n"),
    Change("convolutions in place of pooling, LL", "LLconv", "LL"),
    Change("convolutions in place of pooling, LL++", "LL++conv", "LL++"),
    Change("convolutions: LL++ in place of LL", "LL++conv", "LLconv"),
    Change("convolutions: all pairs", "LL++conv-all", "LL++conv"),
    Change("convolutions: the whole batch at once", "LL++conv-n", "LL++conv"),
    Change("convolutions: inverse temperature α = 2", "LL++conv-alpha2", "LL++conv"),
    Change("convolutions: inverse temperature α = 0.5", "LL++conv-alpha0.5", "LL++conv"),
    Change("convolutions: regression of log l", "log-conv", "LL++conv"),
    Change("heatmaps read too, pooled", "LL++pooled-pred", "LL++"),
    Change("heatmaps read too, convolutions", "LL++pred-n", "LL++conv-n"),
    Change("heatmaps read too, convolutions, pairs", "LL++pred", "LL++conv"),
    Change("with heatmaps: the whole batch at once", "LL++pred-n", "LL++pred"),
    Change("with heatmaps: LL, on pairs", "LL-pred", "LL++pred-n"),
    Change("with heatmaps: regression of l", "squared-pred", "LL++pred-n"),
    Change("with heatmaps: regression of log l", "log-pred", "LL++pred-n"),
)
"""What the configurations vary; a run shows those of which it has both predictors."""


@dataclass(frozen=True)
class Compared:
    """A change, and what came of it in one number.

    Attributes:
        change: which one.
        own: the number of the predictor with the change, by seed.
        other: that of the one without.
        difference: own less other, for the seeds that have both.
        p_value: two-sided, of a paired t-test, corrected for all changes compared together; NaN for a single seed.
    """

    change: Change
    own: dict[int, float]
    other: dict[int, float]
    difference: dict[int, float]
    p_value: float

    @property
    def verdict(self) -> str:
        """What the seeds say, in words."""
        if len(self.difference) == 1:
            return "one seed settles nothing"
        if self.p_value > ALPHA:
            return f"not told apart (p = {self.p_value:.2g})"
        return f"{'higher' if np.mean([*self.difference.values()]) > 0 else 'lower'} (p = {self.p_value:.2g})"


def compare_changes(results: Measured, *, metric: str = "Pearson", split: str = "pool") -> list[Compared]:
    """Return what came of each of `CHANGES` of which a run has both predictors, in their order.

    Args:
        results: of a run.
        metric: a number of predictors, as in `measures`.
        split: "test" or "pool".
    """
    known = {name: results.values(metric, split=split, of=name) for name in results.experiment.predictors}
    there = [c for c in CHANGES if less(known.get(c.own, {}), known.get(c.other, {}))]
    differences = [less(known[c.own], known[c.other]) for c in there]
    corrected = multiple.paired([[*d.values()] for d in differences])
    return [
        Compared(change, known[change.own], known[change.other], difference, p)
        for change, difference, p in zip(there, differences, corrected, strict=True)
    ]
