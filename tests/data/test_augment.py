"""Augmentation: a dot in the picture goes where its joint goes."""

import math

import pytest
import torch
from torch.testing import assert_close

from llpp_core.data.augment import Augmentation, as_input, augment

SIZE = 65  # odd, so that a pixel lies in the very middle
MIRROR = [1, 0, 2]
STILL = {"flip": 0.0, "rotation": 0.0, "scale": 0.0, "shift": 0.0, "color": 0.0}


def dots(n: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    """Images with one soft dot a joint, each joint's in a color channel of its own, and the joints."""
    joints = torch.tensor([[20.0, 24.0], [44.0, 22.0], [30.0, 43.0]])
    grid = torch.arange(SIZE, dtype=torch.float32)
    square = (grid[:, None] - joints[:, 1, None, None]) ** 2 + (grid - joints[:, 0, None, None]) ** 2
    image = 255 * torch.exp(-square / (2 * 2.0**2))
    return image.round().to(torch.uint8).expand(n, -1, -1, -1), joints.expand(n, -1, -1)


def view(images: torch.Tensor, joints: torch.Tensor, seed: int = 0, annotated: torch.Tensor | None = None, **settings):
    known = torch.ones(joints.shape[:2], dtype=torch.bool) if annotated is None else annotated
    generator = torch.Generator().manual_seed(seed)
    return augment(
        images, joints, known, mirror=MIRROR, settings=Augmentation(**{**STILL, **settings}), generator=generator
    )


def centers(views: torch.Tensor) -> torch.Tensor:
    """The center of mass of each channel: (n, 3, 2) as x, y."""
    mass = views + 2  # black is −2
    grid = torch.arange(SIZE, dtype=torch.float32)
    total = mass.sum((-2, -1))
    return torch.stack([(mass.sum(-2) * grid).sum(-1), (mass.sum(-1) * grid).sum(-1)], -1) / total[..., None]


@pytest.mark.parametrize(
    "settings",
    [{"rotation": 40.0}, {"scale": 0.25}, {"shift": 0.1}, {"rotation": 25.0, "scale": 0.2, "shift": 0.08}],
    ids=str,
)
def test_a_dot_goes_where_its_joint_goes(settings: dict[str, float]) -> None:
    images, joints = dots()
    views, moved, known = view(images, joints, **settings)
    assert bool(known.all())
    assert_close(centers(views), moved, atol=0.1, rtol=0)
    assert float((moved - joints).norm(dim=-1).max()) > 2  # something did move
    assert len({round(float(x), 3) for x in moved[:, 0, 0]}) == len(moved)  # each sample in its own way


def test_a_flip_mirrors_the_picture_and_swaps_left_and_right() -> None:
    images, joints = dots(4)
    views, moved, _ = view(images, joints, flip=1.0)
    assert_close(views, as_input(images).flip(-1), atol=1e-3, rtol=0)
    mirrored = joints.clone()
    mirrored[..., 0] = SIZE - 1 - mirrored[..., 0]
    assert_close(moved, mirrored[:, MIRROR])


def test_a_flip_swaps_the_flags_of_left_and_right() -> None:
    images, joints = dots(4)
    annotated = torch.tensor([True, False, True]).expand(4, 3)
    assert view(images, joints, annotated=annotated, flip=1.0)[2].tolist() == [[False, True, True]] * 4
    assert view(images, joints, annotated=annotated, flip=0.0)[2].tolist() == [[True, False, True]] * 4


def test_flipped_and_turned_dots_still_go_with_their_joints() -> None:
    images, joints = dots(32)
    views, moved, known = view(images, joints, flip=0.5, rotation=20.0, scale=0.1, shift=0.05)
    found = centers(views)
    plain, swapped = (found - moved).norm(dim=-1).amax(1), (found[:, MIRROR] - moved).norm(dim=-1).amax(1)
    assert bool(known.all())
    assert float(torch.minimum(plain, swapped).max()) < 0.1
    assert 6 <= int((swapped < plain).sum()) <= 26  # about half are flipped


def test_zero_settings_change_nothing() -> None:
    images, joints = dots()
    noisy = torch.randint(0, 256, images.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    views, moved, known = view(noisy, joints)
    assert_close(views, as_input(noisy), atol=2e-3, rtol=0)
    assert torch.equal(moved, joints)
    assert bool(known.all())


def test_joints_that_leave_the_frame_are_no_longer_annotated() -> None:
    images, joints = dots(200)
    joints = joints.clone()
    joints[:, 2] = torch.tensor([2.0, 62.0])
    _, moved, known = view(images, joints, rotation=45.0, shift=0.2)
    inside = ((moved >= -0.5) & (moved < SIZE - 0.5)).all(-1)
    assert torch.equal(known, inside)
    assert 0 < int((~known).sum()) < known.numel()


@pytest.mark.parametrize(("x", "inside"), [(-0.5, True), (-0.51, False), (64.49, True), (64.5, False)])
def test_the_frame_ends_half_a_pixel_beyond_the_outer_centres(x: float, inside: bool) -> None:
    images, joints = dots(1)
    joints = joints.clone()
    joints[0, 2, 0] = x
    assert bool(view(images, joints)[2][0, 2]) is inside


def test_what_is_not_annotated_stays_so_whatever_stands_there() -> None:
    images, joints = dots(4)
    joints = joints.clone()
    joints[:, 2] = torch.nan
    known = view(images, joints, annotated=torch.tensor([True, True, False]).expand(4, 3), rotation=30.0)[2]
    assert known.tolist() == [[True, True, False]] * 4


def test_a_seed_gives_the_same_views_and_another_gives_others() -> None:
    images, joints = dots(4)
    settings = {"flip": 0.5, "rotation": 30.0, "scale": 0.2, "shift": 0.1, "color": 0.2}
    first, again, other = (view(images, joints, seed, **settings)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_settings_do_not_change_how_much_randomness_is_used() -> None:
    images, joints = dots(4)
    states = []
    for settings in (STILL, {**STILL, "rotation": 30.0, "flip": 0.5}):
        generator = torch.Generator().manual_seed(3)
        known = torch.ones(4, 3, dtype=torch.bool)
        chosen = Augmentation(**settings)
        augment(images, joints, known, mirror=MIRROR, settings=chosen, generator=generator)
        states.append(generator.get_state())
    assert torch.equal(*states)


def test_ranges_are_kept_and_used() -> None:
    images, joints = dots(500)
    center = (SIZE - 1) / 2
    arm = joints[0, 0] - center
    moved = view(images, joints, rotation=30.0)[1][:, 0] - center
    turn = torch.atan2(moved[:, 1], moved[:, 0]) - math.atan2(arm[1], arm[0])
    turn = torch.rad2deg(torch.remainder(turn + math.pi, 2 * math.pi) - math.pi)
    assert 28 < float(turn.max()) <= 30.01
    assert -30.01 <= float(turn.min()) < -28
    ratio = (view(images, joints, scale=0.2)[1][:, 0] - center).norm(dim=-1) / arm.norm()
    assert 0.799 <= float(ratio.min()) < 0.82
    assert 1.18 < float(ratio.max()) <= 1.201
    shift = (view(images, joints, shift=0.1)[1] - joints)[:, 0] / SIZE
    assert 0.095 < float(shift.abs().max()) <= 0.1001


def test_color_scales_each_channel_by_its_own_gain() -> None:
    images = torch.full((200, 3, 8, 8), 100, dtype=torch.uint8)
    views, _, _ = view(images, torch.zeros(200, 3, 2), color=0.2)
    values = (views + 2) * 63.75
    assert_close(values.amax((-2, -1)), values.amin((-2, -1)), atol=1e-2, rtol=0)  # one gain over a channel
    gains = values[:, :, 4, 4] / 100
    assert 0.799 < float(gains.min()) < 0.83
    assert 1.17 < float(gains.max()) < 1.201
    assert float((gains[:, 0] - gains[:, 1]).abs().max()) > 0.1


def test_color_never_leaves_the_range_of_the_input() -> None:
    views, _, _ = view(torch.full((50, 3, 8, 8), 255, dtype=torch.uint8), torch.zeros(50, 3, 2), color=0.5)
    assert float(views.max()) <= 2.0
    assert float(views.min()) >= -2.0


def test_as_input_maps_bytes_to_minus_two_to_two() -> None:
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    assert_close(as_input(images).flatten(), torch.tensor([-2.0, -1.2, 2.0]))


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("flip", 1.1, "flip is a chance"),
        ("flip", -0.1, "flip is a chance"),
        ("flip", float("nan"), "flip is a chance"),
        ("rotation", -1.0, "at least 0"),
        ("shift", -0.1, "at least 0"),
        ("rotation", float("nan"), "at least 0"),
        ("shift", float("nan"), "at least 0"),
        ("scale", 1.0, "scale lies from 0 to below 1"),
        ("scale", float("nan"), "scale lies from 0 to below 1"),
        ("color", -0.1, "color lies from 0 to below 1"),
    ],
)
def test_settings_out_of_range_are_refused(setting: str, value: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Augmentation(**{setting: value})
