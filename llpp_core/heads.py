"""Loss predictors ready for training: a module, the objective that trains it, and the features it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from llpp_core.losses import learning_loss, learning_loss_pp
from llpp_core.models import cost
from llpp_core.models.cost import Cost
from llpp_core.models.features import FeatureInfo, seeded
from llpp_core.models.predictors import ConvPredictor, PooledPredictor

Objective = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Head:
    """A loss predictor with the objective that trains it.

    Attributes:
        predictor: reads feature maps, fine → coarse, and returns l̂ (batch,).
        objective: of (l̂, l), both (batch,), to a scalar; settings given by `functools.partial` are part of what a
            checkpoint is checked for, those inside a lambda are not.
        features: names of the feature maps it reads.
    """

    predictor: nn.Module
    objective: Objective
    features: tuple[str, ...]

    def __call__(self, features: Mapping[str, Tensor]) -> Tensor:
        """Return l̂ (batch,) from a model's features.

        Raises:
            ValueError: a feature that this head reads is not among them.
        """
        if missing := [name for name in self.features if name not in features]:
            raise ValueError(f"a head reads the features {missing}, which are not among {list(features)}")
        predicted: Tensor = self.predictor([features[name] for name in self.features])
        return predicted

    @property
    def description(self) -> list[str]:
        """The objective by name and settings, and the features read: what shapes of weights do not tell."""
        return [_described(self.objective), *self.features]


def paper_heads(model: nn.Module, size: int, *, seed: int = 0, margin: float = 1.0) -> dict[str, Head]:
    """Return the paper's three methods for a model: "LL" and "LL++" on pooled features, and "LL++conv".

    Args:
        model: a task model with ``feature_info``; the features of its last stack are read.
        size: side of the crops in pixels.
        seed: of the initial weights; the two pooled predictors start from the same ones.
        margin: ξ of Learning Loss, ≥ 0.

    Raises:
        ValueError: ``size`` is no multiple of the model's coarsest stride, or ``margin`` < 0.
    """
    last = last_stack(model)
    coarsest = last[-1].stride
    if size < coarsest or size % coarsest:
        raise ValueError(
            f"the crops' side must be a multiple of {coarsest} pixels, this model's coarsest stride; got {size}"
        )
    if not margin >= 0:
        raise ValueError(f"margin must be at least 0, got {margin}")
    names = tuple(info.name for info in last)
    channels = [info.channels for info in last]
    sizes = [size // info.stride for info in last]

    def pooled() -> PooledPredictor:
        with seeded(seed):
            return PooledPredictor(channels)

    with seeded(seed):
        conv = ConvPredictor(channels, sizes)
    return {
        "LL": Head(pooled(), partial(learning_loss, margin=margin), names),
        "LL++": Head(pooled(), learning_loss_pp, names),
        "LL++conv": Head(conv, learning_loss_pp, names),
    }


def _described(objective: Objective) -> str:
    if isinstance(objective, partial):
        settings = [*map(repr, objective.args), *(f"{name}={value!r}" for name, value in objective.keywords.items())]
        return f"{_described(objective.func)}({', '.join(settings)})"
    return str(getattr(objective, "__qualname__", type(objective).__qualname__))


def costs(model: nn.Module, image: Tensor) -> dict[str, Cost]:
    """Return what a task model and its two kinds of predictors, pooled and convolutional, cost for one image.

    Args:
        model: a task model with ``feature_info``.
        image: (1, 3, s, s); its content does not matter.

    Raises:
        ValueError: as in `paper_heads`.
    """
    heads = paper_heads(model, image.shape[-1])
    maps = {
        info.name: torch.zeros(1, info.channels, image.shape[-1] // info.stride, image.shape[-1] // info.stride)
        for info in last_stack(model)
    }
    result = {"task model": cost.of(model, image)}
    for name in ("LL++", "LL++conv"):
        result[f"{name}'s predictor"] = cost.of(heads[name].predictor, [maps[key] for key in heads[name].features])
    return result


def last_stack(model: nn.Module) -> list[FeatureInfo]:
    """Return the feature maps of a model's last stack, fine → coarse."""
    info: list[FeatureInfo] = model.feature_info  # type: ignore[assignment]  # nn.Module types every attribute
    stack = info[-1].name.split("/")[0]
    return [i for i in info if i.name.startswith(f"{stack}/")]
