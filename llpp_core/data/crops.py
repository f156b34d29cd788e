"""Square crops round a person, read from image files: one rule for training, testing and scoring."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor
from tqdm import tqdm

CONTEXT = 1.5
"""Side of a crop over the longer side of the box round its annotated joints; joints end at wrists and ankles, so a
person reaches beyond that box, and augmentation needs room."""

SMALLEST = 16.0
"""Smallest side of a crop, in pixels of the image: a person with one annotated joint has a box without extent."""


def around(
    joints: Float[Tensor, "n joints 2"], annotated: Bool[Tensor, "n joints"], *, context: float = CONTEXT
) -> Float[Tensor, "n 3"]:
    """Return squares round the annotated joints: center x, center y and side, in pixels of the image.

    Args:
        joints: x, y in pixels of the image.
        annotated: which joints count; at least one for each sample.
        context: side of the square over the longer side of the joints' box.
    """
    lowest = torch.where(annotated[..., None], joints, torch.inf).amin(1)
    highest = torch.where(annotated[..., None], joints, -torch.inf).amax(1)
    side = ((highest - lowest).amax(1) * context).clamp_min(SMALLEST)
    return torch.cat([(lowest + highest) / 2, side[:, None]], dim=1)


def check_files(files: Sequence[Path]) -> None:
    """Raise `ValueError` naming the first image that is not there."""
    for missing in (file for file in files if not file.is_file()):
        raise ValueError(f"wanted the image {missing}, which is not there")


def _rgb(image: Image.Image) -> Image.Image:
    """Return any image as 8-bit RGB; Pillow alone would clip 16-bit grey to white."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def read_crops(
    files: Sequence[Path], boxes: Float[Tensor, "n 3"], size: int, *, title: str, progress: bool = True
) -> tuple[UInt8[Tensor, "n 3 size size"], Float[Tensor, "n 2 3"]]:
    """Read images and return their square crops, black beyond the image's edge, and the maps back.

    Args:
        files: one image a sample, in any format that Pillow reads.
        boxes: center x, center y and side of each square, in pixels of the image; whole pixels are cut, so the crop
            may lie up to half a pixel off, and the returned map says where.
        size: side of the crops in pixels.
        title: what the progress bar calls them.
        progress: show the bar.

    Returns:
        The crops, and (n, 2, 3) affine maps from crop pixels to pixels of the image.

    Raises:
        ValueError: ``size`` < 1; a file is missing (told before any is read), truncated, or no image.
    """
    if size < 1:
        raise ValueError(f"crops need a side of at least 1 pixel, got {size}")
    check_files(files)
    side = boxes[:, 2].round().clamp_min(1).long()
    corner = (boxes[:, :2] - (side[:, None] - 1) / 2).round().long()  # x, y of the first pixel

    def read(i: int) -> np.ndarray:
        left, top, s = int(corner[i, 0]), int(corner[i, 1]), int(side[i])
        try:
            with Image.open(files[i]) as image:
                whole = _rgb(image)
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise ValueError(f"{files[i]} is no image that can be read whole: {error}") from error
        crop = whole.crop((left, top, left + s, top + s)).resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(crop)

    with (
        ThreadPoolExecutor() as pool,
        tqdm(total=len(files), desc=title, unit="image", disable=not progress) as bar,
    ):
        futures = [pool.submit(read, i) for i in range(len(files))]
        pixels = np.empty((len(files), size, size, 3), dtype=np.uint8)
        try:
            for i, future in enumerate(futures):
                pixels[i] = future.result()
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # one bad file, or Ctrl-C, ends the reading of the others
            raise
    scale = side.double() / size
    crop_to_image = torch.zeros(len(files), 2, 3, dtype=torch.float64)
    crop_to_image[:, 0, 0] = crop_to_image[:, 1, 1] = scale
    # Pixel centers at integers: crop position c lies at (c + ½) · scale − ½ past the first pixel.
    crop_to_image[:, :, 2] = corner + (0.5 * scale - 0.5)[:, None]
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), crop_to_image
