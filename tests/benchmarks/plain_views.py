"""The twin of batched augmentation and heatmaps: what one would write first, an image at a time."""

import math

import numpy as np
import torch
from PIL import Image

from llpp_core.data import heatmaps

SIGMA = 1.0


def views_one_by_one(data, rows, draws, settings):
    """Return views, heatmaps and known joints of some rows of a data set, from 8 numbers a row as `augment` uses them.

    The views lie channels last in memory, as Pillow gives them.
    """
    images, joints, annotated = data.images.numpy(), data.joints.numpy(), data.annotated.numpy()
    parts = [
        _view(images[i].transpose(1, 2, 0), joints[i], annotated[i], draw, mirror=data.mirror, settings=settings)
        for i, draw in zip(rows, draws, strict=True)
    ]
    return tuple(torch.from_numpy(np.stack(part)) for part in zip(*parts, strict=True))


def _view(image, joints, annotated, draw, *, mirror, settings):
    size = len(image)
    spread = 2 * draw[1:] - 1
    flipped = draw[0] < settings.flip
    angle, scale = spread[0] * math.radians(settings.rotation), 1 + spread[1] * settings.scale
    shift = spread[2:4] * settings.shift * size
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turn = turn @ np.diag([-1.0 if flipped else 1.0, 1.0])
    center = np.array([size / 2, size / 2])  # Pillow's pixel centers lie at halves
    back = np.linalg.inv(turn)
    offset = center - back @ (center + shift)
    matrix = (back[0, 0], back[0, 1], offset[0], back[1, 0], back[1, 1], offset[1])
    view = Image.fromarray(image).transform((size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    pixels = np.asarray(view, dtype=np.float32) * (1 + spread[4:7] * settings.color)
    pixels = np.clip(pixels, 0, 255) / 63.75 - 2
    moved = (joints - (size - 1) / 2) @ turn.T + (size - 1) / 2 + shift
    if flipped:
        moved, annotated = moved[list(mirror)], annotated[list(mirror)]
    side = size // heatmaps.STRIDE
    rows, columns = np.mgrid[:side, :side]
    maps = np.zeros((len(joints), side, side), dtype=np.float32)
    known = annotated & ((moved >= -0.5) & (moved < size - 0.5)).all(1)
    for j, (x, y) in enumerate(moved):
        if known[j]:
            u, v = ((place + 0.5) / heatmaps.STRIDE - 0.5 for place in (x, y))
            maps[j] = np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / (2 * SIGMA**2))
    return pixels.transpose(2, 0, 1).astype(np.float32), maps, known
