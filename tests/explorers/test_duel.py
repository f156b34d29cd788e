"""The duel from Python's side: its course of training, and what a reader without scripts gets."""

import time

import pytest
from traitlets import TraitError

from llpp_core.analysis import objectives
from llpp_core.explorers import Duel
from llpp_core.explorers.duel import PRESETS
from llpp_core.explorers.landscape import PRESETS as LANDSCAPE_PRESETS


@pytest.fixture
def duel():
    explorer = Duel(step=40, **PRESETS["far apart (a, c)"])
    yield explorer
    explorer.close()


def test_training_is_the_descent_of_the_analysis(duel):
    state = {"true_loss_i": 0.45, "true_loss_j": 2.87}
    for objective, more in ((objectives.learning_loss(), {"margin": 1.0}), (objectives.learning_loss_pp(), {})):
        gaps = objectives.gap_under_descent(
            objective, 1.48 - 1.63, learning_rate=duel.learning_rate, steps=500, **state, **more
        )
        assert [i - j for i, j in duel.trained(objective.name)] == pytest.approx(list(gaps), abs=1e-12)
    i, j = duel.trained("LearningLoss++")[-1]
    assert i + j == pytest.approx(1.48 + 1.63)  # what one gains the other loses


def test_presets_are_the_pairs_of_the_landscape():
    for name, known in LANDSCAPE_PRESETS.items():
        i, j = PRESETS[name]["predicted_losses"]
        assert i - j == pytest.approx(known["predicted_gap"])
        assert {key: PRESETS[name][key] for key in ("true_loss_i", "true_loss_j")} == {
            key: known[key] for key in ("true_loss_i", "true_loss_j")
        }


def test_generated_functions_are_the_objectives_own():
    source = Duel.mathematics()
    for short, objective in (("LL", objectives.learning_loss()), ("PP", objectives.learning_loss_pp())):
        assert objective.javascript(f"loss{short}") in source
        for sample in ("i", "j"):
            assert objective.javascript(f"gradient{short}_{sample}", wrt=f"predicted_loss_{sample}") in source
    assert "return Math.log(true_loss_i/true_loss_j);" in source
    assert "return margin*Math.sign(true_loss_i - true_loss_j);" in source


def test_reader_without_scripts_gets_the_course_and_its_end(duel):
    rows = {row[0]: row[3:] for row in duel.table().rows}
    assert rows["near tie (a, b)"] == ["−0.04", "−0.03", "−1.03", "−0.04"]
    assert rows["far apart (a, c)"] == ["−1.85", "−0.15", "−1.05", "−1.85"] == rows["current pair"]
    assert rows["exact tie"] == ["0.00", "−0.03", "−0.03", "0.00"]
    text = duel.description()
    assert "After 40 steps, Learning Loss has gap −1.05, value 0 and gradients 0.000 and 0.000" in text
    assert "and LearningLoss++ has gap −1.00, value 0.0514 and gradients +0.132 and −0.132." in text
    assert duel.picture().count("<polyline") == 5  # two courses, the margin's two lines and the rest


def test_a_fraction_of_a_step_is_not_made(duel):
    whole = duel.description()
    duel.step = 40.9
    assert duel.description() == whole


def test_bad_values_are_refused():
    with pytest.raises(TraitError, match=r"Duel\.predicted_losses must have 2 numbers, got 3"):
        Duel(predicted_losses=[1, 2, 3])
    with pytest.raises(TraitError, match=r"true_loss_j must be a number from 0\.2 to 5, got 0"):
        Duel(true_loss_j=0)


def test_html_is_made_in_a_moment(duel):
    duel.html()  # the first one derives
    start = time.perf_counter()
    duel.html()
    assert time.perf_counter() - start < 0.3
