"""A recorded run of the paper's experiment beside what the paper prints, row by row, each with a verdict.

A verdict is about the paper's *order* of two methods: whether the seeds of this run show it, by a paired t-test that is
corrected for the number of rows. A level (a correlation, an accuracy) belongs to its model and is only set beside the
printed one.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scipy import stats

from llpp_core.analysis import gamma_pairs, multiple, printed
from llpp_core.experiment import Measured, Recorded, Step, load_experiment, units
from llpp_core.experiment.ablations import ALPHA
from llpp_core.experiment.measured import less
from llpp_core.experiment.plan import is_followed
from llpp_core.metrics import mean_interval
from llpp_core.report.experiments import means
from llpp_core.report.paired import mean_of, shown, side

METHODS = {"Random": "random", "Core-Set": "core_set", "LL": "LL", "LL++": "LL++", "LL++conv": "LL++conv"}
"""The paper's methods, and what the configurations call them."""
BASE = 0.70
"""The least PCK@0.2 on LSP's test half that the aims want of base models: near chance every correlation is high."""
Row = Mapping[str, Any]


def made(results: Recorded) -> str:
    """Return one paragraph: what made a recorded run."""
    about = results.provenance["units"]
    devices, versions, commits = (sorted({str(value) for value in values}) for values in (
        (unit["device"] for unit in about), (unit["versions"]["torch"] for unit in about),
        (unit["commit"] for unit in about)))  # fmt: skip
    whole = [unit["minutes"]["train"] for unit in about if not unit["resumed"]]
    took = f"; those that ran without a stop took {', '.join(f'{m:.1f}' for m in whole)} minutes" if whole else ""
    bases = [str(unit.seed) for unit in results.known if unit.stage == 0]
    later = [unit.name for unit in results.known if unit.stage]
    trainings = f"the base models of seeds {', '.join(bases)}" + (f", and {', '.join(later)}" if later else "")
    plan, last = results.experiment, max(str(unit["finished"]) for unit in about)
    size = f"crops of {plan.data.size} pixels, {plan.model.stacks} stack{'s' * (plan.model.stacks > 1)} of "
    schedule = plan.training
    joint = ""
    if schedule.joint_epochs:
        first = f"the predictor trained jointly in the first {schedule.joint_epochs}"
        joint = f", {first}, weight {schedule.joint_weight:g}"
    return (
        f"`{plan.name}` ({size}{plan.model.channels} channels, {schedule.epochs} epochs{joint}): {trainings}, which "
        f"are {len(about)} of the {sum(1 for _ in units(plan))} trainings that it describes, on {', '.join(devices)} "
        f"with torch {', '.join(versions)}{took}. Commit {', '.join(commits)}, configuration "
        f"{results.provenance['experiment'][:10]}, finished {last[:10]}."
    )


def steps(plan: Iterable[Step], folder: str | Path) -> str:
    """Return a table of a plan's steps: which of their units are recorded.

    Args:
        plan: the steps.
        folder: of the recorded runs.
    """
    lines = ["| step | configuration | units recorded |", "|---|---|--:|"]
    for step in plan:
        place = Path(folder) / step.experiment
        if step.followed:
            there, wanted = int(place.is_dir() and is_followed(Recorded.read(place))), 1
        else:
            names = {unit.name for unit in step.units(load_experiment(step.experiment))}
            known = Recorded.read(place).provenance["units"] if place.is_dir() else []
            there, wanted = len(names & {unit["unit"] for unit in known}), len(names)
        lines.append(f"| {step.what} | `{step.experiment}` | {there} of {wanted} |")
    return "\n".join(lines)


def levels(results: Measured) -> str:
    """Return a table: what the paper prints of correlations and of first choices, and the same of this run."""
    first = printed.TABLE_3A[0]
    rows = [
        (f"Pearson on LSPET (Fig. 5; of which kind is not said), {name}", f"{value:.2f}", _correlation(results, name))
        for name, value in printed.CORRELATION.items()
    ]
    for name, own in METHODS.items():
        printed_as = f"{first.mean[name][0]:.3f} ± {first.deviation[name][0]:.3f}"
        here = results.chosen("PCK@0.2", own, 1)
        rows.append((f"PCK@0.2 of the first choice (Table 3a), {name}", printed_as, here))
    for own in ("entropy", "oracle"):
        if here := results.chosen("PCK@0.2", own, 1):
            rows.append((f"PCK@0.2 of the first choice, {own} (beyond the paper)", "–", here))
    lines = ["| | the paper | here |", "|---|--:|--:|"]
    return "\n".join([*lines, *(f"| {what} | {paper} | {shown(values)} |" for what, paper, values in rows)])


def orders(results: Measured) -> str:
    """Return a table: differences that the paper's numbers have, the same differences here, and whether they agree.

    The verdict is about the sign, by a paired t-test, corrected by Holm's procedure for all rows together; whether the
    paper's size lies within a row's interval is said of each row alone.
    """
    c, first = printed.CORRELATION, printed.TABLE_3A[0].mean
    rows = [("Pearson on LSPET, LL++ less LL", c["LL++"] - c["LL"],
             less(_correlation(results, "LL++"), _correlation(results, "LL")), True)]  # fmt: skip
    for own, other in (("LL", "Random"), ("Core-Set", "Random"), ("LL++", "LL"), ("LL++", "Core-Set"),
                       ("LL++conv", "LL++")):  # fmt: skip
        here = less(*(results.chosen("PCK@0.2", METHODS[name], 1) for name in (own, other)))
        rows.append((f"PCK@0.2 of the first choice, {own} less {other}", first[own][0] - first[other][0], here, True))
    loss = printed.SELECTED_TRUE_LOSS
    for what, metric, paper in (
        ("mean true loss of the first choice", "true loss, mean", loss["LL++"].mean - loss["LL"].mean),
        ("its spread over images", "true loss, standard deviation", loss["LL++"].deviation - loss["LL"].deviation),
    ):
        here = less(*(results.chosen(metric, name, 1) for name in ("LL++", "LL")))
        rows.append((f"{what}, LL++ less LL", paper, here, False))  # in another unit of loss
    corrected = multiple.paired([[*here.values()] for _, _, here, _ in rows])
    lines = ["| | the paper | here | the paper's size | verdict |", "|---|--:|--:|---|---|"]
    for (what, paper, here, one_unit), p in zip(rows, corrected, strict=True):
        inside = "–"
        if one_unit and len(here) > 1:
            inside = "outside" if mean_interval([*here.values()]).excludes(paper) else "inside"
        cells = (f"{paper:+.3f}", shown(here, "+.3f"), inside, _verdict(paper, here, p))
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def aims(results: Measured, *, ours: str, of: Measured | None = None) -> str:
    """Return a table: what this project set itself, what came of it, and by how much it was met or missed.

    Below it, what the oracle and multi-peak entropy reach on the same models.

    Args:
        results: of a run with the paper's methods.
        ours: the predictor of ours that the aims are about.
        of: the run that has this predictor; ``results`` where None.
    """
    own = results if of is None else of
    lines = ["| aim | | here | |", "|---|--:|--:|---|"]

    def add(
        what: str,
        aim: float,
        values: Mapping[int, float],
        beside: Mapping[int, float] | None = None,
        of_base: Measured | None = None,
    ) -> None:
        """An aim to reach, on base models that are good enough; or, beside a random choice, one to stay below."""
        if not values:
            return
        reached = mean_of(values)
        met = reached >= aim if beside is None else reached <= aim
        said = "met" if met else f"missed by {abs(reached - aim):.3f}"
        if met and of_base is not None and mean_of(of_base.values("PCK@0.2", split="test")) < BASE:
            said = f"met, on base models that miss {BASE:g}"
        if beside:
            said += f"; a random choice has {shown(beside)}"
        lines.append(f"| {what} | {aim:g} | {shown(values)} | {said} |")

    add("PCK@0.2 on LSP's test half, at least", BASE, results.values("PCK@0.2", split="test"))
    if own is not results:
        add(f"the same, the base models of {ours}, at least", BASE, own.values("PCK@0.2", split="test"))
    if difference := less(_correlation(results, "LL++"), _correlation(results, "LL")):
        interval = mean_interval([*difference.values()])
        said = "met" if interval.low > 0 else "missed" if interval.high < 0 else "not told apart from 0"
        said = "one seed settles nothing" if interval.n == 1 else said
        lines.append(f"| LL++ less LL, Pearson on LSPET, above | 0 | {interval:+.3f} | {said} |")
    for aim in (0.60, 0.70):
        add(f"Pearson on LSPET, {ours}, above", aim, _correlation(own, ours), of_base=own)
    for name, run in (("LL++conv", results), (ours, own)):
        chosen, random = (run.chosen("PCK@0.2", one, 1) for one in (name, "random"))
        add(f"PCK@0.2 of the first choice, {name}, at most", 0.209, chosen, random, of_base=run)
    beaten = less(*(own.chosen("PCK@0.2", name, 1) for name in (ours, "LL++conv")))
    what = f"the same, {ours} less LL++conv on the same models, below"
    lines.append(f"| {what} | 0 | {shown(beaten, '+.3f')} | {side(beaten) if beaten else 'not compared'} |")
    if minutes := _minutes_on_gpu(results):
        said = "met" if mean_of(minutes) < 3 else f"missed by {mean_of(minutes) - 3:.1f}"
        lines.append(f"| minutes of a base training on a GPU, below | 3 | {shown(minutes, '.1f')} | {said} |")
    else:
        lines.append("| minutes of a base training on a GPU, below | 3 | – | not measured: no GPU |")
    floors = {"the oracle, who knows the losses,": "oracle", "multi-peak entropy, which needs no training,": "entropy"}
    beside = [
        f"that of {who} has {shown(there)}"
        for who, name in floors.items()
        if (there := results.chosen("PCK@0.2", name, 1))
    ]
    first = printed.TABLE_3A[0].mean
    parts = [f"the paper's LL++conv {first['LL++conv'][0] / first['Random'][0]:.2f}"]
    for name, run in (("LL++conv", results), (ours, own), ("entropy", results), ("oracle", results)):
        chosen, random = (run.chosen("PCK@0.2", one, 1) for one in (name, "random"))
        if chosen and random:
            parts.append(f"{name} {mean_of({s: chosen[s] / random[s] for s in chosen if s in random}):.2f}")
    below = [f"Beside these first choices, {' and '.join(beside)}."] if beside else []
    below += [f"As a part of what a random choice has: {', '.join(parts)}."] if len(parts) > 1 else []
    return "\n\n".join(["\n".join(lines), *below])


def gain(results: Measured, own: str, other: str) -> str:
    """Return a table of one predictor less another one on the same base models, seed by seed.

    Args:
        results: of a run that has both.
        own: which predictor.
        other: which one it is compared to.
    """
    lines = [f"| {own} less {other} | | | {other} | {own} |", "|---|--:|---|--:|--:|"]
    for split in ("pool", "test"):
        for metric in ("Pearson", "Pearson with log l", "Spearman", "failures, AUROC", "true loss of its top tenth"):
            here, there = (results.values(metric, split=split, of=name) for name in (own, other))
            difference = less(here, there)
            cells = (shown(difference, "+.3f"), side(difference), shown(there), shown(here))
            lines.append(f"| {metric}, {split} | {' | '.join(cells)} |")
    return "\n".join(lines)


def same_models(one: Measured, other: Measured) -> str:
    """Return a sentence: of which seeds two runs have the very same base model, by its accuracy on the test split."""
    first, second = (run.values(run.accuracy_name, split="test") for run in (one, other))
    shared = sorted(set(first) & set(second))
    same, others = ([seed for seed in shared if (first[seed] == second[seed]) is equal] for equal in (True, False))

    def named(seeds: list[int]) -> str:
        return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"

    names = f"`{one.experiment.name}` and `{other.experiment.name}`"
    if not others:
        return f"The base models of {names} are the same ones."
    agree = f"The base models of {named(same)} are the same ones in {names}; those" if same else f"In {names} those"
    return (
        f"{agree} of {named(others)} are not: the plan is one, but other processors round differently, and "
        "over a training that probably grew into other models. So predictors are compared within a run alone."
    )


def gaps(shape: float, scale: float) -> str:
    """Return the paper's Tables 1 and 2 beside the same at another fit, gaps measured in mean losses.

    Args:
        shape: k > 0.
        scale: Θ > 0, in the unit of the losses.
    """
    mean = printed.SHAPE * printed.SCALE
    tables = []
    for name, table, function in (
        (r"Table 1: P(\|X − Y\| ≤ δ)", printed.TABLE_1, gamma_pairs.probability_within),
        ("Table 2: φ(δ)", printed.TABLE_2, gamma_pairs.expected_share),
    ):
        here = [float(function(gap / mean * shape * scale, shape, scale)) for gap in table.loss_gap]
        lines = [
            f"| {name}, with δ in mean losses | {' | '.join(f'{gap / mean:.2f}' for gap in table.loss_gap)} |",
            "|---|" + "--:|" * len(here),
            f"| the paper, k = {printed.SHAPE:g}, Θ = {printed.SCALE:g} | {' | '.join(map(str, table.value))} |",
            f"| here, k = {shape:.2f}, Θ = {scale:.3f} | {' | '.join(f'{value:.3f}' for value in here)} |",
        ]
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def looks(rows: Iterable[Row], predictors: Iterable[str], shorter: Measured) -> str:
    """Return a table of one training, look by look on the pool: accuracy, shape of the losses, correlations.

    The last row has the means of base models that were trained to the end of a shorter schedule. Below the table, how
    each predictor's correlation goes with the shape over the looks (Spearman).

    Args:
        rows: of a recorded run's ``along.csv``.
        predictors: which ones.
        shorter: a run of shorter trainings.

    Raises:
        ValueError: a predictor of which nothing was measured along the training.
    """
    columns = [("PCK@0.2", "", "PCK@0.2"), ("shape k", "", "gamma shape k")]
    columns += [(f"{name}, Pearson", name, "Pearson") for name in predictors]
    found: dict[tuple[str, str], dict[int, float]] = {}
    for r in rows:
        if r["split"] == "pool":
            found.setdefault((r["of"], r["metric"]), {})[r["epoch"]] = r["value"]
    if missing := [(metric, of) for _, of, metric in columns if (of, metric) not in found]:
        metric, of = missing[0]
        raise ValueError(f"wanted {metric} of {of or 'the task model'} on pool, which was not measured")
    lines = [f"| epoch | {' | '.join(title for title, _, _ in columns)} |", "|---|" + "--:|" * len(columns)]
    shape = found["", "gamma shape k"]
    for epoch in shape:
        lines.append(f"| {epoch} | {' | '.join(f'{found[of, metric][epoch]:.2f}' for _, of, metric in columns)} |")
    last = [shown(shorter.values(metric, split="pool", of=of), ".2f") for _, of, metric in columns]
    lines.append(f"| {shorter.experiment.training.epochs}, other models, to the end | {' | '.join(last)} |")
    told = [
        f"{of} {float(stats.spearmanr([*shape.values()], [found[of, metric][e] for e in shape]).statistic):.2f}"
        for _, of, metric in columns[2:]
    ]
    said = f"How each goes with the shape k over these {len(shape)} looks (Spearman): {', '.join(told)}."
    return "\n".join(lines) + f"\n\n{said}"


def reading(rows: Iterable[Row]) -> str:
    """Return each predictor's correlation on the pool, facts about the pictures partialled out: rows of a record."""
    return _by(rows, "of", "given", "Pearson on the pool, given")


def picked(rows: Iterable[Row]) -> str:
    """Return what each method's first choice looks like in plain facts: rows of a record."""
    return _by(rows, "method", "fact", "first choice of")


def _by(rows: Iterable[Row], row: str, column: str, corner: str) -> str:
    every = list(rows)
    columns = list(dict.fromkeys(one[column] for one in every))
    table: dict[str, list[dict[int, float]]] = {}
    for one in every:
        cells = table.setdefault(one[row], [{} for _ in columns])
        cells[columns.index(one[column])][one["seed"]] = one["value"]
    return means(corner, columns, table)


def _minutes_on_gpu(results: Measured) -> dict[int, float]:
    """Return by seed the minutes of the base trainings that a GPU did in one go."""
    if not isinstance(results, Recorded):
        return {}
    return {
        unit.seed: about["minutes"]["train"]
        for unit, about in results.known.items()
        if unit.stage == 0 and not about["resumed"] and not str(about["device"]).startswith("CPU")
    }


def _correlation(results: Measured, name: str) -> dict[int, float]:
    return results.values("Pearson", split="pool", of=name)


def _verdict(paper: float, values: Mapping[int, float], p: float) -> str:
    if not values:
        return "not run"
    if len(values) == 1:
        return "one seed settles nothing"
    if p > ALPHA:
        return f"not told apart (p = {p:.2g})"
    order = "the paper's order" if (mean_of(values) > 0) == (paper > 0) else "**the other order**"
    return f"{order} (p = {p:.2g})"
