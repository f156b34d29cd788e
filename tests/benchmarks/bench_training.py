"""What training costs: beside a plain loop around the same model, and with four predictors beside none. The plain loop
is what one would write first: views one image at a time with Pillow and NumPy, then forward, weighted squared error,
backward and a step of Adam. *Ratio, in turn* compares with the row above, single calls of the two taking turns: it does
not drift with the machine.

The plain loop's Adam is the fused one, as `train`'s is, and its images come channels last, as `train`'s do: what is
compared is the loop.
"""

from functools import partial

import pytest
import torch
from paired import ratio
from plain_views import views_one_by_one

from llpp_core import heads as heads_of
from llpp_core import training
from llpp_core.data import render_figures
from llpp_core.losses import learning_loss_pp
from llpp_core.models import ConvPredictor, StackedHourglass, seeded
from llpp_core.training.true_loss import task_loss

SIZES = {"64 px": (64, 48, 256), "128 px": (128, 64, 96)}
"""Side of the crops, channels of an hourglass of one stack, images in an epoch."""
CONFIG = training.TrainingConfig(epochs=1)
PROMISED = 1.25


def hourglass(channels: int) -> StackedHourglass:
    with seeded(0):
        return StackedHourglass(14, 1, channels)


def four_heads(model: StackedHourglass, size: int) -> dict[str, heads_of.Head]:
    """The paper's three, and the convolutional one on all pairs."""
    heads = heads_of.paper_heads(model, size)
    conv = heads["LL++conv"]
    with seeded(1):
        predictor = ConvPredictor(
            [info.channels for info in model.feature_info], [size // info.stride for info in model.feature_info]
        )
    return heads | {
        "LL++conv, all pairs": heads_of.Head(predictor, partial(learning_loss_pp, pairs="all"), conv.features)
    }


def plain_epoch(model: StackedHourglass, data) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=CONFIG.learning_rate, fused=True)
    generator = torch.Generator().manual_seed(0)
    model.train()
    for rows in torch.randperm(len(data), generator=generator).split(CONFIG.batch_size):
        draws = torch.rand(len(rows), 8, generator=generator).numpy()
        views, maps, known = views_one_by_one(data, rows.tolist(), draws, CONFIG.augmentation)
        loss = task_loss(model(views).predictions, maps, known, foreground=CONFIG.foreground)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("way", ["a plain loop", "train, no predictor", "train, four predictors"])
@pytest.mark.parametrize("size", SIZES)
def test_training(benchmark, way: str, size: str) -> None:
    side, channels, n = SIZES[size]
    benchmark.group = f"an epoch of {n} images of {size} on a small hourglass"
    data = render_figures(n, 0, size=side)
    model = hourglass(channels)
    heads = four_heads(model, side)
    ways = {
        "a plain loop": partial(plain_epoch, model, data),
        "train, no predictor": partial(training.train, model, {}, data, CONFIG, progress=False),
        "train, four predictors": partial(training.train, model, heads, data, CONFIG, progress=False),
    }
    benchmark.pedantic(ways[way], rounds=5, warmup_rounds=1)
    if benchmark.stats is None:  # with --benchmark-disable
        return
    benchmark.extra_info["images a second"] = n / benchmark.stats.stats.median
    if way == "train, no predictor":
        benchmark.extra_info["ratio, in turn"] = cost = ratio(ways[way], ways["a plain loop"], rounds=15)
        assert cost <= 1.05  # not slower, but for what one run differs from the next
    if way == "train, four predictors":
        benchmark.extra_info["ratio, in turn"] = cost = ratio(ways[way], ways["train, no predictor"], rounds=9)
        assert cost <= PROMISED
