"""The shapes that rendered figures are made of, as signed distances: tapered capsules and turned boxes.

A layer is one shape in each of n pictures. Its signed distance d in pixels is negative inside; `figures` makes
coverage of it, `figure_scenes` asks which joints lie under it.
"""

import torch
from jaxtyping import Float
from torch import Tensor

Layer = tuple[str, Tensor]
"""One shape a figure: "capsule" or "box", and (n, 10): six numbers of geometry, RGB, how dark the rim is."""


def capsule(x: Tensor, y: Tensor, shape: Float[Tensor, "... 10"]) -> tuple[Tensor, Tensor]:
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
    # Products and sums one by one: torch's fused addcmul does not vectorize over operands that are broadcast.
    off_x, off_y = along * dx, along * dy
    off_x, off_y = torch.sub(x, off_x, out=off_x), torch.sub(y, off_y, out=off_y)
    distance = off_x.square_().add_(off_y.square_()).sqrt_()
    radius = torch.mul(along, end_radius - start_radius, out=off_y).add_(start_radius)
    return distance.sub_(radius), along


def box(x: Tensor, y: Tensor, shape: Float[Tensor, "... 10"]) -> Tensor:
    """Return signed distances to turned boxes, as `capsule`: middle, half sides, (cos, sin) of the turn."""
    middle_x, middle_y, half_x, half_y, cos, sin = shape[..., :6].unbind(-1)
    x, y = x - middle_x, y - middle_y
    u = (x * cos + y * sin).abs_().sub_(half_x)
    v = (y * cos - x * sin).abs_().sub_(half_y)
    return torch.maximum(u, v, out=u)


def distances(x: Tensor, y: Tensor, layer: Layer) -> Tensor:
    """Return the signed distances of places (…, …) to one shape a figure: (n, …, …)."""
    kind, shape = layer
    shape = shape[:, None, None]
    return capsule(x, y, shape)[0] if kind == "capsule" else box(x, y, shape)
