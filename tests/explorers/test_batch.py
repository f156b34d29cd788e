"""The batch lab from Python's side: its gradients beside torch's, the pairings, what a reader without scripts gets."""

import itertools
import time

import numpy as np
import pytest
import torch
from traitlets import TraitError

from llpp_core import losses
from llpp_core.analysis import objectives
from llpp_core.explorers import BatchLab
from llpp_core.explorers.batch import PAIRINGS, PRESETS, SAMPLES, pairs_of


@pytest.fixture
def lab():
    made = []

    def make(**state):
        made.append(BatchLab(**state))
        return made[-1]

    yield make
    for explorer in made:
        explorer.close()


def gradient(explorer, loss):
    """What torch makes of a loss of the predicted and true losses."""
    predicted = torch.tensor(explorer.predicted_losses, dtype=torch.float64, requires_grad=True)
    loss(predicted, torch.tensor(explorer.true_losses, dtype=torch.float64)).backward()
    return predicted.grad.numpy()


def of_pairs(explorer):
    """A function that gives a loss over pairs of indices, or over "all"."""
    if explorer.objective == "Learning Loss":
        return lambda pairs: lambda p, t: losses.learning_loss(p, t, margin=explorer.margin, pairs=pairs)
    return lambda pairs: lambda p, t: losses.learning_loss_pp(p, t, pairs=pairs)


def test_the_pairings_are_all_there_are_and_each_once():
    ways = {frozenset(map(frozenset, pairs_of(n))) for n in range(PAIRINGS)}
    assert len(ways) == PAIRINGS == 105
    assert all(sorted(itertools.chain(*pairs_of(n))) == list(range(8)) for n in range(PAIRINGS))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("objective", ["LearningLoss++", "Learning Loss"])
def test_gradients_are_those_of_the_torch_objectives(lab, preset, objective):
    explorer = lab(objective=objective, pairing=43, margin=0.7, **PRESETS[preset])
    over = of_pairs(explorer)
    halves = gradient(explorer, over(torch.tensor(pairs_of(43))))
    assert explorer.pushes().now == pytest.approx(halves, abs=1e-12)
    every = np.array([gradient(explorer, over(torch.tensor(pairs_of(n)))) for n in range(PAIRINGS)])
    assert explorer.pushes().mean == pytest.approx(every.mean(axis=0), abs=1e-12)
    assert explorer.pushes().deviation == pytest.approx(every.std(axis=0), abs=1e-12)
    explorer.scheme = "all pairs"
    assert explorer.pushes().now == pytest.approx(gradient(explorer, over("all")), abs=1e-12)
    assert explorer.pushes().now == pytest.approx(explorer.pushes().mean, abs=1e-12)


def test_all_at_once_is_the_objective_over_the_batch(lab):
    explorer = lab(scheme="all at once", objective="Learning Loss")
    assert explorer.pushes().now == pytest.approx(gradient(explorer, losses.learning_loss_pp_batch), abs=1e-12)
    assert explorer.compared() == "LearningLoss++"
    assert explorer.pushes().mean == pytest.approx(lab().pushes().mean)


def test_generated_functions_are_the_objectives_own():
    source = BatchLab.mathematics()
    for name, objective, wrt in (
        ("gradientLL", objectives.learning_loss(), "predicted_loss_i"),
        ("gradientPP", objectives.learning_loss_pp(), "predicted_loss_i"),
        ("gradientAtOnce", objectives.learning_loss_pp_batch(8), "predicted_loss_1"),
    ):
        assert objective.javascript(name, wrt=wrt) in source


def test_reader_without_scripts_gets_every_sample(lab):
    explorer = lab()
    assert [row[0] for row in explorer.table().rows] == list(SAMPLES)
    assert explorer.table().rows[0] == ["a", "0.3", "+0.40", "+0.059", "+0.094", "0.034"]
    text = explorer.description()
    assert "over four pairs, ac, bd, eg, fh: a +0.059, b −0.013" in text
    assert "is 0.162 long in the mean, which is what all pairs give, and deviates from that by 0.142." in text
    assert explorer.picture().count("<circle") == 8


def test_html_is_made_at_once(lab):
    explorer = lab()
    explorer.html()
    start = time.perf_counter()
    explorer.html()
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"true_losses": [1.0] * 7}, "BatchLab.true_losses must have 8 numbers, got 7"),
        ({"predicted_losses": [0.0] * 7 + [3.0]}, "must hold numbers from -2 to 2, got 3.0 at place 7"),
        ({"scheme": "some"}, "BatchLab.scheme must be one of 'halves', 'all pairs', 'all at once', got 'some'"),
        ({"pairing": 105}, "pairing"),
    ],
)
def test_wrong_values_are_named(state, said):
    with pytest.raises(TraitError, match=said):
        BatchLab(**state)
