"""`RunsPlayer` from Python's side: what a record must be, its correlations, and what stands in where no script runs."""

import copy
import math
import re

import numpy as np
import pytest
from scipy import stats
from traitlets import TraitError

from llpp_core import report
from llpp_core.explorers import RunsPlayer
from llpp_core.explorers.run_record import correlations
from llpp_core.explorers.runs import LOW_PCK

RECORD = {
    "epochs": [1, 2, 5],
    "ids": ["a", "b", "c", "d"],
    "methods": {
        "LL": [[0.1, 0.2, 0.3, 0.4], [1.0, 3.0, 2.0, 4.0], [4.0, 3.0, 2.0, 1.0]],
        "LL++": [[0.0, 0.0, 0.0, 0.0], [0.5, 0.1, 0.2, 0.9], [0.1, 0.2, 0.2, 0.9]],
    },
    "true_loss": [[1.0, 2.0, 3.0, 9.0], [1.0, 2.0, 2.0, 3.0], [0.5, 0.7, 0.6, 2.0]],
    "pck": [0.1, 0.4, 0.75],
}


@pytest.fixture
def player():
    explorer = RunsPlayer(record=RECORD)
    yield explorer
    explorer.close()


BROKEN = {
    "a record is a mapping of": lambda r: 3,
    "the record lacks 'pck'": lambda r: {k: v for k, v in r.items() if k != "pck"},
    r"epochs must rise from 0 or more, got \[1, 1, 5\]": lambda r: {**r, "epochs": [1, 1, 5]},
    "epochs must rise": lambda r: {**r, "epochs": [-1, 1, 5]},
    "ids must be a list of texts": lambda r: {**r, "ids": [1, 2, 3, 4]},
    r"methods must map 1 to 3 names": lambda r: {**r, "methods": dict.fromkeys("abcd", r["methods"]["LL"])},
    r"true_loss must have a list for each of 3 epochs, got 2": lambda r: {**r, "true_loss": r["true_loss"][:2]},
    r"true_loss\[1\] must have 4 numbers, got 3": lambda r: put(r, "true_loss", 1, [1.0, 2.0, 3.0]),
    r"true_loss\[0\] must hold numbers that are finite and above 0, got 0.0 at place 1": lambda r: put(
        r, "true_loss", 0, [1.0, 0.0, 1.0, 1.0]
    ),
    r"methods\['LL'\]\[2\] must hold numbers that are finite, got nan at place 3": lambda r: {
        **r, "methods": put(r["methods"], "LL", 2, [1.0, 2.0, 3.0, math.nan])
    },
    r"methods\['LL\+\+'\]\[0\] must hold numbers that are finite, got None": lambda r: {
        **r, "methods": put(r["methods"], "LL++", 0, [1.0, 2.0, 3.0, None])
    },
    r"pck must be empty or hold a number from 0 to 1": lambda r: {**r, "pck": [0.1, 0.2, 1.5]},
    r"gradient_norm must have the methods LL, LL\+\+": lambda r: {**r, "gradient_norm": {"LL": [1, 1, 1]}},
    r"gradient_norm\['LL'\] must have 3 numbers, got 2": lambda r: {
        **r, "gradient_norm": {"LL": [1, 1], "LL++": [1, 1, 1]}
    },
}  # fmt: skip


def put(mapping, key, place, row):
    rows = list(mapping[key])
    rows[place] = row
    return {**mapping, key: rows}


@pytest.mark.parametrize("sentence", BROKEN)
def test_a_bad_record_is_refused_in_one_sentence(player, sentence):
    with pytest.raises(TraitError, match=rf"^RunsPlayer\.record: {sentence}"):
        player.record = BROKEN[sentence](copy.deepcopy(RECORD))
    assert player.record == RECORD


def test_a_record_needs_neither_accuracy_nor_an_epoch():
    explorer = RunsPlayer(record={**RECORD, "pck": []})
    assert "PCK" not in explorer.description()
    assert "PCK@0.2" not in explorer.table().header
    explorer.close()
    empty = RunsPlayer()
    assert "no epoch is recorded yet" in empty.html()
    assert empty.table().rows == []
    empty.close()


def test_the_last_epoch_is_shown_unless_another_is_asked_for(player):
    assert player.epoch == 5
    assert "After epoch 5" in player.description()
    player.epoch = 4  # not recorded
    assert "After epoch 2" in player.description()
    player.epoch = 0
    assert "After epoch 1" in player.description()


def test_correlations_are_scipys_ties_and_all():
    rng = np.random.default_rng(0)
    for _ in range(20):
        true = np.round(rng.gamma(2.0, size=30), 1) + 0.1
        predicted = np.round(true + rng.normal(size=30), 1)
        found = correlations(predicted.tolist(), true.tolist())
        expected = stats.pearsonr(predicted, true).statistic, stats.spearmanr(predicted, true).statistic
        assert found == pytest.approx(expected, abs=1e-12)
    assert all(map(math.isnan, correlations([0.3] * 4, [1.0, 2.0, 3.0, 4.0])))
    assert all(map(math.isnan, correlations([0.1 + 0.2, 0.3, 0.3], [1.0, 2.0, 3.0])))  # constant but for rounding


def test_reader_without_scripts_gets_every_number(player):
    table = player.table()
    assert table.header[:3] == ["epoch", "LL, Pearson", "LL, Spearman"]
    assert [row[0] for row in table.rows] == ["1", "2", "5"]
    assert table.rows[0] == ["1", "0.90", "1.00", "undefined", "undefined", "0.10"]
    assert player.picture().count("<circle") == 2 * 4 + 2  # the samples in two panels, and the epoch on two curves
    assert "PCK@0.2 is 0.75" in player.description()


def test_the_bound_of_a_low_accuracy_is_that_of_the_reports():
    assert report.LOW == LOW_PCK


def test_a_text_of_the_record_cannot_become_markup():
    hostile = {**RECORD, "ids": ["</script><b>", "b", "c", "d"], "methods": {"<u>": RECORD["methods"]["LL"]}}
    explorer = RunsPlayer(record=hostile)
    html = explorer.html()
    assert not re.search(r"<u>|</script><b>", html)
    explorer.close()
