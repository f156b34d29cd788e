"""Recorded runs: what a run's folder comes down to when it is kept in the repository, as text that a diff shows.

A folder of its own for each: ``experiment.json`` (the configuration), ``metrics.csv`` (every number), ``reading.csv``
and ``picked.csv`` (`reading`), ``along.csv`` where the training was followed (`following`), and ``provenance.json``: by
which commit, on which device, with which versions and in how many minutes each unit was made. No image and no weight.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from llpp_core import store
from llpp_core.experiment.config import Experiment
from llpp_core.experiment.following import ALONG
from llpp_core.experiment.identity import DESCRIPTION
from llpp_core.experiment.measured import COLUMNS, Measured
from llpp_core.experiment.reading import PICKED, READING, what_is_picked, what_is_read
from llpp_core.experiment.results import Results
from llpp_core.experiment.splits import planned_splits
from llpp_core.experiment.tables import read_table, write_table

PROVENANCE = "provenance.json"
PROJECT = Path(__file__).parents[2]
"""The project's folder, which a relative path of recorded runs starts at."""


def recorded_folder(path: str | Path) -> Path:
    """Return a folder of recorded runs; a relative path starts at the project's folder, wherever a kernel stands."""
    return PROJECT / path


@dataclass(frozen=True)
class Recorded(Measured):
    """A recorded run.

    Attributes:
        folder: where it lies.
        experiment: what was run.
        choices: how many times at most labels were asked for.
    """

    folder: Path
    experiment: Experiment
    choices: int

    @classmethod
    def read(cls, folder: str | Path) -> "Recorded":
        """Read a recorded run.

        Raises:
            ValueError: there is no such folder, or none of a recorded run.
        """
        place = Path(folder)
        if not (place / DESCRIPTION).is_file() or not (place / "metrics.csv").is_file():
            raise ValueError(f"wanted the folder of a recorded run, with {DESCRIPTION} and metrics.csv, got {place}")
        try:
            experiment = Experiment.from_mapping(json.loads((place / DESCRIPTION).read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{place / DESCRIPTION} describes no experiment: {error}") from error
        stages = [int(row["stage"]) for row in read_table(place / "metrics.csv") if row["split"] == "selected"]
        return cls(place, experiment, max(stages, default=-1) + 1)

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """All numbers, one a row, by the names in `COLUMNS`."""
        return self.table("metrics.csv", whole=("seed", "stage", "n"))

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What made it: the commit, and for each unit its device, minutes and versions."""
        content: dict[str, Any] = json.loads((self.folder / PROVENANCE).read_text(encoding="utf-8"))
        return content

    def table(self, name: str, *, whole: tuple[str, ...] = ("seed", "n")) -> list[dict[str, Any]]:
        """Return the rows of one of its tables, numbers as numbers.

        Args:
            name: "reading.csv", for instance.
            whole: which columns hold whole numbers.

        Raises:
            ValueError: it has no such table.
        """
        place = self.folder / name
        if not place.is_file():
            raise ValueError(f"{self.folder} has no {name}")
        return [
            {**row, "value": float(row["value"] or "nan"), **{key: int(row[key]) for key in whole}}
            for row in read_table(place)
        ]


def record(
    run: str | Path, into: str | Path, *, commit: str, along: str | Path | None = None, data: str = "auto"
) -> Recorded:
    """Record a run: everything about it that is small.

    Args:
        run: its folder, with some or all units complete.
        into: the folder to write; files of these names are replaced.
        commit: of the code that made it.
        along: the table that `follow` wrote, where the training was followed.
        data: as in `planned_splits`; the pool is looked at.

    Raises:
        ValueError: no run, nothing complete, a table of another kind, or a pool that the run did not score.
    """
    results = Results.read(run)
    if not results.records:
        raise ValueError(f"{results.folder} has no complete unit to record")
    seed = next(iter(results.records)).seed
    pool = planned_splits(results.experiment.data, seed, data=data, progress=False).pool
    place = Path(into)
    tables = {
        "metrics.csv": (COLUMNS, [[row[name] for name in COLUMNS] for row in results.metrics]),
        "reading.csv": (READING, what_is_read(results, pool)),
        "picked.csv": (PICKED, what_is_picked(results, pool)),
    }
    if along is not None:
        rows = read_table(along)
        if not rows or list(rows[0]) != ALONG:
            raise ValueError(f"{along} is no table of a training that was followed: wanted {', '.join(ALONG)}")
        tables["along.csv"] = (ALONG, [[row[name] for name in ALONG] for row in rows])
    for name, (columns, content) in tables.items():
        write_table(place / name, columns, content)
    units = [_about(record.about) for record in results.records.values()]
    _write(place / DESCRIPTION, results.experiment.plain())
    _write(place / PROVENANCE, {"commit": commit, "experiment": results.experiment.hash, "units": units})
    return Recorded.read(place)


def _about(about: Mapping[str, Any]) -> dict[str, Any]:
    return {key: about[key] for key in ("unit", "device", "minutes", "resumed", "finished", "versions") if key in about}


def _write(path: Path, values: Mapping[str, Any]) -> None:
    with store.written_whole(path) as part:
        part.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
