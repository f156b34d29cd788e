"""One battery over every loader: what they give has one form, and a joint lies where its picture shows it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torch.testing import assert_close

from llpp_core.data import PoseDataset, load_images, load_lsp, load_lspet, load_mpii, render_figures
from llpp_core.data.augment import Augmentation, augment
from llpp_core.data.pose import concatenate

SIDE, SIZE, SEED = 96, 48, 3
SAMPLE = 6


def places(person: int, joints: int) -> np.ndarray:
    """Whole pixels, each in a cell of its own of a 4 × 4 grid, in an order of the person's own."""
    rng = np.random.default_rng(person)
    cells = rng.permutation(16)[:joints]
    return np.stack([cells % 4, cells // 4], -1) * 24 + 12 + rng.integers(-3, 4, (joints, 2))


def color(joint: int) -> int:
    return 255 - 12 * joint


def picture(people: list[np.ndarray]) -> Image.Image:
    """People side by side, black but for a square of its own brightness at each joint."""
    pixels = np.zeros((SIDE, SIDE * len(people)), np.uint8)
    for i, xy in enumerate(people):
        for joint, (x, y) in enumerate(xy):
            pixels[y - 4 : y + 5, SIDE * i + x - 4 : SIDE * i + x + 5] = color(joint)
    return Image.fromarray(pixels)


def save(image: Image.Image, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file, quality=95)


def flags(n: int) -> np.ndarray:
    values = np.random.default_rng(1).integers(0, 2, (n, 14))
    values[:, :3] = 1
    return values


def write_lsp(root: Path) -> None:
    joints = np.zeros((2_000, 14, 3))
    joints[:, :, 2] = flags(2_000)
    for i in range(1_000):  # the training half
        joints[i, :, :2] = places(i, 14)
        save(picture([places(i, 14)]), root / "images" / f"im{i + 1:04d}.jpg")
    savemat(root / "joints.mat", {"joints": joints.transpose(2, 1, 0)})


def write_lspet(root: Path) -> None:
    joints = np.zeros((10_000, 14, 3))
    joints[:, :, 2] = flags(10_000)
    for i in np.random.default_rng(SEED).choice(10_000, size=SAMPLE, replace=False):
        joints[i, :, :2] = np.where(joints[i, :, 2:] == 1, places(i, 14), -1e6)
        save(picture([places(i, 14)]), root / "images" / f"im{i + 1:05d}.jpg")
    savemat(root / "joints.mat", {"joints": joints.transpose(1, 2, 0)})


def write_mpii(root: Path) -> None:
    """Both forms of the same people, two in an image, positions counted from 1."""
    entries, images = [], []
    for i in range(3):
        people = [places(2 * i, 16), places(2 * i + 1, 16)]
        save(picture(people), root / "images" / f"{i}.jpg")
        rectangles = []
        for k, xy in enumerate(people):
            there = xy + 1 + (SIDE * k, 0)
            listed = [j for j in range(16) if (i + j) % 7]
            rows = [there[j].tolist() if j in listed else [-1, -1] for j in range(16)]
            center, vis = [48.0 + SIDE * k, 45.0], [int(j in listed) for j in range(16)]
            entries.append({"image": f"{i}.jpg", "center": center, "scale": 0.4, "joints": rows, "joints_vis": vis})
            points = [{"x": there[j, 0], "y": there[j, 1], "id": j, "is_visible": j % 2} for j in listed]
            box = {"x1": 1, "y1": 1, "x2": 21, "y2": 21, "scale": 0.4, "objpos": {"x": center[0], "y": center[1]}}
            rectangles.append({**box, "annopoints": {"point": points}})
        images.append({"image": {"name": f"{i}.jpg"}, "annorect": rectangles})
    (root / "people.json").write_text(json.dumps(entries))
    savemat(root / "release.mat", {"RELEASE": {"annolist": images, "img_train": [1, 1, 1]}})


@dataclass(frozen=True)
class Loader:
    load: Callable[..., PoseDataset]
    root: Path | None
    n: int


@pytest.fixture(scope="session")
def loaders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Loader]]:
    root = tmp_path_factory.mktemp("data")
    write_lsp(root / "lsp")
    write_lspet(root / "lspet")
    write_mpii(root / "mpii")
    lsp, lspet, mpii = root / "lsp", root / "lspet", root / "mpii"
    plain = sorted((mpii / "images").iterdir())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLPP_CACHE", str(root / "kept"))
        yield {
            "LSP": Loader(lambda **o: load_lsp(lsp, "train", **o), lsp / "images", 1_000),
            "LSPET": Loader(lambda **o: load_lspet(lspet, sample=SAMPLE, seed=SEED, **o), lspet / "images", SAMPLE),
            "MPII, official": Loader(lambda **o: load_mpii(mpii, mpii / "release.mat", **o), mpii / "images", 6),
            "MPII, JSON": Loader(lambda **o: load_mpii(mpii, mpii / "people.json", **o), mpii / "images", 6),
            "images": Loader(lambda **o: load_images(plain, **o), Path(), 3),
            "figures": Loader(lambda size: render_figures(4, 0, size=size), None, 4),
        }


FROM_FILES = ["LSP", "LSPET", "MPII, official", "MPII, JSON", "images"]
each = pytest.mark.parametrize("name", [*FROM_FILES, "figures"])
each_from_files = pytest.mark.parametrize("name", FROM_FILES)


def load(loaders: dict[str, Loader], name: str, size: int = SIZE, **options) -> PoseDataset:
    return loaders[name].load(size=size, **({} if name == "figures" else {"progress": False, **options}))


@each
def test_every_field_has_its_form(loaders, name: str) -> None:
    data = load(loaders, name)
    n, joints = loaders[name].n, len(data.joint_names)
    assert len(data) == n
    for field, shape, dtype in (
        ("images", (n, 3, SIZE, SIZE), torch.uint8),
        ("joints", (n, joints, 2), torch.float32),
        ("visible", (n, joints), torch.bool),
        ("annotated", (n, joints), torch.bool),
        ("crop_to_image", (n, 2, 3), torch.float32),
    ):
        tensor = getattr(data, field)
        assert (tuple(tensor.shape), tensor.dtype, tensor.device.type) == (shape, dtype, "cpu")
        assert tensor.is_contiguous()
    assert len(set(data.ids)) == n
    assert data.name


@each
def test_flags_and_joints_agree(loaders, name: str) -> None:
    data = load(loaders, name)
    assert not bool((data.visible & ~data.annotated).any())
    assert bool(torch.isfinite(data.joints[data.annotated]).all())
    assert bool(data.annotated.any(1).all()) is (name != "images")
    if data.head_length is not None:
        assert bool((data.head_length > 0).all())


@each
def test_joints_are_named_once_and_have_partners(loaders, name: str) -> None:
    data = load(loaders, name)
    assert len(set(data.joint_names)) == len(data.joint_names)
    assert [data.mirror[k] for k in data.mirror] == list(range(len(data.joint_names)))


@each
def test_a_loader_gives_the_same_again(loaders, name: str) -> None:
    first, again = load(loaders, name), load(loaders, name)
    for field in ("images", "joints", "visible", "annotated", "crop_to_image"):
        assert torch.equal(getattr(first, field), getattr(again, field))
    assert (first.ids, first.files, first.name) == (again.ids, again.files, again.name)


@each_from_files
def test_kept_crops_are_made_crops(loaders, name: str) -> None:
    made = load(loaders, name, cache=False)
    for _ in range(2):
        kept = load(loaders, name, cache=True)
        assert torch.equal(kept.images, made.images)
        assert torch.equal(kept.joints, made.joints)


@each_from_files
def test_a_joint_lies_where_its_picture_shows_it(loaders, name: str) -> None:
    data = load(loaders, name, size=SIDE)
    inside = data.annotated & ((data.joints >= 2) & (data.joints < SIDE - 3)).all(-1)
    if name == "images":
        assert not bool(inside.any())
        return
    assert float(inside.sum() / data.annotated.sum()) > 0.95
    at = data.joints.round().long()
    for joint in range(len(data.joint_names)):
        rows = inside[:, joint].nonzero().flatten()
        x, y = at[rows, joint, 0], at[rows, joint, 1]
        seen = data.images[rows, 0, y, x].float()
        assert_close(seen, torch.full_like(seen, color(joint)), atol=5, rtol=0)


@each_from_files
def test_the_same_place_of_the_image_at_every_size(loaders, name: str) -> None:
    def in_image(data: PoseDataset) -> torch.Tensor:
        places = torch.einsum("nab,njb->nja", data.crop_to_image[:, :, :2], data.joints)
        return (places + data.crop_to_image[:, None, :, 2])[data.annotated]

    assert_close(in_image(load(loaders, name, size=20)), in_image(load(loaders, name, size=77)), atol=2e-3, rtol=0)


@each_from_files
def test_a_crop_is_a_square_that_is_neither_turned_nor_flipped(loaders, name: str) -> None:
    maps = load(loaders, name).crop_to_image
    assert torch.equal(maps[:, 0, 0], maps[:, 1, 1])
    assert bool((maps[:, 0, 0] > 0).all())
    assert not bool(maps[:, 0, 1].any() | maps[:, 1, 0].any())


@each_from_files
def test_every_sample_names_its_file(loaders, name: str) -> None:
    data = load(loaders, name)
    assert data.files is not None
    assert all((loaders[name].root / file).is_file() for file in data.files)
    assert all(file in sample for sample, file in zip(data.ids, data.files, strict=True))


@each
def test_a_part_and_a_whole(loaders, name: str) -> None:
    data = load(loaders, name)
    parts = [data.subset([1]), data.subset([0, 2])]
    whole = concatenate("whole", parts)
    assert whole.ids == tuple(data.ids[i] for i in (1, 0, 2))
    assert torch.equal(whole.images, data.images[[1, 0, 2]])
    assert (whole.files is None) == (data.files is None)
    assert (whole.head_length is None) == (data.head_length is None)
    turned = data.in_order(data.joint_names[::-1])
    assert torch.equal(turned.joints, data.joints.flip(1))


@each
def test_the_samples_can_be_augmented(loaders, name: str) -> None:
    data = load(loaders, name)
    views, joints, known = augment(
        data.images[:3], data.joints[:3], data.annotated[:3], mirror=data.mirror, settings=Augmentation(),
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert bool(torch.isfinite(views).all())
    assert bool(torch.isfinite(joints[known]).all())


@each_from_files
@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("kind", ["cut", "empty", "gone", "folder"])
def test_an_image_that_cannot_be_read_is_named(loaders, name: str, cache: bool, kind: str) -> None:
    data = load(loaders, name, size=4, cache=cache)
    file = loaders[name].root / data.files[-1]
    whole = file.read_bytes()
    try:
        file.unlink()
        if kind == "folder":
            file.mkdir()
        elif kind != "gone":
            file.write_bytes(whole[: len(whole) // 2] if kind == "cut" else b"")
        with pytest.raises(ValueError, match=rf"{file.name}\b") as raised:
            load(loaders, name, size=4, cache=cache)
        assert "\n" not in str(raised.value)
    finally:
        if file.is_dir():
            file.rmdir()
        file.write_bytes(whole)


@each_from_files
def test_the_bar_is_shown_only_where_asked(loaders, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = load(loaders, name, size=5, cache=False)
    assert capfd.readouterr() == ("", "")
    load(loaders, name, size=5, cache=False, progress=True)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert data.name in shown.err
    assert f"{len(data)}/{len(data)}" in shown.err
