"""Rendered figures: what is annotated is what was drawn, and the same seed draws the same people."""

import pytest
import torch

from llpp_core.data import figure_poses, figure_shapes, figures
from llpp_core.data.figures import POSES, render_figures
from llpp_core.data.pose import LSP_JOINTS, PoseDataset

N = 64
CLEAN = {"occluders": 0.0, "clutter": 0.0, "degradation": 0.0}


def joint(data: PoseDataset, name: str) -> torch.Tensor:
    return data.joints[:, data.index(name)]


def bodies(poses: str, n: int = 512) -> dict[str, torch.Tensor]:
    table = torch.rand(n, figure_poses.DRAWS_PER_FIGURE, generator=torch.Generator().manual_seed(5))
    return figure_poses.sample_bodies(figure_poses.Draws(table), poses)


def colors_at(data: PoseDataset, places: torch.Tensor) -> torch.Tensor:
    """Colors (n, k, 3) of the pixels nearest to places (n, k, 2)."""
    x, y = places.round().long().clamp(0, data.size - 1).unbind(-1)
    rows = torch.arange(len(data))[:, None]
    return data.images[rows, :, y, x].int()


@pytest.fixture(scope="module", params=POSES)
def data(request: pytest.FixtureRequest) -> PoseDataset:
    return render_figures(N, 3, poses=request.param)


def test_form(data: PoseDataset) -> None:
    assert data.images.shape == (N, 3, 64, 64)
    assert data.images.dtype == torch.uint8
    assert data.joints.dtype == torch.float32
    assert data.joint_names == LSP_JOINTS
    assert data.name.startswith("rendered figures, ")
    assert all(name.startswith(data.name.removeprefix("rendered figures, ")) for name in data.ids)
    assert torch.equal(data.crop_to_image, torch.eye(2, 3).expand(N, 2, 3))
    assert data.images.float().std() > 20


def test_annotated_exactly_inside_of_the_frame(data: PoseDataset) -> None:
    inside = ((data.joints >= -0.5) & (data.joints < data.size - 0.5)).all(2)
    assert torch.equal(data.annotated, inside)
    assert not (data.visible & ~data.annotated).any()
    assert data.annotated.float().mean() > 0.85


def test_only_acrobats_are_cut_off_by_the_frame_often() -> None:
    absent = {poses: (~render_figures(N, 3, poses=poses).annotated).float().mean() for poses in POSES}
    assert absent["everyday"] < 0.01
    assert absent["acrobatic"] > 0.01


@pytest.mark.parametrize("size", [32, 64])
def test_a_figure_depends_on_seed_and_index_only(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = render_figures(40, 11, size=size, poses="acrobatic")
    monkeypatch.setattr(figures, "CHUNK", 7)
    monkeypatch.setattr(figures, "SCENES", 10 * size**2 // 64**2)  # so blocks of 10 figures
    part = render_figures(23, 11, size=size, poses="acrobatic")
    for field in ("images", "joints", "visible", "annotated"):
        assert torch.equal(getattr(whole, field)[:23], getattr(part, field)), field
    assert whole.ids[:23] == part.ids


def test_threads_change_nothing_and_torch_keeps_its_own() -> None:
    alone = render_figures(70, 5)
    torch.set_num_threads(2)
    try:
        together = render_figures(70, 5)
        assert torch.get_num_threads() == 2
        with pytest.raises(RuntimeError, match="dozing"), figures._threads():
            raise RuntimeError("dozing")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert torch.equal(alone.images, together.images)


def test_the_global_random_state_plays_no_part() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first = render_figures(4, 1)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(1)
    assert torch.equal(first.images, render_figures(4, 1).images)
    assert not torch.equal(first.images, render_figures(4, 2).images)
    assert not torch.equal(first.images[0], first.images[1])


@pytest.mark.parametrize("poses", POSES)
def test_joints_lie_on_the_drawn_person(poses: str) -> None:
    # The same seed with another background: what stays as it was is the person.
    plain = render_figures(N, 4, poses=poses, **CLEAN)
    busy = render_figures(N, 4, poses=poses, **(CLEAN | {"clutter": 1.0}))
    assert torch.equal(plain.joints, busy.joints)
    same = ((plain.images.int() - busy.images.int()).abs().amax(1) <= 1).float()
    assert same.mean() < 0.4  # the person and little more
    x, y = plain.joints.round().long().clamp(0, 63).unbind(-1)
    on_person = same[torch.arange(N)[:, None], y, x] > 0
    inner = plain.annotated.clone()
    inner[:, plain.index("head_top")] = False  # lies on the outline
    assert on_person[inner].float().mean() > 0.98
    # and a pixel or two below the head's top, towards the neck, there is hair
    top, neck = joint(plain, "head_top"), joint(plain, "neck")
    below = top + 2 * torch.nn.functional.normalize(neck - top, dim=1)
    unchanged = (colors_at(plain, below[:, None]) - colors_at(busy, below[:, None])).abs().amax(2)[:, 0] <= 1
    assert unchanged[plain.annotated[:, plain.index("head_top")]].float().mean() > 0.9


@pytest.mark.parametrize("poses", POSES)
def test_visible_joints_look_the_same_behind_occluders(poses: str) -> None:
    # The joint itself is not covered; the pixel nearest to it may lie half under the occluder's edge.
    free = render_figures(N, 6, poses=poses, **CLEAN)
    covered = render_figures(N, 6, poses=poses, **(CLEAN | {"occluders": 1.0}))
    change = (colors_at(free, free.joints) - colors_at(covered, free.joints)).abs().amax(2)
    newly_hidden = free.visible & ~covered.visible
    assert (change[covered.visible] <= 8).float().mean() > 0.97
    assert (change[newly_hidden] > 8).float().mean() > 0.9
    assert 0.03 < newly_hidden.float().mean() < 0.5
    assert not (covered.visible & ~free.visible).any()


def test_right_is_on_the_left_of_the_picture_for_upright_people() -> None:
    data = render_figures(N, 7)
    for name in ("shoulder", "hip"):
        apart = joint(data, f"left_{name}")[:, 0] - joint(data, f"right_{name}")[:, 0]
        assert (apart > 0).float().mean() > 0.98
        assert apart.mean() > 4


def test_everyday_people_stand_and_acrobats_point_anywhere() -> None:
    angle = {}
    for poses in POSES:
        data = render_figures(240, 8, poses=poses)
        hips = (joint(data, "right_hip") + joint(data, "left_hip")) / 2
        up = joint(data, "neck") - hips
        angle[poses] = torch.rad2deg(torch.atan2(up[:, 0], -up[:, 1]))
    assert angle["everyday"].abs().max() < 45
    assert angle["everyday"].abs().mean() < 12
    quarters = torch.histc(angle["acrobatic"], bins=4, min=-180, max=180) / 240
    assert quarters.min() > 0.15
    assert quarters.max() < 0.35


def test_everyday_people_fill_most_of_the_frame() -> None:
    data = render_figures(N, 9)
    extent = (data.joints.amax(1) - data.joints.amin(1)).amax(1)
    assert 44 < extent.mean() < 58
    torso = (joint(data, "left_shoulder") - joint(data, "right_hip")).norm(dim=1)
    assert torso.min() > 9
    assert 15 < torso.mean() < 24


@pytest.mark.parametrize("poses", POSES)
def test_limbs_keep_their_lengths(poses: str) -> None:
    points = bodies(poses)
    for first, last, low, high in (
        ("shoulder", "elbow", 0.165, 0.195),
        ("elbow", "wrist", 0.135, 0.165),
        ("hip", "knee", 0.225, 0.265),
        ("knee", "ankle", 0.215, 0.255),
    ):
        length = [(points[f"{side}_{first}"] - points[f"{side}_{last}"]).norm(dim=1) for side in ("right", "left")]
        torch.testing.assert_close(length[0], length[1], atol=1e-5, rtol=0)
        assert low < length[0].min() < length[0].max() < high
    torso = (points["neck"] - points["pelvis"]).norm(dim=1)
    torch.testing.assert_close(torso, torch.full_like(torso, 0.3), atol=1e-5, rtol=0)


def test_joints_bend_the_way_they_can() -> None:
    angles = torch.tensor([[[0.0, 0.0, 0.0, 90.0]] * 2])  # straight down, bent by a right angle
    down = torch.tensor((0.0, -1.0, 0.0))
    forearm, shin = figure_poses._limbs(angles, -1)[1] @ down, figure_poses._limbs(angles, +1)[1] @ down
    torch.testing.assert_close(forearm[0], torch.tensor([[0.0, 0.0, 1.0]] * 2), atol=1e-6, rtol=0)
    torch.testing.assert_close(shin[0], torch.tensor([[0.0, 0.0, -1.0]] * 2), atol=1e-6, rtol=0)
    raised = figure_poses._limbs(torch.tensor([[[0.0, 90.0, 0.0, 0.0]] * 2]), -1)[0] @ down
    torch.testing.assert_close(raised[0, :, 0], torch.tensor((-1.0, 1.0)))  # the right arm to the right


def test_distances_are_those_of_the_shapes() -> None:
    x, y = torch.tensor([[5.0, 12.0, 0.0]]), torch.tensor([[3.0, 0.0, 0.5]])
    capsule = torch.tensor([[0.0, 0.0, 10.0, 0.0, 1.0, 2.0, 0, 0, 0, 1]])
    torch.testing.assert_close(figure_shapes.capsule(x, y, capsule[:, None])[0], torch.tensor([[1.5, 0.0, -0.5]]))
    box = torch.tensor([[5.0, 0.0, 4.0, 1.0, 0.0, 1.0, 0, 0, 0, 1]])  # turned by 90°: one wide, four high
    torch.testing.assert_close(figure_shapes.box(x, y, box[:, None]), torch.tensor([[-1.0, 6.0, 4.0]]))


def test_layers_in_front_cover_layers_behind() -> None:
    def disc(*color: float) -> figures.Layer:
        return "capsule", torch.tensor([[4.0, 4.0, 4.0, 4.0, 3.0, 3.0, *color, 0.0]])

    image = figures._compose([disc(1, 0, 0), disc(0, 1, 0)], torch.full((1, 3, 9, 9), 0.5))
    torch.testing.assert_close(image[0, :, 4, 4], torch.tensor((1.0, 0.0, 0.0)))
    torch.testing.assert_close(image[0, :, 0, 0], torch.full((3,), 0.5))


def test_difficulty_varies_and_follows_its_arguments() -> None:
    def grain(**difficulty: float) -> torch.Tensor:
        images = render_figures(N, 12, **(CLEAN | difficulty)).images.float()
        return (images[..., 1:] - images[..., :-1]).abs().mean((1, 2, 3))

    assert grain(clutter=1.0).mean() > 1.1 * grain().mean()
    ratio = grain(degradation=1.0) / grain()
    assert ratio.max() > 1.5 * ratio.min()


def test_no_figures_at_all() -> None:
    assert len(render_figures(0, 0)) == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"n": -1}, "n must be a whole number from 0 to 10000000, got -1"),
        ({"seed": -4}, "seed must be a whole number from 0 to 9223372036854775807, got -4"),
        ({"size": 8}, "size must be a whole number from 16 to 512, got 8"),
        ({"poses": "flying"}, "poses must be one of everyday, acrobatic, got 'flying'"),
        ({"occluders": 1.5}, "occluders must lie in 0 to 1, got 1.5"),
        ({"clutter": -0.1}, "clutter must lie in 0 to 1, got -0.1"),
        ({"degradation": float("nan")}, "degradation must lie in 0 to 1, got nan"),
    ],
)
def test_bad_input_is_told(arguments: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        render_figures(**({"n": 1, "seed": 0} | arguments))
