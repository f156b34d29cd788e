"""Ablations: predictors that differ in one thing, compared on one base model, seed by seed.

Many questions are asked of a few seeds, so the p-values of the paired t-tests are corrected for their number by Holm's
procedure (`analysis.multiple`); an interval is that of its comparison alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from llpp_core.analysis import multiple
from llpp_core.experiment import Measured
from llpp_core.report.paired import less, mean_of, shown

ALPHA = 0.05
"""Chance of any false verdict in one table."""


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
    Change("all pairs of a batch, Learning Loss", "LL-all", "LL"),
    Change("all pairs of a batch, LearningLoss++", "LL++all", "LL++"),
    Change("the whole batch at once", "LL++n", "LL++"),
    Change("inverse temperature α = 2", "LL++alpha2", "LL++"),
    Change("inverse temperature α = 0.5", "LL++alpha0.5", "LL++"),
    Change("regression of l in place of LearningLoss++", "squared", "LL++"),
    Change("regression of log l in place of LearningLoss++", "log", "LL++"),
    Change("features of both stacks, Learning Loss", "LL-both", "LL"),
    Change("features of both stacks, LearningLoss++", "LL++both", "LL++"),
    Change("convolutions in place of pooling", "LL++conv-n", "LL++n"),
    Change("heatmaps read too, pooled", "LL++pooled-pred", "LL++"),
    Change("heatmaps read too, convolutions", "LL++pred-n", "LL++conv-n"),
    Change("with the heatmaps: Learning Loss in place of LearningLoss++", "LL-pred", "LL++pred-n"),
    Change("with the heatmaps: regression of l", "squared-pred", "LL++pred-n"),
    Change("with the heatmaps: regression of log l", "log-pred", "LL++pred-n"),
)
"""What the configurations vary; a run shows those of which it has both predictors."""


def changes(results: Measured, *, metric: str = "Pearson", split: str = "pool") -> str:
    """Return a table of one number: each change's own predictor less the other one.

    Args:
        results: of a run with some of `CHANGES`.
        metric: a number of predictors, as in `measures`.
        split: "test" or "pool".
    """
    known = {n: results.values(metric, split=split, of=n) for n in results.experiment.predictors}
    here = [c for c in CHANGES if known.get(c.own) and known.get(c.other)]
    differences = [less(known[c.own], known[c.other]) for c in here]
    verdicts = _verdicts([list(d.values()) for d in differences])
    lines = [f"| {metric}, {split} | without | with | difference | after correction |", "|---|--:|--:|--:|---|"]
    for change, difference, verdict in zip(here, differences, verdicts, strict=True):
        cells = (f"{mean_of(known[change.other]):.3f}", f"{mean_of(known[change.own]):.3f}", shown(difference, "+.3f"))
        lines.append(f"| {change.what} ({change.own}, {change.other}) | {' | '.join(cells)} | {verdict} |")
    return "\n".join(lines)


def joint(apart: Measured, together: Measured, name: str = "LL") -> str:
    """Return a table: a predictor trained beside its task model, and the same trained jointly with it.

    Joint training changes the task model, so the two stand on other base models; seeds are compared pairwise all the
    same, since they begin with the same weights and see the same views.

    Args:
        apart: the run in which the predictor's gradient stays out of the task model.
        together: the one in which it does not.
        name: of the predictor in both.
    """
    lines = ["| | apart | jointly | difference |", "|---|--:|--:|--:|"]
    rows = [
        (f"{apart.accuracy_name} of the base model, {split}", apart.accuracy_name, split, "")
        for split in ("test", "pool")
    ]
    rows += [
        (f"{metric} of {name}, {split}", metric, split, name)
        for split in ("test", "pool")
        for metric in ("Pearson", "Spearman", "failures, AUROC")
    ]
    for what, metric, split, of in rows:
        one, other = (run.values(metric, split=split, of=of) for run in (apart, together))
        shared = {seed: value for seed, value in one.items() if seed in other}
        lines.append(f"| {what} | {shown(shared)} | {shown(other)} | {shown(less(other, one), '+.3f')} |")
    return "\n".join(lines)


def _verdicts(differences: list[list[float]]) -> list[str]:
    """Return what each comparison comes to, all of them asked together."""
    asked = [i for i, values in enumerate(differences) if len(values) > 1]
    said = ["one seed settles nothing"] * len(differences)
    p = np.array([float(stats.ttest_1samp(differences[i], 0.0).pvalue) for i in asked])
    for i, adjusted in zip(asked, multiple.adjust(p, ALPHA)[0] if asked else (), strict=True):
        side = "higher" if np.mean(differences[i]) > 0 else "lower"
        said[i] = f"{side} (p = {adjusted:.2g})" if adjusted <= ALPHA else f"not told apart (p = {adjusted:.2g})"
    return said
