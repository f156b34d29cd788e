"""MPII Human Pose (Andriluka, Pishchulin, Gehler & Schiele, CVPR 2014), from its own file or in its usual JSON form.

**The official file** holds one structure ``RELEASE``: for each image its name, whether it is one of the annotated ones
(``img_train``) and its people, each with a rough position (``objpos``), a height in units of 200 pixels (``scale``),
the corners of a rectangle round the head (``x1`` … ``y2``) and a list of the joints that are annotated. **The JSON
form**, as HRNet and MMPose read it, is a list of people: ``image``, ``center``, ``scale``, ``joints``, ``joints_vis``.

**Pixels.** Both count pixels from 1, as MATLAB does: the JSON form repeats the numbers of the official file, and HRNet,
which brought it up, subtracts 1 from joints and centers when it loads them. So does this loader.

**Joints.** A joint is annotated where it is listed and not at (≤ 0, ≤ 0), the JSON form's mark for one that is missing
(or its ``joints_vis`` is 0). One negative coordinate alone is a position beyond the image's edge. ``is_visible`` goes
into `PoseDataset.visible`; where it is not said, as in all of the JSON form, a joint counts as seen.

**Crops** are `CONTEXT` × 200 × scale pixels wide and centered `DOWN` × scale pixels below the position, since that lies
on the upper body; HRNet cuts them so. A joint may lie outside; it stays annotated, and no prediction inside of the crop
reaches it. Where the position or the scale is missing, the crop lies round the joints, as LSP's do.

**Head size.** MPII's evaluation measures in 0.6 × the diagonal of the head's rectangle. The JSON form lacks the
rectangle, but its joints give its size: the segment from upper neck to head top is 0.8 of that diagonal, so there the
head size is 0.75 × the segment. The tests hold this to the real samples in two ways: (segment / 0.8)² is the sum of two
whole squares, and MPII's scale is 8 such head sizes over 200 pixels.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from scipy.io.matlab import mat_struct

from llpp_core.data.assembly import People, cropped
from llpp_core.data.crops import around
from llpp_core.data.matlab import read_variable
from llpp_core.data.pose import MPII_JOINTS, PoseDataset

CONTEXT = 1.25
"""Side of a crop over the person's height, 200 × scale."""

DOWN = 15.0
"""How far below the annotated position a crop is centered, in pixels of a person of scale 1."""

VALIDATION_LIST = "newell_validation_images.txt"
"""The usual validation images (Tompson et al., CVPR 2015; Newell et al., ECCV 2016), one name a line."""

HEAD_OVER_DIAGONAL, SEGMENT_OVER_DIAGONAL = 0.6, 0.8
HEIGHT = 200.0
UPPER_NECK, HEAD_TOP = MPII_JOINTS.index("upper_neck"), MPII_JOINTS.index("head_top")


@dataclass
class _Person:
    """One person as the file has it: pixels count from 1, and NaN stands for what is not there."""

    image: str
    number: int  # of the person in the image, from 1
    center: tuple[float, float] = (np.nan, np.nan)
    scale: float = np.nan
    head_diagonal: float = np.nan
    joints: np.ndarray = field(default_factory=lambda: np.full((16, 2), np.nan))
    annotated: np.ndarray = field(default_factory=lambda: np.zeros(16, dtype=bool))
    visible: np.ndarray = field(default_factory=lambda: np.ones(16, dtype=bool))
    separated: bool = False

    @property
    def name(self) -> str:
        return f"{self.image}#{self.number}"


def load_mpii(
    root: str | Path,
    annotations: str | Path | None = None,
    *,
    split: Literal["train", "validation", "all"] = "all",
    separated_only: bool = False,
    size: int = 256,
    progress: bool = True,
    cache: bool = True,
) -> PoseDataset:
    """Return MPII's annotated people, each a sample of its own: ``005808361.jpg#1`` is an image's first person.

    Args:
        root: the folder that holds ``images/``, and for a split `VALIDATION_LIST`.
        annotations: the official ``.mat`` file or a ``.json`` file in the form of HRNet and MMPose; the only file in
            ``root`` with one of these endings where None.
        split: "validation": every annotated person in an image of the list; "train": everybody in another image, so
            that the two share no image; or "all". Each within what ``annotations`` has.
        separated_only: only people who stand apart from others (``single_person`` of the official file), on whom the
            single-person benchmark is run.
        size: side of the square crops in pixels.
        progress: show a progress bar while the images are read.
        cache: keep the crops on disk, and take kept ones; see `cache`.

    Returns:
        Crops with `MPII_JOINTS` and `PoseDataset.head_length`. MPII's own mean PCKh leaves out ``pelvis`` and
        ``thorax``. People without a single annotated joint, such as the official test images', are left out.

    Raises:
        ValueError: unknown split; a folder, file, list or image that is missing or broken; an annotation that is not of
            one of the two forms or not finite; nobody left. What is wrong is named.
    """
    if split not in ("train", "validation", "all"):
        raise ValueError(f"MPII has the splits train, validation, all, got {split!r}")
    folder = Path(root)
    file = _annotations(folder) if annotations is None else Path(annotations)
    people = list(_from_json(file) if file.suffix == ".json" else _from_mat(file))
    if separated_only and file.suffix == ".json":
        raise ValueError(f"{file} does not say who stands apart; separated_only needs the official .mat file")
    if split != "all":
        listed = _validation_images(folder / VALIDATION_LIST)
        people = [person for person in people if (person.image in listed) == (split == "validation")]
    people = [person for person in people if person.annotated.any() and (person.separated or not separated_only)]
    if not people:
        apart = " who stands apart" if separated_only else ""
        raise ValueError(f"{file} has nobody with annotated joints{apart} in the split {split!r}")
    return cropped(_people(f"MPII {split}", folder / "images", people), size=size, progress=progress, cache=cache)


def _annotations(root: Path) -> Path:
    if not root.is_dir():
        raise ValueError(f"wanted a folder with images/ and a file of annotations, got {root}, which is no folder")
    found = sorted(file for file in root.iterdir() if file.suffix in (".mat", ".json"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise ValueError(f"wanted one .mat or .json file in {root}, found {names}; say which with annotations=")
    return found[0]


def _validation_images(file: Path) -> set[str]:
    if not file.is_file():
        raise ValueError(f"wanted the list of validation images {file}, which is not there; split='all' needs none")
    return set(file.read_text().split())


def _people(name: str, folder: Path, people: list[_Person]) -> People:
    joints = torch.from_numpy(np.stack([person.joints for person in people])) - 1  # pixels count from 0 from here on
    annotated = torch.from_numpy(np.stack([person.annotated for person in people]))
    center = torch.tensor([person.center for person in people], dtype=torch.float64) - 1
    scale = torch.tensor([person.scale for person in people], dtype=torch.float64)
    boxes = torch.stack([center[:, 0], center[:, 1] + DOWN * scale, CONTEXT * HEIGHT * scale], dim=1)
    boxes = torch.where(boxes.isnan().any(1, keepdim=True), around(joints, annotated), boxes)
    diagonal = torch.tensor([person.head_diagonal for person in people], dtype=torch.float64)
    segment = (joints[:, UPPER_NECK] - joints[:, HEAD_TOP]).norm(dim=-1)
    segment[~(annotated[:, UPPER_NECK] & annotated[:, HEAD_TOP])] = torch.nan
    diagonal = torch.where(diagonal > 0, diagonal, segment / SEGMENT_OVER_DIAGONAL)
    return People(
        name=name,
        folder=folder,
        files=tuple(person.image for person in people),
        ids=tuple(person.name for person in people),
        boxes=boxes,
        joints=torch.where(annotated[..., None], joints, 0.0),
        visible=torch.from_numpy(np.stack([person.visible for person in people])),
        annotated=annotated,
        joint_names=MPII_JOINTS,
        head_length=torch.where(diagonal > 0, HEAD_OVER_DIAGONAL * diagonal, torch.nan),
    )


def _from_json(file: Path) -> Iterator[_Person]:
    if not file.is_file():
        raise ValueError(f"wanted the annotations {file}, which are not there")
    try:
        entries = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{file} is no JSON file that can be read: {error}") from error
    if not isinstance(entries, list):
        raise ValueError(f"{file} must hold a list of people, got {type(entries).__name__}")
    numbers: Counter[str] = Counter()
    for position, entry in enumerate(entries):
        where = f"{file}: person {position} (from 0)"
        if not isinstance(entry, dict):
            raise ValueError(f"{where} must be an object, got {type(entry).__name__}")
        missing = [k for k in ("image", "center", "scale", "joints", "joints_vis") if k not in entry]
        if missing:
            raise ValueError(f"{where} lacks {', '.join(missing)}")
        name = entry["image"]
        if not (isinstance(name, str) and name):
            raise ValueError(f"{where}: wanted the name of an image, got {name!r}")
        numbers[name] += 1
        person = _Person(name, numbers[name])
        try:
            joints, flags = _array(entry, "joints", (16, 2)), _array(entry, "joints_vis", (16,))
            center, scale = _array(entry, "center", (2,)), float(entry["scale"])
        except (TypeError, ValueError) as error:
            wanted = "16 joints of x and y, 16 flags, a center of x and y and a scale"
            raise ValueError(f"{where}, {person.name}: wanted {wanted}: {error}") from error
        if not (np.isfinite(center).all() and np.isfinite(scale)):
            raise ValueError(f"{where}, {person.name}: wanted a finite center and scale, got {center} and {scale}")
        if not np.isfinite(flags).all():
            raise ValueError(f"{where}, {person.name}: wanted finite joints_vis, got {flags.tolist()}")
        if (center > -1).any() and scale > 0:  # (-1, -1) marks a position that is missing
            person.center, person.scale = (float(center[0]), float(center[1])), scale
        listed = np.flatnonzero(flags > 0)
        _set_joints(person, file, listed, joints[listed])
        yield person


def _array(entry: dict[str, Any], key: str, shape: tuple[int, ...]) -> np.ndarray:
    values = np.array(entry[key], dtype=np.float64)
    if values.shape != shape:  # as many numbers in another shape are other joints
        raise ValueError(f"{key} must have shape {shape}, got {values.shape}")
    return values


def _from_mat(file: Path) -> Iterator[_Person]:
    release = read_variable(file, "RELEASE", struct_as_record=False, squeeze_me=True)
    if not all(isinstance(release, mat_struct) and hasattr(release, part) for part in ("annolist", "img_train")):
        raise ValueError(f"{file}: 'RELEASE' must be a structure with annolist and img_train")
    images, annotated = _structs(release.annolist), np.atleast_1d(release.img_train)
    if len(images) != len(annotated):
        raise ValueError(f"{file}: annolist has {len(images)} images and img_train {len(annotated)}")
    apart: Any = np.asarray(getattr(release, "single_person", []), dtype=object)
    apart = np.atleast_1d(apart) if len(images) > 1 else [apart]
    for i in np.flatnonzero(annotated):
        name = _part(images[i], "image", "name")
        if not (isinstance(name, str) and name):
            raise ValueError(f"{file}: image {i} (from 0) of annolist has no name")
        separated = {_number(k) for k in np.atleast_1d(apart[i])} if i < len(apart) else set()
        for number, rectangle in enumerate(_structs(getattr(images[i], "annorect", None)), start=1):
            person = _Person(name, number, separated=number in separated)
            scale, x, y = (_number(_part(rectangle, *at)) for at in (("scale",), ("objpos", "x"), ("objpos", "y")))
            person.center, person.scale = (x, y), scale
            x1, y1, x2, y2 = (_number(getattr(rectangle, corner, None)) for corner in ("x1", "y1", "x2", "y2"))
            person.head_diagonal = float(np.hypot(x2 - x1, y2 - y1))
            points = _structs(_part(rectangle, "annopoints", "point"))
            ids = [_number(getattr(point, "id", None)) for point in points]
            if not all(k in range(16) for k in ids) or len(set(ids)) != len(ids):
                raise ValueError(f"{file}: {person.name}: joints have ids from 0 to 15, each once, got {ids}")
            at = np.array(ids, dtype=int)
            seen = [_number(getattr(point, "is_visible", None)) for point in points]
            person.visible[at] = np.array(seen) != 0  # NaN, where nothing is said, counts as seen
            xy = [[_number(getattr(point, c, None)) for c in ("x", "y")] for point in points]
            _set_joints(person, file, at, np.array(xy, dtype=np.float64).reshape(-1, 2))
            yield person


def _set_joints(person: _Person, file: Path, at: np.ndarray, xy: np.ndarray) -> None:
    """Put listed joints in their places; (≤ 0, ≤ 0) is the mark of one that is missing."""
    broken = ~np.isfinite(xy).all(axis=1)
    if broken.any():
        joint, found = MPII_JOINTS[at[broken][0]], xy[broken][0].tolist()
        raise ValueError(f"{file}: {person.name}: wanted finite x and y for {joint}, got {found}")
    person.joints[at] = xy
    person.annotated[at] = (xy > 0).any(axis=1)


def _structs(value: Any) -> list[Any]:
    """Return the structures of what `scipy.io.loadmat` makes of many, of one, or of none."""
    return [one for one in np.atleast_1d(np.asarray(value, dtype=object)) if isinstance(one, mat_struct)]


def _part(value: Any, *path: str) -> Any:
    """Return a part of a part of a structure; None where one of them is not there."""
    for name in path:
        value = getattr(value, name, None)
    return value


def _number(value: Any) -> float:
    """Return a number; NaN for None and for an empty matrix. Version 1.2 of the file writes flags as text."""
    if value is None or np.size(value) != 1:
        return float("nan")
    try:
        return float(np.asarray(value).item())
    except (TypeError, ValueError):
        return float("nan")
