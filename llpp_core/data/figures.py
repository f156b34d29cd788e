"""Rendered stick people: the embedded data set, drawn when no photographs are at hand.

A figure is a list of tapered capsules (a segment with a radius at either end), the things around it are
capsules and boxes. Each gives a signed distance d in pixels; its coverage is α = clamp(1/2 − d, 0, 1), a ramp
one pixel wide, and layers are composed front to back: layer k contributes α_k · Π_{j<k} (1 − α_j) of its
color. That order needs one channel of arithmetic a layer; colors enter by a single matrix product.

Scenes are made for many figures at once, since their tensors are small; pictures for few, so that a layer stays in
the cache, and by as many threads as torch uses.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from llpp_core.data.figure_poses import DRAWS_PER_FIGURE, POSES, Draws
from llpp_core.data.figure_scenes import Scenes, scenes_of
from llpp_core.data.figure_shapes import Layer, distances
from llpp_core.data.pose import LSP_JOINTS, PoseDataset

__all__ = ["POSES", "render_figures"]

SCENES = 512
"""Figures of 64 × 64 pixels whose scenes are made at a time; of larger ones fewer, for the same memory."""
CHUNK = 32
"""Figures painted at a time: a layer of 64 × 64 pixels is then half a MiB and stays in the cache."""

OCCLUDERS = {"everyday": 0.15, "acrobatic": 0.45}
"""Share of figures with something in front of them, where the caller does not say."""


def _compose(layers: list[Layer], background: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 3 s s"]:
    """Paint layers, front first, over a background; colors in 0 to 1. The background is overwritten."""
    n, _, size, _ = background.shape
    x = torch.arange(size, dtype=torch.float32)
    y = x[:, None]
    weights = torch.empty(n, len(layers), size, size)
    clear = torch.ones(n, size, size)  # what the layers so far let through
    for weight, layer in zip(weights.unbind(1), layers, strict=True):
        distance = distances(x, y, layer)
        rim = layer[1][:, 9, None, None]
        shade = (distance * (-0.2 * rim)).add_(1 - 0.25 * rim).clamp_(0.62, 1)  # limbs stand apart
        covered = torch.sub(0.5, distance, out=distance).clamp_(0, 1).mul_(clear)
        clear.sub_(covered)
        torch.mul(covered, shade, out=weight)
    colors = torch.stack([shape[:, 6:9] for _, shape in layers], 2)  # (n, 3, layers)
    painted = colors @ weights.flatten(2)
    return background.mul_(clear[:, None]).add_(painted.view(n, 3, size, size))


def _background(grid: Float[Tensor, "n 3 nodes nodes"], size: int) -> Float[Tensor, "n 3 s s"]:
    """Return a grid of colors drawn large and smooth, in 0 to 1."""
    nodes = grid.shape[-1]
    place = torch.linspace(0, nodes - 1, size)[:, None]
    share = (1 - (place - torch.arange(nodes)).abs()).clamp_min(0)  # (size, nodes), linear between nodes
    share = share * share * (3 - 2 * share)  # and without kinks
    return (share @ grid @ share.T).clamp(0, 1)


def _blurred(image: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 3 s s"]:
    """Return the means of 3 × 3 pixels, at the border of those there are (several times faster than a pooling)."""
    rows = image.clone()
    rows[..., 1:, :] += image[..., :-1, :]
    rows[..., :-1, :] += image[..., 1:, :]
    means = rows.clone()
    means[..., 1:] += rows[..., :-1]
    means[..., :-1] += rows[..., 1:]
    neighbours = torch.full((image.shape[-1],), 3.0)
    neighbours[0] = neighbours[-1] = 2.0
    return means.div_(neighbours).div_(neighbours[:, None])


def _photograph(
    image: Float[Tensor, "n 3 s s"], scenes: Scenes, noise: Float[Tensor, "n s s"]
) -> UInt8[Tensor, "n 3 s s"]:
    """Return what a camera makes of a picture, in 8 bits: haze, blur, uneven light, noise. It is overwritten."""
    across = torch.linspace(-1, 1, image.shape[-1])
    image.lerp_(image.mean((2, 3), keepdim=True), scenes.haze[:, None, None, None])
    image.lerp_(_blurred(image), scenes.blur[:, None, None, None])
    down, right = scenes.tilt[..., None, None].unbind(1)
    light = 1 + down * across[:, None] + right * across  # (n, s, s)
    light = light + scenes.grain[:, None, None] * (noise - 0.5)
    return image.mul_(light[:, None] * 255).add_(0.5).clamp_(0, 255).to(torch.uint8)


def _painted(scenes: Scenes, noise: Float[Tensor, "n s s"]) -> UInt8[Tensor, "n 3 s s"]:
    """Return the pictures of scenes."""
    background = _background(scenes.background, noise.shape[-1])
    return _photograph(_compose(scenes.layers, background), scenes, noise)


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """Give as many threads as torch uses, with torch's own at rest: operations on a chunk are too small to share."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


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
    table, grain = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    images = torch.empty(n, 3, size, size, dtype=torch.uint8)
    joints = torch.empty(n, len(LSP_JOINTS), 2)
    hidden = torch.empty(n, len(LSP_JOINTS), dtype=torch.bool)
    block = max(CHUNK, SCENES * 64**2 // size**2)
    with _threads() as pool:
        for start in range(0, n, block):
            stop = min(start + block, n)
            draw = Draws(torch.rand(stop - start, DRAWS_PER_FIGURE, generator=table))
            scenes = scenes_of(draw, size, poses=poses, occluders=share, clutter=clutter, degradation=degradation)
            joints[start:stop], hidden[start:stop] = scenes.joints, scenes.hidden
            parts = [slice(first, min(first + CHUNK, stop)) for first in range(start, stop, CHUNK)]
            noises = [torch.rand(rows.stop - rows.start, size, size, generator=grain) for rows in parts]
            chunks = [scenes[rows.start - start : rows.stop - start] for rows in parts]
            for rows, pictures in zip(parts, pool.map(_painted, chunks, noises), strict=True):
                images[rows] = pictures
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
