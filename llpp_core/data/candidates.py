"""Candidates for labels: images, or people in them, that a user names; and their crops, read a few at a time.

What cannot be used (a file that is broken, a row that makes no sense) is left out and named, and the others go on. The
crops are those of `images.load_images`, and so those of training.
"""

import csv
import math
import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from llpp_core.data.crops import AHEAD, CONTEXT, SMALLEST, opened
from llpp_core.data.images import load_images
from llpp_core.data.pose import LSP_JOINTS, PoseDataset

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""How the names of image files end, in small letters or capitals: what is looked for in folders."""

BOX = ("left", "top", "width", "height")
"""What a table of boxes says of each besides ``image``."""


@dataclass(frozen=True)
class Candidate:
    """A whole image, or a person in it.

    Attributes:
        image: path of the image.
        name: unique among the candidates.
        box: left, top, width and height round the person: the first column and row of pixels, counted from 0, and how
            many of each; None for the whole image.
        source: where the box comes from, for messages.
    """

    image: str
    name: str
    box: tuple[float, float, float, float] | None = None
    source: str = ""

    @property
    def square(self) -> Float[Tensor, "1 3"] | None:
        """Center x, center y and side of the crop: `crops.CONTEXT` times the box's longer side; None without a box."""
        if self.box is None:
            return None
        left, top, width, height = self.box
        center = (left + (width - 1) / 2, top + (height - 1) / 2)  # pixel centers lie at integers
        return torch.tensor([[*center, max(CONTEXT * max(width, height), SMALLEST)]], dtype=torch.float64)


@dataclass(frozen=True)
class LeftOut:
    """Something that could not be used.

    Attributes:
        image: what was named.
        why: in words.
    """

    image: str
    why: str


def find_images(places: Sequence[str | Path]) -> tuple[list[str], list[LeftOut]]:
    """Return the image files that some paths name, each once, and what could not be used.

    Args:
        places: files, taken whatever their name; folders, of which every file that ends as one of `ENDINGS` is taken,
            sorted by path, those in folders within them too; what is hidden (begins with a dot) is not.
    """
    found: dict[str, str] = {}
    left_out: list[LeftOut] = []
    for place in map(str, places):
        if os.path.isdir(place):
            files, closed = _within(place)
            left_out += closed
            if not files and not closed:
                left_out.append(LeftOut(_shown(place), f"this folder holds no image file ({' '.join(ENDINGS)})"))
        elif os.path.isfile(place):
            files = [place]
        else:
            files = []
            left_out.append(LeftOut(_shown(place), "it is no file" if os.path.exists(place) else "it is not there"))
        for file in files:
            if _shown(file) != file:
                left_out.append(LeftOut(_shown(file), "its name is no text in UTF-8"))
            else:
                found.setdefault(os.path.realpath(file), file)
    return list(found.values()), left_out


def _within(folder: str) -> tuple[list[str], list[LeftOut]]:
    files, closed = [], []

    def unreadable(error: OSError) -> None:
        closed.append(LeftOut(_shown(str(error.filename)), f"this folder cannot be read: {error.strerror}"))

    for here, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [
            os.path.join(here, name) for name in names if name.lower().endswith(ENDINGS) and not name.startswith(".")
        ]
    return sorted(file for file in files if os.path.isfile(file)), closed


def _shown(name: str) -> str:
    """Return a file name as text; bytes that are none are written as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def whole(images: Sequence[str]) -> list[Candidate]:
    """Return every image as a candidate, whole."""
    return [Candidate(image, image) for image in images]


def read_boxes(
    file: str | Path, images: Sequence[str], places: Sequence[str | Path]
) -> tuple[list[Candidate], list[LeftOut]]:
    """Return the people that a table of boxes names in some images, and the rows that could not be used.

    Args:
        file: CSV in UTF-8 with a head line and at least the columns image, left, top, width, height; a row a person,
            any number of rows an image. A relative ``image`` is looked for in the folders among ``places``, in the
            table's own folder and in the working folder; it must mean one and the same file wherever it is found.
        images: as `find_images` returned them; a row of another image is left out.
        places: what `find_images` was given.

    Raises:
        ValueError: there is no such file, it is no CSV in UTF-8, or a column is missing.
    """
    table = Path(file)
    if not table.is_file():
        raise ValueError(
            f"wanted a table of boxes, got {table}, which is {'a folder' if table.is_dir() else 'not there'}"
        )
    known = {os.path.realpath(image): image for image in images}
    folders = [*(str(place) for place in places if os.path.isdir(place)), str(table.parent), "."]
    people: Counter[str] = Counter()
    candidates, left_out = [], []
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines, skipinitialspace=True)
            columns = [(name or "").strip() for name in rows.fieldnames or []]
            if missing := [name for name in ("image", *BOX) if name not in columns]:
                raise ValueError(
                    f"{table} has no column {', '.join(missing)}; its first line must name image, {', '.join(BOX)}, "
                    f"set apart by commas, got {', '.join(columns) or 'nothing'}"
                )
            rows.fieldnames = columns
            for row in rows:
                source = f"line {rows.line_num} of {table.name}"
                named = (row["image"] or "").strip()
                try:
                    image, box = _located(named, folders, known), _box(row)
                except ValueError as error:
                    left_out.append(LeftOut(named, f"{source}: {error}"))
                    continue
                people[image] += 1
                candidates.append(Candidate(image, f"{image}#{people[image]}", box, source))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table} is no CSV file in UTF-8 that can be read: {error}") from error
    return candidates, left_out


def _located(named: str, folders: Sequence[str], known: dict[str, str]) -> str:
    if not named:
        raise ValueError("it names no image")
    if "\0" in named:
        raise ValueError("its image is no name of a file")
    found = {place for folder in folders if (place := os.path.realpath(os.path.join(folder, named))) in known}
    if len(found) > 1:
        raise ValueError(f"its image may be any of {', '.join(sorted(known[place] for place in found))}")
    if not found:
        raise ValueError("its image is not among the images given")
    return known[found.pop()]


def _box(row: dict[str, str]) -> tuple[float, float, float, float]:
    values = []
    for name in BOX:
        try:
            value = float(row[name])
        except (TypeError, ValueError):
            raise ValueError(f"{name} must be a number, got {row[name] or 'nothing'!r}") from None
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, got {value}")
        values.append(value)
    left, top, width, height = values
    if width <= 0 or height <= 0:
        raise ValueError(f"width and height must be above 0, got {width:g} and {height:g}")
    return left, top, width, height


def each_read(
    candidates: Sequence[Candidate], *, size: int, joint_names: Sequence[str] = LSP_JOINTS
) -> Iterator[tuple[Candidate, PoseDataset | LeftOut]]:
    """Yield every candidate in order with its crop, a data set of one, or why there is none; made by all cores.

    Args:
        candidates: what to read; only some tens of them are in memory at a time.
        size: side of the crops in pixels.
        joint_names: as in `load_images`.
    """
    with ThreadPoolExecutor() as pool:
        coming: deque[Future[PoseDataset | LeftOut]] = deque()
        try:
            for i in range(len(candidates) + AHEAD):
                if i < len(candidates):
                    coming.append(pool.submit(_read, candidates[i], size, joint_names))
                if i >= AHEAD:
                    yield candidates[i - AHEAD], coming.popleft().result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # Ctrl-C, or a reader who has enough, ends the reading
            raise


def _read(candidate: Candidate, size: int, joint_names: Sequence[str]) -> PoseDataset | LeftOut:
    try:
        if candidate.box is not None:
            _check_meets(candidate)
        crop = load_images([candidate.image], candidate.square, size=size, joint_names=joint_names, progress=False)
    except ValueError as error:
        why = str(error).removeprefix(f"{Path(candidate.image)}: ")
        if why.startswith(f"{Path(candidate.image)} is "):
            why = f"it{why.removeprefix(str(Path(candidate.image)))}"
        return LeftOut(candidate.image, f"{candidate.source}: {why}" if candidate.source else why)
    return replace(crop, ids=(candidate.name,))


def _check_meets(candidate: Candidate) -> None:
    assert candidate.box is not None
    left, top, width, height = candidate.box
    with opened(Path(candidate.image), whole=False) as image:
        columns, rows = image.size
    if left >= columns or top >= rows or left + width <= 0 or top + height <= 0:
        where = f"from ({left:g}, {top:g}) to ({left + width:g}, {top + height:g})"
        raise ValueError(f"its box, {where}, lies outside of the image's {columns}×{rows} pixels")
