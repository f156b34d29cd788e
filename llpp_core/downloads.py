"""The data of a figure as a page shows it: a table to open, and a link that saves all of it as CSV.

The file lies in the link itself, so that it can be saved from a page that was opened from a file, with no network.
"""

import html
from collections.abc import Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote

Table: TypeAlias = Mapping[str, Sequence[str | float | int]]


def download(data: Table, name: str, *, rows_shown: int = 50) -> str:
    """Return a closed box with a table of the data and the link to save it.

    Args:
        data: column by column, all of one length.
        name: of the file, without ending; the book makes the figure's label of it.
        rows_shown: how many rows the table has at most; the file has all.

    Raises:
        ValueError: columns of different lengths.
    """
    if len({len(values) for values in data.values()}) > 1:
        lengths = {column: len(values) for column, values in data.items()}
        raise ValueError(f"figure {name!r}: columns must be of one length, got {lengths}")
    columns = list(data)
    rows = list(zip(*data.values(), strict=True))
    csv = "\r\n".join([",".join(_csv(v) for v in row) for row in [tuple(columns), *rows]])
    head = "".join(f'<th scope="col">{html.escape(c)}</th>' for c in columns)
    body = "".join("<tr>" + "".join(f"<td>{_cell(v)}</td>" for v in row) + "</tr>" for row in rows[:rows_shown])
    more = (
        f"<p>The first {rows_shown} of {len(rows):,} rows; the download has all.</p>" if len(rows) > rows_shown else ""
    )
    return (
        f'<details class="llpp-data"><summary>Data of this figure</summary><div class="llpp-table" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}"
        f'<a download="{html.escape(name)}.csv" href="data:text/csv;charset=utf-8,{quote(csv)}">Download as CSV</a>'
        "</details>"
    )


def _cell(value: str | float | int) -> str:
    return f"{value:.6g}" if isinstance(value, float) else html.escape(str(value))


def _csv(value: str | float | int) -> str:
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text
