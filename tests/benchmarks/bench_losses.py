"""What a loss over pairs costs, forward and backward: all pairs beside halves, and beside a plain twin that makes an
index for every pair, on two threads. *Added peak memory* is what one call adds to a fresh process that has made the
same call on nine samples, as Linux measures it.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from llpp_core.losses import learning_loss, learning_loss_pp

ROOT = Path(__file__).resolve().parents[2]
SECONDS, MEBIBYTES = 1.0, 1024.0  # the promise for 4,096 samples on two cores


def plain_learning_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Eq. 1 as one would write it first: an index for every pair."""
    i, j = torch.triu_indices(len(true), len(true), 1)
    return F.relu(1 - torch.sign(true[i] - true[j]) * (predicted[i] - predicted[j])).mean()


def plain_learning_loss_pp(predicted: Tensor, true: Tensor) -> Tensor:
    """Eq. 3 as one would write it first: an index for every pair."""
    i, j = torch.triu_indices(len(true), len(true), 1)
    p = true[i] / (true[i] + true[j])
    gap = predicted[i] - predicted[j]
    return (p * (p.log() - F.logsigmoid(gap)) + (1 - p) * ((1 - p).log() - F.logsigmoid(-gap))).mean()


WAYS = {
    "LL all": partial(learning_loss, pairs="all"),
    "LL all, plain": plain_learning_loss,
    "LL halves": learning_loss,
    "LL++ all": partial(learning_loss_pp, pairs="all"),
    "LL++ all, plain": plain_learning_loss_pp,
    "LL++ halves": learning_loss_pp,
}


def call(way: str, n: int):
    generator = torch.Generator().manual_seed(0)
    predicted = torch.randn(n, generator=generator).requires_grad_()
    true = torch.rand(n, generator=generator) + 1e-3  # the plain twin gives NaN at 0

    def forward_and_backward() -> Tensor:
        predicted.grad = None
        WAYS[way](predicted, true).backward()
        return predicted.grad

    return forward_and_backward


def peak() -> float:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def added_by_one_call(way: str, n: int) -> float:
    call(way, 9)()
    once = call(way, n)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew at what is held now
    before = peak()
    once()
    return peak() - before


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [1024, 4096])
def test_pairs(benchmark, way: str, n: int) -> None:
    objective, _, kind = way.partition(" ")
    benchmark.group = f"{objective}, forward and backward over pairs among {n:,} samples"
    gradient = benchmark.pedantic(call(way, n), rounds=9, warmup_rounds=1)
    if kind == "all":
        torch.testing.assert_close(gradient, call(f"{way}, plain", n)(), rtol=1e-4, atol=1e-7)
        assert benchmark.stats is None or benchmark.stats.stats.min < SECONDS  # None with --benchmark-disable
    if Path("/proc/self/clear_refs").exists():
        told = subprocess.run(
            [sys.executable, __file__, way, str(n)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        benchmark.extra_info["added peak memory, MiB"] = added = float(told.stdout)
        assert kind != "all" or added < MEBIBYTES


if __name__ == "__main__":
    torch.set_num_threads(2)
    print(added_by_one_call(sys.argv[1], int(sys.argv[2])))
