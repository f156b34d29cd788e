"""Checks what people give as parameters, in a notebook or in a file, before any long work starts.

papermill sets a notebook's parameters by inserting a cell that begins with ``# Parameters``. A name that the notebook
does not know would be set and never read; a value of the wrong type would fail minutes later. `check` refuses both.
"""

import ast
import difflib
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, Literal, TypeVar

Plan = TypeVar("Plan")

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


def from_plain(kind: type[Plan], values: Any, where: str = "") -> Plan:
    """Return the dataclass that plain values describe, a file's for instance; whole numbers become fractions if due.

    Args:
        kind: a dataclass whose fields are numbers, texts, truth values, a choice of texts, dataclasses, mappings of
            names to dataclasses, tuples of numbers, or None beside one of these.
        values: a mapping from names of fields to values.
        where: what the values stand under in the file, for messages; nothing for a whole file.

    Raises:
        ValueError: no mapping; a key that is unknown (the nearest known one is named) or missing; a value of another
            type, or one that the dataclass refuses. The key is named.
    """
    name = where or kind.__name__
    if not isinstance(values, Mapping):
        raise ValueError(f"{name} must be a table of keys and values, got {values!r}")
    hints = typing.get_type_hints(kind)
    known = [f.name for f in fields(kind)]  # type: ignore[arg-type]  # a dataclass, as the docstring asks for
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it may have {', '.join(known)}"
            raise ValueError(f"{name} has no key {key!r}{hint}")
    if missing := [
        f.name
        for f in fields(kind)  # type: ignore[arg-type]
        if f.default is MISSING and f.default_factory is MISSING and f.name not in values
    ]:
        raise ValueError(f"{name} lacks its {missing[0]!r}")
    inside = f"{where}." if where else ""
    given = {key: _typed(hints[key], value, f"{inside}{key}") for key, value in values.items()}
    try:
        return kind(**given)
    except (ValueError, TypeError) as error:
        text = str(error)
        raise ValueError(text if not where or text.startswith(where) else f"{where}: {text}") from error


def _typed(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        kinds = [one for one in arguments if one is not type(None)]
        hint = float if float in kinds else kinds[0]
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint):
        return from_plain(hint, value, where)  # type: ignore[arg-type]
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{where} must be one of {', '.join(arguments)}, got {value!r}")
        return value
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ValueError(f"{where} must be a table of keys and values, got {value!r}")
        return {key: _typed(arguments[1], one, f"{where}.{key}") for key, one in value.items()}
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where} must be a list, got {value!r}")
        return tuple(_typed(arguments[0], one, f"an entry of {where}") for one in value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ValueError(f"{where} must be {words[hint]}, got {value!r}")
    return value
