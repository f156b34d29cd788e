"""Crops: cut where asked, black beyond the edge, with a map back that is right to the pixel."""

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
    images, maps = crops.read_crops([file], torch.tensor([box]), size, title="test", progress=False)
    return images[0], maps[0]


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


def test_beyond_the_edge_is_black(tmp_path: Path) -> None:
    white = saved(tmp_path / "white.png", np.full((8, 8, 3), 255, np.uint8))
    image, _ = read(white, (-0.5, 3.5, 8.0), size=8)
    assert image[:, :, :4].unique().tolist() == [0]
    assert image[:, :, 4:].unique().tolist() == [255]
    wholly_outside, _ = read(white, (100.0, 100.0, 8.0), size=8)
    assert wholly_outside.unique().tolist() == [0]


def test_every_crop_belongs_to_its_own_file(tmp_path: Path) -> None:
    files = [saved(tmp_path / f"{v}.png", np.full((8, 8, 3), v, np.uint8)) for v in range(0, 200, 5)]
    boxes = torch.tensor([[3.5, 3.5, 8.0]]).repeat(len(files), 1)
    images, _ = crops.read_crops(files, boxes, 4, title="test", progress=False)
    assert images[:, 0, 0, 0].tolist() == list(range(0, 200, 5))


COLOUR = (200, 30, 60)
FORMS = {
    "grey": (Image.new("L", (8, 8), 90), "png", (90, 90, 90)),
    "grey JPEG": (Image.new("L", (8, 8), 90), "jpg", (90, 90, 90)),
    "palette": (Image.new("RGB", (8, 8), COLOUR).convert("P", palette=Image.Palette.ADAPTIVE), "png", COLOUR),
    "with opacity": (Image.new("RGBA", (8, 8), (*COLOUR, 255)), "png", COLOUR),
    "CMYK JPEG": (Image.new("CMYK", (8, 8), (55, 225, 195, 0)), "jpg", COLOUR),
    "black and white": (Image.new("1", (8, 8), 1), "png", (255, 255, 255)),
    "16-bit grey": (Image.fromarray(np.full((8, 8), 90 * 257, np.uint16)), "png", (90, 90, 90)),
}


@pytest.mark.parametrize(("image", "ending", "color"), FORMS.values(), ids=FORMS)
def test_every_form_of_image_is_read_as_rgb(tmp_path: Path, image: Image.Image, ending: str, color) -> None:
    pixels, _ = read(saved(tmp_path / f"image.{ending}", image), (3.5, 3.5, 8.0), size=4)
    assert_close(pixels[:, 2, 2].float(), torch.tensor(color).float(), atol=4, rtol=0)


def test_an_image_of_one_pixel_is_an_image(tmp_path: Path) -> None:
    image, _ = read(saved(tmp_path / "one.png", np.full((1, 1, 3), 77, np.uint8)), (0.0, 0.0, 3.0), size=3)
    assert image[0].tolist() == [[0, 0, 0], [0, 77, 0], [0, 0, 0]]


def broken(kind: str, path: Path) -> Path:
    rng = np.random.default_rng(0)
    whole = saved(path, rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).read_bytes()
    content = {"cut": whole[: len(whole) // 2], "head": whole[:30], "text": b"no image\n" * 30, "empty": b""}[kind]
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["cut", "head", "text", "empty"])
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_file_that_is_no_whole_image_is_named(tmp_path: Path, kind: str, ending: str) -> None:
    good = numbered(tmp_path / "good.png")
    bad = broken(kind, tmp_path / f"bad.{ending}")
    with pytest.raises(ValueError, match=rf"bad\.{ending} is no image that can be read whole"):
        crops.read_crops([good, bad, good], torch.tensor([[3.0, 3.0, 8.0]] * 3), 4, title="test", progress=False)


def test_a_missing_file_is_told_before_any_is_read(tmp_path: Path) -> None:
    bad, missing = broken("text", tmp_path / "bad.jpg"), tmp_path / "missing.jpg"
    with pytest.raises(ValueError, match=r"wanted the image .*missing\.jpg, which is not there"):
        crops.read_crops([bad, missing], torch.tensor([[3.0, 3.0, 8.0]] * 2), 4, title="test", progress=False)


def test_a_crop_needs_a_pixel(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="side of at least 1 pixel, got 0"):
        read(numbered(tmp_path / "a.png"), (3.0, 3.0, 8.0), size=0)


def test_no_file_gives_no_crop() -> None:
    images, maps = crops.read_crops([], torch.zeros(0, 3), 4, title="test", progress=False)
    assert images.shape == (0, 3, 4, 4)
    assert maps.shape == (0, 2, 3)
