"""The objectives of `analysis.objectives`, for torch tensors: fast, numerically safe, and held to them by tests.

* Learning Loss (Yoo & Kweon, CVPR 2019): Eq. 1 of Shukla & Ahmed, CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370.
* LearningLoss++: Eq. 3 of the same paper, for pairs, and over all samples of a batch at once.

Beyond the paper: the inverse temperature α, and all pairs of a batch at a price that allows thousands of samples; the
regressions of l and of log l, which compare no samples, as the baselines that the comparisons have to beat.

The true losses are measurements: no gradient ever flows into them. Every function takes ``predicted_loss`` of
shape (n,) or (n, 1), any real values, and ``true_loss`` of the same shape, values ≥ 0.
Inside of `torch.compile` a bad value is a RuntimeError without its position (on a GPU: a device-side assertion), and
there is no second derivative (torch 2.13 leaves it out of a sum without an error).
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

Pairs = Literal["halves", "all"]
Losses = Float[Tensor, "n"] | Float[Tensor, "n 1"]
# (l̂_i − l̂_j, l_i, l_j) of any shape, to the pair's loss and its derivative in the gap.
PairLoss = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]

PAIRS_AT_ONCE_ON_CPU = 2**15 - 1
"""Torch divides larger steps among threads, which on a busy machine wait for each other longer than they work."""
PAIRS_AT_ONCE = 2**22
"""Elsewhere: enough to occupy a GPU, and 16 MiB a matrix in float32."""

_values_are_checked: ContextVar[bool] = ContextVar("_values_are_checked", default=True)


def learning_loss(
    predicted_loss: Losses,
    true_loss: Losses,
    *,
    margin: int | float = 1.0,
    pairs: Pairs | Int[Tensor, "pairs 2"] = "halves",
    reduction: Literal["mean", "none"] = "mean",
) -> Float[Tensor, ""] | Float[Tensor, "pairs"]:
    """Return Learning Loss (Eq. 1): a hinge that orders the predicted losses of a pair as the true ones.

    An exact tie has loss ``margin`` and gradient zero; a batch of one sample has no pair, and loss 0.

    Args:
        predicted_loss: l̂, (n,) or (n, 1).
        true_loss: l ≥ 0, of the same shape; never differentiated through.
        margin: ξ ≥ 0, the predicted gap at which a pair is left alone.
        pairs: "halves" pairs i with i + n // 2 (an odd last sample is left out), "all" takes every unordered
            pair once, or give a (pairs, 2) tensor of indices.
        reduction: "mean" over the pairs, or "none" for one value a pair. The mean over "all" pairs never holds
            them all in memory, and is differentiable once.

    Raises:
        ValueError: empty batch, shapes that differ, a negative or non-finite value (with its position), unknown
            ``pairs`` or ``reduction``, ``margin`` negative or not finite.
    """
    if not (margin >= 0 and math.isfinite(margin)):
        raise ValueError(f"margin must be at least 0 and finite, got {margin}")
    predicted, true = _checked(predicted_loss, true_loss)
    return _over_pairs(predicted, true, partial(_hinge, margin=margin), pairs, reduction)


def learning_loss_pp(
    predicted_loss: Losses,
    true_loss: Losses,
    *,
    alpha: int | float = 1.0,
    pairs: Pairs | Int[Tensor, "pairs 2"] = "halves",
    reduction: Literal["mean", "none"] = "mean",
) -> Float[Tensor, ""] | Float[Tensor, "pairs"]:
    """Return LearningLoss++ (Eq. 3): KL(p‖q) of the predicted from the true shares of each pair.

    Its gradient in l̂_i is q_i − p_i (Eq. 4). A true loss of 0 has share 0 beside a larger one, and two of them have
    ½ each; a batch of one sample has no pair, and loss 0.

    Args:
        predicted_loss: l̂, (n,) or (n, 1).
        true_loss: l ≥ 0, of the same shape; never differentiated through.
        alpha: α > 0, an inverse temperature (beyond the paper, which has 1): p_i = l_i^α / (l_i^α + l_j^α). As
            α → ∞ only the order counts: the logistic ranking loss; as α → 0 all shares are ½: blind to the losses.
        pairs: as in `learning_loss`.
        reduction: as in `learning_loss`.

    Raises:
        ValueError: as in `learning_loss`; ``alpha`` not above 0, or not finite.
    """
    _check_alpha(alpha)
    predicted, true = _checked(predicted_loss, true_loss)
    return _over_pairs(predicted, true, partial(_divergence, alpha=alpha), pairs, reduction)


def learning_loss_pp_batch(predicted_loss: Losses, true_loss: Losses, *, alpha: int | float = 1.0) -> Float[Tensor, ""]:
    """Return LearningLoss++ over the whole batch: KL of softmax(l̂) from l^α / Σl^α, whose gradient is q − p.

    With two samples it is `learning_loss_pp` of that pair. True losses that are all 0 have equal shares.

    Args:
        predicted_loss: l̂, (n,) or (n, 1).
        true_loss: l ≥ 0, of the same shape; never differentiated through.
        alpha: α > 0, an inverse temperature (beyond the paper, which has 1). As α → ∞ only the largest loss has a
            share, and is ranked above all others by logistic loss; as α → 0 all shares are 1 / n: blind.

    Raises:
        ValueError: as in `learning_loss_pp`.
    """
    _check_alpha(alpha)
    predicted, true = _checked(predicted_loss, true_loss)
    # A root comes before the ratio and a power after it: nothing overflows, and no share vanishes that counts.
    root = true ** min(alpha, 1.0)
    largest = root.amax()
    powered = (root / largest).masked_fill(largest == 0, 1.0) ** max(alpha, 1.0)
    share = powered / powered.sum()
    return (torch.xlogy(share, share) - share * F.log_softmax(predicted, dim=0)).sum()


def log_loss_regression(predicted_loss: Losses, true_loss: Losses) -> Float[Tensor, ""]:
    """Return the mean of (l̂ − log l)²: the predicted loss regressed on the log of the true one, sample by sample.

    Beyond the paper. Other than `loss_regression`, which regresses on the loss itself, it brings losses of all scales
    to one, and it is what LearningLoss++ predicts too, up to a constant, for losses without noise. Neither side is
    standardized, so a predictor that starts at 0 has to learn the mean of log l as well, which comparing samples never
    needs.

    A true loss of 0 has no logarithm: that sample is left out, and a batch of such samples has loss 0.

    Args:
        predicted_loss: l̂, (n,) or (n, 1).
        true_loss: l ≥ 0, of the same shape; never differentiated through.

    Raises:
        ValueError: empty batch, shapes that differ, a negative or non-finite value (with its position).
    """
    predicted, true = _checked(predicted_loss, true_loss)
    counts = true != 0
    # Left out by an error of 0, not by a mask over the errors: that would hide a prediction that is not finite.
    wanted = torch.where(counts, true.masked_fill(~counts, 1.0).log(), predicted.detach())
    return (predicted - wanted).square().sum() / counts.sum().clamp_min(1)


def loss_regression(predicted_loss: Losses, true_loss: Losses) -> Float[Tensor, ""]:
    """Return the mean of (l̂ − l)²: the predicted loss regressed on the true one itself, sample by sample.

    What Yoo & Kweon (CVPR 2019) compare Learning Loss with, and say learns nothing useful, because the true losses
    shrink while the task model learns. It depends on the unit of the loss: in a unit c times as large the loss and its
    gradient are c² times as large.

    Args:
        predicted_loss: l̂, (n,) or (n, 1).
        true_loss: l ≥ 0, of the same shape; never differentiated through.

    Raises:
        ValueError: empty batch, shapes that differ, a negative or non-finite value (with its position).
    """
    predicted, true = _checked(predicted_loss, true_loss)
    return (predicted - true).square().mean()


def _hinge(gap: Tensor, l_i: Tensor, l_j: Tensor, *, margin: int | float) -> tuple[Tensor, Tensor]:
    direction = torch.sign(l_i - l_j)
    # relu, not clamp: at the kink itself its gradient is 0, as in the derived expression.
    loss = F.relu(margin - direction * gap)
    return loss, -direction * (loss.detach() > 0)


def _divergence(gap: Tensor, l_i: Tensor, l_j: Tensor, *, alpha: int | float) -> tuple[Tensor, Tensor]:
    """Return KL(p‖q) and q_i − p_i, both from r = (smaller / larger true loss)^α, which lies in [0, 1].

    With p = r / (1 + r) the smaller one's share and g the predicted gap of the larger over the smaller, the
    cross-entropy is −p log σ(−g) − (1 − p) log σ(g) = log(1 + e^−g) + p g, where no more than half is ever canceled.
    """
    # A root comes before the ratio and a power after it, so that no ratio vanishes that counts.
    l_i, l_j = l_i ** min(alpha, 1.0), l_j ** min(alpha, 1.0)
    larger = torch.maximum(l_i, l_j)
    r = (torch.minimum(l_i, l_j) / larger).masked_fill(larger == 0, 1.0) ** max(alpha, 1.0)
    p, rest = r / (1 + r), 1 / (1 + r)
    ordered = l_i >= l_j
    g = torch.where(ordered, gap, -gap)
    # Beyond 40, log(1 + e^x) is x to every digit, in float64 too.
    loss = F.softplus(-g, threshold=40) + p * g + torch.xlogy(p, p) + torch.xlogy(rest, rest)
    slope = p - torch.sigmoid(-g.detach())  # q − p of the larger
    return loss, torch.where(ordered, slope, -slope)


def _over_pairs(predicted: Tensor, true: Tensor, pair_loss: PairLoss, pairs: Pairs | Tensor, reduction: str) -> Tensor:
    if reduction not in ("mean", "none"):
        raise ValueError(f'reduction must be "mean" or "none", got {reduction!r}')
    if reduction == "mean" and isinstance(pairs, str) and pairs == "all":
        mean: Tensor = _WithGradient.apply(predicted, *_mean_of_all(predicted.detach(), true, pair_loss))
        return mean
    first, second = _pairs(pairs, predicted)
    values, _ = pair_loss(predicted[first] - predicted[second], true[first], true[second])
    if reduction == "none":
        return values
    # No pair at all (a batch of one): 0, and still a function of the prediction, so backward() works.
    return values.mean() if len(values) else values.sum()


def _mean_of_all(predicted: Tensor, true: Tensor, pair_loss: PairLoss) -> tuple[Tensor, Tensor]:
    """Return the mean over every unordered pair and its gradient in ``predicted``, a block of rows at a time."""
    n = len(predicted)
    index = torch.arange(n, device=predicted.device)
    sums, gradient = torch.zeros_like(predicted), torch.zeros_like(predicted)
    if torch.compiler.is_compiling():  # a compiler fuses the whole square, and would unroll a loop, anew for each n
        rows, starts = n, [0]
    else:
        rows = max(1, (PAIRS_AT_ONCE_ON_CPU if predicted.is_cpu else PAIRS_AT_ONCE) // n)
        starts = list(range(0, n, rows))
    for start in starts:
        block, others = slice(start, start + rows), slice(start, n)
        gap = predicted[block, None] - predicted[None, others]  # (rows, n - start)
        loss, slope = pair_loss(gap, true[block, None], true[None, others])
        once = index[block, None] < index[None, others]
        loss, slope = loss * once, slope * once
        sums[block] = loss.sum(dim=1)
        gradient[block] += slope.sum(dim=1)
        gradient[others] -= slope.sum(dim=0)
    pairs = max(n * (n - 1) // 2, 1)  # a batch of one has no pair
    return sums.sum() / pairs, gradient / pairs


class _WithGradient(torch.autograd.Function):
    """A value as a function of ``predicted``, whose gradient is known, or None: then asking for it is an error."""

    @staticmethod
    def forward(predicted: Tensor, value: Tensor, gradient: Tensor | None) -> Tensor:
        return value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Tensor) -> None:
        predicted, _, gradient = inputs
        ctx.save_for_backward(predicted, gradient)

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None, None]:
        predicted, gradient = ctx.saved_tensors
        if gradient is None:
            raise RuntimeError('the mean over pairs="all" has one derivative; with reduction="none" there is a second')
        # The gradient depends on the prediction too: a constant would make second derivatives 0 without a word.
        return above * _WithGradient.apply(predicted, gradient, None), None, None


def _check_alpha(alpha: int | float) -> None:
    if not (alpha > 0 and math.isfinite(alpha)):
        raise ValueError(f"alpha must be above 0 and finite, got {alpha}")


@contextmanager
def unchecked() -> Iterator[None]:
    """Leave values unchecked inside, for a caller who looks at them later: on a GPU every check waits for the device.

    Shapes are checked all the same. What is not finite then gives a loss that is not.
    """
    before = _values_are_checked.set(False)
    try:
        yield
    finally:
        _values_are_checked.reset(before)


def _checked(predicted_loss: Tensor, true_loss: Tensor) -> tuple[Tensor, Tensor]:
    """Return both as (n,) in float32 or wider, the true loss detached, or raise naming what is wrong where."""
    for name, value in (("predicted_loss", predicted_loss), ("true_loss", true_loss)):
        if not isinstance(value, Tensor):
            raise ValueError(f"{name} must be a tensor, got a {type(value).__name__}")
    if predicted_loss.shape != true_loss.shape:
        shapes = f"{tuple(predicted_loss.shape)} and {tuple(true_loss.shape)}"
        raise ValueError(f"predicted_loss and true_loss must have one shape, (n,) or (n, 1); got {shapes}")
    if not (predicted_loss.ndim == 1 or (predicted_loss.ndim == 2 and predicted_loss.shape[1] == 1)):
        raise ValueError(f"losses must have shape (n,) or (n, 1), got {tuple(predicted_loss.shape)}")
    if len(predicted_loss) == 0:
        raise ValueError("an empty batch has no loss: wanted at least one sample, got 0")
    wide = torch.promote_types(torch.promote_types(predicted_loss.dtype, true_loss.dtype), torch.float32)
    predicted = predicted_loss.reshape(-1).to(wide)
    true = true_loss.detach().reshape(-1).to(wide)
    for name, broken, wanted in (
        ("predicted_loss", ~torch.isfinite(predicted.detach()), "finite"),
        ("true_loss", ~torch.isfinite(true) | (true < 0), "finite and at least 0"),
    ):
        if torch.compiler.is_compiling():
            torch._assert_async(~broken.any(), f"{name} must be {wanted}")
        elif _values_are_checked.get() and bool(broken.any()):
            at = broken.nonzero().flatten().tolist()
            shown = ", ".join(map(str, at[:10])) + (", …" if len(at) > 10 else "")
            raise ValueError(f"{name} must be {wanted}; it is not at position {shown}")
    return predicted, true


def _pairs(pairs: Pairs | Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    n = len(like)
    if isinstance(pairs, Tensor):
        if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype not in (torch.int32, torch.int64):
            raise ValueError(f"pairs must be a (pairs, 2) tensor of indices, got {tuple(pairs.shape)} {pairs.dtype}")
        outside = (pairs < 0) | (pairs >= n)
        if torch.compiler.is_compiling():
            torch._assert_async(~outside.any(), "pairs must hold indices of the batch")
        elif bool(outside.any()):
            raise ValueError(f"pairs must hold indices from 0 to {n - 1}, got {int(pairs.min())} to {int(pairs.max())}")
        first, second = pairs.long().to(like.device).unbind(dim=1)
        return first, second
    if pairs == "halves":
        first = torch.arange(n // 2, device=like.device)
        return first, first + n // 2
    if pairs == "all":
        first, second = torch.triu_indices(n, n, offset=1, device=like.device)
        return first, second
    raise ValueError(f'pairs must be "halves", "all" or a (pairs, 2) tensor of indices, got {pairs!r}')
