"""The objectives over a pair: their gradients, and quantities under gradient descent."""

from collections.abc import Mapping

import numpy as np

from llpp_core.figures.base import COLORS, NEUTRAL, Figure, new_plot, rounded


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
            "predicted gap": rounded(gaps),
            **{name: rounded(values) for name, values in gradients.items()},
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
    plot = new_plot(height=340, xaxis_title="step of gradient descent", yaxis_title=symbol)
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
        data={"step": steps, **{name: rounded(values) for name, values in paths.items()}},
        name="descent",
    )
