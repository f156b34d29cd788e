"""Drawings of loss predictors, with every shape read off the module that is drawn: one SVG, nothing to load."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from torch import nn

from llpp_core.downloads import Table, download
from llpp_core.models.predictors import ConvPredictor, PooledPredictor

WIDTH, ROW, TOP = 360, 31, 96
"""Width of a drawing, height of a row below the feature maps, and where the rows begin, in SVG units."""


@dataclass(frozen=True)
class Drawing:
    """A drawing with what a reader who cannot see it needs.

    Attributes:
        svg: the drawing; it takes its colors from the page.
        caption: what it shows, as HTML.
        alt: what a sighted reader takes from it, as plain text.
        data: what is drawn, column by column.
        name: file name of the data's download, without ending.
    """

    svg: str
    caption: str
    alt: str
    data: Table
    name: str

    def html(self) -> str:
        """Return the drawing for a page."""
        return (
            f'<figure class="llpp-figure llpp-drawing">{self.svg}<figcaption>{self.caption}</figcaption>'
            f"{download(self.data, self.name)}</figure>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/html": self.html(), "text/plain": self.alt}


def predictor_drawing(predictor: PooledPredictor | ConvPredictor, sizes: Sequence[int], *, name: str) -> Drawing:
    """Return a drawing of a loss predictor from its feature maps, fine → coarse, down to l̂.

    Args:
        predictor: the module; channels, kernels, strides and widths are its own.
        sizes: sides of the feature maps in pixels, fine → coarse.
        name: of the method, for caption and alternative text.

    Raises:
        ValueError: another number of sizes than the predictor has feature maps.
    """
    if len(sizes) != len(predictor.channels):
        maps = len(predictor.channels)
        raise ValueError(f"the predictor reads {maps} feature maps: wanted as many sizes, got {list(sizes)}")
    columns = [WIDTH * (i + 0.5) / len(sizes) for i in range(len(sizes))]
    marks = [
        _map(x, size, channels, sizes[0]) for x, size, channels in zip(columns, sizes, predictor.channels, strict=True)
    ]
    shapes = ", ".join(f"{c} × {s} × {s}" for c, s in zip(predictor.channels, sizes, strict=True))
    if isinstance(predictor, ConvPredictor):
        steps = [_step(down) for down in predictor.down]
        gaps = list(pairwise(columns))
        marks += [_arrow(a + 22, 38, b - 33, 38) + _sum(b - 27, 38) for a, b in gaps]
        marks += [_text((a + b) / 2, 12, step) for (a, b), step in zip(gaps, steps, strict=True)]
        marks.append(_arrow(columns[-1], TOP - 8, WIDTH / 2, TOP + 16))
        pooled, how = predictor.channels[-1], "mean over pixels"
        said = (
            "Each map goes through a strided convolution and is added to the next, coarser one; the last is averaged."
        )
        inputs = f"{len(sizes)} maps, each carried down to the next by a convolution (kernel/stride above the arrows)"
    else:
        marks += [_arrow(x, TOP - 8, WIDTH / 2 + (x - WIDTH / 2) * 0.7, TOP + 16) for x in columns]
        pooled, how = sum(predictor.channels), "means, side by side"
        said = "Each map is averaged over its pixels, and the averages are set side by side."
        inputs = f"{len(sizes)} maps"
    widths = [layer.out_features for layer in predictor.layers if isinstance(layer, nn.Linear)]
    y, widest = TOP + 18, max(pooled, *widths)
    marks.append(_bar(y, pooled, widest, how))
    for i, width in enumerate(widths):
        last = i == len(widths) - 1
        marks += [_arrow(WIDTH / 2, y + 14, WIDTH / 2, y + ROW - 1), _bar(y + ROW, width, widest, "θ" if last else "")]
        y += ROW
    marks += [_arrow(WIDTH / 2, y + 14, WIDTH / 2, y + ROW - 3), _text(WIDTH / 2, y + ROW + 10, "l̂ = θᵀw", big=True)]
    marks += [_text(WIDTH / 2 + 6, y + ROW - 6, "w", anchor="start")]
    alt = (
        f"{name}: feature maps (channels × side × side) {shapes}. {said} Fully connected layers follow: "
        f"{' → '.join(map(str, [pooled, *widths]))} → 1."
    )
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {y + ROW + 20}" role="img" aria-label="{html.escape(alt)}" '
        f'style="width: 100%; max-width: {WIDTH * 1.4:.0f}px">{"".join(marks)}</svg>'
    )
    caption = (
        f"<b>{html.escape(name)}</b>: {inputs}, then fully connected layers with a ReLU after each but the last. "
        "Numbers under a map: its side in pixels, and its channels; in a bar: the length of the vector."
    )
    drawn = [f"{c} × {s} × {s}" for c, s in zip(predictor.channels, sizes, strict=True)]
    parts = [*(f"map {i + 1}" for i in range(len(drawn))), how, *(f"layer {i + 1}" for i in range(len(widths))), "l̂"]
    data = {"part": parts, "shape": [*drawn, *map(str, [pooled, *widths, 1])]}
    return Drawing(svg, caption, alt, data, f"predictor_{name}")


def _step(down: nn.Module) -> str:
    layers = [layer for layer in down.modules() if isinstance(layer, nn.Conv2d)]
    sizes = [(layer.kernel_size[0], layer.stride[0]) for layer in layers]
    return ", ".join(f"{kernel}×{kernel}/{stride}" for kernel, stride in sizes)


def _map(x: float | int, size: int, channels: int, largest: int) -> str:
    side = 14 + 26 * (size / largest) ** 0.5
    sheets = "".join(
        f'<rect x="{x - side / 2 + shift:.1f}" y="{38 - side / 2 - shift:.1f}" width="{side:.1f}" height="{side:.1f}" '
        'fill="var(--llpp-wash, #f6f8fa)" stroke="currentColor"/>'
        for shift in (4, 2, 0)
    )
    return sheets + _text(x, 72, f"{size}²") + _text(x, 84, f"{channels} ch.")


def _bar(y: float | int, width: int, widest: int, label: str) -> str:
    length = max(24.0, 300 * width / widest)
    rectangle = (
        f'<rect x="{WIDTH / 2 - length / 2:.1f}" y="{y}" width="{length:.1f}" height="14" rx="2" '
        'fill="var(--llpp-wash, #f6f8fa)" stroke="currentColor"/>'
    )
    beside = length < 5.8 * len(f"{width}: {label}")  # else the label fits inside the bar
    words = _text(WIDTH / 2 + length / 2 + 6, y + 11, label, anchor="start") if beside else ""
    inside = f"{width}" if beside or not label else f"{width}: {label}"
    return rectangle + _text(WIDTH / 2, y + 11, inside) + words


def _arrow(x1: float | int, y1: float | int, x2: float | int, y2: float | int) -> str:
    """Return a line with a head of two strokes."""
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    left = (x2 - 5 * ux - 3 * uy, y2 - 5 * uy + 3 * ux)
    right = (x2 - 5 * ux + 3 * uy, y2 - 5 * uy - 3 * ux)
    head = f"M{left[0]:.1f} {left[1]:.1f}L{x2:.1f} {y2:.1f}L{right[0]:.1f} {right[1]:.1f}"
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}{head}" fill="none" stroke="var(--llpp-muted, #59636e)"/>'


def _sum(x: float | int, y: float | int) -> str:
    return (
        f'<path d="M{x - 5:.1f} {y}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0M{x - 3:.1f} {y}h6M{x:.1f} {y - 3}v6" fill="none" '
        'stroke="currentColor"/>'
    )


def _text(x: float | int, y: float | int, words: str, *, anchor: str = "middle", big: bool = False) -> str:
    size = 14 if big else 10.5
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="currentColor">'
        f"{html.escape(words)}</text>"
    )
