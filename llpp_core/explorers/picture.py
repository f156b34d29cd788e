"""Static pictures of explorers, as SVG: what a reader sees where no script runs, and on paper.

Plain line drawings in the page's text color (``currentColor``) and the methods' own. They say what the explorer says
in its current state; the live drawing says it better.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Number: TypeAlias = float | int
Point: TypeAlias = tuple[Number, Number]

COLORS = {"ll": "var(--llpp-ll, #d55e00)", "pp": "var(--llpp-pp, #0072b2)", "conv": "var(--llpp-conv, #009e73)"}
"""CSS colors of the methods, by the key that explorers name them with."""

WIDTH, HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 28, 44


@dataclass
class Axes:
    """A drawing with two linear axes, put together mark by mark.

    Attributes:
        x: smallest and largest value of the horizontal axis.
        y: smallest and largest value of the vertical axis.
        title: what the picture shows, for a reader who cannot see it.
        x_title: of the horizontal axis.
        y_title: of the vertical axis.
    """

    x: Point
    y: Point
    title: str
    x_title: str
    y_title: str
    marks: list[str] = field(default_factory=list)

    def at(self, x: Number, y: Number) -> Point:
        """Return the place of a point in pixels."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return _LEFT + across * (WIDTH - _LEFT - _RIGHT), HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM)

    def line(self, xs: Sequence[Number], ys: Sequence[Number], color: str = "currentColor", dash: str = "") -> None:
        """Draw a line through points."""
        places = " ".join("{:.1f},{:.1f}".format(*self.at(x, y)) for x, y in zip(xs, ys, strict=True))
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.marks.append(f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="2"{dashed}/>')

    def dot(self, x: Number, y: Number, color: str = "currentColor", radius: Number = 4.5) -> None:
        """Draw a point."""
        across, down = self.at(x, y)
        self.marks.append(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="{radius:g}" fill="{color}"/>')

    def arrow(self, start: Point, end: Point, color: str = "currentColor") -> None:
        """Draw an arrow from one point to another."""
        (x1, y1), (x2, y2) = self.at(*start), self.at(*end)
        length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1e-9)
        along, aside = (x2 - x1) / length, (y2 - y1) / length
        wings = " ".join(
            f"M{x2:.1f} {y2:.1f}L{x2 - 8 * along + s * 4 * aside:.1f} {y2 - 8 * aside - s * 4 * along:.1f}"
            for s in (-1, 1)
        )
        self.marks.append(
            f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}{wings}" fill="none" stroke="{color}" stroke-width="2"/>'
        )

    def text(self, x: Number, y: Number, words: str, color: str = "currentColor", anchor: str = "start") -> None:
        """Write a few words at a point; ``anchor`` is SVG's: start, middle or end."""
        across, down = self.at(x, y)
        self.marks.append(_text(across, down, words, color, anchor))

    def svg(self) -> str:
        """Return the drawing as an SVG element."""
        return drawing(WIDTH, HEIGHT, self.title, self.inside())

    def inside(self) -> str:
        """Return what the SVG element holds, for a picture of several drawings."""
        (left, bottom), (right, top) = self.at(self.x[0], self.y[0]), self.at(self.x[1], self.y[1])
        frame = f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="currentColor" stroke-opacity="0.4"/>'
        ticks = [
            _text(self.at(value, 0)[0], bottom + 18, f"{value:g}", anchor="middle") for value in _between(*self.x)
        ] + [_text(left - 8, self.at(0, value)[1] + 4, f"{value:g}", anchor="end") for value in _between(*self.y)]
        titles = [
            _text((left + right) / 2, HEIGHT - 6, self.x_title, anchor="middle"),
            _text(0, 14, self.y_title),
        ]
        return "".join([frame, *ticks, *titles, *self.marks])


def drawing(width: Number, height: Number, title: str, inside: str) -> str:
    """Return SVG elements as one picture with an alternative text.

    Args:
        width: in pixels; the picture shrinks with the page.
        height: in pixels.
        title: the alternative text.
        inside: SVG elements.
    """
    return (
        f'<svg class="llpp-picture" role="img" aria-label="{html.escape(title)}" viewBox="0 0 {width:g} {height:g}" '
        f'style="max-width: {width:g}px; width: 100%; height: auto" font-size="13" '
        f'font-family="system-ui, sans-serif">{inside}</svg>'
    )


def _text(x: Number, y: Number, words: str, color: str = "currentColor", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" text-anchor="{anchor}">'
        f"{html.escape(words.replace('-', '−'))}</text>"
    )


def _between(low: Number, high: Number) -> list[Number]:
    return [low, (low + high) / 2, high]
