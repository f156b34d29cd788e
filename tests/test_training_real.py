"""Training on LSP itself, where the environment variable LLPP_DATA names its folder."""

import os
from pathlib import Path

import pytest

from llpp_core import heads as heads_of
from llpp_core import training
from llpp_core.data import PoseDataset, load_lsp
from llpp_core.data.augment import Augmentation
from llpp_core.metrics import pck, torso_length
from llpp_core.models import StackedHourglass, seeded

ROOT = os.environ.get("LLPP_DATA")
pytestmark = pytest.mark.skipif(not ROOT, reason="LLPP_DATA names no folder with lsp/")


def lsp(size: int) -> PoseDataset:
    return load_lsp(Path(ROOT or "") / "lsp", "train", size=size, progress=False)


def hourglass() -> StackedHourglass:
    with seeded(0):
        return StackedHourglass(14, 1, 64)


def test_32_images_are_learned_by_heart() -> None:
    data = lsp(128).subset(range(0, 992, 31))
    assert len(data) == 32
    model, as_they_are = hourglass(), Augmentation(flip=0.0, rotation=0.0, scale=0.0, shift=0.0, color=0.0)
    training.train(model, {}, data, training.TrainingConfig(epochs=150, augmentation=as_they_are), progress=False)
    scores = training.score(model, {}, data, batch_size=16, progress=False)
    assert pck(scores.joints, data.joints, data.annotated, torso_length(data)).mean >= 0.95


def test_losses_fall() -> None:
    model = hourglass()
    heads = heads_of.paper_heads(model, 64)
    history = training.train(model, heads, lsp(64), training.TrainingConfig(epochs=3), progress=False)
    for losses in (history.task_loss, history.true_loss):
        assert losses[-1] < 0.9 * losses[0]
    for name in ("LL++", "LL++conv"):
        assert history.objective[name][-1] < history.objective[name][0], name
