"""Table 3 as pictures: means with intervals over the stages, differences to one method, and a map of verdicts."""

from collections.abc import Mapping, Sequence

import numpy as np

from llpp_core.analysis.printed import StageTable
from llpp_core.analysis.table3 import HIGHER, LOWER, NOT_SEPARABLE, Comparison
from llpp_core.figures.base import COLORS, NEUTRAL, Figure, new_plot, rounded

METHOD_COLORS = {"Random": NEUTRAL, "Core-Set": "#CC79A7", **COLORS}
METHOD_MARKERS = {
    "Random": "circle",
    "Core-Set": "square",
    "LL": "diamond",
    "LL++": "triangle-up",
    "LL++conv": "triangle-down",
}
# Light tints under dark letters: they keep their contrast on a light and on a dark page.
VERDICT_COLORS = {LOWER: "#9ECAE9", NOT_SEPARABLE: "#E3E3E3", HIGHER: "#F6B48F"}


def stage_curves(
    table: StageTable, half_width: Mapping[str, np.ndarray], *, confidence: float, lower_is: str
) -> Figure:
    """Return the printed means of one data set over the stages, one curve a method, with an interval on each.

    Args:
        table: one half of Table 3a or 3b.
        half_width: (stages,) half-width of each mean's interval by method (`analysis.table3.mean_half_width`).
        confidence: of the intervals, between 0 and 1, for the caption.
        lower_is: what a lower number means, for the caption.
    """
    plot = new_plot(height=400, xaxis_title="stage", yaxis_title=table.measure)
    for i, method in enumerate(table.methods):
        plot.add_scatter(
            x=_beside(len(table.stages), i, len(table.methods)), y=table.mean[method], name=method,
            mode="lines+markers", marker={"symbol": METHOD_MARKERS.get(method, "x"), "size": 8},
            line={"color": METHOD_COLORS.get(method), "width": 1.5},
            error_y={"type": "data", "array": list(half_width[method]), "thickness": 1.5, "width": 3},
            text=table.stages, hovertemplate=f"{method}, stage %{{text}}: %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
    plot.update_xaxes(tickvals=list(range(len(table.stages))), ticktext=list(table.stages))
    rows = [(method, at) for method in table.methods for at in range(len(table.stages))]
    mean = np.array([table.mean[m][at] for m, at in rows])
    half = np.array([half_width[m][at] for m, at in rows])
    first = {m: table.mean[m][0] for m in table.methods}
    last = {m: table.mean[m][-1] for m in table.methods}
    listed = "; ".join(f"{m} from {first[m]:.3f} to {last[m]:.3f}" for m in table.methods)
    return Figure(
        plot,
        caption=f"{table.source}, {table.data}: {table.measure}, mean of {table.repetitions} repetitions; lower is "
        f"{lower_is}. Bars: {confidence:.0%} t-intervals of each mean by itself. Curves are drawn side by side.",
        alt=f"{len(table.methods)} curves over the stages {table.stages[0]} to {table.stages[-1]} of {table.data}, "
        f"{table.measure}: {listed}.",
        data={
            "method": [m for m, _ in rows],
            "stage": [table.stages[at] for _, at in rows],
            "mean": rounded(mean),
            "deviation": rounded([table.deviation[m][at] for m, at in rows]),
            "low": rounded(mean - half),
            "high": rounded(mean + half),
        },
        name=_file_name(table.source, table.data, "means"),
    )


def stage_differences(comparisons: Sequence[Comparison], *, lower_is: str) -> Figure:
    """Return differences to one method over the stages, with their intervals; filled where they are separable from 0.

    Args:
        comparisons: of one table and data set, all with the same reference (`analysis.table3.compare` with
            ``reference``).
        lower_is: what a difference below 0 means, for the caption.

    Raises:
        ValueError: they are of several tables, data sets or references.
    """
    source, data, reference = _single([(c.source, c.data, c.reference) for c in comparisons])
    methods = list(dict.fromkeys(c.method for c in comparisons))
    stages = list(dict.fromkeys(c.stage for c in comparisons))
    plot = new_plot(height=380, xaxis_title="stage", yaxis_title=f"difference to {reference}")
    for i, method in enumerate(methods):
        own = [c for c in comparisons if c.method == method]
        color = METHOD_COLORS.get(method)
        place = _beside(len(stages), i, len(methods))
        symbol = METHOD_MARKERS.get(method, "x")
        plot.add_scatter(
            x=[place[stages.index(c.stage)] for c in own], y=[c.difference for c in own], name=method, mode="markers",
            marker={
                "size": 9, "color": color,
                "symbol": [symbol if c.verdict != NOT_SEPARABLE else f"{symbol}-open" for c in own],
            },
            error_y={
                "type": "data", "array": [c.high - c.difference for c in own], "thickness": 1.5, "width": 3,
                "color": color,
            },
            text=[f"stage {c.stage}: {c.verdict}" for c in own],
            hovertemplate=f"{method}, %{{text}}, %{{y:+.3f}}<extra></extra>",
        )  # fmt: skip
    plot.add_hline(y=0, line={"dash": "dot", "color": NEUTRAL})
    plot.update_xaxes(tickvals=list(range(len(stages))), ticktext=stages)
    separable = sum(c.verdict != NOT_SEPARABLE for c in comparisons)
    return Figure(
        plot,
        caption=f"{source}, {data}: each method less {reference}; below 0 is {lower_is}. The bars are the intervals by "
        "which each comparison was decided; a filled mark's interval leaves 0 out, an open one's does not.",
        alt=f"Differences of {', '.join(methods)} to {reference} at {len(stages)} stages of {data}; {separable} of "
        f"{len(comparisons)} are separable from 0.",
        data=_table_of(comparisons),
        name=_file_name(source, data, "differences"),
    )


def verdict_map(comparisons: Sequence[Comparison], *, lower_is: str) -> Figure:
    """Return a map of verdicts: one row a pair of methods, one column a stage, the difference in each cell.

    Args:
        comparisons: of one table and data set, every pair at every stage (`analysis.table3.compare`).
        lower_is: what "lower" means, for the caption.

    Raises:
        ValueError: they are of several tables or data sets.
    """
    source, data = _single([(c.source, c.data) for c in comparisons])
    stages = list(dict.fromkeys(c.stage for c in comparisons))
    pairs = list(dict.fromkeys((c.method, c.reference) for c in comparisons))
    verdicts = list(VERDICT_COLORS)
    cells = {(c.method, c.reference, c.stage): c for c in comparisons}
    grid = [[cells[(*pair, stage)] for stage in stages] for pair in pairs]
    edges = np.repeat(np.arange(len(verdicts) + 1) / len(verdicts), 2)[1:-1]
    plot = new_plot(height=60 + 36 * len(pairs))
    plot.add_heatmap(
        z=[[verdicts.index(c.verdict) for c in row] for row in grid], zmin=-0.5, zmax=len(verdicts) - 0.5,
        x=stages, y=[f"{method} − {reference}" for method, reference in pairs],
        colorscale=[[float(e), VERDICT_COLORS[verdicts[i // 2]]] for i, e in enumerate(edges)], showscale=False,
        text=[[f"{c.difference:+.3f}" for c in row] for row in grid], texttemplate="%{text}",
        textfont={"color": "#111111"}, xgap=2, ygap=2,
        customdata=[[f"{c.verdict}, interval {c.low:+.3f} to {c.high:+.3f}" for c in row] for row in grid],
        hovertemplate="%{y}, stage %{x}: %{text}, %{customdata}<extra></extra>",
    )  # fmt: skip
    for verdict, color in VERDICT_COLORS.items():  # a heat map has no legend of its own
        marker = {"symbol": "square", "size": 12, "color": color}
        plot.add_scatter(x=[None], y=[None], name=verdict, mode="markers", marker=marker)
    plot.update_xaxes(type="category", title="stage")
    plot.update_yaxes(autorange="reversed", automargin=True, type="category")
    counts = {verdict: sum(c.verdict == verdict for c in comparisons) for verdict in verdicts}
    listed = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return Figure(
        plot,
        caption=f"{source}, {data}: the first method's mean less the second's, and whether their difference can be "
        f"told from 0 (lower: {lower_is}). Of {len(comparisons)} comparisons: {listed}.",
        alt=f"A grid of {len(pairs)} pairs of methods by {len(stages)} stages of {data}: {listed}.",
        data=_table_of(comparisons),
        name=_file_name(source, data, "verdicts"),
    )


def _table_of(comparisons: Sequence[Comparison]) -> dict[str, list[str] | list[float]]:
    return {
        "method": [c.method for c in comparisons],
        "against": [c.reference for c in comparisons],
        "stage": [c.stage for c in comparisons],
        "difference": rounded([c.difference for c in comparisons]),
        "low": rounded([c.low for c in comparisons]),
        "high": rounded([c.high for c in comparisons]),
        "p": rounded([c.p_value for c in comparisons], 6),
        "adjusted p": rounded([c.adjusted_p for c in comparisons], 6),
        "verdict": [c.verdict for c in comparisons],
    }


def _single(keys: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    if len(set(keys)) != 1:
        raise ValueError(f"a figure shows the comparisons of one table, got {sorted(set(keys)) or 'none'}")
    return keys[0]


def _beside(stages: int, index: int, count: int) -> list[float]:
    """Return places near 0, 1, 2, …, so that ``count`` intervals at one stage do not cover each other."""
    return [stage + 0.1 * (index - (count - 1) / 2) for stage in range(stages)]


def _file_name(*words: str) -> str:
    return "_".join(words).lower().replace(" ", "_").replace("-", "_")
