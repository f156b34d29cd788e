"""Calibration of exp(l̂): the constant that is set, and the groups that are compared."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llpp_core.metrics import calibration, offset

TRUE = torch.arange(1.0, 13.0)


@pytest.mark.parametrize("shift", [-3.0, 0.0, 2.5])
def test_a_predictor_that_is_right_up_to_a_constant_gets_that_constant(shift: float) -> None:
    predicted = TRUE.log() + shift
    constant = offset(predicted, TRUE)
    assert constant == pytest.approx(-shift, abs=1e-6)
    found = calibration(predicted, TRUE, offset=constant, groups=4)
    np.testing.assert_allclose(found.true, [2, 5, 8, 11])
    np.testing.assert_allclose(found.predicted, [2, 5, 8, 11], rtol=1e-6)
    assert found.offset == constant


def test_the_constant_makes_the_mean_right_and_no_other_mean() -> None:
    # exp(l̂) is 1, 1, 4 with mean 2; the true losses 3, 9, 0 have mean 4.
    predicted, true = torch.tensor([0.0, 0.0, math.log(4)]), torch.tensor([3.0, 9.0, 0.0])
    assert offset(predicted, true) == pytest.approx(math.log(2), abs=1e-6)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 100)), min_size=1, max_size=20))
def test_with_the_constant_the_mean_is_that_of_the_true_losses(pairs: list[tuple[float, float]]) -> None:
    predicted, true = (torch.tensor(column, dtype=torch.float64) for column in zip(*pairs, strict=True))
    constant = offset(predicted, true)
    assert float((predicted + constant).exp().mean()) == pytest.approx(float(true.mean()), rel=1e-9)


@pytest.mark.parametrize("far", [1000.0, -1000.0, 1e5])
def test_predictions_whose_exponential_no_number_holds_have_a_constant(far: float) -> None:
    constant = offset(TRUE.double().log() + far, TRUE.double())
    assert constant == pytest.approx(-far, abs=1e-9)


def test_groups_go_from_the_lowest_to_the_highest_prediction_whatever_the_order_of_the_samples() -> None:
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    predicted = -TRUE[order]  # the wrong way round: the lowest prediction has the largest loss
    found = calibration(predicted, TRUE[order], offset=1.0, groups=3)
    np.testing.assert_allclose(found.true, [10.5, 6.5, 2.5])
    wanted = [np.exp(1 - np.arange(first, first + 4)).mean() for first in (9, 5, 1)]
    np.testing.assert_allclose(found.predicted, wanted, rtol=1e-6)
    assert np.all(np.diff(found.predicted) > 0)


def test_what_is_predicted_in_a_group_is_the_mean_of_exponentials_and_not_of_logarithms() -> None:
    found = calibration(torch.tensor([0.0, math.log(3)]), torch.tensor([1.0, 5.0]), offset=0, groups=1)
    assert found.predicted[0] == pytest.approx(2)
    assert found.true[0] == 3
    assert found.offset == 0.0


def test_sizes_of_groups_differ_by_one_at_most() -> None:
    true = torch.arange(11.0)
    found = calibration(true, true, offset=-11.0, groups=3)
    np.testing.assert_allclose(found.true, [1.5, 5.5, 9.0])  # 4, 4 and 3 samples


def test_ten_groups_unless_asked_for_others_and_as_many_as_samples() -> None:
    assert len(calibration(TRUE.log(), TRUE, offset=0.0).true) == 10
    np.testing.assert_allclose(calibration(TRUE.log(), TRUE, offset=0.0, groups=12).true, TRUE)


def test_equal_predictions_stay_in_their_order() -> None:
    true = torch.arange(1000.0)  # so many that a sort which is not stable moves them
    predicted = torch.arange(1000) % 2 * 1.0  # the even ones first
    found = calibration(predicted, true, offset=0.0, groups=4)
    np.testing.assert_allclose(found.true, [249, 749, 250, 750])


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize(
    ("predicted", "true", "groups", "sentence"),
    [
        ([0.0] * 9, [1.0] * 9, 10, "wanted at least 10 pairs of losses, got 9 and 9"),
        ([0.0] * 9, [1.0] * 8, 2, "got 9 and 8"),
        ([0.0] * 3, [1.0] * 3, 0, "wanted at least 1 group, got 0"),
        ([0.0] * 3, [1.0] * 3, -1, "wanted at least 1 group, got -1"),
        ([0.0, math.nan, 0.0], [1.0] * 3, 2, "predicted_loss must be finite; it is not at position 1"),
        ([0.0] * 3, [1.0, 1.0, math.inf], 2, "true_loss must be finite; it is not at position 2"),
    ],
)
def test_what_calibration_refuses(predicted: list[float], true: list[float], groups: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        calibration(torch.tensor(predicted), torch.tensor(true), offset=0.0, groups=groups)


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize(
    ("predicted", "true", "sentence"),
    [
        ([], [], "wanted at least 1 pairs of losses, got 0 and 0"),
        ([0.0, 1.0], [0.0, 0.0], "wanted true losses whose mean is above 0"),
        ([0.0, 1.0], [1.0, -1.0], "wanted true losses whose mean is above 0"),
        ([0.0, math.inf], [1.0, 1.0], "predicted_loss must be finite; it is not at position 1"),
    ],
)
def test_what_an_offset_refuses(predicted: list[float], true: list[float], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        offset(torch.tensor(predicted), torch.tensor(true))
