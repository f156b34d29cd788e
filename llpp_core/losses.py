"""The objectives of `analysis.objectives`, for torch tensors: fast, numerically safe, and held to them by tests.

* Learning Loss (Yoo & Kweon, CVPR 2019): Eq. 1 of Shukla & Ahmed, CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370.
* LearningLoss++: Eq. 3 of the same paper, for pairs, and over all samples of a batch at once.

The true losses are measurements: no gradient ever flows into them. Every function takes ``predicted_loss`` of
shape (n,) or (n, 1), any real values, and ``true_loss`` of the same shape, values ≥ 0.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

Pairs = Literal["halves", "all"]
Losses = Float[Tensor, "n"] | Float[Tensor, "n 1"]


def learning_loss(
    predicted_loss: Losses,
    true_loss: Losses,
    *,
    margin: float = 1.0,
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
        reduction: "mean" over the pairs, or "none" for one value a pair.

    Raises:
        ValueError: empty batch, shapes that differ, a negative or non-finite value (with its position), unknown
            ``pairs`` or ``reduction``, ``margin`` < 0.
    """
    if not margin >= 0:
        raise ValueError(f"margin must be at least 0, got {margin}")
    predicted, true = _checked(predicted_loss, true_loss)
    first, second = _pairs(pairs, predicted)
    direction = torch.sign(true[first] - true[second])
    # relu, not clamp: at the kink itself its gradient is 0, as in the derived expression.
    return _reduce(F.relu(margin - direction * (predicted[first] - predicted[second])), reduction)


def learning_loss_pp(
    predicted_loss: Losses,
    true_loss: Losses,
    *,
    pairs: Pairs | Int[Tensor, "pairs 2"] = "halves",
    reduction: Literal["mean", "none"] = "mean",
) -> Float[Tensor, ""] | Float[Tensor, "pairs"]:
    """Return LearningLoss++ (Eq. 3): KL(p‖q) of the predicted from the true shares of each pair.

    Its gradient in l̂_i is q_i − p_i (Eq. 4). Two true losses of 0 have shares ½ each; a batch of one sample has no
    pair, and loss 0.

    Args:
        predicted_loss: l̂, (n,) or (n, 1).
        true_loss: l ≥ 0, of the same shape; never differentiated through.
        pairs: as in `learning_loss`.
        reduction: as in `learning_loss`.

    Raises:
        ValueError: as in `learning_loss`.
    """
    predicted, true = _checked(predicted_loss, true_loss)
    first, second = _pairs(pairs, predicted)
    share = _true_shares(torch.stack([true[first], true[second]], dim=-1))  # (pairs, 2)
    gap = predicted[first] - predicted[second]
    log_predicted_share = torch.stack([F.logsigmoid(gap), F.logsigmoid(-gap)], dim=-1)  # (pairs, 2)
    return _reduce(_kl(share, log_predicted_share), reduction)


def learning_loss_pp_batch(predicted_loss: Losses, true_loss: Losses) -> Float[Tensor, ""]:
    """Return LearningLoss++ over the whole batch: KL of softmax(l̂) from l / Σl, whose gradient is q − p.

    With two samples it is `learning_loss_pp` of that pair. True losses that are all 0 have equal shares.

    Args:
        predicted_loss: l̂, (n,) or (n, 1).
        true_loss: l ≥ 0, of the same shape; never differentiated through.

    Raises:
        ValueError: as in `learning_loss`.
    """
    predicted, true = _checked(predicted_loss, true_loss)
    return _kl(_true_shares(true), F.log_softmax(predicted, dim=-1))


def _checked(predicted_loss: Tensor, true_loss: Tensor) -> tuple[Tensor, Tensor]:
    """Return both as (n,) in float32 or wider, the true loss detached, or raise naming what is wrong where."""
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
        if bool(broken.any()):
            at = broken.nonzero().flatten().tolist()
            shown = ", ".join(map(str, at[:10])) + (", …" if len(at) > 10 else "")
            raise ValueError(f"{name} must be {wanted}; it is not at position {shown}")
    return predicted, true


def _pairs(pairs: Pairs | Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    n = len(like)
    if isinstance(pairs, Tensor):
        if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype not in (torch.int32, torch.int64):
            raise ValueError(f"pairs must be a (pairs, 2) tensor of indices, got {tuple(pairs.shape)} {pairs.dtype}")
        if len(pairs) and not (int(pairs.min()) >= 0 and int(pairs.max()) < n):
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


def _true_shares(true: Tensor) -> Tensor:
    """Return l / Σl over the last dimension without overflow; where all are 0, equal shares."""
    largest = true.amax(dim=-1, keepdim=True)
    scaled = torch.where(largest > 0, true / largest.clamp_min(torch.finfo(true.dtype).tiny), torch.ones_like(true))
    return scaled / scaled.sum(dim=-1, keepdim=True)


def _kl(share: Tensor, log_predicted_share: Tensor) -> Tensor:
    return (torch.xlogy(share, share) - share * log_predicted_share).sum(dim=-1)


def _reduce(values: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return values
    if reduction == "mean":
        # No pair at all (a batch of one): 0, and still a function of the prediction, so backward() works.
        return values.mean() if len(values) else values.sum()
    raise ValueError(f'reduction must be "mean" or "none", got {reduction!r}')
