"""How well a predicted loss tells where a model fails.

Correlations say how predicted and true losses go together over all samples; the ranking measures say what a person gets
who labels from the top of the list.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float
from scipy import stats
from torch import Tensor


@dataclass(frozen=True)
class Correlation:
    """How a predicted loss goes with the true one.

    Attributes:
        pearson: linear correlation of l̂ with l.
        pearson_log: linear correlation of l̂ with log l, the scale on which LearningLoss++ predicts.
        spearman: rank correlation, alike for both scales.
        kendall: rank correlation by pairs (τ_b), alike for both scales.
        n: number of samples.
    """

    pearson: float
    pearson_log: float
    spearman: float
    kendall: float
    n: int


def correlation(predicted_loss: Float[Tensor, "n"], true_loss: Float[Tensor, "n"]) -> Correlation:
    """Return the correlations of predicted with true losses; NaN where one of the two is constant.

    Args:
        predicted_loss: l̂, any real numbers.
        true_loss: l > 0.

    Raises:
        ValueError: fewer than 3 samples, or a value that is not finite or, for the true loss, not above 0 (with its
            position).
    """
    predicted, true = _checked(predicted_loss, true_loss, at_least=3, positive=True)
    if any(np.ptp(values) <= 1e-12 * np.abs(values).max() for values in (predicted, true)):  # but for rounding
        return Correlation(np.nan, np.nan, np.nan, np.nan, len(true))
    return Correlation(
        pearson=float(stats.pearsonr(predicted, true).statistic),
        pearson_log=float(stats.pearsonr(predicted, np.log(true)).statistic),
        spearman=float(stats.spearmanr(predicted, true).statistic),
        kendall=float(stats.kendalltau(predicted, true).statistic),
        n=len(true),
    )


def partial_correlation(
    predicted_loss: Float[Tensor, "n"], true_loss: Float[Tensor, "n"], given: Float[Tensor, "n k"]
) -> float:
    """Return the linear correlation of predicted and true losses that is left once other quantities are known.

    It is the correlation of what a linear regression on these quantities leaves of each; NaN where nothing is left.

    Args:
        predicted_loss: l̂, any real numbers.
        true_loss: l, any real numbers.
        given: the quantities, one a column.

    Raises:
        ValueError: fewer than k + 3 samples, or a value that is not finite (with its position).
    """
    predicted, true = _checked(predicted_loss, true_loss, at_least=given.shape[1] + 3)
    known = given.double().numpy()
    if not np.isfinite(known).all():
        at = int((~np.isfinite(known)).any(1).argmax())
        raise ValueError(f"the given quantities must be finite, they are not at position {at}")
    design = np.column_stack([np.ones(len(known)), known])
    both = np.column_stack([predicted, true])
    left = both - design @ np.linalg.lstsq(design, both, rcond=None)[0]
    if (np.ptp(left, axis=0) <= 1e-12 * np.abs(both).max(axis=0)).any():  # but for rounding
        return float("nan")
    return float(stats.pearsonr(left[:, 0], left[:, 1]).statistic)


def pair_ranking_accuracy(predicted_loss: Float[Tensor, "n"], true_loss: Float[Tensor, "n"]) -> float:
    """Return how many of all pairs with different true losses are predicted in the right order, 0 to 1; ½ is chance.

    A pair with one prediction for both counts half. NaN where all true losses are alike.

    Args:
        predicted_loss: l̂, any real numbers.
        true_loss: l, any real numbers.

    Raises:
        ValueError: fewer than 2 samples, or a value that is not finite (with its position).
    """
    predicted, true = _checked(predicted_loss, true_loss, at_least=2)
    decided = _pairs(len(true)) - _tied(true)
    if decided == 0:
        return float("nan")
    if np.ptp(predicted) == 0:
        return 0.5
    # Kendall's τ_b is (right − wrong) / √(pairs decided by one · pairs decided by the other), in n log n.
    balance = stats.kendalltau(predicted, true).statistic * np.sqrt((_pairs(len(true)) - _tied(predicted)) / decided)
    return float((1 + balance) / 2)


@dataclass(frozen=True)
class FailureDetection:
    """How soon failures are found by going down the list, highest predicted loss first.

    Attributes:
        found: (n + 1,) fraction of all failures among the first 0, 1, …, n samples.
        area: area under that curve over the fraction of samples looked at, 0 to 1; ½ is chance.
        best: the area that an oracle has, 1 − (fraction of failures) / 2.
        auroc: chance that a failure is predicted a higher loss than a success, ½ for chance, 1 for an oracle.
    """

    found: npt.NDArray[np.float64]
    area: float
    best: float
    auroc: float


def failure_detection(predicted_loss: Float[Tensor, "n"], failed: Bool[Tensor, "n"]) -> FailureDetection:
    """Return how well the predicted loss finds failures; samples of one prediction are found at an even pace.

    Args:
        predicted_loss: l̂, any real numbers.
        failed: which samples the task model failed on, by any rule; at least one did and one did not.

    Raises:
        ValueError: a prediction that is not finite (with its position), or all samples failed, or none.
    """
    predicted, wrong = _checked(predicted_loss, failed.double(), at_least=2)
    failures = int(wrong.sum())
    if failures in (0, len(wrong)):
        raise ValueError(
            f"wanted samples that failed and samples that did not, got {failures} failures of {len(wrong)}"
        )
    ranks = stats.rankdata(predicted)  # ties share the mean of their places
    above = ranks[wrong == 1].sum() - failures * (failures + 1) / 2
    auroc = above / (failures * (len(wrong) - failures))
    order = np.argsort(-predicted, kind="stable")
    _, starts, counts = np.unique(-predicted[order], return_index=True, return_counts=True)
    share = np.add.reduceat(wrong[order], starts) / counts  # of failures among samples of one prediction
    found = np.concatenate([[0.0], np.cumsum(np.repeat(share, counts))]) / failures
    area = float((found[1:] + found[:-1]).mean() / 2)
    return FailureDetection(found, area, 1 - failures / len(wrong) / 2, float(auroc))


def mean_of_top(predicted_loss: Float[Tensor, "n"], values: Float[Tensor, "n"], k: int) -> float:
    """Return the mean of ``values``, true losses for instance, over the k samples of the highest predicted loss.

    Args:
        predicted_loss: l̂, any real numbers; of equal ones the first come first.
        values: one a sample.
        k: from 1 to n.

    Raises:
        ValueError: k out of range, or a value that is not finite (with its position).
    """
    predicted, wanted = _checked(predicted_loss, values, at_least=1, name="values")
    if not 1 <= k <= len(predicted):
        raise ValueError(f"k must be from 1 to {len(predicted)}, got {k}")
    return float(wanted[np.argsort(-predicted, kind="stable")[:k]].mean())


def _checked(
    predicted_loss: Tensor, other: Tensor, *, at_least: int, positive: bool = False, name: str = "true_loss"
) -> tuple[npt.NDArray[np.float64], ...]:
    predicted, values = (np.asarray(t.detach().cpu().to(torch.float64)) for t in (predicted_loss, other))
    if len(predicted) != len(values) or len(values) < at_least:
        raise ValueError(f"wanted at least {at_least} pairs of losses, got {len(predicted)} and {len(values)}")
    for wanted, broken in (
        ("predicted_loss must be finite", ~np.isfinite(predicted)),
        (
            f"{name} must be finite{' and above 0' if positive else ''}",
            ~np.isfinite(values) | (positive & (values <= 0)),
        ),
    ):
        if broken.any():
            at = ", ".join(map(str, np.flatnonzero(broken)[:10].tolist()))
            raise ValueError(f"{wanted}; it is not at position {at}")
    return predicted, values


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _tied(values: npt.NDArray[np.float64]) -> int:
    counts = np.unique(values, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())
