"""A recorded run as pictures: its predictors side by side, what one change does to them, and how they learned."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from llpp_core.analysis import printed
from llpp_core.experiment import Measured, compare_changes
from llpp_core.experiment.ablations import ALPHA
from llpp_core.figures.base import COLORS, NEUTRAL, Figure, new_plot, rounded
from llpp_core.figures.curves import curves
from llpp_core.metrics import mean_interval


def correlation_dots(runs: Sequence[Measured], *, name: str) -> Figure:
    """Return each predictor's correlation with the true loss on the pool, means over the seeds with their intervals.

    Args:
        runs: recorded runs; a predictor that an earlier one has too is drawn again, because base models may differ.
        name: file name of the data's download, without ending.

    Raises:
        ValueError: no predictor.
    """
    having: dict[str, tuple[str, Measured]] = {}
    for run in runs:
        for predictor in (*run.experiment.predictors, "multipeak_entropy"):
            if run.values("Pearson", split="pool", of=predictor):
                having[f"{predictor} (again)" if predictor in having else predictor] = (predictor, run)
    rows = [
        (shown, kind, mean_interval(list(run.values(kind, split="pool", of=predictor).values())))
        for shown, (predictor, run) in having.items()
        for kind in ("Pearson", "Spearman")
        if run.values(kind, split="pool", of=predictor)
    ]
    if not rows:
        raise ValueError("wanted a run with at least one predictor, got none")
    names = list(having)
    plot = new_plot(height=150 + 34 * len(names), xaxis_title="correlation on the pool")
    for kind, symbol, up in (("Pearson", "circle", 0.12), ("Spearman", "diamond-open", -0.12)):
        some = [row for row in rows if row[1] == kind]
        plot.add_scatter(
            x=[row[2].mean for row in some], y=[len(names) - 1 - names.index(row[0]) + up for row in some], name=kind,
            mode="markers",
            marker={"symbol": symbol, "size": 9, "color": [COLORS.get(having[row[0]][0], NEUTRAL) for row in some]},
            error_x={"type": "data", "array": [row[2].high - row[2].mean if row[2].n > 1 else 0.0 for row in some],
                     "thickness": 1.5, "width": 3, "color": NEUTRAL},
            text=[row[0] for row in some], hovertemplate=f"%{{text}}, {kind}: %{{x:.3f}}<extra></extra>",
        )  # fmt: skip
    at = [(names.index(key), value) for key, value in printed.CORRELATION.items() if key in names]
    plot.add_scatter(
        x=[value for _, value in at], y=[len(names) - 1 - i for i, _ in at], name="the paper's", mode="markers",
        marker={"symbol": "x-thin", "size": 11, "line": {"width": 2, "color": NEUTRAL}},
        hovertemplate="the paper's: %{x}<extra></extra>",
    )  # fmt: skip
    plot.update_yaxes(tickvals=list(range(len(names))), ticktext=names[::-1], range=[-0.6, len(names) - 0.4])
    plot.update_layout(margin_l=150)
    best = max((row for row in rows if row[1] == "Pearson"), key=lambda row: row[2].mean)
    return Figure(
        plot,
        caption="How the loss that each predictor expects goes with the true one on the pool: Pearson's correlation "
        "(filled) and Spearman's (open), means over the seeds with 95 % t-intervals, which a single seed has not. "
        "Crosses: the paper's Fig. 5.",
        alt=f"Correlations of {len(names)} predictors. The highest Pearson correlation is that of {best[0]}, "
        f"{best[2].mean:.3f}.",
        data={
            "predictor": [row[0] for row in rows],
            "kind": [row[1] for row in rows],
            "mean": rounded([row[2].mean for row in rows]),
            "low": rounded([row[2].low for row in rows]),
            "high": rounded([row[2].high for row in rows]),
            "seeds": [row[2].n for row in rows],
        },
        name=name,
    )


def ablation_dots(results: Measured, *, metric: str = "Pearson", split: str = "pool", name: str) -> Figure:
    """Return what each change of an ablation did to one number of the predictors: differences with their intervals.

    Args:
        results: of a run with some of `experiment.CHANGES`.
        metric: a number of predictors, one of those that `experiment.of_split` gives.
        split: "test" or "pool".
        name: file name of the data's download, without ending.

    Raises:
        ValueError: a run with none of them.
    """
    compared = compare_changes(results, metric=metric, split=split)
    if not compared:
        raise ValueError(f"wanted a run with a change of one thing, got {results.experiment.name}, which has none")
    names = [one.change.what for one in compared]
    intervals = [mean_interval(list(one.difference.values())) for one in compared]
    where = "the pool" if split == "pool" else "the test images"
    plot = new_plot(height=130 + 44 * len(names), xaxis_title=f"difference in {metric} on {where}")
    clear = [one.p_value <= ALPHA for one in compared]
    for shown, symbol in ((True, "circle"), (False, "circle-open")):
        some = [i for i, one in enumerate(clear) if one is shown]
        plot.add_scatter(
            x=[intervals[i].mean for i in some], y=[len(names) - 1 - i for i in some], mode="markers",
            name="told apart" if shown else "not told apart",
            marker={"symbol": symbol, "size": 10, "color": "#56B4E9"},
            error_x={"type": "data", "thickness": 1.5, "width": 3, "color": NEUTRAL, "array": [
                intervals[i].high - intervals[i].mean if intervals[i].n > 1 else 0.0 for i in some
            ]},
            text=[f"{names[i]}: {compared[i].verdict}" for i in some],
            hovertemplate="%{text}, %{x:+.3f}<extra></extra>",
        )  # fmt: skip
    plot.add_vline(x=0, line={"dash": "dot", "color": NEUTRAL})
    for i, what in enumerate(names):  # above its row, where a telephone has room for it
        plot.add_annotation(
            text=what, showarrow=False, xref="paper", x=0, xanchor="left", y=len(names) - 1 - i + 0.2, yanchor="bottom",
        )  # fmt: skip
    plot.update_yaxes(showticklabels=False, showgrid=False, zeroline=False, range=[-0.6, len(names) - 0.2])
    plot.update_layout(margin_l=20)
    seeds = max(interval.n for interval in intervals)
    told = "; ".join(f"{names[i]} {intervals[i].mean:+.3f}" for i, one in enumerate(clear) if one)
    return Figure(
        plot,
        caption=f"What one change does to {metric} on {where}: the mean difference over {seeds} seeds with its "
        "95 % t-interval. Filled: told apart from no difference after correction for all rows together.",
        alt=f"Differences for {len(names)} changes. Told apart: {told or 'none'}.",
        data={
            "change": names,
            "with": [one.change.own for one in compared],
            "without": [one.change.other for one in compared],
            "mean": rounded([i.mean for i in intervals]),
            "low": rounded([i.low for i in intervals]),
            "high": rounded([i.high for i in intervals]),
            "p, corrected": rounded([one.p_value for one in compared]),
            "seeds": [i.n for i in intervals],
        },
        name=name,
    )


def along_training(rows: Iterable[Mapping[str, Any]], *, predictors: Iterable[str], name: str) -> Figure:
    """Return the task model's accuracy and its predictors' correlations on the pool, over the epochs of one training.

    Args:
        rows: of a recorded run's ``along.csv``.
        predictors: which ones to draw.
        name: file name of the data's download, without ending.

    Raises:
        ValueError: a predictor of which nothing was measured.
    """
    every = list(rows)
    epochs = sorted({row["epoch"] for row in every})

    def series(split: str, of: str, metric: str) -> list[float]:
        found = {r["epoch"]: r["value"] for r in every if (r["split"], r["of"], r["metric"]) == (split, of, metric)}
        if not found:
            raise ValueError(f"wanted {metric} of {of or 'the task model'} on {split}, which was not measured")
        return [found.get(epoch, np.nan) for epoch in epochs]

    drawn = {f"{of}: Pearson on the pool": series("pool", of, "Pearson") for of in predictors}
    accuracy = {
        "PCK@0.2 on the test half": series("test", "", "PCK@0.2"),
        "PCK@0.2 on the pool": series("pool", "", "PCK@0.2"),
    }
    first = next(iter(drawn))
    start, end = drawn[first][0], drawn[first][-1]
    return curves(
        [float(epoch) for epoch in epochs],
        {**drawn, **accuracy},
        titles=("epoch", "correlation, or PCK"),
        caption="One training: what the predictors are worth on the pool, and how good the task model is meanwhile. "
        "A correlation of an early epoch is that of a model which finds next to nothing.",
        alt=f"Curves over {epochs[-1]} epochs. {first} goes from {start:.2f} to {end:.2f}, while PCK on the test half "
        f"goes from {accuracy['PCK@0.2 on the test half'][0]:.2f} to {accuracy['PCK@0.2 on the test half'][-1]:.2f}.",
        name=name,
        log_x=True,
        digits=4,
    )
