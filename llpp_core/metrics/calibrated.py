"""Whether a predicted loss means what it says: groups of samples that are predicted alike, and what became of them.

LearningLoss++ fixes differences of predicted losses and no constant, so exp(l̂) is a loss up to a factor. The factor is
set on samples whose true losses are known; the groups then show whether the rest holds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from torch import Tensor

from llpp_core.metrics.ranking import _checked


@dataclass(frozen=True)
class Calibration:
    """Groups of samples by predicted loss, the lowest first.

    Attributes:
        predicted: mean of exp(l̂ + offset) in each.
        true: mean true loss in each.
        offset: what was added to every l̂.
    """

    predicted: npt.NDArray[np.float64]
    true: npt.NDArray[np.float64]
    offset: float


def offset(predicted_loss: Float[Tensor, "n"], true_loss: Float[Tensor, "n"]) -> float:
    """Return the constant c for which exp(l̂ + c) has the mean of the true losses.

    Args:
        predicted_loss: l̂ of samples whose losses are known: training data, not what is reported on.
        true_loss: l ≥ 0, not all 0.

    Raises:
        ValueError: as in `calibration`; or all true losses are 0.
    """
    predicted, true = _checked(predicted_loss, true_loss, at_least=1)
    if not true.mean() > 0:
        raise ValueError("wanted true losses whose mean is above 0")
    largest = predicted.max()  # so that no exponential overflows
    return float(np.log(true.mean()) - largest - np.log(np.exp(predicted - largest).mean()))


def calibration(
    predicted_loss: Float[Tensor, "n"], true_loss: Float[Tensor, "n"], *, offset: float | int, groups: int = 10
) -> Calibration:
    """Return mean exp(l̂ + offset) and mean true loss of groups of equal size, from the lowest to the highest l̂.

    Args:
        predicted_loss: l̂.
        true_loss: l.
        offset: as `offset` gives it for other samples.
        groups: how many, from 1 to n; sizes differ by one at most.

    Raises:
        ValueError: fewer samples than groups, or a value that is not finite (with its position).
    """
    predicted, true = _checked(predicted_loss, true_loss, at_least=max(1, groups))
    if groups < 1:
        raise ValueError(f"wanted at least 1 group, got {groups}")
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, groups)
    said = np.array([np.exp(predicted[part] + offset).mean() for part in parts])
    return Calibration(said, np.array([true[part].mean() for part in parts]), float(offset))
