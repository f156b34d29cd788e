"""Student's interval of a mean: held to scipy's, to a table, and to how often it holds the mean."""

import math
import re

import numpy as np
import pytest
import torch
from scipy import stats

from llpp_core.metrics import Interval, mean_curve, mean_interval


@pytest.mark.parametrize("n", [2, 3, 5, 40])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_it_is_scipys(n: int, confidence: float) -> None:
    values = np.random.default_rng(n).normal(3, 2, n)
    low, high = stats.t.interval(confidence, n - 1, values.mean(), stats.sem(values))
    found = mean_interval(values, confidence=confidence)
    assert (found.mean, found.low, found.high) == pytest.approx((values.mean(), low, high), rel=1e-9)
    assert found.n == n


def test_it_is_what_a_table_of_students_t_gives() -> None:
    # Standard deviation √2.5, and t = 2.776 for four degrees of freedom in any printed table.
    found = mean_interval([1, 2, 3, 4, 5])
    assert (found.mean, found.n) == (3.0, 5)
    assert found.high - 3 == pytest.approx(2.776 * math.sqrt(2.5 / 5), abs=1e-3)
    assert 3 - found.low == pytest.approx(found.high - 3)


def test_it_holds_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    draws = 4000
    held = sum(not mean_interval(rng.normal(1, 5, 4), confidence=0.8).excludes(1) for _ in range(draws))
    assert abs(held / draws - 0.8) < 4 * math.sqrt(0.8 * 0.2 / draws)


def test_a_single_value_has_a_mean_and_no_interval() -> None:
    found = mean_interval([0.25])
    assert (found.mean, found.n) == (0.25, 1)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert not found.excludes(100)
    assert f"{found:.2f}" == "0.25"


def test_it_says_what_it_excludes_and_how_it_reads() -> None:
    found = Interval(0.5, 0.25, 0.75, 3)
    assert found.excludes(0)
    assert found.excludes(1)
    assert not found.excludes(0.25)
    assert f"{found:.2f}" == "0.50 [0.25, 0.75]"


@pytest.mark.parametrize("values", [[1.0, 2.0, 4.0], (1, 2, 4), np.array([1, 2, 4]), torch.tensor([1.0, 2.0, 4.0])])
def test_lists_arrays_and_tensors_are_alike(values) -> None:
    assert mean_interval(values) == mean_interval([1.0, 2.0, 4.0])


def test_values_that_are_alike_have_an_interval_without_length() -> None:
    found = mean_interval([0.5, 0.5, 0.5])
    assert (found.low, found.high) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("values", "confidence", "sentence"),
    [
        ([], 0.95, "an interval needs a list of at least 1 value, got an array of shape (0,)"),
        (np.ones((2, 2)), 0.95, "got an array of shape (2, 2)"),
        ([1.0, math.nan, math.inf], 0.95, "values must be finite; they are not at position 1, 2"),
        ([1.0, 2.0], 0.0, "confidence must lie between 0 and 1, got 0.0"),
        ([1.0, 2.0], 1.0, "confidence must lie between 0 and 1, got 1.0"),
        ([1.0, 2.0], math.nan, "confidence must lie between 0 and 1, got nan"),
    ],
)
def test_what_it_refuses(values, confidence: float, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        mean_interval(values, confidence=confidence)


def test_a_mean_curve_is_the_interval_of_every_point() -> None:
    curves = list(np.random.default_rng(0).random((4, 6)))
    mean, low, high = mean_curve(curves, confidence=0.9)
    for point in range(6):
        alone = mean_interval([curve[point] for curve in curves], confidence=0.9)
        assert (mean[point], low[point], high[point]) == (alone.mean, alone.low, alone.high)
    with pytest.raises(ValueError, match=r"curves must have one number of points, got \[6, 5\]"):
        mean_curve([curves[0], curves[1][:5]])
