"""Leeds Sports Pose (Johnson & Everingham, BMVC 2010) and its extended training set (CVPR 2011).

Both come as ``images/`` beside ``joints.mat``. Their third coordinate means opposite things: in LSP 1 is *occluded*
(every joint has a position), in LSPET 1 is *annotated* (0: the joint has no position, and what stands there means
nothing).

A crop is a square round the annotated joints, `crops.CONTEXT` times as wide as their box is long. The paper crops round
the joints too. They are ground truth that a deployed model does not have, so figures on such crops flatter.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from llpp_core.data.assembly import People, cropped, first_unusable
from llpp_core.data.crops import around, check_files
from llpp_core.data.matlab import read_variable
from llpp_core.data.pose import LSP_JOINTS, PoseDataset

LSP_IMAGES, LSPET_IMAGES, LSP_TRAIN = 2_000, 10_000, 1_000


def load_lsp(
    root: str | Path,
    split: Literal["train", "test", "all"] = "all",
    *,
    size: int = 256,
    progress: bool = True,
    cache: bool = True,
) -> PoseDataset:
    """Return LSP: its first 1,000 images ("train"), its last 1,000 ("test"), or all 2,000.

    Args:
        root: the folder that holds ``images/`` and ``joints.mat``.
        split: which half.
        size: side of the square crops in pixels.
        progress: show a progress bar while the images are read.
        cache: keep the crops on disk, and take kept ones; see `cache`.

    Raises:
        ValueError: unknown split; a folder, file or image that is missing or broken, named, before any image is
            decoded where that is possible.
    """
    ranges = {"train": range(LSP_TRAIN), "test": range(LSP_TRAIN, LSP_IMAGES), "all": range(LSP_IMAGES)}
    if split not in ranges:
        raise ValueError(f"LSP has the splits {', '.join(ranges)}, got {split!r}")
    joints = _read_joints(root, shape=(3, 14, LSP_IMAGES), other=("LSPET", (14, 3, LSPET_IMAGES))).transpose(
        2, 1, 0
    )  # (n, 14, 3)
    occluded = joints[..., 2] == 1
    everywhere = np.ones_like(occluded)
    rows = list(ranges[split])
    return _load(
        root,
        f"LSP {split}",
        "im{:04d}.jpg",
        rows,
        joints,
        ~occluded,
        everywhere,
        size=size,
        progress=progress,
        cache=cache,
    )


def load_lspet(
    root: str | Path,
    *,
    sample: int | None = None,
    seed: int = 0,
    size: int = 256,
    progress: bool = True,
    cache: bool = True,
) -> PoseDataset:
    """Return LSPET, or a random sample of it.

    Args:
        root: the folder that holds ``images/`` and ``joints.mat``.
        sample: how many of the 10,000 images, drawn without replacement and in their order; all where None.
        seed: of that draw.
        size: side of the square crops in pixels.
        progress: show a progress bar while the images are read.
        cache: keep the crops on disk, and take kept ones; see `cache`.

    Raises:
        ValueError: a sample larger than the data set; a folder, file or image that is missing or broken, named, before
            any image is decoded where that is possible.
    """
    if sample is not None and not 1 <= sample <= LSPET_IMAGES:
        raise ValueError(f"LSPET has {LSPET_IMAGES} images, asked for a sample of {sample}")
    joints = _read_joints(root, shape=(14, 3, LSPET_IMAGES), other=("LSP", (3, 14, LSP_IMAGES))).transpose(
        2, 0, 1
    )  # (n, 14, 3)
    annotated = joints[..., 2] == 1
    rows = list(range(LSPET_IMAGES))
    if sample is not None:
        rows = sorted(np.random.default_rng(seed).choice(LSPET_IMAGES, size=sample, replace=False).tolist())
    name = "LSPET" if sample is None else f"LSPET, {sample:,} of its {LSPET_IMAGES:,} images drawn with seed {seed}"
    return _load(
        root, name, "im{:05d}.jpg", rows, joints, annotated, annotated, size=size, progress=progress, cache=cache
    )


def check_lsp(root: str | Path) -> None:
    """Raise `ValueError`, as `load_lsp` does, unless a folder holds LSP's annotations and all of its images."""
    _read_joints(root, shape=(3, 14, LSP_IMAGES), other=("LSPET", (14, 3, LSPET_IMAGES)))
    check_files([Path(root) / "images" / f"im{i:04d}.jpg" for i in range(1, LSP_IMAGES + 1)])


def check_lspet(root: str | Path) -> None:
    """Raise `ValueError`, as `load_lspet` does, unless a folder holds LSPET's annotations and all of its images."""
    _read_joints(root, shape=(14, 3, LSPET_IMAGES), other=("LSP", (3, 14, LSP_IMAGES)))
    check_files([Path(root) / "images" / f"im{i:05d}.jpg" for i in range(1, LSPET_IMAGES + 1)])


def _read_joints(
    root: str | Path, *, shape: tuple[int, int, int], other: tuple[str, tuple[int, int, int]]
) -> np.ndarray:
    file = Path(root) / "joints.mat"
    if not file.parent.is_dir():
        raise ValueError(f"wanted a folder with images/ and joints.mat, got {file.parent}, which is no folder")
    if not file.is_file():
        raise ValueError(f"wanted {file}, which is not there; the folder must hold images/ and joints.mat")
    joints = read_variable(file, "joints")
    if joints.shape != shape:
        hint = f"; this is {other[0]}'s shape" if joints.shape == other[1] else ""
        raise ValueError(f"{file}: 'joints' must have shape {shape}, got {joints.shape}{hint}")
    if joints.dtype.kind not in "biuf":
        raise ValueError(f"{file}: 'joints' must hold real numbers, got {joints.dtype}")
    joints = np.asarray(joints, dtype=np.float64)
    by_image = np.moveaxis(joints, 2, 0)  # (n, 3, 14) or (n, 14, 3)
    flags = by_image[:, 2] if shape[0] == 3 else by_image[:, :, 2]
    strange = ~np.isin(flags, (0, 1)).all(axis=1)
    if strange.any():
        number = int(strange.argmax()) + 1
        raise ValueError(f"{file}: the third coordinate of a joint must be 0 or 1; it is not in image {number}")
    return joints


def _load(
    root: str | Path,
    name: str,
    pattern: str,
    rows: Sequence[int],
    joints: np.ndarray,
    visible: np.ndarray,
    annotated: np.ndarray,
    *,
    size: int,
    progress: bool,
    cache: bool,
) -> PoseDataset:
    names = tuple(pattern.format(row + 1) for row in rows)
    known = torch.from_numpy(annotated[rows])
    positions = torch.from_numpy(joints[rows, :, :2])
    if (broken := first_unusable(positions, known, names)) is not None:
        raise ValueError(f"{Path(root) / 'joints.mat'}: {broken} has no annotated joint, or one that is not finite")
    people = People(
        name=name,
        folder=Path(root) / "images",
        files=names,
        ids=names,
        boxes=around(positions, known),
        joints=positions,
        visible=torch.from_numpy(visible[rows]),
        annotated=known,
        joint_names=LSP_JOINTS,
    )
    return cropped(people, size=size, progress=progress, cache=cache)
