"""Records: complete or not there, checked when read; what is damaged is named and set aside."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from llpp_core import store

ABOUT = {"unit": "seed0/base", "minutes": {"train": 0.25}, "k": 3, "Θ": [1, 2.5, None, True, float("inf")]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A record of two files."""
    (tmp_path / "a.csv").write_text("id,value\nθ,1\n", encoding="utf-8")
    (tmp_path / "b.bin").write_bytes(bytes(range(256)))
    store.seal(tmp_path, ["b.bin", "a.csv"], ABOUT)
    return tmp_path


def test_what_was_sealed_is_read(folder: Path) -> None:
    record = store.read_record(str(folder))
    assert record is not None
    assert record.about == ABOUT
    assert list(record.files) == ["a.csv", "b.bin"]
    assert record.folder == folder
    assert record.path("a.csv").read_text(encoding="utf-8").startswith("id")


def test_sealing_gives_what_reading_gives(folder: Path) -> None:
    about = {"a tuple": (1, 2), "numbers for keys": {10: "ten", 9: "nine"}, "deep": {"x": [(1,)]}}
    sealed = store.seal(folder, ["a.csv"], about)
    assert store.read_record(folder) == sealed
    assert sealed.about == {"a tuple": [1, 2], "numbers for keys": {"10": "ten", "9": "nine"}, "deep": {"x": [[1]]}}


def test_a_seal_replaces_an_older_one(folder: Path) -> None:
    (folder / "a.csv").write_text("new")
    store.seal(folder, ["a.csv"], {})
    record = store.read_record(folder)
    assert record is not None
    assert (list(record.files), record.about) == (["a.csv"], {})


def test_a_file_that_the_record_has_not_is_refused(folder: Path) -> None:
    record = store.read_record(folder)
    assert record is not None
    with pytest.raises(ValueError, match=r"has no file 'c.csv'; it has a.csv, b.bin"):
        record.path("c.csv")


def test_a_folder_without_a_manifest_is_no_record(tmp_path: Path) -> None:
    assert store.read_record(tmp_path) is None
    assert store.read_record(tmp_path / "nowhere") is None


def test_a_file_that_is_not_there_cannot_be_sealed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.seal(tmp_path, ["missing"], {})
    assert os.listdir(tmp_path) == []


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def edit(path: Path, change: Callable[[dict], None]) -> None:
    """Change a manifest that stays JSON."""
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))


def in_place_of(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = {
    "a byte of a file": ("b.bin", lambda f: flip(f / "b.bin", 100)),
    "a file cut short": ("b.bin", lambda f: os.truncate(f / "b.bin", 255)),
    "a file grown": ("b.bin", lambda f: (f / "b.bin").write_bytes(bytes(range(256)) + b"\0")),
    "an empty file": ("a.csv", lambda f: os.truncate(f / "a.csv", 0)),
    "a file gone": ("a.csv", lambda f: (f / "a.csv").unlink()),
    "a folder for a file": ("a.csv", lambda f: in_place_of(f / "a.csv")),
    "two files swapped": ("a.csv", lambda f: (f / "b.bin").write_bytes((f / "a.csv").read_bytes()) and
                          (f / "a.csv").write_bytes(bytes(range(256)))),
    "an empty manifest": ("manifest.json", lambda f: os.truncate(f / "manifest.json", 0)),
    "a manifest cut short": ("manifest.json", lambda f: os.truncate(f / "manifest.json", 120)),
    "a manifest of bytes": ("manifest.json", lambda f: (f / "manifest.json").write_bytes(b"\xff\xfe\x00\x9c")),
    "a manifest of a list": ("manifest.json", lambda f: (f / "manifest.json").write_text("[1]")),
    "a manifest of a number": ("manifest.json", lambda f: (f / "manifest.json").write_text("1")),
    "a manifest nested deep": ("manifest.json", lambda f: (f / "manifest.json").write_text("[" * 100_000)),
    "a manifest of a huge number": ("manifest.json", lambda f: (f / "manifest.json").write_text("9" * 5_000)),
    "a folder for a manifest": ("manifest.json", lambda f: in_place_of(f / "manifest.json")),
    "another number said": ("manifest.json", lambda f: edit(f / "manifest.json", lambda c: c["about"].update(k=4))),
    "a file left out": ("manifest.json", lambda f: edit(f / "manifest.json", lambda c: c["files"].pop("a.csv"))),
    "a file added": ("manifest.json", lambda f: edit(f / "manifest.json", lambda c: c["files"].update(c="0" * 64))),
    "another hash": ("manifest.json", lambda f: edit(f / "manifest.json", lambda c: c["files"].update({"a.csv": "0"}))),
    "no check": ("manifest.json", lambda f: edit(f / "manifest.json", lambda c: c.pop("check"))),
    "no files": ("manifest.json", lambda f: edit(f / "manifest.json", lambda c: c.pop("files"))),
    "another key": ("manifest.json", lambda f: edit(f / "manifest.json", lambda c: c.update(more=1))),
    "another check": ("manifest.json", lambda f: edit(f / "manifest.json", lambda c: c.update(check=None))),
}  # fmt: skip


@pytest.mark.parametrize(("name", "damage"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_seen_and_the_file_named(folder: Path, name: str, damage: Callable[[Path], object]) -> None:
    assert store.read_record(folder) is not None
    damage(folder)
    with pytest.raises(store.DamagedError, match=rf"^{folder / name} (is|cannot)"):
        store.read_record(folder)


def test_every_byte_of_a_manifest_counts(folder: Path) -> None:
    """But for those between the values, which mean nothing."""
    manifest = folder / "manifest.json"
    text = manifest.read_bytes()
    unseen = []
    for at in range(len(text)):
        if not text[at : at + 1].isspace():
            flip(manifest, at)
            try:
                store.read_record(folder)
                unseen.append(text[max(0, at - 5) : at + 5])
            except store.DamagedError:
                pass
            manifest.write_bytes(text)
    assert not unseen


def test_a_manifest_copied_from_elsewhere_does_not_fit(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "a.csv").write_text("other")
    store.seal(other, ["a.csv"], {})
    (folder / "manifest.json").write_bytes((other / "manifest.json").read_bytes())
    with pytest.raises(
        store.DamagedError, match=r"a\.csv is not what was written: wanted SHA-256 \w{12}…, got \w{12}…"
    ):
        store.read_record(folder)


def test_what_is_set_aside_is_numbered_and_never_overwritten(tmp_path: Path) -> None:
    places = []
    for content in ("first", "second", "third"):
        (tmp_path / "seed0" / "base").mkdir(parents=True)
        (tmp_path / "seed0" / "base" / "file").write_text(content)
        places.append(store.set_aside(tmp_path / "seed0" / "base", tmp_path))
    assert [place.name for place in places] == ["seed0-base.1", "seed0-base.2", "seed0-base.3"]
    assert {place.parent for place in places} == {tmp_path / "set_aside"}
    assert [(place / "file").read_text() for place in places] == ["first", "second", "third"]
    assert not (tmp_path / "seed0" / "base").exists()


def test_a_file_is_set_aside_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("x")
    assert store.set_aside(str(tmp_path / "a.json"), str(tmp_path)).read_text() == "x"
    with pytest.raises(OSError, match=r"a\.json"):
        store.set_aside(tmp_path / "a.json", tmp_path)


def test_parts_are_cleared_and_nothing_else(folder: Path) -> None:
    (folder / ".a.csv.k3xq9.part").write_text("half")
    (folder / "in").mkdir()
    (folder / "in" / ".b.part").write_text("somebody else's")
    (folder / "mine.part").write_text("no temporary file of ours")
    before = {path.name for path in folder.rglob("*")}
    store.clear_parts(folder)
    assert before - {path.name for path in folder.rglob("*")} == {".a.csv.k3xq9.part"}
    store.clear_parts(folder / "nowhere")
    store.clear_parts(folder / "a.csv")  # a file where a folder is wanted: nothing to clear


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 100])
def test_checked_bytes_come_back(tmp_path: Path, data: bytes) -> None:
    store.write_checked(tmp_path / "in" / "file", data)
    assert store.read_checked(str(tmp_path / "in" / "file")) == data


@pytest.mark.parametrize("at", [0, 50, 99, 100, 131])
def test_a_changed_byte_of_checked_ones_is_seen(tmp_path: Path, at: int) -> None:
    store.write_checked(tmp_path / "file", b"x" * 100)
    flip(tmp_path / "file", at)
    with pytest.raises(ValueError, match=r"file is not what was written: its check does not fit"):
        store.read_checked(tmp_path / "file")


@pytest.mark.parametrize("size", [0, 1, 31, 32, 99, 131])
def test_checked_bytes_cut_short_are_seen(tmp_path: Path, size: int) -> None:
    store.write_checked(tmp_path / "file", b"x" * 100)
    os.truncate(tmp_path / "file", size)
    with pytest.raises(ValueError, match="check does not fit"):
        store.read_checked(tmp_path / "file")


def test_checked_bytes_that_are_not_there_are_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.read_checked(tmp_path / "nowhere")
