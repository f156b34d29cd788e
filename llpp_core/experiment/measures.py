"""What is measured of a model, of its predictors and of what each method chose: tidy rows, one number each."""

import math
from typing import Any

import torch
from torch import Tensor

from llpp_core.analysis import gamma_pairs
from llpp_core.data.pose import PoseDataset
from llpp_core.metrics import Pck, correlation, failure_detection, mean_of_top, pck, pckh, torso_length
from llpp_core.training import Scores

COLUMNS = ["split", "of", "metric", "value", "n"]
"""``split``: train, test, pool or selected; ``of``: a predictor, a method, or empty for the task model; ``n``: samples
that counted."""
PREDICTED = "predicted_loss "
"""What the columns of predicted losses begin with, in the tables of samples."""
NOT_IN_PCKH = ("pelvis", "thorax")
"""Joints that MPII's own mean leaves out."""
FAILED = 0.5
"""A sample of which a smaller fraction of the joints is found is a failure of the task model."""


def accuracy(data: PoseDataset, joints: Tensor, rows: Tensor | None = None) -> Pck:
    """Return PCK@0.2 by torso, or PCKh@0.5 for data with head lengths (MPII's, without pelvis and thorax).

    Args:
        data: annotated samples.
        joints: (n, joints, 2) predicted, in crop pixels.
        rows: which samples; all where None.
    """
    at = torch.arange(len(data)) if rows is None else rows
    predicted, target, annotated = joints[at], data.joints[at], data.annotated[at]
    if data.head_length is None:
        return pck(predicted, target, annotated, torso_length(data)[at])
    counted = torch.tensor([name not in NOT_IN_PCKH for name in data.joint_names])
    return pckh(predicted, target, annotated & counted, data.head_length[at])


def accuracy_name(data: PoseDataset) -> str:
    """Return what `accuracy` measures on such data."""
    return "PCK@0.2" if data.head_length is None else "PCKh@0.5"


def samples(data: PoseDataset, scores: Scores) -> tuple[list[str], list[list[Any]]]:
    """Return a table with a row for each sample: id, true loss, PCK and what was predicted of it."""
    columns: dict[str, Tensor] = {"true_loss": scores.true_loss, "pck": accuracy(data, scores.joints).per_sample}
    if scores.multipeak_entropy is not None:
        columns["multipeak_entropy"] = scores.multipeak_entropy
    columns |= {PREDICTED + name: values for name, values in scores.predicted_loss.items()}
    numbers = torch.stack([values.float() for values in columns.values()], dim=1).tolist()
    return ["id", *columns], [[name, *row] for name, row in zip(data.ids, numbers, strict=True)]


def of_split(split: str, data: PoseDataset, scores: Scores) -> list[list[Any]]:
    """Return rows about the task model and every predictor on a part of the data.

    The task model: its accuracy, the mean of its true losses, and the gamma distribution fitted to these. A predictor:
    correlations with the true loss, the mean true loss of the tenth that it ranks highest, and how well it finds
    failures, which is left out where all samples are failures or none is.
    """
    found = accuracy(data, scores.joints)
    known = scores.true_loss > 0  # a sample without any annotated joint has none
    true, n = scores.true_loss[known], int(known.sum())
    rows: list[list[Any]] = [
        [split, "", accuracy_name(data), found.mean, len(data) - found.samples_left_out],
        [split, "", "true loss, mean", float(true.double().mean()), n],
    ]
    if n >= 10:
        fit = gamma_pairs.fit(true.double().numpy(), samples=1)  # the p-value, which takes seconds, is not kept
        rows += [[split, "", "gamma shape k", fit.shape, n], [split, "", "gamma scale Θ", fit.scale, n]]
    counted = ~torch.isnan(found.per_sample)
    failed = found.per_sample[counted] < FAILED
    rows.append([split, "", "failures, fraction", float(failed.float().mean()), int(counted.sum())])
    predictions = dict(scores.predicted_loss)
    if scores.multipeak_entropy is not None:
        predictions["multipeak_entropy"] = scores.multipeak_entropy
    for name, predicted in predictions.items():
        if n >= 3:
            c = correlation(predicted[known], true)
            values = {"Pearson": c.pearson, "Pearson with log l": c.pearson_log, "Spearman": c.spearman,
                      "Kendall": c.kendall}  # fmt: skip
            rows += [[split, name, metric, value, n] for metric, value in values.items()]
            tenth = max(1, n // 10)
            rows.append([split, name, "true loss of its top tenth", mean_of_top(predicted[known], true, tenth), tenth])
        if 0 < int(failed.sum()) < len(failed):
            auroc = failure_detection(predicted[counted], failed).auroc
            rows.append([split, name, "failures, AUROC", auroc, int(counted.sum())])
    return rows


def of_choice(method: str, pool: PoseDataset, scores: Scores, chosen: Tensor) -> list[list[Any]]:
    """Return rows about what a method chose, seen by the model that has not trained on it yet (Table 3a)."""
    found = accuracy(pool, scores.joints, chosen)
    true, n = scores.true_loss[chosen].double(), len(chosen)
    spread = float(true.std()) if n > 1 else math.nan
    return [
        ["selected", method, accuracy_name(pool), found.mean, n - found.samples_left_out],
        ["selected", method, "true loss, mean", float(true.mean()), n],
        ["selected", method, "true loss, standard deviation", spread, n],
    ]
