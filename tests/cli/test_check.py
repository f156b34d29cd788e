"""`llpp data check`: data sets of the full shape with tiny pictures, and everything that can be wrong with them."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat
from typer.testing import CliRunner, Result

from llpp_core.cli import app
from llpp_core.data import checking
from llpp_core.data.mpii import VALIDATION_LIST

LSP, LSPET = 2_000, 10_000
REAL = os.environ.get("LLPP_DATA")


def check(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", "check", *map(str, arguments)])


def found(*arguments: object) -> dict[str, dict]:
    """The sets of --json, by name."""
    return {one["name"]: one for one in json.loads(check(*arguments, "--json").stdout)["sets"]}


def joints(n: int) -> np.ndarray:
    """(n, 14, 3): places inside of the pictures, and flags of which the first two are 0 and 1."""
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.uniform(2, 17, (n, 14, 2)), rng.integers(0, 2, (n, 14, 1))], -1)
    values[:, 0, 2], values[:, 1, 2] = 0, 1
    return values


def link_pictures(root: Path, pattern: str, n: int) -> None:
    """One file under many names."""
    (root / "images").mkdir(parents=True)
    source = root / "picture.jpg"
    Image.new("RGB", (20, 20), (90, 120, 30)).save(source)
    for i in range(1, n + 1):
        os.link(source, root / "images" / pattern.format(i))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    link_pictures(root / "lsp", "im{:04d}.jpg", LSP)
    link_pictures(root / "lspet", "im{:05d}.jpg", LSPET)
    savemat(root / "lsp" / "joints.mat", {"joints": joints(LSP).transpose(2, 1, 0)})
    extended = joints(LSPET)
    extended[..., :2][extended[..., 2] == 0] = [-777.0, np.nan]  # what stands at a missing joint means nothing
    savemat(root / "lspet" / "joints.mat", {"joints": extended.transpose(1, 2, 0)})
    write_mpii(root / "mpii", [person("a.png"), person("a.png"), person("b.png")])
    return root


def person(image: str, **changes: object) -> dict[str, object]:
    places = np.random.default_rng(3).integers(3, 18, (16, 2)).astype(float)
    places[9] = places[8] - (3, 4)
    places[2:4] = 0
    visible = [0 if i in (2, 3) else 1 for i in range(16)]
    return {
        "image": image, "center": [10.0, 10.0], "scale": 0.1, "joints": places.tolist(), "joints_vis": visible,
        **changes,
    }  # fmt: skip


def write_mpii(root: Path, people: list[dict[str, object]]) -> None:
    (root / "images").mkdir(parents=True, exist_ok=True)
    for name in ("a.png", "b.png"):
        Image.new("RGB", (20, 20), (90, 120, 30)).save(root / "images" / name)
    (root / "people.json").write_text(json.dumps(people))
    (root / VALIDATION_LIST).write_text("b.png\n")


@pytest.fixture
def changed(data: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of one of the data sets whose pictures are links, to be broken."""

    def copy(name: str) -> Path:
        shutil.copytree(data / name, tmp_path / name, copy_function=os.link)
        for file in [*(tmp_path / name).glob("*.mat"), *(tmp_path / name).glob("*.json")]:
            content = file.read_bytes()
            file.unlink()  # else the original would change too
            file.write_bytes(content)
        return tmp_path / name

    return copy


def set_joints(root: Path, change: Callable[[np.ndarray], object]) -> None:
    values = loadmat(root / "joints.mat")["joints"]
    change(values)
    savemat(root / "joints.mat", {"joints": values})


def replace_file(file: Path, content: bytes) -> None:
    file.unlink()
    file.write_bytes(content)


def test_whole_data_is_well_and_its_flags_are_read_as_each_means_them(data: Path) -> None:
    done = check(data, "--quick")
    assert done.exit_code == 0, done.stdout + done.stderr
    assert check(data / "mpii").exit_code == 0
    known = int((joints(LSPET)[..., 2] == 1).sum())
    lines = done.stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["LSP", "2,000", "2,000", "28,000", "of", "28,000", "0"],  # 1 says occluded: every joint is annotated
        ["LSPET", "10,000", "10,000", f"{known:,}", "of", "140,000", "0"],  # 1 says annotated
        ["MPII", "2", "3", "42", "of", "48", "0"],
    ]
    assert "not looked at" not in done.stderr


@pytest.mark.parametrize("name", ["lsp", "lspet", "mpii"])
def test_one_data_set_is_found_by_its_name_or_its_content(data: Path, tmp_path: Path, name: str) -> None:
    assert list(found(data / name, "--quick")) == [checking.SETS[name]]
    renamed = tmp_path / "some poses"
    renamed.mkdir()
    for one in (data / name).iterdir():
        (renamed / one.name).symlink_to(one)
    assert list(found(renamed, "--quick")) == [checking.SETS[name]]
    done = check(data / name, "--quick")
    assert done.exit_code == 0
    assert "not looked at" in done.stderr


def test_a_folder_without_data_is_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place, why in ((tmp_path, "holds none of"), (tmp_path / "no", "not there"), (tmp_path / "file", "a file")):
        done = check(place)
        assert done.exit_code == 2
        assert why in done.stderr
        assert done.stdout == ""


def test_every_broken_image_is_named_and_twenty_are_printed(changed: Callable[[str], Path]) -> None:
    root = changed("lsp")
    picture = (root / "picture.jpg").read_bytes()
    missing, cut, empty = range(1, 22), (100, 1999), 2000
    for i in missing:
        (root / "images" / f"im{i:04d}.jpg").unlink()
    for i in cut:
        replace_file(root / "images" / f"im{i:04d}.jpg", picture[: len(picture) // 2])
    replace_file(root / "images" / f"im{empty:04d}.jpg", b"")
    done = check(root)
    assert done.exit_code == 2
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["LSP", "1,976", "2,000", "28,000", "of", "28,000", "24"]
    assert len(lines) == 2 + 20 + 1
    assert lines[-1] == "LSP: and 4 more problems; --json prints them all"
    problems = found(root)["LSP"]["problems"]
    named = [*missing, *cut, empty]
    assert len(problems) == len(named)
    assert all(f"im{i:04d}.jpg" in problem for i, problem in zip(named, problems, strict=True))
    assert "which is not there" in problems[0]
    assert "is no image that can be read whole" in problems[-2]
    quick = check(root, "--quick", "--json")
    assert quick.exit_code == 2
    assert len(json.loads(quick.stdout)["sets"][0]["problems"]) == len(missing)
    assert json.loads(quick.stdout)["decoded"] is False


def test_every_bad_annotation_of_lsp_is_named(changed: Callable[[str], Path]) -> None:
    root = changed("lsp")

    def spoil(values: np.ndarray) -> None:  # 3 × 14 × 2000
        values[2, 3, 4] = 2
        values[0, 5, 6] = np.nan
        values[1, 0, 1999] = np.inf
        values[0, :, 10] += 500

    set_joints(root, spoil)
    problems = found(root)["LSP"]["problems"]
    assert [problem.split("/")[-1].removeprefix("joints.mat: ") for problem in problems[:3]] == [
        "the third coordinate of a joint of im0005.jpg is neither 0 nor 1",
        "an annotated joint of im0007.jpg is not finite",
        "an annotated joint of im2000.jpg is not finite",
    ]
    assert len(problems) == 4
    assert "im0011.jpg: wanted a square that meets its 20×20 pixels" in problems[3]
    assert len(found(root, "--quick")["LSP"]["problems"]) == 3


def test_every_bad_annotation_of_lspet_is_named_and_missing_joints_may_be_anything(
    changed: Callable[[str], Path],
) -> None:
    root = changed("lspet")

    def spoil(values: np.ndarray) -> None:  # 14 × 3 × 10000
        values[:, 2, 8] = 0
        values[0, 2, 20] = -1
        values[1, 0, 30] = np.inf  # joint 1 is annotated
        values[0, 0, 40] = np.inf  # joint 0 is not
        values[0, 2, 50] = np.nan

    set_joints(root, spoil)
    problems = found(root, "--quick")["LSPET"]["problems"]
    assert [problem.split("joints.mat: ")[1] for problem in problems] == [
        "no joint of im00009.jpg is annotated",
        "the third coordinate of a joint of im00021.jpg is neither 0 nor 1",
        "an annotated joint of im00031.jpg is not finite",
        "the third coordinate of a joint of im00051.jpg is neither 0 nor 1",
    ]


def test_annotations_of_the_other_set_are_not_taken_for_these(changed: Callable[[str], Path], data: Path) -> None:
    root = changed("lsp")
    shutil.copy(data / "lspet" / "joints.mat", root / "joints.mat")
    done = check(root, "--quick")
    assert done.exit_code == 2
    assert "must have shape (3, 14, 2000), got (14, 3, 10000); this is LSPET's shape" in done.stdout
    assert found(root, "--quick")["LSP"]["joints"] == 0
    (root / "joints.mat").write_bytes(b"broken")
    (problem,) = found(root, "--quick")["LSP"]["problems"]
    assert "is no MATLAB file that can be read" in problem
    (root / "joints.mat").unlink()
    (problem,) = found(root, "--quick")["LSP"]["problems"]
    assert "joints.mat, which is not there" in problem
    savemat(root / "joints.mat", {"joints": np.full((3, 14, LSP), 1j)})
    (problem,) = found(root, "--quick")["LSP"]["problems"]
    assert "must hold real numbers" in problem


def test_a_folder_of_images_that_is_missing_is_one_problem(changed: Callable[[str], Path]) -> None:
    root = changed("lsp")
    shutil.rmtree(root / "images")
    (problem,) = found(root)["LSP"]["problems"]
    assert problem == f"wanted a folder of images, {root / 'images'}, which is not there"


@pytest.mark.parametrize(
    ("people", "count", "why"),
    [
        ([person("a.png"), person("c.png")], 1, "c.png, which is not there"),
        ([person("a.png"), person("b.png", scale=float("nan"))], 1, "b.png#1: wanted a finite center and scale"),
        ([person("a.png", joints_vis=[0] * 16)], 1, "nobody has an annotated joint"),
        ([person("a.png", center=[500.0, 500.0])], 1, "a.png: wanted a square that meets its 20×20 pixels"),
        ({}, 1, "must hold a list of people"),
    ],
)
def test_problems_of_mpii_are_named(
    changed: Callable[[str], Path], people: list[dict[str, object]], count: int, why: str
) -> None:
    root = changed("mpii")
    (root / "people.json").write_text(json.dumps(people))
    problems = found(root)["MPII"]["problems"]
    assert len(problems) == count, problems
    assert why in problems[0]
    assert check(root).exit_code == 2


def test_mpii_needs_its_annotations_its_list_and_whole_images(changed: Callable[[str], Path]) -> None:
    root = changed("mpii")
    replace_file(root / "images" / "a.png", b"no picture")  # two people are in it, and it is one problem
    (root / VALIDATION_LIST).unlink()
    result = found(root)["MPII"]
    assert len(result["problems"]) == 2
    assert VALIDATION_LIST in result["problems"][0]
    assert "a.png is no image" in result["problems"][1]
    assert (result["images"], result["people"]) == (1, 3)
    (root / "other.json").write_text("[]")
    assert any("found other.json, people.json" in problem for problem in found(root)["MPII"]["problems"])


def test_what_the_loader_alone_finds_is_a_problem_too(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(root: Path) -> None:
        raise ValueError("something new is wrong")

    monkeypatch.setattr(checking.lsp, "check_lsp", refuse)
    assert found(data / "lsp", "--quick")["LSP"]["problems"] == ["something new is wrong"]


def test_ctrl_c_is_exit_code_3(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(checking, "read_crops", stopped)
    assert check(data / "mpii").exit_code == 3


@pytest.mark.skipif(not REAL, reason="LLPP_DATA names no folder of real data")
def test_the_real_data_is_well() -> None:
    results = found(REAL, "--quick")
    assert all(not one["problems"] for one in results.values())
    assert (results["LSP"]["joints_annotated"], results["LSPET"]["joints_annotated"]) == (28_000, 123_213)
