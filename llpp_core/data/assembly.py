"""From people in image files to a `PoseDataset`: the one way that every loader goes.

A loader knows where people are and what is annotated. Which pixels a crop has, where a joint lies in it and what is
kept on disk is decided here, for training, testing and scoring alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from llpp_core.data.cache import cached_crops
from llpp_core.data.crops import read_crops, squares
from llpp_core.data.pose import PoseDataset


@dataclass(frozen=True)
class People:
    """People in image files, in pixels of the image (centers at integers, as in `pose`).

    Attributes:
        name: of the data set.
        folder: which ``files`` are relative to.
        files: one image a person; the same one may come several times.
        ids: n names, unique.
        boxes: (n, 3) center x, center y and side of a square round each.
        joints: (n, joints, 2) x, y; meaningless where not annotated.
        visible: (n, joints) as in `PoseDataset`.
        annotated: (n, joints) as in `PoseDataset`.
        joint_names: names of the joints, in order.
        head_length: (n,) as in `PoseDataset`, or None.
    """

    name: str
    folder: Path
    files: tuple[str, ...]
    ids: tuple[str, ...]
    boxes: Float[Tensor, "n 3"]
    joints: Float[Tensor, "n joints 2"]
    visible: Bool[Tensor, "n joints"]
    annotated: Bool[Tensor, "n joints"]
    joint_names: tuple[str, ...]
    head_length: Float[Tensor, "n"] | None = None


def cropped(people: People, *, size: int, progress: bool, cache: bool) -> PoseDataset:
    """Return the people's crops with their joints in crop pixels.

    Args:
        people: who, and where.
        size: side of the crops in pixels.
        progress: show a progress bar while images are read.
        cache: keep the crops, and take kept ones; see `cache`.

    Raises:
        ValueError: an image is missing or broken, or a box does not meet its image; each named.
    """
    of = squares([people.folder / file for file in people.files], people.boxes, size)
    images = (cached_crops if cache else read_crops)(of, title=people.name, progress=progress)
    crop_to_image = of.crop_to_image
    scale = crop_to_image[:, 0, 0]  # pixels of the image that a pixel of the crop spans
    joints = (people.joints.double() - crop_to_image[:, None, :, 2]) / scale[:, None, None]
    return PoseDataset(
        name=people.name,
        images=images,
        joints=joints.float().contiguous(),
        visible=(people.visible & people.annotated).contiguous(),
        annotated=people.annotated.contiguous(),
        ids=people.ids,
        joint_names=people.joint_names,
        crop_to_image=crop_to_image.float(),
        head_length=None if people.head_length is None else (people.head_length.double() / scale).float(),
        files=people.files,
    )


def first_unusable(
    joints: Float[Tensor, "n joints 2"], annotated: Bool[Tensor, "n joints"], names: Sequence[str]
) -> str | None:
    """Return the name of the first person without an annotated joint, or with one that is not finite; None if none."""
    broken = ~annotated.any(1) | (annotated & ~torch.isfinite(joints).all(-1)).any(1)
    return names[int(broken.nonzero()[0])] if bool(broken.any()) else None
