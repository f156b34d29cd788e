"""Curves over one quantity: the plain figure of the theory chapters."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from llpp_core.figures.base import COLORS, NEUTRAL, Figure, new_plot, rounded

OTHERS = ("#CC79A7", "#E69F00", "#999933", "#7F7F7F", "#AA4499")
"""Colors for what is no method of its own, to be seen on light and dark pages: Okabe and Ito's that no method has
in either, then Tol's olive and purple with a gray between."""


def curves(
    x: Sequence[float] | npt.NDArray[np.float64],
    series: Mapping[str, Sequence[float] | npt.NDArray[np.float64]],
    *,
    titles: tuple[str, str],
    caption: str,
    alt: str,
    name: str,
    log_x: bool = False,
    log_y: bool = False,
    level: float | None = None,
    digits: int = 6,
) -> Figure:
    """Return one curve for each series over ``x``.

    Args:
        x: (points,) values of the horizontal axis.
        series: (points,) values by name; a name of `COLORS`, or one that begins with it and a colon or comma, has that
            method's color.
        titles: of the horizontal and the vertical axis.
        caption: what the figure shows and what to see in it, as HTML.
        alt: the same for a reader who cannot see it, as plain text.
        name: file name of the data's download, without ending.
        log_x: whether the horizontal axis is logarithmic.
        log_y: whether the vertical axis is logarithmic.
        level: a value to mark with a dotted line, or None.
        digits: decimals kept in the data.

    Raises:
        ValueError: a series is not as long as ``x``.
    """
    if wrong := [key for key, values in series.items() if len(values) != len(x)]:
        raise ValueError(f"figure {name!r}: {', '.join(wrong)} must have {len(x)} values, as x has")
    plot = new_plot(height=380, xaxis_title=titles[0], yaxis_title=titles[1])
    palette = iter(OTHERS * (len(series) // len(OTHERS) + 1))
    for key, values in series.items():
        method = key.replace(":", ",").split(",")[0]
        plot.add_scatter(x=x, y=values, name=key, line={"color": COLORS.get(method) or next(palette)})
    plot.update_xaxes(type="log" if log_x else "linear")
    plot.update_yaxes(type="log" if log_y else "linear")
    if level is not None:
        plot.add_hline(y=level, line={"dash": "dot", "color": NEUTRAL})
    data = {titles[0]: rounded(np.asarray(x), digits)}
    return Figure(plot, caption, alt, {**data, **{k: rounded(np.asarray(v), digits) for k, v in series.items()}}, name)
