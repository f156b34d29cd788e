"""The book's plotly figures, each with its caption, alternative text and data.

A figure is shown twice over. JupyterLab draws plotly's own MIME type; the book, which has no kernel, takes the HTML
beside it, which ``book/assets/figures.js`` draws. The colors are those of Okabe and Ito's palette, safe for
color-blind readers; the same color means the same method everywhere.
"""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from llpp_core.data.pose import PoseDataset
from llpp_core.metrics import Correlation, pck, torso_length
from llpp_core.report import accuracy_line
from llpp_core.training import History, Scores

COLORS = {"LL": "#D55E00", "LL++": "#0072B2", "LL++conv": "#009E73"}
NEUTRAL = "#7F7F7F"
CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["sendDataToCloud"]}

Table: TypeAlias = Mapping[str, Sequence[str | float | int]]


@dataclass(frozen=True)
class Figure:
    """A plotly figure with what a reader who cannot see it needs.

    Attributes:
        plot: the plotly figure.
        caption: what it shows and what to see in it, as HTML.
        alt: what a sighted reader takes from it, as plain text.
        data: its data, column by column.
        name: file name of the data's download, without ending.
    """

    plot: go.Figure
    caption: str
    alt: str
    data: Table
    name: str

    def __post_init__(self) -> None:
        lengths = {column: len(values) for column, values in self.data.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"figure {self.name!r}: columns must be of one length, got {lengths}")

    def html(self) -> str:
        """Return the figure for a static page; ``figures.js`` draws it, and without scripts the table remains."""
        spec = json.loads(self.plot.to_json())
        spec["config"] = CONFIG
        height = self.plot.layout.height or 420
        return (
            '<figure class="llpp-figure">'
            f'<div class="llpp-plot" role="img" aria-label="{html.escape(self.alt)}" '
            f'style="min-height: {height}px">'
            f'<script type="application/vnd.plotly.v1+json">{_in_script(spec)}</script></div>'
            f"<figcaption>{self.caption}</figcaption>{_table(self.data, self.name)}</figure>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        spec = json.loads(self.plot.to_json())
        return {
            "application/vnd.plotly.v1+json": {**spec, "config": CONFIG},
            "text/html": self.html(),
            "text/plain": self.alt,
        }


def learning_curves(history: History) -> Figure:
    """Return the task model's true loss and each predictor's objective over the epochs."""
    epochs = list(range(1, len(history.true_loss) + 1))
    plot = _plot(height=380, xaxis_title="epoch")
    plot.add_scatter(x=epochs, y=history.true_loss, name="true loss l", line={"color": NEUTRAL, "width": 3})
    for name, values in history.objective.items():
        plot.add_scatter(
            x=epochs, y=values, name=f"{name}: its objective", line={"color": COLORS.get(name)}, yaxis="y2"
        )
    plot.update_layout(
        yaxis={"title": "mean true loss of the views trained on", "rangemode": "tozero"},
        yaxis2={
            "title": "objective of a predictor",
            "overlaying": "y",
            "side": "right",
            "type": "log",
            "tickvals": [0.001, 0.01, 0.1, 1, 10],
            "showgrid": False,
        },
    )
    first, last = history.true_loss[0], history.true_loss[-1]
    return Figure(
        plot,
        caption="Training: the task model's true loss (grey, left axis), and the objective of each loss predictor "
        "(colors, right axis, logarithmic). The objectives are different functions: compare each with itself.",
        alt=f"Curves over {len(epochs)} epochs. The mean true loss goes from {first:.2f} to {last:.2f}.",
        data={"epoch": epochs, "true loss": history.true_loss, **history.objective},
        name="learning_curves",
    )


def loss_scatter(
    scores: Scores, correlations: Mapping[str, Correlation], ids: Sequence[str], *, pck: float, where: str
) -> Figure:
    """Return predicted against true loss of each sample, one panel a predictor, with the correlations above.

    Args:
        scores: of the samples.
        correlations: of each predictor over those samples.
        ids: the samples' names, shown on hover.
        pck: the pose model's PCK@0.2 on them, printed above the correlations, which mean little without it.
        where: what the samples are, for the caption.
    """
    heads = list(scores.predicted_loss)
    true = scores.true_loss.numpy()
    plot = _plot(height=420)
    width, space = 1 / len(heads), 0.06
    for i, name in enumerate(heads):
        axis = "" if i == 0 else str(i + 1)
        plot.add_scattergl(
            x=true, y=scores.predicted_loss[name].numpy(), mode="markers", name=name, text=list(ids),
            marker={"size": 4, "color": COLORS.get(name), "opacity": 0.45}, xaxis=f"x{axis}", yaxis=f"y{axis}",
            hovertemplate="%{text}<br>true loss %{x:.3f}<br>predicted %{y:.3f}<extra></extra>", showlegend=False,
        )  # fmt: skip
        domain = [
            i * width + (space / 2 if i else 0),
            (i + 1) * width - (space / 2 if i < len(heads) - 1 else 0),
        ]
        c = correlations[name]
        plot.update_layout(
            {
                f"xaxis{axis}": {"domain": domain, "title": "true loss l"},
                f"yaxis{axis}": {"anchor": f"x{axis}", "title": "predicted loss l̂" if i == 0 else ""},
            }
        )
        plot.add_annotation(
            text=f"<b>{name}</b><br>Pearson {c.pearson:.2f}<br>Spearman {c.spearman:.2f}", showarrow=False,
            xref="paper", yref="paper", x=sum(domain) / 2, y=1.02, xanchor="center", yanchor="bottom",
        )  # fmt: skip
    plot.update_layout(margin={"t": 115}, title={"text": accuracy_line(pck), "x": 0.5, "y": 0.97, "font": {"size": 15}})
    listed = ", ".join(f"{n} {c.pearson:.2f} (rank {c.spearman:.2f})" for n, c in correlations.items())
    predicted = {f"predicted, {n}": _rounded(v) for n, v in scores.predicted_loss.items()}
    return Figure(
        plot,
        caption=f"Predicted against true loss for {len(true):,} samples: {where}. Each predictor has a scale of its "
        "own (only differences of its predictions mean anything), so the vertical axes differ.",
        alt=f"One scatter plot a predictor over {len(true)} samples. {accuracy_line(pck)}. Correlation with the true "
        f"loss: {listed}.",
        data={"sample": list(ids), "true loss": _rounded(scores.true_loss), **predicted},
        name="predicted_against_true_loss",
    )


def picks_table(picks: Mapping[str, Tensor], scores: Scores, pool: PoseDataset) -> Figure:
    """Return the pose model's PCK@0.2 on what each method would ask to be labeled, and on the whole pool.

    Args:
        picks: indices into the pool by method (`experiment.picks`).
        scores: of the pool.
        pool: the samples.
    """
    everything = torch.arange(len(pool))
    normalizer = torso_length(pool)
    rows = {"whole pool": everything, **picks}
    values = {
        name: pck(scores.joints[at], pool.joints[at], pool.annotated[at], normalizer[at]).mean
        for name, at in rows.items()
    }
    losses = {name: float(scores.true_loss[at].mean()) for name, at in rows.items()}
    names = list(rows)
    plot = _plot(height=340, xaxis_title="PCK@0.2 (lower: more failures found)")
    plot.add_bar(
        x=list(values.values()), y=names, orientation="h", text=[f"{v:.3f}" for v in values.values()],
        textposition="outside", cliponaxis=False, marker={"color": [COLORS.get(n, NEUTRAL) for n in names]},
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
    )  # fmt: skip
    plot.update_layout(margin={"l": 100, "r": 50}, yaxis={"autorange": "reversed"}, xaxis={"rangemode": "tozero"})
    budget = len(next(iter(picks.values())))
    listed = ", ".join(f"{name} {value:.3f}" for name, value in values.items())
    return Figure(
        plot,
        caption=f"PCK@0.2 of the {budget:,} of {len(pool):,} samples that each method asks for first. The oracle sees "
        "the true losses, heatmap errors that is, and is no method.",
        alt=f"Bars of the PCK of the samples that each method asks for: {listed}.",
        data={
            "method": names,
            "PCK@0.2": _rounded(list(values.values())),
            "mean true loss": _rounded(list(losses.values())),
        },
        name="failures_found",
    )


def gradient_curves(
    gaps: np.ndarray, gradients: Mapping[str, np.ndarray], *, true_losses: tuple[float, float], margin: float
) -> Figure:
    """Return the gradient in l̂_i over the predicted gap, one curve an objective, at fixed true losses.

    Args:
        gaps: (points,) predicted gaps l̂_i − l̂_j.
        gradients: (points,) ∂L/∂l̂_i by objective name.
        true_losses: l_i and l_j.
        margin: ξ of Learning Loss.
    """
    plot = _plot(height=380, xaxis_title="predicted gap l̂ᵢ − l̂ⱼ", yaxis_title="∂L / ∂l̂ᵢ")
    keys = {"Learning Loss": "LL", "LearningLoss++": "LL++"}
    for name, values in gradients.items():
        plot.add_scatter(x=gaps, y=values, name=name, line={"color": COLORS.get(keys.get(name, name))})
    li, lj = true_losses
    plot.update_yaxes(range=[-1.1, 1.1])
    return Figure(
        plot,
        caption=f"The gradient in the first predicted loss, for true losses {li:g} and {lj:g} and ξ = {margin:g}. "
        "Learning Loss pushes with full force until the gap is ξ in the direction of the true one, however close "
        "the true losses are; LearningLoss++ pushes with the difference of shares, and rests where they agree.",
        alt=f"Two curves over the predicted gap, for true losses {li:g} and {lj:g}: a step between −1, 0 and 1 for "
        f"Learning Loss, a sigmoid through zero at {np.log(li / lj):.2f} for LearningLoss++.",
        data={
            "predicted gap": _rounded(gaps),
            **{name: _rounded(values) for name, values in gradients.items()},
        },
        name="gradient_curves",
    )


def descent(paths: Mapping[str, np.ndarray], *, title: str, target: float | None, symbol: str) -> Figure:
    """Return a quantity over the steps of gradient descent, one curve a case.

    Args:
        paths: (steps,) values by case.
        title: what descends, for caption and alternative text.
        target: a value to mark with a line, or None.
        symbol: label of the vertical axis.
    """
    steps = list(range(max(len(v) for v in paths.values())))
    plot = _plot(height=340, xaxis_title="step of gradient descent", yaxis_title=symbol)
    palette = [*COLORS.values(), "#CC79A7", "#E69F00"]
    for i, (name, values) in enumerate(paths.items()):
        plot.add_scatter(x=steps, y=values, name=name, line={"color": palette[i % len(palette)]})
    if target is not None:
        plot.add_hline(y=target, line={"dash": "dot", "color": NEUTRAL})
    ends = "; ".join(f"{name} ends at {values[-1]:.3f}" for name, values in paths.items())
    return Figure(
        plot,
        caption=title,
        alt=f"{len(paths)} curves over {len(steps) - 1} steps of gradient descent: {ends}.",
        data={"step": steps, **{name: _rounded(values) for name, values in paths.items()}},
        name="descent",
    )


def _plot(height: int, **layout: Any) -> go.Figure:
    plot = go.Figure()
    plot.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 60, "r": 20, "t": 30, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        **layout,
    )
    return plot


def _rounded(values: Tensor | np.ndarray | Sequence[float], digits: Literal[4] = 4) -> list[float]:
    return [round(float(v), digits) for v in values]


def _in_script(value: Any) -> str:
    # "</script" would end the element that the JSON stands in, and "<!--" would keep its end from ending it.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _table(data: Table, name: str, rows_shown: int = 50) -> str:
    columns = list(data)
    rows = list(zip(*data.values(), strict=True))
    csv = "\r\n".join([",".join(_csv(v) for v in row) for row in [tuple(columns), *rows]])
    head = "".join(f'<th scope="col">{html.escape(c)}</th>' for c in columns)
    body = "".join("<tr>" + "".join(f"<td>{_cell(v)}</td>" for v in row) + "</tr>" for row in rows[:rows_shown])
    more = (
        f"<p>The first {rows_shown} of {len(rows):,} rows; the download has all.</p>" if len(rows) > rows_shown else ""
    )
    return (
        f'<details class="llpp-data"><summary>Data of this figure</summary><div class="llpp-table" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}"
        f'<a download="{name}.csv" href="data:text/csv;charset=utf-8,{quote(csv)}">Download as CSV</a></details>'
    )


def _cell(value: str | float | int) -> str:
    return f"{value:.6g}" if isinstance(value, float) else html.escape(str(value))


def _csv(value: str | float | int) -> str:
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text
