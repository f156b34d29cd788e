"""How the two objectives hang together: the exact relation of their gradients, and the hinge as a limit."""

import numpy as np
import pytest
import sympy as sp

from llpp_core.analysis import objectives


@pytest.mark.parametrize("sample", ["i", "j"])
@pytest.mark.parametrize(("l_i", "l_j"), [(3, 1), (1, 3)])
def test_learning_loss_pp_pushes_as_learning_loss_does_times_the_shortfall_of_the_share(sample, l_i, l_j) -> None:
    losses = {objectives.true_loss("i"): l_i, objectives.true_loss("j"): l_j}
    active = objectives.learning_loss().loss.args[0].expr  # inside the margin
    name = f"predicted_loss_{sample}"
    hinge = sp.diff(active, objectives.predicted_loss(sample)).subs(losses)
    shortfall = objectives.true_share("i") - objectives.predicted_share("i")
    relation = sp.sign(l_i - l_j) * shortfall * hinge
    difference = objectives.learning_loss_pp().gradient(name) - relation
    assert sp.simplify(difference.subs(losses).rewrite(sp.exp)) == 0


def test_they_pull_in_opposite_directions_exactly_between_the_optimum_and_the_margin() -> None:
    gaps = np.linspace(-2, 2, 401) + 1e-4
    first = objectives.learning_loss().numpy("predicted_loss_i")(gaps, 0.0, 1.5, 1.0, 1.0)
    second = objectives.learning_loss_pp().numpy("predicted_loss_i")(gaps, 0.0, 1.5, 1.0)
    np.testing.assert_array_equal(first * second < 0, (gaps > np.log(1.5)) & (gaps < 1.0))
    np.testing.assert_array_equal(first == 0, gaps >= 1.0)


@pytest.mark.parametrize("epsilon", [1.0, 0.1, 1e-3])
def test_the_hinge_is_the_sharp_end_of_the_shifted_logistic_loss(epsilon: float) -> None:
    gaps = np.linspace(-5, 5, 2001)
    soft = epsilon * np.logaddexp(0, (0.75 - gaps) / epsilon)
    hinge = np.array([float(objectives.learning_loss().numpy()(g, 0.0, 2.0, 1.0, 0.75)) for g in gaps])
    assert np.abs(soft - hinge).max() == pytest.approx(epsilon * np.log(2), rel=1e-9)  # at the corner, and nowhere more
