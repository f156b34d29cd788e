"""The gamma distribution fitted to true losses: right parameters, honest intervals, an honest p-value, clear errors."""

import math
import re

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import polygamma

from llpp_core.analysis.gamma_pairs import GammaFit, fit

SCALE = 0.066  # the paper's Fig. 3: k = 4, Θ = 0.066


def simulated(shape: float, count: int, seed: int, scale: float = SCALE) -> np.ndarray:
    return np.random.default_rng(seed).gamma(shape, scale, count)


def quick(losses, **options) -> GammaFit:
    """A fit whose p-value does not matter."""
    return fit(losses, **{"samples": 1, **options})


@pytest.mark.parametrize("shape", [0.05, 0.5, 4.0, 107.0, 3e4])
@pytest.mark.parametrize("count", [2, 3, 40, 5_000])
def test_the_fit_is_the_maximum_of_the_likelihood(shape: float, count: int) -> None:
    losses = simulated(shape, count, 5)
    found = quick(losses)
    # Both derivatives of the log-likelihood are 0: Θ = mean/k, and log k − ψ(k) = log mean − mean log.
    assert_allclose(found.shape * found.scale, losses.mean(), rtol=1e-12)
    with mp.workdps(40):
        k, exact = mp.mpf(found.shape), [mp.mpf(x) for x in losses]
        spread = mp.log(mp.fsum(exact) / count) - mp.fsum(mp.log(x) for x in exact) / count
        error = (mp.log(k) - mp.digamma(k) - spread) / (1 / k - mp.polygamma(1, k)) / k
    assert abs(error) < 1e-10
    k = found.shape
    at_fit = stats.gamma.logpdf(losses, k, scale=found.scale).sum()
    for factor in (0.99, 1.01):
        assert at_fit > stats.gamma.logpdf(losses, k * factor, scale=found.scale / factor).sum()
        assert at_fit > stats.gamma.logpdf(losses, k * factor, scale=found.scale).sum()


@pytest.mark.parametrize("shape", [0.3, 1.0, 4.0, 107.0])
def test_scipy_agrees(shape: float) -> None:
    losses = simulated(shape, 700, 1)
    k, location, scale = stats.gamma.fit(losses, floc=0)
    found = quick(losses)
    assert location == 0
    assert_allclose([found.shape, found.scale], [k, scale], rtol=1e-6)
    exact = stats.kstest(losses, stats.gamma(found.shape, scale=found.scale).cdf).statistic
    assert_allclose(found.distance, exact, rtol=1e-12)


@pytest.mark.parametrize("c", [1e-30, 1e-3, 7.0, 1e30])
def test_another_unit_changes_the_scale_alone(c: float) -> None:
    losses = simulated(4.0, 300, 2)
    here, there = fit(losses, samples=39), fit(c * losses, samples=39)
    assert_allclose(there.shape, here.shape, rtol=1e-11)
    assert_allclose(there.scale, c * here.scale, rtol=1e-11)
    assert_allclose(there.shape_interval, here.shape_interval, rtol=1e-11)
    assert_allclose(there.scale_interval, np.multiply(c, here.scale_interval), rtol=1e-11)
    assert_allclose(there.distance, here.distance, rtol=1e-9)
    assert there.p_value == here.p_value


def test_order_and_arrangement_do_not_matter() -> None:
    losses = simulated(4.0, 60, 3)
    here = fit(losses, samples=19)
    for there in (fit(losses[::-1], samples=19), fit(losses.reshape(6, 10), samples=19), fit(list(losses), samples=19)):
        assert_allclose([there.shape, there.scale, there.distance], [here.shape, here.scale, here.distance], rtol=1e-12)


@pytest.mark.parametrize("shape", [0.7, 4.0])
@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_the_intervals_hold_the_truth_as_often_as_they_say(shape: float, confidence: float) -> None:
    # 200 simulated samples; the counts lie in the central 99.9 % of the binomial distribution.
    simulations = 200
    fits = [quick(simulated(shape, 400, seed), confidence=confidence) for seed in range(simulations)]
    low, high = stats.binom.interval(0.999, simulations, confidence)
    for name, truth in (("shape", shape), ("scale", SCALE)):
        intervals = [getattr(one, f"{name}_interval") for one in fits]
        held = sum(a <= truth <= b for a, b in intervals)
        assert low <= held <= high, f"{name}: {held} of {simulations}"
    found = np.log([[one.shape, one.scale] for one in fits])
    error = found.mean(axis=0) - np.log([shape, SCALE])
    assert (np.abs(error) < 4 * found.std(axis=0) / np.sqrt(simulations) + 3 / 400).all()  # bias of order 1/n


def test_the_interval_is_as_wide_as_the_information_says() -> None:
    losses = simulated(4.0, 250, 4)
    found = quick(losses, confidence=0.9)
    k, theta = found.shape, found.scale
    information = len(losses) * np.array([[polygamma(1, k), 1 / theta], [1 / theta, k / theta**2]])
    spread = np.sqrt(np.diag(np.linalg.inv(information))) / [k, theta] * stats.norm.ppf(0.95)
    for value, interval, width in ((k, found.shape_interval, spread[0]), (theta, found.scale_interval, spread[1])):
        assert_allclose(interval, (value * np.exp(-width), value * np.exp(width)), rtol=1e-9)


def test_the_interval_narrows_with_the_sample_and_widens_with_confidence() -> None:
    def width(count: int, confidence: float) -> float:
        low, high = quick(simulated(4.0, count, 0), confidence=confidence).shape_interval
        return math.log(high / low)

    assert width(10_000, 0.95) == pytest.approx(width(100, 0.95) / 10, rel=0.02)
    assert width(100, 0.99) == pytest.approx(width(100, 0.95) * 2.5758 / 1.96, rel=1e-4)


@pytest.mark.parametrize("shape", [0.05, 0.5, 4.0])
def test_the_p_value_is_uniform_for_gamma_losses(shape: float) -> None:
    values = [fit(simulated(shape, 80, seed), samples=59, seed=seed).p_value for seed in range(150)]
    assert stats.kstest(values, "uniform").pvalue > 0.01
    assert 0.01 <= np.mean(np.array(values) <= 0.05) <= 0.11


def test_the_p_value_is_small_for_other_losses() -> None:
    rng = np.random.default_rng(0)
    for losses in (rng.lognormal(0, 1, 500), 1 + rng.gamma(1, 1, 500), rng.uniform(0.1, 1, 800)):
        assert fit(losses, samples=99).p_value <= 0.02
    assert fit(simulated(4.0, 500, 0), samples=99).p_value > 0.05


def test_the_p_value_is_a_share_of_the_samples_and_follows_the_seed() -> None:
    losses = simulated(4.0, 50, 8)
    values = {seed: fit(losses, samples=49, seed=seed).p_value for seed in range(6)}
    assert values[3] == fit(losses, samples=49, seed=3).p_value
    assert len(set(values.values())) > 1
    for value in values.values():
        assert round(value * 50) == pytest.approx(value * 50)
        assert 1 / 50 <= value <= 1
    state = np.random.get_state()[1].copy()  # noqa: NPY002 — the global state must stay as it was
    fit(losses, samples=5)
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_what_a_fit_says() -> None:
    losses = simulated(4.0, 1_500, 6)
    found = fit(losses, confidence=0.9, samples=99)
    assert (found.count, found.confidence) == (1_500, 0.9)
    assert found.shape_interval[0] < found.shape < found.shape_interval[1]
    assert found.scale_interval[0] < found.scale < found.scale_interval[1]
    said = found.statement()
    assert "\n" not in said
    for shown in (f"{found.shape:.3g}", f"{found.scale:.3g}", "1,500", "90%", f"p = {found.p_value:.2g}"):
        assert shown in said
    assert all(isinstance(v, float) for v in (found.shape, found.scale, found.distance, found.p_value))
    other = fit(np.random.default_rng(0).lognormal(0, 1, 500), samples=99).statement()
    assert re.search(r"\bnot gamma distributed", other)
    assert not re.search(r"\bnot gamma distributed", said)
    with pytest.raises(AttributeError):
        found.shape = 3.0  # type: ignore[misc]


@pytest.mark.parametrize(
    "losses",
    [
        [1.0, 2.0],
        [1e-300, 1e-299, 3e-299],
        [1e300, 1e303],
        [1e-200, 1.0, 1e200],
        [5e-324, 1e280],
        [1.0, 1.0 + 1e-6],
        [1, 2, 3],
    ],
    ids=str,
)
def test_extreme_losses_have_a_finite_fit(losses: list[float]) -> None:
    found = fit(losses, samples=9)
    numbers = [found.shape, found.scale, *found.shape_interval, *found.scale_interval, found.distance, found.p_value]
    assert np.isfinite(numbers).all()
    assert min(numbers) > 0
    assert found.shape_interval[0] <= found.shape <= found.shape_interval[1]
    # The shape of the fit follows the coefficient of variation where that is small.
    variation = np.std(np.array(losses) / max(losses)) / np.mean(np.array(losses) / max(losses))
    if 1e-7 < variation < 1e-2:
        assert_allclose(found.shape, variation**-2, rtol=1e-3)


@pytest.mark.parametrize("spread", [1e-7, 1e-8, 1e-9, 1e-12, 2.3e-16])
@pytest.mark.parametrize("samples", [1, 9])
def test_losses_nearly_alike_have_a_fit_or_are_an_error(spread: float, samples: int) -> None:
    losses = np.array([1.0 - spread, 1.0 + spread, 1.0, 1.0])  # variance spread² / 2
    try:
        found = fit(losses, samples=samples)
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = ""
        # The smallest spread is one unit in the last place: its digits, and the mean's, are all rounding.
        factor = found.shape * spread**2 / 2
        assert 0.98 < factor < 1.02 or (spread < 1e-15 and 0.1 < factor < 10)
        assert 0 < found.shape_interval[0] < found.shape < found.shape_interval[1] < np.inf
        assert 0 < found.scale_interval[0] < found.scale < found.scale_interval[1] < np.inf
    assert not refusal or (spread < 1e-7 and "differ" in refusal)


@pytest.mark.parametrize(
    ("losses", "positions"),
    [
        ([1.0, -2.0, 3.0], [1]),
        ([0.0, 2.0, 3.0], [0]),
        ([1.0, 2.0, math.nan, 4.0, math.inf], [2, 4]),
        ([-math.inf, 2.0], [0]),
        ([[1.0, 2.0], [3.0, -0.0]], [3]),
    ],
)
def test_a_loss_that_is_none_is_an_error_that_names_its_position(losses, positions: list[int]) -> None:
    with pytest.raises(ValueError, match="position") as error:
        fit(losses)
    assert [int(p) for p in re.findall(r"\d+", str(error.value).split("position")[1])] == positions


def test_a_long_list_of_wrong_positions_is_cut() -> None:
    with pytest.raises(ValueError, match="position") as error:
        fit(np.concatenate([[1.0, 2.0], -np.ones(10_000)]))
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("losses", [[], [1.0], [[2.0]]])
def test_fewer_than_two_losses_are_an_error(losses) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        fit(losses)


@pytest.mark.parametrize("losses", [[1.0, 1.0], [0.3] * 50, [1e-300] * 3])
def test_losses_all_alike_are_an_error(losses) -> None:
    with pytest.raises(ValueError, match="differ"):
        fit(losses)


@pytest.mark.parametrize("options", [{"confidence": c} for c in (0.0, 1.0, -0.5, 95.0, math.nan)] + [{"samples": 0}])
def test_settings_out_of_range_are_an_error(options) -> None:
    with pytest.raises(ValueError, match=next(iter(options)).rstrip("s")):
        fit([1.0, 2.0], **options)
