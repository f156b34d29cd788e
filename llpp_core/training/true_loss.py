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
    """Return l: squared error summed over pixels, averaged over the annotated joints; 0 where none is annotated.

    Args:
        predicted: heatmaps, of any floating type; the error is taken in float32.
        target: heatmaps with a peak of 1.
        annotated: which joints count.

    Raises:
        ValueError: heatmaps of another shape than the target's.
    """
    _check_shape(predicted, target)
    error = (predicted.float() - target).square().sum((-2, -1))  # (n, joints)
    return (error * annotated).sum(1) / annotated.sum(1).clamp_min(1)


def task_loss(
    predictions: Sequence[Float[Tensor, "n joints h w"]],
    target: Float[Tensor, "n joints h w"],
    annotated: Bool[Tensor, "n joints"],
    *,
    foreground: float,
) -> Float[Tensor, ""]:
    """Return the squared error of the heatmaps, each pixel weighted by 1 + foreground × target.

    It is the mean over samples, joints and pixels, a joint that is not annotated counting 0, summed over the stacks.

    Args:
        predictions: heatmaps of every stack, of any floating type; the error is taken in float32.
        target: heatmaps with a peak of 1.
        annotated: which joints count.
        foreground: ≥ 0.

    Raises:
        ValueError: heatmaps of another shape than the target's.
    """
    for predicted in predictions:
        _check_shape(predicted, target)
    weight = (1 + foreground * target) * annotated[..., None, None]
    return torch.stack([(weight * (p.float() - target).square()).mean() for p in predictions]).sum()


def _check_shape(predicted: Tensor, target: Tensor) -> None:
    if predicted.shape != target.shape:  # one joint or pixel would be compared with all of them
        raise ValueError(f"wanted heatmaps of shape {tuple(target.shape)}, got {tuple(predicted.shape)}")
