"""Files that are whole or not there, and fingerprints that see every change."""

import os
from pathlib import Path

import pytest

from llpp_core import store


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "file.txt"
    with store.written_whole(str(target)) as part:
        part.write_text("new")
        assert not target.exists()
        assert part.parent == target.parent  # a rename across file systems is not atomic
    assert target.read_text() == "new"
    assert os.listdir(target.parent) == ["file.txt"]


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), store.written_whole(target) as part:  # noqa: PT012
        part.write_text("ne")
        raise RuntimeError("half way")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with store.written_whole(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_a_written_file_can_be_read_by_whom_an_ordinary_one_can(tmp_path: Path) -> None:
    (tmp_path / "ordinary").write_text("x")
    with store.written_whole(tmp_path / "whole") as part:
        part.write_text("x")
    assert oct((tmp_path / "whole").stat().st_mode) == oct((tmp_path / "ordinary").stat().st_mode)


def test_two_writers_do_not_share_a_part(tmp_path: Path) -> None:
    with store.written_whole(tmp_path / "file") as first, store.written_whole(tmp_path / "file") as second:
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "file").read_text() == "first"  # the last to leave


def test_fingerprint_is_a_sha256_and_takes_text_as_utf8() -> None:
    assert len(store.fingerprint([])) == 64
    assert store.fingerprint(["θ"]) == store.fingerprint(["θ".encode()])


@pytest.mark.parametrize("other", [["a", "bc"], ["abc"], ["ab", "c", ""], ["c", "ab"], ["ab"], [], ["ab", "C"]])
def test_fingerprint_tells_sequences_apart(other: list[str]) -> None:
    assert store.fingerprint(["ab", "c"]) != store.fingerprint(other)


def folder(root: Path) -> Path:
    (root / "in").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "in" / "b.txt").write_text("b")
    for path in root.rglob("*.txt"):
        os.utime(path, (1_000, 1_000))
    return root


def grow(root: Path) -> None:
    (root / "in" / "b.txt").write_text("bb")
    os.utime(root / "in" / "b.txt", (1_000, 1_000))


CHANGES = {
    "size": grow,
    "time": lambda root: os.utime(root / "a.txt", (1_000, 1_001)),
    "name": lambda root: (root / "a.txt").rename(root / "c.txt"),
    "place": lambda root: (root / "a.txt").rename(root / "in" / "a.txt"),
    "another file": lambda root: (root / "in" / "c.txt").write_text(""),
    "one file less": lambda root: (root / "in" / "b.txt").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_folder_fingerprint_sees_a_change(tmp_path: Path, change) -> None:
    root = folder(tmp_path / "data")
    before = store.folder_fingerprint(root)
    assert store.folder_fingerprint(str(root)) == before
    change(root)
    assert store.folder_fingerprint(root) != before


def test_folder_fingerprint_does_not_depend_on_where_the_folder_lies(tmp_path: Path) -> None:
    assert store.folder_fingerprint(folder(tmp_path / "x")) == store.folder_fingerprint(folder(tmp_path / "y" / "z"))


def test_what_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"wanted a folder, got .*nowhere, which is none"):
        store.folder_fingerprint(tmp_path / "nowhere")


def test_who_has_the_old_file_open_reads_the_old_file_to_its_end(tmp_path: Path) -> None:
    # The new file takes the old one's place; writing into the old one would show a reader a part of the new.
    target = tmp_path / "file.txt"
    target.write_text("old")
    with target.open() as reader:
        with store.written_whole(target) as part:
            part.write_text("new")
        assert reader.read() == "old"
