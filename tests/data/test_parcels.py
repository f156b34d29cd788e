"""Data sets in parcels: what arrives is what was sent, in whichever order; damage is found before it is unpacked."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from llpp_core.cli import app
from llpp_core.data import parcels
from llpp_core.data.parcels import pack, unpack


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(parcels, "SETS", {"lsp": lambda root: None, "lspet": lambda root: None})
    random = np.random.default_rng(0)
    for name, images in (("lsp", 7), ("lspet", 30)):
        folder = tmp_path / "data" / name / "images"
        folder.mkdir(parents=True)
        (folder.parent / "joints.mat").write_bytes(random.bytes(50_000))
        for i in range(images):
            (folder / f"im{i:04d}.jpg").write_bytes(random.bytes(int(random.integers(1, 200_000))))
    return tmp_path / "data"


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_what_arrives_is_what_was_sent_and_no_parcel_is_too_large(data: Path, tmp_path: Path) -> None:
    made = pack(data, tmp_path / "parcels", most=1.0, progress=False)
    assert len(made) >= 3
    assert max(place.stat().st_size for place in made) <= 1e6
    arrived = unpack(tmp_path / "parcels", tmp_path / "there", progress=False)
    assert (arrived.files, arrived.wanted, arrived.missing) == (39, 39, ())
    assert contents(tmp_path / "there") == contents(data)


def test_parcels_do_not_depend_on_when_and_by_whom_they_are_packed(data: Path, tmp_path: Path) -> None:
    pack(data, tmp_path / "a", most=1.0, progress=False)
    for path in data.rglob("*.jpg"):
        path.touch()
    pack(data, tmp_path / "b", most=1.0, progress=False)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_parcels_may_come_one_by_one(data: Path, tmp_path: Path) -> None:
    made = pack(data, tmp_path / "parcels", most=1.0, progress=False)
    away = tmp_path / "away"
    away.mkdir()
    for place in made[1:]:
        place.rename(away / place.name)
    first = unpack(tmp_path / "parcels", tmp_path / "there", progress=False)
    assert first.missing == tuple(place.name for place in made[1:])
    assert 0 < first.files < first.wanted
    made[0].unlink()  # what was unpacked is not asked for again
    for place in made[1:]:
        (away / place.name).rename(place)
    assert unpack(tmp_path / "parcels", tmp_path / "there", progress=False).missing == ()
    assert contents(tmp_path / "there") == contents(data)


def test_a_damaged_parcel_is_named_and_not_unpacked(data: Path, tmp_path: Path) -> None:
    made = pack(data, tmp_path / "parcels", most=1.0, progress=False)
    content = bytearray(made[1].read_bytes())
    content[5_000] ^= 1
    made[1].write_bytes(content)
    with pytest.raises(ValueError, match=r"parcel-02\.tar is not what was packed"):
        unpack(tmp_path / "parcels", tmp_path / "there", progress=False)
    listed = json.loads((tmp_path / "parcels" / parcels.LIST).read_text())["parcels"]
    assert not any((tmp_path / "there" / name).exists() for name in listed[1]["files"])


@pytest.mark.parametrize(
    ("most", "wanted"), [(0.5, "at least 1 MB"), (float("nan"), "at least 1 MB")], ids=["small", "no number"]
)
def test_a_size_that_no_parcel_can_have_is_refused(data: Path, tmp_path: Path, most: float, wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        pack(data, tmp_path / "parcels", most=most, progress=False)


def test_a_file_that_fits_no_parcel_and_a_folder_in_use_are_refused(data: Path, tmp_path: Path) -> None:
    (data / "lsp" / "images" / "large.jpg").write_bytes(bytes(1_200_000))
    with pytest.raises(ValueError, match=r"large\.jpg has 1\.2 MB, more than a parcel holds"):
        pack(data, tmp_path / "parcels", most=1.0, progress=False)
    (data / "lsp" / "images" / "large.jpg").unlink()
    pack(data, tmp_path / "parcels", most=1.0, progress=False)
    with pytest.raises(ValueError, match="a folder without parcels"):
        pack(data, tmp_path / "parcels", most=1.0, progress=False)


@pytest.mark.parametrize("text", ["", "{}", '{"parcels": [{"name": "../x", "sha256": "", "files": {}}]}'])
def test_what_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / parcels.LIST).write_text(text)
    with pytest.raises(ValueError, match="no list of parcels"):
        unpack(tmp_path, tmp_path / "there", progress=False)


def test_the_commands_say_what_is_to_come(data: Path, tmp_path: Path) -> None:
    runner, where = CliRunner(), tmp_path / "parcels"
    packed = runner.invoke(app, ["data", "pack", str(data), str(where), "--most", "1"])
    assert packed.exit_code == 0, packed.output
    last = max(where.glob("*.tar"))
    content = last.read_bytes()
    last.unlink()
    partly = runner.invoke(app, ["data", "unpack", str(where), str(tmp_path / "there")])
    assert partly.exit_code == 3
    assert f"to come: {last.name}" in partly.output
    last.write_bytes(content)
    whole = runner.invoke(app, ["data", "unpack", str(where), str(tmp_path / "there")])
    assert whole.exit_code == 0
    assert "39 of 39 files" in whole.output
    none = runner.invoke(app, ["data", "unpack", str(data), str(tmp_path / "there")])
    assert none.exit_code == 2
    assert "the list of the parcels" in none.output
