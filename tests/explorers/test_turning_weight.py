"""The turning weight from Python's side: the paper's example, its texts, and where its JavaScript comes from."""

import re

import pytest

from llpp_core.analysis import objectives
from llpp_core.explorers import TurningWeight
from llpp_core.explorers.turning_weight import PRESETS


@pytest.fixture
def turning():
    made = []

    def make(**state):
        made.append(TurningWeight(**state))
        return made[-1]

    yield make
    for explorer in made:
        explorer.close()


def test_presets_are_the_papers_example_in_both_orders(turning):
    rows = {row[0]: row for row in turning().table().rows}
    for name, larger in (("paper: lᵢ < lⱼ", "j"), ("paper: lᵢ > lⱼ", "i")):
        example = objectives.worked_example(loss_i_is_larger=larger == "i")
        assert rows[name][3:5] == [str(example["loss"]), f"({', '.join(map(str, example['gradient']))})"]
    assert rows["paper: lᵢ < lⱼ"][3:5] == ["4", "(0, 1, 0)"]
    assert rows["paper: lᵢ > lⱼ"][3:5] == ["0", "(0, 0, 0)"]
    assert rows["current state"][1:] == rows["paper: lᵢ < lⱼ"][1:]  # it starts there


def test_every_preset_can_be_set(turning):
    explorer = turning()
    for preset in PRESETS.values():
        for name, value in preset.items():
            setattr(explorer, name, value)


def test_learning_loss_turns_w_until_the_gap_is_the_margin(turning):
    # Steps of 1 from a gap of 3 to −1: four of them, as in the chapter; further ones change nothing.
    for steps, turned in ((0, "(0, 3, 0)"), (1, "(0, 2, 0)"), (4, "(0, −1, 0)"), (100, "(0, −1, 0)")):
        said = turning(learning_rate=1, steps=steps).description()
        assert f"w is {turned} under Learning Loss" in said
    # log(1/2) = −0.693, the gap at which LearningLoss++ rests
    assert "(0, −0.693, 0) under LearningLoss++" in turning(learning_rate=1, steps=100).description()


def test_components_must_be_three_and_within_bounds(turning):
    from traitlets import TraitError

    with pytest.raises(TraitError, match=r"TurningWeight\.weights must have 3 numbers, got 2"):
        turning(weights=[1, 2])
    with pytest.raises(TraitError, match=r"theta_i must hold numbers from -3 to 3, got 4 at place 1"):
        turning(theta_i=[0, 4, 0])


def test_javascript_is_what_the_objectives_generate():
    source = TurningWeight.mathematics()
    for objective, name in (
        (objectives.learning_loss(), "LearningLoss"),
        (objectives.learning_loss_pp(), "LearningLossPP"),
    ):
        head = objective.with_linear_head(3)
        assert head.javascript(f"loss{name}") in source
        assert head.javascript(f"gradient{name}2", wrt="w_2") in source


def test_picture_has_both_weights_in_their_colors(turning):
    picture = turning(steps=10).picture()
    for color in ("--llpp-ll", "--llpp-pp"):
        assert re.search(rf'<path [^>]*stroke="var\({color}', picture)
