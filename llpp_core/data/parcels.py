"""Data sets in parcels: a few tar files, each small enough to be sent, checked by hash where they arrive.

A machine with a GPU is often one that takes little at a time and has no data. The images travel as they are, so that
the crops made there are those made here, to the last bit where both decode alike; and what arrives is a data folder as
any other. ``parcels.json`` names the parcels, their SHA-256, and the files in each with their sizes.
"""

import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from llpp_core import store
from llpp_core.data.lsp import check_lsp, check_lspet

LIST = "parcels.json"
"""The file that lists the parcels."""
BLOCK = 512
"""Bytes of a tar file's head of a file; the file itself takes a multiple of it."""
SETS = {"lsp": check_lsp, "lspet": check_lspet}
"""Which data sets travel, and what sees whether one is whole."""


@dataclass(frozen=True)
class Arrived:
    """What an unpacking found.

    Attributes:
        files: how many files lie in the data folder.
        wanted: how many are to lie there.
        missing: names of the parcels with files that do not.
    """

    files: int
    wanted: int
    missing: tuple[str, ...]


def pack(data: str | Path, parcels: str | Path, *, most: float | int = 45.0, progress: bool = True) -> list[Path]:
    """Write LSP and LSPET as parcels.

    Args:
        data: the folder that holds ``lsp/`` and ``lspet/``.
        parcels: the folder to write to, made where it is not there; it holds no other parcels.
        most: largest size of a parcel in MB (10⁶ bytes), ≥ 1.
        progress: show a progress bar.

    Returns:
        The parcels, in order.

    Raises:
        ValueError: ``most`` too small, a data set that is not whole, a file larger than a parcel, or a folder with
            parcels in it.
        OSError: the disk is full, say.
    """
    root, target = Path(data), Path(parcels)
    if not most >= 1:
        raise ValueError(f"a parcel holds at least 1 MB, got {most}")
    for name, check in SETS.items():
        check(root / name)
    if target.is_dir() and any(target.glob("parcel-*.tar")):
        raise ValueError(f"wanted a folder without parcels, got {target}")
    names = [f"{name}/joints.mat" for name in SETS]
    names += [f"{name}/images/{path.name}" for name in SETS for path in sorted((root / name / "images").glob("*.jpg"))]
    about: list[dict[str, Any]] = []
    with tqdm(total=len(names), desc="packing", unit="file", disable=not progress) as bar:
        for number, part in enumerate(_parts(root, names, most * 1e6), start=1):
            place = target / f"parcel-{number:02d}.tar"
            with store.written_whole(place) as whole, tarfile.open(whole, "w", format=tarfile.USTAR_FORMAT) as tar:
                for name in part:
                    with (root / name).open("rb") as file:
                        tar.addfile(_head(name, (root / name).stat().st_size), file)
                    bar.update()
            sizes = {name: (root / name).stat().st_size for name in part}
            about.append({"name": place.name, "sha256": store.file_fingerprint(place), "files": sizes})
    with store.written_whole(target / LIST) as whole:
        whole.write_text(json.dumps({"parcels": about}, indent=1) + "\n", encoding="utf-8")
    return [target / str(parcel["name"]) for parcel in about]


def unpack(parcels: str | Path, data: str | Path, *, progress: bool = True) -> Arrived:
    """Unpack the parcels that have arrived; those that come later are unpacked by the same call again.

    Args:
        parcels: the folder with ``parcels.json`` and some or all of the parcels.
        data: the data folder to fill, made where it is not there.
        progress: show a progress bar.

    Raises:
        ValueError: no list, or a parcel that is not what was packed, by its name; nothing of that one is unpacked.
        OSError: the disk is full, say.
    """
    source, root = Path(parcels), Path(data)
    listed = _read_list(source / LIST)
    for parcel in tqdm(listed, desc="unpacking", unit="parcel", disable=not progress):
        place = source / parcel["name"]
        if not _lacking(root, parcel) or not place.is_file():
            continue
        if (got := store.file_fingerprint(place)) != parcel["sha256"]:
            raise ValueError(f"{place} is not what was packed: wanted SHA-256 {parcel['sha256']}, got {got}")
        root.mkdir(parents=True, exist_ok=True)
        with tarfile.open(place) as tar:
            tar.extractall(root, filter="data")
    lacking = {parcel["name"]: _lacking(root, parcel) for parcel in listed}
    wanted = sum(len(parcel["files"]) for parcel in listed)
    return Arrived(wanted - sum(lacking.values()), wanted, tuple(name for name, n in lacking.items() if n))


def _parts(root: Path, names: Sequence[str], most: float) -> list[list[str]]:
    """Return the files of each parcel, in order."""
    parts: list[list[str]] = [[]]
    used = 0
    room = most - 20 * BLOCK  # a tar file ends with empty blocks, up to a multiple of twenty
    for name in names:
        size = (root / name).stat().st_size
        takes = BLOCK + -(-size // BLOCK) * BLOCK
        if takes > room:
            raise ValueError(f"{root / name} has {size / 1e6:.1f} MB, more than a parcel holds ({most / 1e6:g} MB)")
        if used + takes > room:
            parts.append([])
            used = 0
        parts[-1].append(name)
        used += takes
    return parts


def _head(name: str, size: int) -> tarfile.TarInfo:
    """Return a file's head without owner and time, so that the same images give the same parcels anywhere."""
    head = tarfile.TarInfo(name)
    head.size = size
    return head


def _lacking(root: Path, parcel: dict[str, Any]) -> int:
    return sum(not _has(root / name, size) for name, size in parcel["files"].items())


def _has(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _read_list(path: Path) -> list[dict[str, Any]]:
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["parcels"]
        names = [(p["name"], p["sha256"], dict(p["files"])) for p in listed]
    except OSError as error:
        raise ValueError(f"wanted {path}, the list of the parcels, which cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no list of parcels") from error
    if not names or any("/" in name for name, _, _ in names):
        raise ValueError(f"{path} is no list of parcels")
    return list(listed)
