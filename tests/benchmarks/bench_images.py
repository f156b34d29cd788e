"""How fast images are made: figures drawn, and random views with heatmaps beside a plain twin that handles one image at
a time with Pillow and NumPy. *Ratio, in turn* is how many times as long the twin takes, single calls of the two taking
turns.

The twin makes the same views from the same random numbers, and is held to them.
"""

from functools import partial

import pytest
import torch
from paired import ratio
from plain_views import views_one_by_one

from llpp_core.data import heatmaps, render_figures
from llpp_core.data.augment import Augmentation, augment

SIZE, BATCH, PROMISED = 256, 16, 4
SETTINGS = Augmentation()


@pytest.fixture(scope="module")
def figures():
    return render_figures(BATCH, 0, size=SIZE)


def batched(figures, seed: int = 0):
    """Random views and their heatmaps, as training makes them."""
    generator = torch.Generator().manual_seed(seed)
    views, joints, known = augment(
        figures.images, figures.joints, figures.annotated,
        mirror=figures.mirror, settings=SETTINGS, generator=generator,
    )  # fmt: skip
    return views, heatmaps.draw(joints, known, SIZE)


def plain(figures, seed: int = 0):
    """The same an image and a joint at a time."""
    draws = torch.rand(BATCH, 8, generator=torch.Generator().manual_seed(seed)).numpy()
    return views_one_by_one(figures, range(BATCH), draws, SETTINGS)


@pytest.mark.benchmark(group=f"random views and heatmaps of {BATCH} images of 256 × 256 pixels")
@pytest.mark.parametrize("way", ["batched tensors", "plain: Pillow and NumPy, one by one"])
def test_views(benchmark, figures, way: str) -> None:
    one = batched if way == "batched tensors" else plain
    benchmark.pedantic(one, args=(figures,), rounds=15, warmup_rounds=2)
    views, maps = batched(figures)
    twin_views, twin_maps, _ = plain(figures)
    assert (views - twin_views).abs().median() < 0.005  # Pillow rounds to whole gray levels, 1/64 of the models' unit
    assert (views - twin_views).abs().quantile(0.95) < 0.03
    torch.testing.assert_close(maps, twin_maps, atol=1e-3, rtol=0)
    if benchmark.stats is not None:  # None with --benchmark-disable
        if one is plain:
            benchmark.extra_info["ratio, in turn"] = times = ratio(partial(plain, figures), partial(batched, figures))
            assert times >= PROMISED
        benchmark.extra_info["images a second"] = BATCH / benchmark.stats.stats.median


@pytest.mark.benchmark(group="1,024 figures of 64 × 64 pixels rendered")
@pytest.mark.parametrize("poses", ["everyday", "acrobatic"])
def test_rendered(benchmark, poses: str) -> None:
    benchmark.pedantic(render_figures, args=(1024, 0), kwargs={"poses": poses}, rounds=9, warmup_rounds=1)
    if benchmark.stats is not None:
        benchmark.extra_info["figures a second"] = 1024 / benchmark.stats.stats.median
