"""A look at data sets before they are used: everything that is wrong with them, where a loader stops at the first.

What is right is for the loaders to say (`lsp`, `mpii`): their words are used, and a data set is called good only when
they find nothing either. LSP's third coordinate says *occluded*, so all of its joints are annotated; LSPET's says
*annotated*, and what stands at its other joints means nothing and is not looked at.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from llpp_core.data import lsp, mpii
from llpp_core.data.crops import around, read_crops, squares
from llpp_core.data.matlab import read_variable

LSP_SHAPE, LSPET_SHAPE = (3, 14, lsp.LSP_IMAGES), (14, 3, lsp.LSPET_IMAGES)
SETS = {"lsp": "LSP", "lspet": "LSPET", "mpii": "MPII"}
"""The folders that are looked for, and what is in them."""


@dataclass(frozen=True)
class Checked:
    """What was found out about a data set.

    Attributes:
        name: "LSP", "LSPET" or "MPII".
        folder: where it lies.
        images: how many different images its annotations are about, the ones that could be used: there, and whole if
            they were decoded.
        people: annotated people.
        annotated: joints that are annotated.
        joints: joints of all people, annotated or not.
        problems: a sentence each.
    """

    name: str
    folder: Path
    images: int
    people: int
    annotated: int
    joints: int
    problems: tuple[str, ...]


def find_sets(folder: str | Path) -> dict[str, Path]:
    """Return the data sets in a folder by name: those in its folders lsp, lspet and mpii, or the one that it is itself.

    Args:
        folder: one that holds some of the three, or is one of them: by its name, else by the shape of its joints.mat,
            else by holding one other .mat or .json file beside images/.

    Raises:
        ValueError: it is no folder, or holds none of them.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ValueError(f"wanted a folder of data, got {root}, which is {'a file' if root.exists() else 'not there'}")
    found = {name: root / part for part, name in SETS.items() if (root / part).is_dir()}
    if found:
        return found
    if name := SETS.get(root.resolve().name.lower()) or _looks_like(root):
        return {name: root}
    raise ValueError(f"{root} holds none of the folders {', '.join(SETS)}, and is none of these data sets itself")


def _looks_like(root: Path) -> str | None:
    if (root / "joints.mat").is_file():
        try:
            shape = np.shape(read_variable(root / "joints.mat", "joints"))
        except ValueError:
            return None
        return {LSP_SHAPE: "LSP", LSPET_SHAPE: "LSPET"}.get(shape)
    if not (root / "images").is_dir():
        return None
    return "MPII" if any(file.suffix in (".mat", ".json") for file in root.iterdir()) else None


def check_set(name: str, folder: str | Path, *, decode: bool = True, progress: bool = True) -> Checked:
    """Return what is to be said about a data set.

    Args:
        name: "LSP", "LSPET" or "MPII".
        folder: where it lies.
        decode: read every image whole; otherwise see only whether it is there.
        progress: show a progress bar.

    Raises:
        ValueError: another name.
    """
    if name not in SETS.values():
        raise ValueError(f"wanted one of {', '.join(SETS.values())}, got {name!r}")
    root = Path(folder)
    return (_check_mpii if name == "MPII" else _check_leeds)(name, root, decode, progress)


def _check_leeds(name: str, root: Path, decode: bool, progress: bool) -> Checked:
    shape, digits, check = (LSP_SHAPE, 4, lsp.check_lsp) if name == "LSP" else (LSPET_SHAPE, 5, lsp.check_lspet)
    n = shape[2]
    names = [f"im{i:0{digits}d}.jpg" for i in range(1, n + 1)]
    problems: list[str] = []
    boxes: list[Tensor | None] = [None] * n
    annotated = people = 0
    joints = _joints(root / "joints.mat", shape)
    if joints is not None:
        by_image = torch.from_numpy(np.ascontiguousarray(np.moveaxis(joints, 2, 0)))
        xyz = by_image.transpose(1, 2) if name == "LSP" else by_image  # (n, 14, 3)
        positions, flags = xyz[..., :2], xyz[..., 2]
        known = torch.ones_like(flags, dtype=torch.bool) if name == "LSP" else flags == 1
        strange = ~((flags == 0) | (flags == 1)).all(1)
        endless = (known & ~torch.isfinite(positions).all(-1)).any(1)
        empty = ~known.any(1)
        file = root / "joints.mat"
        for i in (strange | endless | empty).nonzero().flatten().tolist():
            if strange[i]:
                problems.append(f"{file}: the third coordinate of a joint of {names[i]} is neither 0 nor 1")
            if endless[i]:
                problems.append(f"{file}: an annotated joint of {names[i]} is not finite")
            if empty[i]:
                problems.append(f"{file}: no joint of {names[i]} is annotated")
        usable = ~(endless | empty)
        squared = around(torch.where(usable[:, None, None], positions, 0.0), known | ~usable[:, None])
        boxes = [box if good else None for box, good in zip(squared.split(1), usable.tolist(), strict=True)]
        annotated, people = int(known.sum()), int((~empty).sum())
    last_word = _complaint(check, root)
    if joints is None and last_word:
        problems.append(last_word)
    files = [root / "images" / each for each in names]
    good, of_images = _check_images(name, root / "images", files, boxes, decode, progress)
    problems += of_images
    if last_word and not problems:
        problems.append(last_word)
    return Checked(name, root, good, people, annotated, n * 14 if joints is not None else 0, tuple(problems))


def _joints(file: Path, shape: tuple[int, int, int]) -> np.ndarray | None:
    """Return the annotations in float64, or None where there are none of this shape; the loader says why."""
    try:
        joints = read_variable(file, "joints")
    except ValueError:
        return None
    if np.shape(joints) != shape or np.asarray(joints).dtype.kind not in "biuf":
        return None
    return np.asarray(joints, dtype=np.float64)


def _check_mpii(name: str, root: Path, decode: bool, progress: bool) -> Checked:
    problems: list[str] = []
    # The loader's own reading, person by person; it goes no further than the first one whose annotation is broken.
    everybody: list[mpii._Person] = []
    try:
        file = mpii._annotations(root)
        for person in mpii._from_json(file) if file.suffix == ".json" else mpii._from_mat(file):
            everybody.append(person)
    except ValueError as error:
        problems.append(f"{error}; nothing after it could be checked" if everybody else str(error))
    if not (root / mpii.VALIDATION_LIST).is_file():
        problems.append(
            f"wanted the list of validation images {root / mpii.VALIDATION_LIST}, which is not there; without it the "
            "data cannot be split into training and validation"
        )
    people = [person for person in everybody if person.annotated.any()]
    if everybody and not people:
        problems.append(f"{root}: nobody has an annotated joint")
    files: list[Path] = []
    boxes: list[Tensor | None] = []
    if people:
        made = mpii._people(name, root / "images", people)
        files = [root / "images" / each for each in made.files]
        boxes = list(made.boxes.split(1))
    good, of_images = _check_images(name, root / "images", files, boxes, decode, progress)
    annotated = sum(int(person.annotated.sum()) for person in people)
    return Checked(name, root, good, len(people), annotated, 16 * len(people), tuple(problems + of_images))


def _complaint(check: Callable[[Path], None], root: Path) -> str | None:
    try:
        check(root)
    except ValueError as error:
        return str(error)
    return None


def _check_images(
    title: str, folder: Path, files: Sequence[Path], boxes: Sequence[Tensor | None], decode: bool, progress: bool
) -> tuple[int, list[str]]:
    """Return how many images can be used, and what is wrong with the others, in their order, each said once."""
    if not folder.is_dir():
        return 0, [f"wanted a folder of images, {folder}, which is {'no folder' if folder.exists() else 'not there'}"]
    bad: set[Path] = set()
    problems: dict[str, None] = {}
    anywhere = torch.tensor([[0.0, 0.0, 3.0]], dtype=torch.float64)  # meets every image
    squared = [anywhere if box is None else box for box in boxes]
    if not decode and files and _problem(files, torch.cat(squared), decode=False) is None:
        return len(set(files)), []  # all at once takes a moment; one by one is for what is wrong
    with ThreadPoolExecutor() as pool:
        try:
            one_each = ((file,) for file in files)
            seen = zip(files, pool.map(partial(_problem, decode=decode), one_each, squared), strict=True)
            shown = tqdm(seen, desc=title, total=len(files), unit="image", disable=not progress)
            for file, problem in shown:
                if problem is not None:
                    bad.add(file)
                    problems[problem] = None
        except BaseException:
            pool.shutdown(cancel_futures=True)  # Ctrl-C ends the reading of the others
            raise
    return len(set(files) - bad), list(problems)


def _problem(files: Sequence[Path], boxes: Tensor, *, decode: bool) -> str | None:
    """Return what a loader would say of images and the squares cut from them; None where it would say nothing."""
    try:
        of = squares(files, boxes, 1)
        if decode:
            read_crops(of, title="", progress=False)
    except ValueError as error:
        return str(error)
    return None
