"""Where the time of a training step goes, measured part by part, and how near it comes to what the device can do.

The device's rate is that of a product of square matrices in the precision of the training's convolutions (TF32 for
float32 on a GPU that has it, unless it was switched off), measured beside it. A
training step is counted as three forward passes (one forward, two backward) of the task model alone, convolutions and
matrix products only, so the utilization leaves out whatever else a step does, and that is the point of it.
"""

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import nn

from llpp_core.data.pose import PoseDataset
from llpp_core.heads import Head
from llpp_core.models import cost
from llpp_core.training.config import TrainingConfig
from llpp_core.training.run import Run

WARM_UP = 3
"""Steps before anything is measured."""


@dataclass(frozen=True)
class StepProfile:
    """A training step, measured.

    Attributes:
        parts: seconds a step by part, in the order in which they run; on a GPU each part waits for the device.
        seconds: of a whole step as training runs it, measured apart, without waiting after every part, and with its
            share of what ends an epoch.
        batch_size: images a step.
        step_flops: floating-point operations of a step: three forward passes of the task model over the batch.
        device_flops: operations a second of the best matrix product measured in the same run.
        threads: that torch used on a CPU.
    """

    parts: dict[str, float]
    seconds: float
    batch_size: int
    step_flops: float
    device_flops: float
    threads: int

    @property
    def images_per_second(self) -> float:
        """Images trained on in a second."""
        return self.batch_size / self.seconds

    @property
    def utilization(self) -> float:
        """The task model's operations a second over those of a matrix product, 0 to about 1."""
        return self.step_flops / self.seconds / self.device_flops


def profile_step(
    model: nn.Module, heads: Mapping[str, Head], data: PoseDataset, config: TrainingConfig, *, steps: int = 20
) -> StepProfile:
    """Return where the time of a training step goes. The models are copied, and stay as they are.

    Args:
        model: as in `train`.
        heads: as in `train`.
        data: as in `train`.
        config: as in `train`; ``epochs``, ``schedule`` and ``validation`` play no part. Where there are
            ``joint_epochs``, the first steps are joint ones.
        steps: how many are measured, twice: in parts, and whole; at least 1.

    Raises:
        ValueError: fewer samples than a batch, no step, or a loss that is not finite.
    """
    if steps < 1:
        raise ValueError(f"wanted at least 1 step to measure, got {steps}")
    model = copy.deepcopy(model)
    heads = {name: replace(head, predictor=copy.deepcopy(head.predictor)) for name, head in heads.items()}
    enough = 2 * (WARM_UP + steps)  # epochs, of at least one step each
    run = _TimedRun(model, heads, data, replace(config, epochs=enough, schedule="cosine", validation=0.0))
    stepping = _steps(run)
    _time(run, stepping, WARM_UP)
    seconds = _time(run, stepping, steps) / steps
    run.watching = True
    _time(run, stepping, WARM_UP)
    run.parts.clear()
    _time(run, stepping, steps)
    image = run.images[:1].float()
    return StepProfile(
        parts={name: spent / steps for name, spent in run.parts.items()},
        seconds=seconds,
        batch_size=config.batch_size,
        step_flops=3.0 * cost.forward_flops(model, image) * config.batch_size,
        device_flops=product_rate(config.device, bfloat16=config.bfloat16),
        threads=torch.get_num_threads(),
    )


def product_rate(device: str, *, bfloat16: bool = False, rounds: int = 5) -> float:
    """Return the operations a second of a product of square matrices, the best of some rounds.

    Their sides are 8,192 on CUDA, and elsewhere 2,048, or 512 for bfloat16.

    Args:
        device: a torch device.
        bfloat16: whether the matrices hold bfloat16 numbers rather than float32 ones.
        rounds: products timed, at least 1.

    Raises:
        ValueError: no round.
    """
    if rounds < 1:
        raise ValueError(f"wanted at least 1 product to time, got {rounds}")
    on_cpu = 512 if bfloat16 else 2048  # slow where a processor has no instructions for bfloat16
    side = 8192 if torch.device(device).type == "cuda" else on_cpu
    matrix = torch.randn(side, side, generator=torch.Generator().manual_seed(0)).to(device)
    if bfloat16:
        matrix = matrix.bfloat16()
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32  # the same numbers as convolutions use
    try:
        matrix @ matrix  # the first one counts for nothing
        best = min(_seconds_of(lambda: matrix @ matrix, device) for _ in range(rounds))
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    return 2.0 * side**3 / best


class _TimedRun(Run):
    """A run that adds up how long each part of its steps takes while it is watched."""

    def __init__(self, model: nn.Module, heads: Mapping[str, Head], data: PoseDataset, config: TrainingConfig) -> None:
        super().__init__(model, heads, data, config)
        self.watching = False
        self.parts: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        if not self.watching:
            yield
            return
        _wait(self.config.device)
        start = time.perf_counter()
        yield
        _wait(self.config.device)
        self.parts[name] = self.parts.get(name, 0.0) + time.perf_counter() - start


def _steps(run: Run) -> Iterator[None]:
    while True:
        yield from run.steps_of_epoch()
        run.end_epoch()


def _time(run: Run, stepping: Iterator[None], steps: int) -> float:
    return _seconds_of(lambda: [next(stepping) for _ in range(steps)], run.config.device)


def _seconds_of(call: Callable[[], object], device: str) -> float:
    _wait(device)
    start = time.perf_counter()
    call()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
