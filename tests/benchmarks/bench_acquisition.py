"""What it costs to choose what to label: k-center greedy and multi-peak entropy beside what one would write first,
which gives the same results.

The plain greedy loop takes one column of distances a pick, in float64 and from differences, by the fastest call that
torch has for it; the plain entropy goes through images and joints one by one, with SciPy. Both give the same results.
`extra_info["added peak memory, MiB"]` is what k-center greedy adds to a fresh process that has its embeddings.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from paired import ratio
from scipy.ndimage import maximum_filter
from scipy.special import entr, softmax
from torch import Tensor

from llpp_core.acquisition import k_center_greedy, multipeak_entropy
from llpp_core.data import heatmaps

ROOT = Path(__file__).resolve().parents[2]
LABELED, POOL, BUDGET, DIMENSIONS = 1_000, 10_000, 1_000, 256
IMAGES, JOINTS, SIDE = 128, 14, 64
PROMISED_GREEDY, PROMISED_ENTROPY = 3, 8


def embeddings(kind: str, n: int, seed: int) -> Tensor:
    """What a network's last layer may give: noise in all dimensions, or a few factors rectified."""
    generator = torch.Generator().manual_seed(seed)
    if kind == "normal":
        return torch.randn(n, DIMENSIONS, generator=generator)
    loadings = torch.randn(6, DIMENSIONS, generator=torch.Generator().manual_seed(0))
    return (torch.randn(n, 6, generator=generator) @ loadings).relu()


def plain_greedy(pool: Tensor, labeled: Tensor, budget: int) -> Tensor:
    distances = partial(torch.cdist, compute_mode="donot_use_mm_for_euclid_dist")
    pool, picked = pool.double(), torch.empty(budget, dtype=torch.long)
    nearest = torch.cat([distances(part, labeled.double()).amin(1) for part in pool.split(1_000)])
    for i in range(budget):
        picked[i] = nearest.argmax()
        nearest = torch.minimum(nearest, distances(pool, pool[picked[i], None])[:, 0])
        nearest[picked[i]] = -torch.inf
    return picked


@pytest.mark.parametrize("way", ["the plain loop", "k_center_greedy"])
@pytest.mark.parametrize("kind", ["normal", "six factors"])
def test_k_center_greedy(benchmark, way: str, kind: str) -> None:
    benchmark.group = f"k-center greedy, {BUDGET:,} of {POOL:,} in {DIMENSIONS} dimensions, {kind}"
    pool, labeled = embeddings(kind, POOL, 1), embeddings(kind, LABELED, 2)
    ways = {
        "the plain loop": partial(plain_greedy, pool, labeled, BUDGET),
        "k_center_greedy": partial(k_center_greedy, pool, labeled, BUDGET),
    }
    picked = benchmark.pedantic(ways[way], rounds=3)
    if benchmark.stats is None or way == "the plain loop":
        return
    assert torch.equal(picked, ways["the plain loop"]())
    benchmark.extra_info["times as fast, in turn"] = faster = ratio(ways["the plain loop"], ways[way], rounds=3)
    assert faster >= PROMISED_GREEDY


@pytest.mark.benchmark(group=f"k-center greedy in {DIMENSIONS} dimensions as the pool grows")
@pytest.mark.parametrize("n", [10_000, 40_000])
def test_memory(benchmark, n: int) -> None:
    pool, labeled = embeddings("normal", n, 1), embeddings("normal", LABELED, 2)
    benchmark.pedantic(partial(k_center_greedy, pool, labeled, BUDGET), rounds=1)
    if Path("/proc/self/clear_refs").exists():
        told = subprocess.run([sys.executable, __file__, str(n)], cwd=ROOT, capture_output=True, text=True, check=True)
        benchmark.extra_info["added peak memory, MiB"] = float(told.stdout)


def predicted_heatmaps() -> Tensor:
    """Three bumps a joint over a background of ripples, as a network leaves them."""
    generator = torch.Generator().manual_seed(0)
    annotated = torch.ones(IMAGES, JOINTS, dtype=torch.bool)
    joints = 4 * SIDE * torch.rand(3, IMAGES, JOINTS, 2, generator=generator)
    bumps = [heatmaps.draw(at, annotated, 4 * SIDE, sigma=1.5) / (i + 1) for i, at in enumerate(joints)]
    return torch.stack(bumps).sum(0) + 0.01 * torch.randn(IMAGES, JOINTS, SIDE, SIDE, generator=generator)


def plain_entropy(maps: Tensor) -> Tensor:
    scores = []
    for image in maps.numpy():
        entropies = []
        for one in image:
            peaks = one[one == maximum_filter(one, size=3, mode="constant", cval=-np.inf)]
            entropies.append(entr(softmax(30 * peaks)).sum())
        scores.append(np.mean(entropies))
    return torch.tensor(np.array(scores))


@pytest.mark.benchmark(group=f"multi-peak entropy of {IMAGES} images, {JOINTS} heatmaps of {SIDE} × {SIDE}")
@pytest.mark.parametrize("way", ["image by image", "multipeak_entropy", "multipeak_entropy, predicted in bfloat16"])
def test_multipeak_entropy(benchmark, way: str) -> None:
    maps = predicted_heatmaps()
    ways = {
        "image by image": partial(plain_entropy, maps),
        "multipeak_entropy": partial(multipeak_entropy, maps),
        "multipeak_entropy, predicted in bfloat16": partial(multipeak_entropy, maps.bfloat16()),
    }
    scores = benchmark.pedantic(ways[way], rounds=7, warmup_rounds=1)
    if benchmark.stats is None:
        return
    benchmark.extra_info["ms an image"] = 1e3 * benchmark.stats.stats.median / IMAGES
    if way == "multipeak_entropy":
        torch.testing.assert_close(scores.double(), ways["image by image"]().double(), rtol=1e-4, atol=1e-5)
        benchmark.extra_info["times as fast, in turn"] = faster = ratio(ways["image by image"], ways[way], rounds=9)
        assert faster >= PROMISED_ENTROPY


def peak() -> float:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def added_by_k_center_greedy(n: int) -> float:
    k_center_greedy(embeddings("normal", 64, 1), embeddings("normal", 64, 2), 32)
    pool, labeled = embeddings("normal", n, 1), embeddings("normal", LABELED, 2)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew at what is held now
    before = peak()
    k_center_greedy(pool, labeled, BUDGET)
    return peak() - before


if __name__ == "__main__":
    print(added_by_k_center_greedy(int(sys.argv[1])))
