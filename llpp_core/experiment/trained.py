"""A trained model with its predictors, as one safetensors file that says how to build them again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from llpp_core import losses, store
from llpp_core.data import heatmaps
from llpp_core.experiment.config import Experiment, ModelPlan, PredictorPlan
from llpp_core.heads import Head, last_stack
from llpp_core.models import HRNet, StackedHourglass
from llpp_core.models.features import PREDICTION, FeatureInfo, seeded
from llpp_core.models.predictors import ConvPredictor, PooledPredictor

WEIGHTS = "model.safetensors"
"""Name of a unit's model file."""
KEY = "llpp"
"""Where the file's own description stands among the metadata of the safetensors format."""


@dataclass(frozen=True)
class Trained:
    """A task model with loss predictors.

    Attributes:
        model: the task model.
        heads: the predictors by name.
        joint_names: what the model finds, in order.
        size: side of the crops that it reads, in pixels.
        experiment: the configuration that it comes from.
    """

    model: nn.Module
    heads: dict[str, Head]
    joint_names: tuple[str, ...]
    size: int
    experiment: Experiment


def build(
    experiment: Experiment, joint_names: Sequence[str], *, seed: int, predictors: Sequence[str] | None = None
) -> Trained:
    """Return the models of an experiment with their initial weights.

    Predictors of one kind start from the same weights, whichever others are built beside them.

    Args:
        experiment: what to build.
        joint_names: of the data.
        seed: of the weights.
        predictors: which ones; all where None.

    Raises:
        ValueError: crops whose side does not fit the model.
    """
    with seeded(seed):
        model = _task_model(experiment.model, len(joint_names))
    chosen = experiment.predictors if predictors is None else {n: experiment.predictors[n] for n in predictors}
    heads = {name: _head(plan, model, len(joint_names), experiment.data.size, seed) for name, plan in chosen.items()}
    return Trained(model, heads, tuple(joint_names), experiment.data.size, experiment)


def save_trained(path: str | Path, trained: Trained) -> None:
    """Write a model and its predictors to a file that is whole or not there."""
    about = {
        "experiment": trained.experiment.plain(),
        "joint_names": list(trained.joint_names),
        "predictors": list(trained.heads),
    }
    # Copies, because the format knows no memory that two weights share, and no strides.
    weights = {f"model/{key}": value.detach().cpu().contiguous() for key, value in trained.model.state_dict().items()}
    for name, head in trained.heads.items():
        for key, value in head.predictor.state_dict().items():
            weights[f"predictors/{name}/{key}"] = value.detach().cpu().contiguous()
    data = save(weights, metadata={KEY: json.dumps(about)})
    with store.written_whole(path) as part:
        part.write_bytes(data)


def load_trained(path: str | Path) -> Trained:
    """Return a model and its predictors from a file that `save_trained` wrote.

    Raises:
        ValueError: the file is not there, is no safetensors file, or none of this package; its name is given.
    """
    place = Path(path)
    if not place.is_file():
        raise ValueError(f"wanted a model file, got {place}, which is {'a folder' if place.is_dir() else 'not there'}")
    try:
        with safe_open(place, framework="pt") as file:
            about = json.loads((file.metadata() or {})[KEY])
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
        trained = _described(about)
        _fill(trained.model, "model/", weights)
        for name, head in trained.heads.items():
            _fill(head.predictor, f"predictors/{name}/", weights)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{place} is no model file that can be read: {error}") from error
    except RuntimeError as error:  # torch names every weight: a screen of them
        raise ValueError(f"{place} is no model file of this package: its weights are not those it describes") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{place} is no model file of this package: {error}") from error
    return trained


def _described(about: Mapping[str, Any]) -> Trained:
    experiment = Experiment.from_mapping(about["experiment"])
    return build(experiment, about["joint_names"], seed=0, predictors=about["predictors"])


def _fill(module: nn.Module, prefix: str, weights: Mapping[str, Any]) -> None:
    module.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})


def _task_model(plan: ModelPlan, joints: int) -> nn.Module:
    if plan.kind == "hrnet":
        return HRNet(joints=joints, width=plan.channels)
    return StackedHourglass(joints=joints, stacks=plan.stacks, channels=plan.channels)


def _head(plan: PredictorPlan, model: nn.Module, joints: int, size: int, seed: int) -> Head:
    maps: list[FeatureInfo] = model.feature_info if plan.features == "all" else last_stack(model)  # type: ignore[assignment]
    if plan.features == "prediction":
        maps = [FeatureInfo(PREDICTION, joints, heatmaps.STRIDE), *maps]
    coarsest = max(info.stride for info in maps)
    if size % coarsest:
        raise ValueError(f"data.size must be a multiple of {coarsest}, the model's coarsest stride, got {size}")
    channels = [info.channels for info in maps]
    with seeded(seed):
        predictor: nn.Module = (
            PooledPredictor(channels)
            if plan.module == "pooled"
            else ConvPredictor(channels, [size // info.stride for info in maps])
        )
    return Head(predictor, partial(getattr(losses, plan.objective), **plan.settings), tuple(info.name for info in maps))
