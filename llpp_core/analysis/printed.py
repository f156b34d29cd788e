"""What the paper prints, as data with its sources, and the gamma scales that would print the same digits.

Tables and figures of Shukla & Ahmed (CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370), transcribed; nothing here is
computed but `scales_that_print`, which is beyond the paper: Tables 1 and 2 are functions of a gap and of a gamma
distribution's shape and scale, so each printed digit says something about the scale that was in use.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from scipy.optimize import brentq, minimize_scalar

SHAPE = 4.0
"""k of the gamma distribution fitted to the true losses of one pose model (Fig. 3)."""

SCALE = 0.066
"""Θ of that fit as printed (Fig. 3), in the unit of the losses; see `scales_that_print`."""


@dataclass(frozen=True)
class GapTable:
    """A printed row of numbers over the gap between two true losses, for gamma losses of one shape and scale.

    Attributes:
        source: where the paper prints it.
        quantity: what is printed.
        loss_gap: δ ≥ 0 of each number, in the unit of the losses.
        value: the numbers.
        half_unit: half a unit of the last printed digit: how far a number may be from what was rounded to it.
    """

    source: str
    quantity: str
    loss_gap: tuple[float, ...]
    value: tuple[float, ...]
    half_unit: float


TABLE_1 = GapTable(
    "Table 1",
    "P(|X − Y| ≤ δ)",
    (0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15),
    (0.094, 0.185, 0.274, 0.358, 0.437, 0.527, 0.607),
    0.0005,
)
TABLE_2 = GapTable("Table 2", "φ(δ)", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), (0.5, 0.39, 0.3, 0.25, 0.21, 0.18), 0.005)


@dataclass(frozen=True)
class ScenarioImage:
    """One of Fig. 1's images.

    Attributes:
        true_loss: l.
        predicted_loss: l̂.
    """

    true_loss: float
    predicted_loss: float


FIGURE_1: Mapping[str, ScenarioImage] = MappingProxyType(
    {"a": ScenarioImage(0.45, 1.48), "b": ScenarioImage(0.47, 1.51), "c": ScenarioImage(2.87, 1.63)}
)
"""Fig. 1's three images by letter, with their printed losses."""
FIGURE_1_PUSH = 0.32
"""|q − p| of the pair (a, c) as printed with Fig. 1."""

CORRELATION: Mapping[str, float] = MappingProxyType({"LL": 0.37, "LL++": 0.51})
"""Fig. 5: correlation of predicted with true loss over LSPET, model trained on LSP; of which kind is not said."""


@dataclass(frozen=True)
class MeanAndSpread:
    """A printed mean ± deviation.

    Attributes:
        mean: the mean.
        deviation: the number behind the ±.
    """

    mean: float
    deviation: float


SELECTED_TRUE_LOSS: Mapping[str, MeanAndSpread] = MappingProxyType(
    {"LL": MeanAndSpread(1.94, 0.34), "LL++": MeanAndSpread(2.05, 0.24)}
)
"""True loss of the images that each method selects; whether the spread is over images or repetitions is not said."""


@dataclass(frozen=True)
class StageTable:
    """One data set's half of Table 3a or 3b: means and standard deviations over repetitions, method by stage.

    Attributes:
        source: "Table 3a" or "Table 3b".
        data: the data set as the paper names it.
        measure: what the numbers are.
        stages: the printed column heads.
        mean: mean by method, one number a stage, between 0 and 1.
        deviation: standard deviation by method, one number a stage.
        repetitions: runs behind each mean.
        half_unit: half a unit of the last printed digit, of means and of deviations.
    """

    source: str
    data: str
    measure: str
    stages: tuple[str, ...]
    mean: Mapping[str, tuple[float, ...]]
    deviation: Mapping[str, tuple[float, ...]]
    repetitions: int = 5
    half_unit: float = 0.0005

    def __post_init__(self) -> None:
        if list(self.mean) != list(self.deviation):
            raise ValueError(
                f"means and deviations must be of the same methods, got {list(self.mean)} and {list(self.deviation)}"
            )
        for method in self.mean:
            counts = len(self.mean[method]), len(self.deviation[method])
            if counts != (len(self.stages), len(self.stages)):
                raise ValueError(
                    f"{method} must have one mean and one deviation for each of the {len(self.stages)} stages, "
                    f"got {counts[0]} and {counts[1]}"
                )

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods in printed order."""
        return tuple(self.mean)


def _stage_table(
    source: str, data: str, measure: str, stages: Sequence[str], rows: Mapping[str, Sequence[tuple[float, float]]]
) -> StageTable:
    mean = {method: tuple(m for m, _ in cells) for method, cells in rows.items()}
    deviation = {method: tuple(s for _, s in cells) for method, cells in rows.items()}
    return StageTable(source, data, measure, tuple(stages), MappingProxyType(mean), MappingProxyType(deviation))


# fmt: off
TABLE_3A: tuple[StageTable, StageTable] = (
    _stage_table("Table 3a", "LSP-LSPET", "PCK@0.2 of the images selected", ("2000", "3000", "4000", "5000", "6000"), {
        "Random":   [(.430, .017), (.527, .012), (.593, .007), (.624, .009), (.645, .007)],
        "Core-Set": [(.288, .017), (.438, .020), (.447, .017), (.493, .013), (.556, .010)],
        "LL":       [(.305, .013), (.253, .021), (.358, .025), (.520, .011), (.617, .017)],
        "LL++":     [(.250, .011), (.186, .022), (.385, .011), (.533, .020), (.627, .012)],
        "LL++conv": [(.209, .018), (.214, .028), (.400, .010), (.545, .011), (.635, .012)],
    }),
    _stage_table("Table 3a", "MPII", "PCKh@0.5 of the images selected", ("1000", "2000", "3000", "4000", "5000"), {
        "Random":   [(.663, .012), (.739, .013), (.766, .003), (.792, .007), (.797, .006)],
        "Core-Set": [(.384, .014), (.522, .009), (.608, .012), (.697, .009), (.755, .029)],
        "LL":       [(.311, .036), (.465, .024), (.621, .017), (.735, .012), (.777, .010)],
        "LL++":     [(.291, .022), (.439, .018), (.610, .020), (.705, .023), (.762, .014)],
        "LL++conv": [(.309, .029), (.439, .011), (.603, .016), (.704, .022), (.777, .008)],
    }),
)
"""PCK of the images *selected* at each stage: lower means that more failures were found."""

TABLE_3B: tuple[StageTable, StageTable] = (
    _stage_table("Table 3b", "LSP", "PCK@0.2 on the test set", ("1", "2", "3", "4", "5"), {
        "Random":   [(.803, .003), (.818, .002), (.827, .003), (.834, .003), (.841, .002)],
        "Core-Set": [(.797, .008), (.814, .004), (.822, .004), (.831, .004), (.837, .003)],
        "LL":       [(.796, .004), (.814, .003), (.823, .004), (.833, .003), (.842, .005)],
        "LL++":     [(.798, .005), (.810, .003), (.824, .006), (.831, .004), (.841, .002)],
        "LL++conv": [(.798, .005), (.813, .002), (.825, .003), (.832, .005), (.840, .005)],
    }),
    _stage_table("Table 3b", "MPII", "PCKh@0.5 on the test set", ("1", "2", "3", "4", "5"), {
        "Random":   [(.760, .006), (.783, .006), (.803, .009), (.813, .004), (.822, .007)],
        "Core-Set": [(.766, .006), (.792, .007), (.812, .007), (.822, .011), (.830, .011)],
        "LL":       [(.763, .007), (.793, .005), (.814, .004), (.829, .004), (.838, .005)],
        "LL++":     [(.763, .007), (.791, .008), (.811, .005), (.822, .005), (.827, .009)],
        "LL++conv": [(.760, .009), (.790, .008), (.808, .005), (.828, .003), (.836, .006)],
    }),
)
"""PCK on the *test* set after each stage: higher is better."""
# fmt: on


@dataclass(frozen=True)
class PrintingScales:
    """The scales for which a function of (gap, shape, scale) rounds to printed numbers.

    Attributes:
        low: (rows,) smallest scale that prints each number; 0 where none is too small.
        high: (rows,) largest one; infinity where none is too large. NaN in both where no scale prints the number.
        common: the interval of scales that prints every number, or None if there is none.
        best: the scale whose values are nearest to the printed ones, by the largest deviation of the rows.
        largest_deviation: of those values from the printed ones.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    common: tuple[float, float] | None
    best: float
    largest_deviation: float


def scales_that_print(
    function: Callable[[float, float, float], Any],
    gaps: Sequence[float],
    printed: Sequence[float],
    shape: float | int,
    half_unit: float,
    *,
    between: tuple[float, float] = (1e-6, 1e6),
) -> PrintingScales:
    """Return, for each row and for all rows together, the scales Θ that round to the printed numbers.

    Args:
        function: of (gap, shape, scale), continuous in the scale and monotone or constant:
            `gamma_pairs.probability_within` falls with it, `gamma_pairs.expected_share` rises.
        gaps: (rows,) δ.
        printed: (rows,) the printed numbers.
        shape: k.
        half_unit: half a unit of the last printed digit, > 0; a value this far from the printed one still rounds to it.
        between: the scales looked at, > 0, in the unit of the losses. Beyond them, an interval is taken as open.

    Raises:
        ValueError: the lists are empty or of different lengths, or ``half_unit`` or ``between`` is out of range.
    """
    if len(gaps) != len(printed) or not len(gaps):
        raise ValueError(f"wanted one printed number for each gap, got {len(printed)} for {len(gaps)} gaps")
    if not half_unit > 0:
        raise ValueError(f"half a unit of the last digit must be above 0, got {half_unit}")
    if not 0 < between[0] < between[1] < math.inf:
        raise ValueError(f"the scales to look between must be above 0, finite and in order, got {between}")

    rows = [
        _interval(function, gap, value, shape, half_unit, between) for gap, value in zip(gaps, printed, strict=True)
    ]
    low, high = tuple(row[0] for row in rows), tuple(row[1] for row in rows)
    met = (max(low), min(high)) if not any(math.isnan(v) for v in (*low, *high)) else None

    def deviation(log_scale: float) -> float:
        scale = math.exp(log_scale)
        return max(abs(float(function(g, shape, scale)) - v) for g, v in zip(gaps, printed, strict=True))

    # The largest of several distances to monotone functions falls and then rises: one minimum.
    ends = [v for v in (*low, *high) if 0 < v < math.inf] or list(between)
    bounds = math.log(min(ends)) - 1e-3, math.log(max(ends)) + 1e-3
    found = minimize_scalar(deviation, bounds=bounds, method="bounded", options={"xatol": 1e-10})
    common = met if met is not None and met[0] <= met[1] else None
    return PrintingScales(low, high, common, math.exp(float(found.x)), float(found.fun))


def _interval(
    function: Callable[[float, float, float], Any],
    gap: float,
    value: float,
    shape: float | int,
    half_unit: float,
    between: tuple[float, float],
) -> tuple[float, float]:
    """Return the lowest and highest scale at which the function is within half a unit of the value."""
    ends = math.log(between[0]), math.log(between[1])
    first, last = (float(function(gap, shape, scale)) for scale in between)
    sign = -1.0 if last < first else 1.0  # so that sign * function rises

    def edge(target: float) -> float:
        if sign * first >= target:
            return 0.0
        if sign * last <= target:
            return math.inf
        root = brentq(lambda t: sign * float(function(gap, shape, math.exp(t))) - target, *ends, xtol=1e-12)
        return math.exp(root)

    low, high = edge(sign * value - half_unit), edge(sign * value + half_unit)
    # Both edges on one side of all scales looked at: nothing in between rounds to the printed number.
    return (math.nan, math.nan) if (low == math.inf or high == 0.0) else (low, high)
