"""Which images to label next: candidates ranked by the loss that a trained predictor expects of them.

The predicted loss l̂ asks for labels as in the paper (Shukla & Ahmed, CVPRW 2021): the highest first. Thousands of
candidates are read, scored and let go of in small chunks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from llpp_core.data.candidates import Candidate, LeftOut, each_read
from llpp_core.data.pose import PoseDataset, concatenate
from llpp_core.experiment.trained import Trained
from llpp_core.training import score

CHUNK = 128
"""Crops scored at a time: of 256 pixels 25 MB."""

SHOWN = 500
"""How many of the first crops are kept to be looked at: of 256 pixels 98 MB."""


@dataclass(frozen=True)
class Ranking:
    """Candidates in the order in which they should be labeled.

    Attributes:
        predictor: whose predicted losses it goes by.
        candidates: the first ones, highest predicted loss first; equal ones in the order in which they were given.
        predicted_loss: l̂ of each.
        scored: how many candidates were scored in all.
        images: in how many images they are.
        left_out: what could not be scored.
        shown: crops of the first `SHOWN` candidates at most; None where nothing was scored.
        joints: predicted joints in these, in crop pixels.
    """

    predictor: str
    candidates: tuple[Candidate, ...]
    predicted_loss: Float[Tensor, "n"]
    scored: int
    images: int
    left_out: tuple[LeftOut, ...]
    shown: PoseDataset | None
    joints: Float[Tensor, "shown joints 2"] | None


@dataclass(frozen=True)
class _Seen:
    """Crops with what a model made of them."""

    crops: PoseDataset
    joints: Tensor
    loss: Tensor


def ranked(
    trained: Trained,
    candidates: Sequence[Candidate],
    *,
    predictor: str | None = None,
    top: int = 100,
    shown: int = SHOWN,
    device: str = "cpu",
    progress: bool = True,
) -> Ranking:
    """Return the candidates of which a predictor expects the highest losses.

    Args:
        trained: a model with its predictors; their weights go to ``device``.
        candidates: what to choose from, with unique names.
        predictor: name of a predictor; the model's last one where None.
        top: how many to return, ≥ 1; all where there are fewer.
        shown: how many crops of these to keep at most, ≥ 1.
        device: a torch device.
        progress: show a progress bar.

    Raises:
        ValueError: a predictor that the model does not have, ``top`` or ``shown`` < 1, or a predicted loss that is not
            finite, with the candidate's name.
    """
    name = chosen_predictor(trained, predictor)
    if top < 1 or shown < 1:
        raise ValueError(f"wanted at least 1 candidate to return and to show, got {top} and {shown}")
    settings, limit = trained.experiment.training, min(top, shown)
    good: list[Candidate] = []
    left_out: list[LeftOut] = []
    losses: list[Tensor] = []
    best: _Seen | None = None
    reading = each_read(candidates, size=trained.size, joint_names=trained.joint_names)
    with tqdm(total=len(candidates), desc="scoring", unit="crop", disable=not progress) as bar:
        while some := list(islice(reading, CHUNK)):
            parts = []
            for candidate, read in some:
                if isinstance(read, LeftOut):
                    left_out.append(read)
                else:
                    good.append(candidate)
                    parts.append(read)
            if parts:
                chunk = concatenate("candidates", parts)
                scores = score(
                    trained.model, {name: trained.heads[name]}, chunk, sigma=settings.sigma, device=device,
                    bfloat16=settings.bfloat16, progress=False,
                )  # fmt: skip
                new = _Seen(chunk, scores.joints, scores.predicted_loss[name])
                losses.append(new.loss)
                best = _highest([new] if best is None else [best, new], limit)
            bar.update(len(some))
    predicted = torch.cat(losses) if losses else torch.zeros(0)
    order = _descending(predicted)[:top]
    return Ranking(
        predictor=name,
        candidates=tuple(good[i] for i in order.tolist()),
        predicted_loss=predicted[order],
        scored=len(good),
        images=len({candidate.image for candidate in good}),
        left_out=tuple(left_out),
        shown=None if best is None else best.crops,
        joints=None if best is None else best.joints,
    )


def _highest(parts: Sequence[_Seen], limit: int) -> _Seen:
    loss = torch.cat([part.loss for part in parts])
    order = _descending(loss)[:limit]
    crops = concatenate("candidates", [part.crops for part in parts]).subset(order)
    return _Seen(crops, torch.cat([part.joints for part in parts])[order], loss[order])


def _descending(loss: Tensor) -> Tensor:
    """Return places, highest loss first, equal ones as they come: so a chunk at a time gives what all at once would."""
    return torch.sort(loss, descending=True, stable=True).indices


def chosen_predictor(trained: Trained, predictor: str | None) -> str:
    """Return the name of the predictor to go by: the model's last one where none is named.

    Raises:
        ValueError: the model has no such predictor, or none at all.
    """
    if not trained.heads:
        raise ValueError("the model has no loss predictor, so nothing can be ranked by it")
    name = list(trained.heads)[-1] if predictor is None else predictor
    if name not in trained.heads:
        raise ValueError(f"the model has the predictors {', '.join(trained.heads)}; got {name!r}")
    return name


def meaning(trained: Trained, predictor: str) -> str:
    """Return in words how a predictor's numbers are to be read; "the error" is the true loss of training."""
    plan = trained.experiment.predictors[predictor]
    if plan.objective == "learning_loss":
        return (
            "Learning Loss compares images only: a higher number should mean a larger error, and neither the number "
            "nor a difference of two says how large."
        )
    if plan.objective == "log_loss_regression":
        return "This predictor was trained to give the logarithm of the error: exp(l̂) should be the error itself."
    if plan.objective == "loss_regression":
        return "This predictor was trained to give the error itself."
    over, times = ("", "") if plan.alpha == 1 else (f" / {plan.alpha:g}", f"{plan.alpha:g} · ")
    return (
        f"LearningLoss++ knows the error up to a factor, unknown and the same for all images: exp(l̂{over}) should be "
        f"proportional to it, so that a predicted loss higher by {times}ln 2 says twice the error."
    )
