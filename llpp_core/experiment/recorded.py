"""Recorded runs: what a run's folder comes down to when it is kept in the repository, as text that a diff shows.

A folder of its own for each: ``experiment.json`` (the configuration), ``metrics.csv`` (every number), ``reading.csv``
and ``picked.csv`` (`reading`), ``losses.csv`` and ``tenths.csv`` (`distributions`), ``along.csv`` where the training
was followed (`following`), ``selected.csv`` (which ids each method chose, a line a choice), and ``provenance.json``: by
which commit, on which device, with which versions and in how many minutes each unit was made. No image and no weight.
`recording` writes them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from llpp_core.experiment.config import Experiment
from llpp_core.experiment.identity import DESCRIPTION
from llpp_core.experiment.measured import Measured
from llpp_core.experiment.tables import read_table
from llpp_core.experiment.units import Unit, choosers, units

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
        """All numbers, one a row: seed, stage, method, split, of, metric, value and n."""
        return self.table("metrics.csv", whole=("seed", "stage", "n"))

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What made it: the configuration's hash, and for each unit its commit, device, minutes and versions."""
        content: dict[str, Any] = json.loads((self.folder / PROVENANCE).read_text(encoding="utf-8"))
        return content

    @cached_property
    def known(self) -> dict[Unit, dict[str, Any]]:
        """The units that are recorded, in the experiment's order, each with what made it."""
        about = {one["unit"]: one for one in self.provenance["units"]}
        return {unit: about[unit.name] for unit in units(self.experiment) if unit.name in about}

    @cached_property
    def restorable(self) -> set[Unit]:
        """Those that a later stage can stand on: all that was chosen with them is recorded too."""
        chosen = {(unit_of(row), row["of"]) for row in self.cells("selected.csv")}
        return {
            unit
            for unit in self.known
            if all((unit, method) in chosen for method in choosers(self.experiment, unit))
        }  # fmt: skip

    def cells(self, name: str) -> list[dict[str, str]]:
        """Return the rows of one of its tables, every cell as text; none where it has no such table."""
        place = self.folder / name
        return read_table(place) if place.is_file() else []

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


def unit_of(row: Mapping[str, Any]) -> Unit:
    """Return whose row it is, by its columns "seed", "stage" and "method"; rows of base models may lack the others."""
    return Unit(int(row["seed"]), int(row.get("stage", 0)), row.get("method") or None)
