"""Records: folders of files that are complete once their manifest is there, and checked by hash when read.

The files of a record are written one by one, each whole or not at all; the manifest, with the SHA-256 of each, comes
last. So a process that is killed at any moment leaves either a record or a folder without a manifest, in which the work
begins anew. What is damaged is set aside under another name, never deleted.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llpp_core.store.files import file_fingerprint, fingerprint, written_whole

MANIFEST = "manifest.json"
"""The file of a record that names its other files with their fingerprints; written last."""
ASIDE = "set_aside"
"""Folder, within the one that is named, for what was damaged."""


class DamagedError(ValueError):
    """A record, or a file of it, is not what was written."""


@dataclass(frozen=True)
class Record:
    """A complete record.

    Attributes:
        folder: where it lies.
        about: what was said of it when it was sealed.
        files: SHA-256 of each file by name.
    """

    folder: Path
    about: Mapping[str, Any]
    files: Mapping[str, str]

    def path(self, name: str) -> Path:
        """Return the place of one of its files.

        Raises:
            ValueError: the record has no such file.
        """
        if name not in self.files:
            raise ValueError(f"{self.folder} has no file {name!r}; it has {', '.join(self.files)}")
        return self.folder / name


def seal(folder: str | Path, names: Iterable[str], about: Mapping[str, Any]) -> Record:
    """Write the manifest of files that are all in place, which makes them a record.

    Args:
        folder: where the files lie.
        names: of the files.
        about: anything that JSON can hold.

    Raises:
        OSError: a file is not there, or the manifest cannot be written.
    """
    place = Path(folder)
    files = {name: file_fingerprint(place / name) for name in sorted(names)}
    # As reading gives it: JSON makes lists of tuples, and texts of other keys.
    content = {"about": json.loads(json.dumps(dict(about))), "files": files}
    with written_whole(place / MANIFEST) as part:
        text = json.dumps({**content, "check": _check(content)}, indent=1, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8")
    return Record(place, content["about"], files)


def read_record(folder: str | Path) -> Record | None:
    """Return a record, every file of it checked, or None where there is no manifest.

    Raises:
        DamagedError: the manifest or a file is not what was written; the sentence names it.
    """
    place = Path(folder)
    manifest = place / MANIFEST
    try:
        text = manifest.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedError(f"{manifest} cannot be read: {error.strerror}") from error
    try:
        content = json.loads(text)
        check = content.pop("check")
        about, files = content["about"], content["files"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(f"{manifest} is no manifest that can be read") from error
    if check != _check(content):
        raise DamagedError(f"{manifest} is not what was written: its check does not fit")
    for name, wanted in files.items():
        try:
            got = file_fingerprint(place / name)
        except OSError as error:
            raise DamagedError(f"{place / name} cannot be read: {error.strerror}") from error
        if got != wanted:
            raise DamagedError(
                f"{place / name} is not what was written: wanted SHA-256 {wanted[:12]}…, got {got[:12]}…"
            )
    return Record(place, about, files)


def set_aside(path: str | Path, within: str | Path) -> Path:
    """Move a file or folder out of the way, into the folder `ASIDE` of ``within``, and return where it lies now."""
    place, root = Path(path), Path(within)
    name = place.relative_to(root).as_posix().replace("/", "-")
    (root / ASIDE).mkdir(exist_ok=True)
    number = 1
    while (target := root / ASIDE / f"{name}.{number}").exists():
        number += 1
    place.rename(target)
    return target


def clear_parts(folder: str | Path) -> None:
    """Delete what processes that were killed had begun to write. Nobody else may be writing there."""
    for part in Path(folder).glob(".*.part"):
        part.unlink(missing_ok=True)


def _check(content: Mapping[str, Any]) -> str:
    return fingerprint([json.dumps(content, sort_keys=True)])
