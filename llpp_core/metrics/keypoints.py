"""How good a pose is.

PCK is the percentage of correct keypoints (Yang & Ramanan, TPAMI 2013), given as a fraction: a joint is correct
within ``threshold`` × normaliser of its annotation. LSP's normaliser is the torso, MPII's the head (PCKh, Andriluka et
al., CVPR 2014). A joint without annotation has no part in any metric; an occluded one that is annotated counts in full.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
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
        ValueError: shapes that do not fit each other, a prediction or an annotation of a counted joint is not finite, a
            normaliser is 0, negative or infinite, or ``threshold`` ≤ 0.
    """
    if not threshold > 0:
        raise ValueError(f"threshold must be above 0, got {threshold}")
    shapes = [tuple(t.shape) for t in (predicted, target, annotated, normalizer)]
    flags = tuple(predicted.shape[:2])
    if shapes != [(*flags, 2), (*flags, 2), flags, flags[:1]]:  # they would be stretched to each other in silence
        wanted = "predicted and target of (n, joints, 2), annotated of (n, joints) and normalizer of (n,)"
        raise ValueError(f"wanted {wanted}, got {', '.join(map(str, shapes))}")
    measurable = ~torch.isnan(normalizer)
    if bool((measurable & ~((normalizer > 0) & torch.isfinite(normalizer))).any()):
        sample = int((measurable & ~((normalizer > 0) & torch.isfinite(normalizer))).nonzero()[0])
        raise ValueError(f"normalizer must be above 0 and finite, or NaN; got {normalizer[sample]} at sample {sample}")
    counted = annotated & measurable[:, None]
    for name, places in (("predicted", predicted), ("target", target)):
        if not bool(torch.isfinite(places[counted]).all()):
            sample = int((counted & ~torch.isfinite(places).all(-1)).nonzero()[0, 0])
            raise ValueError(f"{name} joints must be finite; sample {sample} has one that is not")
    distance = (predicted - target).norm(dim=-1)
    # A quotient rounds as the written threshold does; a product would miss the joint at 7.3125 of 56.25 for 0.13.
    correct = counted & (distance / normalizer[:, None] <= threshold)
    hits, total = correct.float(), counted.float()
    return Pck(
        mean=float(hits.sum() / total.sum()),
        per_joint=hits.sum(0) / total.sum(0),
        per_sample=hits.sum(1) / total.sum(1),
        joints_counted=int(counted.sum()),
        samples_left_out=int((~counted.any(1)).sum()),
    )


def pckh(
    predicted: Float[Tensor, "n joints 2"],
    target: Float[Tensor, "n joints 2"],
    annotated: Bool[Tensor, "n joints"],
    head_length: Float[Tensor, "n"],
    threshold: float = 0.5,
) -> Pck:
    """Return the fraction of joints predicted within ``threshold`` × head length of their annotation.

    MPII's own mean leaves out ``pelvis`` and ``thorax``; for a figure to be compared with others', do not count them.

    Args:
        predicted: x, y in pixels.
        target: x, y in pixels of the same frame; ignored where not annotated.
        annotated: which joints count.
        head_length: 0.6 of the diagonal of MPII's head rectangle, as MPII's evaluation defines it, in the same pixels
            (`PoseDataset.head_length`); NaN where unknown.
        threshold: fraction of the normaliser, > 0; a joint exactly at it is correct.

    Raises:
        ValueError: as in `pck`.
    """
    return pck(predicted, target, annotated, head_length, threshold)


def torso_length(dataset: PoseDataset) -> Float[Tensor, "n"]:
    """Return `torso_length_of` each sample of a data set, in crop pixels."""
    return torso_length_of(dataset.joints, dataset.annotated, dataset.joint_names)


def torso_length_of(
    joints: Float[Tensor, "n joints 2"], annotated: Bool[Tensor, "n joints"], joint_names: Sequence[str]
) -> Float[Tensor, "n"]:
    """Return the longer of the two shoulder-to-opposite-hip lengths of each sample, in the joints' pixels.

    Where one of the two cannot be measured, because a joint of it is not annotated, the other one stands; where
    neither can be (or both are 0), NaN. LSPET lacks one of the four joints in about four images of ten.

    Args:
        joints: x, y in pixels.
        annotated: which joints are known.
        joint_names: names of the joints, in order.

    Raises:
        ValueError: a shoulder or hip is not among the names.
    """
    names = list(joint_names)
    lengths = []
    for ends in (("right_shoulder", "left_hip"), ("left_shoulder", "right_hip")):
        if missing := [end for end in ends if end not in names]:
            raise ValueError(f"a torso is measured from shoulders to hips; there is no joint {missing[0]!r} in {names}")
        a, b = (names.index(end) for end in ends)
        length = (joints[:, a] - joints[:, b]).norm(dim=-1)
        lengths.append(torch.where(annotated[:, a] & annotated[:, b], length, torch.zeros_like(length)))
    longer = torch.stack(lengths).amax(0)
    return torch.where(longer > 0, longer, torch.full_like(longer, torch.nan))
