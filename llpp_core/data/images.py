"""Plain image files without annotations, to be scored: given boxes, or the whole image."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from llpp_core.data.assembly import People, cropped
from llpp_core.data.crops import check_files, opened
from llpp_core.data.pose import LSP_JOINTS, PoseDataset


def load_images(
    files: Sequence[str | Path],
    boxes: Float[Tensor, "n 3"] | None = None,
    *,
    size: int = 256,
    joint_names: Sequence[str] = LSP_JOINTS,
    progress: bool = True,
    cache: bool = False,
) -> PoseDataset:
    """Return crops of images in which no joint is annotated.

    They are cut as those of the data sets are (`crops`). In particular a photograph is taken as its file stores it,
    also where an EXIF note asks to have it turned.

    Args:
        files: one image a crop, in any format that Pillow reads; of an animation the first picture.
        boxes: center x, center y and side of a square each, in pixels of the image (pixel centers at integers); a
            person should fill about two thirds of it, as in LSP's crops. Where None, the square round the whole image.
        size: side of the crops in pixels.
        joint_names: what the joints would be called, were there any: those of the model that is to look.
        progress: show a progress bar while the images are read.
        cache: keep the crops on disk, and take kept ones; see `cache`. Off unless asked for: these are your pictures.

    Returns:
        A data set whose ids are the files as they were given, with ``#2``, ``#3``, … (a number that
        no file has) from the second time on.

    Raises:
        ValueError: no list of files, another number of boxes, a box that is not finite, has no extent or does not meet
            its image, or an image that is missing or broken; each named.
    """
    if isinstance(files, str | Path):
        raise ValueError(f"wanted a list of image files, got one path: {files}")
    names = tuple(map(str, files))
    n = len(names)
    if boxes is None:
        boxes = _whole([Path(name) for name in names])
    people = People(
        name="images",
        folder=Path(),
        files=names,
        ids=_told_apart(names),
        boxes=boxes,
        joints=torch.zeros(n, len(joint_names), 2),
        visible=torch.zeros(n, len(joint_names), dtype=torch.bool),
        annotated=torch.zeros(n, len(joint_names), dtype=torch.bool),
        joint_names=tuple(joint_names),
    )
    return cropped(people, size=size, progress=progress, cache=cache)


def _whole(files: Sequence[Path]) -> Float[Tensor, "n 3"]:
    """Return the smallest square round each image, with the image in its middle."""
    check_files(files)
    found = []
    for file in files:
        with opened(file, whole=False) as image:
            width, height = image.size
        found.append([(width - 1) / 2, (height - 1) / 2, max(width, height)])
    return torch.tensor(found, dtype=torch.float64).reshape(-1, 3)


def _told_apart(names: Sequence[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    taken, ids = set(names), []
    for name in names:
        seen[name] += 1
        while seen[name] > 1 and f"{name}#{seen[name]}" in taken:  # another file may be called so
            seen[name] += 1
        ids.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return tuple(ids)
