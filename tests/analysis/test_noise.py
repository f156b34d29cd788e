"""Gamma noise in the losses of one pair: where LearningLoss++ rests, and which part of a gradient is noise."""

import math

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from llpp_core.analysis import noise, objectives

SHAPES = [0.1, 0.5, 1.0, 4.0, 30.0, 1e3]
LOG_RATIOS = [-10.0, -1e-6, 0.0, 1e-6, 0.5, 2.0, 10.0, 40.0]
mp = mpmath.mp.clone()
mp.dps = 40


def share_moment(power: int, log_ratio: float, shape: float) -> mpmath.mpf:
    """E[p_i^power], by Euler's integral: with u = G_i / (G_i + G_j) ~ Beta(k, k), p_i = u e^r / (1 − u + u e^r)."""
    r, k = mp.mpf(log_ratio), mp.mpf(shape)
    weight = mp.beta(k + power, k) / mp.beta(k, k)
    return mp.exp(power * r) * weight * mp.hyp2f1(power, k + power, 2 * k + power, 1 - mp.exp(r))


def exact_gap(log_ratio: float, shape: float) -> mpmath.mpf:
    return mp.log(share_moment(1, log_ratio, shape) / share_moment(1, -log_ratio, shape))


def simulated_losses(log_ratio: float, shape: float, draws: int, samples: int = 2, seed: int = 0) -> np.ndarray:
    """(samples, draws) losses μG, the first half with μ = e^r, the others with μ = 1."""
    losses = np.random.default_rng(seed).gamma(shape, 1 / shape, (samples, draws))
    losses[: samples // 2] *= np.exp(log_ratio)
    return losses


class TestOptimalGap:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_against_the_hypergeometric_function(self, shape: float) -> None:
        gaps = noise.optimal_gap(LOG_RATIOS, shape)
        assert isinstance(gaps, np.ndarray)
        for r, gap in zip(LOG_RATIOS, gaps, strict=True):
            # Near 0 a share of ½ has been rounded: the gap's error is a few times 1e-16, whatever its size.
            assert gap == pytest.approx(float(exact_gap(r, shape)), rel=1e-13, abs=5e-15)
            assert noise.optimal_gap(r, shape) == pytest.approx(gap, rel=1e-13, abs=5e-15)

    @pytest.mark.parametrize(
        ("shape", "log_ratio"), [(0.1, 2.0), (0.5, 10.0), (1.0, -0.5), (4.0, 2.0), (30.0, 10.0), (1e3, 2.0)]
    )
    def test_against_quadrature_over_the_noise(self, shape: float, log_ratio: float) -> None:
        # The density of the log-ratio of the noise, from the module's docstring, and both shares under it.
        quadrature = mpmath.mp.clone()
        quadrature.dps = 20
        k, r = quadrature.mpf(shape), quadrature.mpf(log_ratio)

        def mean(share):
            def integrand(x):
                density = quadrature.exp(-2 * k * quadrature.log(2 * quadrature.cosh(x / 2))) / quadrature.beta(k, k)
                return share(r + x) * density

            width = quadrature.sqrt(2 / k) + 1 / k
            ends = sorted({0, abs(r), *(c * width for c in (1, 3, 8, 20)), 60 / k + 60})
            return quadrature.quad(integrand, [*(-e for e in reversed(ends)), *ends[1:]])

        own = mean(lambda v: 1 / (1 + quadrature.exp(-v)))
        other = mean(lambda v: 1 / (1 + quadrature.exp(v)))
        assert abs(own + other - 1) < 1e-12
        assert noise.optimal_gap(log_ratio, shape) == pytest.approx(float(quadrature.log(own / other)), rel=1e-10)
        assert noise.expected_true_share(log_ratio, shape) == pytest.approx(float(own), rel=1e-10)

    @pytest.mark.parametrize("r", [-30.0, -2.0, -0.01, 0.1, 1.0, 2.0, 7.0, 30.0])
    def test_closed_form_at_shape_1(self, r: float) -> None:
        # E[p] = e^r (e^r − 1 − r) / (e^r − 1)², and the other's with −r.
        share = {s: mp.exp(s * r) * (mp.expm1(s * r) - s * r) / mp.expm1(s * r) ** 2 for s in (1, -1)}
        assert noise.expected_true_share(r, 1.0) == pytest.approx(float(share[1]), rel=1e-13)
        assert noise.optimal_gap(r, 1.0) == pytest.approx(float(mp.log(share[1] / share[-1])), rel=1e-12)

    def test_at_shape_one_half_it_is_half_of_the_log_ratio(self) -> None:
        r = np.linspace(-60, 60, 41)
        assert_allclose(noise.optimal_gap(r, 0.5), r / 2, rtol=1e-13, atol=1e-14)

    def test_numbers_of_the_book(self) -> None:
        gaps = [noise.optimal_gap(2.0, shape) for shape in (4.0, 1.0, 0.5)]
        assert [round(g, 2) for g in gaps] == [1.81, 1.35, 1.0]

    @pytest.mark.parametrize("shape", SHAPES)
    def test_slope_at_zero(self, shape: float) -> None:
        # The gap is odd, so r = 1e-3 shows its slope to within r².
        assert noise.optimal_gap(1e-3, shape) / 1e-3 == pytest.approx(2 * shape / (2 * shape + 1), rel=1e-6)
        assert noise.optimal_gap(0.0, shape) == 0.0

    @pytest.mark.parametrize("shape", [1.5, 4.0, 30.0])
    def test_far_out_it_trails_by_a_constant_above_shape_1(self, shape: float) -> None:
        assert 200.0 - noise.optimal_gap(200.0, shape) == pytest.approx(math.log(shape / (shape - 1)), rel=1e-10)

    @pytest.mark.parametrize("shape", [0.1, 0.5, 0.9])
    def test_far_out_it_keeps_the_kth_part_below_shape_1(self, shape: float) -> None:
        slope = (noise.optimal_gap(400.0, shape) - noise.optimal_gap(300.0, shape)) / 100
        assert slope == pytest.approx(shape, rel=1e-6)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_it_is_odd_rises_and_never_exceeds_the_log_ratio(self, shape: float) -> None:
        r = np.linspace(0.05, 30, 60)
        gap = noise.optimal_gap(r, shape)
        assert_allclose(noise.optimal_gap(-r, shape), -gap, rtol=1e-12)
        assert (np.diff(gap) > 0).all()
        assert (gap > 0).all()
        assert (gap < r).all()

    @pytest.mark.parametrize("r", [0.1, 2.0, 20.0])
    def test_less_noise_means_more_gap(self, r: float) -> None:
        gaps = [noise.optimal_gap(r, k) for k in (0.02, 0.1, 0.5, 0.9, 1.0, 1.1, 2.0, 4.0, 30.0, 1e3, 1e6)]
        assert (np.diff(gaps) > 0).all()
        assert gaps[-1] == pytest.approx(r, rel=1e-6)

    def test_beyond_what_a_share_can_hold(self) -> None:
        assert noise.optimal_gap(800.0, 4.0) == pytest.approx(800 - math.log(4 / 3), rel=1e-10)
        assert noise.optimal_gap(-5e3, 0.5) == pytest.approx(-2.5e3, rel=1e-12)


class TestBatches:
    R, SHAPE, DRAWS = 1.5, 0.8, 200_000

    @pytest.mark.parametrize("n", [2, 4, 6])
    def test_against_the_mean_shares_of_simulated_batches(self, n: int) -> None:
        losses = simulated_losses(self.R, self.SHAPE, self.DRAWS, n, seed=n)
        shares = losses / losses.sum(axis=0)
        own, other = shares[: n // 2].mean(axis=0), shares[n // 2 :].mean(axis=0)
        error = np.std(own / own.mean() - other / other.mean()) / math.sqrt(self.DRAWS)
        simulated = math.log(own.mean() / other.mean())
        assert error < 0.006
        assert simulated == pytest.approx(noise.optimal_gap(self.R, self.SHAPE, samples=n), abs=5 * error)
        assert abs(simulated - noise.optimal_gap(self.R, self.SHAPE, samples=n + 2)) > 5 * error

    def test_the_objective_of_four_samples_rests_there(self) -> None:
        # The derived gradient of the objective itself, at predictions (g, g, 0, 0): zero in the mean, and nowhere near.
        losses = simulated_losses(self.R, self.SHAPE, self.DRAWS, 4, seed=11)
        push = objectives.learning_loss_pp_batch(4).numpy("predicted_loss_1")
        gap = noise.optimal_gap(self.R, self.SHAPE, samples=4)
        for at, rests in ((gap, True), (noise.optimal_gap(self.R, self.SHAPE), False), (self.R, False)):
            pushes = push(at, at, 0.0, 0.0, *losses)
            error = pushes.std() / math.sqrt(self.DRAWS)
            assert (abs(pushes.mean()) < 5 * error) == rests

    def test_the_pair_of_noisy_losses_has_its_least_mean_loss_there(self) -> None:
        losses, loss = simulated_losses(self.R, self.SHAPE, 20_000, seed=3), objectives.learning_loss_pp().numpy()
        gaps = np.linspace(0, 3, 301)
        means = [loss(g, 0.0, *losses).mean() for g in gaps]
        # Curvature ¼ and a gradient of standard deviation ⅓ over 20,000 draws: 0.01.
        assert gaps[int(np.argmin(means))] == pytest.approx(noise.optimal_gap(self.R, self.SHAPE), abs=0.05)

    def test_more_samples_are_less_noise(self) -> None:
        gaps = [noise.optimal_gap(2.0, 1.0, samples=n) for n in (2, 4, 8, 200)]
        assert (np.diff(gaps) > 0).all()
        assert gaps[1] == pytest.approx(noise.optimal_gap(2.0, 2.0), rel=1e-14)
        assert gaps[-1] < 2

    @pytest.mark.parametrize("n", [-2, 0, 1, 3])
    def test_half_and_half_needs_an_even_number(self, n: int) -> None:
        with pytest.raises(ValueError, match=f"samples must be an even number from 2, got {n}"):
            noise.optimal_gap(1.0, 1.0, samples=n)


class TestExpectedTrueShare:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_against_the_hypergeometric_function(self, shape: float) -> None:
        for r in (*LOG_RATIOS, -40.0):
            assert noise.expected_true_share(r, shape) == pytest.approx(
                float(share_moment(1, r, shape)), rel=1e-12, abs=0
            )

    @pytest.mark.parametrize("shape", SHAPES)
    def test_both_shares_are_one(self, shape: float) -> None:
        r = np.linspace(-30, 30, 21)
        assert_allclose(noise.expected_true_share(r, shape) + noise.expected_true_share(-r, shape), 1, rtol=1e-14)

    def test_its_log_odds_are_the_optimal_gap(self) -> None:
        r = np.linspace(-8, 8, 9)
        assert_allclose(expit(noise.optimal_gap(r, 2.3)), noise.expected_true_share(r, 2.3), rtol=1e-13)


class TestProbabilityOfOrder:
    @pytest.mark.parametrize("shape", [0.3, 1.0, 4.0])
    def test_against_simulation(self, shape: float) -> None:
        losses = simulated_losses(0.7, shape, 200_000, seed=5)
        # Five standard errors of a share of 200,000.
        assert noise.probability_of_order(0.7, shape) == pytest.approx((losses[0] > losses[1]).mean(), abs=5 * 0.00112)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_symmetry_and_order(self, shape: float) -> None:
        r = np.linspace(-3, 3, 13)
        right = noise.probability_of_order(r, shape)
        assert_allclose(right + noise.probability_of_order(-r, shape), 1, rtol=1e-13)
        assert right[6] == pytest.approx(0.5, rel=1e-14)
        assert (np.diff(right) >= 0).all()
        assert right[7] > 0.5

    def test_closed_form_at_shape_1(self) -> None:
        # Two exponential losses: P = μ_i / (μ_i + μ_j), which is the true share of their means.
        r = np.linspace(-40, 20, 31)
        assert_allclose(noise.probability_of_order(r, 1.0), expit(r), rtol=1e-12)

    @pytest.mark.parametrize(("r", "shape"), [(-5.0, 4.0), (0.3, 0.1), (1.0, 30.0), (-0.1, 1e3)])
    def test_against_the_incomplete_beta_function(self, r: float, shape: float) -> None:
        k, share = mp.mpf(shape), 1 / (1 + mp.exp(-mp.mpf(r)))
        exact = mp.betainc(k, k, 0, share, regularized=True)
        assert noise.probability_of_order(r, shape) == pytest.approx(float(exact), rel=1e-11)


class TestGradientVariance:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_at_equal_expected_losses(self, shape: float) -> None:
        hinge, divergence = noise.gradient_variance(0.0, shape)
        assert hinge == pytest.approx(1, rel=1e-13)
        assert divergence == pytest.approx(1 / (4 * (2 * shape + 1)), rel=1e-12)

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("r", [-3.0, 0.5, 2.0, 5.0])
    def test_against_the_hypergeometric_function(self, shape: float, r: float) -> None:
        k = mp.mpf(shape)
        right = mp.betainc(k, k, 0, 1 / (1 + mp.exp(-mp.mpf(r))), regularized=True)
        hinge, divergence = noise.gradient_variance(r, shape)
        assert hinge == pytest.approx(float(4 * right * (1 - right)), rel=1e-10, abs=1e-15)
        exact = share_moment(2, r, shape) - share_moment(1, r, shape) ** 2
        assert divergence == pytest.approx(float(exact), rel=1e-10)

    @pytest.mark.parametrize(("r", "shape"), [(0.4, 0.5), (1.2, 4.0), (-2.0, 1.0)])
    def test_against_the_gradients_of_simulated_pairs(self, r: float, shape: float) -> None:
        # At whatever predictions, so long as Learning Loss is inside of its margin.
        losses = simulated_losses(r, shape, 200_000, seed=7)
        pushes = (
            objectives.learning_loss().numpy("predicted_loss_i")(0.3, 0.1, *losses, 5.0),
            objectives.learning_loss_pp().numpy("predicted_loss_i")(0.3, 0.1, *losses),
        )
        for push, expected in zip(pushes, noise.gradient_variance(r, shape), strict=True):
            squares = (push - push.mean()) ** 2
            error = squares.std() / math.sqrt(squares.size)
            assert squares.mean() == pytest.approx(expected, abs=5 * error)
            assert error < 0.02 * expected

    def test_arrays_and_symmetry(self) -> None:
        r = np.array([[-4.0, -1.0, 0.0], [4.0, 1.0, 0.0]])
        for variance in noise.gradient_variance(r, 2.0):
            assert variance.shape == (2, 3)
            assert_allclose(variance[0], variance[1], rtol=1e-9)
        assert_allclose(noise.gradient_variance(r, 2.0)[1][0, 1], noise.gradient_variance(-1.0, 2.0)[1], rtol=1e-12)

    @pytest.mark.parametrize("r", [-40.0, -10.0, 10.0, 40.0])
    def test_digits_far_out(self, r: float) -> None:
        # Both are even in r; on one side they are 1 − P and p − E[p], which have lost their digits there.
        wrong = mp.betainc(4, 4, 0, 1 / (1 + mp.exp(abs(r))), regularized=True)
        share = [share_moment(power, -abs(r), 4.0) for power in (1, 2)]
        hinge, divergence = noise.gradient_variance(r, 4.0)
        assert hinge == pytest.approx(float(4 * wrong * (1 - wrong)), rel=1e-10, abs=0)
        assert divergence == pytest.approx(float(share[1] - share[0] ** 2), rel=1e-10, abs=0)


class TestErrors:
    FUNCTIONS = (noise.optimal_gap, noise.expected_true_share, noise.probability_of_order, noise.gradient_variance)

    @pytest.mark.parametrize("shape", [0.0, -1.0, math.nan, math.inf])
    def test_a_shape_that_is_none(self, shape: float) -> None:
        for function in self.FUNCTIONS:
            with pytest.raises(ValueError, match="must be above 0 and finite, got"):
                function(1.0, shape)

    @pytest.mark.parametrize("r", [math.nan, math.inf, [0.0, -math.inf]])
    def test_a_log_ratio_that_is_not_finite(self, r: object) -> None:
        for function in self.FUNCTIONS:
            with pytest.raises(ValueError, match="log_ratio must be finite, got"):
                function(r, 1.0)

    def test_scalars_give_floats_and_no_ratios_give_none(self) -> None:
        for function in self.FUNCTIONS[:3]:
            assert isinstance(function(0.5, 1), float)
            assert function([], 1.0).shape == (0,)
        assert all(isinstance(v, float) for v in noise.gradient_variance(0.5, 1))
