"""The objectives over a pair: their gradients, and quantities under gradient descent."""

from collections.abc import Mapping

import numpy as np

from llpp_core.figures.base import COLORS, NEUTRAL, Figure, new_plot, rounded
from llpp_core.figures.curves import OTHERS

KEYS = {"Learning Loss": "LL", "LearningLoss++": "LL++"}
"""Keys of `COLORS` by the objectives' names."""


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
    plot = new_plot(height=380, xaxis_title="predicted gap l̂ᵢ − l̂ⱼ", yaxis_title="∂L / ∂l̂ᵢ")
    for name, values in gradients.items():
        plot.add_scatter(x=gaps, y=values, name=name, line={"color": COLORS.get(KEYS.get(name, name))})
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
            "predicted gap": rounded(gaps),
            **{name: rounded(values) for name, values in gradients.items()},
        },
        name="gradient_curves",
    )


def descent(
    paths: Mapping[str, np.ndarray], *, title: str, target: float | None, symbol: str, name: str = "descent"
) -> Figure:
    """Return a quantity over the steps of gradient descent, one curve a case.

    Args:
        paths: (steps,) values by case; "Learning Loss" and "LearningLoss++" have their methods' colors.
        title: what descends, for caption and alternative text.
        target: a value to mark with a line, or None.
        symbol: label of the vertical axis.
        name: file name of the data's download, without ending.
    """
    steps = list(range(max(len(v) for v in paths.values())))
    plot = new_plot(height=340, xaxis_title="step of gradient descent", yaxis_title=symbol)
    palette = iter(OTHERS * len(paths))
    for case, values in paths.items():
        color = COLORS.get(KEYS.get(case, case)) or next(palette)
        plot.add_scatter(x=steps, y=values, name=case, line={"color": color})
    if target is not None:
        plot.add_hline(y=target, line={"dash": "dot", "color": NEUTRAL})
    ends = "; ".join(f"{case} ends at {values[-1]:.3f}" for case, values in paths.items())
    return Figure(
        plot,
        caption=title,
        alt=f"{len(paths)} curves over {len(steps) - 1} steps of gradient descent: {ends}.",
        data={"step": steps, **{case: rounded(values) for case, values in paths.items()}},
        name=name,
    )


def push_regions(
    gaps: np.ndarray, shares: np.ndarray, first: np.ndarray, second: np.ndarray, *, margin: float
) -> Figure:
    """Return where two objectives push a pair the same way, and where they do not.

    Args:
        gaps: (columns,) predicted gaps l̂_i − l̂_j.
        shares: (rows,) true shares p_i.
        first: (rows, columns) Learning Loss's gradient in l̂_i.
        second: (rows, columns) LearningLoss++'s.
        margin: ξ of Learning Loss.
    """
    signs = np.sign(first) * np.sign(second)
    kinds = np.where(first == 0, 1, np.where(signs > 0, 2, 0))  # opposed, only LearningLoss++ pushes, agreed
    names = ("they push in opposite directions", "only LearningLoss++ pushes", "they push in one direction")
    colors = ("#D55E00", "#F0E442", "#56B4E9")
    plot = new_plot(height=420, xaxis_title="predicted gap l̂ᵢ − l̂ⱼ", yaxis_title="true share pᵢ")
    # Three flat colors: a scale that jumps halfway between the kinds.
    scale = [[at, colors[kind]] for kind in range(3) for at in (kind / 3, (kind + 1) / 3)]
    plot.add_heatmap(
        x=gaps, y=shares, z=kinds, zmin=-0.5, zmax=2.5, colorscale=scale, hovertemplate="%{text}<extra></extra>",
        text=[[names[k] for k in row] for row in kinds],
        colorbar={"tickvals": [0, 1, 2], "ticktext": ["opposed", "only LL++", "agreed"], "thickness": 12},
    )  # fmt: skip
    inner = shares[(shares > 0) & (shares < 1)]
    plot.add_scatter(x=np.log(inner / (1 - inner)), y=inner, line={"color": "black", "width": 2}, showlegend=False)
    plot.update_xaxes(range=[float(gaps.min()), float(gaps.max())])
    plot.update_yaxes(range=[float(shares.min()), float(shares.max())])
    parts = {name: float((kinds == kind).mean()) for kind, name in enumerate(names)}
    return Figure(
        plot,
        caption="Where the two objectives agree, over the predicted gap and the true share, with "
        f"ξ = {margin:g}. The black line is where LearningLoss++ rests: Learning Loss pushes on beyond it until the "
        "gap is the margin (opposed), and rests itself beyond the margin, where LearningLoss++ still corrects (only "
        "LL++).",
        alt="A map in three colors over the predicted gap and the true share. "
        + "; ".join(f"{name}: {part:.0%} of the area" for name, part in parts.items())
        + ". The regions are symmetric about the point of gap 0 and share one half.",
        data={"region": list(parts), "part of the area": rounded(list(parts.values()))},
        name="push_regions",
    )
