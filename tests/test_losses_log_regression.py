"""The regression of log l: the baseline that compares no samples."""

import importlib.util
import math

import pytest
import torch
from torch.testing import assert_close

import llpp_core.losses
from llpp_core.losses import log_loss_regression


def test_it_is_the_mean_squared_error_to_the_log_of_the_true_loss() -> None:
    predicted, true = torch.tensor([0.5, -1.0, 2.0]), torch.tensor([1.0, math.e, math.e**3])
    assert float(log_loss_regression(predicted, true)) == pytest.approx((0.25 + 4.0 + 1.0) / 3, rel=1e-6)


def test_its_gradient_is_twice_the_error_over_n() -> None:
    generator = torch.Generator().manual_seed(0)
    predicted = torch.randn(5, generator=generator, dtype=torch.float64, requires_grad=True)
    true = torch.rand(5, generator=generator, dtype=torch.float64) + 0.1
    log_loss_regression(predicted, true).backward()
    assert_close(predicted.grad, 2 * (predicted.detach() - true.log()) / 5)


def test_the_log_of_the_true_loss_costs_nothing_and_a_constant_beside_it_does() -> None:
    true = torch.tensor([0.1, 3.0, 700.0])
    assert float(log_loss_regression(true.log(), true)) == 0
    assert float(log_loss_regression(true.log() + 2, true)) == pytest.approx(4, rel=1e-6)


def test_a_true_loss_of_zero_is_left_out() -> None:
    predicted = torch.tensor([5.0, 1.0, -3.0, 0.0], requires_grad=True)
    value = log_loss_regression(predicted, torch.tensor([0.0, 1.0, 0.0, 1.0]))
    assert float(value.detach()) == 0.5
    value.backward()
    assert predicted.grad.tolist() == [0.0, 1.0, 0.0, 0.0]


def test_a_batch_of_zeros_costs_nothing_and_can_be_differentiated() -> None:
    predicted = torch.tensor([5.0, 1.0], requires_grad=True)
    value = log_loss_regression(predicted, torch.zeros(2))
    assert float(value.detach()) == 0
    value.backward()
    assert predicted.grad.tolist() == [0.0, 0.0]


def test_columns_mean_what_rows_mean_and_a_batch_of_one_is_a_batch() -> None:
    predicted, true = torch.tensor([0.5, -1.0]), torch.tensor([1.0, 2.0])
    assert log_loss_regression(predicted[:, None], true[:, None]) == log_loss_regression(predicted, true)
    assert float(log_loss_regression(torch.tensor([3.0]), torch.tensor([1.0]))) == 9


def test_no_gradient_reaches_the_true_loss() -> None:
    predicted, true = torch.zeros(2, requires_grad=True), torch.ones(2, requires_grad=True)
    log_loss_regression(predicted, true).backward()
    assert true.grad is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    predicted, true = torch.tensor([0.5, -1.0], dtype=dtype), torch.tensor([1.5, 2.0], dtype=dtype)
    value = log_loss_regression(predicted, true)
    assert value.dtype == torch.float32
    assert_close(value, log_loss_regression(predicted.float(), true.float()))


@pytest.mark.parametrize(
    ("predicted", "true", "said"),
    [
        ([], [], "an empty batch has no loss"),
        ([0.0, math.nan], [1.0, 1.0], "predicted_loss must be finite; it is not at position 1$"),
        ([0.0, 0.0], [-1.0, 1.0], "true_loss must be finite and at least 0; it is not at position 0$"),
        ([0.0, 0.0], [1.0, math.inf], "true_loss must be finite and at least 0; it is not at position 1$"),
    ],
)
def test_what_is_no_batch_of_losses_is_refused(predicted: list[float], true: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        log_loss_regression(torch.tensor(predicted), torch.tensor(true))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("side", ["predicted", "true"])
def test_where_values_are_unchecked_what_is_not_finite_gives_a_loss_that_is_not(side: str, value: float) -> None:
    losses = {"predicted": torch.zeros(3), "true": torch.tensor([1.0, 0.0, 2.0])}
    losses[side][1] = value
    with llpp_core.losses.unchecked():
        assert not math.isfinite(float(log_loss_regression(losses["predicted"], losses["true"])))


@pytest.mark.usefixtures("as_users_run_it")
def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="must have one shape"):
        log_loss_regression(torch.zeros(3), torch.ones(3, 1))


def test_compiled_it_is_the_same() -> None:
    predicted, true = torch.tensor([0.5, -1.0, 2.0]), torch.tensor([1.0, 0.0, 3.0])
    # The module anew, without the checks of tensor types: only tests add those, and no compiler can read them.
    spec = importlib.util.spec_from_file_location("losses_without_checks", llpp_core.losses.__file__)
    unchecked = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(unchecked)
    torch.compiler.reset()
    compiled = torch.compile(unchecked.log_loss_regression, fullgraph=True, backend="aot_eager")
    assert_close(compiled(predicted, true), log_loss_regression(predicted, true))
    torch.compiler.reset()
