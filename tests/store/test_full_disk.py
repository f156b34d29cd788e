"""On a full disk nothing is lost that was written before, and nothing half written is left."""

import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llpp_core import store


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes: the system refuses as a full disk does, with another number."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("old")
    return tmp_path / "file"


def alone_and_old(target: Path) -> bool:
    return target.read_text() == "old" and os.listdir(target.parent) == [target.name]


def test_a_file_that_does_not_fit_is_an_oserror_and_the_old_one_stays(target: Path) -> None:
    with room_for(1_000), pytest.raises(OSError), store.written_whole(target) as part:  # noqa: PT011
        part.write_bytes(b"x" * 5_000)
    assert alone_and_old(target)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_what_the_disk_says_only_when_asked_to_be_done_counts_too(
    target: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fsync(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match=os.strerror(number)), store.written_whole(target) as part:
        part.write_text("new")
    assert alone_and_old(target)


def test_a_place_that_cannot_be_taken_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="file"), store.written_whole(tmp_path / "file") as part:
        part.write_text("new")
    assert os.listdir(tmp_path) == ["file"]


def test_a_record_that_cannot_be_sealed_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    with room_for(100), pytest.raises(OSError):  # noqa: PT011
        store.seal(tmp_path, ["a.csv"], {"long": "x" * 1_000})
    assert store.read_record(tmp_path) is None
    assert os.listdir(tmp_path) == ["a.csv"]
    store.seal(tmp_path, ["a.csv"], {"long": "x" * 1_000})
    assert store.read_record(tmp_path) is not None


def test_the_disk_is_told_of_the_file_before_its_name(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another order a power cut could leave the name of a file without its content."""
    happened: list[str] = []
    sync, replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        happened.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", lambda *a: happened.append("replace") or replace(*a))
    with store.written_whole(target) as part:
        part.write_text("new")
    assert happened == ["file", "replace", "folder"]
