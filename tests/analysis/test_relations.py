"""How the two objectives hang together: the exact relation of their gradients, and the hinge as a limit."""

import numpy as np
import pytest
import sympy as sp

from llpp_core.analysis import noise, objectives


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


def test_many_samples_at_once_aim_at_the_mean_loss_in_any_proportions() -> None:
    # Batches of 3,000 with a tenth, three tenths and six tenths of three kinds of image, and noise of three kinds that
    # is not gamma: the mean share of a kind, over its size, is proportional to its mean loss.
    rng = np.random.default_rng(0)
    sizes, means = np.array([300, 900, 1800]), np.array([5.0, 1.0, 0.3])
    noises = (rng.lognormal(-0.5, 1.0, (400, 300)), rng.uniform(0, 2, (400, 900)), rng.exponential(1.0, (400, 1800)))
    losses = np.concatenate([mean * noise for mean, noise in zip(means, noises, strict=True)], axis=1)
    shares = losses / losses.sum(axis=1, keepdims=True)
    parts = np.stack([part.sum(axis=1) for part in np.split(shares, np.cumsum(sizes)[:-1], axis=1)], axis=1)
    predicted = np.log(parts.mean(axis=0) / sizes)  # where q equals the mean share
    gaps = predicted - predicted[1]
    np.testing.assert_allclose(gaps, np.log(means), atol=0.02)


def test_beyond_the_margin_the_noise_of_learning_loss_is_a_quarter() -> None:
    rng = np.random.default_rng(1)
    first, second = np.exp(1.0) * rng.standard_gamma(4.0, 400_000), rng.standard_gamma(4.0, 400_000)
    push = objectives.learning_loss().numpy("predicted_loss_i")
    right = float(noise.probability_of_order(1.0, 4.0))
    inside, beyond = (np.var(push(gap, 0.0, first, second, 1.0)) for gap in (0.5, 2.0))
    assert inside == pytest.approx(4 * right * (1 - right), rel=0.02)
    assert beyond == pytest.approx(right * (1 - right), rel=0.02)


def test_the_noise_of_a_clear_pair_keeps_its_digits_from_both_sides() -> None:
    # Far out 1 − p is e^(−r−x), with E e^(−x) = k/(k−1) and E e^(−2x) = k(k+1)/((k−1)(k−2)): for k = 4, 4/3 and 10/3.
    wanted = np.exp(-60.0) * (10 / 3 - 16 / 9)
    for log_ratio in (30.0, -30.0):
        assert noise.gradient_variance(log_ratio, 4.0)[1] == pytest.approx(wanted, rel=1e-6, abs=0)
