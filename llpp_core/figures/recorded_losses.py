"""The losses of a recorded run as pictures: how they are distributed, and how they rise with the predicted ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import gamma

from llpp_core.experiment import Recorded
from llpp_core.experiment.distributions import DISTANCE, ORACLE, P_VALUE, QUANTILES, quantile_name
from llpp_core.figures.base import COLORS, NEUTRAL, Figure, new_plot, rounded
from llpp_core.figures.curves import OTHERS
from llpp_core.metrics import mean_interval

Row = Mapping[str, Any]
REFUSED = 0.05
"""A sample of losses whose p-value is below is not taken for one of a gamma distribution."""
SPLITS = {"train": ("#E69F00", "circle"), "test": ("#56B4E9", "square"), "pool": ("#CC79A7", "diamond")}
"""A color and a sign of each part of the data; no method's."""


def loss_quantiles(results: Recorded, *, name: str) -> Figure:
    """Return quantiles of the true losses over those of the gamma distribution fitted to the same losses.

    Both in mean losses, one seed at a time, then averaged: where losses are gamma distributed, the points lie on the
    diagonal.

    Args:
        results: a recorded run that has ``losses.csv``.
        name: file name of the data's download, without ending.

    Raises:
        ValueError: it has none.
    """
    facts: dict[tuple[str, str], dict[int, float]] = {}
    counts: dict[str, int] = {}
    for row in results.table("losses.csv"):
        facts.setdefault((row["split"], row["fact"]), {})[row["seed"]] = row["value"]
        counts[row["split"]] = row["n"]
    plot = new_plot(height=430, xaxis_title="fitted quantile, in mean losses", yaxis_title="quantile, in mean losses")
    if missing := [split for split in SPLITS if (split, DISTANCE) not in facts]:
        raise ValueError(f"{results.folder} has no losses of {missing[0]}")
    data: dict[str, list[Any]] = {"split": [], "fraction": [], "fitted": [], "observed": []}
    said, highest = [], 0.0
    for split, (color, sign) in SPLITS.items():
        distance, refusing = facts[split, DISTANCE], facts[split, P_VALUE]
        shape, mean = (results.values(key, split=split) for key in ("gamma shape k", "true loss, mean"))
        fitted = [float(np.mean([gamma.ppf(at, shape[s]) / shape[s] for s in distance])) for at in QUANTILES]
        observed = [
            float(np.mean([facts[split, quantile_name(at)][s] / mean[s] for s in distance])) for at in QUANTILES
        ]
        plot.add_scatter(
            x=fitted, y=observed, name=split, mode="markers", marker={"color": color, "symbol": sign, "size": 9},
            text=[f"{at:.0%}" for at in QUANTILES],
            hovertemplate=f"{split}, %{{text}} of the losses: %{{y:.3f}}, fitted %{{x:.3f}}<extra></extra>",
        )  # fmt: skip
        far, k = (mean_interval([values[seed] for seed in distance]) for values in (distance, shape))
        refused = sum(p < REFUSED for p in refusing.values())
        n = counts[split]
        said.append(f"{split}: shape {k:.1f}, distance {far:.3f}, refused for {refused} of {far.n} samples of {n:,}")
        highest = max(highest, *fitted, *observed)
        data["split"] += [split] * len(QUANTILES)
        data["fraction"] += list(QUANTILES)
        data["fitted"] += rounded(fitted)
        data["observed"] += rounded(observed)
    plot.add_scatter(
        x=[0, highest], y=[0, highest], mode="lines", name="gamma", line={"color": NEUTRAL, "dash": "dot"},
        hoverinfo="skip",
    )  # fmt: skip
    listed = "; ".join(said)
    return Figure(
        plot,
        caption="The true losses of the base models against the gamma distribution fitted to them: quantiles from 1 % "
        "to 99 %, in units of the mean, averaged over the seeds. On the dotted line the two agree. "
        f"{listed}. The distance is the largest one of the two distribution functions; refused is what has p below "
        f"{REFUSED:g}, and a large sample is refused for less than a small one.",
        alt=f"Quantiles of true losses over those of fitted gamma distributions, near the diagonal. {listed}.",
        data=data,
        name=name,
    )


def losses_by_tenth(rows: Iterable[Row], *, predictors: Sequence[str], fact: str, name: str) -> Figure:
    """Return what is true of each tenth of the pool, ordered by predicted loss, for some predictors and the oracle.

    Args:
        rows: of a recorded run's ``tenths.csv``.
        predictors: which ones; of `COLORS` each has its own.
        fact: "true loss, mean" or "PCK, mean".
        name: file name of the data's download, without ending.

    Raises:
        ValueError: a predictor of which nothing was recorded.
    """
    found: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        if row["fact"] == fact:
            found.setdefault(row["of"], {}).setdefault(int(row["tenth"]), []).append(row["value"])
    if missing := [one for one in (*predictors, ORACLE) if one not in found]:
        raise ValueError(f"wanted {fact!r} of {missing[0]} by tenths, which was not recorded")
    plot = new_plot(height=430, xaxis_title="tenth of the pool, the highest predicted loss last", yaxis_title=fact)
    others = iter(OTHERS[::2] * len(predictors))
    data: dict[str, list[Any]] = {"of": [], "tenth": [], "mean": [], "low": [], "high": [], "seeds": []}
    ends = []
    for place, one in enumerate((*predictors, ORACLE)):
        points = {tenth: mean_interval(values) for tenth, values in sorted(found[one].items())}
        some = any(point.n > 1 for point in points.values())
        color = NEUTRAL if one == ORACLE else COLORS.get(one) or next(others)
        plot.add_scatter(
            x=[tenth + 0.08 * (place - len(predictors) / 2) for tenth in points],  # beside each other, to see the bars
            y=[point.mean for point in points.values()], name=one, mode="lines+markers",
            line={"color": color, "dash": "dash" if one == ORACLE else "solid"},
            error_y={"type": "data", "array": [p.high - p.mean for p in points.values()], "thickness": 1, "width": 2}
            if some else None,
            text=list(points), hovertemplate=f"{one}, tenth %{{text}}: %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
        ends.append(f"{one} from {points[min(points)].mean:.2f} to {points[max(points)].mean:.2f}")
        for tenth, point in points.items():
            cells = [one, tenth, *rounded([point.mean, point.low, point.high]), point.n]
            for values, value in zip(data.values(), cells, strict=True):
                values.append(value)
    plot.update_xaxes(dtick=1)
    listed = "; ".join(ends)
    return Figure(
        plot,
        caption=f"The pool in ten parts, by predicted loss: {fact}, in each, over the seeds with 95 % t-intervals. "
        "Dashed: ordered by the true losses themselves, which is no method. A predictor that knows nothing is flat.",
        alt=f"Curves over ten parts of the pool, {fact}: {listed}.",
        data=data,
        name=name,
    )
