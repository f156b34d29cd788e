"""A multilayer perceptron: the task model of data that come as a table, one row a sample (beyond the paper).

Its hidden layers are its features, so a loss predictor reads them as it reads the scales of an hourglass; they are
(batch, channels) without pixels, and `PooledPredictor` has nothing left to pool.
"""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from llpp_core.models.features import FeatureInfo, TaskOutput


class MLP(nn.Module):
    """Predicts ``outputs`` numbers from a row of ``inputs`` numbers, and returns its hidden layers as features.

    Args:
        inputs: numbers in a row, at least 1.
        outputs: numbers to predict, at least 1.
        hidden: widths of the hidden layers, at least one; each is followed by a ReLU and is a feature.

    Raises:
        ValueError: no hidden layer, or a number below 1.
    """

    def __init__(self, inputs: int, outputs: int, hidden: Sequence[int] = (64, 64)) -> None:
        super().__init__()
        if not hidden or min(inputs, outputs, *hidden) < 1:
            got = f"inputs={inputs}, outputs={outputs}, hidden={tuple(hidden)}"
            raise ValueError(f"an MLP needs at least 1 input, 1 output and 1 hidden layer of at least 1; got {got}")
        self.inputs = inputs
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(before, width), nn.ReLU()) for before, width in pairwise((inputs, *hidden))
        )
        self.head = nn.Linear(hidden[-1], outputs)
        # All hidden layers are one stack; a table has no pixels, so nothing is strided.
        self.feature_info = [FeatureInfo(f"hidden/layer{i}", width, 1) for i, width in enumerate(hidden, start=1)]

    def forward(self, rows: Float[Tensor, "batch inputs"]) -> TaskOutput:
        """Return the prediction (batch, outputs) and the hidden layers (batch, width), first to last.

        Args:
            rows: one sample a row, its columns standardized.

        Raises:
            ValueError: rows of another shape.
        """
        if rows.ndim != 2 or rows.shape[1] != self.inputs:
            raise ValueError(f"this MLP reads rows (batch, {self.inputs}), got a tensor of shape {tuple(rows.shape)}")
        features: dict[str, Tensor] = {}
        for info, layer in zip(self.feature_info, self.layers, strict=True):
            rows = features[info.name] = layer(rows)
        prediction: Tensor = self.head(rows)
        return TaskOutput(prediction, (prediction,), features)
