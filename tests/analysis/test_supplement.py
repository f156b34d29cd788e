"""The supplement's sums: the corrected forms are exact, and what is said of the printed ones is what they give."""

import functools
import itertools
import math

import pytest
from mpmath import mp

from llpp_core.analysis import gamma_pairs, printed, supplement

SCALE = printed.SCALE
EXACT = mp.mpf(10) ** -30
cases = pytest.mark.parametrize(
    ("shape", "loss_gap"),
    [(1, 0.1), (1, 0.7), (2, 0.02), (2, 1.3), (4, 0.1), (4, 0.5), (7, 0.3), (12, 0.02)],
)


findings = functools.cache(supplement.table)


def density(x, k):
    return x ** (k - 1) * mp.exp(-x / SCALE) / (mp.gamma(k) * mp.mpf(SCALE) ** k)


def distribution(x, k):
    return 1 - mp.gammainc(k, x / mp.mpf(SCALE), regularized=True) if x > 0 else mp.zero


def integral(function, k, *, cut=0.0):
    """Over x > 0, at 50 digits, cut where the gamma density lives and where the function has a corner."""
    return mp.quad(function, [0, *sorted({cut, 0.5 * k * SCALE, 2 * k * SCALE, (3 * k + 20) * SCALE} - {0.0}), mp.inf])


def relative(value, reference):
    return abs(value / reference - 1)


@cases
def test_s5_corrected_is_the_probability(shape: int, loss_gap: float) -> None:
    with mp.workdps(50):
        reference = integral(
            lambda x: density(x, shape) * (distribution(x + loss_gap, shape) - distribution(x - loss_gap, shape)),
            shape,
            cut=loss_gap,
        )
        assert relative(supplement.probability_within_sum(loss_gap, shape, SCALE, digits=40), reference) < EXACT


@cases
def test_s5_corrected_is_the_bessel_struve_form(shape: int, loss_gap: float) -> None:
    # A second witness, without quadrature: X − Y is a symmetric variance-gamma variable.
    with mp.workdps(80):
        z, v = mp.mpf(loss_gap) / SCALE, shape - mp.mpf(1) / 2
        reference = z * (mp.besselk(v, z) * mp.struvel(v - 1, z) + mp.besselk(v - 1, z) * mp.struvel(v, z))
        assert relative(supplement.probability_within_sum(loss_gap, shape, SCALE, digits=40), reference) < EXACT


@cases
def test_s12_corrected_is_the_expected_share(shape: int, loss_gap: float) -> None:
    with mp.workdps(50):

        def weight(x):
            return density(x, shape) * density(x + loss_gap, shape)

        reference = integral(lambda x: x / (2 * x + loss_gap) * weight(x), shape) / integral(weight, shape)
        assert relative(supplement.expected_share_sum(loss_gap, shape, SCALE, digits=40), reference) < EXACT
        as_printed = supplement.expected_share_printed(loss_gap, shape, SCALE, digits=40)
        assert relative(as_printed, 1 - reference) < EXACT


@cases
def test_s13_is_the_mass_of_an_interval_of_gaps(shape: int, loss_gap: float) -> None:
    low, high = loss_gap / 2, loss_gap
    with mp.workdps(50):
        reference = integral(
            lambda x: density(x, shape) * (distribution(x + high, shape) - distribution(x + low, shape)), shape
        )
        assert relative(supplement.gap_mass_sum(low, high, shape, SCALE, digits=40), reference) < EXACT


@cases
def test_s13_differentiated_is_the_density_of_the_gap(shape: int, loss_gap: float) -> None:
    with mp.workdps(50):
        reference = integral(lambda x: density(x, shape) * density(x + loss_gap, shape), shape)
        assert relative(supplement.gap_density_sum(loss_gap, shape, SCALE, digits=40), reference) < EXACT


@cases
def test_s14_is_the_mean_share_of_the_gap_at_scale_theta(shape: int, loss_gap: float) -> None:
    with mp.workdps(50):
        reference = integral(lambda x: loss_gap / (x + loss_gap) * density(x, shape), shape)
        assert relative(supplement.gap_share_sum(loss_gap, shape, SCALE, digits=40), reference) < EXACT


def test_the_mass_from_zero_is_half_the_probability() -> None:
    mass = supplement.gap_mass_sum(0, 0.1, 4, SCALE, digits=35)
    with mp.workdps(40):
        assert relative(2 * mass, supplement.probability_within_sum(0.1, 4, SCALE, digits=35)) < EXACT


@cases
def test_the_quadratures_of_the_table_agree_with_the_float64_functions(shape: int, loss_gap: float) -> None:
    arguments = (loss_gap, shape, SCALE)  # quadrature here, a trapezoidal rule over other variables there
    within, share = (
        gamma_pairs.probability_within(loss_gap, float(shape), SCALE),
        gamma_pairs.expected_share(loss_gap, float(shape), SCALE),
    )
    assert float(supplement.probability_by_quadrature(*arguments)) == pytest.approx(within, rel=1e-9)
    assert float(supplement.share_by_quadrature(*arguments)) == pytest.approx(share, rel=1e-9)


def test_recorded_values_of_the_printed_equations() -> None:
    rows = {row.equation: row for row in findings(0.1, 4, SCALE)}
    assert round(rows["S12"].printed, 4) == 0.6156
    assert (round(rows["S14"].printed, 4), round(rows["S14"].quadrature, 4)) == (0.3113, 0.4642)
    for loss_gap, value in supplement.RECORDED_S5.items():
        assert round(float(supplement.probability_within_reconstructed(loss_gap, 4, SCALE)), 3) == value


@pytest.mark.parametrize("arguments", [(0.1, 4, SCALE), (0.5, 1, 1.0), (0.3, 7, 0.2)])
def test_the_table_says_which_equations_hold_and_every_correction_makes_its_own_hold(arguments) -> None:
    rows = findings(*arguments)
    assert {row.equation: row.holds for row in rows} == {
        "S4": True,
        "S5": False,
        "S12": False,
        "S13, as a mass": True,
        "S13, as a density": False,
        "S14": False,
    }
    assert all(row.corrected_holds for row in rows)
    for row in rows:
        assert bool(row.correction) is not row.holds
        assert row.corrected == pytest.approx(row.corrected_quadrature, rel=1e-12)
        assert (row.printed == pytest.approx(row.quadrature, rel=1e-12)) is row.holds


def test_the_reconstruction_is_no_probability() -> None:
    # As the gap vanishes it tends to the scale: losses measured in thousandths of a unit would give 66.
    assert float(supplement.probability_within_reconstructed(0, 4, 0.066)) == pytest.approx(0.066)
    assert float(supplement.probability_within_reconstructed(0, 4, 66.0)) == pytest.approx(66.0)


def test_the_sums_cancel_beyond_what_float64_carries() -> None:
    # Why mpmath: at 16 digits of working precision nothing is left of S5 at k = 30.
    exact = supplement.probability_within_sum(3, 30, SCALE)
    with mp.workdps(16):
        d, t = mp.mpf(3), mp.mpf(SCALE)
        above, below = supplement._s5_sums(d, 30, t)
        naive = 1 + supplement._antiderivative(d, 30, t) - above - below
    assert relative(naive, exact) > 1
    assert float(exact) == pytest.approx(gamma_pairs.probability_within(3.0, 30.0, SCALE), rel=1e-9)


def test_a_gap_of_zero_has_its_limits() -> None:
    assert supplement.probability_within_sum(0, 4, SCALE) == 0
    assert supplement.expected_share_sum(0, 4, SCALE) == 0.5
    assert supplement.gap_share_sum(0, 4, SCALE) == 0


@pytest.mark.parametrize("function", [supplement.probability_within_sum, supplement.expected_share_sum])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((-0.1, 4, 1.0), "loss_gap must be at least 0 and finite, got -0.1"),
        ((math.nan, 4, 1.0), "loss_gap must be"),
        ((0.1, 0, 1.0), "whole shape from 1, got 0"),
        ((0.1, 4, 0.0), "scale must be above 0 and finite, got 0.0"),
        ((0.1, 4, math.inf), "scale must be"),
    ],
)
def test_arguments_out_of_range_are_named(function, arguments, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        function(*arguments)


def test_other_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"in order and finite, got low = 0.2 and high = 0.1"):
        supplement.gap_mass_sum(0.2, 0.1, 4, SCALE)
    with pytest.raises(ValueError, match="at least one digit"):
        supplement.gap_share_sum(0.2, 4, SCALE, digits=0)
    with pytest.raises(ValueError, match="gap above 0"):
        supplement.table(0, 4, SCALE)


# The search behind `probability_within_reconstructed`: S5 in float64 with every place that could slip as an option.
# The first choice of each is the corrected form; numbers are added to a power or an index, or multiply an argument.
PLACES = {
    "first term": (1, 0, 0.5, 2),
    "sign of G": (1, -1, 0),
    "scale in G(δ, k)": (1, 0.5, 2),
    "shape in G(δ, k)": (0, -1, 1),
    "power of Θ before G's sum": (1, 0, 2),
    "power of Θ in G": (0, 1, -1),
    "power of x in G": (0, 1),
    "Γ(n) in G": (1, 0, 2),
    "exponent in G": (1, -1, 2, 0.5),
    "sign of first sum": (-1, 1, 0),
    "sign of second sum": (-1, 1, 0),
    "power of Θ before first sum": (1, 0, 2, -1),
    "power of Θ before second sum": (1, 0, 2, -1),
    "power of Θ before both": (0, -1, 1),
    "Γ(n) under first sum": (1, 0, 2),
    "Γ(n) under second sum": (1, 0, 2),
    "exponent in f": (1, -1, 0.5, 2, 0),
    "sign of δ in the second sum's exponential": (-1, 1),
    "sign of δ in the second sum's powers": (-1, 1),
    "sign of δ in the first sum": (1, -1),
    "binomial": ("n-1", "n", "0", "k-1"),  # its upper number; "0" for none
    "upper factorial": ("k+i-1", "k+i", "k+i-2", "i", "k-1"),
    "lower factorial": ("k-1", "k", "0", "squared"),
    "power of δ in f": (0, 1, -1),
    "power of 2": ("k+i", "k", "i", "0", "k+i-1", "k+i+1", "n", "k-1+n"),
    "power of Θ in f": ("n-i", "n-i+1", "n-i-1", "n-i+2", "n-i-2", "n+i", "k-i", "n"),
    "shape in second sum's G": ("k+i", "k", "k+i-1", "i+1", "n"),
    "scale in second sum's G": (0.5, 1, 2),
    "δ in second sum's G": (1, -1, 2, 0.5, 0),
    "last i": ("n-1", "n", "n-2", "k-1"),
    "first i": (0, 1),
    "first n": (1, 2, 0),
    "last n": (0, -1, 1),
    "G in the first sum": (False, True),
    "G in the second sum": (True, False),
}
CORRECTED = {place: choices[0] for place, choices in PLACES.items()}
K = 4


INDICES = {
    "0": lambda n, i: 0,
    "i": lambda n, i: i,
    "n": lambda n, i: n,
    "k": lambda n, i: K,
    "i+1": lambda n, i: i + 1,
    "n-1": lambda n, i: n - 1,
    "n-2": lambda n, i: n - 2,
    "k-1": lambda n, i: K - 1,
    "n+i": lambda n, i: n + i,
    "k+i": lambda n, i: K + i,
    "k-i": lambda n, i: K - i,
    "k-1+n": lambda n, i: K - 1 + n,
    **{f"k+i{m:+}": lambda n, i, m=m: K + i + m for m in (-2, -1, 1)},
    "n-i": lambda n, i: n - i,
    **{f"n-i{m:+}": lambda n, i, m=m: n - i + m for m in (-2, -1, 1, 2)},
}


def s5_with(slips: dict, d: float) -> float:
    o = {**CORRECTED, **slips}
    t = SCALE

    def gamma_of(choice, n):
        return math.gamma(n + choice - 1) if choice and n + choice > 1 else 1.0

    def g(x, k, scale):
        terms = (
            x ** (n - 1 + o["power of x in G"]) * math.exp(-o["exponent in G"] * x / scale)
            / (scale ** (n + o["power of Θ in G"]) * gamma_of(o["Γ(n) in G"], n))
            for n in range(1, k + 1)
        )  # fmt: skip
        return -(scale ** o["power of Θ before G's sum"]) * sum(terms)

    def index(place, n, i):
        return INDICES[o[place]](n, i)

    def f(i, n, in_power, in_exponent):
        choose = 1 if o["binomial"] == "0" else math.comb(max(index("binomial", n, i), 0), i)
        lower = math.factorial(K - 1) ** 2 if o["lower factorial"] == "squared" else None
        lower = math.factorial(index("lower factorial", n, i)) if lower is None else lower
        return (
            math.exp(-o["exponent in f"] * in_exponent / t)
            * choose
            * math.factorial(index("upper factorial", n, i))
            / lower
            * in_power ** (n - 1 - i + o["power of δ in f"])
            / (2 ** index("power of 2", n, i) * t ** index("power of Θ in f", n, i))
        )

    first = second = 0.0
    for n in range(o["first n"], K + o["last n"] + 1):
        for i in range(o["first i"], index("last i", n, 0) + 1):
            tail = g(
                o["δ in second sum's G"] * d,
                index("shape in second sum's G", n, i),
                t * o["scale in second sum's G"],
            )
            e = o["sign of δ in the first sum"] * d
            a = f(i, n, e, e) / gamma_of(o["Γ(n) under first sum"], n)
            first += a * tail if o["G in the first sum"] else a
            b = f(
                i,
                n,
                o["sign of δ in the second sum's powers"] * d,
                o["sign of δ in the second sum's exponential"] * d,
            ) / gamma_of(o["Γ(n) under second sum"], n)
            second += b * tail if o["G in the second sum"] else b
    both = t ** o["power of Θ before both"]
    return (
        o["first term"]
        + o["sign of G"] * g(d, K + o["shape in G(δ, k)"], t * o["scale in G(δ, k)"])
        + both * o["sign of first sum"] * t ** o["power of Θ before first sum"] * first
        + both * o["sign of second sum"] * t ** o["power of Θ before second sum"] * second
    )


def reproduces_the_record(slips: dict) -> bool:
    try:
        return all(abs(s5_with(slips, d) - value) <= 0.0005 for d, value in supplement.RECORDED_S5.items())
    except ValueError:  # a slip that asks for the factorial of a negative number
        return False


def test_without_slips_the_search_evaluates_the_corrected_form() -> None:
    for loss_gap in supplement.RECORDED_S5:
        exact = float(supplement.probability_within_sum(loss_gap, K, SCALE))
        assert s5_with({}, loss_gap) == pytest.approx(exact, rel=1e-10)


def test_one_function_alone_of_all_single_and_double_slips_reproduces_the_recorded_values() -> None:
    single = [(place, choice) for place, choices in PLACES.items() for choice in choices[1:]]
    double = [pair for pair in itertools.combinations(single, 2) if pair[0][0] != pair[1][0]]
    assert len(single) + len(double) > 3500
    assert not [slip for slip in single if reproduces_the_record(dict([slip]))]
    hits = [dict(pair) for pair in double if reproduces_the_record(dict(pair))]
    assert hits
    for slips in hits:
        for loss_gap in printed.TABLE_1.loss_gap:
            reconstructed = float(supplement.probability_within_reconstructed(loss_gap, K, SCALE))
            assert s5_with(slips, loss_gap) == pytest.approx(reconstructed, rel=1e-9), slips
