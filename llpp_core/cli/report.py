"""``llpp report``: the tables and figures of runs."""

from pathlib import Path
from typing import Annotated

import typer

from llpp_core.cli.app import answered, app, say, show_json


@app.command()
def report(
    runs: Annotated[Path, typer.Argument(help="Folder of a run, or one that holds such folders.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder for metrics.csv, report.md and report.html with figures, a run each."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every number as JSON, one object a number.")] = False,
) -> None:
    """Show what came of runs: base models, correlations, what was chosen, accuracy after it, minutes.

    A run may be under way: what is done is shown, and how much that is.
    """
    with answered():
        from llpp_core import experiment
        from llpp_core import report as words

        found = experiment.find_runs(runs.resolve())  # "." has no name
        every = []
        for folder in found:
            results = experiment.Results.read(folder)
            text = words.whole(results)
            every += [{"run": folder.name, **row} for row in results.metrics]
            if not as_json:
                print(text, end="\n\n")
            if output is not None:
                _write(output / folder.name, results, text)
                say(f"wrote {output / folder.name}")
    if as_json:
        show_json(every)


def _write(place: Path, results: object, text: str) -> None:
    from llpp_core import experiment, store

    assert isinstance(results, experiment.Results)
    results.write_metrics(place / "metrics.csv")
    with store.written_whole(place / "report.md") as part:
        part.write_text(text + "\n", encoding="utf-8")
    try:
        from llpp_core import figures
    except ImportError as error:
        say(f"no report.html: figures need {error.name}, which `pip install 'llpp-core[book]'` brings")
        return
    with store.written_whole(place / "report.html") as part:
        part.write_text(figures.run_page(results), encoding="utf-8")
