"""Pairs too close to call, from Python's side: its losses, its numbers and where its JavaScript comes from."""

import re

import numpy as np
import pytest
from traitlets import TraitError

from llpp_core.analysis import gamma_pairs, printed
from llpp_core.explorers import PairsTooClose
from llpp_core.explorers.pairs import pairs_within, presets


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([0.1, 0.0], r"must be finite and above 0, got 0 at place 1"),
        ([float("nan"), 1], r"must be finite and above 0, got nan at place 0"),
        ([1.0], r"must be from 2 to 200,000 numbers, got 1"),
        (np.arange(1, 200_002), r"must be from 2 to 200,000 numbers, got 200,001"),
        ([2, 2, 2], r"must differ for a fit, got 3 times 2"),
        ("ab", r"must be numbers, got 'ab'"),
    ],
)
def test_losses_that_cannot_be_fitted_are_refused(losses, message):
    with pytest.raises(TraitError, match=f"PairsTooClose.losses {message}"):
        PairsTooClose(losses=losses)


def test_any_sequence_of_losses_will_do():
    for losses in ([0.2, 0.5], np.array([0.2, 0.5]), (0.2, 0.5)):
        explorer = PairsTooClose(losses=losses)
        assert explorer.losses == [0.2, 0.5]
        assert "Of the 1 pairs of the 2 losses given, 0 are within δ" in explorer.description()
        explorer.close()


@pytest.mark.parametrize("gap", [0.0, 0.05, 0.1, 0.7, 5.0])
def test_pairs_are_counted_one_by_one(gap):
    losses = np.random.default_rng(1).gamma(2, 0.3, 80).round(2) + 0.01
    one_by_one = sum(abs(a - b) <= gap + 1e-9 for n, a in enumerate(losses) for b in losses[:n])
    assert pairs_within(losses.tolist(), gap) == (one_by_one, 80 * 79 // 2)


def test_the_tables_scale_prints_every_number_of_both_tables():
    paper, tables = presets().values()
    assert paper["scale"] == printed.SCALE
    for table, function in (
        (printed.TABLE_1, gamma_pairs.probability_within),
        (printed.TABLE_2, gamma_pairs.expected_share),
    ):
        values = function(np.array(table.loss_gap), tables["shape"], tables["scale"])
        assert np.all(np.abs(values - np.array(table.value)) <= table.half_unit)


def test_handwritten_files_hold_no_formula_but_the_special_functions():
    for source in PairsTooClose.sources():
        if source.name != "special.js":
            assert not re.search(r"Math\.(exp|log|sign|tanh)\b", source.read_text(encoding="utf-8")), source.name


def test_javascript_is_generated_from_the_objective():
    source = PairsTooClose.mathematics()
    assert "return -expected_true_share + predicted_share;" in source
    assert "return true_loss_i/(true_loss_i + true_loss_j);" in source


def test_table_and_description_have_both_functions():
    explorer = PairsTooClose(loss_gap=0.1)
    rows = explorer.table().rows
    assert rows[0] == ["current gap", "0.1", "0.4408", "0.437", "0.3844", "0.39"]
    assert [row[1] for row in rows[1:]] == [
        f"{gap:g}" for gap in sorted({*printed.TABLE_1.loss_gap, *printed.TABLE_2.loss_gap})
    ]
    assert "0.4408 of all pairs are within δ = 0.1" in explorer.description()
    explorer.close()
