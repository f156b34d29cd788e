"""How good a pose is, and how well a predicted loss tells a bad one.

PCK is the percentage of correct keypoints (Yang & Ramanan, TPAMI 2013), given as a fraction: a joint is correct
within ``threshold`` × normaliser of its annotation. LSP's normaliser is the torso. A joint without annotation has no
part in any metric; an occluded one that is annotated counts in full.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy import stats
from torch import Tensor

from llpp_core.data.pose import PoseDataset


@dataclass(frozen=True)
class Pck:
    """Fractions of correct keypoints.

    Attributes:
        mean: over all joints counted, 0 to 1; NaN where none counts.
        per_joint: (joints,) over the samples; NaN for a joint that no sample counts.
        per_sample: (n,) over the joints; NaN for a sample of which no joint counts.
        joints_counted: how many joints entered ``mean``.
        samples_left_out: how many samples have no joint that counts, for want of annotations or of a normaliser.
    """

    mean: float
    per_joint: Float[Tensor, "joints"]
    per_sample: Float[Tensor, "n"]
    joints_counted: int
    samples_left_out: int


def pck(
    predicted: Float[Tensor, "n joints 2"],
    target: Float[Tensor, "n joints 2"],
    annotated: Bool[Tensor, "n joints"],
    normalizer: Float[Tensor, "n"],
    threshold: float = 0.2,
) -> Pck:
    """Return the fraction of joints predicted within ``threshold`` × ``normalizer`` of their annotation.

    Args:
        predicted: x, y in pixels.
        target: x, y in pixels of the same frame; ignored where not annotated.
        annotated: which joints count.
        normalizer: a length in the same pixels for each sample, `torso_length` for LSP; a sample whose normaliser is
            NaN (it cannot be measured) is left out, and counted as such.
        threshold: fraction of the normaliser, > 0; a joint exactly at it is correct.

    Raises:
        ValueError: a prediction of a counted joint is not finite, a normaliser is 0, negative or infinite, or
            ``threshold`` ≤ 0.
    """
    if not threshold > 0:
        raise ValueError(f"threshold must be above 0, got {threshold}")
    measurable = ~torch.isnan(normalizer)
    if bool((measurable & ~((normalizer > 0) & torch.isfinite(normalizer))).any()):
        sample = int((measurable & ~((normalizer > 0) & torch.isfinite(normalizer))).nonzero()[0])
        raise ValueError(f"normalizer must be above 0 and finite, or NaN; got {normalizer[sample]} at sample {sample}")
    counted = annotated & measurable[:, None]
    if not bool(torch.isfinite(predicted[counted]).all()):
        sample = int((counted & ~torch.isfinite(predicted).all(-1)).nonzero()[0, 0])
        raise ValueError(f"predicted joints must be finite; sample {sample} has one that is not")
    distance = (predicted - target).norm(dim=-1)
    correct = counted & (distance <= threshold * normalizer[:, None])
    hits, total = correct.float(), counted.float()
    return Pck(
        mean=float(hits.sum() / total.sum()),
        per_joint=hits.sum(0) / total.sum(0),
        per_sample=hits.sum(1) / total.sum(1),
        joints_counted=int(counted.sum()),
        samples_left_out=int((~counted.any(1)).sum()),
    )


def torso_length(dataset: PoseDataset) -> Float[Tensor, "n"]:
    """Return the longer of the two shoulder-to-opposite-hip lengths of each sample, in crop pixels.

    Where one of the two cannot be measured, because a joint of it is not annotated, the other one stands; where
    neither can be (or both are 0), NaN. LSPET lacks one of the four joints in about four images of ten.
    """
    lengths = []
    for shoulder, hip in (("right_shoulder", "left_hip"), ("left_shoulder", "right_hip")):
        a, b = dataset.index(shoulder), dataset.index(hip)
        length = (dataset.joints[:, a] - dataset.joints[:, b]).norm(dim=-1)
        known = dataset.annotated[:, a] & dataset.annotated[:, b]
        lengths.append(torch.where(known, length, torch.zeros_like(length)))
    longer = torch.stack(lengths).amax(0)
    return torch.where(longer > 0, longer, torch.full_like(longer, torch.nan))


@dataclass(frozen=True)
class Correlation:
    """How a predicted loss goes with the true one.

    Attributes:
        pearson: linear correlation of l̂ with l.
        pearson_log: linear correlation of l̂ with log l, the scale on which LearningLoss++ predicts.
        spearman: rank correlation, alike for both scales.
        n: number of samples.
    """

    pearson: float
    pearson_log: float
    spearman: float
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
    predicted = np.asarray(predicted_loss.detach().cpu(), dtype=np.float64)
    true = np.asarray(true_loss.detach().cpu(), dtype=np.float64)
    if len(predicted) != len(true) or len(true) < 3:
        raise ValueError(f"a correlation needs at least 3 pairs of losses, got {len(predicted)} and {len(true)}")
    for name, broken in (
        ("predicted_loss must be finite", ~np.isfinite(predicted)),
        ("true_loss must be finite and above 0", ~np.isfinite(true) | (true <= 0)),
    ):
        if broken.any():
            at = np.flatnonzero(broken)[:10].tolist()
            raise ValueError(f"{name}; it is not at position {', '.join(map(str, at))}")
    if any(np.ptp(values) <= 1e-12 * np.abs(values).max() for values in (predicted, true)):  # but for rounding
        return Correlation(np.nan, np.nan, np.nan, len(true))
    return Correlation(
        pearson=float(stats.pearsonr(predicted, true).statistic),
        pearson_log=float(stats.pearsonr(predicted, np.log(true)).statistic),
        spearman=float(stats.spearmanr(predicted, true).statistic),
        n=len(true),
    )
