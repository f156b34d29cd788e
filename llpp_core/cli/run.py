"""``llpp run``: an experiment, unit by unit, resumed and stopped in time."""

import time
from pathlib import Path
from typing import Annotated

import typer

from llpp_core.cli.app import STOPPED, answered, app, say, show_json, told_to_end

BEGUN = time.monotonic()
"""When this process began; a budget of minutes counts from here, because a machine's does too."""


@app.command()
def run(
    config: Annotated[str, typer.Argument(help="A TOML file, or a configuration of the package by its name.")],
    runs: Annotated[Path, typer.Option(help="Folder of the runs; each has a folder there, named by its hash.")] = Path(
        "runs"
    ),
    data: Annotated[
        str, typer.Option(help="Folder of the data, with lsp/ and lspet/, or mpii/; auto: what LLPP_DATA names.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")] = "auto",
    budget_minutes: Annotated[
        float | None, typer.Option(help="Stop in time; the same command goes on from there.", min=0.0)
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Only this repetition; may be given several times.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="Only this method; may be given several times.")] = None,
    stages: Annotated[
        int | None, typer.Option(help="The last stage to do; 0 for the base models alone.", min=0)
    ] = None,
    weights: Annotated[bool, typer.Option(help="Keep every unit's model.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print how far the run is as JSON.")] = False,
) -> None:
    """Run an experiment, or go on with it.

    The package brings configurations, figures, lsp_lspet_small, lsp_lspet and mpii among them. Several processes may
    run the same command at once, on one folder: none does what another one does. A budget shorter than the scoring of
    one model gets nowhere, because scoring begins anew. Exit codes: 0 all is done; 1 the machine failed; 2 wrong usage
    or input; 3 stopped, with work left.
    """
    with answered(resumed=True), told_to_end() as ended:
        from llpp_core import experiment

        seconds = None if budget_minutes is None else max(0.0, 60 * budget_minutes - (time.monotonic() - BEGUN))
        outcome = experiment.run(
            experiment.load_experiment(config), runs, data=data, device=device, seconds=seconds, seeds=seed or None,
            methods=method or None, stages=stages, keep_weights=weights, stop=ended.is_set,
        )  # fmt: skip
    if as_json:
        show_json(vars(outcome) | {"folder": str(outcome.folder)})
    else:
        print(f"{outcome.folder}: {len(outcome.done)} of {len(outcome.done) + len(outcome.left)} units done")
    if outcome.left:
        say(f"{len(outcome.left)} units are left; the same command goes on")
        raise typer.Exit(STOPPED)
