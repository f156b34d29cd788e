"""`Figure`: a plotly figure with its caption, alternative text and data, and the look that all of them share.

A figure is shown twice over. JupyterLab draws plotly's own MIME type; the book, which has no kernel, takes the HTML
beside it, which ``book/assets/figures.js`` draws. The colors are those of Okabe and Ito's palette, safe for
color-blind readers; the same color means the same method everywhere.
"""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from llpp_core.downloads import Table, download

COLORS = {"LL": "#D55E00", "LL++": "#0072B2", "LL++conv": "#009E73"}
"""The color of each method, in every figure and explorer."""
NEUTRAL = "#7F7F7F"
"""The gray of what is no method."""
CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["sendDataToCloud"]}
"""Plotly's settings for every figure: no logo, no upload button, as wide as there is room."""


@dataclass(frozen=True)
class Figure:
    """A plotly figure with what a reader who cannot see it needs.

    Attributes:
        plot: the plotly figure.
        caption: what it shows and what to see in it, as HTML.
        alt: what a sighted reader takes from it, as plain text.
        data: its data, column by column.
        name: file name of the data's download, without ending; the book makes the figure's label of it.
    """

    plot: go.Figure
    caption: str
    alt: str
    data: Table
    name: str

    def __post_init__(self) -> None:
        lengths = {column: len(values) for column, values in self.data.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"figure {self.name!r}: columns must be of one length, got {lengths}")

    def html(self) -> str:
        """Return the figure for a static page; ``figures.js`` draws it, and without scripts the table remains."""
        spec = json.loads(self.plot.to_json())
        spec["config"] = CONFIG
        height = self.plot.layout.height or 420
        return (
            '<figure class="llpp-figure">'
            f'<div class="llpp-plot" role="img" aria-label="{html.escape(self.alt)}" '
            f'style="min-height: {height}px">'
            f'<script type="application/vnd.plotly.v1+json">{_in_script(spec)}</script></div>'
            f"<figcaption>{self.caption}</figcaption>{download(self.data, self.name)}</figure>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        spec = json.loads(self.plot.to_json())
        return {
            "application/vnd.plotly.v1+json": {**spec, "config": CONFIG},
            "text/html": self.html(),
            "text/plain": self.alt,
        }


def new_plot(height: int, **layout: Any) -> go.Figure:
    """Return an empty plot in the book's style: ``height`` in pixels, and any of plotly's layout."""
    plot = go.Figure()
    plot.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 60, "r": 20, "t": 30, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        **layout,
    )
    return plot


def rounded(values: Tensor | np.ndarray | Sequence[float], digits: int = 4) -> list[float]:
    """Return the values as floats rounded for a table: its download need not carry sixteen digits."""
    return [round(float(v), digits) for v in values]


def _in_script(value: Any) -> str:
    # "</script" would end the element that the JSON stands in, and "<!--" would keep its end from ending it.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
