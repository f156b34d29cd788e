"""Failures found against samples looked at: what a person gets who labels from the top of a list (beyond the paper)."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from llpp_core.figures.base import COLORS, NEUTRAL, Figure, new_plot, rounded
from llpp_core.figures.curves import OTHERS

Found: TypeAlias = npt.NDArray[np.float64]
MARKED = 0.1
"""The fraction of the samples at which captions give the curves in numbers."""
POINTS = 200
"""Steps of a curve that are kept, at most: a pool of thousands needs no more to be drawn."""


def failure_curves(
    curves: Mapping[str, Found | tuple[Found, Found, Found]],
    *,
    failures: float,
    where: str,
    band: str = "95 % t-intervals of the mean",
    name: str = "failure_curves",
) -> Figure:
    """Return the fraction of all failures found over the fraction of samples looked at, highest predicted loss first.

    Random order is the diagonal, and an oracle finds nothing but failures until all are found.

    Args:
        curves: (n + 1,) fraction found among the first 0, 1, …, n samples by method, as in
            `metrics.FailureDetection.found`; or three such arrays, a mean and the lower and upper end of its band. A
            band of NaN, as a single repetition has, is left out. A method of `COLORS`, also with more after a colon or
            comma, has its color.
        failures: fraction of the samples that are failures, between 0 and 1.
        where: what the samples are and what a failure is, for the caption.
        band: what the bands are, for the caption.
        name: file name of the data's download, without ending.

    Raises:
        ValueError: no curve, curves of different lengths or of fewer than two points, a curve that leaves 0 to 1, or
            ``failures`` that does not lie between them.
    """
    if not curves or not 0 < failures < 1:
        raise ValueError(f"wanted curves and a fraction of failures between 0 and 1, got {list(curves)} and {failures}")
    middle = {method: c[0] if isinstance(c, tuple) else c for method, c in curves.items()}
    lengths = {method: {len(part) for part in (c if isinstance(c, tuple) else (c,))} for method, c in curves.items()}
    points = len(next(iter(middle.values())))
    if points < 2 or any(found != {points} for found in lengths.values()):
        raise ValueError(f"curves must have one number of points, at least 2, got {lengths}")
    if wrong := [method for method, found in middle.items() if not ((found >= 0) & (found <= 1)).all()]:
        raise ValueError(f"fractions of failures found lie in 0 to 1, not so of {', '.join(wrong)}")
    bands = {method: c[1:] for method, c in curves.items() if isinstance(c, tuple) and np.isfinite(c[1:]).all()}
    kept = np.unique(np.linspace(0, points - 1, min(points, POINTS + 1)).round().astype(int))
    looked = kept / (points - 1)
    oracle = np.minimum(looked / failures, 1)

    plot = new_plot(
        height=400, xaxis_title="fraction of the samples looked at", yaxis_title="fraction of failures found"
    )
    others = iter(OTHERS * len(curves))
    for method, found in middle.items():
        color = COLORS.get(method.replace(":", ",").split(",")[0]) or next(others)
        if method in bands:
            # A band of a mean may leave what a fraction can be; what is drawn does not.
            low, high = (np.clip(end[kept], 0, 1) for end in bands[method])
            plot.add_scatter(
                x=[*looked, *looked[::-1]], y=[*high, *low[::-1]], fill="toself", fillcolor=color, opacity=0.18,
                line={"width": 0}, mode="lines", hoverinfo="skip", showlegend=False, legendgroup=method,
            )  # fmt: skip
        plot.add_scatter(x=looked, y=found[kept], name=method, legendgroup=method, mode="lines", line={"color": color})
    for method, found, dash in (("random", looked, "dot"), ("oracle", oracle, "dash")):
        plot.add_scatter(x=looked, y=found, name=method, mode="lines", line={"color": NEUTRAL, "dash": dash})
    plot.update_xaxes(range=[0, 1])
    plot.update_yaxes(range=[0, 1.02])

    at = {method: float(np.interp(MARKED, np.linspace(0, 1, points), found)) for method, found in middle.items()}
    listed = ", ".join([*(f"{method} {value:.2f}" for method, value in at.items()), f"random {MARKED:.2f}"])
    best = min(MARKED / failures, 1)
    shaded = f" Shaded: {band}." if bands else ""
    ends = {f"{m}, {end}": rounded(b[i][kept]) for m, b in bands.items() for i, end in enumerate(("low", "high"))}
    return Figure(
        plot,
        caption=f"Failures found by going down each list, highest predicted loss first: {where}; {failures:.0%} of the "
        f"samples are failures. After {MARKED:.0%} of the samples: {listed}, oracle {best:.2f}.{shaded}",
        alt=f"Curves of the fraction of failures found over the fraction of samples looked at, {where}. After "
        f"{MARKED:.0%} of the samples: {listed}, oracle {best:.2f}.",
        data={
            "looked at": rounded(looked),
            **{method: rounded(found[kept]) for method, found in middle.items()},
            **ends,
            "random": rounded(looked),
            "oracle": rounded(oracle),
        },
        name=name,
    )
