"""Gamma losses of a population: how much of both gradients near ties give, and what a correlation can be."""

import math

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import exp1

from llpp_core.analysis import noise, objectives
from llpp_core.analysis.gamma_pairs import probability_within

PAIRS = 400_000
mp = mpmath.mp.clone()
mp.dps = 25


def simulated_pairs(shape: float, scale: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(shape, scale, (2, PAIRS))


def within(gap: float, shape: float) -> mpmath.mpf:
    """P(|X − Y| ≤ gap) at scale 1: quadrature of the variance-gamma density."""
    k = mp.mpf(shape)
    nu, constant = k - mp.mpf(1) / 2, mp.sqrt(mp.pi) * mp.gamma(k) * 2 ** (k - mp.mpf(1) / 2)
    return 2 * mp.quad(lambda x: x**nu * mp.besselk(nu, x) / constant, mp.linspace(0, gap, 5))


def ratio_error(part: np.ndarray, whole: np.ndarray) -> float:
    """The standard error of Σ part / Σ whole over independent pairs."""
    return float(np.std(part - part.sum() / whole.sum() * whole) / whole.mean() / math.sqrt(len(whole)))


class TestTieShare:
    @pytest.mark.parametrize(
        ("shape", "scale", "gap", "margin"), [(4.0, 0.066, 0.1, 0.3), (0.7, 1.0, 0.2, 1.0), (1.0, 2.0, 3.0, 4.0)]
    )
    def test_against_the_updates_of_simulated_pairs(
        self, shape: float, scale: float, gap: float, margin: float
    ) -> None:
        # A predictor that knows the losses: which pairs does Learning Loss still move, and how close are those?
        losses = simulated_pairs(shape, scale, seed=1)
        push = objectives.learning_loss().numpy("predicted_loss_i")
        moved = push(*losses, *losses, margin) != 0
        tie = moved & (np.abs(losses[0] - losses[1]) <= gap)
        assert tie.sum() / moved.sum() == pytest.approx(
            noise.tie_share(gap, shape, scale, margin), abs=5 * ratio_error(tie, moved)
        )
        ignorant = push(np.zeros(PAIRS), np.zeros(PAIRS), *losses, margin) != 0
        assert ignorant.all()
        near = (np.abs(losses[0] - losses[1]) <= gap).mean()
        assert near == pytest.approx(noise.tie_share(gap, shape, scale), abs=5 * 0.5 / math.sqrt(PAIRS))

    @pytest.mark.parametrize(
        ("shape", "gap", "margin"), [(4.0, 1.5, 6.0), (0.7, 0.1, 0.5), (1.0, 1.0, 2.0), (30.0, 2.0, 9.0)]
    )
    def test_against_quadrature(self, shape: float, gap: float, margin: float) -> None:
        assert noise.tie_share(gap, shape, 1.0) == pytest.approx(float(within(gap, shape)), rel=1e-9)
        expected = float(within(gap, shape) / within(margin, shape))
        assert noise.tie_share(gap, shape, 1.0, margin) == pytest.approx(expected, rel=1e-9)
        assert noise.tie_share(2 * gap, shape, 2.0, 2 * margin) == pytest.approx(expected, rel=1e-9)

    def test_closed_form_at_shape_1(self) -> None:
        # |X − Y| is exponential.
        assert noise.tie_share(0.3, 1.0, 1.0, 1.2) == pytest.approx(math.expm1(-0.3) / math.expm1(-1.2), rel=1e-12)

    def test_limits(self) -> None:
        assert noise.tie_share(0.0, 4.0, 1.0, 2.0) == 0
        assert noise.tie_share(2.0, 4.0, 1.0, 2.0) == noise.tie_share(7.0, 4.0, 1.0, 2.0) == 1
        assert noise.tie_share(1e9, 4.0, 1.0) == pytest.approx(1, rel=1e-12)
        # So small a margin that the density is flat across it: the ratio of the two.
        assert noise.tie_share(1e-6, 4.0, 1.0, 4e-6) == pytest.approx(0.25, rel=1e-6)

    def test_a_smaller_margin_leaves_more_ties(self) -> None:
        shares = noise.tie_share(0.1, 4.0, 0.066, np.array([np.inf, 2.0, 0.5, 0.2, 0.1, 0.05]))
        assert (np.diff(shares) > -1e-15).all()
        assert shares[0] < shares[2] < shares[3] < shares[4]
        assert_allclose(shares[4:], 1, rtol=1e-15)
        assert shares[0] == pytest.approx(probability_within(0.1, 4.0, 0.066), rel=1e-12)

    @pytest.mark.parametrize("margin", [0.0, -1.0, math.nan, [1.0, 0.0]])
    def test_a_margin_that_is_none(self, margin: object) -> None:
        with pytest.raises(ValueError, match="margin must be above 0, got"):
            noise.tie_share(0.1, 4.0, 1.0, margin)

    @pytest.mark.parametrize("arguments", [(-0.1, 4.0, 1.0), (math.nan, 4.0, 1.0), (0.1, 0.0, 1.0), (0.1, 4.0, -1.0)])
    def test_other_arguments_out_of_range(self, arguments: tuple[float, ...]) -> None:
        with pytest.raises(ValueError, match="must be"):
            noise.tie_share(*arguments)


class TestSquaredGradientShare:
    @pytest.mark.parametrize(
        ("shape", "scale", "gap"), [(4.0, 0.066, 0.1), (0.5, 1.0, 0.2), (1.0, 2.0, 3.0), (30.0, 0.1, 0.6)]
    )
    def test_against_the_gradients_of_simulated_pairs(self, shape: float, scale: float, gap: float) -> None:
        losses = simulated_pairs(shape, scale, seed=2)
        near = np.abs(losses[0] - losses[1]) <= gap
        squares = objectives.learning_loss_pp().numpy("predicted_loss_i")(0.7, 0.7, *losses) ** 2
        expected = noise.squared_gradient_share(gap, shape, scale)
        assert (squares * near).sum() / squares.sum() == pytest.approx(
            expected, abs=5 * ratio_error(squares * near, squares)
        )
        # Learning Loss moves every pair by 1, so that there the same share is that of the ties: more.
        same = objectives.learning_loss().numpy("predicted_loss_i")(0.7, 0.7, *losses, 1.0) ** 2
        assert (same == 1).all()
        assert noise.tie_share(gap, shape, scale) > expected

    @pytest.mark.parametrize(
        ("shape", "gap"), [(0.1, 0.1), (0.5, 1e-3), (1.4, 1.0), (4.0, 1.5), (30.0, 10.0), (1e3, 40.0)]
    )
    def test_against_quadrature(self, shape: float, gap: float) -> None:
        # Over the share U = X / (X + Y) ~ Beta(k, k), where X + Y ~ γ(2k, 1) has to stay below gap / |2U − 1|.
        k, z = mp.mpf(shape), mp.mpf(gap)

        def below(s):
            return mp.gammainc(2 * k, 0, s, regularized=True) if s < 2 * k + 60 * mp.sqrt(2 * k) + 60 else mp.mpf(1)

        def mean(factor):
            # |2U − 1| = sin t; each half from its own end, and t = v⁵ takes away the singularity of small k.
            def from_tie(t):
                return mp.sin(t) ** 2 * mp.cos(t) ** (2 * k - 1) * factor(z / mp.sin(t))

            def from_extreme(v):
                t = v**5
                return 5 * v**4 * mp.cos(t) ** 2 * mp.sin(t) ** (2 * k - 1) * factor(z / mp.cos(t))

            marks = sorted({c * v for v in (1 / mp.sqrt(2 * k), z / (2 * k)) for c in (1, 4, 10)})
            ends = [mp.mpf(0), *(m for m in marks if m < 0.7), mp.pi / 4]
            return mp.quad(from_tie, ends) + mp.quad(from_extreme, [0, mp.mpf(1) / 2, mp.root(mp.pi / 4, 5)])

        expected = float(mean(below) / mean(lambda s: 1))
        assert noise.squared_gradient_share(gap, shape, 1.0) == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize("z", [1e-6, 0.1, 1.0, 5.0, 30.0])
    def test_closed_form_at_shape_1(self, z: float) -> None:
        # Beta(3/2, 1) has the distribution function x^(3/2), and S the density s e^−s.
        with mpmath.workdps(40):
            z_, tail = mpmath.mpf(z), mpmath.exp(-mpmath.mpf(z))
            exact = 1 - (1 + z_) * tail + z_**2 * tail - z_**3 * mpmath.e1(z_)
        assert noise.squared_gradient_share(z, 1.0, 1.0) == pytest.approx(float(exact), rel=1e-10)
        assert float(mpmath.e1(z)) == pytest.approx(exp1(z))

    @pytest.mark.parametrize("shape", [0.1, 1.0, 4.0, 1e3])
    def test_limits_order_and_scale(self, shape: float) -> None:
        shares = [noise.squared_gradient_share(z * shape, shape, 1.0) for z in (0.0, 1e-3, 0.1, 0.5, 1.0, 3.0, 1e4)]
        assert shares[0] == 0
        assert (np.diff(shares) > -1e-11).all()
        assert shares[-1] == pytest.approx(1, rel=1e-11)
        rescaled = noise.squared_gradient_share(0.5 * shape * 0.066, shape, 0.066)
        assert rescaled == pytest.approx(shares[3], rel=1e-12)

    def test_close_ties_of_a_steep_density_vanish_with_the_cube_of_the_gap(self) -> None:
        # For k > 3/2: E[S⁻³] z³ / (1.5 B(3/2, k)), S ~ γ(2k, 1).
        k = 4.0
        mean = math.gamma(2 * k - 3) / math.gamma(2 * k)
        beta = math.gamma(1.5) * math.gamma(k) / math.gamma(1.5 + k)
        assert noise.squared_gradient_share(1e-5, k, 1.0) == pytest.approx(mean * 1e-15 / (1.5 * beta), rel=1e-6, abs=0)

    def test_a_gap_far_below_the_losses(self) -> None:
        # k = 1: 1.5 z² but for z³ log z.
        assert noise.squared_gradient_share(1e-30, 1.0, 1.0) == pytest.approx(1.5e-60, rel=1e-9, abs=0)

    def test_a_shape_far_below_1(self) -> None:
        assert noise.squared_gradient_share(1e3, 1e-3, 1.0) == pytest.approx(1, rel=1e-9)

    @pytest.mark.parametrize("gap", [-1e-9, math.nan, math.inf])
    def test_a_gap_that_is_none(self, gap: float) -> None:
        with pytest.raises(ValueError, match="loss_gap must be finite and at least 0, got"):
            noise.squared_gradient_share(gap, 4.0, 1.0)

    @pytest.mark.parametrize(
        ("shape", "scale"), [(0.0, 1.0), (4.0, 0.0), (-1.0, 1.0), (4.0, math.nan), (math.inf, 1.0)]
    )
    def test_a_distribution_that_is_none(self, shape: float, scale: float) -> None:
        with pytest.raises(ValueError, match="shape and scale must be above 0 and finite, got"):
            noise.squared_gradient_share(0.1, shape, scale)


class TestPearsonAtOptimum:
    @pytest.mark.parametrize("shape", [0.5, 1.0, 4.0, 30.0])
    def test_against_simulation(self, shape: float) -> None:
        losses = np.random.default_rng(4).gamma(shape, 0.066, PAIRS)
        # At the optimum without noise l̂ = log l + c. The error of a correlation is at most 1/√n times a few.
        simulated = np.corrcoef(np.log(losses) + 3, losses)[0, 1]
        halves = [np.corrcoef(np.log(part), part)[0, 1] for part in np.split(losses, 20)]
        error = np.std(halves) / math.sqrt(20)
        assert error < 2e-3
        assert simulated == pytest.approx(noise.pearson_at_optimum(shape), abs=5 * error)

    @pytest.mark.parametrize("shape", [0.1, 0.5, 1.0, 4.0, 30.0])
    def test_against_quadrature(self, shape: float) -> None:
        k = mp.mpf(shape)

        def mean(f):
            # u = log l: E f = ∫ f e^(ku − e^u) du / Γ(k).
            ends = sorted([-90 / k, -30 / k, -5, 0, mp.log(k + 1), mp.log(k + 12 * mp.sqrt(k) + 60)])
            return mp.quad(lambda u: f(u, mp.exp(u)) * mp.exp(k * u - mp.exp(u)), ends) / mp.gamma(k)

        center = mean(lambda log, loss: log)
        covariance = mean(lambda log, loss: (log - center) * (loss - k))
        deviations = mp.sqrt(mean(lambda log, loss: (log - center) ** 2) * mean(lambda log, loss: (loss - k) ** 2))
        assert noise.pearson_at_optimum(shape) == pytest.approx(float(covariance / deviations), rel=1e-10)

    def test_limits_and_a_value_by_hand(self) -> None:
        assert noise.pearson_at_optimum(1.0) == pytest.approx(math.sqrt(6) / math.pi, rel=1e-14)  # ψ'(1) = π²/6
        assert noise.pearson_at_optimum(0.5) == pytest.approx(2 / math.pi, rel=1e-14)  # ψ'(½) = π²/2
        assert noise.pearson_at_optimum(1e6) == pytest.approx(1 - 1 / 4e6, rel=1e-12)
        assert noise.pearson_at_optimum(1e-6) == pytest.approx(1e-3, rel=1e-5)

    def test_it_rises_with_the_shape(self) -> None:
        values = noise.pearson_at_optimum(np.geomspace(1e-3, 1e3, 40))
        assert (np.diff(values) > 0).all()
        assert_allclose(values[0], noise.pearson_at_optimum(1e-3))

    @pytest.mark.parametrize("shape", [0.0, -1.0, math.nan, [1.0, 0.0]])
    def test_a_shape_that_is_none(self, shape: object) -> None:
        with pytest.raises(ValueError, match="shape must be above 0 and finite, got"):
            noise.pearson_at_optimum(shape)

    def test_an_infinite_shape_is_refused(self) -> None:
        with pytest.raises(ValueError, match="above 0 and finite, got inf"):
            noise.pearson_at_optimum(math.inf)
