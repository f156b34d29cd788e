"""Measured speed and cost: the record that ``make bench`` leaves, and the page that shows it. Beyond the paper.

pytest-benchmark writes every single timing into one large file. ``python -m llpp_core.performance RAW RECORD``
condenses it to what a reader compares, small enough to be committed. ``make bench`` calls it only after every benchmark
has passed, and it writes the whole record or nothing.
"""

import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from llpp_core import store

PROJECT = Path(__file__).resolve().parent.parent
COMMAND = "make bench"
GPU_COMMAND = "PYTHONPATH=. python tests/benchmarks/gpu_step.py"
DIGITS = 4
"""Significant digits that a record keeps of a measured number; timings repeat no better."""


def condense(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a run from what pytest-benchmark wrote of it.

    Args:
        raw: its JSON file, with the additions of tests/benchmarks/conftest.py.

    Returns:
        ``benchmarks``, by topic, group and the order in which they ran (the first of a group is what its others are
        compared with), each with its topic, group, name, median in seconds, rounds and ``extra_info``; ``topics``, what
        each of them is about; ``machine``,
        ``versions``, ``commit``, whether the tree had ``uncommitted_changes``, and ``date``.

    Raises:
        ValueError: it holds no benchmark, or the run had type checks on.
    """
    if not raw["benchmarks"]:
        raise ValueError("wanted a run with benchmarks, got one without any")
    info = raw["machine_info"]
    if info["type_checks"]:
        raise ValueError(f"wanted times without type checks, got a run with checks on {info['type_checks']}")
    benchmarks = [
        {
            "topic": one["topic"],
            "group": one["group"] or "others",
            "name": one["name"],
            "seconds": _short(one["stats"]["median"]),
            "rounds": one["stats"]["rounds"],
            "extra_info": {key: _short(value) for key, value in one["extra_info"].items()},
        }
        for one in raw["benchmarks"]
    ]
    return {
        # stable: the order of the run within a group
        "benchmarks": sorted(benchmarks, key=lambda one: (one["topic"], one["group"])),
        "topics": {one["topic"]: one["about"] for one in raw["benchmarks"]},
        "machine": {
            "cpu": info["cpu"].get("brand_raw", info["machine"]),
            **{key: info[key] for key in ("cores", "threads", "memory_gib", "gpu")},
        },
        "versions": {"python": info["python_version"], **info["versions"]},
        "commit": raw["commit_info"]["id"],
        "uncommitted_changes": raw["commit_info"]["dirty"],
        "date": raw["datetime"][:10],
    }


def page(path: str | Path) -> str:
    """Return Markdown that shows a record: by topic a table for each group, and what it was measured on and with.

    Args:
        path: of the record; a relative one starts at the project's folder. Where there is no file the text says so.

    Raises:
        ValueError: the file is no record of ``make bench``.
    """
    file = PROJECT / path
    if not file.is_file():
        return f"Nothing is recorded at `{path}` yet: `{COMMAND}` measures, and writes it."
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        parts = []
        for topic, members in groupby(record["benchmarks"], key=lambda one: one["topic"]):
            parts.append(f"*{_plain(topic.capitalize())}.* {record['topics'][topic]}")
            parts += [_table(group, list(rows)) for group, rows in groupby(members, key=lambda one: one["group"])]
        return "\n\n".join([*parts, _surroundings(record)])
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"wanted a record that {COMMAND} wrote, got {path}, which lacks or misspells {error}"
        ) from None


def gpu_page(path: str | Path) -> str:
    """Return Markdown that shows what tests/benchmarks/gpu_step.py recorded of a training step on a GPU.

    Args:
        path: of the record; a relative one starts at the project's folder. Where there is no file the text says so.

    Raises:
        ValueError: the file is no such record.
    """
    file = PROJECT / path
    if not file.is_file():
        return f"Nothing is recorded at `{path}` yet. On a machine with a GPU: `{GPU_COMMAND} {path}`."
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        lines = [
            "| | images a second | of a matrix product | views and heatmaps, of a step |",
            "|---|--:|--:|--:|",
        ]
        lines += [
            f"| {_plain(way)}, {_plain(heads)} | {one['images_per_second']:,.0f} | {one['utilization']:.0%} | "
            f"{one['share_of_views_and_heatmaps']:.1%} |"
            for way, measured in record["ways"].items()
            for heads, one in measured.items()
            if isinstance(one, dict)
        ]
        settings = ", ".join(f"{name} {_plain(str(value))}" for name, value in record["settings"].items())
        versions = ", ".join(f"{name} {_plain(str(number))}" for name, number in record["versions"].items())
        lines += ["", f"- {_plain(record['device'])}; {settings}", f"- {versions}"]
        lines += [f"- commit {record['commit'][:12]}, {record['date']}", f"- made by `{GPU_COMMAND} {path}`"]
        return "\n".join(lines)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"wanted a record of {GPU_COMMAND}, got {path}, which lacks or misspells {error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Condense the file RAW into the file RECORD; 0 if it was written, 1 if not, with the reason on stderr."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if len(given) != 2:
        print("usage: python -m llpp_core.performance RAW RECORD", file=sys.stderr)
        return 2
    raw, target = map(Path, given)
    try:
        record = condense(json.loads(raw.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError) as error:
        print(f"performance: {target} stays as it is: {error}", file=sys.stderr)
        return 1
    with store.written_whole(target) as part:
        part.write_text(_text(record), encoding="utf-8")
    print(f"{len(record['benchmarks'])} benchmarks are recorded in {target}")
    return 0


def _text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _short(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else str(value)  # JSON has no word for nan


def _table(group: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a group's heading and its table; a column for each further figure that any of its rows has."""
    figures = list(dict.fromkeys(key for row in rows for key in row["extra_info"]))
    baseline = rows[0]["seconds"]
    unequal = any("gaps" in row["extra_info"] for row in rows)  # a twin so slow that it was given less to do
    lines = [
        f"**{_plain(group)}**",
        "",
        "| | median time | of the first | rounds |" + "".join(f" {_plain(f)} |" for f in figures),
        "|---|--:|--:|--:|" + "--:|" * len(figures),
    ]
    for row, label in zip(rows, _labels([row["name"] for row in rows]), strict=True):
        cells = [
            _plain(label),
            _time(row["seconds"]),
            "–" if unequal else f"{_three(row['seconds'] / baseline)}\N{NO-BREAK SPACE}×",
            f"{row['rounds']:,}",
        ]
        cells += [_figure(row["extra_info"][f]) if f in row["extra_info"] else "" for f in figures]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _labels(names: Sequence[str]) -> list[str]:
    """Return what the rows of a group are called: of a test's name and its parameters whatever tells them apart."""
    parted = [re.fullmatch(r"(?:test_)?(?:an?_|the_)?(\w+?)(?:\[(.*)\])?", name) for name in names]
    tests = [part[1].replace("_", " ") if part else name for part, name in zip(parted, names, strict=True)]
    parameters = [part[2] if part and part[2] else "" for part in parted]
    if not any(parameters) or (len(set(parameters)) == 1 and len(set(tests)) > 1):
        return tests
    if len(set(tests)) == 1:
        return parameters
    return [": ".join(filter(None, pair)) for pair in zip(tests, parameters, strict=True)]


def _surroundings(record: Mapping[str, Any]) -> str:
    machine, versions = record["machine"], record["versions"]
    changed = ", with changes that were not committed" if record["uncommitted_changes"] else ""
    lines = [
        f"{_plain(machine['cpu'])}, {machine['cores']} cores, {machine['memory_gib']:g} GiB of memory; torch took "
        f"{machine['threads']} threads",
        f"GPU: {_plain(machine['gpu'] or 'none')}",
        "versions: " + ", ".join(f"{name} {_plain(number)}" for name, number in versions.items()),
        f"commit {record['commit'][:12]}{changed}, {record['date']}",
        f"made by `{COMMAND}`",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{_three(seconds / size)}\N{NO-BREAK SPACE}{unit}"
    return f"{_three(seconds / 1e-9)}\N{NO-BREAK SPACE}ns"


def _three(number: float) -> str:
    """Return a number of at least 0.001 to three digits, and whole from 1,000 on."""
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def _figure(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _plain(str(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:.{DIGITS}g}"


def _plain(text: str) -> str:
    """Return text that Markdown shows as it stands."""
    return re.sub(r"([\\`*_{}\[\]<>|$~#])", r"\\\1", text)


if __name__ == "__main__":
    sys.exit(main())
