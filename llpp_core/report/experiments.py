"""What came of an experiment as Markdown tables: means over the seeds with Student's intervals, and how they compare.

A cell is the mean with its 95 % t-interval; of a single seed there is no interval, and the cell says so by having none.
Methods are compared seed by seed, because all methods of a seed begin with the same base model.
"""

from collections.abc import Iterable, Mapping, Sequence

from llpp_core.experiment import Measured, Results
from llpp_core.metrics import Interval, mean_interval
from llpp_core.report.runs import LOW, low_accuracy

LOSS = "true loss, mean"
PREDICTION = ("Pearson", "Pearson with log l", "Spearman", "failures, AUROC")
"""What is said of a predictor; the metrics of `experiment.of_split`."""


def progress(results: Results) -> str:
    """Return one sentence: which units are done, and what is damaged."""
    total = sum(1 for _ in results.units)
    sentence = f"{len(results.records)} of {total} units of `{results.folder.name}` are done."
    # Without the folder's own place: a report may be shown to others.
    notices = [notice.replace(f"{results.folder}/", "") for notice in results.notices]
    return " ".join([sentence, *(f"{notice}." for notice in notices)])


def accuracies(results: Measured) -> str:
    """Return a table of the base models: accuracy, true losses and the gamma distribution fitted to these."""
    names = (results.accuracy_name, LOSS, "gamma shape k", "gamma scale Θ", "failures, fraction")
    rows = {split: [results.values(name, split=split) for name in names] for split in ("train", "test", "pool")}
    table = means("base model on", names, rows)
    known = {split: [value for value in row[0].values() if value == value] for split, row in rows.items()}
    low = [split for split, values in known.items() if values and mean_interval(values).mean < LOW]
    return f"{table}\n\n> {low_accuracy(low)}" if low else table


def covers(results: Measured) -> str:
    """Return a sentence: what differs between the repetitions, which is what the intervals speak of."""
    if results.experiment.data.kind == "lsp_lspet":
        return (
            "All repetitions share one training set and one pool: the intervals speak of initial weights and of the "
            "order of training, not of other data."
        )
    return "Every repetition has other data as well as other initial weights: the intervals speak of both."


def correlations(results: Measured, split: str = "pool") -> str:
    """Return a table of how every predictor beside the base models goes with the true loss.

    Args:
        results: of the run.
        split: "test" or "pool".
    """
    names = [
        n for n in (*results.experiment.predictors, "multipeak_entropy") if results.values("Pearson", split=split, of=n)
    ]
    rows = {name: [results.values(metric, split=split, of=name) for metric in PREDICTION] for name in names}
    return means(f"on {split}", PREDICTION, rows)


def choices(results: Measured) -> str:
    """Return Table 3a: the accuracy of what each method chose, before training on it; lower is more failures found."""
    plan = results.experiment
    columns = [f"choice {i}" for i in range(1, results.choices + 1)]
    rows = {
        method: [results.chosen(results.accuracy_name, method, i) for i in range(1, results.choices + 1)]
        for method in plan.methods
    }
    return means(f"{results.accuracy_name} of what is chosen", columns, rows)


def tested(results: Measured) -> str:
    """Return Table 3b: the accuracy on the test split after each stage; stage 0 is the base model of all methods."""
    plan = results.experiment
    columns = [f"{plan.data.train + i * plan.budget:,} labels" for i in range(plan.stages + 1)]
    rows = {
        method: [results.tested(results.accuracy_name, method, i) for i in range(plan.stages + 1)]
        for method in plan.methods
    }
    return means(f"{results.accuracy_name} on test", columns, rows)


def differences(results: Measured, to: str) -> str:
    """Return a table of the accuracy of each choice, as the mean difference to a method over the seeds.

    Args:
        results: of the run.
        to: the method that the others are compared to.

    Raises:
        ValueError: the experiment has no such method.
    """
    plan = results.experiment
    if to not in plan.methods:
        raise ValueError(f"the experiment has no method {to!r}; it has {', '.join(plan.methods)}")
    columns = [f"choice {i}" for i in range(1, results.choices + 1)]
    rows = {
        method: [lead(results, method, to=to, choice=i) for i in range(1, results.choices + 1)]
        for method in plan.methods
        if method != to
    }
    return means(f"{results.accuracy_name}, difference to {to}", columns, rows, spec="+.3f")


def lead(results: Measured, method: str, *, to: str, choice: int = 1) -> dict[int, float]:
    """Return by seed how much lower or higher the accuracy of a method's choice is than that of another one's.

    Args:
        results: of the run.
        method: who chose.
        to: with whose choice it is compared.
        choice: 1 for the first.
    """
    own, other = (results.chosen(results.accuracy_name, name, choice) for name in (method, to))
    return {seed: own[seed] - other[seed] for seed in own if seed in other}


def ahead(results: Measured, method: str, *, to: str = "random", choice: int = 1) -> str:
    """Return a sentence: whether a method's choice holds more failures than another one's, as far as the seeds show.

    Args:
        results: of the run.
        method: who chose.
        to: with whose choice it is compared.
        choice: 1 for the first.
    """
    values = lead(results, method, to=to, choice=choice)
    what = f"{results.accuracy_name} of what it chooses, choice {choice}"
    return _verdict(method, to, values, what, lower="it finds more failures", higher="it finds fewer failures")


def better(results: Measured, method: str, *, to: str = "random", stage: int) -> str:
    """Return a sentence: whether the labels that a method asked for made a better model than another one's.

    Args:
        results: of the run.
        method: whose labels.
        to: with whose labels they are compared.
        stage: after how many choices, ≥ 1.
    """
    own, other = (results.tested(results.accuracy_name, name, stage) for name in (method, to))
    values = {seed: own[seed] - other[seed] for seed in own if seed in other}
    what = f"{results.accuracy_name} on test after {stage} {'choice' if stage == 1 else 'choices'}"
    return _verdict(method, to, values, what, lower="its labels are worth less", higher="its labels are worth more")


def _verdict(method: str, to: str, values: Mapping[int, float], what: str, *, lower: str, higher: str) -> str:
    beside = f"**{method}** beside {to}, {what}"
    finite = [value for value in values.values() if value == value]
    if not finite:
        return f"{beside}: nothing is known yet."
    interval = mean_interval(finite)
    if interval.n == 1:
        return f"{beside}: {interval:+.3f}, of one seed, which settles nothing."
    said = f"{beside}: {interval:+.3f} over {interval.n} seeds"
    if not interval.excludes(0):
        return f"{said}; the interval holds 0, so these seeds do not tell the two apart."
    return f"{said}; the interval lies on one side of 0: {lower if interval.mean < 0 else higher}."


def minutes(results: Results) -> str:
    """Return a table of the minutes that units took, means over the seeds, and the devices they ran on."""
    if not results.records:
        return ""
    rows: dict[str, list[dict[int, float]]] = {}
    for unit, record in results.records.items():
        name = "base models" if unit.method is None else f"stage {unit.stage} of {unit.method}"
        columns = rows.setdefault(name, [{}, {}, {}])
        for cell, part in zip(columns, ("train", "score", "choose"), strict=True):
            cell[unit.seed] = float(record.about["minutes"][part])
    averages = {name: [{0: sum(cell.values()) / len(cell)} for cell in columns] for name, columns in rows.items()}
    devices = ", ".join(sorted({str(record.about["device"]) for record in results.records.values()}))
    table = means("minutes", ("train", "score", "choose"), averages, spec=".2f")
    resumed = sum(bool(record.about["resumed"]) for record in results.records.values())
    since = (
        f" Interrupted units: {resumed}, of which only the minutes since they went on are counted." if resumed else ""
    )
    return f"{table}\n\nComputed on: {devices}.{since}"


def whole(results: Results) -> str:
    """Return all tables of a run, under headings."""
    plan = results.experiment
    parts = {
        "The base models": accuracies(results),
        "Predicted against true loss on the test split": correlations(results, "test"),
        "Predicted against true loss on the pool": correlations(results, "pool"),
        "What the methods chose (Table 3a; lower: more failures found)": choices(results),
        **({"Beside random choice": differences(results, "random")} if "random" in plan.methods else {}),
        "After training on it (Table 3b)": tested(results),
        "Time": minutes(results),
    }
    listed = ", ".join(map(str, plan.seeds))
    seeds = (
        f"Means over those of the seeds {listed} that are done, with 95 % t-intervals, each by itself, without "
        "correction for their number. They know no bounds: of two or three seeds they may leave the range of what they "
        f"are about, and say little. {covers(results)} A failure is a sample of which fewer than half of the joints "
        "are found. The tables named are the paper's."
    )
    sections = [f"## {title}\n\n{table}" for title, table in parts.items() if table]
    return "\n\n".join([f"# {plan.name}", progress(results), seeds, *sections])


def means(
    corner: str, columns: Sequence[str], rows: Mapping[str, Iterable[Mapping[int, float]]], *, spec: str = ".3f"
) -> str:
    """Return a table whose cells are numbers by seed; nothing where all of them are empty."""
    cells = {name: [_cell(values, spec) for values in row] for name, row in rows.items()}
    if not any(cell != "–" for row in cells.values() for cell in row):
        return ""
    lines = [f"| {corner} | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns)]
    lines += [f"| {name} | {' | '.join(row)} |" for name, row in cells.items()]
    return "\n".join(lines)


def _cell(values: Mapping[int, float], spec: str) -> str:
    finite = [value for value in values.values() if value == value]
    if not finite:
        return "–"
    mean: Interval = mean_interval(finite)
    return f"{mean:{spec}}"
