"""A tiny experiment for these tests, and what two folders of one experiment must have in common."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llpp_core import experiment

METHODS: dict[str, dict[str, str]] = {
    "random": {"strategy": "random"},
    "core_set": {"strategy": "core_set"},
    "LL++": {"strategy": "predicted_loss", "predictor": "LL++"},
    "entropy": {"strategy": "multipeak_entropy"},
    "clusters": {"strategy": "clustered_predicted_loss", "predictor": "LL++"},
}
OWN = ("minutes", "finished", "resumed")
"""What a manifest says of the process that made it, and not of the results."""


def values(**changes: Any) -> dict[str, Any]:
    """The tiny experiment as a TOML file has it: 11 units, about half a second each."""
    return {
        "name": "tiny",
        "seeds": [0],
        "stages": 2,
        "budget": 6,
        "data": {"kind": "figures", "size": 64, "train": 32, "test": 20, "pool": 40},
        "model": {"kind": "hourglass", "stacks": 1, "channels": 8},
        "training": {"epochs": 2},
        "predictors": {"LL++": {"module": "pooled", "objective": "learning_loss_pp"}},
        "methods": METHODS,
        **changes,
    }


def tiny(**changes: Any) -> experiment.Experiment:
    return experiment.Experiment.from_mapping(values(**changes))


def tinier(**changes: Any) -> experiment.Experiment:
    """One method, a handful of samples: a tenth of a second a unit."""
    small = {
        "budget": 2,
        "data": {"kind": "figures", "size": 64, "train": 4, "test": 3, "pool": 6},
        "model": {"kind": "hourglass", "stacks": 1, "channels": 4},
        "training": {"epochs": 2, "batch_size": 2},
        "methods": {"LL++": METHODS["LL++"]},
    }
    return tiny(**{**small, **changes})


def differences(wanted: Path, got: Path) -> list[str]:
    """Return in what two folders of one experiment differ, beyond times; nothing where they hold the same results."""
    found = [f"{path} was left" for path in sorted(got.rglob("*.part"))]
    found += [f"{path} was left" for path in sorted(got.rglob("checkpoint.pt"))]
    ours, theirs = _files(got), _files(wanted)
    found += [f"{name} is only in one of them" for name in sorted(ours.keys() ^ theirs.keys())]
    for name in sorted(ours.keys() & theirs.keys()):
        if name.endswith("manifest.json"):
            same = _manifest(ours[name]) == _manifest(theirs[name])
        else:
            same = ours[name] == theirs[name]
        if not same:
            found.append(f"{name} differs")
    return found


def _files(folder: Path) -> dict[str, bytes]:
    """Everything but the log, claims and what was set aside."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "log.txt" and path.suffix not in (".lock", ".part")
        and "set_aside" not in path.parts
    }  # fmt: skip


def _manifest(text: bytes) -> Mapping[str, Any]:
    content = json.loads(text)
    del content["check"]
    for key in OWN:
        del content["about"][key]
    return content


def times(folder: Path, *, but: str = "//") -> dict[str, int]:
    """Return when each file of a run was last changed, those of one unit and the log left out."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and path.name != "log.txt" and path.suffix != ".lock"
        and not str(path.relative_to(folder)).startswith((but, "set_aside"))
    }  # fmt: skip
