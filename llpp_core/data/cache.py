"""Crops made once: a file of bytes that is mapped into memory, and beside it what it was made from.

``crops-KEY.npy`` holds (n, 3, size, size) bytes, ``crops-KEY.json`` its checksums. The key covers every source file
(its place, size and time of last change), the pixels cut from it, the size of the crops and the rule that makes them
(`crops.RULE`); so an image that changed, another sample or another version has a file of its own. Every opening
compares the checksums: what is damaged, cut short or somebody else's is said and made anew.

The folder is the one that the environment variable ``LLPP_CACHE`` names ("off": keep nothing), else ``llpp`` in the
user's cache folder (``XDG_CACHE_HOME`` or ``~/.cache``). It may be deleted at any time. Where it cannot be written,
crops are made in memory, and that is said once.
"""

import json
import os
import shutil
import time
import warnings
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from llpp_core.data import crops
from llpp_core.data.crops import Squares
from llpp_core.store import files_fingerprint, fingerprint, written_whole

BLOCK = 4 * 2**20
"""Bytes that share a checksum, about."""

_ABANDONED = 24 * 3600
"""Seconds after which a part that nobody finished is taken for the remains of a process that was killed."""


def folder() -> Path | None:
    """Return where crops are kept, or None where none are to be."""
    named = os.environ.get("LLPP_CACHE")
    if named:
        return None if named == "off" else Path(named).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "llpp"


def cached_crops(of: Squares, *, title: str, progress: bool = True) -> UInt8[Tensor, "n 3 size size"]:
    """Return what `crops.read_crops` returns, from the cache where it is there, else made and kept.

    The tensor lies over a file mapped copy-on-write: it takes memory only where it is looked at, and what is written
    into it stays in this process.

    Args:
        of: which pixels of which images.
        title: what the progress bar calls them, while they are made.
        progress: show the bar.

    Raises:
        ValueError: as `crops.read_crops`; also where an image changes while it is read.
    """
    try:
        where = folder()
    except RuntimeError as error:  # a user without a home
        _say(f"crops are not kept: {error}; name a folder with LLPP_CACHE")
        where = None
    if where is None or not len(of):
        return crops.read_crops(of, title=title, progress=progress)
    key = _key(of)
    target = where / f"crops-{key[:32]}.npy"
    images = None
    try:
        images = _kept(target, key, of)  # in a folder that may not be entered, even asking for a file fails
        if images is None:
            _keep(target, key, of, title, progress)
            images = _kept(target, key, of)
    except OSError as error:
        why = error.strerror or error
        _say(f"crops are not kept in {where}: {why}; name another folder with LLPP_CACHE, or say off")
    return crops.read_crops(of, title=title, progress=progress) if images is None else images


def _key(of: Squares) -> str:
    return fingerprint([crops.RULE, files_fingerprint(of.files), json.dumps([of.left, of.top, of.side, of.size])])


def _shape(of: Squares) -> tuple[int, int, int, int]:
    return len(of), 3, of.size, of.size


def _crops_a_block(of: Squares) -> int:
    return max(1, BLOCK // (3 * of.size**2))


def _record(key: str, of: Squares, checksums: Sequence[int]) -> dict[str, object]:
    return {"key": key, "shape": list(_shape(of)), "crops_a_block": _crops_a_block(of), "crc32": list(checksums)}


def _kept(target: Path, key: str, of: Squares) -> UInt8[Tensor, "n 3 size size"] | None:
    """Return the crops of a file that is whole and ours; None where there is none, or, said aloud, where it is not."""
    record = target.with_suffix(".json")
    if not (target.exists() and record.exists()):  # a process that was killed between the two leaves the first one
        return None
    try:
        images = np.lib.format.open_memmap(target, mode="c")
        if images.shape != _shape(of) or images.dtype != np.uint8:
            raise ValueError(f"holds {images.dtype} of shape {images.shape}, wanted uint8 of {_shape(of)}")
        if json.loads(record.read_text()) != _record(key, of, _checksums(images, _crops_a_block(of))):
            raise ValueError("its checksums do not fit")
    except FileNotFoundError:  # somebody cleared the folder this moment
        return None
    except Exception as error:  # a broken head leads NumPy into errors of many kinds, TokenError and TypeError too
        _say(f"the cache {target} is damaged and is made anew: {error}")
        return None
    return torch.from_numpy(images.view(np.ndarray))


def _checksums(images: np.ndarray, crops_a_block: int) -> list[int]:
    blocks = [images[i : i + crops_a_block] for i in range(0, len(images), crops_a_block)]
    with ThreadPoolExecutor() as pool:  # zlib lets other threads run while it counts
        return list(pool.map(zlib.crc32, blocks))


def _keep(target: Path, key: str, of: Squares, title: str, progress: bool) -> None:
    """Write the crops, then their record; a process that does the same at the same time writes the same bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(target.parent)
    needed = int(np.prod(_shape(of)))
    if (free := shutil.disk_usage(target.parent).free) < needed:
        raise OSError(0, f"{needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free")
    checksums = [0] * -(-len(of) // _crops_a_block(of))
    with written_whole(target) as part:
        with part.open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": _shape(of)}
            np.lib.format.write_array_header_1_0(file, header)
            for i, crop in enumerate(crops.each_crop(of, title=title, progress=progress)):
                block = i // _crops_a_block(of)
                checksums[block] = zlib.crc32(crop.data, checksums[block])
                file.write(
                    crop.data
                )  # an ordinary write: on a full disk it fails, where a memory map would end the process
        if _key(of) != key:
            raise ValueError(f"an image of {title} changed while it was read ({of.files[0].parent}); load them again")
    with written_whole(target.with_suffix(".json")) as part:
        part.write_text(json.dumps(_record(key, of, checksums)))


def _remove_abandoned(where: Path) -> None:
    for part in where.glob(".crops-*.part"):
        with suppress(FileNotFoundError):  # its process finished it this moment
            if part.stat().st_mtime < time.time() - _ABANDONED:
                part.unlink()


def _say(message: str) -> None:
    """Warn; from this very line, so that Python shows the same message once a process."""
    warnings.warn(message, RuntimeWarning, stacklevel=1)
