"""What a run did is added to a record, and what is recorded is given back to a run.

So a machine that vanishes takes nothing along: the next one goes on from the record, which alone is kept. Numbers and
choices are all that a later stage stands on; samples' losses and weights stay behind.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from llpp_core import store
from llpp_core.experiment import measures
from llpp_core.experiment.config import Experiment
from llpp_core.experiment.distributions import LOSSES, TENTHS, how_losses_lie, how_losses_rise
from llpp_core.experiment.following import ALONG
from llpp_core.experiment.identity import DESCRIPTION
from llpp_core.experiment.measured import COLUMNS
from llpp_core.experiment.reading import PICKED, READING, what_is_picked, what_is_read
from llpp_core.experiment.recorded import PROVENANCE, Recorded, unit_of
from llpp_core.experiment.results import Results
from llpp_core.experiment.splits import planned_splits
from llpp_core.experiment.tables import read_table, write_table
from llpp_core.experiment.units import Unit, units

SELECTED = ["seed", "stage", "method", "of", "ids"]
"""Columns of what was chosen: whose unit, by which method, and the ids, the first to ask for first."""
FOLLOWED = "along.csv"
MADE = ("unit", "trained on", "data", "device", "minutes", "resumed", "finished", "versions")
"""What a unit's manifest says of it that is recorded."""


def _of_base(row: Mapping[str, Any]) -> Unit:
    return Unit(int(row["seed"]))


_WHOSE: dict[str, Callable[[Mapping[str, Any]], Unit]] = {
    "metrics.csv": unit_of, "selected.csv": unit_of, "reading.csv": _of_base, "picked.csv": _of_base,
    "losses.csv": _of_base, "tenths.csv": _of_base,
}  # fmt: skip
"""The tables that have rows of units, and how a row tells of which."""


def record(
    run: str | Path, into: str | Path, *, commit: str, along: str | Path | None = None, data: str = "auto"
) -> Recorded:
    """Record a run: everything about it that is small.

    What is recorded of the same experiment stays, whichever machine made it; what is new is added, and a unit that was
    done again takes the place of the old one. The record of another experiment is replaced.

    Args:
        run: its folder, with some or all units complete.
        into: the folder to write.
        commit: of the code that made what is new.
        along: the table that `follow` wrote, where the training was followed.
        data: as in `planned_splits`; the pool is looked at.

    Raises:
        ValueError: no run, nothing complete, a table of another kind, or a pool that the run did not score.
    """
    results, place = Results.read(run), Path(into)
    if not results.records:
        raise ValueError(f"{results.folder} has no complete unit to record")
    followed = None if along is None else _followed(along)
    before = recorded_of(results.experiment, place)
    known = {} if before is None else before.known
    new = {
        unit: one
        for unit, one in results.records.items()
        if before is None or unit not in before.restorable or known[unit]["finished"] != one.about["finished"]
    }
    tables = _tables(replace(results, records=new), data) if new else {}
    if before is None:
        for name in (*_WHOSE, FOLLOWED):
            (place / name).unlink(missing_ok=True)
    for name, (columns, rows) in tables.items():
        whose = _WHOSE[name]
        of_unit: dict[Unit, list[Mapping[str, Any]]] = {}
        for row in () if before is None else before.cells(name):
            if whose(row) not in new:
                of_unit.setdefault(whose(row), []).append(row)
        for cells in rows:
            row = dict(zip(columns, cells, strict=True))
            of_unit.setdefault(whose(row), []).append(row)
        in_order = [row for unit in units(results.experiment) for row in of_unit.get(unit, ())]
        write_table(place / name, columns, [[row[column] for column in columns] for row in in_order])
    if followed is not None:
        write_table(place / FOLLOWED, ALONG, followed)
    made = {u: {key: one.about[key] for key in MADE if key in one.about} | {"commit": commit} for u, one in new.items()}
    all_made = {**known, **made}
    _write(place / DESCRIPTION, results.experiment.plain())
    _write(
        place / PROVENANCE,
        {
            "experiment": results.experiment.hash,
            "units": [all_made[unit] for unit in units(results.experiment) if unit in all_made],
        },
    )
    return Recorded.read(place)


def record_followed(experiment: Experiment, table: str | Path, into: str | Path) -> bool:
    """Add a training that was followed to the record of its experiment; nothing is done where there is none.

    Args:
        experiment: whose base model was followed.
        table: what `follow` wrote.
        into: the folder of the record.

    Returns:
        Whether there is a record to add it to.

    Raises:
        ValueError: a table of another kind.
    """
    if recorded_of(experiment, into) is None:
        return False
    write_table(Path(into) / FOLLOWED, ALONG, _followed(table))
    return True


def recorded_of(experiment: Experiment, folder: str | Path) -> Recorded | None:
    """Return the record in a folder, or None where there is none of this experiment."""
    if not (Path(folder) / DESCRIPTION).is_file():
        return None
    found = Recorded.read(folder)
    return found if found.provenance["experiment"] == experiment.hash else None


def restore(recorded: Recorded, runs: str | Path) -> list[str]:
    """Give a folder of runs what is recorded: of each unit its numbers and choices, which later stages stand on.

    What the run has itself stays, complete or under way in another process.

    Args:
        recorded: what to restore.
        runs: the folder in which runs have their folders.

    Returns:
        Names of the units that were restored.
    """
    folder = Path(runs) / recorded.experiment.folder_name
    numbers, choices = recorded.cells("metrics.csv"), recorded.cells("selected.csv")
    restored = []
    for unit, made in recorded.known.items():
        place = folder / unit.name
        if unit not in recorded.restorable:
            continue
        with store.claimed(place.with_name(f"{place.name}.lock")) as mine:
            if not mine or (place / store.MANIFEST).exists():
                continue
            place.mkdir(parents=True, exist_ok=True)
            rows = [[row[name] for name in measures.COLUMNS] for row in numbers if unit_of(row) == unit]
            write_table(place / "metrics.csv", measures.COLUMNS, rows)
            asked = [
                [row["of"], rank, name, None]
                for row in choices
                if unit_of(row) == unit
                for rank, name in enumerate(row["ids"].split(" "), start=1)
            ]
            write_table(place / "selected.csv", ["method", "rank", "id", "score"], asked)
            about = {"experiment": recorded.provenance["experiment"], **made}
            store.seal(place, ["metrics.csv", "selected.csv"], about)
            restored.append(unit.name)
    return restored


def _tables(results: Results, data: str) -> dict[str, tuple[list[str], list[list[Any]]]]:
    seed = next(iter(results.records)).seed
    pool = planned_splits(results.experiment.data, seed, data=data, progress=False).pool
    selected = [
        [unit.seed, unit.stage, unit.method or "", of, " ".join(ids)]
        for unit in results.records
        for of, ids in results.selected(unit).items()
    ]
    return {
        "metrics.csv": (COLUMNS, [[row[name] for name in COLUMNS] for row in results.metrics]),
        "selected.csv": (SELECTED, selected),
        "reading.csv": (READING, what_is_read(results, pool)),
        "picked.csv": (PICKED, what_is_picked(results, pool)),
        "losses.csv": (LOSSES, how_losses_lie(results)),
        "tenths.csv": (TENTHS, how_losses_rise(results)),
    }


def _followed(table: str | Path) -> list[list[str]]:
    rows = read_table(table)
    if not rows or list(rows[0]) != ALONG:
        raise ValueError(f"{table} is no table of a training that was followed: wanted {', '.join(ALONG)}")
    return [[row[name] for name in ALONG] for row in rows]


def _write(path: Path, values: Mapping[str, Any]) -> None:
    with store.written_whole(path) as part:
        part.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
