"""What came of a run: its complete units as tidy rows, and the samples behind them."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from llpp_core import store
from llpp_core.experiment.config import Experiment
from llpp_core.experiment.identity import DESCRIPTION, identity, stranger
from llpp_core.experiment.measured import COLUMNS, Measured
from llpp_core.experiment.tables import column, read_table, write_table
from llpp_core.experiment.trained import WEIGHTS, Trained, load_trained
from llpp_core.experiment.units import Unit, units


@dataclass(frozen=True)
class Results(Measured):
    """The complete units of a run, read from its folder; nothing is changed there.

    Attributes:
        folder: of the run.
        experiment: what was run.
        records: the complete units, in their order.
        notices: what is damaged or foreign, named; such a unit counts as not done.
        choices: how many times at most labels were asked for by these units.
    """

    folder: Path
    experiment: Experiment
    records: Mapping[Unit, store.Record]
    notices: tuple[str, ...]
    choices: int

    @classmethod
    def read(cls, folder: str | Path, *, seeds: Collection[int] | None = None, stages: int | None = None) -> "Results":
        """Read a run's folder, or a part of it.

        Args:
            folder: of the run.
            seeds: which repetitions; all where None.
            stages: the last stage to read, 0 for the base models alone; all where None.

        Raises:
            ValueError: there is no such folder, or none of a run.
        """
        place = Path(folder)
        try:
            values = json.loads((place / DESCRIPTION).read_text(encoding="utf-8"))
            experiment = Experiment.from_mapping(values)
        except OSError as error:
            raise ValueError(f"wanted the folder of a run, with its {DESCRIPTION}, got {place}") from error
        except (ValueError, TypeError) as error:
            raise ValueError(f"{place / DESCRIPTION} describes no experiment: {error}") from error
        records: dict[Unit, store.Record] = {}
        notices: list[str] = []
        in_doubt: list[str] = []
        last = experiment.stages if stages is None else stages
        for unit in units(experiment):
            if (seeds is not None and unit.seed not in seeds) or unit.stage > last:
                continue
            try:
                record = store.read_record(place / unit.name)
            except store.DamagedError as error:
                notices.append(str(error))
                continue
            if record is None:
                continue
            if unit.before is not None and unit.before not in records:
                in_doubt.append(unit.name)
            elif why := stranger(record, identity(experiment, unit, records)):
                notices.append(why)
            else:
                records[unit] = record
        if in_doubt:
            notices.append(f"left out, since they stand on units that are not complete: {', '.join(in_doubt)}")
        return cls(place, experiment, records, tuple(notices), min(last + 1, experiment.stages))

    @property
    def units(self) -> list[Unit]:
        """All units of the experiment, complete or not, in their order."""
        return list(units(self.experiment))

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """All numbers, one a row: seed, stage, method, split, of, metric, value, n; see `measures`."""
        rows: list[dict[str, Any]] = []
        for unit, record in self.records.items():
            where = {"seed": unit.seed, "stage": unit.stage, "method": unit.method or ""}
            for row in read_table(record.path("metrics.csv")):
                value = float(row["value"] or "nan")
                rows.append({**where, **row, "value": value, "n": int(row["n"])})
        return rows

    def write_metrics(self, path: str | Path) -> None:
        """Write all numbers as one tidy CSV file."""
        write_table(path, COLUMNS, [[row[name] for name in COLUMNS] for row in self.metrics])

    def samples(self, unit: Unit, split: str) -> dict[str, Tensor]:
        """Return the columns of a unit's samples, "true_loss", "pck" and what was predicted, each (n,).

        Raises:
            ValueError: the unit is not complete, or scored no such split.
        """
        rows = read_table(self._record(unit).path(f"{split}.csv"))
        return {name: column(rows, name) for name in rows[0] if name != "id"}

    def trained(self, unit: Unit) -> Trained:
        """Return a unit's model and predictors.

        Raises:
            ValueError: the unit is not complete, or kept no weights.
        """
        record = self._record(unit)
        if WEIGHTS not in record.files:
            raise ValueError(f"{unit.name} of {self.folder} was run without keeping weights")
        return load_trained(record.path(WEIGHTS))

    def ids(self, unit: Unit, split: str) -> list[str]:
        """Return the ids of a unit's samples, in the order of `samples`."""
        return [row["id"] for row in read_table(self._record(unit).path(f"{split}.csv"))]

    def selected(self, unit: Unit) -> dict[str, list[str]]:
        """Return the ids that each method chose with a unit's model, the first to ask for first."""
        chosen: dict[str, list[str]] = {}
        for row in read_table(self._record(unit).path("selected.csv")):
            chosen.setdefault(row["method"], []).append(row["id"])
        return chosen

    def _record(self, unit: Unit) -> store.Record:
        if unit not in self.records:
            raise ValueError(f"{unit.name} of {self.folder} is not complete")
        return self.records[unit]


def find_runs(folder: str | Path) -> list[Path]:
    """Return the folder of a run, or those that a folder holds.

    Raises:
        ValueError: it is no folder, or holds no run.
    """
    place = Path(folder)
    if (place / DESCRIPTION).is_file():
        return [place]
    found = sorted(path.parent for path in place.glob(f"*/{DESCRIPTION}"))
    if not found:
        raise ValueError(f"wanted the folder of a run, with its {DESCRIPTION}, or one that holds some, got {place}")
    return found
