"""The three witnesses agree on the right gradient, and each of them exposes a wrong one."""

from dataclasses import replace

import pytest
import sympy as sp

from llpp_core import losses, witnesses
from llpp_core.analysis import objectives

CASES = {
    "Learning Loss": (objectives.learning_loss(), losses.learning_loss, {"margin": 0.7}),
    "LearningLoss++": (objectives.learning_loss_pp(), losses.learning_loss_pp, {}),
    "tempered": (objectives.learning_loss_pp_tempered(), losses.learning_loss_pp, {"alpha": 2.5}),
}


@pytest.mark.parametrize(("objective", "loss", "constants"), CASES.values(), ids=CASES)
def test_derivation_autograd_and_differences_agree(objective, loss, constants) -> None:
    found = witnesses.agreement(objective, loss, pairs=50, dimension=2, **constants)
    assert [a.vector for a in found] == ["w", "theta_i", "theta_j"]
    for a in found:
        assert a.largest > 0.5
        assert a.autograd < 1e-13
        assert a.differences < 1e-8


def test_a_derivation_of_another_sign_is_told_from_both() -> None:
    objective = objectives.learning_loss_pp()
    flipped = replace(
        objective, loss=objective.loss.subs(objectives.predicted_loss("i"), -objectives.predicted_loss("i"))
    )
    for a in witnesses.agreement(flipped, losses.learning_loss_pp, pairs=50):
        assert a.autograd > 0.1
        assert a.differences < 1e-8  # of its own loss it is the gradient


def test_another_loss_than_the_derived_one_is_told_from_autograd() -> None:
    for a in witnesses.agreement(objectives.learning_loss_pp(), losses.learning_loss, pairs=50):
        assert a.autograd > 0.1


def test_the_table_has_a_row_for_each_vector() -> None:
    rows = witnesses.table([witnesses.Agreement("theta_i", 1.25, 3e-16, 2e-10)]).splitlines()
    assert rows[-1] == r"| $\theta_i$ | 1.25 | 3e-16 | 2e-10 |"


def test_expected_learning_loss_is_the_mean_over_both_orders() -> None:
    gap, chance = sp.Symbol("g", real=True), sp.Symbol("pi", positive=True)
    mean = objectives.expected_learning_loss(gap, chance)
    value = objectives.learning_loss().numpy()
    for g in (-2.0, -0.3, 0.0, 0.4, 3.0):
        wanted = 0.7 * value(g, 0.0, 2.0, 1.0, 1.0) + 0.3 * value(g, 0.0, 1.0, 2.0, 1.0)
        assert float(mean.subs({gap: g, chance: 0.7, objectives.MARGIN: 1})) == pytest.approx(wanted, abs=1e-14)


@pytest.mark.parametrize("chance", ["0.51", "0.75", "1"])
def test_expected_learning_loss_is_least_at_the_margin_for_every_chance_above_a_half(chance: str) -> None:
    gap = sp.Symbol("g", real=True)
    mean = objectives.expected_learning_loss(gap, sp.Rational(chance)).subs(objectives.MARGIN, 2)
    values = {g: mean.subs(gap, g) for g in map(sp.Rational, ("-3", "-2", "-1", "0", "1", "1.9", "2", "2.1", "4"))}
    assert min(values, key=values.get) == 2
    assert chance == "1" or values[sp.Rational("2.1")] > values[2]
