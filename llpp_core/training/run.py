"""The state of a training run: what a checkpoint holds, and how one step changes it."""

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from llpp_core import losses, store
from llpp_core.data import heatmaps
from llpp_core.data.augment import augment
from llpp_core.data.pose import PoseDataset
from llpp_core.heads import Head
from llpp_core.metrics import pck, torso_length, torso_length_of
from llpp_core.training import parallel
from llpp_core.training.config import TrainingConfig
from llpp_core.training.results import History
from llpp_core.training.scoring import score
from llpp_core.training.true_loss import sample_loss, task_loss

LOOK_EVERY = 25
"""Steps between two looks at whether the losses of a GPU were finite; every look waits for the device."""


class BadCheckpointError(ValueError):
    """A checkpoint that cannot be read, or is of another run."""


class Run:
    """A training run under way."""

    def __init__(self, model: nn.Module, heads: Mapping[str, Head], data: PoseDataset, config: TrainingConfig) -> None:
        self.config, self.heads = config, heads
        self.whole = data
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(config.seed))
        held_out = max(1, round(config.validation * len(data))) if config.validation else 0
        self.held_out = data.subset(order[:held_out].sort().values) if held_out else None
        self.data = data.subset(order[held_out:].sort().values) if held_out else data
        if len(self.data) < config.batch_size:
            less = f" without the {held_out} held out" if held_out else ""
            raise ValueError(
                f"{data.name} has {len(self.data)} samples{less}, fewer than a batch of {config.batch_size}"
            )
        parallel.check_batch(config.batch_size)
        self.modules = nn.ModuleDict({"model": model})
        # Module names may hold no dot; a head's place in the mapping is as good a name.
        self.modules.update({f"head{i}": head.predictor for i, head in enumerate(heads.values())})
        self.modules.to(config.device)
        parallel.start_alike(self.modules)
        self.forward = torch.compile(model) if config.compile else model
        self.images = self.data.images.to(config.device)
        self.joints = self.data.joints.to(config.device)
        self.annotated = self.data.annotated.to(config.device)
        self.generators = {
            "order": torch.Generator().manual_seed(config.seed),
            "views": torch.Generator().manual_seed(config.seed + 1 + parallel.rank()),
        }
        self.optimizer = _optimizer(config, self.modules)
        # A last, smaller batch would have fewer pairs: left out.
        self.batches = len(self.data) // config.batch_size
        self.steps = self.batches * config.epochs
        self.schedule = self._new_schedule()
        self.average = (
            AveragedModel(self.modules, multi_avg_fn=get_ema_multi_avg_fn(config.average), use_buffers=True)
            if config.average
            else None
        )
        self.epoch, self.step = 0, 0
        self.order: Tensor | None = None  # of the epoch under way
        self.totals = self._no_totals()
        self.look_every = 1 if torch.device(config.device).type == "cpu" else LOOK_EVERY
        self.unseen: list[tuple[int, Tensor, Tensor]] = []
        self.last: tuple[Tensor, Tensor, Tensor] | None = None  # heatmaps, joints and annotated of the last batch
        self.history = History(objective={name: [] for name in heads})

    def steps_of_epoch(self) -> Iterator[None]:
        """Train the steps of the epoch that are left, and yield after each."""
        self.modules.train()
        if self.order is None:
            self.order = torch.randperm(len(self.data), generator=self.generators["order"])
            self._own_views()
        batches = self.order[: self.batches * self.config.batch_size].split(self.config.batch_size)
        for rows in batches[self.step - self.epoch * self.batches :]:
            self.totals += self._one_step(rows)
            self.step += 1
            yield

    def end_epoch(self) -> dict[str, str]:
        """Write the epoch's line of the history, follow the part held out, and return what a bar shows."""
        self._look(at_least=1)
        parallel.average_buffers(self.modules, self.step)
        if self.average is not None:
            parallel.average_buffers(self.average.module, self.step)
        parallel.average([self.totals], self.step)
        task, true, *objectives = (self.totals / self.batches).tolist()
        self.epoch, self.order, self.totals = self.epoch + 1, None, self._no_totals()
        self.history.task_loss.append(task)
        self.history.true_loss.append(true)
        for name, value in zip(self.heads, objectives, strict=True):
            self.history.objective[name].append(value)
        shown = {"epoch": str(self.epoch), "task loss": f"{task:.3f}", "true loss": f"{true:.3f}"}
        if self.held_out is not None:
            loss, correct = self._validate(self.held_out)
            self.history.validation_loss.append(loss)
            self.history.validation_pck.append(correct)
            shown |= {"held out": f"{loss:.3f}", "PCK": f"{correct:.3f}"}
        elif self.last is not None:  # none after a run that goes on from an epoch's last step
            shown["PCK of the last batch"] = f"{self._pck_of(*self.last):.3f}"
        if isinstance(self.schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.schedule.step(self.history.validation_loss[-1])
        return shown

    def finish(self) -> None:
        """Leave the averaged weights in the models, where they were averaged."""
        if self.average is not None:
            self.modules.load_state_dict(self.average.module.state_dict())

    def _one_step(self, rows: Tensor) -> Tensor:
        config = self.config
        rows = rows[parallel.rank() :: parallel.size()]
        with self.part("random views"):
            at = rows.to(config.device, non_blocking=True)
            views, joints, annotated = augment(
                self.images[at], self.joints[at], self.annotated[at],
                mirror=self.data.mirror, settings=config.augmentation, generator=self.generators["views"],
            )  # fmt: skip
            if config.channels_last:
                views = views.contiguous(memory_format=torch.channels_last)
        with self.part("heatmaps"):
            target = heatmaps.draw(joints, annotated, self.data.size, sigma=config.sigma)
        with torch.autocast(torch.device(config.device).type, dtype=torch.bfloat16, enabled=config.bfloat16):
            with self.part("task model, forward"):
                output = self.forward(views)
            with self.part("predictors, forward"):
                features = {name: self._for_predictors(f) for name, f in output.readable.items()}
                predicted = [head(features).float() for head in self.heads.values()]
        with self.part("losses and objectives"):
            task = task_loss(output.predictions, target, annotated, foreground=config.foreground)
            true = sample_loss(output.prediction.detach(), target, annotated)
            finite = [torch.isfinite(task), *(torch.isfinite(p).all() for p in predicted)]
            try:
                with losses.unchecked() if self.look_every > 1 else nullcontext():  # what is looked at later anyway
                    objectives = [
                        head.objective(p, true) for head, p in zip(self.heads.values(), predicted, strict=True)
                    ]
            except ValueError:  # an objective refuses what is not finite, but does not know the samples' ids
                self._note(rows, finite)
                self._look(at_least=1)
                raise
            self._note(rows, [*finite, *(torch.isfinite(o) for o in objectives)])
            self._look(at_least=self.look_every)
        with self.part("backward"):
            self.optimizer.zero_grad(set_to_none=True)
            torch.stack([task, *objectives]).sum().backward()
            parallel.average_gradients(self.modules.parameters(), self.step)
        with self.part("optimizer"):
            if config.clip < math.inf:
                for module in self.modules.values():
                    nn.utils.clip_grad_norm_(module.parameters(), config.clip)
            self.optimizer.step()
            if self.average is not None:
                self.average.update_parameters(self.modules)
            if not isinstance(self.schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
                self.schedule.step()
        self.last = (output.prediction.detach(), joints, annotated)
        return torch.stack([task.detach(), true.mean(), *(o.detach() for o in objectives)])

    def part(self, name: str) -> AbstractContextManager[object]:
        """Return the frame of a part of a step: a label in the traces of torch's profiler."""
        return torch.profiler.record_function(name)

    def _own_views(self) -> None:
        """Seed the views of every process but the first one, whose generator is the one that a checkpoint holds."""
        if parallel.rank():
            self.generators["views"].manual_seed(self.config.seed + 1 + parallel.rank() + 1000 * self.step)

    def _for_predictors(self, features: Tensor) -> Tensor:
        still = features.detach()
        if self.epoch >= self.config.joint_epochs:
            return still
        # The same values, with the gradient into the task model weighted.
        return still + self.config.joint_weight * (features - still)

    def _pck_of(self, prediction: Tensor, joints: Tensor, annotated: Tensor) -> float:
        normalizer = torso_length_of(joints, annotated, self.data.joint_names)
        return pck(heatmaps.locate(prediction.float()), joints, annotated, normalizer).mean

    @torch.no_grad()
    def _validate(self, data: PoseDataset) -> tuple[float, float]:
        averaged = self.modules if self.average is None else self.average.module
        scores = score(
            averaged.get_submodule("model"), {}, data, batch_size=4 * self.config.batch_size, sigma=self.config.sigma,
            device=self.config.device, bfloat16=self.config.bfloat16, progress=False,
        )  # fmt: skip
        correct = pck(scores.joints, data.joints, data.annotated, torso_length(data))
        return float(scores.true_loss.mean()), correct.mean

    def _note(self, rows: Tensor, finite: list[Tensor]) -> None:
        self.unseen.append((self.step, rows, torch.stack(finite)))

    def _look(self, *, at_least: int) -> None:
        """Raise if a step that nobody looked at had a loss that is not finite."""
        if len(self.unseen) < at_least:
            return
        names = [
            "the task loss",
            *(f"what {n} predicts" for n in self.heads),
            *(f"the objective of {n}" for n in self.heads),
        ]
        for step, rows, finite in self.unseen:
            for name, fine in zip(names, finite.tolist(), strict=False):
                if not fine:
                    ids = ", ".join(self.data.ids[i] for i in rows.tolist())
                    raise ValueError(f"{name} is not finite at step {step}; the batch held {ids}")
        self.unseen.clear()

    def _new_schedule(self) -> Any:
        if self.config.schedule == "plateau":
            return torch.optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, factor=0.5, patience=self.config.patience)
        return torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: self._rate(step))

    def _rate(self, step: int) -> float:
        """Return the learning rate of a step as a fraction of its peak: up in a tenth of the steps, then a cosine."""
        warmup = max(1, self.steps // 10)
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, self.steps - warmup)))

    def _no_totals(self) -> Tensor:
        return torch.zeros(2 + len(self.heads), device=self.config.device)

    @cached_property  # reading gigabytes of images takes seconds
    def _identity(self) -> dict[str, Any]:
        """What a checkpoint must share with the run that goes on from it, by the name that an error gives it."""
        tensors = (self.whole.images, self.whole.joints, self.whole.annotated)
        parts = (part.cpu().numpy().tobytes() for tensor in tensors for part in tensor.split(64))
        return {
            "config": {key: value for key, value in asdict(self.config).items() if key not in ("device", "compile")},
            "data": store.fingerprint(chain(self.whole.ids, parts)),
            "heads": [[name, *head.description] for name, head in self.heads.items()],
            "shapes": {name: list(value.shape) for name, value in self.modules.state_dict().items()},
        }

    def save(self, path: Path) -> None:
        """Write the whole state to a file that is whole or not there.

        Raises:
            ValueError: a loss that is not finite, of a step that nobody looked at; nothing is written.
        """
        self._look(at_least=1)
        state = {
            **self._identity,
            "epoch": self.epoch,
            "step": self.step,
            "order": self.order,
            "totals": self.totals,
            "modules": self.modules.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generators": {name: g.get_state() for name, g in self.generators.items()},
            "history": asdict(self.history),
        }
        # In memory first: writing it then is one step that fails as any file does, with the disk full for instance.
        memory = io.BytesIO()
        torch.save(state, memory)
        store.write_checked(path, memory.getvalue())

    def load(self, path: Path) -> None:
        """Go on from a file that `save` wrote.

        Raises:
            BadCheckpointError: the file cannot be read, or is of another run.
        """
        try:
            state = torch.load(io.BytesIO(store.read_checked(path)), map_location=self.config.device, weights_only=True)
        except Exception as error:  # torch raises many kinds for a file that is no checkpoint
            raise BadCheckpointError(f"{path} is no checkpoint that can be read: {error}") from error
        identity = self._identity
        parts = {
            *identity,
            "epoch",
            "step",
            "order",
            "totals",
            "modules",
            "average",
            "optimizer",
            "schedule",
            "history",
        }
        if not isinstance(state, dict) or (parts | {"generators"}) - set(state):
            raise BadCheckpointError(f"{path} is no checkpoint that can be read: it lacks parts of one")
        for key, value in identity.items():
            if state[key] != value:
                said = "" if key in ("data", "shapes") else f": wanted {value!r}, got {state[key]!r}"
                if key == "config" and isinstance(state[key], dict):
                    other = [k for k in value if state[key].get(k) != value[k]]
                    said = ": " + ", ".join(f"{k} {value[k]!r} wanted, {state[key].get(k)!r} got" for k in other)
                raise BadCheckpointError(f"{path} is the checkpoint of another run, of other {key}{said}")
        self.modules.load_state_dict(state["modules"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        for name, generator in self.generators.items():
            generator.set_state(state["generators"][name].cpu())
        self.epoch, self.step, self.totals = state["epoch"], state["step"], state["totals"]
        self._own_views()
        self.order = None if state["order"] is None else state["order"].cpu()
        self.history = History(**state["history"])


def _optimizer(config: TrainingConfig, modules: nn.Module) -> torch.optim.Optimizer:
    if config.optimizer == "adamw":
        return torch.optim.AdamW(
            modules.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
    return torch.optim.Adam(modules.parameters(), lr=config.learning_rate, fused=True)
