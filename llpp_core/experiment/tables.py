"""Tables as CSV files: numbers that come back as they were, and one way to write them."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from llpp_core import store

Row = Mapping[str, Any]


def write_table(path: str | Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table whole: nine digits, which give a float32 back exactly; an absent value is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    with store.written_whole(path) as part:
        part.write_text(text.getvalue(), encoding="utf-8")


def read_table(path: str | Path) -> list[dict[str, str]]:
    """Return the rows of a table, every cell as text."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def column(rows: Sequence[Mapping[str, str]], name: str) -> Tensor:
    """Return a column of numbers in float32; NaN where a cell is empty.

    Raises:
        ValueError: there is no such column.
    """
    if rows and name not in rows[0]:
        raise ValueError(f"wanted a column {name!r}, there are {', '.join(rows[0])}")
    return torch.tensor([float(row[name] or "nan") for row in rows], dtype=torch.float32)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if value != value else f"{value:.9g}"
    return value
