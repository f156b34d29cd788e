"""The kinds of traits that explorers have: each says in Python and in the browser what values it takes.

A trait carries `kind`, a plain mapping that reaches the browser as ``TRAITS[name]``: sliders take their ends from it,
and a view that a link describes is checked by it.
"""

import math
from collections.abc import Sequence
from typing import Any

import traitlets


class Bounded(traitlets.Float):  # type: ignore[type-arg]
    """A finite number within closed bounds; ``scale`` and ``step`` say how a slider walks through them.

    Args:
        default: value at the start.
        min: smallest value.
        max: largest value.
        scale: "linear", or "log" for a slider over the decimal logarithm.
        step: step of the slider, in units of the trait or of its decimal logarithm.

    Raises:
        traitlets.TraitError: (on assignment) not a number, not finite, or out of bounds.
    """

    def __init__(
        self,
        default: float | int,
        *,
        min: float | int,
        max: float | int,
        scale: str = "linear",
        step: float | int = 0.01,
    ):
        super().__init__(default)
        self.kind = {"kind": "number", "min": min, "max": max, "scale": scale, "step": step}
        self.low, self.high = min, max
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> float:
        """Return the value as a float, or raise `traitlets.TraitError` that names the trait and its bounds."""
        number = _number(value)
        if not self.low <= number <= self.high:  # false for NaN
            raise traitlets.TraitError(
                f"{type(obj).__name__}.{self.name} must be a number from {self.low:g} to {self.high:g}, got {value!r}"
            )
        return number


class Numbers(traitlets.List):  # type: ignore[type-arg]
    """A list of finite numbers within closed bounds.

    Args:
        default: values at the start.
        min: smallest value of each.
        max: largest value of each.
        step: by how much a key moves one.
        count: how many there are; ``None`` for any number, none at all included.

    Raises:
        traitlets.TraitError: (on assignment) no sequence, another number of values, or one of them no number or out of
            bounds; the message names the first such one.
    """

    def __init__(
        self,
        default: Sequence[float | int],
        *,
        min: float | int,
        max: float | int,
        step: float | int = 0.01,
        count: int | None = None,
    ):
        super().__init__(default_value=[float(v) for v in default])
        self.kind = {"kind": "numbers", "min": min, "max": max, "step": step, "count": count}
        self.low, self.high, self.count = min, max, count
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> list[float]:
        """Return the values as a list of floats; `traitlets.TraitError` names the trait and its bounds."""
        name = f"{type(obj).__name__}.{self.name}"
        if isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or not hasattr(value, "__iter__"):
            raise traitlets.TraitError(f"{name} must be a sequence of numbers, got {value!r}")
        if self.count is not None and len(value) != self.count:
            raise traitlets.TraitError(f"{name} must have {self.count} numbers, got {len(value)}")
        numbers = [_number(v) for v in value]
        for place, (number, given) in enumerate(zip(numbers, value, strict=True)):
            if not self.low <= number <= self.high:
                raise traitlets.TraitError(
                    f"{name} must hold numbers from {self.low:g} to {self.high:g}, got {given!r} at place {place}"
                )
        return numbers


class Choice(traitlets.Unicode):  # type: ignore[type-arg]
    """One of a few words.

    Args:
        default: the one at the start.
        values: all of them.

    Raises:
        traitlets.TraitError: (on assignment) none of them.
    """

    def __init__(self, default: str, *, values: Sequence[str]):
        super().__init__(default)
        self.kind = {"kind": "choice", "values": list(values)}
        self.values = tuple(values)
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> str:
        """Return the word, or raise `traitlets.TraitError` that names the trait and its words."""
        if value not in self.values:
            known = ", ".join(map(repr, self.values))
            raise traitlets.TraitError(f"{type(obj).__name__}.{self.name} must be one of {known}, got {value!r}")
        return str(value)


class Data(traitlets.Any):
    """Any value that JSON can hold, a recorded run for instance; never part of a link. A class checks its own."""

    def __init__(self, default: Any = None):
        super().__init__(default)
        self.kind = {"kind": "data"}
        self.tag(sync=True)


def _number(value: Any) -> float:
    """Return a finite or infinite number, or NaN for whatever is none."""
    try:
        return math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        return math.nan
