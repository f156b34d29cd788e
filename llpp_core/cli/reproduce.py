"""``llpp reproduce``: the paper's experiment on the paper's data, as far as the time goes."""

import time
from pathlib import Path
from typing import Annotated

import typer

from llpp_core.cli.app import STOPPED, answered, app, say, told_to_end
from llpp_core.cli.run import BEGUN


@app.command()
def reproduce(
    into: Annotated[Path, typer.Option(help="Folder of the recorded runs: a folder each.")] = Path("book/results"),
    runs: Annotated[Path, typer.Option(help="Folder of the runs; what is done there is not done again.")] = Path(
        "runs"
    ),
    data: Annotated[
        str, typer.Option(help="Folder of the data, with lsp/ and lspet/; auto: what LLPP_DATA names.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")] = "auto",
    reduced: Annotated[bool, typer.Option("--reduced", help="At reduced size: hours on one core, no GPU.")] = False,
    budget_minutes: Annotated[
        float | None, typer.Option(help="Stop in time; the same command goes on from there.", min=0.0)
    ] = None,
    commit: Annotated[str, typer.Option(help="Commit of the code, for the record.")] = "not given",
) -> None:
    """Reproduce the paper's experiment on LSP and LSPET, step by step in order of value, and record what is complete.

    The plan is made of small units, and the same command goes on wherever it was stopped or killed. Exit codes: 0 all
    is done; 1 the machine failed; 2 wrong usage or input; 3 stopped, with work left.
    """
    with answered(resumed=True), told_to_end() as ended:
        from llpp_core import experiment

        if experiment.data_folder(data) is None:
            raise ValueError("wanted LSP and LSPET: name their folder with --data or LLPP_DATA")
        seconds = None if budget_minutes is None else max(0.0, 60 * budget_minutes - (time.monotonic() - BEGUN))
        left = experiment.reproduce(
            experiment.REDUCED if reduced else experiment.FULL, runs, into, commit=commit, data=data, device=device,
            seconds=seconds, stop=ended.is_set, say=say,
        )  # fmt: skip
    if left:
        say(f"{len(left)} steps are left, from: {left[0].what}; the same command goes on")
        raise typer.Exit(STOPPED)
    say("all is done")
