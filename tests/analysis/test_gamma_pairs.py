"""Statistics of pairs of gamma losses, held to mpmath references, the paper's tables, simulation and their limits.

The references are gamma_references.csv, made by make_gamma_references.py: shape k and gap z at scale 1, over the whole
rectangle k ∈ [0.1, 100], z ∈ [1e-6, 500] for which a relative error of 1e-9 is promised.
"""

import runpy
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from llpp_core.analysis import gamma_pairs
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
LEADING = {
    "small gap": probability_within_small_gap,
    "beyond": probability_beyond_large_gap,
    "large-gap share": expected_share_large_gap,
}
ALL = {**EXACT, **LEADING}
BOUNDED = {"within": (0.0, 1.0), "share": (0.0, 0.5)}
each_exact = pytest.mark.parametrize("name", EXACT)
each = pytest.mark.parametrize("function", ALL.values(), ids=ALL)

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
SCALE = 0.066  # as printed, with k = 4, in the paper's Fig. 3
GAPS_1 = (0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15)
GAPS_2 = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


def relative_error(value, wanted):
    return np.abs(np.asarray(value) / wanted - 1)


def rows(shape: float) -> np.ndarray:
    """The references of one shape, in ascending order of the gap."""
    return TABLE[TABLE["shape"] == shape]


# --- the references, and the promised accuracy -----------------------------------------------------------------------


def test_the_references_cover_the_rectangle() -> None:
    assert [(row["shape"], row["gap"]) for row in TABLE] == MAKE["points"]()
    for axis, low, high in (("shape", 0.1, 100.0), ("gap", 1e-6, 500.0)):
        assert (TABLE[axis].min(), TABLE[axis].max()) == (low, high)


@pytest.mark.parametrize(("k", "z"), [(1.0, 1e-6), (2.3, 6.0), (7.9, 1e-4), (63.7, 22.0), (100.0, 500.0)])
def test_the_references_come_out_of_their_definition_again(k: float, z: float) -> None:
    (row,) = TABLE[(TABLE["shape"] == k) & (TABLE["gap"] == z)]
    for name, value in MAKE["by_quadrature"](k, z).items():
        assert float(value) == row[name], name


@pytest.mark.parametrize("z", [1e-6, 0.5, 10.0])
@pytest.mark.parametrize("k", [0.1, 0.25, 0.5 + 1e-6, 4.0, 30.0])
def test_the_references_come_out_of_the_closed_form_again(k: float, z: float) -> None:
    (row,) = TABLE[(TABLE["shape"] == k) & (TABLE["gap"] == z)]
    for name, value in MAKE["by_closed_form"](k, z).items():
        assert float(value) == row[name], name


@each_exact
def test_scalars_keep_the_promise_over_the_rectangle(name: str) -> None:
    values = [EXACT[name](float(row["gap"]), float(row["shape"]), 1.0) for row in TABLE]
    assert all(type(value) is float for value in values)
    error = relative_error(values, TABLE[name])
    worst = TABLE[error.argmax()]
    assert error.max() <= PROMISED, f"k = {worst['shape']}, z = {worst['gap']}: {error.max()}"


@each_exact
@pytest.mark.parametrize("k", MAKE["SHAPES"])
def test_a_large_array_keeps_the_promise(name: str, k: float) -> None:
    # Unsorted, with repeats, with the ends that have no logarithm, in a shape of its own and at another scale.
    rng = np.random.default_rng(3)
    wanted = rows(k)
    extremes = np.array([0.0, np.inf, 1e-300, 1e5, 0.0])
    z = np.concatenate([np.exp(rng.uniform(np.log(1e-6), np.log(500), 4_000)), wanted["gap"], extremes])
    order = rng.permutation(len(z))
    z = np.concatenate([z[order], z[order][:1_000]])
    z = z[: len(z) // 2 * 2].reshape(2, -1)
    values = EXACT[name](z * SCALE, k, SCALE) * (SCALE if name == "density" else 1)
    assert values.shape == z.shape
    for row in wanted:
        found = values[z == row["gap"]]
        assert found.size
        assert relative_error(found, row[name]).max() <= PROMISED, row["gap"]
    seen = rng.choice(z.ravel(), 20)
    alone = [EXACT[name](float(one), k, 1.0) for one in [*seen, *extremes]]
    together = [values[z == one][0] for one in [*seen, *extremes]]
    assert_allclose(together, alone, rtol=1e-11, atol=0)


# --- the paper -------------------------------------------------------------------------------------------------------


def test_table_1_at_the_printed_scale() -> None:
    found = probability_within(np.array(GAPS_1), 4.0, SCALE)
    assert_allclose(found, [0.0944, 0.1871, 0.2766, 0.3614, 0.4408, 0.5311, 0.6110], atol=5e-5, rtol=0)


def test_table_2_at_the_printed_scale() -> None:
    found = expected_share(np.array(GAPS_2), 4.0, SCALE)
    assert_allclose(found, [0.5, 0.3844, 0.3030, 0.2480, 0.2093, 0.1809], atol=5e-5, rtol=0)


def test_a_scale_a_little_larger_prints_both_tables() -> None:
    # The scales that print a table's digits are an interval; both contain 0.06662, neither the printed 0.066.
    printed_1 = [0.094, 0.185, 0.274, 0.358, 0.437, 0.527, 0.607]
    printed_2 = [0.5, 0.39, 0.3, 0.25, 0.21, 0.18]
    for scale, holds in ((0.06662, True), (SCALE, False), (0.0665, False), (0.0667, False)):
        found = probability_within(np.array(GAPS_1), 4.0, scale)
        assert (np.abs(found - printed_1) <= 5e-4).all() == holds
    for scale, holds in ((0.0662, False), (0.0664, True), (0.06662, True), (0.0670, True), (0.0672, False)):
        found = expected_share(np.array(GAPS_2), 4.0, scale)
        assert (np.abs(found - printed_2) <= 5e-3).all() == holds


def test_exponential_losses_have_the_laplace_gap() -> None:
    # k = 1 in elementary functions: P = 1 − e^{−z}, and φ = ½ [1 − z e^z E₁(z)].
    z = np.geomspace(1e-6, 500, 30)
    assert_allclose(probability_within(z, 1.0, 1.0), -np.expm1(-z), rtol=1e-12)
    assert_allclose(gap_density(z, 1.0, 1.0), np.exp(-z) / 2, rtol=1e-12)
    with mp.workdps(40):
        share = [float((1 - mp.mpf(x) * mp.exp(x) * mp.e1(x)) / 2) for x in z]
    assert_allclose(expected_share(z, 1.0, 1.0), share, rtol=1e-12)


# --- what must hold whatever the formula -----------------------------------------------------------------------------


@each
@pytest.mark.parametrize("c", [1e-9, 0.066, 3.0, 1e12])
def test_only_the_ratio_of_gap_and_scale_matters(function, c: float) -> None:
    gaps = np.array([1e-4, 0.3, 2.0, 40.0])
    unit = c if function is gap_density else 1.0  # a density is per unit of the losses
    for k in (0.3, 0.5, 4.0, 63.7):
        assert_allclose(function(c * gaps, k, c * 1.0) * unit, function(gaps, k, 1.0), rtol=1e-12)


@pytest.mark.parametrize("k", [1e-3, 0.1, 0.5, 0.7, 1.0, 4.0, 100.0, 1e4, 1e6])
@pytest.mark.parametrize("count", [200, 5_000], ids=["each by itself", "interpolated"])
def test_monotone_in_the_gap(k: float, count: int) -> None:
    # Neighbors differ by less than rounding where the curve is flat, and at no other place.
    z = np.geomspace(1e-6, 1e5, count)
    for name, sign in (("within", 1), ("share", -1)):
        values = EXACT[name](z, k, 1.0)
        steps = sign * np.diff(values)
        assert (steps >= -1e-13 * values[:-1]).all(), name
        low, high = BOUNDED[name]
        assert low <= values.min() < values.max() <= high


@pytest.mark.parametrize("k", [0.1, 0.5, 0.8, 1.0, 2.3, 30.0])
@pytest.mark.parametrize("z", [0.05, 1.0, 12.0])
def test_the_density_integrates_to_the_probability(k: float, z: float) -> None:
    # In s = log(gap) the integrand is smooth, and falls off at both ends.
    def mass(low: float, high: float) -> float:
        edges = np.linspace(low, high, 21)
        half = (edges[1] - edges[0]) / 2
        s = (edges[:-1] + half)[:, None] + half * NODES
        return half * (gap_density(np.exp(s), k, 1.0) * np.exp(s) @ WEIGHTS).sum()

    inside = mass(np.log(z) - 25 / min(k, 0.5), np.log(z))
    assert_allclose(2 * inside, probability_within(z, k, 1.0), rtol=1e-9)
    beyond = mass(np.log(z), np.log(z + 60 + 10 * k))
    assert_allclose(2 * (inside + beyond), 1, rtol=1e-9)


def test_the_density_is_even() -> None:
    gaps = np.array([1e-300, 1e-6, 0.3, 2.0, 500.0, 1e5])
    for k in (0.2, 0.5, 4.0, 1e4):
        assert np.array_equal(gap_density(-gaps, k, 0.7), gap_density(gaps, k, 0.7))
    assert gap_density(-0.3, 4.0, 1.0) == gap_density(0.3, 4.0, 1.0)


@pytest.mark.parametrize("k", [0.3, 1.0, 4.0, 20.0])
def test_simulated_pairs_agree(k: float) -> None:
    count, scale = 400_000, SCALE
    rng = np.random.default_rng(11)
    x, y = rng.gamma(k, scale, (2, count))
    gap = np.abs(x - y)
    for delta in np.array([0.05, 0.5, 2.0]) * scale * np.sqrt(k):
        wanted = probability_within(delta, k, scale)
        standard_error = np.sqrt(wanted * (1 - wanted) / count)
        assert abs((gap <= delta).mean() - wanted) < 4 * standard_error
    # φ is a mean at one gap: simulated pairs are weighed by what φ and the share differ by over a narrow band.
    share = np.minimum(x, y) / (x + y)
    for delta in np.array([0.5, 2.0]) * scale * np.sqrt(k):
        near = np.abs(gap - delta) < 0.2 * delta
        left = share[near] - expected_share(gap[near], k, scale)
        assert abs(left.mean()) < 4 * left.std() / np.sqrt(near.sum())
    counts, edges = np.histogram(x - y, bins=np.linspace(-3, 3, 13) * scale * np.sqrt(k))
    centers, half = (edges[1:] + edges[:-1]) / 2, (edges[1] - edges[0]) / 2
    # The bins beside the tie hold the singularity or kink of the density: there P is the better judge.
    mass = half * gap_density(centers[:, None] + half * NODES, k, scale) @ WEIGHTS
    mass[5:7] = probability_within(2 * half, k, scale) / 2
    assert (np.abs(counts / count - mass) < 4.5 * np.sqrt(mass / count)).all()


# --- arrays, and bad input -------------------------------------------------------------------------------------------


@each
def test_arrays_broadcast_and_scalars_stay_floats(function) -> None:
    gaps, shapes, scales = (
        np.array([[0.1], [2.0], [30.0]]),
        np.array([0.3, 0.5, 4.0, 50.0]),
        np.array([[[1.0]], [[0.5]]]),
    )
    values = function(gaps, shapes, scales)
    assert values.shape == (2, 3, 4)
    assert values.dtype == np.float64
    for i, j, k in np.ndindex(values.shape):
        alone = function(float(gaps[j, 0]), float(shapes[k]), float(scales[i, 0, 0]))
        assert type(alone) is float
        assert_allclose(values[i, j, k], alone, rtol=1e-13)
    assert type(function(np.float64(1.0), 4, np.array(2.0))) is float
    assert function(1, 4, 2) == function(1.0, 4.0, 2.0) == function([1], [4], [2])[0]
    assert function(np.array([1], dtype=np.float32), 4, 2).dtype == np.float64
    assert function(np.empty((0, 3)), 4.0, 1.0).shape == (0, 3)
    assert function(np.ones(3), 4.0, 1.0).shape == (3,)


@each
def test_the_input_is_left_alone(function) -> None:
    gaps = np.array([3.0, 0.5, 0.0, 1.0])
    gaps.flags.writeable = False
    function(gaps, 2.0, 1.0)
    assert gaps.tolist() == [3.0, 0.5, 0.0, 1.0]


NAN = float("nan")
BAD = {
    "loss_gap": [
        (-0.1, 4.0, 1.0),
        (np.array([0.1, -1e-300]), 4.0, 1.0),
        (NAN, 4.0, 1.0),
        (np.array([1, NAN]), 4.0, 1.0),
    ],
    "shape": [(1.0, v, 1.0) for v in (0.0, -1.0, NAN, np.inf, 1.000001e6, np.array([1.0, 0.0]), np.array([NAN]))],
    "scale": [(1.0, 4.0, v) for v in (0.0, -1.0, NAN, np.inf, np.array([1.0, 0.0]), np.array([NAN, 1.0]))],
}


@each
@pytest.mark.parametrize("argument", BAD)
def test_bad_input_is_an_error_that_names_it(function, argument: str) -> None:
    for arguments in BAD[argument]:
        if function is gap_density and argument == "loss_gap" and not np.isnan(arguments[0]).any():
            continue  # a signed gap
        with pytest.raises(ValueError, match=r"^[^\n]*, got [^\n]*$") as error:
            function(*arguments)
        assert argument.removeprefix("loss_") in str(error.value)


def test_what_the_module_lists_is_what_is_tested() -> None:
    assert {getattr(gamma_pairs, name) for name in gamma_pairs.__all__} >= set(ALL.values())
