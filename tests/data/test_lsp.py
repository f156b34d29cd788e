"""The loaders of LSP and LSPET, on folders of the full shape with tiny pictures."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torch.testing import assert_close

from llpp_core.data import crops, load_lsp, load_lspet
from llpp_core.data.pose import LSP_JOINTS

SIDE = 40
SAMPLE, SEED = 12, 4


def picture(color: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (color, color, color)).save(buffer, format="JPEG")
    return buffer.getvalue()


def positions(n: int) -> np.ndarray:
    """(n, 14, 2) places inside of the pictures, other ones for each image."""
    return np.random.default_rng(1).uniform(5, SIDE - 6, (n, 14, 2))


def flags(n: int) -> np.ndarray:
    """(n, 14) zeros and ones, both in every row."""
    values = np.random.default_rng(2).integers(0, 2, (n, 14))
    values[:, 0], values[:, 1] = 1, 0
    return values


def write_lsp(root: Path, images: int) -> Path:
    (root / "images").mkdir(parents=True)
    pictures = [picture(v) for v in range(0, 250)]
    for i in range(images):
        (root / "images" / f"im{i + 1:04d}.jpg").write_bytes(pictures[i % 250])
    joints = np.concatenate([positions(2_000), flags(2_000)[..., None]], -1)
    savemat(root / "joints.mat", {"joints": joints.transpose(2, 1, 0)})  # 3 × 14 × 2000
    return root


def write_lspet(root: Path, joints: np.ndarray | None = None) -> Path:
    (root / "images").mkdir(parents=True)
    chosen = np.random.default_rng(SEED).choice(10_000, size=SAMPLE, replace=False)
    for i in chosen:
        (root / "images" / f"im{i + 1:05d}.jpg").write_bytes(picture(i % 250))
    if joints is None:
        joints = np.concatenate([positions(10_000), flags(10_000)[..., None]], -1)
        joints[..., :2][joints[..., 2] == 0] = -777.0  # what stands at a missing joint means nothing
    savemat(root / "joints.mat", {"joints": joints.transpose(1, 2, 0)})  # 14 × 3 × 10000
    return root


@pytest.fixture(scope="session")
def lsp_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lsp(tmp_path_factory.mktemp("data") / "lsp", images=2_000)


@pytest.fixture(scope="session")
def lspet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lspet(tmp_path_factory.mktemp("data") / "lspet")


def sample_of(folder: Path, **options):
    return load_lspet(folder, **{"sample": SAMPLE, "seed": SEED, "size": 16, "progress": False, **options})


def in_image(data) -> torch.Tensor:
    """Joints mapped back to pixels of the image."""
    return torch.einsum("nab,njb->nja", data.crop_to_image[:, :, :2], data.joints) + data.crop_to_image[:, None, :, 2]


def test_lsps_third_coordinate_says_occluded(lsp_folder: Path) -> None:
    data = load_lsp(lsp_folder, "test", size=8, progress=False)
    assert bool(data.annotated.all())
    assert torch.equal(data.visible, torch.from_numpy(flags(2_000)[1_000:] == 0))


def test_lspets_third_coordinate_says_annotated(lspet_folder: Path) -> None:
    data = sample_of(lspet_folder)
    rows = [int(i[2:7]) - 1 for i in data.ids]
    assert torch.equal(data.annotated, torch.from_numpy(flags(10_000)[rows] == 1))
    assert torch.equal(data.visible, data.annotated)


@pytest.mark.parametrize(
    ("split", "first", "last", "n"),
    [("train", "im0001.jpg", "im1000.jpg", 1_000), ("test", "im1001.jpg", "im2000.jpg", 1_000)],
)
def test_lsps_halves(lsp_folder: Path, split: str, first: str, last: str, n: int) -> None:
    data = load_lsp(lsp_folder, split, size=8, progress=False)
    assert (len(data), data.ids[0], data.ids[-1]) == (n, first, last)
    assert data.name == f"LSP {split}"
    assert data.joint_names == LSP_JOINTS
    start = int(first[2:6]) - 1
    colors = data.images[:, :, 3:5, 3:5].float().mean((1, 2, 3))
    wanted = torch.tensor([float((start + i) % 250) for i in range(n)])
    assert_close(colors, wanted, atol=3, rtol=0)  # each sample has its own picture


def test_all_of_lsp_is_both_halves(lsp_folder: Path) -> None:
    assert len(load_lsp(lsp_folder, size=4, progress=False)) == 2_000


def test_joints_map_back_to_where_the_file_has_them(lsp_folder: Path, lspet_folder: Path) -> None:
    train = load_lsp(lsp_folder, "train", size=32, progress=False)
    assert_close(in_image(train), torch.from_numpy(positions(2_000)[:1_000]).float(), atol=1e-3, rtol=0)
    extended = sample_of(lspet_folder)
    rows = [int(i[2:7]) - 1 for i in extended.ids]
    wanted = torch.from_numpy(positions(10_000)[rows]).float()
    assert_close(in_image(extended)[extended.annotated], wanted[extended.annotated], atol=1e-3, rtol=0)


def test_annotated_joints_lie_inside_of_the_crop(lspet_folder: Path) -> None:
    data = sample_of(lspet_folder)
    known = data.joints[data.annotated]
    assert bool(((known >= -0.5) & (known < 15.5)).all())


def test_a_crop_lies_round_the_annotated_joints_and_no_others(lspet_folder: Path) -> None:
    data = sample_of(lspet_folder)
    for i, name in enumerate(data.ids):
        row = int(name[2:7]) - 1
        known = positions(10_000)[row][flags(10_000)[row] == 1]
        lowest, highest = known.min(0), known.max(0)
        side = max(16, 1.5 * (highest - lowest).max())
        assert abs(float(data.crop_to_image[i, 0, 0]) * 16 - side) <= 0.51  # whole pixels are cut
        middle = data.crop_to_image[i, :, 2] + 7.5 * data.crop_to_image[i, 0, 0]
        assert_close(middle.double(), torch.from_numpy((lowest + highest) / 2), atol=0.51, rtol=0)


def test_a_sample_of_lspet_is_drawn_by_seed_and_keeps_the_files_order(lspet_folder: Path) -> None:
    data = sample_of(lspet_folder)
    assert len(data) == SAMPLE
    assert list(data.ids) == sorted(data.ids)
    assert sample_of(lspet_folder).ids == data.ids
    with pytest.raises(ValueError, match="which is not there"):  # another seed draws images that this folder lacks
        sample_of(lspet_folder, seed=SEED + 1)


@pytest.mark.parametrize("sample", [0, -1, 10_001])
def test_a_sample_larger_than_lspet_or_empty_is_refused(lspet_folder: Path, sample: int) -> None:
    with pytest.raises(ValueError, match=f"LSPET has 10000 images, asked for a sample of {sample}"):
        load_lspet(lspet_folder, sample=sample)


@pytest.mark.usefixtures("as_users_run_it")
def test_an_unknown_split_is_refused(lsp_folder: Path) -> None:
    with pytest.raises(ValueError, match="LSP has the splits train, test, all, got 'val'"):
        load_lsp(lsp_folder, "val")


@pytest.mark.parametrize("load", [load_lsp, load_lspet])
def test_a_missing_folder_or_file_is_named(load, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"got .*nowhere, which is no folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"wanted .*joints\.mat, which is not there"):
        load(tmp_path)


@pytest.mark.parametrize("kind", ["text", "empty", "noise", "cut", "cut, compressed"])
def test_joints_that_are_no_matlab_file_are_named(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "joints.mat"
    savemat(file, {"joints": np.random.default_rng(0).random((3, 14, 2_000))}, do_compression="compressed" in kind)
    whole = file.read_bytes()
    noise = np.random.default_rng(0).bytes(2_000)
    file.write_bytes({"text": b"joints\n" * 99, "empty": b"", "noise": noise}.get(kind, whole[: len(whole) // 2]))
    with pytest.raises(ValueError, match=r"joints\.mat is no MATLAB file that can be read"):
        load_lsp(tmp_path)


@pytest.mark.parametrize("error", [IndexError, UnboundLocalError, zlib.error, NotImplementedError, MemoryError])
def test_whatever_a_broken_file_leads_scipy_into_becomes_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def stumbles(*_: object, **__: object) -> dict[str, np.ndarray]:
        raise error("it fell")

    (tmp_path / "joints.mat").write_bytes(b"\0" * 200)
    monkeypatch.setattr("llpp_core.data.matlab.loadmat", stumbles)
    with pytest.raises(ValueError, match=r"joints\.mat is no MATLAB file that can be read: it fell"):
        load_lsp(tmp_path)


def test_a_third_coordinate_that_is_no_flag_is_named(tmp_path: Path) -> None:
    joints = np.concatenate([positions(2_000), flags(2_000)[..., None]], -1)
    joints[41, 3, 2] = 2
    savemat(tmp_path / "joints.mat", {"joints": joints.transpose(2, 1, 0)})
    with pytest.raises(ValueError, match="third coordinate of a joint must be 0 or 1; it is not in image 42"):
        load_lsp(tmp_path)


def test_a_file_without_joints_is_named(tmp_path: Path) -> None:
    savemat(tmp_path / "joints.mat", {"points": np.zeros(3)})
    with pytest.raises(ValueError, match=r"joints\.mat has no variable 'joints'; the variables it has: points"):
        load_lsp(tmp_path)


def test_the_other_data_sets_file_is_recognised(lsp_folder: Path, lspet_folder: Path) -> None:
    with pytest.raises(
        ValueError, match=r"must have shape \(3, 14, 2000\), got \(14, 3, 10000\); this is LSPET's shape"
    ):
        load_lsp(lspet_folder)
    with pytest.raises(ValueError, match=r"must have shape \(14, 3, 10000\), got \(3, 14, 2000\); this is LSP's shape"):
        load_lspet(lsp_folder)


@pytest.mark.parametrize("shape", [(2, 2), (3, 14, 1_999), (14, 3, 2_000)])
def test_any_other_shape_is_told_without_guessing(tmp_path: Path, shape: tuple[int, ...]) -> None:
    savemat(tmp_path / "joints.mat", {"joints": np.zeros(shape)})
    with pytest.raises(ValueError, match=r"must have shape \(3, 14, 2000\), got \([0-9, ]+\)$"):
        load_lsp(tmp_path)


@pytest.mark.parametrize("kind", ["object", "complex128"])
def test_joints_that_are_no_real_numbers_are_told(tmp_path: Path, kind: str) -> None:
    joints = np.empty((3, 14, 2_000), dtype=kind)
    joints.fill(1j if kind == "complex128" else np.zeros(2))
    savemat(tmp_path / "joints.mat", {"joints": joints})
    with pytest.raises(ValueError, match=rf"joints\.mat: 'joints' must hold real numbers, got {kind}"):
        load_lsp(tmp_path)


@pytest.mark.parametrize("damage", ["no joint", "not finite"])
def test_an_image_whose_joints_cannot_be_used_is_named(tmp_path: Path, damage: str) -> None:
    joints = np.concatenate([positions(10_000), np.ones((10_000, 14, 1))], -1)
    row = int(np.sort(np.random.default_rng(SEED).choice(10_000, size=SAMPLE, replace=False))[3])
    if damage == "no joint":
        joints[row, :, 2] = 0
    else:
        joints[row, 5, 0] = np.nan
    folder = write_lspet(tmp_path / "lspet", joints)
    with pytest.raises(
        ValueError, match=rf"joints\.mat: im{row + 1:05d}\.jpg has no annotated joint, or one that is not"
    ):
        sample_of(folder)


def test_a_missing_image_is_told_before_any_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_lsp(tmp_path / "lsp", images=999)
    monkeypatch.setattr(crops.Image, "open", lambda *_: pytest.fail("read one"))
    with pytest.raises(ValueError, match=r"im1000\.jpg, which is not there"):
        load_lsp(folder, "train", size=4, progress=False)


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    folder = write_lspet(tmp_path / "lspet")
    broken = sorted((folder / "images").iterdir())[2]
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.raises(ValueError, match=rf"{broken.name} is no image that can be read whole"):
        sample_of(folder)
