"""`Recorder`: what a training run makes of held-out samples, epoch by epoch, as plain numbers that a page can hold."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from llpp_core.data.pose import PoseDataset
from llpp_core.heads import Head
from llpp_core.metrics import pck, torso_length
from llpp_core.training.scoring import score

DIGITS = 4
"""Significant digits of a recorded number: more than a drawing shows, few enough to keep a page small."""


class Recorder:
    """Scores the same held-out samples after every epoch; ``train(…, each_epoch=recorder)`` calls it.

    Scoring draws no random number and changes no weight or statistic, so the training ends with the very weights that
    it ends with when nobody records.

    Args:
        model: the task model that is trained.
        heads: the loss predictors that are trained beside it.
        data: held-out samples, each with an annotated joint; some hundred are plenty.
        device: the torch device that training uses.

    Raises:
        ValueError: fewer than 3 samples (there is no correlation), or one without any annotated joint, by its id.
    """

    def __init__(self, model: nn.Module, heads: Mapping[str, Head], data: PoseDataset, *, device: str = "cpu") -> None:
        if len(data) < 3:
            raise ValueError(f"a record wants at least 3 samples, {data.name} has {len(data)}")
        bare = (~data.annotated.any(1)).nonzero().flatten()
        if len(bare):
            raise ValueError(f"a record wants annotated samples; {data.ids[int(bare[0])]} has no annotated joint")
        self.model, self.heads, self.data, self.device = model, heads, data, device
        self.normalizer = torso_length(data)
        self._norms: dict[str, list[torch.Tensor]] = {name: [] for name in heads}
        self.record: dict[str, Any] = {
            "epochs": [], "ids": list(data.ids), "methods": {name: [] for name in heads}, "true_loss": [], "pck": [],
        }  # fmt: skip

    def __call__(self, epoch: int) -> None:
        """Add what the models make of the samples after that epoch to `record`, a new object each time."""
        scores = score(self.model, self.heads, self.data, device=self.device, progress=False)
        correct = pck(scores.joints, self.data.joints, self.data.annotated, self.normalizer).mean
        before = self.record
        self.record = {
            **before,
            "epochs": [*before["epochs"], epoch],
            "methods": {name: [*rows, _plain(scores.predicted_loss[name])] for name, rows in before["methods"].items()},
            "true_loss": [*before["true_loss"], _plain(scores.true_loss)],
            # A NaN is of samples without a torso to measure by: then there is no accuracy to tell.
            "pck": [*before["pck"], _short(correct)] if correct == correct else before["pck"],
        }
        if all(self._norms.values()) and self._norms:
            known = before.get("gradient_norm", {name: [] for name in self.heads})
            self.record["gradient_norm"] = {
                name: [*known[name], _short(float(torch.stack(norms).mean()))] for name, norms in self._norms.items()
            }
            self._norms = {name: [] for name in self.heads}

    def after_step(self) -> None:
        """Note the norm of each predictor's gradient; `record` holds the mean over an epoch's steps.

        Call it after every step or after none, for instance in ``train(…, stop=…)``.
        """
        for name, head in self.heads.items():
            gradients = [p.grad for p in head.predictor.parameters() if p.grad is not None]
            self._norms[name].append(torch.nn.utils.get_total_norm(gradients))


def _plain(values: torch.Tensor) -> list[float]:
    return [_short(value) for value in values.tolist()]


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
