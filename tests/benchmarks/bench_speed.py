"""Speed as ratios within one run (`make bench`): each group compares ways to do the same thing on the same machine."""

import pytest
import torch

from llpp_core import heads as heads_of
from llpp_core import training
from llpp_core.data import render_figures
from llpp_core.data.augment import Augmentation, as_input, augment
from llpp_core.models import StackedHourglass, seeded

SIZE, CHANNELS, SAMPLES = 64, 48, 128


@pytest.fixture(scope="module")
def figures():
    return render_figures(SAMPLES, 0, size=SIZE)


def hourglass():
    with seeded(0):
        return StackedHourglass(14, 1, CHANNELS)


@pytest.mark.benchmark(group="one epoch of 128 images")
@pytest.mark.parametrize("predictors", ["without predictors", "with three predictors"])
def test_an_epoch(benchmark, figures, predictors):
    model = hourglass()
    heads = heads_of.paper_heads(model, SIZE) if predictors == "with three predictors" else {}
    config = training.TrainingConfig(epochs=1)
    benchmark(training.train, model, heads, figures, config, progress=False)


@pytest.mark.benchmark(group="scoring 128 images")
@pytest.mark.parametrize("what", ["bare forward pass", "joints, true and predicted losses"])
def test_scoring(benchmark, figures, what):
    model = hourglass().eval()
    heads = heads_of.paper_heads(model, SIZE)

    @torch.no_grad()
    def forward():
        for part in figures.images.split(64):
            model(as_input(part))

    def score():
        training.score(model, heads, figures, progress=False)

    benchmark(forward if what == "bare forward pass" else score)


@pytest.mark.benchmark(group="images made")
@pytest.mark.parametrize("what", ["rendered", "augmented"])
def test_images(benchmark, figures, what):
    generator = torch.Generator().manual_seed(0)
    views = {"mirror": figures.mirror, "settings": Augmentation(), "generator": generator}

    def augmented():
        augment(figures.images, figures.joints, figures.annotated, **views)

    benchmark(augmented if what == "augmented" else lambda: render_figures(SAMPLES, 0, size=SIZE))
