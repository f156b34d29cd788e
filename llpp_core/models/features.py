"""What every task model returns: its prediction and a named dictionary of its features.

Loss predictors read the features; nothing reaches into a model from outside.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class FeatureInfo(NamedTuple):
    """One feature map of a model.

    Attributes:
        name: its key in `TaskOutput.features`, "stack2/stride4" for instance.
        channels: its width.
        stride: input pixels for each of its pixels.
    """

    name: str
    channels: int
    stride: int


PREDICTION = "prediction"
"""Name under which a loss predictor reads the last stack's prediction."""


class TaskOutput(NamedTuple):
    """What a task model's ``forward`` returns.

    Attributes:
        prediction: the last stack's, (batch, joints, height, width) for heatmaps.
        predictions: those of all stacks, first to last; training supervises each.
        features: feature maps (batch, channels, height, width) by name, ordered fine → coarse.
    """

    prediction: Float[Tensor, "batch ..."]
    predictions: tuple[Float[Tensor, "batch ..."], ...]
    features: dict[str, Float[Tensor, "batch channels ..."]]

    @property
    def readable(self) -> dict[str, Tensor]:
        """What a loss predictor may read: the prediction itself, as `PREDICTION`, and the feature maps."""
        return {PREDICTION: self.prediction, **self.features}


def as_list(features: Mapping[str, Tensor] | Sequence[Tensor], channels: Sequence[int]) -> list[Tensor]:
    """Return feature maps as a list, fine → coarse, checked against the widths that a predictor was made for.

    Raises:
        ValueError: another number of maps than ``channels`` has, or a map of another width.
    """
    maps = list(features.values()) if isinstance(features, Mapping) else list(features)
    got = [int(m.shape[1]) for m in maps]
    if got != list(channels):
        raise ValueError(f"this predictor reads feature maps of {list(channels)} channels, fine → coarse; got {got}")
    return maps


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw the initial weights of the models made inside from ``seed``, and leave torch's global state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # the CPU's alone: models are made there
        yield
