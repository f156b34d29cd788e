"""The two losses of a pose model: the one it is trained on, and the one that is predicted.

The true loss of a sample is its squared heatmap error, summed over pixels and averaged over the annotated joints. The
task model is trained on the same error with the pixels near a joint weighted up, because plain squared error first
teaches it to predict zero everywhere.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def sample_loss(
    predicted: Float[Tensor, "n joints h w"],
    target: Float[Tensor, "n joints h w"],
    annotated: Bool[Tensor, "n joints"],
) -> Float[Tensor, "n"]:
    """Return l: squared error summed over pixels, averaged over the annotated joints; 0 where none is annotated."""
    error = (predicted.float() - target).square().sum((-2, -1))  # (n, joints)
    return (error * annotated).sum(1) / annotated.sum(1).clamp_min(1)


def task_loss(
    predictions: Sequence[Float[Tensor, "n joints h w"]],
    target: Float[Tensor, "n joints h w"],
    annotated: Bool[Tensor, "n joints"],
    *,
    foreground: float,
) -> Float[Tensor, ""]:
    """Return the squared error of every stack's heatmaps, each pixel weighted by 1 + foreground × target."""
    weight = (1 + foreground * target) * annotated[..., None, None]
    return torch.stack([(weight * (p.float() - target).square()).mean() for p in predictions]).sum()
