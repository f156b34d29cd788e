"""The inverse temperature α of LearningLoss++ (beyond the paper) is what its definition says, at any scale."""

from functools import partial

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from llpp_core.losses import learning_loss_pp, learning_loss_pp_batch

each_loss = pytest.mark.parametrize("loss", [learning_loss_pp, learning_loss_pp_batch])
OF_A_PAIR = [partial(learning_loss_pp, pairs=pairs) for pairs in ("halves", "all", torch.tensor([[1, 0]]))]
ALPHA = st.one_of(st.sampled_from([1, 100]), st.floats(-2, 2).map(lambda e: 10.0**e))
EXTREME_LOSS = st.one_of(st.just(0.0), st.floats(-12, 12).map(lambda e: 10.0**e))


def batch(n: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    predicted = 2 * torch.randn(n, generator=generator, dtype=torch.float64)
    return predicted.requires_grad_(), torch.rand(n, generator=generator, dtype=torch.float64) + 1e-3


def gradient(loss: Tensor, of: Tensor) -> Tensor:
    (result,) = torch.autograd.grad(loss, of)
    return result


def shares(true: list[float], alpha: float) -> list[mpmath.mpf]:
    """l^α / Σl^α to 50 digits, and equal shares where all are 0: the reference for every α."""
    with mpmath.workdps(50):
        powered = [mpmath.power(loss, alpha) for loss in true]
        total = mpmath.fsum(powered)
        return [power / total if total else mpmath.mpf(1) / len(true) for power in powered]


def divergence(predicted: list[float], share: list[mpmath.mpf]) -> tuple[float, list[float]]:
    """KL(share ‖ softmax(predicted)) and its gradient, softmax − share, to 50 digits."""
    with mpmath.workdps(50):
        normalizer = mpmath.log(mpmath.fsum(mpmath.exp(l_hat) for l_hat in predicted))
        log_q = [l_hat - normalizer for l_hat in predicted]
        value = mpmath.fsum(p * (mpmath.log(p) - q) for p, q in zip(share, log_q, strict=True) if p)
        return float(value), [float(mpmath.exp(q) - p) for p, q in zip(share, log_q, strict=True)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e4, 1e4), EXTREME_LOSS), min_size=2, max_size=5), ALPHA)
def test_any_temperature_is_the_definition_to_fifty_digits(rows, alpha: int | float) -> None:
    for loss, compared in ((learning_loss_pp_batch, rows), *((loss, rows[:2]) for loss in OF_A_PAIR)):
        l_hat, true = [p for p, _ in compared], [t for _, t in compared]
        value, push = divergence(l_hat, shares(true, alpha))
        predicted = torch.tensor(l_hat, dtype=torch.float64, requires_grad=True)
        got = loss(predicted, torch.tensor(true, dtype=torch.float64), alpha=alpha)
        assert float(got.detach()) == pytest.approx(value, rel=1e-11, abs=1e-12)
        assert gradient(got, predicted).tolist() == pytest.approx(push, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.01, 0.5, 1, 2, 100])
@pytest.mark.parametrize(
    "true", [[1e-12, 1e12], [3.0, 3.1], [1e12, 1.001e12], [1e-12, 0.0], [0.0, 0.0], [1e-40, 1e-41]]
)
def test_any_temperature_in_float32(alpha: int | float, true: list[float]) -> None:
    true_loss = torch.tensor(true, dtype=torch.float32)
    for l_hat in ([0.3, -0.2], [1e4, -1e4], [-1e4, 1e4]):
        value, push = divergence(l_hat, shares(true_loss.tolist(), alpha))
        predicted = torch.tensor(l_hat, requires_grad=True)
        for loss in (learning_loss_pp, learning_loss_pp_batch):
            got = loss(predicted, true_loss, alpha=alpha)
            # l^100 multiplies the rounding of a ratio by 100.
            assert float(got.detach()) == pytest.approx(value, rel=1e-5 * max(alpha, 1), abs=2e-7)
            assert gradient(got, predicted).tolist() == pytest.approx(push, abs=2e-7 * max(alpha, 1))


@pytest.mark.parametrize("pairs", ["halves", "all"])
def test_a_high_temperature_is_blind_and_a_low_one_ranks(pairs: str) -> None:
    predicted, true = batch(8, 4)
    blind = learning_loss_pp(predicted, true, alpha=1e-9, pairs=pairs)
    assert_close(blind, learning_loss_pp(predicted, torch.ones(8, dtype=torch.float64), pairs=pairs))
    first, second = torch.triu_indices(8, 8, 1) if pairs == "all" else torch.arange(8).view(2, 4)
    direction = torch.sign(true[first] - true[second])
    logistic = torch.log1p(torch.exp(-direction * (predicted[first] - predicted[second]))).mean()
    assert_close(learning_loss_pp(predicted, true, alpha=1e9, pairs=pairs), logistic)
    crossed = torch.nn.functional.cross_entropy(predicted, true.argmax())
    assert_close(learning_loss_pp_batch(predicted, true, alpha=1e9), crossed)
    assert_close(learning_loss_pp_batch(predicted, true, alpha=1e-9), (1 / 8 / predicted.softmax(0)).log().mean())


@each_loss
def test_a_small_alpha_sees_a_loss_whose_ratio_is_no_number_any_more(loss) -> None:
    predicted = torch.zeros(2, requires_grad=True)
    push = gradient(loss(predicted, torch.tensor([1e30, 1e-30]), alpha=0.01), predicted)
    share = 1 / (1 + 1e-60**0.01)
    assert_close(push, torch.tensor([0.5 - share, share - 0.5]))


@each_loss
@pytest.mark.parametrize("alpha", [0, -1.0, float("nan"), float("inf")])
def test_an_alpha_that_is_no_inverse_temperature_is_refused(loss, alpha: int | float) -> None:
    with pytest.raises(ValueError, match="alpha must be above 0 and finite, got"):
        loss(*batch(4, 0), alpha=alpha)
