"""What an experiment is: a frozen configuration, whose hash names the folder of its run."""

import difflib
import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from llpp_core import store
from llpp_core.acquisition import get
from llpp_core.parameters import from_plain
from llpp_core.training import TrainingConfig

RULE = 1
"""How results follow from a configuration; raised when a change of the code changes them, so that no run mixes two."""
NAME = re.compile(r"[A-Za-z0-9+][A-Za-z0-9+._-]*")
"""What predictors, methods and experiments may be called: their names are names of folders too."""
LONGEST = 64
"""Letters of a name, at most."""
RESERVED = {"base", "base.lock", "set_aside", "multipeak_entropy"}
"""Names of the run's own folders and files, and of a measure that stands beside the predictors."""
COARSEST = {"hourglass": 64, "hrnet": 32}
"""Coarsest stride of each task model, in pixels of the crop."""


@dataclass(frozen=True)
class DataPlan:
    """Which data an experiment is made on.

    Attributes:
        kind: "figures": rendered, nothing is needed; "lsp_lspet": LSP's training half, its test half, and LSPET to
            choose from; "mpii": a random part of MPII's training split, its validation split, and the rest of the
            training split to choose from.
        size: side of the crops in pixels.
        train: how many samples are labeled at first: figures, the first of LSP's training half (at most 1,000), or
            random ones of MPII's training split.
        test: how many samples to test on, the first ones; all where None (figures need a number).
        pool: how many unlabeled samples, a random sample; all where None (figures need a number).
        seed: of the random sample of LSPET, which is one for all seeds of the experiment. Figures, and who of MPII is
            labeled at first and who is in the pool, are other ones for every seed of the experiment.
    """

    kind: Literal["figures", "lsp_lspet", "mpii"] = "figures"
    size: int = 64
    train: int = 1_000
    test: int | None = None
    pool: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        _one_of("data.kind", self.kind, ("figures", "lsp_lspet", "mpii"))
        _check_int("data.size", self.size, 16, 512)
        _check_int("data.train", self.train, 2, 1_000 if self.kind == "lsp_lspet" else None)
        _check_int("data.seed", self.seed, 0)
        for name in ("test", "pool"):
            value = getattr(self, name)
            if value is None and self.kind == "figures":
                raise ValueError(f"data.{name} must be given for figures: there is no end of them")
            if value is not None:
                _check_int(f"data.{name}", value, 2)


@dataclass(frozen=True)
class ModelPlan:
    """The task model.

    Attributes:
        kind: "hourglass" (Newell et al., ECCV 2016) or "hrnet" (Sun et al., CVPR 2019).
        stacks: of the hourglass; an HRNet has one.
        channels: width: of the hourglass, or of the HRNet's finest branch.
    """

    kind: Literal["hourglass", "hrnet"] = "hourglass"
    stacks: int = 2
    channels: int = 256

    def __post_init__(self) -> None:
        _one_of("model.kind", self.kind, ("hourglass", "hrnet"))
        _check_int("model.stacks", self.stacks, 1)
        _check_int("model.channels", self.channels, 1)
        if self.kind == "hrnet" and self.stacks != 1:
            raise ValueError(f"an HRNet has no stacks: model.stacks must be 1, got {self.stacks}")


@dataclass(frozen=True)
class PredictorPlan:
    """A loss predictor and what trains it.

    Attributes:
        module: "pooled" (GAP; Yoo & Kweon, CVPR 2019) or "conv" (Shukla & Ahmed, CVPRW 2021, Fig. 4).
        objective: name of a function of `losses`.
        margin: ξ of "learning_loss", ≥ 0.
        alpha: α of "learning_loss_pp" and "learning_loss_pp_batch", > 0.
        pairs: of "learning_loss" and "learning_loss_pp": "halves" or "all".
        features: "last": the maps of the model's last stack; "all": of every stack (pooled predictors alone);
            "prediction": those of the last stack and, before them, the heatmaps that the model predicts.
    """

    module: Literal["pooled", "conv"] = "pooled"
    objective: Literal[
        "learning_loss", "learning_loss_pp", "learning_loss_pp_batch", "log_loss_regression", "loss_regression"
    ] = "learning_loss_pp"
    margin: float | int = 1.0
    alpha: float | int = 1.0
    pairs: Literal["halves", "all"] = "halves"
    features: Literal["last", "all", "prediction"] = "last"

    def __post_init__(self) -> None:
        _one_of("module", self.module, ("pooled", "conv"))
        _one_of("objective", self.objective, tuple(_SETTINGS))
        _one_of("pairs", self.pairs, ("halves", "all"))
        _one_of("features", self.features, ("last", "all", "prediction"))
        if not (self.margin >= 0 and math.isfinite(self.margin)):
            raise ValueError(f"margin must be at least 0 and finite, got {self.margin}")
        if not (self.alpha > 0 and math.isfinite(self.alpha)):
            raise ValueError(f"alpha must be above 0 and finite, got {self.alpha}")
        if self.module == "conv" and self.features == "all":
            raise ValueError('a convolutional predictor reads one stack: its features must not be "all"')
        for name, default in (("margin", 1.0), ("alpha", 1.0), ("pairs", "halves")):
            if getattr(self, name) != default and name not in _SETTINGS[self.objective]:
                raise ValueError(f"{name} is no setting of {self.objective}, got {getattr(self, name)!r}")

    @property
    def settings(self) -> dict[str, Any]:
        """What the objective is called with besides the losses."""
        return {name: getattr(self, name) for name in _SETTINGS[self.objective]}


_SETTINGS: dict[str, tuple[str, ...]] = {
    "learning_loss": ("margin", "pairs"),
    "learning_loss_pp": ("alpha", "pairs"),
    "learning_loss_pp_batch": ("alpha",),
    "log_loss_regression": (),
    "loss_regression": (),
}


@dataclass(frozen=True)
class MethodPlan:
    """A way to choose what is labeled next.

    Attributes:
        strategy: as `acquisition.get` knows it.
        predictor: whose predicted losses the strategy goes by; None where it needs none.
    """

    strategy: str
    predictor: str | None = None

    def __post_init__(self) -> None:
        needs = get(self.strategy).needs
        if ("predicted_loss" in needs) != (self.predictor is not None):
            wanted = "a predictor" if "predicted_loss" in needs else "no predictor"
            raise ValueError(f"the strategy {self.strategy!r} goes by {wanted}, got {self.predictor!r}")


@dataclass(frozen=True)
class Experiment:
    """Methods that ask for labels, compared over stages and seeds.

    Stage 0 trains on what is labeled at first, once for all methods of a seed: its model is the *base model*, and
    every predictor is trained beside it. Each method then asks for ``budget`` samples of the pool; stage k trains a
    new model, from the same initial weights, on these and all earlier ones.

    Attributes:
        name: what people call it.
        predictors: loss predictors by name.
        methods: by name.
        data: what is labeled, tested on and chosen from.
        model: the task model.
        training: schedule; its ``seed`` is replaced by that of each repetition, its ``device`` by that of the run.
        stage_epochs: epochs of stages 1, 2, …; those of ``training`` where None.
        stages: how often labels are asked for, ≥ 1.
        budget: samples asked for at a time, ≥ 1.
        seeds: one repetition each.

    Raises:
        ValueError: a value out of its range, a name that cannot name a folder, a method whose predictor there is not,
            a budget that exhausts the pool, or predictors that would change the task model they share.
    """

    name: str
    predictors: Mapping[str, PredictorPlan]
    methods: Mapping[str, MethodPlan]
    data: DataPlan = field(default_factory=DataPlan)
    model: ModelPlan = field(default_factory=ModelPlan)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    stage_epochs: int | None = None
    stages: int = 5
    budget: int = 1_000
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)

    def __post_init__(self) -> None:
        for kind, names in (("experiment", [self.name]), ("predictor", self.predictors), ("method", self.methods)):
            for name in names:
                if not NAME.fullmatch(name) or name in RESERVED or name.endswith(".lock") or len(name) > LONGEST:
                    wanted = f"a name of at most {LONGEST} letters, digits, + . _ and -, that is none of the run's own"
                    raise ValueError(f"{kind} {name!r}: wanted {wanted}")
        if not self.methods:
            raise ValueError("an experiment compares at least one method, got none")
        for name, method in self.methods.items():
            if method.predictor is not None and method.predictor not in self.predictors:
                known = ", ".join(self.predictors) or "none"
                raise ValueError(f"method {name!r} goes by the predictor {method.predictor!r}; there are {known}")
        if self.data.size % COARSEST[self.model.kind]:
            coarsest = COARSEST[self.model.kind]
            raise ValueError(f"data.size must be a multiple of {coarsest} for this model, got {self.data.size}")
        _check_int("stages", self.stages, 1)
        _check_int("budget", self.budget, 1)
        if self.stage_epochs is not None:
            _check_int("stage_epochs", self.stage_epochs, 1)
        if self.data.pool is not None and self.stages * self.budget > self.data.pool:
            asked = f"{self.stages} stages of {self.budget}"
            raise ValueError(f"{asked} ask for more than the pool's {self.data.pool} samples")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(f"wanted at least one seed, each once and at least 0, got {list(self.seeds)}")
        if self.training.joint_epochs and len(self.predictors) != 1:
            raise ValueError(
                "with training.joint_epochs a predictor changes the task model, so that several cannot share one: "
                f"wanted one predictor, got {', '.join(self.predictors) or 'none'}"
            )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Experiment":
        """Return the experiment that a mapping of plain values describes, a file's for instance.

        Raises:
            ValueError: a key is unknown (the nearest known one is named), one that is needed is missing, or a value is
                of another type or out of its range.
        """
        if isinstance(values.get("training"), Mapping) and "device" in values["training"]:
            raise ValueError("training.device: an experiment has no device, a run of it has")
        return from_plain(cls, values)

    def plain(self) -> dict[str, Any]:
        """Return the configuration as plain values, from which `from_mapping` makes it again."""
        # Once there and back, so that a 2 that stands for 2.0 is written as 2.0 is.
        return _plain(Experiment.from_mapping(_plain(self)))

    @property
    def hash(self) -> str:
        """SHA-256 of all that its results depend on, the order of predictors and methods too, in hexadecimal."""
        return store.fingerprint([str(RULE), json.dumps(self.plain())])

    @property
    def folder_name(self) -> str:
        """Name of the folder of its run."""
        return f"{self.name}-{self.hash[:10]}"


def _plain(experiment: Experiment) -> dict[str, Any]:
    values = asdict(experiment)
    values["seeds"] = list(experiment.seeds)
    for key in ("device", "compile"):  # of a run; they are no part of what is computed
        del values["training"][key]
    return values


def configurations() -> dict[str, Path]:
    """Return the configurations that come with the package, by name."""
    folder = Path(str(resources.files("llpp_core.experiment"))) / "configurations"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_experiment(source: str | Path) -> Experiment:
    """Return the experiment that a TOML file describes, or the one that comes with the package under that name.

    Raises:
        ValueError: there is neither; the file is no TOML, or no experiment. The file and the key are named.
    """
    named = configurations()
    path = named.get(str(source), Path(source))
    if not path.is_file():
        near = difflib.get_close_matches(str(source), named, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"wanted a TOML file or one of {', '.join(named)}, got {str(source)!r}, which is neither{hint}"
        )
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML file that can be read: {error}") from error
    try:
        return Experiment.from_mapping(values)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")


def _check_int(name: str, value: Any, low: int, high: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        to = "" if high is None else f" to {high:,}"
        raise ValueError(f"{name} must be a whole number from {low}{to}, got {value!r}")
