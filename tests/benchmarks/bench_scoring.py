"""What it costs to score a pool: beside the bare forward pass as the model is given, and beside the same pass on
images laid out channels last, as scoring lays them out; and in memory as the pool grows. *In turn*: single calls of the
two take turns. *Added peak memory* is what scoring adds to a fresh process that has its pool and has
scored 64 samples of it, as Linux measures it.
"""

import subprocess
import sys
from dataclasses import replace
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
    "64 px, small": (64, 1, 48, 1024, 64),
    "128 px, small": (128, 1, 64, 96, 16),
    "256 px, the paper's": (256, 2, 256, 8, 4),
}
"""Side of the crops, stacks and channels of the hourglass, images, batch size."""
WAYS = ["bare forward pass", "bare, channels last", "a pool without labels", "with labels, and true losses"]
PROMISED = 1.08
MEBIBYTES = 64.0  # whatever the pool's size


def model_and_heads(size: int, stacks: int, channels: int):
    with seeded(0):
        model = StackedHourglass(14, stacks, channels).eval()
    return model, heads_of.paper_heads(model, size)


@torch.no_grad()
def forward(model, data, batch_size: int, layout: torch.memory_format = torch.contiguous_format) -> None:
    for part in data.images.split(batch_size):
        model(as_input(part).contiguous(memory_format=layout))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", MODELS)
def test_scoring(benchmark, way: str, kind: str) -> None:
    size, stacks, channels, n, batch_size = MODELS[kind]
    benchmark.group = f"joints and three predicted losses of {n} images, {kind} hourglass"
    model, heads = model_and_heads(size, stacks, channels)
    data = render_figures(n, 0, size=size)
    if "without" in way:
        data = replace(data, annotated=torch.zeros_like(data.annotated), visible=torch.zeros_like(data.visible))
    bare = partial(forward, model, data, batch_size)
    last = partial(forward, model, data, batch_size, torch.channels_last)
    score = partial(training.score, model, heads, data, batch_size=batch_size, progress=False)
    call = {"bare forward pass": bare, "bare, channels last": last}.get(way, score)
    benchmark.pedantic(call, rounds=5, warmup_rounds=1)
    if benchmark.stats is not None and call is score:
        benchmark.extra_info["ratio to bare, in turn"] = cost = ratio(score, bare, rounds=9)
        benchmark.extra_info["ratio to channels last, in turn"] = ratio(score, last, rounds=9)
        if "without" in way:
            assert cost <= PROMISED


def score_pool(n: int):
    """Return a call that scores n figures of 64 × 64 pixels, which exist already."""
    model, heads = model_and_heads(64, 1, 48)
    return partial(training.score, model, heads, render_figures(n, 0), progress=False)


@pytest.mark.benchmark(group="scoring a pool of 64 × 64 pixels, small hourglass")
@pytest.mark.parametrize("n", [512, 4096], ids=["512 images", "4,096 images"])
def test_pool(benchmark, n: int) -> None:
    scores = benchmark.pedantic(score_pool(n), rounds=3)
    assert len(scores.true_loss) == n
    if Path("/proc/self/clear_refs").exists():
        told = subprocess.run([sys.executable, __file__, str(n)], cwd=ROOT, capture_output=True, text=True, check=True)
        benchmark.extra_info["added peak memory, MiB"] = added = float(told.stdout)
        assert added < MEBIBYTES


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
