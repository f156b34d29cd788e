"""Checks the parameters of a notebook before it starts any long work.

papermill sets a notebook's parameters by inserting a cell that begins with ``# Parameters``. A name that the notebook
does not know would be set and never read; a value of the wrong type would fail minutes later. `check` refuses both.
"""

import ast
import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INJECTED = "# Parameters"


@dataclass(frozen=True)
class Between:
    """A number of a kind, from ``low`` to ``high``, both included; never NaN or infinite.

    Attributes:
        kind: int or float.
        low: smallest value allowed.
        high: largest value allowed; infinity for none.
    """

    kind: type[int] | type[float]
    low: int | float
    high: int | float = math.inf


def check(
    values: Mapping[str, Any], allowed: Mapping[str, Between | type | tuple[type, ...]], cells: Sequence[str]
) -> None:
    """Raise unless every parameter is known, of its type, and in its range.

    Args:
        values: the notebook's ``globals()``.
        allowed: what each parameter may be: a number `Between` two others, a type, or one of several types.
        cells: sources of the cells run so far: IPython's ``In``.

    Raises:
        ValueError: an inserted name is unknown (the nearest known one is named), a value has another type, or it lies
            outside its range.
    """
    for name in _injected(cells):
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise ValueError(f"this notebook has no parameter {name!r}{hint} It has {', '.join(allowed)}")
    for name, kind in allowed.items():
        value = values[name]
        bounds = kind if isinstance(kind, Between) else None
        plain = kind.kind if isinstance(kind, Between) else kind
        kinds = plain if isinstance(plain, tuple) else (plain,)
        # bool is an int to Python, and 3 is a fine float.
        fits = isinstance(value, kinds) or (float in kinds and isinstance(value, int))
        if not fits or (isinstance(value, bool) and bool not in kinds):
            wanted = " or ".join(k.__name__ for k in kinds)
            raise ValueError(f"parameter {name!r} must be {wanted}, got {value!r}, a {type(value).__name__}")

        if bounds is not None and not (bounds.low <= value <= bounds.high and math.isfinite(value)):
            to = "" if bounds.high == math.inf else f" to {bounds.high:,}"
            raise ValueError(f"parameter {name!r} must be a number from {bounds.low:,}{to}, got {value!r}")


def _injected(cells: Sequence[str]) -> list[str]:
    names = []
    for source in cells:
        if source.lstrip().startswith(INJECTED):
            for statement in ast.parse(source).body:
                if isinstance(statement, ast.Assign):
                    names += [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return names
