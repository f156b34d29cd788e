"""What the page *Table 3 read again* says at its defaults: Welch, Holm over 100 comparisons a table, 95 %."""

import dataclasses

import pytest

from llpp_core.analysis import printed, table3, table3_claims
from llpp_core.analysis.printed import TABLE_3A, TABLE_3B
from llpp_core.analysis.table3 import HIGHER, LOWER, NOT_SEPARABLE, Settings

ALONE = Settings(correction="none")
both_tables = pytest.mark.parametrize("tables", [TABLE_3A, TABLE_3B], ids=["3a", "3b"])


def verdicts(tables, data, method, reference, settings=None):
    comparisons = table3.pick(table3.compare(tables, settings or Settings()), data=data)
    pair = [c for c in comparisons if {c.method, c.reference} == {method, reference}]
    return [table3.oriented(c, method).verdict for c in pair]


def test_core_set_finds_more_failures_late_on_lspet_mostly_and_on_mpii_hardly() -> None:
    for rival, late in (("LL", [NOT_SEPARABLE, LOWER]), ("LL++", [NOT_SEPARABLE, LOWER]), ("LL++conv", [LOWER, LOWER])):
        assert verdicts(TABLE_3A, "LSP-LSPET", "Core-Set", rival)[3:] == late
        assert verdicts(TABLE_3A, "LSP-LSPET", "Core-Set", rival, ALONE)[3:] == [LOWER, LOWER]
    for settings in (None, ALONE):
        assert verdicts(TABLE_3A, "MPII", "Core-Set", "LL", settings)[3:] == [LOWER, NOT_SEPARABLE]
        assert verdicts(TABLE_3A, "MPII", "Core-Set", "LL++", settings)[3:] == [NOT_SEPARABLE] * 2
        assert verdicts(TABLE_3A, "MPII", "Core-Set", "LL++conv", settings)[3:] == [NOT_SEPARABLE] * 2


def test_ll_is_not_separable_from_either_form_of_ll_pp_late_on_lspet() -> None:
    assert verdicts(TABLE_3A, "LSP-LSPET", "LL", "LL++")[2:] == [NOT_SEPARABLE] * 3
    assert verdicts(TABLE_3A, "LSP-LSPET", "LL", "LL++conv")[2:] == [NOT_SEPARABLE] * 3
    assert verdicts(TABLE_3A, "LSP-LSPET", "LL", "LL++", ALONE)[2:] == [NOT_SEPARABLE] * 3
    assert verdicts(TABLE_3A, "LSP-LSPET", "LL", "LL++conv", ALONE)[2:] == [LOWER, LOWER, NOT_SEPARABLE]


def test_no_method_is_above_random_on_lsp_at_stages_1_to_4() -> None:
    against = table3.pick(table3.compare(TABLE_3B), data="LSP", stage=("1", "2", "3", "4"), reference="Random")
    assert len(against) == 16
    assert all(c.difference < 0 and c.verdict == NOT_SEPARABLE for c in against)
    alone = table3.pick(table3.compare(TABLE_3B, ALONE), data="LSP", stage=("1", "2", "3", "4"), reference="Random")
    below = [(c.method, c.stage) for c in alone if c.verdict == LOWER]
    assert below == [("LL", "1"), ("LL", "2"), ("LL++", "2"), ("LL++conv", "2")]
    assert not [c for c in alone if c.verdict == HIGHER]


def test_judgements_of_the_claims() -> None:
    found = {
        (j.reading.claim, j.reading.data, j.reading.references[0]): (len(j.comparisons), j.by_mean, j.alone, j.together)
        for j in map(table3_claims.judge, table3_claims.READINGS)
        if j.reading.claim
    }
    assert found == {
        (14, "LSP-LSPET", "Random"): (2, 2, 2, 2),
        (14, "MPII", "Random"): (2, 2, 2, 2),
        (14, "LSP-LSPET", "Core-Set"): (2, 2, 2, 1),
        (14, "MPII", "Core-Set"): (2, 2, 2, 2),
        (14, "LSP-LSPET", "LL"): (2, 2, 2, 1),
        (14, "MPII", "LL"): (2, 2, 0, 0),
        (15, "LSP-LSPET", "LL++"): (1, 1, 1, 0),
    }


def test_a_judgement_counts_from_the_side_of_its_reading() -> None:
    reading = next(r for r in table3_claims.READINGS if r.method == "Core-Set" and r.expected == LOWER)
    right = table3_claims.judge(reading)
    wrong = table3_claims.judge(dataclasses.replace(reading, expected=HIGHER))
    assert (right.by_mean, right.together, right.against) == (6, 4, 0)
    assert (wrong.by_mean, wrong.together, wrong.against) == (0, 0, 4)
    assert not right.holds
    not_higher = dataclasses.replace(reading, expected="not higher")
    assert table3_claims.judge(not_higher).holds
    rival = dataclasses.replace(not_higher, method="LL", references=("Core-Set",), stages=("6000",))
    assert (table3_claims.judge(rival).together, table3_claims.judge(rival).against) == (0, 1)


def test_test_accuracy_is_alike_only_within_wide_bounds() -> None:
    lsp, mpii = table3_claims.likeness("Table 3b")
    assert (lsp.separable, mpii.separable) == (0, 2)
    joint = table3.pick(table3.compare(TABLE_3B, Settings(correction="bonferroni")), data="MPII")
    assert mpii.bound == max(abs(end) for c in joint for end in (c.low, c.high))
    assert table3_claims.likeness("Table 3b", ALONE)[1].bound == mpii.bound
    assert (round(lsp.bound, 3), round(mpii.bound, 3)) == (0.036, 0.05)
    assert (round(lsp.largest_difference, 3), round(mpii.largest_difference, 3)) == (0.008, 0.016)
    separable = [c for c in table3.compare(TABLE_3B) if c.verdict != NOT_SEPARABLE]
    assert [(c.data, c.stage, c.method, c.reference, c.verdict) for c in separable] == [
        ("MPII", "4", "LL", "Random", HIGHER),
        ("MPII", "4", "LL++conv", "Random", HIGHER),
    ]


def test_failures_become_rarer_and_no_gain_in_accuracy_changes() -> None:
    assert {c.verdict for c in table3.change_of_difference(TABLE_3A, "Random")} == {HIGHER}
    assert {c.verdict for c in table3.change_of_difference(TABLE_3B, "Random")} == {NOT_SEPARABLE}


def test_whether_the_selected_images_are_harder_depends_on_what_the_spread_is_over() -> None:
    ll, pp = printed.SELECTED_TRUE_LOSS["LL"], printed.SELECTED_TRUE_LOSS["LL++"]
    few, many = (table3.difference_of_summaries(pp.mean, pp.deviation, ll.mean, ll.deviation, n=n) for n in (5, 1000))
    assert few[0] < 0 < few[1]
    assert many[0] > 0
    few, many = (table3.ratio_of_deviations(pp.deviation, ll.deviation, n=n) for n in (5, 1000))
    assert few[0] < 1 < few[1]
    assert many[1] < 1


@both_tables
def test_how_many_verdicts_depend_on_what_the_table_does_not_say(tables) -> None:
    found = table3.sensitivity(tables)
    base = [c.verdict for c in found["as chosen"]]
    changed = {
        name: sum(a != c.verdict for a, c in zip(base, comparisons, strict=True)) for name, comparisons in found.items()
    }
    expected = {"3a": [0, 2, 0, 1, 11, 1, 11], "3b": [0, 0, 2, 2, 2, 2, 4]}
    assert list(changed.values()) == expected["3a" if tables is TABLE_3A else "3b"]
    for comparisons in found.values():  # a verdict may be lost or gained, never turned round
        assert not [1 for a, c in zip(base, comparisons, strict=True) if {a, c.verdict} == {LOWER, HIGHER}]


def test_the_bounds_on_test_accuracy_exceed_what_any_method_gains_from_stage_2_to_5() -> None:
    for table, bound in zip(TABLE_3B, (a.bound for a in table3_claims.likeness("Table 3b")), strict=True):
        assert bound > max(means[4] - means[1] for means in table.mean.values())


def test_the_largest_gain_over_random_stands_at_the_last_two_stages() -> None:
    against = table3.pick(table3.compare(TABLE_3B), reference="Random")
    top = max(round(c.difference, 3) for c in against)
    largest = [(c.data, c.method, c.stage) for c in against if round(c.difference, 3) == top]
    assert largest == [("MPII", "LL", "4"), ("MPII", "LL", "5")]


def test_three_of_the_ten_sentences_that_rank_methods_hold_in_all_comparisons() -> None:
    judged = [table3_claims.judge(r) for r in table3_claims.READINGS]
    assert all(j.by_mean == len(j.comparisons) for j in judged)
    ranking = [j for j in judged if j.reading.expected == LOWER]
    assert (len(ranking), sum(j.holds for j in ranking)) == (10, 3)


def test_sentences_about_no_table_or_no_direction_are_errors() -> None:
    with pytest.raises(ValueError, match="one of Table 3a, Table 3b, got 'Table 4'"):
        table3_claims.likeness("Table 4")
    reading = dataclasses.replace(table3_claims.READINGS[0], expected="better")
    with pytest.raises(ValueError, match="expected must be"):
        table3_claims.judge(reading)
    with pytest.raises(ValueError, match="no comparison of LL with"):
        table3_claims.judge(dataclasses.replace(table3_claims.READINGS[0], method="LL", references=("BALD",)))
