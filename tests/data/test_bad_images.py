"""Every form of picture becomes 8-bit RGB, and a file that is no whole picture is named in one clear sentence."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from llpp_core.data import crops, load_images
from llpp_core.data.crops import opened

COLOR = (200, 30, 60)


def of_color(mode: str, color: object) -> Image.Image:
    return Image.new(mode, (8, 8), color)  # type: ignore[arg-type]


def grey_16(dtype: str = "<u2") -> Image.Image:
    return Image.fromarray(np.full((8, 8), 90 * 256 + 7, dtype))


def half_transparent_palette() -> Image.Image:
    image = Image.new("P", (8, 8))
    image.putpalette([*COLOR, 1, 2, 3])
    return image


FORMS = {
    "grey": (of_color("L", 90), "png", {}, (90, 90, 90)),
    "grey JPEG": (of_color("L", 90), "jpg", {}, (90, 90, 90)),
    "palette": (of_color("RGB", COLOR).convert("P", palette=Image.Palette.ADAPTIVE), "png", {}, COLOR),
    "palette, its colors opaque": (half_transparent_palette(), "png", {"transparency": b"\xff\x00"}, COLOR),
    "palette, half transparent": (half_transparent_palette(), "png", {"transparency": b"\x80"}, (100, 15, 30)),
    "opaque": (of_color("RGBA", (*COLOR, 255)), "png", {}, COLOR),
    "half transparent": (of_color("RGBA", (*COLOR, 128)), "png", {}, (100, 15, 30)),
    "transparent": (of_color("RGBA", (*COLOR, 0)), "png", {}, (0, 0, 0)),
    "transparent grey": (of_color("LA", (90, 0)), "png", {}, (0, 0, 0)),
    "one color transparent": (of_color("RGB", COLOR), "png", {"transparency": COLOR}, (0, 0, 0)),
    "CMYK JPEG": (of_color("CMYK", (55, 225, 195, 0)), "jpg", {}, COLOR),
    "CMYK TIFF": (of_color("CMYK", (55, 225, 195, 0)), "tif", {}, COLOR),
    "black and white": (of_color("1", 1), "png", {}, (255, 255, 255)),
    "16-bit grey": (grey_16(), "png", {}, (90, 90, 90)),
    "16-bit grey TIFF": (grey_16(), "tif", {}, (90, 90, 90)),
    "16-bit grey TIFF, high byte first": (grey_16(">u2"), "tif", {}, (90, 90, 90)),
    "16-bit grey PGM": (grey_16(), "pgm", {}, (90, 90, 90)),
    "WebP": (of_color("RGB", COLOR), "webp", {"lossless": True}, COLOR),
    "bitmap": (of_color("RGB", COLOR), "bmp", {}, COLOR),
}


def pixel(file: Path) -> torch.Tensor:
    data = load_images([file], size=4, progress=False)
    assert data.images.unique(dim=-1).shape[-1] == 1
    return data.images[0, :, 2, 2]


@pytest.mark.parametrize(("image", "ending", "options", "color"), FORMS.values(), ids=FORMS)
def test_every_form_of_image_is_read_as_rgb(tmp_path: Path, image: Image.Image, ending: str, options, color) -> None:
    file = tmp_path / f"image.{ending}"
    image.save(file, **options)
    assert_close(pixel(file).float(), torch.tensor(color).float(), atol=4, rtol=0)


def png(width: int, height: int, *, bits: int, kind: int, row: bytes) -> bytes:
    """A PNG by hand: Pillow writes none of 16 bits a color."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    body = zlib.compress((b"\0" + row) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_16_bits_a_color_are_read(tmp_path: Path) -> None:
    row = b"".join(struct.pack(">H", c * 256 + 7) for c in COLOR) * 8
    (tmp_path / "deep.png").write_bytes(png(8, 8, bits=16, kind=2, row=row))
    assert pixel(tmp_path / "deep.png").tolist() == list(COLOR)


def test_16_bits_a_color_with_opacity_are_read(tmp_path: Path) -> None:
    row = b"".join(struct.pack(">H", c * 257) for c in (*COLOR, 0)) * 8
    (tmp_path / "deep.png").write_bytes(png(8, 8, bits=16, kind=6, row=row))
    assert pixel(tmp_path / "deep.png").tolist() == [0, 0, 0]


def test_16_bit_grey_that_is_transparent_is_black(tmp_path: Path) -> None:
    grey = struct.pack(">H", 90 * 256 + 7)
    whole = png(8, 8, bits=16, kind=0, row=grey * 8)
    note = b"tRNS" + grey
    whole = whole.replace(whole[33:], struct.pack(">I", 2) + note + struct.pack(">I", zlib.crc32(note)) + whole[33:])
    (tmp_path / "deep.png").write_bytes(whole)
    assert pixel(tmp_path / "deep.png").tolist() == [0, 0, 0]


def test_a_note_to_turn_the_picture_is_not_heeded(tmp_path: Path) -> None:
    # Annotations are in the pixels that the file stores.
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn it a quarter to the right"
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:20] = 255
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    image = load_images([tmp_path / "turned.jpg"], size=4, progress=False).images[0, 0].float()
    assert_close(image[[0, -1]], torch.tensor([[255.0] * 4, [0.0] * 4]), atol=5, rtol=0)  # white above black


def test_of_an_animation_the_first_picture_is_taken(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (8, 8), color) for color in (COLOR, (0, 255, 0)))
    first.save(tmp_path / "moving.gif", save_all=True, append_images=[second])
    assert_close(pixel(tmp_path / "moving.gif").float(), torch.tensor(COLOR).float(), atol=4, rtol=0)


def test_an_image_of_one_pixel_is_an_image(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), COLOR).save(tmp_path / "one.png")
    assert pixel(tmp_path / "one.png").tolist() == list(COLOR)
    boxed = load_images([tmp_path / "one.png"], torch.tensor([[0.0, 0.0, 3.0]]), size=3, progress=False)
    assert boxed.images[0, 0].tolist() == [[0, 0, 0], [0, COLOR[0], 0], [0, 0, 0]]


@pytest.mark.parametrize("shape", [(1, 300), (300, 1)])
def test_an_image_of_one_row_or_column_is_an_image(tmp_path: Path, shape: tuple[int, int]) -> None:
    Image.new("RGB", shape, COLOR).save(tmp_path / "line.png")
    image = load_images([tmp_path / "line.png"], size=300, progress=False).images[0, 0]
    assert int((image == COLOR[0]).sum()) == 300


def noise(path: Path) -> bytes:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    return path.read_bytes()


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of torn TIFFs
@pytest.mark.parametrize("kind", ["cut", "head", "text", "empty"])
@pytest.mark.parametrize("ending", ["jpg", "png", "gif", "webp", "bmp", "tif"])
def test_a_file_that_is_no_whole_image_is_named(tmp_path: Path, kind: str, ending: str) -> None:
    bad = tmp_path / f"bad.{ending}"
    whole = noise(bad)
    bad.write_bytes(
        {"cut": whole[: len(whole) // 2], "head": whole[:30], "text": b"no image\n" * 30, "empty": b""}[kind]
    )
    good = tmp_path / "good.png"
    noise(good)
    said = "it is empty" if kind == "empty" else ".+"
    with pytest.raises(ValueError, match=rf"^\S+bad\.{ending} is no image that can be read whole: {said}$"):
        load_images([good, bad, good], torch.tensor([[3.0, 3.0, 8.0]] * 3), size=4, progress=False)


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(ValueError, match=r"wanted the image .*folder\.jpg, which is a folder"):
        load_images([tmp_path / "folder.jpg"], progress=False)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (Image.fromarray(np.full((8, 8), 0.5, np.float32)), "floating-point numbers"),
        (Image.fromarray(np.full((8, 8), 70_000, np.int32)), "32 bits"),
        (Image.fromarray(np.full((8, 8), -1, np.int32)), "32 bits"),
    ],
)
def test_a_picture_whose_white_nobody_knows_is_refused(tmp_path: Path, image: Image.Image, said: str) -> None:
    image.save(tmp_path / "odd.tif")
    with pytest.raises(ValueError, match=rf"odd\.tif is no image that can be read whole: its pixels .*{said}|{said}"):
        load_images([tmp_path / "odd.tif"], progress=False)


def test_a_picture_that_claims_to_be_enormous_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png(60_000, 60_000, bits=8, kind=2, row=b"")[:60])
    with pytest.raises(ValueError, match=r"bomb\.png is no image that can be read whole: .*decompression bomb"):
        load_images([tmp_path / "bomb.png"], progress=False)


@pytest.mark.parametrize(
    "error", [SyntaxError, EOFError, IndexError, OverflowError, struct.error, zlib.error, TypeError]
)
def test_whatever_a_decoder_stumbles_over_becomes_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    noise(tmp_path / "bad.png")

    def stumbles(file: Path) -> Image.Image:
        raise error("it fell")

    monkeypatch.setattr(crops.Image, "open", stumbles)
    with pytest.raises(ValueError, match=r"^\S+bad\.png is no image that can be read whole: it fell$"):
        opened(tmp_path / "bad.png")


def outcome(file: Path) -> str:
    try:
        return opened(file).mode
    except ValueError as error:
        return str(error).partition(":")[0]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of torn TIFFs
@pytest.mark.parametrize("ending", ["jpg", "png", "gif", "tif", "bmp", "webp", "ppm"])
def test_bytes_that_flip_give_an_image_or_a_sentence(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"flipped.{ending}"
    whole, rng = noise(file), np.random.default_rng(1)
    outcomes = set()
    for _ in range(40):
        torn = bytearray(whole)
        for at in rng.integers(0, rng.choice([40, 200, len(torn)]), 4):
            torn[at] = rng.integers(0, 256)
        file.write_bytes(torn)
        outcomes.add(outcome(file))
    assert outcomes <= {"RGB", f"{file} is no image that can be read whole"}
