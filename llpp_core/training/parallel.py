"""Data-parallel training: several processes, each with its part of every batch.

    torchrun --nproc-per-node 2 my_training.py

where the script trains inside ``with parallel.group():``. Every process draws the same order of samples, takes every
size-th sample of a batch, and pairs are formed among those. After the backward pass the gradients are averaged, so all
processes take the same step; statistics of batch normalization are averaged at the end of every epoch.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import torch
import torch.distributed as dist
from torch import Tensor, nn

TIMEOUT = timedelta(minutes=10)
"""How long a process waits for the others before it gives up."""


@contextmanager
def group() -> Iterator[None]:
    """Join the processes that ``torchrun`` started for the time of the block; alone, do nothing.

    Raises:
        RuntimeError: another process did not come up in time.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    place = int(os.environ.get("LOCAL_RANK", "0"))
    if place < torch.cuda.device_count():
        torch.cuda.set_device(place)
    # Tensors say which is used: a training on the CPU of a machine with GPUs needs gloo.
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """Return this process's number, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def average_gradients(parameters: Iterable[nn.Parameter], step: int) -> None:
    """Replace every gradient by its mean over the processes."""
    average([p.grad for p in parameters if p.grad is not None], step)


def average_buffers(module: nn.Module, step: int) -> None:
    """Replace every floating-point buffer by its mean over the processes."""
    average([b for b in module.buffers() if b.is_floating_point()], step)


def check_batch(samples: int) -> None:
    """Refuse a batch of which the processes cannot have equal parts with a pair in each.

    Raises:
        ValueError: no multiple of the number of processes, or fewer than two samples for each.
    """
    if samples % size() or samples < 2 * size():
        wanted = f"a multiple of the {size()} processes and at least 2 samples for each"
        raise ValueError(f"batch_size must be {wanted}, got {samples}")


def start_alike(module: nn.Module) -> None:
    """Give every process the weights of the first one."""
    if size() > 1:
        for value in module.state_dict().values():
            _speaking(partial(dist.broadcast, value, src=0), 0)


def wait(step: int) -> None:
    """Wait until every process has come this far."""
    if size() > 1:
        _speaking(dist.barrier, step)


def average(tensors: list[Tensor], step: int) -> None:
    """Replace every tensor's content by its mean over the processes."""
    if size() == 1 or not tensors:
        return
    flat = torch.cat([t.flatten() for t in tensors])  # one message instead of hundreds
    _speaking(lambda: dist.all_reduce(flat), step)
    flat /= size()
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def _speaking(call: Callable[[], object], step: int) -> None:
    try:
        call()
    except RuntimeError as error:
        stopped = f"process {rank()} stops at step {step}"
        raise RuntimeError(f"another process of this training ended or hung; {stopped}") from error
