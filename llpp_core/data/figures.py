"""Rendered stick people: the embedded data set, drawn when no photographs are at hand.

A figure is a list of tapered capsules (a segment with a radius at either end) and boxes. Each gives a signed
distance d in pixels; its coverage is clamp(1/2 − d, 0, 1), a ramp one pixel wide, and the layers are composed
front to back: layer k contributes α_k · Π_{j<k} (1 − α_j) of its colour. That order needs one channel of
arithmetic a layer; colours enter by a single matrix product. Bodies come from `figure_poses`.

Difficulty varies on purpose from figure to figure (clutter, camouflage, haze, occluders), since predicting the
loss of a single image is what the book is about.
"""

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from llpp_core.data.figure_poses import DRAWS_PER_FIGURE, POSES, Draws, sample_bodies
from llpp_core.data.pose import LSP_JOINTS, PoseDataset

__all__ = ["POSES", "render_figures"]

CHUNK = 32
"""Figures drawn at a time: a layer of 64 × 64 pixels is then half a MiB and stays in the processor's cache."""

OCCLUDERS = {"everyday": 0.2, "acrobatic": 0.45}
EXTENT = {"everyday": (0.84, 0.95), "acrobatic": (0.8, 1.1)}
"""Longer side of a body's bounding box, as a share of the crop's side."""
LARGEST = {"everyday": 1.0, "acrobatic": 1.2}
"""Upper limit of a standing height, as a share of the crop's side, so that a crouching person is no giant."""
JITTER = {"everyday": 0.05, "acrobatic": 0.09}
"""How far the body's middle lies from the crop's, at most, as a share of the crop's side."""

BEHIND = 0.08
"""A joint counts as hidden by the body when a part covers it from this far in front, in standing heights."""

SKIN = (
    (1.0, 0.86, 0.75),
    (0.95, 0.76, 0.62),
    (0.82, 0.61, 0.45),
    (0.65, 0.45, 0.32),
    (0.46, 0.3, 0.21),
    (0.34, 0.22, 0.16),
)
HAIR = (
    (0.1, 0.08, 0.07),
    (0.25, 0.15, 0.09),
    (0.45, 0.28, 0.14),
    (0.86, 0.7, 0.38),
    (0.62, 0.27, 0.12),
    (0.62, 0.6, 0.58),
)

# start, end, radii at both (standing heights), paint, and what is added to the mean depth for the painter's order:
# arms and thighs in the trunk's own plane are seen in front of it, sleeves over arms, the shirt over the trousers.
_HEAD = (
    ("crown", "nape", 0.058, 0.05, "hair", 0.0),
    ("brow", "chin", 0.049, 0.036, "skin", 0.0),
    ("right_eye", "right_eye", 0.0105, 0.0105, "eyes", 0.0),
    ("left_eye", "left_eye", 0.0105, 0.0105, "eyes", 0.0),
)
_BODY = (
    ("neck", "throat", 0.032, 0.03, "skin", -0.012),
    ("right_armpit", "right_flank", 0.042, 0.046, "shirt", 0.0),
    ("left_armpit", "left_flank", 0.042, 0.046, "shirt", 0.0),
    ("chest", "waist", 0.066, 0.064, "shirt", 0.001),
    ("right_hip", "left_hip", 0.052, 0.052, "trousers", -0.001),
)
_SIDE = (
    ("shoulder", "elbow", 0.03, 0.025, "arm", 0.03),
    ("shoulder", "cuff", 0.037, 0.033, "shirt", 0.031),
    ("elbow", "wrist", 0.025, 0.02, "arm", 0.03),
    ("wrist", "hand", 0.022, 0.024, "skin", 0.032),
    ("hip", "knee", 0.046, 0.034, "leg", 0.01),
    ("hip", "hem", 0.05, 0.042, "trousers", 0.011),
    ("knee", "ankle", 0.034, 0.023, "leg", 0.01),
    ("heel", "toe", 0.026, 0.021, "shoes", 0.012),
)
PARTS = (
    *_HEAD,
    *_BODY,
    *((f"{side}_{part[0]}", f"{side}_{part[1]}", *part[2:]) for side in ("right", "left") for part in _SIDE),
)


def _capsule(x: Tensor, y: Tensor, shape: Float[Tensor, "... 9"]) -> tuple[Tensor, Tensor]:
    """Return signed distances to tapered capsules, and the place along them from 0 to 1.

    Args:
        x: places in pixels, broadcast against ``y`` and against ``shape`` without its last axis.
        y: likewise.
        shape: both ends (x, y, x, y) and the radii there, in pixels; the colour is not looked at.
    """
    ax, ay, bx, by, start_radius, end_radius = shape[..., :6].unbind(-1)
    dx, dy = bx - ax, by - ay
    scale = 1 / (dx * dx + dy * dy).clamp_min(1e-4)
    x, y = x - ax, y - ay
    along = (x * (dx * scale) + y * (dy * scale)).clamp_(0, 1)
    off_x = torch.addcmul(x, along, dx, value=-1)
    off_y = torch.addcmul(y, along, dy, value=-1)
    distance = off_x.square_().addcmul_(off_y, off_y).sqrt_()
    return distance.sub_(start_radius).addcmul_(along, start_radius - end_radius), along


def _box(x: Tensor, y: Tensor, shape: Float[Tensor, "... 9"]) -> Tensor:
    """Return signed distances, as `_capsule`; a shape is the middle (x, y), half sizes, and (cos, sin) of its turn."""
    middle_x, middle_y, half_x, half_y, cos, sin = shape[..., :6].unbind(-1)
    x, y = x - middle_x, y - middle_y
    u = (x * cos + y * sin).abs_().sub_(half_x)
    v = (y * cos - x * sin).abs_().sub_(half_y)
    return torch.maximum(u, v, out=u)


def _compose(
    layers: list[tuple[str, Tensor]], background: Float[Tensor, "n 3 s s"]
) -> Float[Tensor, "n 3 s s"]:
    """Paint layers, front first, each ("capsule" or "box", (n, 9) shapes), over a background; colours in 0 to 1."""
    n, _, size, _ = background.shape
    x = torch.arange(size, dtype=torch.float32)
    y = x[:, None]
    weights = torch.empty(n, len(layers), size, size)
    clear = torch.ones(n, size, size)  # what the layers so far let through
    for weight, (kind, shape) in zip(weights.unbind(1), layers, strict=True):
        shape = shape[:, None, None]
        distance = _capsule(x, y, shape)[0] if kind == "capsule" else _box(x, y, shape)
        shade = torch.sub(0.82, distance, alpha=0.16).clamp_(
            0.7, 1.0
        )  # darker towards the rim: limbs stand apart
        covered = torch.sub(0.5, distance, out=distance).clamp_(0, 1).mul_(clear)
        clear.sub_(covered)
        torch.mul(covered, shade, out=weight)
    colors = torch.stack([shape[:, 6:] for _, shape in layers], 2)  # (n, 3, layers)
    painted = colors @ weights.flatten(2)
    return background.mul_(clear[:, None]).add_(painted.view(n, 3, size, size))


def _hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Float[Tensor, "... 3"]:
    """Return RGB colours; everything in 0 to 1, the hue a circle."""
    ramp = ((6 * hue[..., None] + torch.tensor((0.0, 4.0, 2.0))) % 6 - 3).abs() - 1
    return value[..., None] * (1 - saturation[..., None] * (1 - ramp.clamp(0, 1)))


def _dress(draw: Draws, points: dict[str, Tensor]) -> dict[str, Float[Tensor, "n 3"]]:
    """Draw the paints by name, and add the ends of sleeves and trouser legs to the points."""
    sleeve, hem = draw.between(0.3, 0.9, 1), draw.between(0.45, 0.9, 1)
    long_sleeve, long_hem = draw.chance(0.4, 1), draw.chance(0.65, 1)
    for side in ("right", "left"):
        for start, end, cut, share, long in (
            ("shoulder", "elbow", "cuff", sleeve, long_sleeve),
            ("hip", "knee", "hem", hem, long_hem),
        ):
            first, last = points[f"{side}_{start}"], points[f"{side}_{end}"]
            points[f"{side}_{cut}"] = torch.lerp(first, last, torch.where(long, 1.0, share))
    skin = (
        draw.pick(torch.tensor(SKIN), (0.22, 0.22, 0.17, 0.15, 0.14, 0.1)) * draw.between(0.93, 1.07, 1)
    ).clamp(0, 1)
    hair = draw.pick(torch.tensor(HAIR), (0.25, 0.25, 0.18, 0.14, 0.08, 0.1))
    hue, part, value = draw.unit(), draw.between(0.25, 0.75), draw.unit(2)
    shirt = _hsv(hue, draw.between(0.35, 0.95), 0.5 + 0.5 * value[:, 0])
    trousers = _hsv((hue + part) % 1, draw.between(0.15, 0.8), 0.2 + 0.5 * value[:, 1])
    return {
        "skin": skin,
        "hair": hair,
        "eyes": torch.full_like(skin, 0.06),
        "shirt": shirt,
        "trousers": trousers,
        "arm": torch.where(long_sleeve, shirt, skin),
        "leg": torch.where(long_hem, trousers, skin),
        "shoes": _hsv(draw.unit(), draw.between(0, 0.6), draw.between(0.1, 0.95)),
    }


def _place(draw: Draws, points: dict[str, Tensor], poses: str, size: int) -> tuple[dict[str, Tensor], Tensor]:
    """Return the points as picture x, y in pixels and depth in standing heights, and the pixels a standing height."""
    flat = torch.stack([point[:, :2] for point in points.values()], 1) * torch.tensor((1.0, -1.0))
    low, high = flat.amin(1) - 0.04, flat.amax(1) + 0.04  # 0.04: about the radius of a limb
    extent = draw.between(*EXTENT[poses], 1) / (high - low).amax(1, keepdim=True)
    scale = size * torch.minimum(extent, draw.between(0.9, 1.0, 1) * LARGEST[poses])
    shift = (size - 1) / 2 + draw.around(JITTER[poses] * size, 2) - scale * (low + high) / 2
    flat = flat * scale[:, None] + shift[:, None]
    placed = [
        torch.cat([xy, point[:, 2:]], 1) for xy, point in zip(flat.unbind(1), points.values(), strict=True)
    ]
    return dict(zip(points, placed, strict=True)), scale[:, 0]


def _body(
    draw: Draws, points: dict[str, Tensor], paints: dict[str, Tensor], scale: Float[Tensor, "n"]
) -> tuple[Float[Tensor, "n parts 9"], Float[Tensor, "n parts 2"]]:
    """Return the parts of the bodies as capsules, front first, and the depths of their two ends."""
    starts, ends, start_radii, end_radii, names, bias = zip(*PARTS, strict=True)
    start, end = (torch.stack([points[name] for name in side], 1) for side in (starts, ends))
    build = draw.between(0.92, 1.18, 1).expand(-1, len(PARTS)).clone()
    build[:, : len(_HEAD)] = (
        1.07  # the face's features keep their places: only the limbs and trunk grow stout
    )
    radii = torch.tensor((start_radii, end_radii)).T * (build * scale[:, None])[..., None]
    color = torch.stack([paints[name] for name in names], 1)
    depth = torch.stack([start[..., 2], end[..., 2]], 2)
    near = depth.mean(2, keepdim=True)
    color = (color * (1 + 0.5 * near.clamp(-0.4, 0.3))).clamp(0, 1)  # what is farther away is a little darker
    parts = torch.cat([start[..., :2], end[..., :2], radii, color, depth], 2)
    order = (near[..., 0] + torch.tensor(bias)).argsort(dim=1, descending=True, stable=True)
    parts = parts.gather(1, order[..., None].expand_as(parts))
    return parts[..., :9], parts[..., 9:]


def _strew(
    draw: Draws,
    kind: str,
    present: Bool[Tensor, "n k"],
    *,
    middle: Float[Tensor, "n k 2"],
    color: Float[Tensor, "n k 3"],
    size: int,
    reach: tuple[float, float],
) -> list[tuple[str, Float[Tensor, "n 9"]]]:
    """Return k layers of turned boxes ("box"), or of bars and discs ("capsule"); those not present cover nothing.

    ``reach`` bounds half a side of a box, or the radius of a disc, as a share of the crop's side.
    """
    k = present.shape[1]
    angle = torch.pi * draw.unit(k)
    half = size * draw.between(*reach, k)
    is_bar, length = draw.chance(0.6, k), draw.between(0.1, 0.5, k)
    aspect = draw.between(0.5, 1.5, k)
    absent = torch.where(present, 0.0, -4.0 * size)  # a very negative radius lies outside everywhere
    if kind == "box":
        direction = torch.stack([angle.cos(), angle.sin()], 2)
        shape = [middle, torch.stack([half + absent, half * aspect + absent], 2), direction, color]
    else:
        length = torch.where(is_bar, size * length, 0.0)
        along = torch.stack([length * angle.cos(), length * angle.sin()], 2)
        radius = torch.where(is_bar, 0.35 * half, half) + absent
        shape = [middle - along, middle + along, torch.stack([radius, radius], 2), color]
    return [(kind, layer) for layer in torch.cat(shape, 2).unbind(1)]


def _background(
    draw: Draws, size: int, roughness: Float[Tensor, "n"], tone: Float[Tensor, "n 3"]
) -> Float[Tensor, "n 3 s s"]:
    """Return smooth noise of a given amplitude (0 to 1) on top of a gradient about a tone."""
    nodes = 6
    down = torch.linspace(-1, 1, nodes)
    slope = draw.around(0.22, 2, 1)
    grid = tone[:, :, None, None] + slope[:, :1, :, None] * down[:, None] + slope[:, 1:, :, None] * down
    grid = grid + roughness[:, None, None, None] * (
        draw.between(-0.25, 0.25, 1, nodes, nodes) + draw.between(-0.07, 0.07, 3, nodes, nodes)
    )
    place = torch.linspace(0, nodes - 1, size)[:, None]
    share = (1 - (place - torch.arange(nodes)).abs()).clamp_min(0)  # (size, nodes), linear between nodes
    share = share * share * (3 - 2 * share)  # and without kinks
    return (share @ grid @ share.T).clamp(0, 1)


def _photograph(
    draw: Draws, image: Float[Tensor, "n 3 s s"], poorness: Float[Tensor, "n"], noise: Float[Tensor, "n s s"]
) -> UInt8[Tensor, "n 3 s s"]:
    """Return what a camera makes of a picture, in 8 bits: uneven light, and with poorness haze, blur and noise."""
    size = image.shape[-1]
    across = torch.linspace(-1, 1, size)
    tilt = draw.around(0.18, 2, 1)
    light = 1 + tilt[:, :1] * across[:, None] + tilt[:, 1:] * across  # (n, s, s)
    amount = poorness[:, None, None, None]
    image.lerp_(image.mean((2, 3), keepdim=True), 0.6 * amount * draw.unit(1, 1, 1))
    blurred = torch.nn.functional.avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)
    image.lerp_(blurred, (amount * draw.unit(1, 1, 1) * 1.2).clamp_max(1))
    light = light + (0.02 + 0.3 * poorness * draw.unit())[:, None, None] * (noise - 0.5)
    return image.mul_(light[:, None] * 255).add_(0.5).clamp_(0, 255).to(torch.uint8)


def _hidden(
    joints: Float[Tensor, "n joints 3"],
    parts: Float[Tensor, "n parts 9"],
    depth: Float[Tensor, "n parts 2"],
    occluders: list[tuple[str, Float[Tensor, "n 9"]]],
) -> Bool[Tensor, "n joints"]:
    """Return which joints lie under an occluder, or well behind a part of their own body."""
    x, y, z = (joints[:, :, None, i] for i in range(3))
    distance, along = _capsule(x, y, parts[:, None])  # (n, joints, parts)
    surface = torch.lerp(depth[:, None, :, 0], depth[:, None, :, 1], along)
    hidden = ((distance < 0) & (surface > z + BEHIND)).any(2)
    for kind, shape in occluders:
        distance = (
            _capsule(x, y, shape[:, None, None])[0] if kind == "capsule" else _box(x, y, shape[:, None, None])
        )
        hidden |= distance[..., 0] < 0
    return hidden


def _draw_chunk(
    draw: Draws,
    noise: Float[Tensor, "n s s"],
    *,
    poses: str,
    occluders: float,
    clutter: float,
    degradation: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return images (n, 3, s, s), joints (n, 14, 2) and which joints are hidden (n, 14) of one chunk."""
    size = noise.shape[-1]
    bodies = sample_bodies(draw, poses)
    paints = _dress(draw, bodies)
    points, scale = _place(draw, bodies, poses, size)
    parts, depth = _body(draw, points, paints, scale)
    joints = torch.stack([points[name] for name in LSP_JOINTS], 1)  # (n, 14, 3): x, y, depth

    hardness = draw.unit() ** 1.5 * draw.between(0.6, 1.0)  # most are easy, a few are hard in every way
    palette = torch.stack([paints[name] for name in ("skin", "shirt", "trousers", "leg", "arm")], 1)

    def colors(k: int, borrowed: float) -> Tensor:
        plain = _hsv(draw.unit(k), 0.7 * draw.unit(k), draw.between(0.1, 1.0, k))
        worn = palette.gather(1, (draw.unit(k) * 5).long()[..., None].expand(-1, -1, 3))
        return torch.where(draw.chance(borrowed, k)[..., None], worn, plain)

    front: list[tuple[str, Tensor]] = []
    occluded = draw.chance(occluders)
    target = (draw.unit(2) * len(LSP_JOINTS)).long()
    middle = joints[..., :2].gather(1, target[..., None].expand(-1, -1, 2)) + draw.around(0.12 * size, 2, 2)
    choice = draw.unit()
    for index, kind in enumerate(("capsule", "box")):
        present = (occluded & (choice < 0.6 if index else choice > 0.4))[:, None]
        at = middle[:, index : index + 1]
        front += _strew(draw, kind, present, middle=at, color=colors(1, 0.2), size=size, reach=(0.06, 0.13))
    back: list[tuple[str, Tensor]] = []
    for kind, k, borrowed in (("capsule", 6, 0.6), ("box", 3, 0.25)):
        present = draw.chance(clutter * (0.1 + 1.2 * hardness)[:, None], k)
        at = draw.between(-0.05 * size, 1.05 * size, k, 2)
        back += _strew(
            draw, kind, present, middle=at, color=colors(k, borrowed), size=size, reach=(0.06, 0.22)
        )
    tone = _hsv(draw.unit(), draw.between(0.0, 0.35), draw.between(0.15, 1.0))
    camouflage = clutter * hardness * draw.unit()
    tone = torch.lerp(tone, palette[:, 1], camouflage[:, None])
    background = _background(draw, size, clutter * (0.1 + hardness), tone)
    body = [("capsule", part) for part in parts.unbind(1)]
    image = _compose([*front, *body, *back], background)
    image = _photograph(draw, image, degradation * hardness, noise)
    return image, joints[..., :2], _hidden(joints, parts, depth, front)


def render_figures(
    n: int,
    seed: int,
    *,
    size: int = 64,
    poses: str = "everyday",
    occluders: float | None = None,
    clutter: float = 0.5,
    degradation: float = 0.5,
) -> PoseDataset:
    """Draw n people with exactly known joints.

    Figure i depends on ``seed``, i and the other arguments, and not on n: the first k of n figures are those of
    ``render_figures(k, seed, …)``.

    Args:
        n: number of figures, 0 or more.
        seed: 0 to 2⁶³ − 1; other seeds give other figures.
        size: side of the square crops in pixels, 16 to 512.
        poses: "everyday" (upright, modest angles) or "acrobatic" (any orientation, wide angles, people cut off by
            the frame).
        occluders: probability, 0 to 1, that something stands in front of a figure; None means 0.2 for everyday and
            0.45 for acrobatic poses.
        clutter: 0 (a plain gradient behind the figure) to 1: shapes, noise and camouflage in the background.
        degradation: 0 (as drawn) to 1: haze, blur and noise, up to this much.

    Returns:
        A `PoseDataset` in LSP joint order. Joints outside of the frame are not annotated; joints outside of it,
        behind an occluder or behind the body are not visible. ``crop_to_image`` is the identity.

    Raises:
        ValueError: an argument is out of its range.
    """
    share = OCCLUDERS.get(poses, 0.0) if occluders is None else occluders
    if poses not in POSES:
        raise ValueError(f"poses must be one of {', '.join(POSES)}, got {poses!r}")
    for name, value, low, high in (("n", n, 0, 10**7), ("seed", seed, 0, 2**63 - 1), ("size", size, 16, 512)):
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
    for name, level in (("occluders", share), ("clutter", clutter), ("degradation", degradation)):
        if not 0 <= level <= 1:
            raise ValueError(f"{name} must lie in 0 to 1, got {level!r}")
    scenes, grain = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    images = torch.empty(n, 3, size, size, dtype=torch.uint8)
    joints = torch.empty(n, len(LSP_JOINTS), 2)
    hidden = torch.empty(n, len(LSP_JOINTS), dtype=torch.bool)
    for start in range(0, n, CHUNK):
        rows = slice(start, min(start + CHUNK, n))
        count = rows.stop - rows.start
        draw = Draws(torch.rand(count, DRAWS_PER_FIGURE, generator=scenes))
        noise = torch.rand(count, size, size, generator=grain)
        images[rows], joints[rows], hidden[rows] = _draw_chunk(
            draw, noise, poses=poses, occluders=share, clutter=clutter, degradation=degradation
        )
    inside = ((joints >= -0.5) & (joints < size - 0.5)).all(2)
    return PoseDataset(
        name=f"rendered figures, {poses}",
        images=images,
        joints=joints,
        visible=inside & ~hidden,
        annotated=inside,
        ids=tuple(f"{poses}-{seed}-{i:06d}" for i in range(n)),
        joint_names=LSP_JOINTS,
        crop_to_image=torch.eye(2, 3).repeat(n, 1, 1),
    )
