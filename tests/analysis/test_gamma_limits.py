"""Where the statistics of gamma pairs end: gaps towards 0 and ∞, shapes and gaps far outside the promised rectangle.

The references are those of test_gamma_pairs.py.
"""

import runpy
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import erf, gammaln

from llpp_core.analysis.gamma_pairs import (
    expected_share,
    expected_share_large_gap,
    gap_density,
    probability_beyond_large_gap,
    probability_within,
    probability_within_small_gap,
)

PROMISED = 1e-9  # largest relative error
HERE = Path(__file__).parent
MAKE = runpy.run_path(str(HERE / "make_gamma_references.py"))
TABLE = np.genfromtxt(HERE / "gamma_references.csv", delimiter=",", names=True)
EXACT = {"within": probability_within, "share": expected_share, "density": gap_density}
ALL = [*EXACT.values(), probability_within_small_gap, probability_beyond_large_gap, expected_share_large_gap]
each = pytest.mark.parametrize("function", ALL, ids=lambda f: f.__name__)


def relative_error(value, wanted):
    return np.abs(np.asarray(value) / wanted - 1)


def rows(shape: float) -> np.ndarray:
    """The references of one shape, in ascending order of the gap."""
    return TABLE[TABLE["shape"] == shape]


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", sorted({0.1, 0.25, 0.4, 0.5, 1.0, 1.5, 4.0, 30.0, 100.0}))
def test_the_small_gap_form_is_the_limit(k: float) -> None:
    small = rows(k)[:4]  # 1e-6 … 1e-3
    error = relative_error(probability_within_small_gap(small["gap"], k, 1.0), small["within"])
    # The next term is smaller by z^{2k}, z^{1−2k}, z^{2k−1} or z², whichever is largest at that k.
    order = 2.0 if k >= 1.5 else 1.0 if k == 1 else 2.0 if k == 0.5 else 1 - 2 * k
    assert (error <= 3 * small["gap"] ** order * np.log(1 / small["gap"]) + 1e-12).all(), error
    assert error[0] <= error[-1]


@pytest.mark.parametrize("k", [0.1, 0.5, 1.0, 2.0, 4.0, 7.9])
def test_the_large_gap_forms_are_the_limits(k: float) -> None:
    # The next terms, by expanding (1 + x/z)^{k−1} and 1/(2x + z) under the integrals: 1 − P is larger than its leading
    # term by (k−1)(k+2)/2z, φ smaller by (k+3)/2z.
    large = rows(k)
    large = large[large["gap"] >= 10 * (1 + k)]
    assert len(large) >= 5
    z = large["gap"]
    for found, wanted, next_term in (
        (probability_beyond_large_gap(z, k, 1.0), large["beyond"], -(k - 1) * (k + 2) / 2),
        (expected_share_large_gap(z, k, 1.0), large["share"], (k + 3) / 2),
    ):
        excess = found / wanted - 1
        assert (np.abs(z * excess - next_term) <= (2 + k) ** 4 / z).all()
        assert abs(excess[-1]) <= abs(excess[0])


@pytest.mark.parametrize("k", [0.01, 0.1, 0.25, 0.4, 0.5 - 1e-6])
def test_the_share_of_a_tie_below_one_half_is_a_limit_of_its_own(k: float) -> None:
    # lim φ = ½ [1 − ∫_1^∞ (c²−1)^{k−1}/c dc / ∫_1^∞ (c²−1)^{k−1} dc] with c = 2X/z + 1; both are Beta functions.
    with mp.workdps(30):
        wanted = (1 - mp.beta(k, 1 - mp.mpf(k)) / mp.beta(k, mp.mpf(1) / 2 - k)) / 2
        gap = 1e-300
        near = MAKE["by_closed_form"](k, gap)["share"]
        assert abs(near / wanted - 1) < max(1e-12, 3 * gap ** (1 - 2 * k))
    assert relative_error(expected_share(0.0, k, 1.0), float(wanted)) <= PROMISED
    assert relative_error(expected_share(gap, k, 1.0), float(near)) <= PROMISED


def test_the_share_of_a_tie_from_one_half_on_is_a_half() -> None:
    assert_allclose(expected_share(0.0, np.array([0.5, 0.5 + 1e-6, 1.0, 4.0, 1e6]), 1.0), 0.5, rtol=0, atol=0)


def test_ties_and_endless_gaps() -> None:
    shapes = np.array([1e-3, 0.1, 0.5, 1.0, 4.0, 100.0, 1e6])
    assert np.array_equal(probability_within(0.0, shapes, 1.0), np.zeros(7))
    assert np.array_equal(probability_within(np.inf, shapes, 1.0), np.ones(7))
    assert np.array_equal(expected_share(np.inf, shapes, 1.0), np.zeros(7))
    assert np.array_equal(gap_density(np.inf, shapes, 1.0), np.zeros(7))
    tie = gap_density(0.0, shapes, 2.0)
    assert np.isposinf(tie[:3]).all()
    at_zero = np.exp(gammaln(shapes[3:] - 0.5) - gammaln(shapes[3:])) / np.sqrt(4 * np.pi) / 2.0
    assert_allclose(tie[3:], at_zero, rtol=1e-8)
    assert relative_error(gap_density(0.0, 1.0, 2.0), 0.25) < 1e-14


# --- outside the rectangle -------------------------------------------------------------------------------------------

FAR = [(1e-3, 1e-6), (1e-3, 2.0), (0.02, 1e-300), (0.3, 1e-40), (4.0, 1e-300), (1e4, 1e-3), (1e4, 150.0), (1e3, 90.0)]


@pytest.mark.parametrize(("k", "z"), FAR)
def test_beyond_the_rectangle_the_values_are_still_right(k: float, z: float) -> None:
    wanted = MAKE["by_closed_form"](k, z)
    for name, function in EXACT.items():
        assert relative_error(function(z, k, 1.0), float(wanted[name])) <= PROMISED, name


@pytest.mark.parametrize("k", [1e4, 1e6])
def test_a_large_shape_is_nearly_normal(k: float) -> None:
    # X − Y has variance 2k; the relative corrections are of order 1/k.
    z = np.array([0.01, 0.5, 1.0, 2.0]) * np.sqrt(2 * k)
    assert_allclose(probability_within(z, k, 1.0), erf(z / (2 * np.sqrt(k))), rtol=3 / k)
    assert_allclose(gap_density(z, k, 1.0), np.exp(-(z**2) / (4 * k)) / np.sqrt(4 * np.pi * k), rtol=5 / k)
    assert_allclose(1 - 2 * expected_share(z, k, 1.0), z / (2 * k), rtol=5 / k)


def test_a_tiny_shape_leaves_one_loss_of_the_pair() -> None:
    # k → 0: nearly all losses are nearly 0, so nearly all pairs are close, and the smaller of a gap is nothing.
    assert probability_within(1e-6, 1e-3, 1.0) > 0.96
    assert 0 < expected_share(1e-6, 1e-3, 1.0) < 1.1e-3


def assert_sense(function, values: np.ndarray, where: tuple) -> None:
    assert not np.isnan(values).any(), where
    # The leading term at k = ½ changes sign at z = 2 exp(1 − γ): it speaks of small gaps only.
    assert (values >= 0).all() or (function is probability_within_small_gap and where[0] == 0.5), where
    if function in (probability_within, expected_share):
        assert values.max() <= (1 if function is probability_within else 0.5), where


@each
def test_nothing_outside_the_rectangle_is_silent_nonsense(function) -> None:
    extremes = [0.0, 5e-324, 1e-310, 1e-300, 1e-9, 1.0, 1e5, 1e18, 1e308, np.inf]
    for k in (1e-300, 1e-10, 1e-3, 0.5 - 1e-12, 0.5, 0.5 + 1e-12, 1 - 1e-12, 1.0, 1 + 1e-12, 2.0, 1e4, 1e6):
        assert_sense(function, function(extremes, k, 1.0), (k, 1.0))
    for scale in (5e-324, 1e-300, 1e300):
        assert_sense(function, np.array([function(gap, 0.7, scale) for gap in extremes]), (0.7, scale))
    # Enough gaps near each end for interpolation.
    near = np.linspace(1, 1.001, 120)
    ends = (end * near for end in (1e-300, 1e-15, 1e5, 1e300, 1.5e308))
    many = np.concatenate([[0.0, np.inf], 5e-324 * np.arange(1, 200), *ends])
    for k in (1e-3, 0.5, 2.0, 1e6):
        assert_sense(function, function(many, k, 1.0), (k, 1.0))


@settings(max_examples=60, deadline=None)
@given(
    k=st.floats(1e-4, 1e5),
    z=st.floats(0, 1e6) | st.floats(1e-300, 1e-3),
    factor=st.floats(1.01, 10),
)
def test_anything_that_hypothesis_can_think_of(k: float, z: float, factor: float) -> None:
    near, far = probability_within(np.array([z, z * factor]), k, 1.0)
    assert 0 <= near <= far * (1 + 1e-12) <= 1 + 1e-12
    close, apart = expected_share(np.array([z, z * factor]), k, 1.0)
    assert 0 < apart <= close * (1 + 1e-12) <= 0.5 + 1e-12
    assert gap_density(z, k, 1.0) >= gap_density(z * factor, k, 1.0) * (1 - 1e-9) >= 0
