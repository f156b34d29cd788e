"""`Choices`: what a reader of the lab may choose, and the data, model and predictors that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import nn

from llpp_core import losses
from llpp_core.data import PoseDataset, load_lsp, render_figures
from llpp_core.experiment import data_folder
from llpp_core.explorers.run_record import MOST_METHODS
from llpp_core.heads import Head, last_stack
from llpp_core.models import ConvPredictor, PooledPredictor, StackedHourglass, seeded
from llpp_core.training import TrainingConfig

SOURCES: Mapping[str, str] = {
    "everyday": "rendered figures, upright",
    "acrobatic": "rendered figures, acrobatic",
    "lsp": "Leeds Sports Pose",
}
OBJECTIVES: Mapping[str, str] = {
    "learning_loss": "Learning Loss",
    "learning_loss_pp": "LearningLoss++",
    "learning_loss_pp_batch": "LearningLoss++ over n samples",
    "log_loss_regression": "regression of log l",
}
"""Names of functions of `losses`, and what a reader calls them."""
PREDICTORS: Mapping[str, str] = {"pooled": "pooled features", "conv": "convolutions, then pooled"}
PAIRS: Mapping[str, str] = {"halves": "each sample in one pair", "all": "all pairs of a batch"}
NO_LSP = "Leeds Sports Pose is chosen, but neither data nor LLPP_DATA names its folder"
MOST_EPOCHS = 100
MOST_MARGIN = 3.0

_SHORT = {"learning_loss": "LL", "learning_loss_pp": "LL++", "learning_loss_pp_batch": "n-sample",
          "log_loss_regression": "log l"}  # fmt: skip
_OF_NO_PAIRS = ("learning_loss_pp_batch", "log_loss_regression")
_SIZE, _CHANNELS, _BATCH, _RATE = 64, 24, 10, 5e-3  # small, so that an epoch takes a second or two


@dataclass(frozen=True)
class Choices:
    """One training of the lab: a small hourglass, and up to three objectives beside each other on its features.

    Attributes:
        source: "everyday" or "acrobatic" rendered figures, or "lsp".
        objectives: one to three names of functions of `losses`, each once.
        predictor: "pooled" or "conv".
        pairs: "halves" or "all", of the two objectives that compare pairs.
        margin: ξ of Learning Loss, 0 to 3.
        epochs: 1 to 100.
        samples: labeled samples to train on, at least a batch of 10.
        held_out: samples to look at after every epoch, from 3.
        seed: of the figures, weights and order, ≥ 0.
        device: a torch device.
        data: where LSP is, as in `experiment.data_folder`.

    Raises:
        ValueError: a value that is none of these; the sentence says which.
    """

    source: str = "everyday"
    objectives: tuple[str, ...] = ("learning_loss", "learning_loss_pp")
    predictor: str = "pooled"
    pairs: str = "halves"
    margin: float | int = 1.0
    epochs: int = 20
    samples: int = 500
    held_out: int = 100
    seed: int = 0
    device: str = "cpu"
    data: str = "auto"

    def __post_init__(self) -> None:
        known = {"source": SOURCES, "predictor": PREDICTORS, "pairs": PAIRS}
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name} must be one of {', '.join(values)}, got {getattr(self, name)!r}")
        if not 1 <= len(self.objectives) <= MOST_METHODS or len(set(self.objectives)) != len(self.objectives):
            raise ValueError(f"choose one to {MOST_METHODS} different objectives, got {len(self.objectives)}")
        for objective in self.objectives:
            if objective not in OBJECTIVES:
                raise ValueError(f"an objective must be one of {', '.join(OBJECTIVES)}, got {objective!r}")
        if not 0 <= self.margin <= MOST_MARGIN:
            raise ValueError(f"margin must be from 0 to {MOST_MARGIN:g}, got {self.margin}")
        bounds = {"epochs": (1, MOST_EPOCHS), "samples": (_BATCH, 10_000), "held_out": (3, 1_000), "seed": (0, 10**6)}
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be from {low} to {high:,}, got {getattr(self, name)}")

    @property
    def names(self) -> dict[str, str]:
        """What each objective's predictor is called in drawings, by objective."""
        # The paper writes its own combination in one word.
        tails = {"LL++": "conv"} if self.predictor == "conv" else {}
        other = " conv" if self.predictor == "conv" else ""
        return {one: _SHORT[one] + tails.get(_SHORT[one], other) for one in self.objectives}

    @property
    def training(self) -> TrainingConfig:
        """The schedule."""
        return TrainingConfig(
            epochs=self.epochs, batch_size=_BATCH, learning_rate=_RATE, seed=self.seed, device=self.device
        )

    @property
    def steps(self) -> int:
        """Steps of an epoch, where there are as many samples as were asked for."""
        return self.samples // _BATCH

    def same_data(self, other: "Choices | None") -> bool:
        """Whether the other training uses the very same data."""
        return other is not None and all(
            getattr(self, name) == getattr(other, name) for name in ("source", "samples", "held_out", "seed", "data")
        )

    def load(self) -> tuple[PoseDataset, PoseDataset]:
        """Return what is trained on and what is held out.

        Raises:
            ValueError: LSP is asked for and not there.
        """
        if self.source == "lsp":
            folder = data_folder(self.data)
            if folder is None:
                raise ValueError(NO_LSP)
            train, test = (load_lsp(folder / "lsp", half, size=_SIZE, progress=False) for half in ("train", "test"))
            return train.subset(range(min(self.samples, len(train)))), test.subset(range(min(self.held_out, len(test))))
        streams = (2 * self.seed, 2 * self.seed + 1)
        train, test = (
            render_figures(n, stream, size=_SIZE, poses=self.source)
            for n, stream in zip((self.samples, self.held_out), streams, strict=True)
        )
        return train, replace(test, name=f"{test.name}, held out")

    def build(self, joints: int) -> tuple[nn.Module, dict[str, Head]]:
        """Return the pose model and a predictor for each objective; all predictors start from the same weights."""
        with seeded(self.seed):
            model = StackedHourglass(joints=joints, stacks=1, channels=_CHANNELS)
        return model, {name: self._head(model, objective) for objective, name in self.names.items()}

    def _head(self, model: nn.Module, objective: str) -> Head:
        last = last_stack(model)
        channels = [info.channels for info in last]
        with seeded(self.seed):
            predictor = (
                PooledPredictor(channels)
                if self.predictor == "pooled"
                else ConvPredictor(channels, [_SIZE // info.stride for info in last])
            )
        settings: dict[str, Any] = {} if objective in _OF_NO_PAIRS else {"pairs": self.pairs}
        if objective == "learning_loss":
            settings["margin"] = self.margin
        return Head(predictor, partial(getattr(losses, objective), **settings), tuple(info.name for info in last))

    def described(self) -> str:
        """Return one sentence that says what is trained."""
        kinds = ", ".join(OBJECTIVES[one] for one in self.objectives)
        margin = f", margin {self.margin:g}" if "learning_loss" in self.objectives else ""
        return (
            f"{self.samples} samples of {SOURCES[self.source]}; {kinds}{margin}; predictor: "
            f"{PREDICTORS[self.predictor]}; pairs: {PAIRS[self.pairs]}; {self.epochs} "
            f"epoch{'s' * (self.epochs != 1)}; seed {self.seed}"
        )
