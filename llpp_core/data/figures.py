"""Rendered stick people: the embedded data set, drawn when no photographs are at hand.

A figure is a list of tapered capsules (a segment with a radius at either end), the things around it are
capsules and boxes. Each gives a signed distance d in pixels; its coverage is α = clamp(1/2 − d, 0, 1), a ramp
one pixel wide, and layers are composed front to back: layer k contributes α_k · Π_{j<k} (1 − α_j) of its
color. That order needs one channel of arithmetic a layer; colors enter by a single matrix product.

Difficulty varies on purpose from figure to figure (clutter, camouflage, haze, occluders), since predicting
the loss of a single image is what the book is about. People and poses come from `figure_poses`.
"""

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from llpp_core.data.figure_poses import (
    DRAWS_PER_FIGURE,
    HEAD_PARTS,
    PARTS,
    POSES,
    Draws,
    dress,
    hsv,
    sample_bodies,
)
from llpp_core.data.pose import LSP_JOINTS, PoseDataset

__all__ = ["POSES", "render_figures"]

CHUNK = 32
"""Figures drawn at a time: a layer of 64 × 64 pixels is then half a MiB and stays in the cache."""

OCCLUDERS = {"everyday": 0.15, "acrobatic": 0.45}
EXTENT = {"everyday": (0.9, 0.98), "acrobatic": (0.8, 1.3)}
"""Longer side of a body's bounding box, as a share of the crop's side."""
LARGEST = {"everyday": 1.05, "acrobatic": 1.3}
"""Upper limit of a standing height, as a share of the crop's side, so that a crouching person is no giant."""
JITTER = {"everyday": 0.035, "acrobatic": 0.14}
"""How far the body's middle lies from the crop's, at most, as a share of the crop's side."""

BEHIND = 0.08
"""A joint counts as hidden by the body when a part covers it from this far in front, in standing heights."""

Layer = tuple[str, Tensor]
"""One shape a figure: "capsule" or "box", and (n, 10): six numbers of geometry, RGB, how dark the rim is."""


def _capsule(x: Tensor, y: Tensor, shape: Float[Tensor, "... 10"]) -> tuple[Tensor, Tensor]:
    """Return signed distances to tapered capsules, and the place along them from 0 to 1.

    Args:
        x: places in pixels, broadcast against ``y`` and against ``shape`` without its last axis.
        y: likewise.
        shape: both ends (x, y, x, y) and the radii there, in pixels, then what is not looked at.
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


def _box(x: Tensor, y: Tensor, shape: Float[Tensor, "... 10"]) -> Tensor:
    """Return signed distances to turned boxes, as `_capsule`: middle, half sides, (cos, sin) of the turn."""
    middle_x, middle_y, half_x, half_y, cos, sin = shape[..., :6].unbind(-1)
    x, y = x - middle_x, y - middle_y
    u = (x * cos + y * sin).abs_().sub_(half_x)
    v = (y * cos - x * sin).abs_().sub_(half_y)
    return torch.maximum(u, v, out=u)


def _distance(x: Tensor, y: Tensor, layer: Layer) -> Tensor:
    """Return the signed distances of places (…, …) to one shape a figure: (n, …, …)."""
    kind, shape = layer
    shape = shape[:, None, None]
    return _capsule(x, y, shape)[0] if kind == "capsule" else _box(x, y, shape)


def _compose(layers: list[Layer], background: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 3 s s"]:
    """Paint layers, front first, over a background; colors in 0 to 1. The background is overwritten."""
    n, _, size, _ = background.shape
    x = torch.arange(size, dtype=torch.float32)
    y = x[:, None]
    weights = torch.empty(n, len(layers), size, size)
    clear = torch.ones(n, size, size)  # what the layers so far let through
    for weight, layer in zip(weights.unbind(1), layers, strict=True):
        distance = _distance(x, y, layer)
        rim = layer[1][:, 9, None, None]
        shade = torch.addcmul(1 - 0.25 * rim, distance, -0.2 * rim).clamp_(0.62, 1)  # limbs stand apart
        covered = torch.sub(0.5, distance, out=distance).clamp_(0, 1).mul_(clear)
        clear.sub_(covered)
        torch.mul(covered, shade, out=weight)
    colors = torch.stack([shape[:, 6:9] for _, shape in layers], 2)  # (n, 3, layers)
    painted = colors @ weights.flatten(2)
    return background.mul_(clear[:, None]).add_(painted.view(n, 3, size, size))


def _place(draw: Draws, points: dict[str, Tensor], poses: str, size: int) -> tuple[dict[str, Tensor], Tensor]:
    """Return points (n, 3) as x, y in pixels and depth in heights, and the pixels (n,) a height takes."""
    flat = torch.stack([point[:, :2] for point in points.values()], 1) * torch.tensor((1.0, -1.0))
    low, high = flat.amin(1) - 0.04, flat.amax(1) + 0.04  # 0.04: about the radius of a limb
    extent = draw.between(*EXTENT[poses], 1) / (high - low).amax(1, keepdim=True)
    scale = size * torch.minimum(extent, draw.between(0.9, 1.0, 1) * LARGEST[poses])
    shift = (size - 1) / 2 + draw.around(JITTER[poses] * size, 2) - scale * (low + high) / 2
    flat = flat * scale[:, None] + shift[:, None]
    placed = [torch.cat([xy, point[:, 2:]], 1) for xy, point in zip(flat.unbind(1), points.values(), strict=True)]
    return dict(zip(points, placed, strict=True)), scale[:, 0]


def _body(
    draw: Draws, points: dict[str, Tensor], paints: dict[str, Tensor], scale: Float[Tensor, "n"]
) -> tuple[Float[Tensor, "n parts 10"], Float[Tensor, "n parts 2"]]:
    """Return the parts of the bodies as capsules, front first, and the depths of their two ends."""
    start = torch.stack([points[part.start] for part in PARTS], 1)  # (n, parts, 3)
    end = torch.stack([points[part.end] for part in PARTS], 1)
    order = [part.sorted_by or (part.start, part.end) for part in PARTS]
    near = torch.stack([(points[first][:, 2] + points[last][:, 2]) / 2 for first, last in order], 1)
    build = draw.between(0.92, 1.18, 1).repeat(1, len(PARTS))
    build[:, : len(HEAD_PARTS)] = 1.07  # only trunk and limbs grow stout: a face's features keep their places
    radii = torch.tensor([(part.start_radius, part.end_radius) for part in PARTS])
    radii = radii * (build * scale[:, None])[..., None]
    color = torch.stack([paints[part.paint] for part in PARTS], 1)
    color = (color * (1 + 0.5 * near.clamp(-0.4, 0.3)[..., None])).clamp(0, 1)  # farther is a little darker
    rim = torch.tensor([part.rim for part in PARTS])[:, None].expand(*near.shape, 1)
    parts = torch.cat([start[..., :2], end[..., :2], radii, color, rim, start[..., 2:], end[..., 2:]], 2)
    nearness = near + torch.tensor([part.nearer for part in PARTS])
    front_first = nearness.argsort(dim=1, descending=True, stable=True)
    parts = parts.gather(1, front_first[..., None].expand_as(parts))
    return parts[..., :10], parts[..., 10:]


def _strew(
    draw: Draws,
    kind: str,
    present: Bool[Tensor, "n k"],
    *,
    middle: Float[Tensor, "n k 2"],
    color: Float[Tensor, "n k 3"],
    size: int,
    reach: tuple[float, float],
) -> list[Layer]:
    """Return k layers of turned boxes ("box"), or of bars and discs ("capsule").

    What is not ``present`` covers nothing. ``reach`` bounds half a box's side, or a disc's radius, as a share
    of the crop's side; bars are thinner and longer.
    """
    k = present.shape[1]
    angle = torch.pi * draw.unit(k)
    half = size * draw.between(*reach, k)
    is_bar, length = draw.chance(0.6, k), draw.between(0.1, 0.5, k)
    aspect = draw.between(0.5, 1.5, k)
    absent = torch.where(present, 0.0, -4.0 * size)  # a very negative radius lies outside everywhere
    if kind == "box":
        direction = torch.stack([angle.cos(), angle.sin()], 2)
        shape = [middle, torch.stack([half + absent, half * aspect + absent], 2), direction]
    else:
        length = torch.where(is_bar, size * length, 0.0)
        along = torch.stack([length * angle.cos(), length * angle.sin()], 2)
        radius = torch.where(is_bar, 0.35 * half, half) + absent
        shape = [middle - along, middle + along, torch.stack([radius, radius], 2)]
    return [(kind, layer) for layer in torch.cat([*shape, color, torch.ones(*present.shape, 1)], 2).unbind(1)]


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
    """Return what a camera makes of a picture, in 8 bits: uneven light; haze, blur, noise by its poorness."""
    size = image.shape[-1]
    across = torch.linspace(-1, 1, size)
    tilt = draw.around(0.18, 2, 1)
    light = 1 + tilt[:, :1] * across[:, None] + tilt[:, 1:] * across  # (n, s, s)
    amount = poorness[:, None, None, None]
    image.lerp_(image.mean((2, 3), keepdim=True), 0.6 * amount * draw.unit(1, 1, 1))
    blurred = torch.nn.functional.avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)
    image.lerp_(blurred, (amount * draw.unit(1, 1, 1) * 1.2).clamp_max(1))
    light = light + (0.35 * poorness * draw.unit())[:, None, None] * (noise - 0.5)
    return image.mul_(light[:, None] * 255).add_(0.5).clamp_(0, 255).to(torch.uint8)


def _hidden(
    joints: Float[Tensor, "n joints 3"],
    parts: Float[Tensor, "n parts 10"],
    depth: Float[Tensor, "n parts 2"],
    occluders: list[Layer],
) -> Bool[Tensor, "n joints"]:
    """Return which joints lie under an occluder, or well behind a part of their own body."""
    x, y, z = (joints[:, :, None, i] for i in range(3))
    distance, along = _capsule(x, y, parts[:, None])  # (n, joints, parts)
    surface = torch.lerp(depth[:, None, :, 0], depth[:, None, :, 1], along)
    hidden = ((distance < 0) & (surface > z + BEHIND)).any(2)
    for layer in occluders:
        hidden |= _distance(x, y, layer)[..., 0] < 0
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
    paints = dress(draw, bodies)
    points, scale = _place(draw, bodies, poses, size)
    parts, depth = _body(draw, points, paints, scale)
    joints = torch.stack([points[name] for name in LSP_JOINTS], 1)  # (n, 14, 3): x, y, depth

    hardness = draw.unit() ** 2 * draw.between(0.6, 1.0)  # most are easy, a few are hard in every way
    palette = torch.stack([paints[name] for name in ("skin", "shirt", "trousers", "leg", "arm")], 1)

    def colors(k: int, borrowed: float) -> Tensor:
        plain = hsv(draw.unit(k), 0.7 * draw.unit(k), draw.between(0.1, 1.0, k))
        worn = palette.gather(1, (draw.unit(k) * 5).long()[..., None].expand(-1, -1, 3))
        return torch.where(draw.chance(borrowed, k)[..., None], worn, plain)

    front: list[Layer] = []
    occluded = draw.chance(occluders)
    target = (draw.unit(2) * len(LSP_JOINTS)).long()
    middle = joints[..., :2].gather(1, target[..., None].expand(-1, -1, 2)) + draw.around(0.12 * size, 2, 2)
    choice = draw.unit()
    for index, kind in enumerate(("capsule", "box")):
        present = (occluded & (choice < 0.6 if index else choice > 0.4))[:, None]
        at = middle[:, index : index + 1]
        front += _strew(draw, kind, present, middle=at, color=colors(1, 0.2), size=size, reach=(0.06, 0.13))
    back: list[Layer] = []
    for kind, k, borrowed in (("capsule", 6, 0.6), ("box", 3, 0.25)):
        present = draw.chance(clutter * (0.1 + 1.2 * hardness)[:, None], k)
        at = draw.between(-0.05 * size, 1.05 * size, k, 2)
        back += _strew(draw, kind, present, middle=at, color=colors(k, borrowed), size=size, reach=(0.06, 0.22))
    tone = hsv(draw.unit(), draw.between(0.0, 0.35), draw.between(0.15, 1.0))
    camouflage = clutter * hardness * draw.unit()
    tone = torch.lerp(tone, palette[:, 1], camouflage[:, None])
    background = _background(draw, size, clutter * (0.1 + hardness), tone)
    body = [("capsule", part) for part in parts.unbind(1)]
    image = _compose([*front, *body, *back], background)
    image = _photograph(draw, image, degradation * (0.05 + 0.95 * hardness), noise)
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

    Figure i depends on ``seed``, i and the other arguments, and not on n: the first k of n figures are those
    of ``render_figures(k, seed, …)``.

    Args:
        n: number of figures, 0 or more.
        seed: 0 to 2⁶³ − 1; other seeds give other figures.
        size: side of the square crops in pixels, 16 to 512.
        poses: "everyday" (upright, modest angles) or "acrobatic" (any orientation, wide angles, some cut off
            by the frame).
        occluders: probability, 0 to 1, that something stands in front of a figure; None means 0.15 for
            everyday and 0.45 for acrobatic poses.
        clutter: 0 (a plain gradient behind the figure) to 1: shapes, noise and camouflage in the background.
        degradation: 0 (as drawn) to 1: haze, blur and noise, up to this much.

    Returns:
        A `PoseDataset` in LSP joint order. Joints outside of the frame are not annotated; these, and joints
        behind an occluder or well behind the body, are not visible. ``crop_to_image`` is the identity.

    Raises:
        ValueError: an argument is out of its range.
    """
    if poses not in POSES:
        raise ValueError(f"poses must be one of {', '.join(POSES)}, got {poses!r}")
    share = OCCLUDERS[poses] if occluders is None else occluders
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
