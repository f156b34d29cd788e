"""Ablations in words: what each change came to, and what joint training did."""

import math
from collections.abc import Sequence

from llpp_core.analysis import multiple
from llpp_core.experiment import Measured, compare_changes
from llpp_core.experiment.measured import less
from llpp_core.report.paired import mean_of, shown


def changes(results: Measured, *, metric: str = "Pearson", split: str = "pool") -> str:
    """Return a table of one number: of each change, its own predictor less the one without.

    Args:
        results: of a run with some of `experiment.CHANGES`.
        metric: a number of predictors, one of those that `experiment.of_split` gives.
        split: "test" or "pool".
    """
    lines = [f"| {metric}, {split} | before | changed | difference | verdict |", "|---|--:|--:|--:|---|"]
    for one in compare_changes(results, metric=metric, split=split):
        cells = (f"{mean_of(one.other):.3f}", f"{mean_of(one.own):.3f}", shown(one.difference, "+.3f"), one.verdict)
        lines.append(f"| {one.change.what} ({one.change.other} → {one.change.own}) | {' | '.join(cells)} |")
    return "\n".join(lines)


def joint(apart: Measured, together: Sequence[Measured], name: str = "LL") -> str:
    """Return a table: a predictor trained beside its task model, and the same trained jointly with it.

    Joint training changes the task model, so each run stands on other base models; seeds are compared pairwise all the
    same, since they begin with the same weights and see the same views.

    Args:
        apart: the run in which the predictor's gradient stays out of the task model.
        together: those in which it does not, each with a weight of its own; a row is of the seeds that all have.
        name: of the predictor in all of them.
    """
    weights = [f"weight {run.experiment.training.joint_weight:g} | difference to apart" for run in together]
    lines = [f"| {' | '.join(['', 'apart', *weights])} |", "|---|--:|" + "--:|--:|" * len(together)]
    rows = [
        (f"{apart.accuracy_name} of the base model, {split}", apart.accuracy_name, split, "")
        for split in ("train", "test", "pool")
    ]
    rows += [
        (f"{metric} of {name}, {split}", metric, split, name)
        for split in ("test", "pool")
        for metric in ("Pearson", "Spearman", "failures, AUROC")
    ]
    values = [[run.values(metric, split=split, of=of) for run in (apart, *together)] for _, metric, split, of in rows]
    seeds = [sorted(set.intersection(*map(set, of_row))) for of_row in values]
    values = [[{s: one[s] for s in of_all} for one in of_row] for of_row, of_all in zip(values, seeds, strict=True)]
    differences = [[less(other, of_row[0]) for other in of_row[1:]] for of_row in values]
    p_values = iter(multiple.paired([[*one.values()] for of_row in differences for one in of_row]))
    for (what, *_), (one, *others), less_apart in zip(rows, values, differences, strict=True):
        cells = [shown(one)]
        for other, difference in zip(others, less_apart, strict=True):
            p = next(p_values)
            cells.append(f"{mean_of(other):.3f}" if other else "–")
            cells.append(shown(difference, "+.3f") + (f" (p = {p:.2g})" if math.isfinite(p) else ""))
        lines.append(f"| {what} | {' | '.join(cells)} |")
    known = ", ".join(map(str, sorted({seed for some in seeds for seed in some})))
    note = f"Means over the seeds that all of them have ({known}); p-values are corrected for all differences shown."
    return "\n".join([*lines, "", note])
