"""The record of a training run that `RunsPlayer` shows: what it must look like, and its correlations.

`llpp_core.training.Recorder` makes one. It is plain JSON, so that a page can hold it::

    {"epochs": [1, 2], "ids": ["a", "b", "c"], "methods": {"LL": [[…], […]], "LL++": [[…], […]]},
     "true_loss": [[…], […]], "pck": [0.1, 0.4]}

with one inner list an epoch and one number a sample; "pck" may be empty, and "gradient_norm" ({"LL": [0.2, 0.1]}) may
be left out.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

MOST_METHODS = 3
"""So many panels find room side by side."""

EMPTY: Mapping[str, Any] = {"epochs": [], "ids": [], "methods": {}, "true_loss": [], "pck": []}
"""A run that has not yet come to its first epoch's end."""


def checked(record: Any) -> Mapping[str, Any]:
    """Return the record, or say in one sentence what is wrong with it.

    Raises:
        ValueError: a part is missing or has another shape, an epoch does not come after the one before it, a number is
            not finite, a true loss is not above 0, a PCK lies outside of 0 to 1, or there are too many methods.
    """
    if not isinstance(record, Mapping):
        raise ValueError(f"a record is a mapping of {', '.join(EMPTY)}, got {type(record).__name__}")
    if missing := [part for part in EMPTY if part not in record]:
        raise ValueError(f"the record lacks {missing[0]!r}")
    epochs, ids, methods = record["epochs"], record["ids"], record["methods"]
    count = len(_numbers("epochs", epochs, None))
    if any(later <= earlier for earlier, later in itertools.pairwise(epochs)) or (count and epochs[0] < 0):
        raise ValueError(f"epochs must rise from 0 or more, got {list(epochs)}")
    if not _is_list(ids) or not all(isinstance(one, str) for one in ids):
        raise ValueError("ids must be a list of texts")
    if not isinstance(methods, Mapping) or len(methods) > MOST_METHODS or (count and not methods):
        raise ValueError(f"methods must map 1 to {MOST_METHODS} names to predicted losses")
    if count and len(ids) < 3:
        raise ValueError(f"a record wants at least 3 samples, got {len(ids)}")
    _epochs_of("true_loss", record["true_loss"], count, len(ids), above=0)
    for name, rows in methods.items():
        _epochs_of(f"methods[{name!r}]", rows, count, len(ids))
    pck = record["pck"]
    if len(_numbers("pck", pck, None)) not in (0, count) or any(not 0 <= value <= 1 for value in pck):
        raise ValueError(f"pck must be empty or hold a number from 0 to 1 for each of {count} epochs, got {pck}")
    norms = record.get("gradient_norm", {})
    if norms and (not isinstance(norms, Mapping) or set(norms) != set(methods)):
        raise ValueError(f"gradient_norm must have the methods {', '.join(methods)}")
    for name, values in norms.items():
        _numbers(f"gradient_norm[{name!r}]", values, count)
    return record


def correlations(predicted: Sequence[float | int], true: Sequence[float | int]) -> tuple[float, float]:
    """Return Pearson's correlation of l̂ with l and Spearman's; NaN where one of the two is constant.

    Args:
        predicted: l̂ of at least 2 samples.
        true: l of the same samples.
    """
    values = np.asarray(predicted, float), np.asarray(true, float)
    if any(np.ptp(v) <= 1e-12 * np.abs(v).max() for v in values):  # but for rounding
        return float("nan"), float("nan")
    return _linear(*values), _linear(*map(_places, values))


def _linear(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def _places(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the place of each value in rising order, from 1; equal ones share the mean of theirs."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: npt.NDArray[np.float64] = (last - (counts - 1) / 2)[which]
    return shared


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _numbers(name: str, values: Any, count: int | None, *, above: float | int = -np.inf) -> Any:
    if not _is_list(values):
        raise ValueError(f"{name} must be a list of numbers, got {type(values).__name__}")
    if count is not None and len(values) != count:
        raise ValueError(f"{name} must have {count} numbers, got {len(values)}")
    for place, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | float) or not above < value < np.inf:
            wanted = "finite" if above == -np.inf else f"finite and above {above}"
            raise ValueError(f"{name} must hold numbers that are {wanted}, got {value!r} at place {place}")
    return values


def _epochs_of(name: str, rows: Any, epochs: int, samples: int, *, above: float | int = -np.inf) -> None:
    if not _is_list(rows) or len(rows) != epochs:
        got = len(rows) if _is_list(rows) else type(rows).__name__
        raise ValueError(f"{name} must have a list for each of {epochs} epochs, got {got}")
    for place, row in enumerate(rows):
        _numbers(f"{name}[{place}]", row, samples, above=above)
