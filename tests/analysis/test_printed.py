"""What the paper prints, and which gamma scales would print it."""

import math

import numpy as np
import pytest
from scipy import stats

from llpp_core.analysis import gamma_pairs, printed
from llpp_core.analysis.printed import TABLE_1, TABLE_2, scales_that_print

FUNCTIONS = {"Table 1": gamma_pairs.probability_within, "Table 2": gamma_pairs.expected_share}


def scales(table):
    return scales_that_print(
        FUNCTIONS[table.source], table.loss_gap, table.value, printed.SHAPE, table.half_unit, between=(1e-3, 10.0)
    )


def test_the_printed_scale_prints_neither_table() -> None:
    for table in (TABLE_1, TABLE_2):
        low, high = scales(table).common
        assert printed.SCALE < low < high
        values = [FUNCTIONS[table.source](gap, printed.SHAPE, printed.SCALE) for gap in table.loss_gap]
        assert max(abs(np.array(values) - table.value)) > table.half_unit


def test_table_1_needs_a_scale_close_to_0_0666() -> None:
    found = scales(TABLE_1)
    assert [round(v, 5) for v in found.common] == [0.0666, 0.06665]
    assert round(found.best, 5) == 0.06661
    assert found.largest_deviation <= TABLE_1.half_unit


def test_table_2_needs_a_scale_between_0_0664_and_0_0670() -> None:
    found = scales(TABLE_2)
    assert [round(v, 4) for v in found.common] == [0.0664, 0.067]
    assert found.largest_deviation <= TABLE_2.half_unit
    # The share at a gap of 0 is ½ at every scale.
    assert (found.low[0], found.high[0]) == (0.0, math.inf)


def test_one_scale_prints_both_tables() -> None:
    low = max(scales(TABLE_1).common[0], scales(TABLE_2).common[0])
    high = min(scales(TABLE_1).common[1], scales(TABLE_2).common[1])
    assert low < high
    scale = (low + high) / 2
    for table, digits in ((TABLE_1, 3), (TABLE_2, 2)):
        values = [FUNCTIONS[table.source](gap, printed.SHAPE, scale) for gap in table.loss_gap]
        assert [round(float(v), digits) for v in values] == list(table.value)


@pytest.mark.parametrize("table", [TABLE_1, TABLE_2], ids=lambda t: t.source)
def test_just_outside_the_common_interval_some_digit_is_another(table) -> None:
    found = scales(table)
    for scale, inside in (
        (found.common[0] * (1 - 1e-6), False),
        (found.common[0] * (1 + 1e-6), True),
        (found.common[1] * (1 - 1e-6), True),
        (found.common[1] * (1 + 1e-6), False),
        (found.best, True),
    ):
        values = np.array([FUNCTIONS[table.source](gap, printed.SHAPE, scale) for gap in table.loss_gap])
        assert bool(np.all(np.abs(values - table.value) <= table.half_unit)) is inside


def test_the_best_scale_is_the_best_of_a_fine_grid() -> None:
    found = scales(TABLE_1)

    def worst(scale):
        values = [FUNCTIONS["Table 1"](gap, printed.SHAPE, scale) for gap in TABLE_1.loss_gap]
        return max(abs(np.array(values) - TABLE_1.value))

    assert worst(found.best) == pytest.approx(found.largest_deviation, rel=1e-9)
    assert found.largest_deviation <= min(worst(s) for s in np.linspace(0.064, 0.069, 501)) + 1e-12


def test_scales_are_found_where_they_are_known() -> None:
    # P(X ≤ δ) of an exponential variable: 1 − e^{−δ/Θ} is within ½ ± 0.01 for Θ = −δ / log(½ ∓ 0.01).
    found = scales_that_print(lambda gap, k, scale: stats.gamma.cdf(gap / scale, k), [2.0], [0.5], 1, 0.01)
    assert found.low[0] == pytest.approx(-2 / math.log(0.49), rel=1e-9)
    assert found.high[0] == pytest.approx(-2 / math.log(0.51), rel=1e-9)
    assert found.best == pytest.approx(2 / math.log(2), rel=1e-4)


def test_rows_that_no_scale_meets_together_have_no_common_interval() -> None:
    apart = scales_that_print(lambda gap, k, scale: gap * scale, [1.0, 1.0], [1.0, 2.0], 1.0, 0.1)
    assert apart.common is None
    assert apart.low == pytest.approx((0.9, 1.9))
    assert apart.high == pytest.approx((1.1, 2.1))
    assert apart.best == pytest.approx(1.5, rel=1e-4)
    never = scales_that_print(lambda gap, k, scale: 0.5, [1.0], [0.7], 1.0, 0.1)
    assert never.common is None
    assert math.isnan(never.low[0])
    assert math.isnan(never.high[0])
    beyond = scales_that_print(lambda gap, k, scale: 1 / (1 + scale), [1.0], [1.3], 1.0, 0.1)
    assert math.isnan(beyond.low[0])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"printed": [0.1]}, "one printed number for each gap, got 1 for 2 gaps"),
        ({"gaps": [], "printed": []}, "one printed number for each gap, got 0 for 0"),
        ({"half_unit": 0.0}, "last digit must be above 0, got 0.0"),
        ({"between": (0.0, 1.0)}, "scales to look between"),
        ({"between": (2.0, 1.0)}, "scales to look between"),
    ],
)
def test_arguments_that_make_no_sense_are_named(changes, sentence) -> None:
    arguments = {"gaps": [0.1, 0.2], "printed": [0.1, 0.2], "half_unit": 0.05, "between": (0.1, 1.0), **changes}
    with pytest.raises(ValueError, match=sentence):
        scales_that_print(
            lambda gap, k, scale: gap,
            arguments["gaps"],
            arguments["printed"],
            1.0,
            arguments["half_unit"],
            between=arguments["between"],
        )


@pytest.mark.parametrize("table", [*printed.TABLE_3A, *printed.TABLE_3B], ids=lambda t: f"{t.source} {t.data}")
def test_table_3_is_whole(table) -> None:
    assert table.methods == ("Random", "Core-Set", "LL", "LL++", "LL++conv")
    assert len(table.stages) == 5
    assert table.repetitions == 5
    for method in table.methods:
        for value in (*table.mean[method], *table.deviation[method]):
            assert value == round(value, 3)
        assert all(0.1 < mean < 0.9 for mean in table.mean[method])
        assert all(0.001 < deviation < 0.04 for deviation in table.deviation[method])


def test_some_printed_numbers() -> None:
    lspet, mpii = printed.TABLE_3A
    assert (lspet.mean["LL++conv"][0], lspet.deviation["LL++conv"][0]) == (0.209, 0.018)
    assert (mpii.mean["Core-Set"][-1], mpii.deviation["Core-Set"][-1]) == (0.755, 0.029)
    lsp, mpii = printed.TABLE_3B
    assert (lsp.mean["LL"][-1], lsp.deviation["LL"][-1]) == (0.842, 0.005)
    assert (mpii.mean["LL++conv"][3], mpii.deviation["LL++conv"][3]) == (0.828, 0.003)
    a, c = printed.FIGURE_1["a"], printed.FIGURE_1["c"]
    push = 1 / (1 + math.exp(c.predicted_loss - a.predicted_loss)) - a.true_loss / (a.true_loss + c.true_loss)
    assert push == pytest.approx(0.327, abs=5e-4)
    assert math.floor(push * 100) / 100 == printed.FIGURE_1_PUSH  # cut off rather than rounded
    assert printed.CORRELATION["LL++"] > printed.CORRELATION["LL"]
    assert printed.SELECTED_TRUE_LOSS["LL++"].mean > printed.SELECTED_TRUE_LOSS["LL"].mean


def test_a_table_with_a_missing_cell_is_refused() -> None:
    def table(mean, deviation):
        return printed.StageTable("T", "D", "m", ("1", "2"), mean, deviation)

    with pytest.raises(
        ValueError, match="LL must have one mean and one deviation for each of the 2 stages, got 2 and 1"
    ):
        table({"LL": (0.1, 0.2)}, {"LL": (0.1,)})
    with pytest.raises(ValueError, match="of the same methods"):
        table({"LL": (0.1, 0.2)}, {"LL++": (0.1, 0.2)})
