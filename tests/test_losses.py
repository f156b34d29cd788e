"""The torch losses are the derived objectives, stay finite where those overflow, and say what is wrong with a batch."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from llpp_core.analysis import objectives
from llpp_core.losses import learning_loss, learning_loss_pp, learning_loss_pp_batch

OF_PAIRS: dict[str, Callable[..., Tensor]] = {"LL": learning_loss, "LL++": learning_loss_pp}
LOSSES: dict[str, Callable[..., Tensor]] = {
    **OF_PAIRS,
    "LL all": partial(learning_loss, pairs="all"),
    "LL++ all": partial(learning_loss_pp, pairs="all"),
    "LL++ α = 3": partial(learning_loss_pp, alpha=3),
    "LL++ batch": learning_loss_pp_batch,
    "LL++ batch α = ½": partial(learning_loss_pp_batch, alpha=0.5),
}
each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
each_pair_loss = pytest.mark.parametrize("loss", OF_PAIRS.values(), ids=OF_PAIRS)
DERIVED_LL, DERIVED_PP = objectives.learning_loss().torch(), objectives.learning_loss_pp().torch()


def batch(n: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    predicted = 2 * torch.randn(n, generator=generator, dtype=torch.float64)
    true = torch.rand(n, generator=generator, dtype=torch.float64).log().neg() + 1e-3
    return predicted.to(dtype).requires_grad_(), true.to(dtype)


def gradient(loss: Tensor, of: Tensor) -> Tensor:
    (result,) = torch.autograd.grad(loss, of)
    return result


def derived(loss: Callable[..., Tensor], predicted: Tensor, true: Tensor, i: int, j: int, margin: float) -> Tensor:
    pair = (predicted[i], predicted[j], true[i], true[j])
    return DERIVED_LL(*pair, margin) if loss is learning_loss else DERIVED_PP(*pair)


@each_pair_loss
@pytest.mark.parametrize("n", [2, 3, 8, 9])
@pytest.mark.parametrize("pairs", ["halves", "all"])
def test_values_and_gradients_are_the_derived_ones(loss, n: int, pairs: str) -> None:
    predicted, true = batch(n, seed=n)
    index = [(i, i + n // 2) for i in range(n // 2)]
    if pairs == "all":
        index = [(i, j) for i in range(n) for j in range(i + 1, n)]
    wanted = torch.stack([derived(loss, predicted, true, i, j, 1.0) for i, j in index])
    assert_close(loss(predicted, true, pairs=pairs, reduction="none"), wanted, rtol=1e-11, atol=1e-13)
    mean = loss(predicted, true, pairs=pairs)
    assert_close(mean, wanted.mean(), rtol=1e-11, atol=1e-13)
    assert_close(gradient(mean, predicted), gradient(wanted.mean(), predicted), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("margin", [0, 0.1, 1.0, 50.0])
def test_margin_is_the_derived_one(margin: float) -> None:
    predicted, true = batch(8, seed=5)
    wanted = torch.stack([derived(learning_loss, predicted, true, i, i + 4, margin) for i in range(4)])
    assert_close(learning_loss(predicted, true, margin=margin, reduction="none"), wanted)
    assert_close(gradient(learning_loss(predicted, true, margin=margin), predicted), gradient(wanted.mean(), predicted))


def test_explicit_pairs_are_taken_in_their_order() -> None:
    predicted, true = batch(5)
    index = torch.tensor([[4, 0], [1, 1], [0, 4]])
    got = learning_loss_pp(predicted.detach(), true, pairs=index, reduction="none")
    assert got.shape == (3,)
    assert float(got[1]) == pytest.approx(0, abs=1e-12)  # a sample against itself: shares ½ and ½
    assert_close(got[0], got[2])
    assert_close(got[0], derived(learning_loss_pp, predicted.detach(), true, 4, 0, 1.0))


@pytest.mark.parametrize("n", [2, 3, 7])
def test_batch_form_is_the_derived_one_and_its_gradient_is_softmax_minus_share(n: int) -> None:
    predicted, true = batch(n, seed=n)
    loss = learning_loss_pp_batch(predicted, true)
    assert_close(loss, objectives.learning_loss_pp_batch(n).torch()(*predicted, *true), rtol=1e-11, atol=1e-13)
    assert_close(gradient(loss, predicted), predicted.detach().softmax(0) - true / true.sum(), rtol=1e-10, atol=1e-13)


def test_batch_of_two_is_the_pair() -> None:
    predicted, true = batch(2)
    assert_close(learning_loss_pp_batch(predicted, true), learning_loss_pp(predicted, true), rtol=1e-13, atol=1e-15)


EXTREME_LOSS = st.one_of(st.just(0.0), st.floats(-12, 12).map(lambda e: 10.0**e))
PREDICTION = st.floats(-1e4, 1e4)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(PREDICTION, EXTREME_LOSS), min_size=2, max_size=5), st.sampled_from(["halves", "all"]))
def test_learning_loss_pp_stays_finite_and_keeps_its_gradient_at_extremes(rows, pairs: str) -> None:
    predicted = torch.tensor([p for p, _ in rows], dtype=torch.float64, requires_grad=True)
    true = torch.tensor([t for _, t in rows], dtype=torch.float64)
    n = len(rows)
    index = torch.triu_indices(n, n, 1).T if pairs == "all" else torch.tensor([(i, i + n // 2) for i in range(n // 2)])
    values = learning_loss_pp(predicted, true, pairs=pairs, reduction="none")
    assert bool(torch.isfinite(values).all())
    assert float(values.detach().min()) >= -1e-12  # a divergence
    l_i, l_j = true[index].unbind(1)
    total = l_i + l_j
    p = torch.where(total > 0, l_i / total.clamp_min(1e-300), 0.5)
    q = torch.sigmoid(predicted[index[:, 0]] - predicted[index[:, 1]]).detach()
    wanted = torch.zeros(n, dtype=torch.float64)
    wanted.index_add_(0, index[:, 0], q - p)
    wanted.index_add_(0, index[:, 1], p - q)
    assert_close(gradient(values.sum(), predicted), wanted, rtol=1e-9, atol=1e-12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(PREDICTION, EXTREME_LOSS), min_size=1, max_size=6))
def test_batch_form_stays_finite_and_keeps_its_gradient_at_extremes(rows) -> None:
    predicted = torch.tensor([p for p, _ in rows], dtype=torch.float64, requires_grad=True)
    true = torch.tensor([t for _, t in rows], dtype=torch.float64)
    loss = learning_loss_pp_batch(predicted, true)
    assert float(loss.detach()) >= -1e-9
    share = true / true.sum() if float(true.sum()) > 0 else torch.full_like(true, 1 / len(true))
    assert_close(gradient(loss, predicted), predicted.detach().softmax(0) - share, rtol=1e-9, atol=1e-12)


@settings(max_examples=150, deadline=None)
@given(PREDICTION, PREDICTION, EXTREME_LOSS, EXTREME_LOSS, st.sampled_from([0.0, 1e-9, 1.0, 1e6]))
def test_learning_loss_at_extremes(l_hat_i: float, l_hat_j: float, l_i: float, l_j: float, margin: float) -> None:
    predicted = torch.tensor([l_hat_i, l_hat_j], dtype=torch.float64, requires_grad=True)
    loss = learning_loss(predicted, torch.tensor([l_i, l_j], dtype=torch.float64), margin=margin)
    direction = (l_i > l_j) - (l_i < l_j)
    value = margin - direction * (l_hat_i - l_hat_j)
    push = -direction if value > 0 else 0
    assert float(loss.detach()) == max(0.0, value)
    assert gradient(loss, predicted).tolist() == [push, -push]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e-38, 1e-30, 1e30, 3e38])
def test_shares_neither_overflow_nor_vanish_at_the_ends_of_the_number_range(dtype: torch.dtype, scale: float) -> None:
    predicted = torch.zeros(2, dtype=dtype, requires_grad=True)
    for loss in (learning_loss_pp, learning_loss_pp_batch):
        for alpha, share in ((1, 2 / 3), (100, 1.0), (0.5, 2**0.5 / (1 + 2**0.5))):
            push = gradient(loss(predicted, torch.tensor([1.0, 0.5], dtype=dtype) * scale, alpha=alpha), predicted)
            assert_close(push, torch.tensor([0.5 - share, share - 0.5], dtype=dtype), rtol=1e-5, atol=1e-6)


def test_exact_tie_costs_learning_loss_the_margin_and_pushes_nothing() -> None:
    predicted = torch.tensor([3.0, -1.0], requires_grad=True)
    loss = learning_loss(predicted, torch.tensor([0.7, 0.7]), margin=0.25)
    assert float(loss.detach()) == 0.25
    assert gradient(loss, predicted).tolist() == [0.0, 0.0]


def test_learning_loss_at_the_kink_pushes_nothing() -> None:
    predicted = torch.tensor([2.0, 1.0], requires_grad=True)
    loss = learning_loss(predicted, torch.tensor([2.0, 1.0]), margin=1.0)
    assert float(loss.detach()) == 0.0
    assert gradient(loss, predicted).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("true", "share"), [([0.0, 0.0], 0.5), ([0.0, 2.0], 0.0), ([2.0, 0.0], 1.0)])
def test_true_losses_of_zero_have_shares(true: list[float], share: float) -> None:
    predicted = torch.tensor([0.3, 0.0], dtype=torch.float64, requires_grad=True)
    loss = learning_loss_pp(predicted, torch.tensor(true, dtype=torch.float64))
    q = torch.sigmoid(torch.tensor(0.3, dtype=torch.float64))
    assert_close(gradient(loss, predicted), torch.stack([q - share, share - q]))


@each_loss
def test_a_batch_of_one_costs_nothing_and_can_be_differentiated(loss) -> None:
    predicted = torch.tensor([1.7], requires_grad=True)
    value = loss(predicted, torch.tensor([0.4]))
    assert value.shape == ()
    assert float(value.detach()) == 0.0
    value.backward()
    assert predicted.grad.tolist() == [0.0]


@each_pair_loss
def test_no_pair_gives_no_value_without_reduction(loss) -> None:
    predicted, true = batch(3)
    assert loss(predicted[:1], true[:1], reduction="none").shape == (0,)
    assert loss(predicted, true, pairs=torch.zeros(0, 2, dtype=torch.long), reduction="none").shape == (0,)
    assert float(loss(predicted, true, pairs=torch.zeros(0, 2, dtype=torch.long)).detach()) == 0.0


@each_pair_loss
def test_the_odd_last_sample_of_halves_has_no_part(loss) -> None:
    predicted, true = batch(7)
    value = loss(predicted, true)
    assert_close(value, loss(predicted[:6], true[:6]))
    assert float(gradient(value, predicted)[6]) == 0.0


@each_loss
def test_columns_mean_what_rows_mean(loss) -> None:
    predicted, true = batch(6)
    assert_close(loss(predicted[:, None], true[:, None]), loss(predicted, true), rtol=0, atol=0)


@each_loss
def test_no_gradient_reaches_the_true_loss(loss) -> None:
    predicted, true = batch(6)
    true.requires_grad_()
    loss(predicted, true).backward()
    assert true.grad is None


@each_loss
@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(loss, dtype: torch.dtype, autocast: bool) -> None:
    predicted, true = batch(7, dtype=dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        value = loss(predicted, true)
    assert value.dtype == torch.float32
    exact = loss(predicted.double(), true.double())
    assert_close(value, exact.float(), rtol=1e-6, atol=1e-6)
    push = gradient(value, predicted)
    assert push.dtype == dtype
    assert_close(push, gradient(exact, predicted).to(dtype), rtol=2 * torch.finfo(dtype).eps, atol=1e-6)


@each_loss
def test_the_wider_of_two_types_is_computed_in(loss) -> None:
    predicted, true = batch(6, dtype=torch.bfloat16)
    assert loss(predicted, true.half()).dtype == torch.float32
    assert loss(predicted, true.double()).dtype == torch.float64


@each_loss
def test_an_empty_batch_is_refused(loss) -> None:
    with pytest.raises(ValueError, match="an empty batch has no loss"):
        loss(torch.zeros(0), torch.zeros(0))


@each_loss
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_prediction_that_is_not_finite_is_named_by_position(loss, value: float) -> None:
    predicted = torch.tensor([0.0, value, 1.0, value])
    with pytest.raises(ValueError, match=r"predicted_loss must be finite; it is not at position 1, 3$"):
        loss(predicted, torch.ones(4))


@each_loss
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e-12])
def test_a_true_loss_that_is_no_loss_is_named_by_position(loss, value: float) -> None:
    true = torch.tensor([1.0, 1.0, value], dtype=torch.float64)
    with pytest.raises(ValueError, match=r"true_loss must be finite and at least 0; it is not at position 2$"):
        loss(torch.zeros(3, dtype=torch.float64), true)


def test_positions_beyond_ten_are_left_out() -> None:
    with pytest.raises(ValueError, match=r"position 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …$"):
        learning_loss_pp(torch.full((12,), torch.nan), torch.ones(12))


@each_loss
@pytest.mark.parametrize("shapes", [((3,), (4,)), ((3,), (3, 1)), ((3, 2), (3, 2)), ((), ())])
@pytest.mark.usefixtures("as_users_run_it")
def test_shapes_that_fit_no_batch_are_refused(loss, shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match=r"\(n,\) or \(n, 1\)"):
        loss(torch.zeros(shapes[0]), torch.ones(shapes[1]))


@each_pair_loss
@pytest.mark.parametrize("pairs", ["thirds", "", None, torch.zeros(2, 3, dtype=torch.long), torch.zeros(2, 2)])
@pytest.mark.usefixtures("as_users_run_it")
def test_unknown_pairs_are_refused(loss, pairs) -> None:
    with pytest.raises(ValueError, match="pairs must be"):
        loss(*batch(4), pairs=pairs)


@each_pair_loss
@pytest.mark.parametrize("index", [[[0, 4]], [[-1, 0]]])
def test_pairs_outside_of_the_batch_are_refused(loss, index: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="pairs must hold indices from 0 to 3, got"):
        loss(*batch(4), pairs=torch.tensor(index))


@each_pair_loss
@pytest.mark.usefixtures("as_users_run_it")
def test_an_unknown_reduction_is_refused(loss) -> None:
    with pytest.raises(ValueError, match='reduction must be "mean" or "none", got \'sum\''):
        loss(*batch(4), reduction="sum")


@pytest.mark.parametrize("margin", [-0.1, float("nan"), float("inf")])
def test_a_margin_below_zero_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin must be at least 0 and finite, got"):
        learning_loss(*batch(4), margin=margin)
