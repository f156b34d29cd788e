"""What a training run came to: learning curves, predicted against true losses, failures found."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from llpp_core.data.pose import PoseDataset
from llpp_core.figures.base import COLORS, NEUTRAL, Figure, new_plot, rounded
from llpp_core.metrics import Correlation, pck, torso_length
from llpp_core.report import accuracy_line
from llpp_core.training import History, Scores


def learning_curves(history: History) -> Figure:
    """Return the task model's true loss and each predictor's objective over the epochs."""
    epochs = list(range(1, len(history.true_loss) + 1))
    plot = new_plot(height=380, xaxis_title="epoch")
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
    scores: Scores, correlations: Mapping[str, Correlation], ids: Sequence[str], *, pck: float, where: str,
    name: str = "predicted_against_true_loss",
) -> Figure:  # fmt: skip
    """Return predicted against true loss of each sample, one panel a predictor, with the correlations above.

    Args:
        scores: of the samples.
        correlations: of each predictor over those samples.
        ids: the samples' names, shown on hover.
        pck: the pose model's PCK@0.2 on them, printed above the correlations, which mean little without it.
        where: what the samples are, for the caption.
        name: file name of the data's download, without ending.
    """
    heads = list(scores.predicted_loss)
    true = scores.true_loss.numpy()
    plot = new_plot(height=420)
    width, space = 1 / len(heads), 0.06
    for i, head in enumerate(heads):
        axis = "" if i == 0 else str(i + 1)
        plot.add_scattergl(
            x=true, y=scores.predicted_loss[head].numpy(), mode="markers", name=head, text=list(ids),
            marker={"size": 4, "color": COLORS.get(head), "opacity": 0.45}, xaxis=f"x{axis}", yaxis=f"y{axis}",
            hovertemplate="%{text}<br>true loss %{x:.3f}<br>predicted %{y:.3f}<extra></extra>", showlegend=False,
        )  # fmt: skip
        domain = [
            i * width + (space / 2 if i else 0),
            (i + 1) * width - (space / 2 if i < len(heads) - 1 else 0),
        ]
        c = correlations[head]
        plot.update_layout(
            {
                f"xaxis{axis}": {"domain": domain, "title": "true loss l"},
                f"yaxis{axis}": {"anchor": f"x{axis}", "title": "predicted loss l̂" if i == 0 else ""},
            }
        )
        plot.add_annotation(
            text=f"<b>{head}</b><br>Pearson {c.pearson:.2f}<br>Spearman {c.spearman:.2f}", showarrow=False,
            xref="paper", yref="paper", x=sum(domain) / 2, y=1.02, xanchor="center", yanchor="bottom",
        )  # fmt: skip
    plot.update_layout(margin={"t": 115}, title={"text": accuracy_line(pck), "x": 0.5, "y": 0.97, "font": {"size": 15}})
    listed = ", ".join(f"{n} {c.pearson:.2f} (rank {c.spearman:.2f})" for n, c in correlations.items())
    predicted = {f"predicted, {n}": rounded(v) for n, v in scores.predicted_loss.items()}
    return Figure(
        plot,
        caption=f"Predicted against true loss for {len(true):,} samples: {where}. Each predictor has a scale of its "
        "own (only differences of its predictions mean anything), so the vertical axes differ.",
        alt=f"One scatter plot a predictor over {len(true)} samples. {accuracy_line(pck)}. Correlation with the true "
        f"loss: {listed}.",
        data={"sample": list(ids), "true loss": rounded(scores.true_loss), **predicted},
        name=name,
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
    plot = new_plot(height=340, xaxis_title="PCK@0.2 (lower: more failures found)")
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
            "PCK@0.2": rounded(list(values.values())),
            "mean true loss": rounded(list(losses.values())),
        },
        name="failures_found",
    )
