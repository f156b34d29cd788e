"""Ablations in words: what each change came to, and what joint training did."""

from collections.abc import Sequence

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
        together: those in which it does not, each with a weight of its own.
        name: of the predictor in all of them.
    """
    weights = [f"weight {run.experiment.training.joint_weight:g} | less apart" for run in together]
    lines = [f"| | apart | {' | '.join(weights)} |", "|---|--:|" + "--:|--:|" * len(together)]
    rows = [
        (f"{apart.accuracy_name} of the base model, {split}", apart.accuracy_name, split, "")
        for split in ("train", "test", "pool")
    ]
    rows += [
        (f"{metric} of {name}, {split}", metric, split, name)
        for split in ("test", "pool")
        for metric in ("Pearson", "Spearman", "failures, AUROC")
    ]
    for what, metric, split, of in rows:
        one = apart.values(metric, split=split, of=of)
        cells = [shown(one)]
        for run in together:
            other = run.values(metric, split=split, of=of)
            cells += [f"{mean_of(other):.3f}", shown(less(other, one), "+.3f")]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines)
