"""One loop that trains a task model and, beside it, any number of loss predictors on its detached features.

Every predictor sees the same features, true losses and batches, at one backbone pass: a paired comparison. The
true loss of a sample is its squared heatmap error, summed over pixels and averaged over the annotated joints; the task
model itself is trained on the same error with the pixels near a joint weighted up, because plain squared error first
teaches it to predict zero everywhere.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from tqdm import tqdm

from llpp_core import store
from llpp_core.data import heatmaps
from llpp_core.data.augment import Augmentation, as_input, augment
from llpp_core.data.pose import PoseDataset
from llpp_core.heads import Head


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that a training run depends on besides its data and models.

    Attributes:
        epochs: passes over the training data, ≥ 1.
        batch_size: samples a step, ≥ 2 (the predictors compare pairs).
        learning_rate: peak rate of Adam, reached after a tenth of the steps and lowered to 0 along a cosine.
        foreground: pixel weight of the task loss is 1 + foreground × heatmap, ≥ 0.
        sigma: standard deviation of the target Gaussians in heatmap pixels, > 0.
        augmentation: random views of the training crops.
        seed: of the order of samples and of the random views.
        device: a torch device.
    """

    epochs: int = 30
    batch_size: int = 16
    learning_rate: float = 2e-3
    foreground: float = 20.0
    sigma: float = 1.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 2:
            wanted = "epochs of at least 1 and a batch_size of at least 2"
            raise ValueError(f"training needs {wanted}, got {self.epochs} and {self.batch_size}")
        if not self.learning_rate > 0 or not self.foreground >= 0 or not self.sigma > 0:
            got = f"{self.learning_rate}, {self.foreground} and {self.sigma}"
            raise ValueError(f"wanted learning_rate > 0, foreground ≥ 0 and sigma > 0, got {got}")


@dataclass(frozen=True)
class History:
    """What happened in training, one entry an epoch.

    Attributes:
        task_loss: mean weighted task loss.
        true_loss: mean true loss of the random views trained on.
        objective: for each predictor, the mean of its objective.
    """

    task_loss: list[float] = field(default_factory=list)
    true_loss: list[float] = field(default_factory=list)
    objective: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scores:
    """A data set seen through a trained model.

    Attributes:
        joints: (n, joints, 2) predicted positions in crop pixels.
        true_loss: (n,) squared heatmap error, see the module's docstring.
        predicted_loss: l̂ (n,) of each predictor.
    """

    joints: Float[Tensor, "n joints 2"]
    true_loss: Float[Tensor, "n"]
    predicted_loss: dict[str, Float[Tensor, "n"]]


def sample_loss(
    predicted: Float[Tensor, "n joints h w"],
    target: Float[Tensor, "n joints h w"],
    annotated: Bool[Tensor, "n joints"],
) -> Float[Tensor, "n"]:
    """Return l: squared error summed over pixels, averaged over the annotated joints; 0 where none is annotated."""
    error = (predicted - target).float().square().sum((-2, -1))  # (n, joints)
    return (error * annotated).sum(1) / annotated.sum(1).clamp_min(1)


def train(
    model: nn.Module,
    heads: Mapping[str, Head],
    data: PoseDataset,
    config: TrainingConfig,
    *,
    checkpoint: str | Path | None = None,
    progress: bool = True,
) -> History:
    """Train the task model, and the predictors on its detached features, batch by batch.

    The models are changed in place and left on ``config.device``. With a ``checkpoint`` an interrupted run goes on
    from its last whole epoch and ends, on a CPU, with the weights that an uninterrupted one ends with.

    Args:
        model: a task model whose ``forward`` returns a `TaskOutput` of heatmaps at a quarter of the crop's size.
        heads: loss predictors by name.
        data: at least one batch of training crops.
        config: schedule, seed and device.
        checkpoint: file to write after every epoch and to go on from where it exists.
        progress: show a progress bar.

    Raises:
        ValueError: fewer samples than a batch, a checkpoint of another run, or a loss that is not finite (with the ids
            of the batch's samples).
    """
    if len(data) < config.batch_size:
        raise ValueError(f"{data.name} has {len(data)} samples, fewer than a batch of {config.batch_size}")
    run = _Run(model, heads, data, config)
    if checkpoint is not None and Path(checkpoint).exists():
        run.load(Path(checkpoint))
    with tqdm(total=run.steps, initial=run.step, desc="training", unit="batch", disable=not progress) as bar:
        while run.epoch < config.epochs:
            run.one_epoch(bar)
            if checkpoint is not None:
                run.save(Path(checkpoint))
    return run.history


@torch.no_grad()
def score(
    model: nn.Module,
    heads: Mapping[str, Head],
    data: PoseDataset,
    *,
    batch_size: int = 64,
    sigma: float = 1.0,
    device: str = "cpu",
    progress: bool = True,
) -> Scores:
    """Return predicted joints, true losses and predicted losses of every sample, in order, without augmentation.

    Args:
        model: a trained task model.
        heads: trained loss predictors by name.
        data: the samples to score.
        batch_size: samples at a time; memory on the device does not grow with the data.
        sigma: as in training.
        device: a torch device.
        progress: show a progress bar.

    Raises:
        ValueError: no sample, or a true or predicted loss that is not finite, with the sample's id.
    """
    if not len(data):
        raise ValueError(f"{data.name} has no sample to score")
    modules = [model, *(head.predictor for head in heads.values())]
    for module in modules:
        module.to(device).eval()
    joints, true = [], []
    predicted: dict[str, list[Tensor]] = {name: [] for name in heads}
    with tqdm(total=len(data), desc=f"scoring {data.name}", unit="image", disable=not progress) as bar:
        for start in range(0, len(data), batch_size):
            rows = slice(start, start + batch_size)
            annotated = data.annotated[rows].to(device)
            target = heatmaps.draw(data.joints[rows].to(device), annotated, data.size, sigma=sigma)
            output = model(as_input(data.images[rows].to(device)))
            joints.append(heatmaps.locate(output.prediction.float()).cpu())
            true.append(sample_loss(output.prediction, target, annotated).cpu())
            for name, head in heads.items():
                predicted[name].append(head(output.features).float().cpu())
            bar.update(len(annotated))
    scores = Scores(torch.cat(joints), torch.cat(true), {name: torch.cat(parts) for name, parts in predicted.items()})
    for name, values in {"true loss": scores.true_loss, **scores.predicted_loss}.items():
        broken = ~torch.isfinite(values)
        if bool(broken.any()):
            raise ValueError(f"{name} of sample {data.ids[int(broken.nonzero()[0])]} of {data.name} is not finite")
    return scores


class _Run:
    """The state of a training run: what a checkpoint holds, and how one epoch changes it."""

    def __init__(self, model: nn.Module, heads: Mapping[str, Head], data: PoseDataset, config: TrainingConfig) -> None:
        self.config, self.data, self.heads = config, data, heads
        self.modules = nn.ModuleDict({"model": model})
        # Module names may hold no dot; a head's place in the mapping is as good a name.
        self.modules.update({f"head{i}": head.predictor for i, head in enumerate(heads.values())})
        self.modules.to(config.device)
        self.images = data.images.to(config.device)
        self.joints = data.joints.to(config.device)
        self.annotated = data.annotated.to(config.device)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.optimizer = torch.optim.Adam(self.modules.parameters(), lr=config.learning_rate, fused=True)
        self.batches = len(data) // config.batch_size  # a last, smaller batch would have fewer pairs: left out
        self.steps = self.batches * config.epochs
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: self._rate(step))
        self.epoch, self.step = 0, 0
        self.history = History(objective={name: [] for name in heads})

    def one_epoch(self, bar: "tqdm[Any]") -> None:
        self.modules.train()
        totals = torch.zeros(2 + len(self.heads), device=self.config.device)
        for rows in self._order():
            totals += self._one_step(rows)
            self.step += 1
            bar.update()
        self.epoch += 1
        task, true, *objectives = (totals / self.batches).tolist()
        self.history.task_loss.append(task)
        self.history.true_loss.append(true)
        for name, value in zip(self.heads, objectives, strict=True):
            self.history.objective[name].append(value)
        bar.set_postfix({"epoch": self.epoch, "task loss": f"{task:.3f}", "true loss": f"{true:.3f}"})

    def _rate(self, step: int) -> float:
        """Return the learning rate of a step as a fraction of its peak: up in a tenth of the steps, then a cosine."""
        warmup = max(1, self.steps // 10)
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, self.steps - warmup)))

    def _order(self) -> Iterator[Tensor]:
        size = self.config.batch_size
        order = torch.randperm(len(self.data), generator=self.generator)
        return iter(order[: self.batches * size].split(size))

    def _one_step(self, rows: Tensor) -> Tensor:
        at = rows.to(self.config.device)
        views, joints, annotated = augment(
            self.images[at], self.joints[at], self.annotated[at],
            mirror=self.data.mirror, settings=self.config.augmentation, generator=self.generator,
        )  # fmt: skip
        target = heatmaps.draw(joints, annotated, self.data.size, sigma=self.config.sigma)
        output = self.modules["model"](views)
        weight = (1 + self.config.foreground * target) * annotated[..., None, None]
        task = torch.stack([(weight * (p - target).square()).mean() for p in output.predictions]).sum()
        true = sample_loss(output.prediction.detach(), target, annotated)
        features = {name: f.detach() for name, f in output.features.items()}
        self._check("the task loss", task, rows)
        predicted = {name: head(features) for name, head in self.heads.items()}
        for name, values in predicted.items():
            self._check(f"what {name} predicts", values, rows)
        objectives = [head.objective(predicted[name], true) for name, head in self.heads.items()]
        for name, objective in zip(self.heads, objectives, strict=True):
            self._check(f"the objective of {name}", objective, rows)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack([task, *objectives]).sum().backward()
        self.optimizer.step()
        self.schedule.step()
        return torch.stack([task.detach(), true.mean(), *(o.detach() for o in objectives)])

    def _check(self, what: str, values: Tensor, rows: Tensor) -> None:
        if not bool(torch.isfinite(values).all()):
            ids = ", ".join(self.data.ids[i] for i in rows.tolist())
            raise ValueError(f"{what} is not finite at step {self.step}; the batch held {ids}")

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint must share with the run that goes on from it, by the name that an error gives it."""
        tensors = (self.data.images, self.data.joints, self.data.annotated)
        return {
            "config": asdict(self.config),
            "data": store.fingerprint([*self.data.ids, *(t.cpu().numpy().tobytes() for t in tensors)]),
            "heads": list(self.heads),
            "shapes": {name: list(value.shape) for name, value in self.modules.state_dict().items()},
        }

    def save(self, path: Path) -> None:
        state = {
            **self._identity(),
            "epoch": self.epoch,
            "step": self.step,
            "modules": self.modules.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
            "history": asdict(self.history),
        }
        with store.written_whole(path) as part:
            torch.save(state, part)

    def load(self, path: Path) -> None:
        try:
            state = torch.load(path, map_location=self.config.device, weights_only=True)
        except Exception as error:  # torch raises many kinds for a file that is no checkpoint
            raise ValueError(f"{path} is no checkpoint that can be read: {error}") from error
        identity = self._identity()
        parts = {*identity, "epoch", "step", "modules", "optimizer", "schedule", "generator", "history"}
        if not isinstance(state, dict) or parts - set(state):
            raise ValueError(f"{path} is no checkpoint that can be read: it lacks parts of one")
        for key, value in identity.items():
            if state[key] != value:
                said = "" if key in ("data", "shapes") else f": wanted {value!r}, got {state[key]!r}"
                raise ValueError(f"{path} is the checkpoint of another run, of other {key}{said}")
        self.modules.load_state_dict(state["modules"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.generator.set_state(state["generator"].cpu())
        self.epoch, self.step = state["epoch"], state["step"]
        self.history = History(**state["history"])
