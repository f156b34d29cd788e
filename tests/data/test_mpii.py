"""MPII from files of both forms, made for the purpose, and from the five real images where there are any."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torch.testing import assert_close

from llpp_core.data import LSP_JOINTS, MPII_JOINTS, load_mpii
from llpp_core.data.mpii import VALIDATION_LIST

WIDTH, HEIGHT = 90, 70
NECK, TOP = MPII_JOINTS.index("upper_neck"), MPII_JOINTS.index("head_top")
ROOT = os.environ.get("LLPP_DATA")
real = pytest.mark.skipif(not ROOT, reason="LLPP_DATA names no folder with mpii/")


def places(seed: int) -> np.ndarray:
    """(16, 2) whole numbers inside of the picture, counted from 1; the head segment is 5 long."""
    xy = np.random.default_rng(seed).integers(20, 60, (16, 2)).astype(float)
    xy[TOP] = xy[NECK] - (3, 4)
    return xy


def struct(**fields: Any) -> np.ndarray:
    """A structure as MATLAB writes it: (1, 1), with a cell of anything a field."""
    return structs([fields])


def structs(rows: list[Mapping[str, Any]]) -> np.ndarray:
    """A row of structures; a field that one of them lacks is an empty matrix there."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    made = np.empty((1, len(rows)), dtype=[(name, object) for name in names])
    for i, row in enumerate(rows):
        for name in names:
            made[0, i][name] = row.get(name, np.zeros((0, 0)))
    return made


def points(xy: np.ndarray, ids: list[int] | None = None, visible: list[Any] | None = None) -> np.ndarray:
    ids = list(range(16)) if ids is None else ids
    flags = [{} if v is None else {"is_visible": v} for v in visible or [1] * len(ids)]
    return structs([{"x": xy[k, 0], "y": xy[k, 1], "id": k, **flag} for k, flag in zip(ids, flags, strict=True)])


def person(seed: int, **changes: Any) -> dict[str, Any]:
    """A rectangle round a head of 30 × 40, a position, a scale and 16 joints; None takes a field away."""
    fields = {
        "x1": 10.0, "y1": 12.0, "x2": 40.0, "y2": 52.0, "scale": 0.3, "objpos": struct(x=41.0, y=31.0),
        "annopoints": struct(point=points(places(seed))), **changes,
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value is not None}


def cells(values: list[Any]) -> np.ndarray:
    made = np.empty((len(values), 1), dtype=object)
    for i, value in enumerate(values):
        made[i, 0] = value
    return made


def write_mat(
    root: Path, images: Mapping[str, tuple[int, list[dict[str, Any]]]], apart: list[Any] | None = None
) -> Path:
    """Write `RELEASE`: for each image whether it is annotated, and its people."""
    write_pictures(root, list(images))
    rows = [
        {"image": struct(name=name), **({"annorect": structs(people)} if people else {})}
        for name, (_, people) in images.items()
    ]
    release = {"annolist": structs(rows), "img_train": np.array([[t for t, _ in images.values()]], dtype=np.uint8)}
    if apart is not None:
        release["single_person"] = cells(apart)
    savemat(root / "release.mat", {"RELEASE": struct(**release)})
    return root


def write_pictures(root: Path, names: list[str]) -> None:
    """Pictures whose red is the column and whose green is the row."""
    (root / "images").mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    pixels = np.stack([columns, rows, np.full_like(rows, 255)], -1).astype(np.uint8)
    for name in names:
        Image.fromarray(pixels).save(root / "images" / name, format="PNG")


def entry(seed: int, image: str = "a.png", **changes: Any) -> dict[str, Any]:
    fields = {"image": image, "center": [41.0, 31.0], "scale": 0.3, "joints": places(seed).tolist()}
    return {**fields, "joints_vis": [1] * 16, **changes}


def write_json(root: Path, entries: Any) -> Path:
    write_pictures(root, ["a.png", "b.png"])
    (root / "people.json").write_text(json.dumps(entries))
    return root


def load(root: Path, **options: Any):
    return load_mpii(root, **{"size": 32, "progress": False, **options})


def in_image(data) -> torch.Tensor:
    """Joints mapped back to pixels of the image, counted from 0."""
    return torch.einsum("nab,njb->nja", data.crop_to_image[:, :, :2], data.joints) + data.crop_to_image[:, None, :, 2]


@pytest.fixture
def crowd(tmp_path: Path) -> Path:
    """An image of two, an image of one, one without people, a test image, and one of a person without joints."""
    no_joints = person(0, annopoints=None)
    images = {
        "two.png": (1, [person(1), person(2)]),
        "one.png": (1, [person(3)]),
        "none.png": (1, []),
        "test.png": (0, [person(9), person(9, annopoints=None, x1=None, y1=None, x2=None, y2=None)]),
        "bare.png": (1, [no_joints, person(4)]),
    }
    return write_mat(tmp_path, images, apart=[2, np.zeros((0, 0)), np.zeros((0, 0)), 1, [[1, 2]]])


def test_every_annotated_person_is_a_sample(crowd: Path) -> None:
    data = load(crowd)
    assert data.ids == ("two.png#1", "two.png#2", "one.png#1", "bare.png#2")
    assert data.files == ("two.png", "two.png", "one.png", "bare.png")
    assert data.name == "MPII all"
    assert data.joint_names == MPII_JOINTS
    assert data.images.shape == (4, 3, 32, 32)
    wanted = torch.from_numpy(np.stack([places(seed) for seed in (1, 2, 3, 4)])).float() - 1
    assert_close(in_image(data), wanted, atol=1e-4, rtol=0)
    assert bool(data.annotated.all() & data.visible.all())


def test_both_forms_give_the_same_samples(crowd: Path, tmp_path: Path) -> None:
    images = {"a.png": (1, [person(1), person(2, objpos=struct(x=30.0, y=45.0), scale=0.2)])}
    mat = load(write_mat(tmp_path / "mat", images))
    entries = [entry(1), entry(2, center=[30.0, 45.0], scale=0.2)]
    form = load(write_json(tmp_path / "json", entries))
    assert form.ids == mat.ids == ("a.png#1", "a.png#2")
    for field in ("images", "joints", "visible", "annotated", "crop_to_image"):
        assert torch.equal(getattr(form, field), getattr(mat, field))


def test_a_crop_lies_round_center_and_scale(tmp_path: Path) -> None:
    # Side 1.25 × 200 × 0.32 = 80, center (41, 31 + 15 × 0.32) counted from 1, so (40, 34.8) from 0: the first pixel is
    # column 0.5, row −4.7, each to the nearest whole one.
    data = load(write_json(tmp_path, [entry(1, scale=0.32)]), size=80)
    assert_close(data.crop_to_image[0], torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, -5.0]]))
    assert data.images[0, 2, :5].unique().tolist() == [0]
    assert data.images[0, 0, 5].tolist() == list(range(80))
    assert data.images[0, 1, 5:75, 0].tolist() == list(range(70))


@pytest.mark.parametrize("lacking", [{"objpos": None}, {"scale": None}, {"scale": np.zeros((0, 0))}])
def test_without_center_or_scale_the_crop_lies_round_the_joints(tmp_path: Path, lacking: dict[str, Any]) -> None:
    data = load(write_mat(tmp_path, {"a.png": (1, [person(1, **lacking), person(2)])}))
    xy = places(1) - 1
    side = round(float((xy.max(0) - xy.min(0)).max()) * 1.5)
    assert_close(float(data.crop_to_image[0, 0, 0]) * 32, float(side))
    assert bool(((data.joints[0] > 0) & (data.joints[0] < 31)).all())


def test_a_json_position_of_minus_one_is_missing(tmp_path: Path) -> None:
    data = load(write_json(tmp_path, [entry(1, center=[-1.0, -1.0], scale=-1.0)]))
    assert bool(((data.joints[0] > 0) & (data.joints[0] < 31)).all())


def test_a_position_beyond_one_edge_is_a_position(tmp_path: Path) -> None:
    data = load(write_json(tmp_path, [entry(1, center=[-5.0, 31.0], scale=0.32)]), size=80)
    assert_close(data.crop_to_image[0, :, 2], torch.tensor([-6.0 - 39.5, -5.0]).round())


def test_joints_that_are_not_listed_are_not_annotated(tmp_path: Path) -> None:
    some = person(1, annopoints=struct(point=points(places(1), ids=[9, 0, 12])))
    one = person(2, annopoints=struct(point=points(places(2), ids=[5])))
    data = load(write_mat(tmp_path, {"a.png": (1, [some, one])}))
    assert [row.nonzero().flatten().tolist() for row in data.annotated] == [[0, 9, 12], [5]]
    assert torch.equal(data.visible, data.annotated)
    wanted = torch.from_numpy(places(1)).float() - 1
    assert_close(in_image(data)[0, [0, 9, 12]], wanted[[0, 9, 12]], atol=1e-4, rtol=0)
    assert bool(torch.isfinite(data.joints).all())


def test_hidden_is_not_missing(tmp_path: Path) -> None:
    flags = [0, 1, "0", "1", None, np.zeros((0, 0)), 0.0, np.uint8(0)]
    known = person(1, annopoints=struct(point=points(places(1), ids=list(range(8)), visible=flags)))
    data = load(write_mat(tmp_path, {"a.png": (1, [known])}))
    assert data.annotated[0].tolist() == [True] * 8 + [False] * 8
    assert data.visible[0, :8].tolist() == [False, True, False, True, True, True, False, False]


@pytest.mark.parametrize(
    ("xy", "listed", "annotated"),
    [
        ([-1.0, -1.0], 1, False),
        ([0.0, 0.0], 1, False),
        ([-3.0, 30.0], 1, True),  # beyond the left edge
        ([30.0, -0.8], 1, True),
        ([30.0, 30.0], 0, False),
        ([30.0, 30.0], -1, False),
        ([30.0, 30.0], 1, True),
    ],
)
def test_what_marks_a_missing_joint(tmp_path: Path, xy: list[float], listed: int, annotated: bool) -> None:
    joints, flags = places(1).tolist(), [1] * 16
    joints[3], flags[3] = xy, listed
    data = load(write_json(tmp_path / "json", [entry(1, joints=joints, joints_vis=flags)]))
    assert bool(data.annotated[0, 3]) is annotated
    assert data.annotated[0].sum() == 15 + annotated
    if listed == 1:
        moved = person(1, annopoints=struct(point=points(np.array(joints))))
        assert torch.equal(load(write_mat(tmp_path / "mat", {"a.png": (1, [moved])})).annotated, data.annotated)


def test_a_joint_outside_of_the_crop_stays_annotated(tmp_path: Path) -> None:
    data = load(write_json(tmp_path, [entry(1, scale=0.05)]))
    assert bool(data.annotated.all())
    assert not bool(((data.joints >= -0.5) & (data.joints < 31.5)).all())


def test_the_head_size_is_six_tenths_of_the_rectangles_diagonal(tmp_path: Path) -> None:
    data = load(write_mat(tmp_path, {"a.png": (1, [person(1), person(2, scale=0.15)])}))
    assert data.head_length is not None
    pixels = data.head_length * data.crop_to_image[:, 0, 0]
    assert_close(pixels, torch.tensor([30.0, 30.0]))  # 0.6 × the diagonal of 30 × 40
    assert_close(data.head_length, 30 * 32 / torch.tensor([75.0, 38.0]))  # in crop pixels


@pytest.mark.parametrize("corner", ["x1", "y2"])
def test_without_a_rectangle_it_is_three_quarters_of_the_head_segment(tmp_path: Path, corner: str) -> None:
    data = load(write_mat(tmp_path / "mat", {"a.png": (1, [person(1, **{corner: None}), person(2)])}))
    form = load(write_json(tmp_path / "json", [entry(1)]))
    for length, scale in ((data.head_length, data.crop_to_image), (form.head_length, form.crop_to_image)):
        assert_close(float(length[0] * scale[0, 0, 0]), 0.75 * 5)


def test_without_a_head_there_is_no_head_size(tmp_path: Path) -> None:
    flags, gone, same = [1] * 16, places(1), places(2)
    flags[TOP] = 0
    gone[TOP] = -1  # the mark of a joint that is missing, whatever its flag says
    same[TOP] = same[NECK]
    entries = [entry(1, joints_vis=flags), entry(1, joints=gone.tolist()), entry(2, joints=same.tolist()), entry(3)]
    data = load(write_json(tmp_path, entries))
    assert data.head_length.isnan().tolist() == [True, True, True, False]


def test_a_split_keeps_the_images_of_the_list_apart(crowd: Path) -> None:
    (crowd / VALIDATION_LIST).write_bytes(b"two.png \r\n\r\nelsewhere.png")
    validation, train = load(crowd, split="validation"), load(crowd, split="train")
    assert validation.ids == ("two.png#1", "two.png#2")
    assert train.ids == ("one.png#1", "bare.png#2")
    assert (validation.name, train.name) == ("MPII validation", "MPII train")


def test_a_split_needs_the_list(crowd: Path) -> None:
    with pytest.raises(ValueError, match=rf"wanted the list of validation images .*{VALIDATION_LIST}, which is not"):
        load(crowd, split="train")
    load(crowd, split="all")


@pytest.mark.usefixtures("as_users_run_it")
def test_an_unknown_split_is_refused(crowd: Path) -> None:
    with pytest.raises(ValueError, match="MPII has the splits train, validation, all, got 'test'"):
        load(crowd, split="test")


def test_a_split_with_nobody_is_refused(crowd: Path) -> None:
    (crowd / VALIDATION_LIST).write_text("elsewhere.png")
    with pytest.raises(ValueError, match=r"release\.mat has nobody with annotated joints in the split 'validation'"):
        load(crowd, split="validation")


def test_who_stands_apart_can_be_taken_alone(crowd: Path, tmp_path: Path) -> None:
    assert load(crowd, separated_only=True).ids == ("two.png#2", "bare.png#2")
    form = write_json(tmp_path / "json", [entry(1)])
    with pytest.raises(ValueError, match=r"people\.json does not say who stands apart"):
        load(form, separated_only=True)


def test_a_file_of_one_image_is_read_as_one_of_many(tmp_path: Path) -> None:
    root = write_mat(tmp_path, {"a.png": (1, [person(1), person(2), person(3)])}, apart=[[[1, 3]]])
    assert load(root).ids == ("a.png#1", "a.png#2", "a.png#3")
    assert load(root, separated_only=True).ids == ("a.png#1", "a.png#3")


def test_who_stands_apart_is_nobody_where_the_file_does_not_say(tmp_path: Path) -> None:
    root = write_mat(tmp_path, {"a.png": (1, [person(1)]), "b.png": (1, [person(2)])})
    with pytest.raises(ValueError, match="has nobody with annotated joints who stands apart in the split 'all'"):
        load(root, separated_only=True)
    marked = write_mat(tmp_path, {"a.png": (1, [person(1)]), "b.png": (1, [person(2)])}, apart=[np.nan, 1])
    assert load(marked, separated_only=True).ids == ("b.png#1",)


def test_an_image_without_a_name_is_told(tmp_path: Path) -> None:
    for image in (struct(size=3), struct(name=""), None):
        row = {"annorect": structs([person(1)]), **({} if image is None else {"image": image})}
        release = struct(annolist=structs([row]), img_train=np.array([[1]]))
        savemat(tmp_path / "release.mat", {"RELEASE": release})
        with pytest.raises(ValueError, match=r"release\.mat: image 0 \(from 0\) of annolist has no name"):
            load(tmp_path)


def test_the_annotations_are_found_or_named(crowd: Path) -> None:
    (crowd / "more.json").write_text("[]")
    with pytest.raises(
        ValueError, match=r"wanted one \.mat or \.json file in .*, found more\.json, release\.mat; say which"
    ):
        load(crowd)
    assert len(load(crowd, annotations=crowd / "release.mat")) == 4
    (crowd / "more.json").unlink()
    (crowd / "release.mat").unlink()
    with pytest.raises(ValueError, match=r"wanted one \.mat or \.json file in .*, found none"):
        load(crowd)
    with pytest.raises(ValueError, match=r"got .*nowhere, which is no folder"):
        load(crowd / "nowhere")
    for name in ("gone.mat", "gone.json"):
        with pytest.raises(ValueError, match=rf"{name}, which (is|are) not there"):
            load(crowd, annotations=crowd / name)


def test_a_missing_image_is_named(crowd: Path) -> None:
    (crowd / "images" / "one.png").unlink()
    with pytest.raises(ValueError, match=r"wanted the image .*one\.png, which is not there"):
        load(crowd)


def test_a_person_out_of_the_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.png: wanted a square that meets its 90×70 pixels, got columns"):
        load(write_json(tmp_path, [entry(1, center=[900.0, 31.0])]))


BAD_MATS = {
    "no MATLAB file": (lambda f: f.write_bytes(b"RELEASE\n" * 99), "is no MATLAB file that can be read"),
    "empty": (lambda f: f.write_bytes(b""), "is no MATLAB file that can be read"),
    "cut": (lambda f: f.write_bytes(f.read_bytes()[: f.stat().st_size // 2]), "is no MATLAB file that can be read"),
    "LSP's": (lambda f: savemat(f, {"joints": np.zeros((3, 14, 2_000))}), "no variable 'RELEASE'; .* it has: joints"),
    "a number": (lambda f: savemat(f, {"RELEASE": 3}), "must be a structure with annolist and img_train"),
    "another structure": (lambda f: savemat(f, {"RELEASE": {"annolist": 3}}), "must be a structure with annolist"),
    "other lengths": (
        lambda f: savemat(f, {"RELEASE": {"annolist": structs([{"a": 1}] * 3), "img_train": [1, 1]}}),
        "annolist has 3 images and img_train 2",
    ),
}


@pytest.mark.parametrize(("spoil", "said"), BAD_MATS.values(), ids=BAD_MATS)
def test_a_file_of_another_kind_is_named(crowd: Path, spoil, said: str) -> None:
    spoil(crowd / "release.mat")
    with pytest.raises(ValueError, match=rf"release\.mat:?.* {said}"):
        load(crowd)


def nan_at(k: int) -> np.ndarray:
    xy = places(1)
    xy[k, 0] = np.nan
    return xy


BAD_PEOPLE = {
    "NaN": (points(nan_at(2)), "two.png#2: wanted finite x and y for right_hip, got [nan, "),
    "no x": (structs([{"y": 3.0, "id": 4}]), "wanted finite x and y for left_knee, got [nan, 3.0]"),
    "id 16": (structs([{"x": 3.0, "y": 3.0, "id": 16}]), "joints have ids from 0 to 15, each once, got [16.0]"),
    "no id": (structs([{"x": 3.0, "y": 3.0}]), "joints have ids from 0 to 15, each once, got [nan]"),
    "twice": (points(places(1), ids=[3, 3]), "joints have ids from 0 to 15, each once, got [3.0, 3.0]"),
}


@pytest.mark.parametrize(("listed", "said"), BAD_PEOPLE.values(), ids=BAD_PEOPLE)
def test_joints_that_cannot_be_are_named_by_their_person(tmp_path: Path, listed: np.ndarray, said: str) -> None:
    root = write_mat(tmp_path, {"two.png": (1, [person(1), person(2, annopoints=struct(point=listed))])})
    with pytest.raises(ValueError, match=r"release\.mat: two\.png#2: ") as raised:
        load(root)
    assert said in str(raised.value)


BAD_ENTRIES = {
    "no list": ({"a": 1}, "people.json must hold a list of people, got dict"),
    "no object": ([3], "person 0 (from 0) must be an object, got int"),
    "no joints": ([{k: v for k, v in entry(1).items() if "joints" not in k}], "(from 0) lacks joints, joints_vis"),
    "15 joints": ([entry(0), entry(1, joints=places(1)[:15].tolist())], "person 1 (from 0), a.png#2: wanted 16 joints"),
    "14 flags": ([entry(1, joints_vis=[1] * 14)], "wanted 16 joints"),
    "turned joints": ([entry(1, joints=places(1).T.tolist())], "joints must have shape (16, 2), got (2, 16)"),
    "flags in a square": ([entry(1, joints_vis=[[1] * 4] * 4)], "joints_vis must have shape (16,), got (4, 4)"),
    "flags of nothing": ([entry(1, joints_vis=[None] * 15 + [1])], "a.png#1: wanted finite joints_vis, got [nan, "),
    "no name": ([entry(1, image=None)], "person 0 (from 0): wanted the name of an image, got None"),
    "a number for a name": ([entry(1), entry(1, image=3)], "person 1 (from 0): wanted the name of an image, got 3"),
    "a list for a name": ([entry(1, image=["a.png"])], "wanted the name of an image, got ['a.png']"),
    "an empty name": ([entry(1, image="")], "wanted the name of an image, got ''"),
    "no center": ([entry(1, center=None)], "a.png#1: wanted 16 joints"),
    "a word": ([entry(1, scale="tall")], "a.png#1: wanted 16 joints"),
    "NaN": ([entry(1, joints=nan_at(0).tolist())], "a.png#1: wanted finite x and y for right_ankle, got [nan, "),
    "NaN center": ([entry(1, center=[float("nan"), 3.0])], "a.png#1: wanted a finite center and scale"),
    "NaN scale": ([entry(1, scale=float("nan"))], "a.png#1: wanted a finite center and scale"),
    "a scale beyond all": ([entry(1, scale=50.0)], "wanted a square of finite center x and y and a side above 0 and"),
    "nobody": ([], "people.json has nobody with annotated joints in the split 'all'"),
    "nobody annotated": ([entry(1, joints_vis=[0] * 16)], "has nobody with annotated joints"),
}


@pytest.mark.parametrize(("entries", "said"), BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_a_json_file_that_cannot_be_is_named(tmp_path: Path, entries: Any, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        load(write_json(tmp_path, entries))
    assert said in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_what_is_no_json_is_named(tmp_path: Path) -> None:
    root = write_json(tmp_path, [])
    for content in (b"", b"{", b"\xff\xfe\x00", b"[" * 100_000):
        (root / "people.json").write_bytes(content)
        with pytest.raises(ValueError, match=r"people\.json is no JSON file that can be read"):
            load(root)


def test_mpiis_people_can_have_lsps_joints(crowd: Path) -> None:
    data = load(crowd)
    turned = data.in_order(LSP_JOINTS, alias={"neck": "upper_neck"})
    assert turned.joint_names == LSP_JOINTS
    assert torch.equal(turned.joints[:, LSP_JOINTS.index("neck")], data.joints[:, NECK])
    assert torch.equal(turned.joints[:, LSP_JOINTS.index("left_wrist")], data.joints[:, 15])
    assert torch.equal(turned.head_length, data.head_length)


@real
def test_the_real_samples() -> None:
    data = load_mpii(Path(ROOT or "") / "mpii", size=64, progress=False)
    assert len(data) == 5
    assert data.ids[0] == "005808361.jpg#1"
    assert [int(row.sum()) for row in data.annotated] == [16, 16, 14, 14, 16]
    assert not bool(data.annotated[2:4, [0, 5]].any())  # ankles below the picture's edge
    known = data.joints[data.annotated]
    assert bool(((known >= 0) & (known < 63)).all())
    assert load_mpii(Path(ROOT or "") / "mpii", split="validation", size=8, progress=False).ids == data.ids


@real
def test_the_head_segment_is_eight_tenths_of_a_rectangles_diagonal() -> None:
    """What the head size of the JSON form rests on: rectangles have whole corners, so diagonal² is a sum of squares."""
    for sample in json.loads((Path(ROOT or "") / "mpii" / "sample.json").read_text()):
        neck, top = (np.array(sample["joints"][k]) for k in (NECK, TOP))
        diagonal = float(np.hypot(*(neck - top))) / 0.8
        width_is_odd, height_is_odd = (round(v) % 2 for v in neck + top)  # of x1 + x2, so of x2 − x1
        squares = round(diagonal**2)
        pairs = [(w, math.isqrt(squares - w * w)) for w in range(1, math.isqrt(squares))]
        whole = [
            (w, h) for w, h in pairs if w * w + h * h == squares and (w % 2, h % 2) == (width_is_odd, height_is_odd)
        ]
        assert abs(diagonal**2 - squares) < 0.04
        assert whole
        assert abs(0.6 * diagonal - 200 * sample["scale"] / 8) < 2e-3  # a person is eight head sizes tall


@real
def test_pckhs_length_is_a_tenth_of_a_real_crop() -> None:
    data = load_mpii(Path(ROOT or "") / "mpii", size=100, progress=False)
    assert_close(data.head_length, torch.full((5,), 10.0), atol=0.02, rtol=0)
