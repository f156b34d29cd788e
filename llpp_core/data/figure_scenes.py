"""What is in the picture of a rendered figure: a dressed body in the frame, things around it, light and lens.

Difficulty varies on purpose from figure to figure (clutter, camouflage, haze, occluders), since predicting
the loss of a single image is what the book is about. People and poses come from `figure_poses`; `figures` paints
the scenes.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from llpp_core.data.figure_poses import HEAD_PARTS, PARTS, Draws, dress, hsv, sample_bodies
from llpp_core.data.figure_shapes import Layer, capsule, distances
from llpp_core.data.pose import LSP_JOINTS

EXTENT = {"everyday": (0.9, 0.98), "acrobatic": (0.8, 1.3)}
"""Longer side of a body's bounding box, as a share of the crop's side."""
LARGEST = {"everyday": 1.05, "acrobatic": 1.3}
"""Upper limit of a standing height, as a share of the crop's side, so that a crouching person is no giant."""
JITTER = {"everyday": 0.035, "acrobatic": 0.14}
"""How far the body's middle lies from the crop's, at most, as a share of the crop's side."""

BEHIND = 0.08
"""A joint counts as hidden by the body when a part covers it from this far in front, in standing heights."""


NODES = 6
"""Nodes along a side of the grid that a background's noise is interpolated from."""


@dataclass(frozen=True)
class Scenes:
    """The scenes of n figures.

    Attributes:
        layers: the shapes, front first.
        background: (n, 3, nodes, nodes) colors of the background at the nodes of a grid, in 0 to 1.
        tilt: (n, 2) relative change of the light from the middle to the border, downward and across.
        haze: (n,) how far colors fade into their mean, 0 to 1.
        blur: (n,) share of a blurred picture in the picture, 0 to 1.
        grain: (n,) amplitude of the noise, as a share of the light.
        joints: (n, 14, 2) x, y in pixels.
        hidden: (n, 14) which joints lie under an occluder, or well behind a part of their own body.
    """

    layers: list[Layer]
    background: Float[Tensor, "n 3 nodes nodes"]
    tilt: Float[Tensor, "n 2"]
    haze: Float[Tensor, "n"]
    blur: Float[Tensor, "n"]
    grain: Float[Tensor, "n"]
    joints: Float[Tensor, "n 14 2"]
    hidden: Bool[Tensor, "n 14"]

    def __getitem__(self, rows: slice) -> "Scenes":
        """Return the scenes of some of the figures."""
        layers = [(kind, shape[rows]) for kind, shape in self.layers]
        others = (self.background, self.tilt, self.haze, self.blur, self.grain, self.joints, self.hidden)
        return Scenes(layers, *(tensor[rows] for tensor in others))


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
    draw: Draws, roughness: Float[Tensor, "n"], tone: Float[Tensor, "n 3"]
) -> Float[Tensor, "n 3 nodes nodes"]:
    """Return noise of a given amplitude (0 to 1) on top of a gradient about a tone, at the nodes of a grid."""
    down = torch.linspace(-1, 1, NODES)
    slope = draw.around(0.22, 2, 1)
    grid = tone[:, :, None, None] + slope[:, :1, :, None] * down[:, None] + slope[:, 1:, :, None] * down
    return grid + roughness[:, None, None, None] * (
        draw.between(-0.25, 0.25, 1, NODES, NODES) + draw.between(-0.07, 0.07, 3, NODES, NODES)
    )


def _hidden(
    joints: Float[Tensor, "n joints 3"],
    parts: Float[Tensor, "n parts 10"],
    depth: Float[Tensor, "n parts 2"],
    occluders: list[Layer],
) -> Bool[Tensor, "n joints"]:
    """Return which joints lie under an occluder, or well behind a part of their own body."""
    x, y, z = (joints[:, :, None, i] for i in range(3))
    distance, along = capsule(x, y, parts[:, None])  # (n, joints, parts)
    surface = torch.lerp(depth[:, None, :, 0], depth[:, None, :, 1], along)
    hidden = ((distance < 0) & (surface > z + BEHIND)).any(2)
    for layer in occluders:
        hidden |= distances(x, y, layer)[..., 0] < 0
    return hidden


def scenes_of(draw: Draws, size: int, *, poses: str, occluders: float, clutter: float, degradation: float) -> Scenes:
    """Return a scene for every row of random numbers; arguments as `figures.render_figures` has them."""
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
    background = _background(draw, clutter * (0.1 + hardness), tone)
    poorness = degradation * (0.05 + 0.95 * hardness)
    return Scenes(
        layers=[*front, *(("capsule", part) for part in parts.unbind(1)), *back],
        background=background,
        tilt=draw.around(0.18, 2),
        haze=0.6 * poorness * draw.unit(),
        blur=(poorness * draw.unit() * 1.2).clamp_max(1),
        grain=0.35 * poorness * draw.unit(),
        joints=joints[..., :2],
        hidden=_hidden(joints, parts, depth, front),
    )
