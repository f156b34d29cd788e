"""One page about a run: its tables, and its figures with plotly inside, so that it can be sent to someone."""

import html
from collections.abc import Callable

from markdown_it import MarkdownIt

from llpp_core import report
from llpp_core.experiment import Results
from llpp_core.figures import runs
from llpp_core.figures.base import CONFIG, Figure

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 70rem; margin: 0 auto;
  padding: 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid #bbb; padding: .25rem .6rem; font-variant-numeric: tabular-nums; }
figure { margin: 2rem 0; } figcaption { max-width: 45rem; }
"""


def run_page(results: Results) -> str:
    """Return an HTML page that needs no other file and no network; what cannot be drawn yet is named."""
    made: list[Figure] = []
    missing: list[str] = []
    seeds = [unit.seed for unit in results.records if unit.method is None]
    if seeds:
        wanted: list[Callable[[], Figure]] = [
            lambda: runs.losses_fitted(results, seeds[0]),
            lambda: runs.choice_curves(results),
            lambda: runs.test_curves(results),
        ]
        if results.experiment.predictors:
            wanted[1:1] = [
                lambda: runs.predicted_scatter(results, seeds[0]),
                lambda: runs.calibrations(results, seeds[0]),
                lambda: runs.failures_found(results),
            ]
        for figure in wanted:
            try:
                made.append(figure())
            except ValueError as error:  # every sample is a failure, say: there is no curve of those found
                # Without the folder's own place: a page may be shown to others.
                why = str(error).replace(f"{results.folder}/", "")
                missing.append(f"<p>A figure is left out: {html.escape(why)}.</p>")
    # A folder may be called anything: nothing that the text holds is taken for HTML.
    tables = MarkdownIt("commonmark", {"html": False}).enable("table").render(report.whole(results))
    figures = "".join(_shown(figure, first=i == 0) for i, figure in enumerate(made))
    title = html.escape(results.folder.name)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main>{tables}{figures}{''.join(missing)}</main></body></html>\n"
    )


def _shown(figure: Figure, *, first: bool) -> str:
    # The library goes into the page once, before the first figure.
    drawn = figure.plot.to_html(full_html=False, include_plotlyjs=first, config=CONFIG)
    return (
        f'<figure><div role="img" aria-label="{html.escape(figure.alt)}">{drawn}</div>'
        f"<figcaption>{figure.caption}</figcaption></figure>"
    )
