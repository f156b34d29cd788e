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
        most: how many epochs are kept, ≥ 2. Of a longer run these are every second epoch, every fourth and so on, and
            the last one.

    Raises:
        ValueError: fewer than 3 samples (there is no correlation), one without any annotated joint, by its id, or
            ``most`` out of range.
    """

    def __init__(
        self,
        model: nn.Module,
        heads: Mapping[str, Head],
        data: PoseDataset,
        *,
        device: str = "cpu",
        most: int = 40,
    ) -> None:
        if len(data) < 3:
            raise ValueError(f"a record wants at least 3 samples, {data.name} has {len(data)}")
        if most < 2:
            raise ValueError(f"a record keeps at least 2 epochs, got {most}")
        bare = (~data.annotated.any(1)).nonzero().flatten()
        if len(bare):
            raise ValueError(f"a record wants annotated samples; {data.ids[int(bare[0])]} has no annotated joint")
        self.model, self.heads, self.data, self.device, self.most = model, heads, data, device, most
        self.every = 1
        self._normalizer = torso_length(data)
        self._norms: list[torch.Tensor] = []  # (methods,) for each step of the epoch under way
        self._kept: dict[int, dict[str, Any]] = {}

    def __call__(self, epoch: int) -> None:
        """Add what the models make of the samples after that epoch."""
        scores = score(self.model, self.heads, self.data, device=self.device, progress=False)
        self._thin(but=None)
        self._kept[epoch] = {
            "methods": [_plain(scores.predicted_loss[name]) for name in self.heads],
            "true_loss": _plain(scores.true_loss),
            "pck": _short(pck(scores.joints, self.data.joints, self.data.annotated, self._normalizer).mean),
            "norms": _plain(torch.stack(self._norms).mean(0)) if self._norms else None,
        }
        self._norms = []
        while len(self._kept) > self.most:
            self.every *= 2
            self._thin(but=epoch)

    def after_step(self) -> None:
        """Note the norm of each predictor's gradient; the record holds the mean over an epoch's steps.

        Call it after every step or after none, for instance in ``train(…, stop=…)``.
        """
        norms = [
            torch.nn.utils.get_total_norm([p.grad for p in head.predictor.parameters() if p.grad is not None])
            for head in self.heads.values()
        ]
        self._norms.append(torch.stack(norms))

    @property
    def record(self) -> dict[str, Any]:
        """The run so far, as `explorers.RunsPlayer` takes it; a new mapping whenever it is asked for."""
        entries = list(self._kept.values())
        by_name = list(enumerate(self.heads))
        record: dict[str, Any] = {
            "epochs": list(self._kept),
            "ids": list(self.data.ids),
            "methods": {name: [entry["methods"][n] for entry in entries] for n, name in by_name},
            "true_loss": [entry["true_loss"] for entry in entries],
            # A NaN is of samples without a torso to measure by: then there is no accuracy to tell.
            "pck": [entry["pck"] for entry in entries if entry["pck"] == entry["pck"]],
        }
        if entries and all(entry["norms"] is not None for entry in entries):
            record["gradient_norm"] = {name: [entry["norms"][n] for entry in entries] for n, name in by_name}
        return record

    def _thin(self, *, but: int | None) -> None:
        self._kept = {epoch: e for epoch, e in self._kept.items() if epoch % self.every == 0 or epoch == but}


def _plain(values: torch.Tensor) -> list[float]:
    return [_short(value) for value in values.tolist()]


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
