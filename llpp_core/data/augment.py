"""Random views of a batch of crops, by tensor operations over many at once on whatever device the batch lies on.

Flip (left and right joints change places), rotation, scale, shift and color; joints that leave the frame are marked as
not annotated rather than drawn at the border.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """How far a random view may lie from the crop.

    Attributes:
        flip: chance of a mirror image, 0 to 1.
        rotation: largest turn either way, in degrees.
        scale: largest relative change of size either way, 0 to below 1.
        shift: largest move either way along each axis, as a fraction of the crop's side.
        color: largest relative change of each channel's gain either way, 0 to below 1.
    """

    flip: float = 0.5
    rotation: float = 30.0
    scale: float = 0.2
    shift: float = 0.05
    color: float = 0.2

    def __post_init__(self) -> None:
        fractions = {"scale": self.scale, "color": self.color}
        if not 0 <= self.flip <= 1:
            raise ValueError(f"flip is a chance from 0 to 1, got {self.flip}")
        if not (0 <= self.rotation < math.inf and 0 <= self.shift < math.inf):
            raise ValueError(f"rotation and shift are finite and at least 0, got {self.rotation} and {self.shift}")
        for name, value in fractions.items():
            if not 0 <= value < 1:
                raise ValueError(f"{name} lies from 0 to below 1, got {value}")


def as_input(images: UInt8[Tensor, "n 3 s s"]) -> Float[Tensor, "n 3 s s"]:
    """Return crops as the models read them: float32, 0…255 mapped linearly to −2…2."""
    return images.float() / 63.75 - 2.0


def augment(
    images: UInt8[Tensor, "n 3 s s"],
    joints: Float[Tensor, "n joints 2"],
    annotated: Bool[Tensor, "n joints"],
    *,
    mirror: Sequence[int],
    settings: Augmentation,
    generator: torch.Generator,
) -> tuple[Float[Tensor, "n 3 s s"], Float[Tensor, "n joints 2"], Bool[Tensor, "n joints"]]:
    """Return a random view of each crop as model input, with its joints, and which of them lie in the frame.

    Args:
        images: square crops.
        joints: x, y in crop pixels.
        annotated: which joints are known.
        mirror: each joint's left/right partner (`PoseDataset.mirror`).
        settings: how far the views may lie from the crops.
        generator: a CPU generator, so a seed gives the same views on every device.
    """
    n, size = len(images), images.shape[-1]
    draws = torch.rand(n, 8, generator=generator).to(images.device, non_blocking=True)
    flipped = draws[:, 0] < settings.flip
    spread = 2 * draws[:, 1:] - 1  # each in −1…1
    angle = spread[:, 0] * math.radians(settings.rotation)
    scale = 1 + spread[:, 1] * settings.scale
    shift = spread[:, 2:4] * settings.shift * size  # in pixels of the view
    gain = 1 + spread[:, 4:7] * settings.color

    # A crop point, measured from the center, goes to  scale · R(angle) · mirror · point + shift.
    sign = torch.where(flipped, -1.0, 1.0)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    forward = torch.stack([cos * sign, -sin, sin * sign, cos], dim=1).view(n, 2, 2)
    center = (size - 1) / 2
    moved = torch.einsum("nab,njb->nja", forward, joints - center) + shift[:, None] + center
    swapped = torch.tensor(mirror).to(images.device, non_blocking=True)
    moved = torch.where(flipped[:, None, None], moved[:, swapped], moved)
    known = torch.where(flipped[:, None], annotated[:, swapped], annotated)
    inside = ((moved >= -0.5) & (moved < size - 0.5)).all(-1)

    backward = forward.mT / scale[:, None, None] ** 2  # the inverse of a rotation, mirrored or not, times a scale
    views = torch.empty(n, 3, size, size, device=images.device)
    # A CPU warps few crops at a time, at least one a thread, so that what is computed in between stays in its cache.
    part = max(2, torch.get_num_threads()) if images.device.type == "cpu" else max(n, 1)
    for first in range(0, n, part):
        rows = slice(first, first + part)
        view = _warped(images[rows], backward[rows], shift[rows])
        # Gain, clamp to 0…255, and the models' −2…2, in as few passes as there can be.
        torch.sub(view.mul_(gain[rows, :, None, None] / 63.75).clamp_(0, 4), 2, out=views[rows])
    return views, moved, known & inside


def _warped(
    images: UInt8[Tensor, "n 3 s s"], backward: Float[Tensor, "n 2 2"], shift: Float[Tensor, "n 2"]
) -> Float[Tensor, "n 3 s s"]:
    """Return views, 0…255, whose pixel p is the crop's at backward · (p − shift), both measured from the center.

    Bilinear; 0 outside of the crop. A view's pixel position is a sum of a row's and a column's part, so the grid
    that `grid_sample` reads is one addition a pixel, in two planes; torch's affine_grid multiplies matrices for it
    and takes longer on a CPU than the sampling itself.
    """
    size = images.shape[-1]
    steps = torch.arange(size, device=images.device) - (size - 1) / 2
    backward = backward * (2 / size)  # grid_sample counts in half sides of the crop
    across = backward[:, :, 0, None] * steps - torch.einsum("nab,nb->na", backward, shift)[:, :, None]
    down = backward[:, :, 1, None] * steps
    grid = across[:, :, None, :] + down[:, :, :, None]  # (n, 2, s, s)
    return F.grid_sample(
        images.float(), grid.permute(0, 2, 3, 1), mode="bilinear", padding_mode="zeros", align_corners=False
    )
