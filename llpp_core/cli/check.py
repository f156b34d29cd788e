"""``llpp data check``: whether the data sets are whole, before hours are spent on them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llpp_core.cli.app import STOPPED, WRONG, answered, app, say, show_json

if TYPE_CHECKING:
    from llpp_core.data.checking import Checked

PRINTED = 20
"""How many problems of a data set are printed; JSON has them all."""

data = typer.Typer(help="Look at the data sets LSP, LSPET and MPII.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data, name="data")


@data.callback()
def group() -> None:
    """Look at the data sets LSP, LSPET and MPII."""


@data.command()
def check(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="A folder that holds lsp/, lspet/ or mpii/, some or all of them, as --data of llpp train and "
            "llpp run wants it; or one of these data sets itself.",
        ),
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="See whether every image is there, without reading it: seconds.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, with all problems.")] = False,
) -> None:
    """Check that data sets are whole: annotations as they should be, every image there and readable to its end.

    What is wanted, each in its folder: lsp/ (Leeds Sports Pose, 2,000 images) and lspet/ (its extended training set,
    10,000 images) hold images/ and joints.mat; mpii/ (MPII Human Pose) holds images/, its annotations as one .mat or
    .json file, and newell_validation_images.txt, the list of validation images.

    Printed is a line a data set (images that can be used, annotated people and joints, problems), then each problem in
    a sentence, at most 20 a data set. Nothing is changed.

    Exit codes: 0 all is well; 2 there are problems, or none of the three is there; 3 stopped by Ctrl-C.
    """
    with answered():
        from llpp_core.data.checking import SETS, check_set, find_sets

        found = find_sets(folder)
        if absent := [part for part, name in SETS.items() if name not in found]:
            say(f"not looked at, because not there: {', '.join(absent)}")
        try:
            results = [check_set(name, where, decode=not quick) for name, where in found.items()]
        except KeyboardInterrupt as error:
            say("stopped; the same command begins anew")
            raise typer.Exit(STOPPED) from error
    if as_json:
        show_json({"folder": str(folder), "decoded": not quick, "sets": [_plain(result) for result in results]})
    else:
        print(f"{'data set':10}{'images':>8}{'people':>8}{'joints annotated':>26}{'problems':>10}")
        for result in results:
            print(_line(result))
        for result in results:
            for problem in result.problems[:PRINTED]:
                print(f"{result.name}: {problem}")
            if (more := len(result.problems) - PRINTED) > 0:
                print(f"{result.name}: and {more:,} more problems; --json prints them all")
    if any(result.problems for result in results):
        raise typer.Exit(WRONG)


def _line(result: "Checked") -> str:
    joints = f"{result.annotated:,} of {result.joints:,}"
    return f"{result.name:10}{result.images:>8,}{result.people:>8,}{joints:>26}{len(result.problems):>10,}"


def _plain(result: "Checked") -> dict[str, object]:
    return {
        "name": result.name,
        "folder": str(result.folder),
        "images": result.images,
        "people": result.people,
        "joints_annotated": result.annotated,
        "joints": result.joints,
        "problems": list(result.problems),
    }
