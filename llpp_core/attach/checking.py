"""Does the predictor know where its model errs? Labeled samples that neither of them trained on say so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from llpp_core.attach.attached import Attached, Scored
from llpp_core.attach.inputs import Inputs
from llpp_core.attach.loop import squared_error
from llpp_core.metrics import Correlation, FailureDetection, correlation, failure_detection, mean_interval


@dataclass(frozen=True, eq=False)
class Check:
    """What became of a model and its predictor on labeled samples.

    Attributes:
        scored: predictions, predicted losses and embeddings.
        true_loss: (n,) l of each sample.
        correlation: of predicted with true losses.
        failures: how soon the samples of the largest true losses are found.
        looked_at: the fraction of samples that counted as failures, and that are looked at for `found`.
    """

    scored: Scored
    true_loss: Float[Tensor, "n"]
    correlation: Correlation
    failures: FailureDetection
    looked_at: float

    @property
    def found(self) -> float:
        """Fraction of the failures among as many samples of the highest predicted loss; chance finds `looked_at`."""
        return float(self.failures.found[round(self.looked_at * len(self.true_loss))])


def check(
    attached: Attached,
    inputs: Inputs,
    targets: Tensor,
    *,
    loss: Callable[[Any, Tensor], Tensor] = squared_error,
    worst: float = 0.1,
    batch_size: int = 256,
) -> Check:
    """Return how predicted losses compare with true ones on samples that were not trained on.

    Args:
        attached: a trained model with its predictor.
        inputs: the model's argument, samples along the first axis, or a tuple of its arguments.
        targets: (n, …) one a sample.
        loss: of (predictions, targets) to true losses (n,), as in training.
        worst: fraction of the samples, those of the largest true losses, that counts as failures.
        batch_size: samples at a time.

    Raises:
        ValueError: as in `Attached.score`; fewer than 3 samples, or ``worst`` that makes all or none of them a failure;
            a loss that does not give one number a sample, or one that is not finite and above 0 (with its position).
    """
    scored = attached.score(inputs, batch_size=batch_size)
    n = len(scored.predicted_loss)
    if len(targets) != n:
        raise ValueError(f"every sample needs a target, got {n} samples and {len(targets)} targets")
    true_loss = loss(scored.prediction, targets.cpu()).detach()
    if true_loss.shape != (n,):
        raise ValueError(f"loss must give one number a sample, ({n},), got {tuple(true_loss.shape)}")
    # Checks the values too: a NaN would be sorted among the failures.
    agreement = correlation(scored.predicted_loss, true_loss)
    failed = torch.zeros(n, dtype=torch.bool)
    failed[true_loss.sort(descending=True, stable=True).indices[: round(worst * n)]] = True
    return Check(scored, true_loss, agreement, failure_detection(scored.predicted_loss, failed), worst)


def table(checks: Mapping[str, Sequence[Check]], *, reference: str, confidence: float = 0.95) -> str:
    """Return a Markdown table of variants over repetitions, each also as paired differences to one of them.

    Args:
        checks: for each variant one `Check` a repetition, all variants with the same repetitions in the same order.
        reference: the variant that the others are compared with.
        confidence: of the intervals, which are Student's and hold one at a time, between 0 and 1.

    Returns:
        The table, and below it a sentence that says which differences in rank correlation can be told from 0.

    Raises:
        ValueError: ``reference`` is not among the variants, or they have different numbers of repetitions.
    """
    counts = {name: len(repetitions) for name, repetitions in checks.items()}
    if reference not in checks or len(set(counts.values())) != 1:
        raise ValueError(f"wanted {reference!r} and others with as many repetitions each, got {counts}")
    ranks = {name: np.array([c.correlation.spearman for c in repetitions]) for name, repetitions in checks.items()}
    rows = [
        f"| | mean true loss | rank correlation | less that of {reference} | failures found |",
        "|---|--:|--:|--:|--:|",
    ]
    apart: list[str] = []
    interval = partial(mean_interval, confidence=confidence)
    for name, repetitions in checks.items():
        difference = interval(ranks[name] - ranks[reference])
        cells = [
            f"{interval([float(c.true_loss.mean()) for c in repetitions]):.3f}",
            f"{interval(ranks[name]):.2f}",
            "" if name == reference else f"{difference:+.2f}",
            f"{interval([c.found for c in repetitions]):.2f}",
        ]
        rows.append(f"| {name} | {' | '.join(cells)} |")
        if name != reference and difference.excludes(0):
            apart.append(f"{name} ({'above' if difference.mean > 0 else 'below'})")
    told = f"can be told from {reference} by rank correlation" if apart else "can be told apart by rank correlation"
    who = ", ".join(apart) if apart else "None"
    over = f"a comparison over {counts[reference]} repetitions, without correction"
    note = f"{who} {told}, at {100 * confidence:g} % {over}."
    return "\n".join([*rows, "", note])
