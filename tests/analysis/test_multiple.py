"""Several questions at once: paired t-tests corrected for their number, beside SciPy's and by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from llpp_core.analysis.multiple import adjust, paired


def test_the_smallest_p_counts_as_often_as_there_are_questions() -> None:
    clear, less_clear, none = [1.0, 1.1, 0.9, 1.05], [0.2, 0.5, 0.1, 0.4], [0.1, -0.2, 0.3, -0.1]
    alone = [float(stats.ttest_1samp(values, 0.0).pvalue) for values in (clear, less_clear, none)]
    assert alone == sorted(alone)
    assert paired([none, clear, less_clear]) == pytest.approx([alone[2], 3 * alone[0], 2 * alone[1]])


def test_a_single_repetition_is_no_test_and_does_not_count() -> None:
    values = [1.0, 1.2, 0.7]
    with_it, without = paired([values, [5.0], []]), paired([values])
    assert with_it[0] == without[0] == pytest.approx(float(stats.ttest_1samp(values, 0.0).pvalue))
    assert math.isnan(with_it[1])
    assert math.isnan(with_it[2])
    assert paired([]) == []


def test_differences_without_spread() -> None:
    assert paired([[0.0, 0.0, 0.0]]) == [1.0]
    assert paired([[0.1, 0.1, 0.1]]) == [0.0]


def test_an_unknown_correction_is_refused() -> None:
    with pytest.raises(ValueError, match="one of holm, bonferroni, none, got 'fdr'"):
        adjust(np.array([0.1]), 0.05, "fdr")
