"""Square crops round a person, read from image files: one rule for training, testing and scoring.

Whatever a square comes from (annotated joints, a center and a scale, a given box, the whole image), its pixels are made
here and in one way: whole pixels are cut, what lies beyond the image is black, and the square is brought to its size by
bilinear resampling that averages where it shrinks.

Annotations are in the pixels that a file stores. So an EXIF note that says how to hold a photograph is not heeded, and
color profiles are not either; of an animation the first picture is taken; what is transparent is black.
"""

import struct
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from PIL import __version__ as _pillow
from torch import Tensor
from tqdm import tqdm

RULE = f"2, Pillow {_pillow}"
"""What makes the pixels of a crop; a crop kept under another rule is made anew. Raise the number with every change."""

CONTEXT = 1.5
"""Side of a crop over the longer side of the box round its annotated joints; joints end at wrists and ankles, so a
person reaches beyond that box, and augmentation needs room."""

SMALLEST = 16.0
"""Smallest side of a crop round joints, in pixels of the image: one annotated joint has a box without extent."""

LARGEST = 8_192
"""Largest side of a square, in pixels of the image: 200 MB while it is cut. A larger one is a slip of the pen."""

AHEAD = 64
"""How many crops are made before they are asked for: enough to keep all cores busy, few enough to hold."""

_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow raises for files that are broken in one way or another."""


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
    """Raise `ValueError` naming the first image that is not there, or is a folder."""
    for missing in (file for file in files if not file.is_file()):
        raise ValueError(f"wanted the image {missing}, which is {'a folder' if missing.is_dir() else 'not there'}")


@dataclass(frozen=True)
class Squares:
    """Which whole pixels of each image make its crop.

    Attributes:
        files: one image a crop.
        left: n columns, each square's first.
        top: n rows, each square's first.
        side: n sides in pixels of the image.
        size: side of the crops in pixels.
    """

    files: tuple[Path, ...]
    left: tuple[int, ...]
    top: tuple[int, ...]
    side: tuple[int, ...]
    size: int

    def __len__(self) -> int:
        return len(self.files)

    @property
    def crop_to_image(self) -> Float[Tensor, "n 2 3"]:
        """Affine maps from crop pixels to pixels of the image, in float64."""
        scale = torch.tensor(self.side, dtype=torch.float64) / self.size
        maps = torch.zeros(len(self), 2, 3, dtype=torch.float64)
        maps[:, 0, 0] = maps[:, 1, 1] = scale
        # Pixel centers at integers: crop position c lies at (c + ½) · scale − ½ past the first pixel.
        corner = torch.tensor([self.left, self.top], dtype=torch.float64).T
        maps[:, :, 2] = corner + (0.5 * scale - 0.5)[:, None]
        return maps


def squares(files: Sequence[Path], boxes: Float[Tensor, "n 3"], size: int) -> Squares:
    """Return the whole pixels that are cut for each box.

    Args:
        files: one image a box.
        boxes: center x, center y and side of each square, in pixels of the image. The pixels cut lie up to half a pixel
            off, and `Squares.crop_to_image` says where.
        size: side of the crops in pixels.

    Raises:
        ValueError: ``size`` < 1, other than three numbers for each file, a box that is not finite or whose side is not
            above 0 and at most `LARGEST`, or an image that is not there.
    """
    if size < 1:
        raise ValueError(f"crops need a side of at least 1 pixel, got {size}")
    if tuple(boxes.shape) != (len(files), 3):
        got = tuple(boxes.shape)
        raise ValueError(
            f"wanted a center x, center y and side for each of {len(files)} images, got boxes of shape {got}"
        )
    boxes = boxes.double()
    good = torch.isfinite(boxes).all(1) & (boxes[:, 2] > 0) & (boxes[:, 2] <= LARGEST)
    good &= (boxes[:, :2].abs() <= 2**31).all(1)
    if not bool(good.all()):
        at = int((~good).nonzero()[0])
        wanted = f"a square of finite center x and y and a side above 0 and at most {LARGEST:,} pixels"
        raise ValueError(f"{files[at]}: wanted {wanted}, got {boxes[at].tolist()}")
    check_files(files)
    side = boxes[:, 2].round().clamp_min(1).long()
    corner = (boxes[:, :2] - (side[:, None] - 1) / 2).round().long()  # x, y of the first pixel
    left, top = corner[:, 0].tolist(), corner[:, 1].tolist()
    return Squares(tuple(files), tuple(left), tuple(top), tuple(side.tolist()), size)


def each_crop(of: Squares, *, title: str, progress: bool = True) -> Iterator[np.ndarray]:
    """Yield (3, size, size) crops as bytes, in order, made by all cores; see `read_crops`."""
    with ThreadPoolExecutor() as pool, tqdm(total=len(of), desc=title, unit="image", disable=not progress) as bar:
        coming: deque[Future[np.ndarray]] = deque()
        try:
            for i in range(len(of) + AHEAD):
                if i < len(of):
                    coming.append(pool.submit(_crop, of, i))
                if i >= AHEAD:
                    yield coming.popleft().result()
                    bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # one bad file, or Ctrl-C, ends the reading of the others
            raise


def read_crops(of: Squares, *, title: str, progress: bool = True) -> UInt8[Tensor, "n 3 size size"]:
    """Read images and return their square crops, black beyond the image's edge.

    Args:
        of: which pixels of which images.
        title: what the progress bar calls them.
        progress: show the bar.

    Raises:
        ValueError: a file is missing, truncated or no image, or a square lies wholly outside of its image.
    """
    pixels = np.empty((len(of), 3, of.size, of.size), dtype=np.uint8)
    for i, crop in enumerate(each_crop(of, title=title, progress=progress)):
        pixels[i] = crop
    return torch.from_numpy(pixels)


def _crop(of: Squares, i: int) -> np.ndarray:
    left, top, side = of.left[i], of.top[i], of.side[i]
    with opened(of.files[i]) as image:
        width, height = image.size
        if left >= width or top >= height or left + side <= 0 or top + side <= 0:
            square = f"columns {left} to {left + side - 1} and rows {top} to {top + side - 1}"
            raise ValueError(f"{of.files[i]}: wanted a square that meets its {width}×{height} pixels, got {square}")
        crop = image.crop((left, top, left + side, top + side))
    resized = crop.resize((of.size, of.size), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(resized).transpose(2, 0, 1))


def opened(file: Path, *, whole: bool = True) -> Image.Image:
    """Return an image, read whole as 8-bit RGB, or only its head: enough to know its size.

    Raises:
        ValueError: the file is empty, no image, truncated, or of a kind that has no white to measure by.
    """
    try:
        if not file.stat().st_size:
            raise ValueError("it is empty")
        image = Image.open(file)
        if not whole:
            return image
        with image:
            return _rgb(image)
    except _UNREADABLE as error:
        raise ValueError(f"{file} is no image that can be read whole: {error}") from error


def _rgb(image: Image.Image) -> Image.Image:
    """Return any image as 8-bit RGB; Pillow alone would clip 16-bit grey to white, and show what is transparent."""
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers, and nobody knows which of them is white")
    if image.mode.startswith("I"):  # "I;16" of a PNG; "I" of a PGM, whose values also end at 65,535
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("its pixels have 32 bits, and nobody knows which of them is white")
        see_through = values == image.info.get("transparency", -1)
        image = Image.fromarray(np.where(see_through, 0, values >> 8).astype(np.uint8))
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
