"""The record of the benchmarks: made from a whole run only, and shown whatever benchmarks are in it."""

import ast
import copy
import json
import math
import os
import shutil
import subprocess
import sys

import pytest
import torch

from llpp_core import performance

RAW = {
    "benchmarks": [
        {
            "topic": "losses" if group == "pairs" else "training",
            "about": "What pairs cost." if group == "pairs" else "What epochs cost: `train`.",
            "group": group,
            "name": name,
            "stats": {"median": median, "rounds": 1200, "data": [median] * 3},
            "extra_info": extra,
        }
        for group, name, median, extra in [
            ("pairs", "test_pairs[all-n=8]", 0.0123456, {"largest error": 3.14159e-13}),
            ("epochs", "test_an_epoch[without predictors]", 2.5, {}),
            ("pairs", "test_pairs[a|b_c]", 0.0246912, {"MiB": 12, "kind": "a|b"}),
            ("epochs", "test_an_epoch[with three]", 3.0, {}),
            (None, "test_alone", 7.2e-7, {}),
        ]
    ],
    "machine_info": {
        "node": "some-host", "machine": "x86_64", "cpu": {"brand_raw": "Abacus 3000"}, "python_version": "3.11.7",
        "cores": 2, "threads": 1, "memory_gib": 23.5, "gpu": None, "type_checks": None, "versions": {"torch": "2.13.0"},
    },
    "commit_info": {"id": "0123456789abcdef", "dirty": True},
    "datetime": "2026-11-23T14:00:00+00:00",
}  # fmt: skip


@pytest.fixture
def raw():
    return copy.deepcopy(RAW)


def recorded(folder, raw):
    source, target = folder / "raw.json", folder / "results" / "record.json"
    source.write_text(json.dumps(raw))
    return performance.main([str(source), str(target)]), target


def cells(line):
    """The cells of a table's line; an escaped bar is no border."""
    return [cell.strip().replace("\0", r"\|") for cell in line.replace(r"\|", "\0").split("|")[1:-1]]


def table(text, group):
    lines = text.split(f"**{group}**\n\n")[1].split("\n\n")[0].splitlines()
    rows = [cells(line) for line in lines]
    assert {len(row) for row in rows} == {len(rows[0])}
    return [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in (rows[0], *rows[2:])]


def test_a_record_keeps_what_a_reader_compares_and_names_no_host(tmp_path, raw) -> None:
    status, target = recorded(tmp_path, raw)
    text = target.read_text()
    record = json.loads(text)
    assert status == 0
    assert "some-host" not in text
    assert "data" not in text
    assert record["benchmarks"][2] == {
        "topic": "training", "group": "epochs", "name": "test_an_epoch[without predictors]", "seconds": 2.5,
        "rounds": 1200, "extra_info": {},
    }  # fmt: skip
    assert record["machine"] == {"cpu": "Abacus 3000", "cores": 2, "threads": 1, "memory_gib": 23.5, "gpu": None}
    assert record["versions"] == {"python": "3.11.7", "torch": "2.13.0"}
    assert (record["commit"], record["uncommitted_changes"], record["date"]) == ("0123456789abcdef", True, "2026-11-23")
    assert record["benchmarks"][0]["seconds"] == 0.01235
    assert record["topics"] == {"losses": "What pairs cost.", "training": "What epochs cost: `train`."}
    assert text == json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def test_topics_and_groups_are_sorted_and_keep_the_order_of_the_run(raw) -> None:
    names = [one["name"] for one in performance.condense(raw)["benchmarks"]]
    assert names == [RAW["benchmarks"][i]["name"] for i in (0, 2, 1, 3, 4)]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda raw: raw.update(benchmarks=[]), "with benchmarks"),
        (lambda raw: raw["machine_info"].update(type_checks="llpp_core,beartype.beartype"), "without type checks"),
        (lambda raw: raw["machine_info"].pop("threads"), "threads"),
    ],
    ids=["empty", "type checks", "not from tests/benchmarks"],
)
def test_a_run_that_is_not_whole_leaves_the_record_as_it_was(tmp_path, raw, spoil, reason, capsys) -> None:
    _, target = recorded(tmp_path, raw)
    before = target.read_bytes()
    raw["benchmarks"][1]["stats"]["median"] = 99.0
    spoil(raw)
    assert recorded(tmp_path, raw)[0] == 1
    assert reason in capsys.readouterr().err
    assert target.read_bytes() == before
    assert list(target.parent.iterdir()) == [target]


def test_a_run_that_left_nothing_is_said_to(tmp_path, capsys) -> None:
    assert performance.main([str(tmp_path / "none.json"), str(tmp_path / "record.json")]) == 1
    assert "stays as it is" in capsys.readouterr().err
    assert performance.main([]) == 2


def test_the_page_has_a_table_a_group_with_ratios_to_its_first_row(tmp_path, raw) -> None:
    text = performance.page(recorded(tmp_path, raw)[1])
    assert table(text, "epochs") == [
        ["", "median time", "of the first", "rounds"],
        ["without predictors", "2.5 s", "1 ×", "1,200"],
        ["with three", "3 s", "1.2 ×", "1,200"],
    ]
    assert table(text, "pairs") == [
        ["", "median time", "of the first", "rounds", "largest error", "MiB", "kind"],
        ["all-n=8", "12.3 ms", "1 ×", "1,200", "3.142e-13", "", ""],
        [r"a\|b\_c", "24.7 ms", "2 ×", "1,200", "", "12", r"a\|b"],
    ]
    assert table(text, "others")[1][:2] == ["alone", "720 ns"]


def test_the_page_goes_by_topics_and_says_what_each_is_about(tmp_path, raw) -> None:
    text = performance.page(recorded(tmp_path, raw)[1])
    about = ["*Losses.* What pairs cost.", "*Training.* What epochs cost: `train`."]
    order = [about[0], "**pairs**", about[1], "**epochs**", "**others**"]
    assert [text.count(part) for part in order] == [1] * 5
    assert sorted(order, key=text.index) == order


def test_a_figure_that_could_not_be_measured_is_shown_as_that(tmp_path, raw) -> None:
    raw["benchmarks"][0]["extra_info"]["largest error"] = math.nan
    assert table(performance.page(recorded(tmp_path, raw)[1]), "pairs")[1][4] == "nan"


def test_two_tests_of_the_same_parameters_are_called_by_their_names() -> None:
    assert performance._labels(["test_closed_form[4.0-1]", "test_the_textbook[4.0-1]"]) == ["closed form", "textbook"]
    assert performance._labels(["test_closed_form[4.0-1]"]) == ["4.0-1"]


def test_rows_of_different_tests_are_told_apart(tmp_path, raw) -> None:
    for one in raw["benchmarks"]:
        one["group"], one["topic"] = "all", "losses"
    rows = table(performance.page(recorded(tmp_path, raw)[1]), "all")[1:]
    assert [row[0] for row in rows] == [
        "pairs: all-n=8", "epoch: without predictors", r"pairs: a\|b\_c", "epoch: with three", "alone",
    ]  # fmt: skip


def test_the_page_says_what_it_was_measured_on_and_how(tmp_path, raw) -> None:
    text = performance.page(recorded(tmp_path, raw)[1])
    for said in (
        "Abacus 3000, 2 cores, 23.5 GiB",
        "1 threads",
        "GPU: none",
        "python 3.11.7, torch 2.13.0",
        "make bench",
    ):
        assert said in text
    assert "commit 0123456789ab, with changes that were not committed, 2026-11-23" in text
    raw["commit_info"]["dirty"] = False
    assert "not committed" not in performance.page(recorded(tmp_path, raw)[1])


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(12345.6, "12,346 s"), (1.0, "1 s"), (0.9994, "999 ms"), (2.5e-6, "2.5 µs"), (3e-10, "0.3 ns")],
)
def test_times_are_read_at_a_glance(seconds, shown) -> None:
    assert performance._time(seconds).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_the_page_says_where_nothing_is_recorded_and_refuses_what_is_no_record(tmp_path) -> None:
    assert "Nothing is recorded at `no/such.json` yet: `make bench`" in performance.page("no/such.json")
    for text in ("{", "[]", '{"benchmarks": [{}]}', '{"benchmarks": []}'):
        (tmp_path / "record.json").write_text(text)
        with pytest.raises(ValueError, match=r"wanted a record that make bench wrote, got .*record\.json"):
            performance.page(tmp_path / "record.json")


SMALL = """
'''What is small,
and costs little.

And more.
'''
import torch
from llpp_core.losses import learning_loss

def test_small(benchmark):
    benchmark.extra_info["threads"] = torch.get_num_threads()
    benchmark.extra_info["checked"] = hasattr(learning_loss, "__wrapped__")
    benchmark.pedantic(sum, args=([1, 2],), rounds=3)

def test_fails(benchmark):
    benchmark.pedantic(sum, args=([1, 2],), rounds=1)
    assert {passes}
"""


@pytest.mark.parametrize("passes", [True, False])
def test_benchmarks_run_unchecked_with_all_threads_and_a_failure_ends_the_command(root, tmp_path, passes) -> None:
    folder = tmp_path / "tests" / "benchmarks"
    folder.mkdir(parents=True)
    for name in ("conftest.py", "pytest.ini"):
        shutil.copy(root / "tests" / "benchmarks" / name, folder)
    shutil.copy(root / "pyproject.toml", tmp_path)
    shutil.copy(root / "tests" / "conftest.py", tmp_path / "tests")
    (folder / "bench_small.py").write_text(SMALL.format(passes=passes))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "PYTEST_"))}
    run = [sys.executable, "-m", "pytest", "tests/benchmarks", "--benchmark-json=raw.json"]
    done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode == 0) == passes, done.stdout
    if passes:
        assert performance.main([str(tmp_path / "raw.json"), str(tmp_path / "record.json")]) == 0
        record = json.loads((tmp_path / "record.json").read_text())
        assert record["topics"] == {"small": "What is small, and costs little."}
        (small, _) = record["benchmarks"]
        alone = [sys.executable, "-c", "import torch; print(torch.get_num_threads())"]
        threads = subprocess.run(alone, env=environment, capture_output=True, text=True, check=True).stdout
        assert small["extra_info"] == {"threads": int(threads), "checked": False}
        assert torch.get_num_threads() == 1, "the tests themselves run with one"


def test_make_bench_records_after_the_benchmarks_have_passed(root) -> None:
    recipe = (root / "Makefile").read_text().split("\nbench:")[1].split("\n\n")[0]
    lines = [line.strip() for line in recipe.splitlines()[1:] if not line.strip().startswith("@#")]
    assert "rm -f .benchmarks/last.json" in lines[0]
    assert lines[1] == "$(BIN)/python -m pytest tests/benchmarks --benchmark-json=.benchmarks/last.json"
    assert lines[2:] == ["$(BIN)/python -m llpp_core.performance .benchmarks/last.json book/results/performance.json"]


def test_the_committed_record_is_of_the_benchmarks_that_there_are(root) -> None:
    there = {
        node.name
        for path in (root / "tests" / "benchmarks").glob("bench_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    record = json.loads((root / "book" / "results" / "performance.json").read_text())
    assert {one["name"].split("[")[0] for one in record["benchmarks"]} == there, "run make bench"
