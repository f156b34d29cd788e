"""One form for every pose data set: square crops as one uint8 tensor, joints in crop pixels, flags kept apart.

Pixel convention, used by every file of this package: pixel *centers* lie at integer coordinates, the center
of the top-left pixel is (0, 0), x grows to the right and y downwards. A crop of side ``s`` therefore covers
[−0.5, s − 0.5) in both directions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

LSP_JOINTS = (
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "neck",
    "head_top",
)
"""Joint order of LSP, LSPET and the rendered figures."""

MPII_JOINTS = (
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "pelvis",
    "thorax",
    "upper_neck",
    "head_top",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
)
"""Joint order of MPII, named as LSP's where they mean the same. ``upper_neck`` is no ``neck``: MPII takes it from the
head's rectangle, LSP has it clicked; see `PoseDataset.in_order` for those who want the two to be one."""

LIMBS = (
    ("right_ankle", "right_knee"),
    ("right_knee", "right_hip"),
    ("left_ankle", "left_knee"),
    ("left_knee", "left_hip"),
    ("right_hip", "left_hip"),
    ("right_hip", "right_shoulder"),
    ("left_hip", "left_shoulder"),
    ("right_shoulder", "left_shoulder"),
    ("right_wrist", "right_elbow"),
    ("right_elbow", "right_shoulder"),
    ("left_wrist", "left_elbow"),
    ("left_elbow", "left_shoulder"),
    ("neck", "head_top"),
    ("pelvis", "thorax"),
    ("thorax", "upper_neck"),
    ("upper_neck", "head_top"),
)
"""Pairs of joints that a drawn skeleton connects; names that a data set lacks are left out of its drawing."""

_TENSORS = ("images", "joints", "visible", "annotated", "crop_to_image")
"""The tensors that every `PoseDataset` has, with one row a sample."""

_BY_JOINT = ("joints", "visible", "annotated")
"""Those of them that have one column a joint."""


def mirror(joint_names: Sequence[str]) -> list[int]:
    """Return, for each joint, the index of the joint it becomes when the picture is flipped left to right.

    Args:
        joint_names: names in data-set order; ``left_…`` and ``right_…`` are partners, all others their own.

    Raises:
        ValueError: a sided joint has no partner.
    """
    position = {name: index for index, name in enumerate(joint_names)}
    partner = {"left": "right", "right": "left"}
    result = []
    for name in joint_names:
        side, _, part = name.partition("_")
        other = f"{partner[side]}_{part}" if side in partner else name
        if other not in position:
            raise ValueError(f"joint {name!r} has no partner: wanted {other!r} among {list(joint_names)}")
        result.append(position[other])
    return result


@dataclass(frozen=True, eq=False)
class PoseDataset:
    """Single-person crops with their joints, whole in memory or mapped from a file (`cache`).

    Attributes:
        name: what the data is, as a page would call it ("LSPET", "rendered figures, acrobatic").
        images: (n, 3, s, s) RGB crops.
        joints: (n, joints, 2) x, y in crop pixels (see the module's convention); meaningless where not annotated.
        visible: (n, joints) True where the joint can be seen in the picture. LSP says *occluded*, so this is its
            negation; LSPET says nothing about occlusion, so there it equals ``annotated``.
        annotated: (n, joints) True where a position is known. A joint that is not annotated has no heatmap, no
            loss and no part in any metric; an occluded joint that is annotated counts in full.
        ids: n names, unique within the data set (the image's file name, say).
        joint_names: names of the joints, in order.
        crop_to_image: (n, 2, 3) affine maps from crop pixels to pixels of the original image.
        head_length: (n,) what PCKh measures distances in, in crop pixels: 0.6 of the diagonal of MPII's head rectangle;
            NaN for a sample of which it is not known, None where it is known of no sample.
        files: n names of image files, as the data set writes them; "" for a sample that comes from no file, None where
            none does. Several people in one image are samples with the same file.
    """

    name: str
    images: UInt8[Tensor, "n 3 s s"]
    joints: Float[Tensor, "n joints 2"]
    visible: Bool[Tensor, "n joints"]
    annotated: Bool[Tensor, "n joints"]
    ids: tuple[str, ...]
    joint_names: tuple[str, ...]
    crop_to_image: Float[Tensor, "n 2 3"]
    head_length: Float[Tensor, "n"] | None = None
    files: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        n, joints = len(self.ids), len(self.joint_names)
        wanted = {
            "images": (n, 3, self.images.shape[-1], self.images.shape[-1]),
            "joints": (n, joints, 2),
            "visible": (n, joints),
            "annotated": (n, joints),
            "crop_to_image": (n, 2, 3),
        }
        if self.head_length is not None:
            wanted["head_length"] = (n,)
        for field, shape in wanted.items():
            got = tuple(getattr(self, field).shape)
            if got != shape:
                raise ValueError(f"{self.name}: {field} must have shape {shape}, got {got}")
        if len(set(self.ids)) != n:
            raise ValueError(f"{self.name}: sample ids must be unique, got {n - len(set(self.ids))} repeats")
        if self.files is not None and len(self.files) != n:
            raise ValueError(f"{self.name}: wanted a file name for each of {n} samples, got {len(self.files)}")
        if self.head_length is not None and bool((self.head_length <= 0).any() | self.head_length.isinf().any()):
            at = int(((self.head_length <= 0) | self.head_length.isinf()).nonzero()[0])
            wanted_length = "head_length must be finite and above 0, or NaN"
            raise ValueError(f"{self.name}: {wanted_length}; sample {self.ids[at]} has {float(self.head_length[at])}")
        known = self.joints[self.annotated]
        if not bool(torch.isfinite(known).all()):
            broken = ~torch.isfinite(self.joints).all(-1) & self.annotated
            sample = self.ids[int(broken.any(1).nonzero()[0])]
            raise ValueError(f"{self.name}: sample {sample} has an annotated joint that is not a finite number")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def size(self) -> int:
        """Side of the square crops, in pixels."""
        return int(self.images.shape[-1])

    @property
    def mirror(self) -> list[int]:
        """Index of each joint's left/right partner; see `mirror`."""
        return mirror(self.joint_names)

    def index(self, joint_name: str) -> int:
        """Return the position of a joint by name, or raise `ValueError` naming the joints there are."""
        if joint_name not in self.joint_names:
            raise ValueError(f"{self.name} has no joint {joint_name!r}; it has {', '.join(self.joint_names)}")
        return self.joint_names.index(joint_name)

    def subset(self, indices: Sequence[int] | np.ndarray | Tensor) -> "PoseDataset":
        """Return the samples at ``indices``, in that order; their crops are copied into memory.

        Args:
            indices: whole numbers from 0 to n − 1, each at most once; of a mask, its ``nonzero()``.

        Raises:
            IndexError: an index lies outside [0, n).
            ValueError: a mask or fractions instead of whole numbers, or a sample asked for twice.
        """
        rows = torch.as_tensor(indices).reshape(-1)
        if len(rows) and (rows.is_floating_point() or rows.dtype == torch.bool):
            raise ValueError(f"{self.name}: wanted the places of samples as whole numbers, got {rows.dtype}")
        rows = rows.long()
        if bool((outside := (rows < 0) | (rows >= len(self))).any()):
            raise IndexError(f"{self.name} has samples 0 to {len(self) - 1}, asked for {int(rows[outside][0])}")
        rows = rows.to(self.images.device)
        tensors: dict[str, Any] = {field: getattr(self, field)[rows] for field in _TENSORS}
        chosen = rows.tolist()
        return replace(
            self,
            ids=tuple(self.ids[i] for i in chosen),
            head_length=None if self.head_length is None else self.head_length[rows],
            files=None if self.files is None else tuple(self.files[i] for i in chosen),
            **tensors,
        )

    def in_order(self, joint_names: Sequence[str], *, alias: Mapping[str, str] | None = None) -> "PoseDataset":
        """Return the same samples with the joints named, in that order: MPII's people with LSP's joints, say.

        Args:
            joint_names: which joints, each at most once.
            alias: names to be used here, each with the name that this data set has for it:
                ``mpii.in_order(LSP_JOINTS, alias={"neck": "upper_neck"})``.

        Raises:
            ValueError: a name that this data set lacks, or one that comes twice.
        """
        if len(set(joint_names)) != len(joint_names):
            raise ValueError(f"{self.name}: wanted each joint at most once, got {', '.join(joint_names)}")
        columns = [self.index((alias or {}).get(name, name)) for name in joint_names]
        tensors: dict[str, Any] = {field: getattr(self, field)[:, columns] for field in _BY_JOINT}
        return replace(self, joint_names=tuple(joint_names), **tensors)


def concatenate(name: str, parts: Sequence[PoseDataset]) -> PoseDataset:
    """Return the samples of several data sets as one, in their order.

    Args:
        name: of the whole.
        parts: at least one, all with the same joints and side.

    Raises:
        ValueError: no part, parts with other joints or sides than the first, or an id that occurs twice.
    """
    if not parts:
        raise ValueError(f"{name}: wanted at least one data set to put together, got 0")
    first = parts[0]
    for part in parts[1:]:
        if (part.joint_names, part.size) != (first.joint_names, first.size):
            raise ValueError(f"{name}: {part.name} has other joints or another side than {first.name}")
    tensors: dict[str, Any] = {field: torch.cat([getattr(part, field) for part in parts]) for field in _TENSORS}
    lengths = [_or_nan(part) for part in parts]
    names = [part.files or ("",) * len(part) for part in parts]
    return replace(
        first,
        name=name,
        ids=tuple(i for part in parts for i in part.ids),
        head_length=torch.cat(lengths) if any(part.head_length is not None for part in parts) else None,
        files=tuple(f for some in names for f in some) if any(part.files is not None for part in parts) else None,
        **tensors,
    )


def _or_nan(part: PoseDataset) -> Float[Tensor, "n"]:
    return part.joints.new_full((len(part),), torch.nan) if part.head_length is None else part.head_length
