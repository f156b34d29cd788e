"""The regression of l itself: what Learning Loss was first compared with."""

import math

import pytest
import torch
from torch.testing import assert_close

import llpp_core.losses
from llpp_core.losses import log_loss_regression, loss_regression


def test_it_is_the_mean_squared_error_to_the_true_loss() -> None:
    predicted, true = torch.tensor([0.5, -1.0, 2.0]), torch.tensor([1.0, 0.0, 5.0])
    assert float(loss_regression(predicted, true)) == pytest.approx((0.25 + 1.0 + 9.0) / 3, rel=1e-6)
    assert float(loss_regression(true, true)) == 0


def test_its_gradient_is_twice_the_error_over_n_and_none_reaches_the_true_loss() -> None:
    generator = torch.Generator().manual_seed(0)
    predicted = torch.randn(5, generator=generator, dtype=torch.float64, requires_grad=True)
    true = torch.rand(5, generator=generator, dtype=torch.float64).requires_grad_()
    loss_regression(predicted, true).backward()
    assert_close(predicted.grad, 2 * (predicted - true).detach() / 5)
    assert true.grad is None


def test_it_depends_on_the_unit_of_the_loss_and_that_of_the_logarithm_does_not() -> None:
    """In a unit c times as large the loss is c² times as large: what its docstring says, for predictions to match."""
    predicted, true = torch.tensor([0.5, 1.0, 2.0]), torch.tensor([1.0, 0.5, 5.0])
    assert_close(loss_regression(10 * predicted, 10 * true), 100 * loss_regression(predicted, true))
    in_logs = predicted.log()
    assert_close(log_loss_regression(in_logs + math.log(10), 10 * true), log_loss_regression(in_logs, true))


def test_columns_mean_what_rows_mean_and_half_precision_is_computed_in_float32() -> None:
    predicted, true = torch.tensor([0.5, -1.0], dtype=torch.bfloat16), torch.tensor([1.5, 2.0], dtype=torch.bfloat16)
    value = loss_regression(predicted, true)
    assert value.dtype == torch.float32
    assert_close(value, loss_regression(predicted[:, None].float(), true[:, None].float()))


@pytest.mark.parametrize(
    ("predicted", "true", "said"),
    [
        ([], [], "an empty batch has no loss"),
        ([0.0, math.nan], [1.0, 1.0], "predicted_loss must be finite; it is not at position 1$"),
        ([0.0, 0.0], [-1.0, 1.0], "true_loss must be finite and at least 0; it is not at position 0$"),
    ],
)
def test_what_is_no_batch_of_losses_is_refused(predicted: list[float], true: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        loss_regression(torch.tensor(predicted), torch.tensor(true))


@pytest.mark.parametrize("side", ["predicted", "true"])
def test_where_values_are_unchecked_what_is_not_finite_gives_a_loss_that_is_not(side: str) -> None:
    losses = {"predicted": torch.zeros(3), "true": torch.tensor([1.0, 0.0, 2.0])}
    losses[side][1] = math.nan
    with llpp_core.losses.unchecked():
        assert not math.isfinite(float(loss_regression(losses["predicted"], losses["true"])))
