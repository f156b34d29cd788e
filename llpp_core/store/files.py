"""Files that are whole or not there, and fingerprints of what they were made from. Knows only files and bytes."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on leaving without an error it takes the place of ``path`` at once.

    A reader, or a process that is killed at any moment, finds the old file or the new one, never a part.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)  # mkstemp gives a file to its owner alone
        part.replace(target)
        _sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Have the disk know a folder's new names too; a power cut could take them back otherwise."""
    if os.name != "posix":  # other systems open no folder as a file
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_fingerprint(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checked(path: str | Path, data: bytes) -> None:
    """Write a file, whole or not at all, that ends with the SHA-256 of the rest, for `read_checked`."""
    with written_whole(path) as part:
        part.write_bytes(data + hashlib.sha256(data).digest())


def read_checked(path: str | Path) -> bytes:
    """Return what `write_checked` wrote.

    Raises:
        ValueError: the file is not what was written.
        OSError: the file cannot be read.
    """
    content = Path(path).read_bytes()
    size = hashlib.sha256().digest_size
    data, check = content[:-size], content[-size:]
    if hashlib.sha256(data).digest() != check:
        raise ValueError(f"{path} is not what was written: its check does not fit")
    return data


def fingerprint(parts: Iterable[str | bytes]) -> str:
    """Return the SHA-256 of a sequence of texts, in hexadecimal; ("ab", "c") and ("a", "bc") differ."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def folder_fingerprint(root: str | Path) -> str:
    """Return a fingerprint of a folder that may hold gigabytes: every file's name, size and time of last change.

    Raises:
        ValueError: ``root`` is no folder.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise ValueError(f"wanted a folder, got {folder}, which is none")
    described = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        status = path.stat()
        described.append(f"{path.relative_to(folder).as_posix()} {status.st_size} {status.st_mtime_ns}")
    return fingerprint(described)


def files_fingerprint(files: Sequence[str | Path]) -> str:
    """Return a fingerprint of files that are not read: each one's place, size and time of last change, in order.

    Raises:
        ValueError: one is not there.
    """
    places: dict[Path, str] = {}  # links are followed once a folder, not once a file
    described = []
    for path in map(Path, files):
        if path.parent not in places:
            places[path.parent] = str(path.parent.resolve())
        try:
            status = path.stat()
        except OSError as error:
            raise ValueError(f"wanted the file {path}: {error.strerror}") from error
        described.append(f"{places[path.parent]}/{path.name} {status.st_size} {status.st_mtime_ns}")
    return fingerprint(described)
