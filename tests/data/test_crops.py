"""Crops: cut where asked, black beyond the edge, with a map back that is right to the pixel."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from llpp_core.data import crops


def saved(path: Path, pixels: np.ndarray | Image.Image) -> Path:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path)
    return path


def read(file: Path, box: tuple[float, float, float], size: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    of = crops.squares([file], torch.tensor([box]), size)
    return crops.read_crops(of, title="test", progress=False)[0], of.crop_to_image[0]


def numbered(path: Path, side: int = 32) -> Path:
    """An image whose red is its column and whose green is its row."""
    rows, columns = np.mgrid[:side, :side]
    return saved(path, np.stack([columns, rows, np.full_like(rows, 200)], -1).astype(np.uint8))


def test_squares_lie_round_the_annotated_joints() -> None:
    joints = torch.tensor([[[10.0, 20.0], [50.0, 100.0], [-999.0, torch.nan]]])
    annotated = torch.tensor([[True, True, False]])
    assert_close(crops.around(joints, annotated), torch.tensor([[30.0, 60.0, 120.0]]))
    assert_close(crops.around(joints, annotated, context=1.0), torch.tensor([[30.0, 60.0, 80.0]]))


def test_a_single_joint_still_has_a_square() -> None:
    box = crops.around(torch.tensor([[[10.0, 20.0], [5.0, 5.0]]]), torch.tensor([[True, False]]))
    assert_close(box, torch.tensor([[10.0, 20.0, crops.SMALLEST]]))


def test_a_crop_of_its_own_size_is_the_pixels_themselves(tmp_path: Path) -> None:
    # Side 4 round (11.5, 7.5): columns 10 to 13, rows 6 to 9.
    image, to_image = read(numbered(tmp_path / "a.png"), (11.5, 7.5, 4.0), size=4)
    assert image[0, 0].tolist() == [10, 11, 12, 13]
    assert image[1, :, 0].tolist() == [6, 7, 8, 9]
    assert image[2].unique().tolist() == [200]
    assert_close(to_image, torch.tensor([[1.0, 0.0, 10.0], [0.0, 1.0, 6.0]], dtype=to_image.dtype))


@pytest.mark.parametrize("box", [(64.0, 50.0, 40.0), (63.3, 50.7, 41.0), (70.2, 44.4, 100.0), (60.0, 55.0, 25.6)])
@pytest.mark.parametrize("size", [16, 32, 50])
def test_the_map_back_finds_a_bright_dot(tmp_path: Path, box: tuple[float, float, float], size: int) -> None:
    dot = np.array([61.0, 52.0])
    y, x = np.mgrid[:120, :128]
    pixels = 255 * np.exp(-((x - dot[0]) ** 2 + (y - dot[1]) ** 2) / (2 * 3.0**2))
    file = saved(tmp_path / "dot.png", np.repeat(pixels[..., None], 3, -1).round().astype(np.uint8))
    image, to_image = read(file, box, size)
    mass = image[0].double()
    grid = torch.arange(size, dtype=torch.float64)
    place = torch.stack([(mass.sum(0) * grid).sum(), (mass.sum(1) * grid).sum()]) / mass.sum()
    found = to_image[:, :2].double() @ place + to_image[:, 2]
    assert_close(found, torch.from_numpy(dot), atol=0.35, rtol=0)


def test_a_crop_that_grows_stays_between_its_pixels(tmp_path: Path) -> None:
    step = np.repeat(np.array([100, 100, 200, 200], np.uint8)[None, :, None], 3, -1).repeat(4, 0)
    image, _ = read(saved(tmp_path / "step.png", step), (1.5, 1.5, 4.0), size=8)
    assert image[0, 4].tolist() == [100, 100, 100, 125, 175, 200, 200, 200]  # bilinear, at pixel centers


@pytest.mark.parametrize("side", [10.0, 11.0, 11.4, 0.3])
def test_the_pixels_cut_lie_at_most_half_a_pixel_off(tmp_path: Path, side: float) -> None:
    file = numbered(tmp_path / "a.png")
    places = torch.arange(12.0, 14.0, 0.1)
    of = crops.squares([file] * len(places), torch.stack([places, places.flip(0), torch.full_like(places, side)], 1), 4)
    assert set(of.side) == {max(1, round(side))}
    middle = of.crop_to_image[:, :, :2].sum(-1) * 1.5 + of.crop_to_image[:, :, 2]
    wanted = torch.stack([places, places.flip(0)], 1).double()
    assert float((middle - wanted).abs().max()) <= 0.5 + 1e-6


def test_beyond_the_edge_is_black(tmp_path: Path) -> None:
    white = saved(tmp_path / "white.png", np.full((8, 8, 3), 255, np.uint8))
    image, _ = read(white, (-0.5, 3.5, 8.0), size=8)
    assert image[:, :, :4].unique().tolist() == [0]
    assert image[:, :, 4:].unique().tolist() == [255]


@pytest.mark.parametrize(
    ("box", "meets"),
    [
        ((-4.5, 3.5, 8.0), False),  # columns −8 to −1
        ((-3.5, 3.5, 8.0), True),
        ((11.5, 3.5, 8.0), False),  # columns 8 to 15
        ((10.5, 3.5, 8.0), True),
        ((3.5, -4.5, 8.0), False),
        ((3.5, -3.5, 8.0), True),
        ((3.5, 11.5, 8.0), False),
        ((3.5, 10.5, 8.0), True),
    ],
)
def test_a_square_must_meet_its_image(tmp_path: Path, box: tuple[float, float, float], meets: bool) -> None:
    white = saved(tmp_path / "white.png", np.full((8, 8, 3), 255, np.uint8))
    if meets:
        assert read(white, box, size=8)[0].unique().tolist() == [0, 255]
        return
    with pytest.raises(
        ValueError, match=r"white\.png: wanted a square that meets its 8×8 pixels, got columns -?\d+ to"
    ):
        read(white, box, size=8)


def test_every_crop_belongs_to_its_own_file(tmp_path: Path) -> None:
    files = [saved(tmp_path / f"{v}.png", np.full((8, 8, 3), v, np.uint8)) for v in range(200)]
    boxes = torch.tensor([[3.5, 3.5, 8.0]]).repeat(len(files), 1)
    images = crops.read_crops(crops.squares(files, boxes, 4), title="test", progress=False)
    assert images[:, 0, 0, 0].tolist() == list(range(200))


def test_crops_are_made_only_so_far_ahead_of_who_takes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A data set of many gigabytes is written to disk crop by crop; it must not pile up in memory first.
    made = []
    monkeypatch.setattr(crops, "_crop", lambda of, i: made.append(i) or np.zeros((3, 4, 4), np.uint8))
    file = numbered(tmp_path / "a.png")
    of = crops.squares([file] * 500, torch.tensor([[3.5, 3.5, 8.0]] * 500), 4)
    coming = crops.each_crop(of, title="test", progress=False)
    for _ in range(10):
        next(coming)
    assert len(made) <= 10 + crops.AHEAD
    coming.close()
    assert len(made) < 200


def test_one_bad_image_ends_the_reading_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def slow_or_bad(of: crops.Squares, i: int) -> np.ndarray:
        if i == 0:
            raise ValueError("bad")
        made.append(i)
        time.sleep(0.05)
        return np.zeros((3, 4, 4), np.uint8)

    monkeypatch.setattr(crops, "_crop", slow_or_bad)
    of = crops.squares([numbered(tmp_path / "a.png")] * 500, torch.tensor([[3.5, 3.5, 8.0]] * 500), 4)
    with pytest.raises(ValueError, match="bad"):
        crops.read_crops(of, title="test", progress=False)
    assert len(made) < crops.AHEAD - 1


def test_a_missing_file_is_told_before_any_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crops.Image, "open", lambda *_: pytest.fail("read one"))
    there, missing = tmp_path / "there.jpg", tmp_path / "missing.jpg"
    there.touch()
    with pytest.raises(ValueError, match=r"wanted the image .*missing\.jpg, which is not there"):
        crops.squares([there, missing], torch.tensor([[3.0, 3.0, 8.0]] * 2), 4)


def test_a_crop_needs_a_pixel(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="side of at least 1 pixel, got 0"):
        read(numbered(tmp_path / "a.png"), (3.0, 3.0, 8.0), size=0)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "box",
    [
        (NAN, 3, 8),
        (3, NAN, 8),
        (3, 3, NAN),
        (INF, 3, 8),
        (3, 3, INF),
        (3, 3, 0),
        (3, 3, -8),
        (3, 3, 8193),
        (1e12, 3, 8),
    ],
)
def test_a_box_that_is_none_is_named_with_its_image(tmp_path: Path, box: tuple[float, float, float]) -> None:
    with pytest.raises(
        ValueError, match=r"a\.png: wanted a square of finite center x and y and a side above 0 and at most"
    ):
        read(numbered(tmp_path / "a.png"), tuple(map(float, box)))


def test_the_largest_square_is_still_cut(tmp_path: Path) -> None:
    image, _ = read(numbered(tmp_path / "a.png"), (16.0, 16.0, float(crops.LARGEST)), size=2)
    assert image.shape == (3, 2, 2)


def test_no_file_gives_no_crop() -> None:
    of = crops.squares([], torch.zeros(0, 3), 4)
    assert crops.read_crops(of, title="test", progress=False).shape == (0, 3, 4, 4)
    assert of.crop_to_image.shape == (0, 2, 3)
