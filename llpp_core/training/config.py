"""What a training run depends on besides its data and models."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from llpp_core.data.augment import Augmentation
from llpp_core.parameters import from_plain


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that a training run depends on besides its data and models.

    Attributes:
        epochs: passes over the training data, ≥ 1.
        batch_size: samples a step, ≥ 2 (the predictors compare pairs); over all processes, each of which has an equal
            part of at least 2.
        optimizer: "adam", or "adamw" with a decoupled ``weight_decay``.
        learning_rate: peak rate, > 0; "cosine" reaches it after a tenth of the steps, "plateau" starts with it.
        weight_decay: of "adamw", ≥ 0.
        schedule: "cosine" lowers the rate to 0 along a cosine; "plateau" halves it whenever the loss on the part held
            out for validation has not fallen for more than ``patience`` epochs, by a ten-thousandth at least.
        patience: of "plateau", in epochs, ≥ 1.
        clip: largest norm of the task model's gradient, and of each predictor's; infinity for none.
        average: decay of an exponential moving average of the weights and of batch normalization's statistics, from 0
            (no averaging) to below 1; validation sees the averaged weights, and they stay after training.
        validation: fraction of the *training* data held out to follow the run, 0 to below 1 and, above 0,
            at least one sample; never a test split.
        joint_epochs: epochs at the start in which the predictors' gradients flow into the task model too (Yoo & Kweon,
            CVPR 2019, train jointly and stop the gradient later), ≥ 0; later, and by default, features are detached.
        joint_weight: weight of the predictors' objectives in the task model's gradient in those epochs, ≥ 0; in chapter
            *Reproduction* Learning Loss costs the task model accuracy at 1, and none that is seen at 0.001.
        foreground: pixel weight of the task loss is 1 + foreground × heatmap, ≥ 0.
        sigma: standard deviation of the target Gaussians in heatmap pixels, > 0.
        augmentation: random views of the training crops.
        seed: of the order of samples, the random views and the part held out.
        device: a torch device.
        bfloat16: whether the models run under bfloat16 autocast; the losses are computed in float32.
        channels_last: whether images are laid out channels last in memory, which convolutions prefer on CPUs and GPUs.
        compile: whether the task model is compiled by `torch.compile`; on a CPU that takes a C++ compiler.
    """

    epochs: int = 30
    batch_size: int = 16
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    schedule: Literal["cosine", "plateau"] = "cosine"
    patience: int = 5
    clip: float = float("inf")
    average: float = 0.0
    validation: float = 0.0
    joint_epochs: int = 0
    joint_weight: float = 1.0
    foreground: float = 20.0
    sigma: float = 1.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    device: str = "cpu"
    bfloat16: bool = False
    channels_last: bool = True
    compile: bool = False

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 2:
            wanted = "epochs of at least 1 and a batch_size of at least 2"
            raise ValueError(f"training needs {wanted}, got {self.epochs} and {self.batch_size}")
        if not 0 < self.learning_rate < math.inf or not self.foreground >= 0 or not self.sigma > 0:
            got = f"{self.learning_rate}, {self.foreground} and {self.sigma}"
            raise ValueError(f"wanted learning_rate > 0, foreground ≥ 0 and sigma > 0, got {got}")
        checks: dict[str, tuple[object, bool]] = {
            'optimizer must be "adam" or "adamw"': (self.optimizer, self.optimizer in ("adam", "adamw")),
            'schedule must be "cosine" or "plateau"': (self.schedule, self.schedule in ("cosine", "plateau")),
            "weight_decay must be at least 0": (self.weight_decay, self.weight_decay >= 0),
            "patience must be at least 1": (self.patience, self.patience >= 1),
            "clip must be above 0": (self.clip, self.clip > 0),
            "average must be from 0 to below 1": (self.average, 0 <= self.average < 1),
            "validation must be from 0 to below 1": (self.validation, 0 <= self.validation < 1),
            "joint_epochs must be at least 0": (self.joint_epochs, self.joint_epochs >= 0),
            "joint_weight must be at least 0": (self.joint_weight, self.joint_weight >= 0),
        }
        for wanted, (value, fits) in checks.items():
            if not fits:
                raise ValueError(f"{wanted}, got {value!r}")
        if self.weight_decay and self.optimizer == "adam":
            raise ValueError(f'weight_decay goes with optimizer "adamw", got {self.weight_decay} with "adam"')
        if self.schedule == "plateau" and not self.validation:
            raise ValueError('schedule "plateau" follows the loss on held-out training data: set validation above 0')

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "TrainingConfig":
        """Return the configuration that a mapping of plain values describes, a file's for instance.

        Raises:
            ValueError: a key is unknown (the nearest known one is named), or a value of another type or out of its
                range.
        """
        return from_plain(cls, values)
