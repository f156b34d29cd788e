"""Crops that are kept: the same as freshly made ones, made again where anything changed, never a damaged one."""

import errno
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from llpp_core import store
from llpp_core.data import cache, crops
from llpp_core.data.crops import Squares

SIZE, N = 8, 5


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLPP_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(cache, "BLOCK", 3 * SIZE**2 * 2)  # three blocks, the last one short
    return tmp_path / "kept"


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(0)
    files = [tmp_path / "pictures" / f"{i}.png" for i in range(N)]
    for file in files:
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(file)
        os.utime(file, (1_000, 1_000))
    return files


def squares(files: list[Path], x: float = 7.5, y: float = 7.5, side: float = 12.0, size: int = SIZE) -> Squares:
    return crops.squares(files, torch.tensor([[x, y, side]] * len(files)), size)


def fresh(of: Squares) -> torch.Tensor:
    return crops.read_crops(of, title="test", progress=False)


def load(of: Squares) -> torch.Tensor:
    return cache.cached_crops(of, title="test", progress=False)


@pytest.fixture
def never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crops, "_crop", lambda *_: pytest.fail("read an image though its crop is kept"))


def the(kept: Path, ending: str) -> Path:
    (file,) = kept.glob(f"*{ending}")
    return file


def test_kept_crops_are_the_made_ones(pictures: list[Path], kept: Path) -> None:
    of = squares(pictures)
    wanted = fresh(of)
    assert torch.equal(load(of), wanted)
    assert torch.equal(load(of), wanted)
    assert sorted(file.suffix for file in kept.iterdir()) == [".json", ".npy"]
    assert np.array_equal(np.load(the(kept, ".npy")), wanted.numpy())


def test_what_is_kept_is_not_made_again(pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = load(squares(pictures))
    monkeypatch.setattr(crops, "_crop", lambda *_: pytest.fail("read an image though its crop is kept"))
    assert torch.equal(load(squares(pictures)), wanted)


def touch(pictures: list[Path]) -> Squares:
    os.utime(pictures[2], (1_000, 1_001))
    return squares(pictures)


def grow(pictures: list[Path]) -> Squares:
    pictures[2].write_bytes(pictures[2].read_bytes() + b"\0")  # a PNG ends before its file may
    os.utime(pictures[2], (1_000, 1_000))
    return squares(pictures)


def rename(pictures: list[Path]) -> Squares:
    return squares([*pictures[:-1], pictures[-1].rename(pictures[-1].with_name("other.png"))])


def move(pictures: list[Path]) -> Squares:
    # Two folders may hold other pictures under the same names, with the same sizes and times.
    there = pictures[0].parent.rename(pictures[0].parent.with_name("elsewhere"))
    return squares([there / file.name for file in pictures])


CHANGES = {
    "time": touch,
    "size of a file": grow,
    "name": rename,
    "folder": move,
    "order": lambda p: squares(p[::-1]),
    "sample": lambda p: squares(p[1:]),
    "square": lambda p: squares(p, x=9.5),
    "square, downwards": lambda p: squares(p, y=9.5),
    "side": lambda p: squares(p, side=14.0),
    "size of the crops": lambda p: squares(p, size=SIZE + 1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_makes_crops_of_its_own(pictures: list[Path], kept: Path, change) -> None:
    load(squares(pictures))
    of = change(pictures)
    assert torch.equal(load(of), fresh(of))
    assert len(list(kept.glob("*.npy"))) == 2


def test_another_rule_makes_crops_of_its_own(pictures: list[Path], kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(squares(pictures))
    monkeypatch.setattr(crops, "RULE", "another")
    load(squares(pictures))
    assert len(list(kept.glob("*.npy"))) == 2


def test_the_rule_names_the_library_that_makes_the_pixels() -> None:
    assert Image.__version__ in crops.RULE


def test_a_folder_is_the_same_by_whatever_way_it_is_named(
    pictures: list[Path], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(squares(pictures))
    monkeypatch.chdir(pictures[0].parent)
    link = kept.with_name("link")
    link.symlink_to(pictures[0].parent)
    load(squares([Path(file.name) for file in pictures]))
    load(squares([link / file.name for file in pictures]))
    assert len(list(kept.glob("*.npy"))) == 1


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


DAMAGES = {
    "first byte of a picture": lambda npy, json_: flip(npy, -N * 3 * SIZE**2),
    "a byte in the middle": lambda npy, json_: flip(npy, -N * 3 * SIZE**2 // 2),
    "last byte": lambda npy, json_: flip(npy, -1),
    "head": lambda npy, json_: flip(npy, 0),
    "the shape in the head": lambda npy, json_: npy.write_bytes(
        npy.read_bytes().replace(b"(5, 3, 8, 8)", b"(5, 3, 8, 7)")
    ),
    "cut": lambda npy, json_: os.truncate(npy, npy.stat().st_size - 1),
    "half": lambda npy, json_: os.truncate(npy, npy.stat().st_size // 2),
    "empty": lambda npy, json_: npy.write_bytes(b""),
    "text": lambda npy, json_: npy.write_text("no crops\n" * 99),
    "foreign": lambda npy, json_: np.save(npy, np.zeros((N, 3, SIZE, SIZE), np.uint8)),
    "foreign shape": lambda npy, json_: np.save(npy, np.zeros((N, 3, SIZE), np.uint8)),
    "foreign shape of the same bytes": lambda npy, json_: np.save(npy, np.load(npy).reshape(N, 3, SIZE // 2, -1)),
    "foreign kind": lambda npy, json_: np.save(npy, np.zeros((N, 3, SIZE, SIZE), np.int8)),
    "objects": lambda npy, json_: np.save(npy, np.array([{}]), allow_pickle=True),
    "a checksum": lambda npy, json_: json_.write_text(json_.read_text().replace('"crc32": [', '"crc32": [1')),
    "record cut": lambda npy, json_: os.truncate(json_, 20),
    "record empty": lambda npy, json_: json_.write_text(""),
    "record of bytes": lambda npy, json_: json_.write_bytes(b"\xff\xfe\x00"),
    "record of another kind": lambda npy, json_: json_.write_text("[1, 2]"),
    "another's record": lambda npy, json_: json_.write_text(json_.read_text().replace('"key": "', '"key": "0')),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_noticed_said_and_mended(pictures: list[Path], kept: Path, damage) -> None:
    of = squares(pictures)
    load(of)
    damage(the(kept, ".npy"), the(kept, ".json"))
    with pytest.warns(RuntimeWarning, match=r"the cache .*\.npy is damaged and is made anew: ."):
        mended = load(of)
    assert torch.equal(mended, fresh(of))
    assert torch.equal(load(of), mended)  # and without a warning


def test_any_byte_of_the_head_may_be_damaged(pictures: list[Path], kept: Path) -> None:
    of = squares(pictures)
    made = load(of)
    file = the(kept, ".npy")
    whole = file.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for at in range(128):
            for value in (0, ord('"'), ord("("), ord("-"), ord("b"), 255):
                file.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
                found = cache._kept(file, cache._key(of), of)
                assert found is None or torch.equal(found, made)


@pytest.mark.parametrize("ending", [".npy", ".json"])
def test_one_file_of_two_is_none(pictures: list[Path], kept: Path, ending: str) -> None:
    of = squares(pictures)
    load(of)
    the(kept, ending).unlink()
    assert torch.equal(load(of), fresh(of))
    assert len(list(kept.iterdir())) == 2


def test_a_folder_that_is_cleared_while_it_is_looked_at_is_no_damage(
    pictures: list[Path], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = squares(pictures)
    made, open_memmap = load(of), np.lib.format.open_memmap

    def cleared(file: Path, **options: str) -> np.memmap:
        shutil.rmtree(kept, ignore_errors=True)
        monkeypatch.setattr(np.lib.format, "open_memmap", open_memmap)
        return open_memmap(file, **options)

    monkeypatch.setattr(np.lib.format, "open_memmap", cleared)
    assert torch.equal(load(of), made)  # and without a warning
    assert len(list(kept.iterdir())) == 2


def test_blocks_that_changed_places_are_noticed(pictures: list[Path], kept: Path) -> None:
    load(squares(pictures))
    images = np.load(the(kept, ".npy"))
    np.save(the(kept, ".npy"), images[[2, 3, 0, 1, 4]])
    with pytest.warns(RuntimeWarning, match="checksums do not fit"):
        load(squares(pictures))


def test_what_is_written_into_the_crops_stays_here(pictures: list[Path]) -> None:
    of = squares(pictures)
    load(of).zero_()
    assert torch.equal(load(of), fresh(of))


def test_crops_lie_on_disk_and_not_in_memory(pictures: list[Path]) -> None:
    load(squares(pictures))
    images = load(squares(pictures))
    maps = Path("/proc/self/maps")
    if maps.exists():  # elsewhere there is no way to look
        assert "/kept/crops-" in maps.read_text()
    assert images.is_contiguous()


def test_crops_in_use_outlive_their_file(pictures: list[Path], kept: Path) -> None:
    of = squares(pictures)
    images = load(of)
    shutil.rmtree(kept)
    assert torch.equal(images, fresh(of))


def test_an_error_in_an_image_leaves_nothing_behind(pictures: list[Path], kept: Path) -> None:
    pictures[3].write_bytes(pictures[3].read_bytes()[:60])
    with pytest.raises(ValueError, match=r"3\.png is no image that can be read whole"):
        load(squares(pictures))
    assert list(kept.iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(pictures: list[Path], kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(of: Squares, i: int) -> np.ndarray:
        raise KeyboardInterrupt

    monkeypatch.setattr(crops, "_crop", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(squares(pictures))
    assert list(kept.iterdir()) == []


def test_an_image_that_changes_while_it_is_read_is_not_kept(
    pictures: list[Path], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = crops._crop

    def changing(of: Squares, i: int) -> np.ndarray:
        os.utime(of.files[i], (2_000, 2_000))
        return make(of, i)

    monkeypatch.setattr(crops, "_crop", changing)
    with pytest.raises(ValueError, match=r"an image of test changed while it was read .*; load them again"):
        load(squares(pictures))
    assert list(kept.iterdir()) == []


def no_room(path: Path):
    return shutil._ntuple_diskusage(1_000, 1_000, 0)


def full(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def a_file_where_the_folder_should_be(kept: Path, patch: pytest.MonkeyPatch) -> None:
    kept.write_text("")


def a_folder_that_may_not_be_entered(kept: Path, patch: pytest.MonkeyPatch) -> None:
    def stat(path: Path, **options: bool) -> os.stat_result:
        if path.parent == kept:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return os.stat(path, **options)

    patch.setattr(Path, "stat", stat)  # whoever runs tests as root may enter any


OBSTACLES = {
    "not to be entered": (a_folder_that_may_not_be_entered, "Permission denied"),
    "no room": (lambda kept, patch: patch.setattr(shutil, "disk_usage", no_room), "0 MB are needed, 0 MB are free"),
    "full half way": (lambda kept, patch: patch.setattr(os, "fsync", full), "No space left on device"),
    "no folder": (a_file_where_the_folder_should_be, "File exists"),
}


@pytest.mark.parametrize(("obstacle", "why"), OBSTACLES.values(), ids=OBSTACLES)
def test_where_nothing_can_be_kept_crops_are_made_and_that_is_said_once(
    pictures: list[Path], kept: Path, monkeypatch: pytest.MonkeyPatch, obstacle, why: str
) -> None:
    obstacle(kept, monkeypatch)
    of = squares(pictures)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("default")  # as users have it: once a place and text
        first, second, third = load(of), load(of), load(squares(pictures[1:]))
    assert torch.equal(first, fresh(of))
    assert torch.equal(second, first)
    assert torch.equal(third, first[1:])
    assert [str(w.message) for w in said] == [
        f"crops are not kept in {kept}: {why}; name another folder with LLPP_CACHE, or say off"
    ]
    assert not kept.is_dir() or list(kept.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_such_an_obstacle(pictures: list[Path], kept: Path) -> None:
    kept.mkdir(mode=0o500)
    with pytest.warns(RuntimeWarning, match="crops are not kept in .*: Permission denied"):
        assert torch.equal(load(squares(pictures)), fresh(squares(pictures)))


def test_off_keeps_nothing(pictures: list[Path], kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLPP_CACHE", "off")
    monkeypatch.chdir(kept.parent)  # where a folder of that name would come to lie
    assert torch.equal(load(squares(pictures)), fresh(squares(pictures)))
    assert not kept.exists()
    assert not Path("off").exists()


def test_no_crop_needs_no_file(kept: Path) -> None:
    assert load(crops.squares([], torch.zeros(0, 3), SIZE)).shape == (0, 3, SIZE, SIZE)
    assert not kept.exists()


def test_the_folder_is_named_or_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "kept"
    monkeypatch.setenv("LLPP_CACHE", "~/crops")
    assert cache.folder() == tmp_path / "crops"
    monkeypatch.setenv("LLPP_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "xdg" / "llpp"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.folder() == tmp_path / ".cache" / "llpp"


def test_a_user_without_a_home_works_without_a_cache(pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("LLPP_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.warns(RuntimeWarning, match=r"crops are not kept: Could not determine home directory.*LLPP_CACHE"):
        assert torch.equal(load(squares(pictures)), fresh(squares(pictures)))


def test_remains_of_a_killed_process_go_after_a_day(pictures: list[Path], kept: Path) -> None:
    kept.mkdir()
    old, young, other = (kept / name for name in (".crops-a.npy.x.part", ".crops-b.npy.x.part", "notes.part"))
    for file in (old, young, other):
        file.write_text("")
    os.utime(old, (1_000, 1_000))
    os.utime(other, (1_000, 1_000))
    load(squares(pictures))
    assert [file.exists() for file in (old, young, other)] == [False, True, True]


RACE = """
import sys, time
from pathlib import Path
import torch
from llpp_core.data import cache, crops
files = sorted(Path(sys.argv[1]).glob("*.png"))
of = crops.squares(files, torch.tensor([[7.5, 7.5, 12.0]] * len(files)), 8)
made = crops.read_crops(of, title="test", progress=False)
Path(sys.argv[2]).touch()
while not all(Path(name).exists() for name in sys.argv[2:]):
    time.sleep(0.002)
for _ in range(20):
    assert torch.equal(cache.cached_crops(of, title="test", progress=False), made)
    for file in cache.folder().glob("*.npy"):
        file.unlink(missing_ok=True)
"""


def test_processes_that_make_the_same_crops_at_once_all_get_them(pictures: list[Path], tmp_path: Path) -> None:
    ready = [str(tmp_path / f"ready{i}") for i in range(2)]
    command = [sys.executable, "-W", "error", "-c", RACE, str(pictures[0].parent)]
    running = [
        subprocess.Popen([*command, *names], stderr=subprocess.PIPE, text=True) for names in (ready, ready[::-1])
    ]
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], "\n".join(said)


def test_the_record_says_what_the_crops_are(pictures: list[Path], kept: Path) -> None:
    load(squares(pictures))
    record = json.loads(the(kept, ".json").read_text())
    assert record["shape"] == [N, 3, SIZE, SIZE]
    assert record["crops_a_block"] == 2
    assert len(record["crc32"]) == 3
    assert the(kept, ".npy").stem == the(kept, ".json").stem == f"crops-{record['key'][:32]}"


def test_files_fingerprint_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"wanted the file .*gone: No such file or directory"):
        store.files_fingerprint([tmp_path / "gone"])
    assert store.files_fingerprint([]) == store.fingerprint([])
