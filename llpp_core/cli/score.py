"""``llpp score``: which images to label next, as a ranked table and as a page to look through."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llpp_core.cli.app import STOPPED, WRONG, answered, app, say, show_json

if TYPE_CHECKING:
    from llpp_core.data.candidates import Candidate
    from llpp_core.experiment.ranking import Ranking
    from llpp_core.experiment.trained import Trained


@app.command()
def score(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="A model file: what llpp train wrote, or model.safetensors of a unit of llpp run."
        ),
    ],
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES",
            help="Image files and folders, any number of both. Of a folder all image files are taken, sorted by path, "
            "also those in folders within it; hidden ones are not.",
        ),
    ],
    boxes: Annotated[
        Path | None,
        typer.Option(
            help="CSV file that says where the people are: columns image, left, top, width, height (others are "
            "ignored), a line a person, in pixels from the top left corner of the image, the box tight round the "
            "person. A relative image is looked for in the folders given as IMAGES, in the CSV's folder and in the "
            "working folder. Only images given as IMAGES are scored, and of them only those that have a box."
        ),
    ] = None,
    predictor: Annotated[
        str | None, typer.Option(help="Which of the model's loss predictors ranks; default: its last one.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many to list; all where there are fewer.", min=1)] = 100,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The table to write; the page goes beside it, with the ending .html.")
    ] = Path("next.csv"),
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, besides writing it.")] = False,
) -> None:
    """Say which images to label next: those in which a trained model expects its largest errors.

    Every image is shown to the model, and its loss predictor says how wrong the model will be. Written are a table
    (rank, image, with --boxes left, top, width, height, and predicted_loss) and a page for a browser, of the same name
    with the ending .html: the same pictures with the skeletons that the model sees in them, to look through.

    Without --boxes the whole image is taken for one person, who should fill about two thirds of it. With --boxes each
    person is cut out as in training: a square round the box, 1.5 times as wide as its longer side.

    Example: llpp score model.safetensors photos/ --top 100 -o next.csv

    Images and lines that cannot be used are named and left out; all others are scored and written, and the exit code
    is 2. Exit codes: 0 all is done; 1 the machine failed, with a full disk for instance; 2 wrong usage, or something
    was left out; 3 stopped by Ctrl-C, and nothing was written.
    """
    with answered():
        try:
            result = _scored(model, images, boxes, predictor, top, output, device)
        except KeyboardInterrupt as error:
            say("stopped; what was not finished is not written, and the same command begins anew")
            raise typer.Exit(STOPPED) from error
    if as_json:
        show_json(result)
    if skipped := len(result["skipped"]):
        say(f"{skipped:,} could not be used and {'was' if skipped == 1 else 'were'} left out, see above")
    if skipped or not result["next"]:
        raise typer.Exit(WRONG)


def _scored(
    model: Path, places: list[str], boxes: Path | None, predictor: str | None, top: int, output: Path, device: str
) -> dict[str, Any]:
    """Score, write, and return what there is to print."""
    page = output.with_suffix(".html")
    _check_place(output, page, [model, *([boxes] if boxes else [])])
    from llpp_core import experiment
    from llpp_core.data.candidates import find_images, read_boxes, whole
    from llpp_core.experiment.ranking import chosen_predictor, ranked

    where = experiment.device(device)
    trained = experiment.load_trained(model)
    name = chosen_predictor(trained, predictor)
    say(f"ranking by {name}" + (f", one of {', '.join(trained.heads)}" if len(trained.heads) > 1 else ""))
    files, left_out = find_images(places)
    _check_place(output, page, files)
    say(f"{len(files):,} image file{'' if len(files) == 1 else 's'} found")
    candidates = whole(files)
    if boxes is not None:
        candidates, bad = read_boxes(boxes, files, places)
        left_out += bad
        with_box = len({candidate.image for candidate in candidates})
        say(f"{len(candidates):,} boxes in {with_box:,} of them; what has no box is not scored")
    ranking = ranked(trained, candidates, predictor=name, top=top, device=where)
    left_out += ranking.left_out
    for one in left_out:
        say(f"left out: {one.image}: {one.why}" if one.image else f"left out: {one.why}")
    columns, rows = _table(ranking, with_boxes=boxes is not None)
    if ranking.scored:
        _write(output, page, columns, rows, ranking, _about(model, trained, ranking, len(left_out)))
    else:
        say("no image is left to rank, so nothing is written")
    return {
        "model": str(model),
        "predictor": name,
        "images": ranking.images,
        "crops": ranking.scored,
        "skipped": [{"image": one.image, "why": one.why} for one in left_out],
        "next": [dict(zip(columns, row, strict=True)) for row in rows],
    }


def _check_place(output: Path, page: Path, read: Sequence[str | Path]) -> None:
    """Refuse, before the work begins, a place that cannot be written to, or where something lies that is read."""
    if output == page:
        raise ValueError(f"wanted the name of a table, next.csv for instance, got {output}: the page is called so")
    for written in (output, page):
        if written.is_dir():
            raise ValueError(f"wanted a file to write, got {written}, which is a folder")
        place = os.path.realpath(written)
        for file in read:
            if os.path.realpath(file) == place:
                raise ValueError(f"writing {written} would destroy {file}; name another output")
    folder = output.absolute().parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ValueError(f"{output} cannot be written: {folder} is no folder that may be written to")


def _table(ranking: "Ranking", *, with_boxes: bool) -> tuple[list[str], list[list[Any]]]:
    from llpp_core.data.candidates import BOX

    rows = [
        [rank, candidate.image, *(candidate.box or ()), loss]
        for rank, (candidate, loss) in enumerate(
            zip(ranking.candidates, ranking.predicted_loss.tolist(), strict=True), start=1
        )
    ]
    return ["rank", "image", *(BOX if with_boxes else ()), "predicted_loss"], rows


def _write(
    output: Path, page: Path, columns: list[str], rows: list[list[Any]], ranking: "Ranking", about: list[str]
) -> None:
    from llpp_core import store
    from llpp_core.experiment.tables import write_table
    from llpp_core.galleries import contact_sheet

    write_table(output, columns, rows)
    say(f"wrote {output}: {len(rows):,} of {ranking.scored:,}, first to label first")
    assert ranking.shown is not None  # something was scored
    assert ranking.joints is not None
    shown = ranking.candidates[: len(ranking.shown)]
    text = contact_sheet(
        ranking.shown,
        ranking.joints,
        names=[_name(candidate) for candidate in shown],
        notes=[f"predicted loss {loss:.3f}" for loss in ranking.predicted_loss[: len(shown)].tolist()],
        title="What to label next",
        about=about,
    )
    with store.written_whole(page) as part:
        part.write_text(text, encoding="utf-8")
    say(f"wrote {page}: {len(shown):,} pictures with predicted skeletons, {page.stat().st_size / 1e6:.1f} MB")


def _name(candidate: "Candidate") -> str:
    if candidate.box is None:
        return candidate.image
    left, top, width, height = map(round, candidate.box)
    return f"{candidate.image}, {width} × {height} at ({left}, {top})"


def _about(model: Path, trained: "Trained", ranking: "Ranking", left_out: int) -> list[str]:
    """Return what the page says above the pictures."""
    from llpp_core.experiment.ranking import meaning

    assert ranking.shown is not None
    crops = f"{ranking.scored:,} crops of {ranking.images:,} images" if ranking.scored != ranking.images else (
        f"{ranking.scored:,} images"
    )  # fmt: skip
    shown, listed = len(ranking.shown), len(ranking.candidates)
    first = "all of them" if shown == ranking.scored else f"the first {shown:,}"
    rest = f"; the table lists {listed:,}" if listed > shown else ""
    lines = [
        f"{crops} were ranked by the loss that the predictor {ranking.predictor} of {model.name} expects, highest "
        f"first. Here are {first}{rest}. The skeletons are the model's predictions, not annotations.",
        f"The predicted loss l̂ is to be read as a rank: label from the top. {meaning(trained, ranking.predictor)} "
        "How well the ranking agrees with true errors is measured on annotated data, and printed by llpp train.",
    ]
    if left_out:
        lines.append(f"{left_out:,} could not be used and {'was' if left_out == 1 else 'were'} left out.")
    return lines
