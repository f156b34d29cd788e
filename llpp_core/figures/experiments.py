"""An experiment as pictures: the methods over the stages, and whether a predicted loss means what it says."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from llpp_core.figures.base import COLORS, NEUTRAL, Figure, new_plot, rounded
from llpp_core.figures.curves import OTHERS
from llpp_core.metrics import Interval

METHOD_COLORS = {"random": NEUTRAL, "core_set": "#CC79A7", "oracle": "#E69F00", **COLORS}
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star", "pentagon", "hexagram")


def method_curves(
    points: Mapping[str, Mapping[int, Interval]],
    *,
    measure: str,
    axis: str,
    says: str,
    reference: Mapping[str, Mapping[int, float]] | None = None,
    name: str,
) -> Figure:
    """Return a measure of each method over the labels, means over the seeds with their intervals.

    Args:
        points: by method, by number of labels: the mean and its interval.
        measure: what is measured, for the vertical axis.
        axis: what the numbers of labels count, for the horizontal one.
        says: what to see in it, for the caption.
        reference: printed means to stand beside them, drawn dotted, by method and number of labels.
        name: file name of the data's download, without ending.

    Raises:
        ValueError: no method.
    """
    if not points:
        raise ValueError("wanted at least one method to draw, got none")
    plot = new_plot(height=400, xaxis_title=axis, yaxis_title=measure)
    labels = sorted({n for row in points.values() for n in row})
    step = min(np.diff(labels), default=1) if len(labels) > 1 else 1
    others = iter(OTHERS * len(points))
    for i, (method, row) in enumerate(points.items()):
        color = METHOD_COLORS.get(method) or next(others)
        beside = (i - (len(points) - 1) / 2) * 0.03 * step  # so that intervals do not hide each other
        at = sorted(row)
        half = [row[n].high - row[n].mean if row[n].n > 1 else 0.0 for n in at]
        plot.add_scatter(
            x=[n + beside for n in at], y=[row[n].mean for n in at], name=method, mode="lines+markers",
            line={"color": color, "width": 1.5}, marker={"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 8},
            error_y={"type": "data", "array": half, "thickness": 1.5, "width": 3}, text=[f"{n:,}" for n in at],
            hovertemplate=f"{method}, %{{text}} labels: %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
        printed = (reference or {}).get(method, {})
        if printed:
            plot.add_scatter(
                x=list(printed), y=list(printed.values()), name=f"{method}, printed", mode="lines",
                line={"color": color, "width": 1, "dash": "dot"},
            )  # fmt: skip
    plot.update_xaxes(tickvals=labels)
    rows = [(method, n, row[n]) for method, row in points.items() for n in sorted(row)]
    last = ", ".join(f"{method} {row[max(row)].mean:.3f}" for method, row in points.items() if row)
    if reference:
        says += " Dotted: the means that the paper prints, in the order of its columns, measured in its own way."
    seeds = sorted({interval.n for _, _, interval in rows})
    over = " to ".join(str(n) for n in sorted({seeds[0], seeds[-1]}))
    bars = "bars: 95 % t-intervals of the mean" if seeds[-1] > 1 else "a single seed gives no interval"
    return Figure(
        plot,
        caption=f"{says} Means over {over} seed{'' if over == '1' else 's'}; {bars}.",
        alt=f"Curves of {measure} over {axis}, one a method. At the end: {last}.",
        data={
            "method": [method for method, _, _ in rows],
            "labels": [n for _, n, _ in rows],
            "mean": rounded([i.mean for _, _, i in rows]),
            "low": rounded([i.low for _, _, i in rows]),
            "high": rounded([i.high for _, _, i in rows]),
            "seeds": [i.n for _, _, i in rows],
        },
        name=name,
    )


def log_loss_scatter(
    predicted: Mapping[str, npt.NDArray[np.floating]], true_loss: npt.NDArray[np.floating], *, where: str
) -> Figure:
    """Return predicted loss against log l, one panel a predictor, with the line of least squares.

    LearningLoss++ predicts log l up to a constant, so its points should lie along a line of slope 1 where losses are
    free of noise, and along a flatter one where they are not.

    Args:
        predicted: (n,) l̂ by predictor.
        true_loss: (n,) l > 0.
        where: what the samples are, for the caption.

    Raises:
        ValueError: no predictor.
    """
    if not predicted:
        raise ValueError("wanted at least one predictor to draw, got none")
    true = np.asarray(true_loss, dtype=float)
    log = np.log(true)
    plot = new_plot(height=400)
    width, space = 1 / len(predicted), 0.06
    slopes = {}
    for i, (name, values) in enumerate(predicted.items()):
        axis = "" if i == 0 else str(i + 1)
        slope, start = np.polyfit(log, np.asarray(values, dtype=float), 1)
        slopes[name] = float(slope)
        domain = [i * width + (space / 2 if i else 0), (i + 1) * width - (space / 2 if i < len(predicted) - 1 else 0)]
        color = METHOD_COLORS.get(name, OTHERS[i % len(OTHERS)])
        plot.add_scattergl(
            x=true, y=values, mode="markers", name=name, showlegend=False, xaxis=f"x{axis}", yaxis=f"y{axis}",
            marker={"size": 4, "color": color, "opacity": 0.45},
            hovertemplate="true loss %{x:.3f}<br>predicted %{y:.3f}<extra></extra>",
        )  # fmt: skip
        ends = np.array([true.min(), true.max()])
        plot.add_scatter(
            x=ends, y=start + slope * np.log(ends), mode="lines", showlegend=False, xaxis=f"x{axis}", yaxis=f"y{axis}",
            line={"color": NEUTRAL, "width": 2}, hoverinfo="skip",
        )  # fmt: skip
        plot.update_layout(
            {
                f"xaxis{axis}": {"domain": domain, "title": "true loss l", "type": "log"},
                f"yaxis{axis}": {"anchor": f"x{axis}", "title": "predicted loss l̂" if i == 0 else ""},
            }
        )
        plot.add_annotation(
            text=f"<b>{name}</b><br>slope {slope:.2f}", showarrow=False, xref="paper", yref="paper",
            x=sum(domain) / 2, y=1.02, xanchor="center", yanchor="bottom",
        )  # fmt: skip
    plot.update_layout(margin={"t": 70})
    listed = ", ".join(f"{name} {slope:.2f}" for name, slope in slopes.items())
    return Figure(
        plot,
        caption=f"Predicted loss against true loss, on a logarithmic axis, for {len(true):,} samples: {where}. Gray: "
        "the line of least squares; its slope is that of l̂ over log l.",
        alt=f"One scatter plot a predictor over {len(true)} samples. Slope of the predicted over the log of the true "
        f"loss: {listed}.",
        data={"true loss": rounded(true), **{f"predicted, {name}": rounded(v) for name, v in predicted.items()}},
        name="log_loss_scatter",
    )


def calibration(
    bins: Mapping[str, tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]], *, where: str, name: str
) -> Figure:
    """Return the mean true loss over the mean of exp(l̂), group by group of samples that are predicted alike.

    Args:
        bins: by predictor, the mean of exp(l̂ + constant) and the mean true loss of each group (`metrics.calibration`).
        where: what the samples are and where the constant comes from, for the caption.
        name: file name of the data's download, without ending.

    Raises:
        ValueError: no predictor.
    """
    if not bins:
        raise ValueError("wanted at least one predictor to draw, got none")
    plot = new_plot(height=400, xaxis_title="mean of exp(l̂)", yaxis_title="mean true loss")
    everything = np.concatenate([np.concatenate(pair) for pair in bins.values()])
    ends = [float(everything.min()), float(everything.max())]
    plot.add_scatter(x=ends, y=ends, name="as it says", mode="lines", line={"color": NEUTRAL, "dash": "dot"})
    others = iter(OTHERS * len(bins))
    for i, (method, (said, was)) in enumerate(bins.items()):
        plot.add_scatter(
            x=said, y=was, name=method, mode="lines+markers", marker={"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 8},
            line={"color": METHOD_COLORS.get(method) or next(others)},
        )  # fmt: skip
    rows = [
        (method, j, s, w)
        for method, (said, was) in bins.items()
        for j, (s, w) in enumerate(zip(said, was, strict=True), 1)
    ]
    listed = ", ".join(f"{method} from {was[0]:.2f} to {was[-1]:.2f}" for method, (_, was) in bins.items())
    return Figure(
        plot,
        caption="Mean true loss of tenths of the samples, from the lowest to the highest predicted loss, over the mean "
        f"of exp(l̂) in each: {where}. On the dotted line a predicted loss means what it says; a flatter curve "
        "exaggerates differences, a steeper one plays them down.",
        alt=f"One curve a predictor through the tenths of the samples, beside the diagonal. Mean true loss: {listed}.",
        data={
            "method": [r[0] for r in rows],
            "tenth": [r[1] for r in rows],
            "mean of exp(l̂)": rounded([r[2] for r in rows]),
            "mean true loss": rounded([r[3] for r in rows]),
        },
        name=name,
    )
