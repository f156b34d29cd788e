"""What makes a folder the record of a unit: the experiment, the unit's name, and the labels that it was trained on."""

from collections.abc import Mapping
from typing import Any

from llpp_core import store
from llpp_core.experiment.config import Experiment
from llpp_core.experiment.tables import read_table
from llpp_core.experiment.units import Unit

DESCRIPTION = "experiment.json"
"""The configuration, in the run's folder."""


def identity(experiment: Experiment, unit: Unit, complete: Mapping[Unit, store.Record]) -> dict[str, str]:
    """Return what the manifest of a unit must say.

    Args:
        experiment: whose unit.
        unit: which one; those that it stands on are complete.
        complete: the complete units.
    """
    return {
        "experiment": experiment.hash,
        "unit": unit.name,
        "trained on": store.fingerprint(asked(unit, complete)),
    }


def stranger(record: store.Record, wanted: Mapping[str, Any]) -> str | None:
    """Return a sentence on why a record is not what was wanted, or None where it is."""
    for key, value in wanted.items():
        if record.about.get(key) != value:
            return f"{record.folder} is foreign here: its {key} is {record.about.get(key)!r}"
    return None


def asked(unit: Unit, complete: Mapping[Unit, store.Record]) -> list[str]:
    """Return the ids that a unit is trained on beside those labeled at first, in the order they were asked for."""
    ids: list[str] = []
    before = unit.before
    while before is not None:
        rows = read_table(complete[before].path("selected.csv"))
        ids = [row["id"] for row in rows if row["method"] == unit.method] + ids
        before = before.before
    return ids
