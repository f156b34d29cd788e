"""What training and scoring give back."""

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class History:
    """What happened in training, one entry an epoch.

    Attributes:
        task_loss: mean weighted task loss.
        true_loss: mean true loss of the random views trained on.
        objective: for each predictor, the mean of its objective.
        validation_loss: mean true loss of the part of the training data held out; empty where none was.
        validation_pck: PCK@0.2 on that part; empty where none was.
    """

    task_loss: list[float] = field(default_factory=list)
    true_loss: list[float] = field(default_factory=list)
    objective: dict[str, list[float]] = field(default_factory=dict)
    validation_loss: list[float] = field(default_factory=list)
    validation_pck: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Scores:
    """A data set seen through a trained model.

    Attributes:
        joints: (n, joints, 2) predicted positions in crop pixels.
        true_loss: (n,) squared heatmap error, see `training.true_loss`.
        predicted_loss: l̂ (n,) of each predictor.
        embeddings: (n, d) what distances between samples are taken in: the mean over the pixels of each feature map of
            the model's last stack, fine → coarse; None where nobody asked for it.
        multipeak_entropy: (n,) of the predicted heatmaps, see `acquisition.multipeak_entropy`; None where nobody asked.
    """

    joints: Float[Tensor, "n joints 2"]
    true_loss: Float[Tensor, "n"]
    predicted_loss: dict[str, Float[Tensor, "n"]]
    embeddings: Float[Tensor, "n d"] | None = None
    multipeak_entropy: Float[Tensor, "n"] | None = None


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """What was told to stop has stopped, with its checkpoint written where it has one."""
