"""Differences of printed means: Welch, Holm and the rest against independent computations of the same."""

import math

import numpy as np
import pytest
from scipy import stats

from llpp_core.analysis import multiple, table3
from llpp_core.analysis.printed import TABLE_3A, TABLE_3B, StageTable
from llpp_core.analysis.table3 import HIGHER, LOWER, NOT_SEPARABLE, Settings

ALONE = Settings(correction="none")
both_tables = pytest.mark.parametrize("tables", [TABLE_3A, TABLE_3B], ids=["3a", "3b"])


def small_table(means, deviations, n=5) -> StageTable:
    """One stage, one method a mean."""
    names = [f"m{i}" for i in range(len(means))]
    mean = {name: (float(m),) for name, m in zip(names, means, strict=True)}
    deviation = {name: (float(s),) for name, s in zip(names, deviations, strict=True)}
    return StageTable("T", "D", "m", ("1",), mean, deviation, n)


def cell(tables, comparison, method):
    (table,) = [t for t in tables if t.data == comparison.data]
    at = table.stages.index(comparison.stage)
    return table.mean[method][at], table.deviation[method][at]


def one(comparisons, **wanted):
    (found,) = table3.pick(comparisons, **wanted)
    return found


@both_tables
@pytest.mark.parametrize(("divisor", "factor"), [("n-1", 1.0), ("n", math.sqrt(5 / 4))])
def test_p_values_are_welchs(tables, divisor, factor) -> None:
    for c in table3.compare(tables, Settings(divisor=divisor)):
        (m1, s1), (m2, s2) = cell(tables, c, c.method), cell(tables, c, c.reference)
        reference = stats.ttest_ind_from_stats(m1, s1 * factor, 5, m2, s2 * factor, 5, equal_var=False)
        assert c.p_value == pytest.approx(reference.pvalue, rel=1e-9)
        assert c.difference == pytest.approx(m1 - m2)


def test_an_interval_ends_where_the_p_value_of_the_rest_is_the_level() -> None:
    for c in table3.compare(TABLE_3A, Settings(confidence=0.9, correction="none"))[::7]:
        (m1, s1), (m2, s2) = cell(TABLE_3A, c, c.method), cell(TABLE_3A, c, c.reference)
        for end in (c.low, c.high):
            assert stats.ttest_ind_from_stats(m1 - end, s1, 5, m2, s2, 5, equal_var=False).pvalue == pytest.approx(0.1)
        assert c.low < c.difference < c.high


def test_a_correlation_makes_the_comparison_a_paired_one() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 5))
    table = small_table([x.mean(), y.mean()], [x.std(ddof=1), y.std(ddof=1)])
    correlation = float(np.corrcoef(x, y)[0, 1])
    (c,) = table3.compare([table], Settings(correlation=correlation))
    reference = stats.ttest_rel(y, x)
    assert c.p_value == pytest.approx(reference.pvalue, rel=1e-9)
    assert c.degrees_of_freedom == 4
    assert (c.low, c.high) == pytest.approx(reference.confidence_interval(0.95))


def naive_holm(p: list[float], alpha: float) -> list[bool]:
    rejected = [False] * len(p)
    for step, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if p[i] > alpha / (len(p) - step):
            break
        rejected[i] = True
    return rejected


@both_tables
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_holm_decides_as_its_definition_does(tables, confidence) -> None:
    comparisons = table3.compare(tables, Settings(confidence=confidence))
    expected = naive_holm([c.p_value for c in comparisons], 1 - confidence)
    assert [c.verdict != NOT_SEPARABLE for c in comparisons] == expected
    for c in comparisons:
        assert (c.adjusted_p <= 1 - confidence) is (c.verdict != NOT_SEPARABLE)
        assert (c.low > 0 or c.high < 0) is (c.verdict != NOT_SEPARABLE)
        assert c.p_value <= c.adjusted_p <= 1


def test_holms_adjusted_p_values_and_levels_follow_its_definition_for_any_p_values() -> None:
    rng = np.random.default_rng(4)
    for _ in range(300):
        p = rng.uniform(0, 0.1, rng.integers(1, 7))
        adjusted, levels = multiple.adjust(p, 0.05, "holm")
        rejected = naive_holm(p.tolist(), 0.05)
        assert [a <= 0.05 for a in adjusted] == [q <= level for q, level in zip(p, levels, strict=True)] == rejected


@both_tables
def test_bonferroni_multiplies_p_and_widens_every_interval(tables) -> None:
    alone, joint = table3.compare(tables, ALONE), table3.compare(tables, Settings(correction="bonferroni"))
    holm = table3.compare(tables)
    assert len(alone) == 100
    for a, h, b in zip(alone, holm, joint, strict=True):
        assert b.adjusted_p == pytest.approx(min(1.0, 100 * a.p_value))
        assert a.adjusted_p == a.p_value
        assert a.high - a.low < h.high - h.low <= b.high - b.low + 1e-15
        assert b.verdict in (h.verdict, NOT_SEPARABLE)


def test_under_no_difference_a_false_verdict_in_a_table_is_as_rare_as_promised() -> None:
    rng = np.random.default_rng(1)
    runs, false = 400, {"holm": 0, "none": 0}
    for _ in range(runs):
        samples = rng.normal(size=(4, 5))
        table = small_table(samples.mean(axis=1), samples.std(axis=1, ddof=1))
        for correction in false:
            verdicts = [c.verdict for c in table3.compare([table], Settings(correction=correction))]
            false[correction] += any(v != NOT_SEPARABLE for v in verdicts)
    assert false["holm"] / runs < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    assert false["none"] / runs > 0.1  # what the correction is for


def test_a_real_difference_is_found_and_its_sign_is_right() -> None:
    up, down = (
        table3.compare([small_table(means, [0.01, 0.01])])[0] for means in ([0.5, 0.6], [0.6, 0.5])
    )  # later less earlier
    assert (up.verdict, down.verdict) == (HIGHER, LOWER)
    assert (up.method, up.reference) == ("m1", "m0")
    assert up.difference == pytest.approx(0.1)


def test_rounding_bounds_every_p_value_that_the_digits_allow() -> None:
    rng = np.random.default_rng(2)
    least = table3.compare(TABLE_3A, Settings(rounding="least favorable", correction="none"))
    most = table3.compare(TABLE_3A, Settings(rounding="most favorable", correction="none"))
    for low, high in list(zip(least, most, strict=True))[::9]:
        (m1, s1), (m2, s2) = cell(TABLE_3A, low, low.method), cell(TABLE_3A, low, low.reference)
        for moved in rng.uniform(-0.0005, 0.0005, (20, 4)):
            p = stats.ttest_ind_from_stats(
                m1 + moved[0], s1 + moved[1], 5, m2 + moved[2], s2 + moved[3], 5, equal_var=False
            ).pvalue
            assert high.p_value <= p * (1 + 1e-9)
            assert p <= low.p_value * (1 + 1e-9)


def test_the_change_of_a_difference_is_welch_satterthwaite_of_four_groups() -> None:
    changes = table3.change_of_difference(TABLE_3A, "Random", ALONE)
    c = one(changes, data="MPII", method="LL")
    mpii = TABLE_3A[1]
    m = [mpii.mean[name][at] for name in ("LL", "Random") for at in (4, 0)]
    v = np.array([mpii.deviation[name][at] ** 2 / 5 for name in ("LL", "Random") for at in (4, 0)])
    difference = (m[0] - m[2]) - (m[1] - m[3])
    freedom = v.sum() ** 2 / (v**2 / 4).sum()
    assert c.difference == pytest.approx(difference)
    assert c.degrees_of_freedom == pytest.approx(freedom)
    assert c.p_value == pytest.approx(2 * stats.t.sf(abs(difference) / math.sqrt(v.sum()), freedom))
    assert (c.stage, len(changes)) == ("1000 to 5000", 8)


def test_each_mean_has_its_own_t_interval() -> None:
    table = TABLE_3A[0]
    half = table3.mean_half_width(table, Settings(confidence=0.95))
    expected = stats.t.interval(0.95, 4, loc=0.209, scale=0.018 / math.sqrt(5))
    assert 0.209 + half["LL++conv"][0] == pytest.approx(expected[1])
    wider = table3.mean_half_width(table, Settings(divisor="n"))
    assert wider["LL"] == pytest.approx(half["LL"] * math.sqrt(5 / 4))


def test_compare_with_one_reference_gives_each_other_method_against_it() -> None:
    against = table3.compare(TABLE_3B, ALONE, reference="LL")
    every = table3.compare(TABLE_3B, ALONE)
    assert len(against) == 4 * 10
    for c in against:
        assert c.reference == "LL"
        pair = [
            e for e in every if {e.method, e.reference} == {c.method, "LL"} and (e.data, e.stage) == (c.data, c.stage)
        ]
        assert table3.oriented(pair[0], c.method) == c


def test_a_comparison_told_from_the_other_side_says_the_same() -> None:
    c = one(table3.compare(TABLE_3A), data="MPII", stage="1000", method="LL", reference="Random")
    other = table3.oriented(c, "Random")
    assert (c.verdict, other.verdict) == (LOWER, HIGHER)
    assert (other.low, other.high, other.difference) == (-c.high, -c.low, -c.difference)
    assert table3.oriented(other, "LL") == c
    with pytest.raises(ValueError, match="of LL and Random, not of LL\\+\\+"):
        table3.oriented(c, "LL++")


def test_two_summaries_and_two_deviations() -> None:
    low, high, p = table3.difference_of_summaries(2.05, 0.24, 1.94, 0.34, n=5)
    assert p == pytest.approx(stats.ttest_ind_from_stats(2.05, 0.24, 5, 1.94, 0.34, 5, equal_var=False).pvalue)
    assert low < 0.11 < high
    rng = np.random.default_rng(3)
    for _ in range(20):  # the interval ends where the F test of the ratio is at its level
        a, b = rng.uniform(0.5, 2, 2)
        low, high, p = table3.ratio_of_deviations(a, b, n=8, confidence=0.9)
        assert low < a / b < high
        assert (p < 0.1) is (low > 1 or high < 1)
        moved = table3.ratio_of_deviations(a / low, b, n=8)  # until the interval's end is at 1
        assert moved[2] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"confidence": 1.0}, "confidence must be between 0 and 1, got 1.0"),
        ({"correction": "fdr"}, "correction must be one of holm, bonferroni, none, got 'fdr'"),
        ({"divisor": "n-2"}, "divisor must be one of"),
        ({"rounding": "up"}, "rounding must be one of"),
        ({"correlation": 1.5}, "correlation must be None or from −1 to 1, got 1.5"),
    ],
)
def test_settings_out_of_range_are_named(changes, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        Settings(**changes)


def test_questions_that_the_tables_cannot_answer_are_errors() -> None:
    for call, sentence in (
        (lambda: table3.compare(TABLE_3A, reference="BALD"), "Table 3a has no method 'BALD'; it has Random, Core-Set"),
        (lambda: table3.compare([]), "nothing to compare"),
        (lambda: table3.compare([small_table([0.5], [0.1])]), "nothing to compare"),
        (lambda: table3.change_of_difference([small_table([0.5, 0.6], [0.1, 0.1])], "m0"), "and two stages"),
        (lambda: table3.change_of_difference(TABLE_3A, "Random", Settings(correlation=0.5)), "four groups"),
        (lambda: table3.pick(table3.compare(TABLE_3A), data="COCO"), "no comparison has"),
        (lambda: table3.difference_of_summaries(1.0, 0.1, 1.0, 0.1, n=1), "n ≥ 2"),
        (lambda: table3.ratio_of_deviations(0.0, 0.1, n=5), "deviations above 0"),
        (lambda: table3.variant(Settings(), "guess"), "variant must be one of as chosen, .*, got 'guess'"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()


def test_all_pairs_are_compared_once() -> None:
    seen = {(c.data, c.stage, frozenset((c.method, c.reference))) for c in table3.compare(TABLE_3A)}
    assert len(seen) == len(table3.compare(TABLE_3A)) == 100
