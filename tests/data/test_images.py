"""Plain images to be scored: cut as the data sets are, with no joint annotated."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from llpp_core.data import LSP_JOINTS, load_images
from llpp_core.data.augment import as_input


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """40 × 20: red is the column, green the row, blue is 255 throughout."""
    rows, columns = np.mgrid[:20, :40]
    pixels = np.stack([columns, rows, np.full_like(rows, 255)], -1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    return tmp_path / "wide.png"


def test_the_whole_image_lies_in_the_middle_of_its_square(wide: Path) -> None:
    data = load_images([wide], size=40, progress=False)
    image = data.images[0]
    assert image[2, :10].unique().tolist() == [0]
    assert image[2, 10:30].unique().tolist() == [255]
    assert image[2, 30:].unique().tolist() == [0]
    assert image[0, 15].tolist() == list(range(40))
    assert image[1, 10:30, 7].tolist() == list(range(20))
    assert_close(data.crop_to_image[0], torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, -10.0]]))


@pytest.mark.parametrize(("width", "height"), [(42, 20), (41, 20), (40, 20), (20, 42), (1, 2), (7, 7)])
def test_the_whole_image_is_in_its_square_and_no_more_than_a_pixel_off_its_middle(
    tmp_path: Path, width: int, height: int
) -> None:
    Image.new("RGB", (width, height), (255, 255, 255)).save(tmp_path / "white.png")
    side = max(width, height)
    shown = load_images([tmp_path / "white.png"], size=side, progress=False).images[0, 0] == 255
    for across, extent in ((0, width), (1, height)):
        inside = shown.any(across).nonzero().flatten()
        before, after = int(inside[0]), side - 1 - int(inside[-1])
        assert len(inside) == extent
        assert abs(before - after) <= (side - extent) % 2


def test_a_box_is_center_and_side(wide: Path) -> None:
    data = load_images([wide], torch.tensor([[11.5, 7.5, 4.0]]), size=4, progress=False)
    assert data.images[0, 0, 0].tolist() == [10, 11, 12, 13]
    assert data.images[0, 1, :, 0].tolist() == [6, 7, 8, 9]


def test_nothing_is_annotated_and_the_joints_are_the_models(wide: Path) -> None:
    data = load_images([wide], size=8, progress=False)
    assert data.joint_names == LSP_JOINTS
    assert not bool(data.annotated.any() | data.visible.any())
    assert bool(torch.isfinite(data.joints).all())  # nothing computed with them, and masked, turns to NaN
    assert data.head_length is None
    assert load_images([wide], size=8, joint_names=["nose"], progress=False).joints.shape == (1, 1, 2)
    assert as_input(data.images).shape == (1, 3, 8, 8)


def test_ids_are_the_files_as_given_and_a_file_may_come_again(wide: Path) -> None:
    boxes = torch.tensor([[5.0, 5.0, 8.0], [20.0, 10.0, 8.0], [30.0, 10.0, 8.0]])
    data = load_images([wide, str(wide), wide], boxes, size=8, progress=False)
    assert data.ids == (str(wide), f"{wide}#2", f"{wide}#3")
    assert data.files == (str(wide),) * 3
    assert len({tuple(image.flatten().tolist()) for image in data.images}) == 3


def test_a_file_may_be_called_as_the_second_time_of_another(wide: Path) -> None:
    other = wide.rename(wide.with_name("wide.png#2"))
    wide.hardlink_to(other)
    data = load_images([wide, wide, other, wide], size=8, progress=False)
    assert data.ids == (str(wide), f"{wide}#3", str(other), f"{wide}#4")


def test_files_of_one_name_in_two_folders_are_two(wide: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / wide.name
    Image.new("RGB", (40, 20)).save(other)
    data = load_images([wide, other], size=8, progress=False)
    assert data.ids == (str(wide), str(other))
    assert float(data.images[0].float().mean()) > float(data.images[1].float().mean()) == 0


def test_pictures_are_not_kept_unless_asked(wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLPP_CACHE", str(tmp_path / "kept"))
    first = load_images([wide], size=8, progress=False)
    assert not (tmp_path / "kept").exists()
    assert torch.equal(load_images([wide], size=8, cache=True, progress=False).images, first.images)
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_one_path_is_no_list(wide: Path) -> None:
    with pytest.raises(ValueError, match=r"wanted a list of image files, got one path: .*wide\.png"):
        load_images(str(wide))


def test_no_image_is_an_empty_data_set() -> None:
    assert len(load_images([], size=8, progress=False)) == 0


@pytest.mark.parametrize("shape", [(2, 3), (1, 4), (3,)])
@pytest.mark.usefixtures("as_users_run_it")
def test_boxes_are_three_numbers_for_each_file(wide: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ValueError, match="wanted a center x, center y and side for each of 1 images, got boxes of shape"
    ):
        load_images([wide], torch.ones(shape), progress=False)


def test_a_person_out_of_the_picture_is_named(wide: Path) -> None:
    with pytest.raises(
        ValueError, match=r"wide\.png: wanted a square that meets its 40×20 pixels, got columns 96 to 103"
    ):
        load_images([wide], torch.tensor([[100.0, 10.0, 8.0]]), progress=False)


def test_a_missing_image_is_named_before_any_is_read(wide: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"wanted the image .*gone\.jpg, which is not there"):
        load_images([wide, tmp_path / "gone.jpg"], progress=False)
