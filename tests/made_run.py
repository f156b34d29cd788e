"""A run's folder made by hand, so that what is said and drawn of it can be held to numbers worked out on paper."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llpp_core import store
from llpp_core.experiment import Experiment, Unit
from llpp_core.experiment.measures import COLUMNS
from llpp_core.experiment.runner import DESCRIPTION
from llpp_core.experiment.tables import write_table

VALUES: dict[str, Any] = {
    "name": "made",
    "seeds": [0, 1, 2],
    "stages": 2,
    "budget": 6,
    "data": {"kind": "figures", "size": 64, "train": 32, "test": 40, "pool": 40},
    "model": {"kind": "hourglass", "stacks": 1, "channels": 8},
    "training": {"epochs": 1},
    "predictors": {"LL": {"objective": "learning_loss"}, "LL++": {}},
    "methods": {
        "random": {"strategy": "random"},
        "LL": {"strategy": "predicted_loss", "predictor": "LL"},
        "LL++": {"strategy": "predicted_loss", "predictor": "LL++"},
        "oracle": {"strategy": "oracle"},
    },
}
PCK = "PCK@0.2"
CHOSEN: dict[str, tuple[Sequence[float], Sequence[float]]] = {
    "random": ((0.50, 0.60, 0.70), (0.60, 0.70, 0.80)),
    "LL": ((0.40, 0.52, 0.58), (0.70, 0.60, 0.90)),
    "LL++": ((0.60, 0.71, 0.82), (0.55, 0.65, 0.75)),
    "oracle": ((0.10, 0.65, 0.75), (0.30, 0.30, 0.30)),
}
"""The accuracy of each method's first and second choice, for seeds 0, 1 and 2."""
TESTED: dict[str, tuple[Sequence[float], Sequence[float]]] = {
    "random": ((0.70, 0.72, 0.74), (0.80, 0.82, 0.84)),
    "LL": ((0.71, 0.73, 0.75), (0.81, 0.84, 0.87)),
    "LL++": ((0.60, 0.80, 0.70), (0.79, 0.80, 0.81)),
    "oracle": ((0.75, 0.75, 0.75), (0.85, 0.85, 0.85)),
}
"""The accuracy on the test split after the first and second stage."""
BASE = (0.60, 0.64, 0.68)
"""The same of the base models."""

Row = tuple[str, str, str, float, int]


def plan(**changes: Any) -> Experiment:
    return Experiment.from_mapping({**VALUES, **changes})


def new_run(root: Path, of: Experiment, name: str | None = None) -> Path:
    folder = root / (name or of.folder_name)
    folder.mkdir(parents=True)
    (folder / DESCRIPTION).write_text(json.dumps(of.plain()))
    return folder


def add_unit(
    folder: Path,
    of: Experiment,
    unit: Unit,
    rows: Sequence[Row],
    samples: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    *,
    minutes: tuple[float, float, float] = (1.0, 2.0, 3.0),
    device: str = "CPU, 1 threads",
    experiment: str | None = None,
    named: str | None = None,
    trained_on: Sequence[str] = (),
    resumed: bool = False,
) -> None:
    """Write a complete unit, which chose nothing: rows of metrics, and columns of samples by split."""
    place = folder / unit.name
    write_table(place / "metrics.csv", COLUMNS, rows)
    for split, columns in (samples or {}).items():
        n = len(next(iter(columns.values())))
        table = [[f"{split}-{i}", *(float(values[i]) for values in columns.values())] for i in range(n)]
        write_table(place / f"{split}.csv", ["id", *columns], table)
    write_table(place / "selected.csv", ["method", "rank", "id", "score"], [])
    names = ["metrics.csv", "selected.csv", *(f"{split}.csv" for split in samples or {})]
    parts = dict(zip(("train", "score", "choose"), minutes, strict=True))
    identity = {
        "experiment": experiment or of.hash,
        "unit": named or unit.name,
        "trained on": store.fingerprint(trained_on),
    }
    store.seal(place, names, {**identity, "minutes": parts, "device": device, "resumed": resumed})


def choice_row(method: str, value: float) -> Row:
    return ("selected", method, PCK, value, 6)


def whole_run(
    root: Path, of: Experiment | None = None, *, name: str | None = None, without: Sequence[str] = ()
) -> Path:
    """The run that `CHOSEN`, `TESTED` and `BASE` describe; units named in ``without`` are not there."""
    of = of or plan()
    folder = new_run(root, of, name)
    for at, seed in enumerate(of.seeds):
        rows: list[Row] = [("test", "", PCK, BASE[at], 40), ("train", "", PCK, 0.9, 32)]
        rows += [choice_row(method, CHOSEN[method][0][at]) for method in of.methods]
        units = {Unit(seed): rows}
        for method in of.methods:
            first: list[Row] = [("test", "", PCK, TESTED[method][0][at], 40)]
            units[Unit(seed, 1, method)] = [*first, choice_row(method, CHOSEN[method][1][at])]
            units[Unit(seed, 2, method)] = [("test", "", PCK, TESTED[method][1][at], 40)]
        for unit, content in units.items():
            if unit.name not in without:
                add_unit(folder, of, unit, content)
    return folder


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-2] ^= 1
    file.write_bytes(bytes(content))
