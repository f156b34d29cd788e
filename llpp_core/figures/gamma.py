"""Pairs of gamma losses as pictures: how many are too close to call, and how hard each objective pushes them.

Drawn from what `llpp_core.analysis.gamma_pairs` and `llpp_core.analysis.noise` compute; the printed points are those of
Tables 1 and 2 of Shukla & Ahmed (CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370). The colors of the methods stay theirs:
a shape k has one of the palette's other colors and a dash of its own.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import gamma

from llpp_core.analysis.gamma_fit import GammaFit
from llpp_core.analysis.printed import GapTable
from llpp_core.figures.base import COLORS, NEUTRAL, Figure, new_plot

Array = npt.NDArray[np.float64]
Values = Sequence[float] | Array

SHAPE_COLORS = ("#E69F00", "#56B4E9", "#CC79A7")
SHAPE_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
BAND = "#CC79A7"


def loss_fits(losses: Mapping[str, Values], fits: Mapping[str, GammaFit], *, label: str = "loss_fits") -> Figure:
    """Return histograms of losses with the density of the gamma distribution fitted to each, one panel below another.

    Args:
        losses: true losses > 0 by name.
        fits: the fit to each, under the same names.
        label: file name of the data's download, without ending.

    Raises:
        ValueError: losses and fits have different names.
    """
    if list(losses) != list(fits):
        raise ValueError(f"losses and fits must have the same names, got {list(losses)} and {list(fits)}")
    plot = new_plot(height=90 + 210 * len(losses), showlegend=False, bargap=0)
    data: dict[str, list[str | float | int]] = {"losses": [], "loss": [], "histogram": [], "fitted": []}
    for i, (name, values) in enumerate(losses.items()):
        sample, fit, axis = np.asarray(values), fits[name], "" if i == 0 else str(i + 1)
        edges = np.linspace(0, np.quantile(sample, 0.995), 46)
        counts, _ = np.histogram(sample, edges)
        middle, high = (edges[1:] + edges[:-1]) / 2, counts / len(sample) / np.diff(edges)
        fitted = gamma.pdf(middle, fit.shape, scale=fit.scale)
        where = {"xaxis": f"x{axis}", "yaxis": f"y{axis}"}
        plot.add_bar(
            x=_numbers(middle), y=_numbers(high), marker={"color": NEUTRAL, "opacity": 0.45}, name=name, **where
        )
        plot.add_scatter(
            x=_numbers(middle), y=_numbers(fitted), line={"color": SHAPE_COLORS[0], "width": 3}, name="fitted", **where
        )
        top = 1 - i / len(losses)
        bottom = 1 - (i + 1) / len(losses) + (0.12 if i < len(losses) - 1 else 0)
        axes = {"domain": [bottom, top - 0.09], "anchor": f"x{axis}", "title": "density"}
        plot.update_layout({f"yaxis{axis}": axes, f"xaxis{axis}": {"anchor": f"y{axis}"}})
        plot.add_annotation(
            text=f"<b>{name}</b>: p = {fit.p_value:.2g}", showarrow=False,
            xref="paper", yref="paper", x=0, y=top - 0.08, xanchor="left", yanchor="bottom",
        )  # fmt: skip
        data["losses"] += [name] * len(middle)
        for column, numbers in (("loss", middle), ("histogram", high), ("fitted", fitted)):
            data[column] += _numbers(numbers)
    plot.update_layout({f"xaxis{'' if len(losses) == 1 else len(losses)}": {"title": "true loss l"}})
    listed = "; ".join(
        f"{name}: shape {f.shape:.3g}, scale {f.scale:.3g}, distance {f.distance:.3f}, p = {f.p_value:.2g}"
        for name, f in fits.items()
    )
    return Figure(
        plot,
        caption="True losses (bars, up to their 99.5th percentile) and the gamma density fitted to them (line). A "
        "small p says that samples of the fitted distribution rarely lie as far from their own fit as these losses do.",
        alt=f"{len(losses)} histograms, each with a fitted gamma density. {listed}.",
        data=data,
        name=label,
    )


def gap_density_band(
    gaps: Values, density: Values, *, loss_gap: float | int, probability: float, simulated: Values | None = None
) -> Figure:
    """Return the density of the gap X − Y, with the part within ±δ shaded.

    Args:
        gaps: (points,) in ascending order, evenly spaced and with loss_gap in their range; not 0 where the density is
            infinite there.
        density: (points,) at them.
        loss_gap: δ > 0.
        probability: P(|X − Y| ≤ δ), the shaded area.
        simulated: gaps of simulated pairs, for a histogram with one bar around each of ``gaps``.

    Raises:
        ValueError: the density is not finite somewhere.
    """
    x, y = np.asarray(gaps, dtype=float), np.asarray(density, dtype=float)
    if not np.all(np.isfinite(y)):
        raise ValueError(f"the density must be finite, it is not at gap {x[~np.isfinite(y)][0]:g}")
    plot = new_plot(height=400, xaxis_title="gap X − Y", yaxis_title="density", bargap=0)
    data: dict[str, list[float]] = {"gap": _numbers(x), "density": _numbers(y)}
    if simulated is not None:
        half = (x[1] - x[0]) / 2
        counts, _ = np.histogram(simulated, np.concatenate([x - half, x[-1:] + half]))
        data["simulated"] = _numbers(counts / len(simulated) / (2 * half))
        bars = {"color": NEUTRAL, "opacity": 0.45}
        plot.add_bar(x=data["gap"], y=data["simulated"], marker=bars, name=f"{len(simulated):,} simulated pairs")
    inside = x[np.abs(x) < loss_gap]
    band = np.concatenate([[-loss_gap], inside, [loss_gap]])
    plot.add_scatter(
        x=_numbers(band), y=_numbers(np.interp(band, x, y)), fill="tozeroy", mode="lines",
        line={"width": 0, "color": BAND}, name=f"|X − Y| ≤ {loss_gap:g}: {probability:.1%}",
    )  # fmt: skip
    plot.add_scatter(
        x=data["gap"], y=data["density"], mode="lines", line={"color": SHAPE_COLORS[0], "width": 3}, name="density"
    )
    return Figure(
        plot,
        caption=f"The density of the gap between two true losses. The shaded part, {probability:.1%} of all pairs, are "
        f"those within δ = {loss_gap:g} of each other.",
        alt=f"A density symmetric about a gap of 0, where it is highest, {y.max():.3g}. {probability:.1%} of its area "
        f"lies within {loss_gap:g} of 0.",
        data=data,
        name="gap_density",
    )


def probability_curves(gaps: Values, curves: Mapping[str, Values], *, printed: GapTable) -> Figure:
    """Return P(|X − Y| ≤ δ) over δ, one curve a distribution, with the printed points as markers.

    Args:
        gaps: (points,) δ ≥ 0 in ascending order, in the unit of the losses, the printed ones among them.
        curves: (points,) probabilities by the distribution's name.
        printed: the paper's Table 1.

    Raises:
        ValueError: a printed gap is not among ``gaps``.
    """
    return _over_gap(
        gaps, curves, printed, vertical="P(|X − Y| ≤ δ)", name="probability_within",
        caption="How many pairs lie within δ of each other. Markers: Table 1 as printed.",
        of="the probability that two losses are within δ",
    )  # fmt: skip


def share_curves(gaps: Values, curves: Mapping[str, Values], *, printed: GapTable) -> Figure:
    """Return φ(δ) over δ, one curve a distribution, with the printed points as markers.

    Args:
        gaps: (points,) δ ≥ 0 in ascending order, in the unit of the losses, the printed ones among them.
        curves: (points,) expected shares of the smaller loss by the distribution's name.
        printed: the paper's Table 2.

    Raises:
        ValueError: a printed gap is not among ``gaps``.
    """
    return _over_gap(
        gaps, curves, printed, vertical="φ(δ)", name="expected_share",
        caption="The expected share of the smaller loss of a pair whose losses differ by δ. Markers: Table 2 as "
        "printed. Before training, LearningLoss++ pushes with what is missing from ½ (dotted).",
        of="the expected share of the smaller loss", level=0.5,
    )  # fmt: skip


def tie_shares(gaps: Values, shares: Mapping[str, Values]) -> Figure:
    """Return which share of an objective's work near ties take, over what counts as near.

    Args:
        gaps: (points,) δ ≥ 0 in ascending order, in the unit of the losses.
        shares: (points,) between 0 and 1 by name; a name begins with its method's, "LL" or "LL++", and may go on after
            a comma.

    Raises:
        ValueError: a name does not begin with a method's.
    """
    methods = {name: name.split(",")[0] for name in shares}
    if unknown := [name for name, method in methods.items() if method not in COLORS]:
        raise ValueError(f"a curve's name must begin with one of {', '.join(COLORS)}, got {', '.join(unknown)}")
    plot = new_plot(height=400, xaxis_title="δ: closer than this is a near tie", yaxis_title="share of near ties")
    drawn: list[str] = []
    for name, values in shares.items():
        # Curves of one method may coincide: a later one is dotted and wide, and both are seen.
        look = {"dash": "dot", "width": 7} if methods[name] in drawn else {"dash": "solid", "width": 3}
        drawn.append(methods[name])
        line = {"color": COLORS[methods[name]], **look}
        plot.add_scatter(x=_numbers(gaps), y=_numbers(values), name=name, mode="lines", line=line)
    plot.update_yaxes(rangemode="tozero", tickformat=".0%")
    at = len(gaps) // 2
    listed = "; ".join(f"{name} {float(values[at]):.1%}" for name, values in shares.items())
    return Figure(
        plot,
        caption="The share of each objective's squared gradient that comes from pairs within δ. Learning Loss pushes "
        "every pair within its margin with the same force, so for it this is the share of its updates.",
        alt=f"{len(shares)} curves that rise with δ. At δ = {float(gaps[at]):.3g}: {listed}.",
        data={"gap": _numbers(gaps), **{n: _numbers(v) for n, v in shares.items()}},
        name="tie_shares",
    )


def gradient_variances(log_ratios: Values, variances: Mapping[str, tuple[Values, Values]]) -> Figure:
    """Return the variance of both objectives' gradients over the log ratio of the expected losses, one curve a shape.

    Args:
        log_ratios: (points,) r ≥ 0 in ascending order.
        variances: (points,) of Learning Loss and (points,) of LearningLoss++, by the noise's name.
    """
    plot = new_plot(height=600)
    panels = (("LL", "Learning Loss", "y", "x", (0.56, 0.95)), ("LL++", "LearningLoss++", "y2", "x2", (0.0, 0.39)))
    for i, (method, title, y, x, domain) in enumerate(panels):
        for j, (name, pair) in enumerate(variances.items()):
            plot.add_scatter(
                x=_numbers(log_ratios), y=_numbers(pair[i]), name=name, mode="lines", line=_style(j),
                legendgroup=name, showlegend=i == 0,
                xaxis=x, yaxis=y,
            )  # fmt: skip
        plot.add_annotation(
            text=f"<b>{title}</b>", showarrow=False, font={"color": COLORS[method]}, xref="paper", yref="paper", x=1,
            y=domain[1], xanchor="right", yanchor="bottom",
        )  # fmt: skip
        vertical = {"domain": list(domain), "anchor": x, "title": "variance", "type": "log", "exponentformat": "power"}
        plot.update_layout({f"yaxis{y[1:]}": vertical, f"xaxis{x[1:]}": {"anchor": y}})
    # Far out an order is sure, and Learning Loss's variance falls below anything worth drawing.
    plot.update_layout(
        yaxis={"range": [-5, 0.2]}, yaxis2={"matches": "y"}, xaxis2={"title": "log ratio r of the expected losses"}
    )
    first = "; ".join(f"{name}: {float(ll[0]):.3g} and {float(pp[0]):.3g}" for name, (ll, pp) in variances.items())
    columns = {
        f"{method}, {name}": _numbers(pair[i])
        for i, method in enumerate(("LL", "LL++"))
        for name, pair in variances.items()
    }
    return Figure(
        plot,
        caption="The variance of the push on a predicted loss when each true loss is its expected value times gamma "
        "noise, on one logarithmic scale for both: Learning Loss above, LearningLoss++ below.",
        alt="Two panels of curves over the log ratio of the expected losses, falling from a log ratio of "
        f"{float(log_ratios[0]):g}, where the variances of Learning Loss and LearningLoss++ are {first}.",
        data={"log ratio": _numbers(log_ratios), **columns},
        name="gradient_variances",
    )


def _over_gap(
    gaps: Values, curves: Mapping[str, Values], printed: GapTable, *, vertical: str, name: str, caption: str, of: str,
    level: float | None = None,
) -> Figure:  # fmt: skip
    points = dict(zip(printed.loss_gap, printed.value, strict=True))
    if missing := sorted(set(points) - {float(gap) for gap in gaps}):
        raise ValueError(f"figure {name!r}: the gaps must hold the printed ones too, {missing[0]:g} is missing")
    plot = new_plot(height=420, xaxis_title="δ", yaxis_title=vertical)
    for i, (key, values) in enumerate(curves.items()):
        plot.add_scatter(x=_numbers(gaps), y=_numbers(values), name=key, mode="lines", line=_style(i))
    plot.add_scatter(
        x=printed.loss_gap, y=printed.value, name="printed", mode="markers",
        marker={"symbol": "circle-open", "size": 10, "line": {"width": 2}, "color": NEUTRAL},
    )  # fmt: skip
    if level is not None:
        plot.add_hline(y=level, line={"dash": "dot", "color": NEUTRAL, "width": 1})
    plot.update_yaxes(rangemode="tozero")
    last = float(gaps[-1])
    listed = "; ".join(f"{key}: from {float(v[0]):.3g} to {float(v[-1]):.3g}" for key, v in curves.items())
    return Figure(
        plot,
        caption=caption,
        alt=f"{len(curves)} curves of {of}, over gaps from {float(gaps[0]):g} to {last:.3g}. {listed}. "
        f"{len(printed.value)} printed points.",
        data={
            "gap": _numbers(gaps),
            **{key: _numbers(values) for key, values in curves.items()},
            f"printed in {printed.source}": [points.get(float(gap), "") for gap in gaps],
        },
        name=name,
    )


def _style(i: int) -> dict[str, str | int]:
    return {"color": SHAPE_COLORS[i % len(SHAPE_COLORS)], "dash": SHAPE_DASHES[i % len(SHAPE_DASHES)], "width": 3}


def _numbers(values: Values) -> list[float]:
    """Return the values to six significant digits: enough to draw, and a list stays text in the page."""
    return [float(f"{float(v):.6g}") for v in values]
