"""What it costs to score a pool: beside the bare forward pass (*ratio, in turn*: single calls of the two taking turns),
and in memory as the pool grows.

`extra_info["added peak memory, MiB"]` is what scoring adds to a fresh process that has its pool and has scored 64
samples of it, as Linux measures it.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from paired import ratio

from llpp_core import heads as heads_of
from llpp_core import training
from llpp_core.data import render_figures
from llpp_core.data.augment import as_input
from llpp_core.models import StackedHourglass, seeded

ROOT = Path(__file__).resolve().parents[2]
MODELS = {
    "64 px, small": (64, 1, 48, 256, 16),
    "128 px, small": (128, 1, 64, 96, 16),
    "256 px, the paper's": (256, 2, 256, 8, 4),
}
"""Side of the crops, stacks and channels of the hourglass, images, batch size."""
PROMISED = 1.08


def model_and_heads(size: int, stacks: int, channels: int):
    with seeded(0):
        model = StackedHourglass(14, stacks, channels).eval()
    return model, heads_of.paper_heads(model, size)


@torch.no_grad()
def forward(model, data, batch_size: int) -> None:
    for part in data.images.split(batch_size):
        model(as_input(part))


@pytest.mark.parametrize("way", ["bare forward pass", "joints, true losses, three predicted losses"])
@pytest.mark.parametrize("kind", MODELS)
def test_scoring(benchmark, way: str, kind: str) -> None:
    size, stacks, channels, n, batch_size = MODELS[kind]
    benchmark.group = f"scoring {n} images, {kind} hourglass"
    model, heads = model_and_heads(size, stacks, channels)
    data = render_figures(n, 0, size=size)
    bare = partial(forward, model, data, batch_size)
    score = partial(training.score, model, heads, data, batch_size=batch_size, progress=False)
    benchmark.pedantic(bare if way == "bare forward pass" else score, rounds=5, warmup_rounds=1)
    if benchmark.stats is not None and way != "bare forward pass":
        benchmark.extra_info["ratio, in turn"] = ratio(score, bare, rounds=9)
        if kind.startswith("256"):
            assert benchmark.extra_info["ratio, in turn"] <= PROMISED


def score_pool(n: int):
    """Return a call that scores n figures of 64 × 64 pixels, which exist already."""
    model, heads = model_and_heads(64, 1, 48)
    return partial(training.score, model, heads, render_figures(n, 0), progress=False)


@pytest.mark.benchmark(group="scoring a pool of 64 × 64 pixels, small hourglass")
@pytest.mark.parametrize("n", [512, 4096])
def test_pool(benchmark, n: int) -> None:
    scores = benchmark.pedantic(score_pool(n), rounds=3)
    assert len(scores.true_loss) == n
    if Path("/proc/self/clear_refs").exists():
        told = subprocess.run([sys.executable, __file__, str(n)], cwd=ROOT, capture_output=True, text=True, check=True)
        benchmark.extra_info["added peak memory, MiB"] = float(told.stdout)


def peak() -> float:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def added_by_scoring(n: int) -> float:
    score_pool(64)()
    score = score_pool(n)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew at what is held now
    before = peak()
    score()
    return peak() - before


if __name__ == "__main__":
    print(added_by_scoring(int(sys.argv[1])))
