"""Joints to Gaussian heatmaps and back, at a quarter of the crop's size, with sub-pixel centers.

Both directions use the package's pixel convention (pixel centers at integers), so crop position x lies at heatmap
position (x + ½) / stride − ½.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

STRIDE = 4
"""Crop pixels for each heatmap pixel."""


def draw(
    joints: Float[Tensor, "n joints 2"],
    annotated: Bool[Tensor, "n joints"],
    size: int,
    *,
    sigma: float = 1.0,
) -> Float[Tensor, "n joints side side"]:
    """Return a Gaussian of peak 1 around each annotated joint; all zeros for a joint that is not annotated.

    Args:
        joints: x, y in crop pixels, not necessarily whole.
        annotated: which joints to draw.
        size: side of the crop in pixels, a multiple of 4; the heatmaps' side is a quarter of it.
        sigma: standard deviation in heatmap pixels, > 0.

    Raises:
        ValueError: ``size`` is no multiple of 4, or ``sigma`` ≤ 0.
    """
    if size % STRIDE or size < STRIDE or not sigma > 0:
        raise ValueError(f"wanted a size that is a multiple of {STRIDE} and sigma above 0, got {size} and {sigma}")
    center = (joints + 0.5) / STRIDE - 0.5
    grid = torch.arange(size // STRIDE, device=joints.device, dtype=joints.dtype)
    # A Gaussian of two variables is a product of two of one: (n, joints, side) twice, not (n, joints, side, side).
    bell = torch.exp(-((grid - center[..., None]) ** 2) / (2 * sigma**2))  # (n, joints, 2, side)
    bell = torch.where(annotated[..., None, None], bell, torch.zeros_like(bell))
    return bell[..., 1, :, None] * bell[..., 0, None, :]


def locate(heatmaps: Float[Tensor, "n joints height width"]) -> Float[Tensor, "n joints 2"]:
    """Return the position of each heatmap's peak in crop pixels, refined below the pixel.

    The highest pixel is moved towards its higher neighbour in x and in y, by the vertex of the parabola through the
    logarithms of the three values: exact for a Gaussian, and at most half a heatmap pixel.
    """
    width = heatmaps.shape[-1]
    peak = heatmaps.flatten(-2).argmax(-1)
    row, column = peak // width, peak % width
    x = column + _offset(_gather_row(heatmaps, row), column)
    y = row + _offset(_gather_row(heatmaps.transpose(-1, -2), column), row)
    return (torch.stack([x, y], dim=-1) + 0.5) * STRIDE - 0.5


def _gather_row(heatmaps: Tensor, row: Tensor) -> Tensor:
    """Return the row of each heatmap that ``row`` (n, joints) names: (n, joints, width)."""
    index = row[..., None, None].expand(*row.shape, 1, heatmaps.shape[-1])
    return heatmaps.gather(-2, index).squeeze(-2)


def _offset(line: Tensor, peak: Tensor) -> Tensor:
    last = line.shape[-1] - 1
    left = line.gather(-1, (peak - 1).clamp_min(0)[..., None]).squeeze(-1)
    middle = line.gather(-1, peak[..., None]).squeeze(-1)
    right = line.gather(-1, (peak + 1).clamp_max(last)[..., None]).squeeze(-1)
    # A network's heatmap may dip below zero; a small floor keeps the logarithm and does not move a clear peak.
    floor = (middle.abs() * 1e-3).clamp_min(1e-12)
    a, b, c = (torch.maximum(v, floor).log() for v in (left, middle, right))
    curvature = a - 2 * b + c
    shift = torch.where(curvature < 0, 0.5 * (a - c) / curvature.clamp_max(-1e-12), torch.zeros_like(curvature))
    inside = (peak > 0) & (peak < last)
    return torch.where(inside, shift.clamp(-0.5, 0.5), torch.zeros_like(shift))
