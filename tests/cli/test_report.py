"""``llpp report``: what is printed, what is written, and what it says where there is nothing to report on."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from llpp_core import report
from llpp_core.cli import app
from llpp_core.experiment import Results, Unit

sys.path.append(str(Path(__file__).parents[1]))  # for `made_run`, which is no test

from made_run import PCK, add_unit, damage, new_run, plan, whole_run


def llpp(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_run(tmp_path_factory.mktemp("runs"), plan(seeds=[0, 1]))


def two_runs(tmp_path: Path) -> tuple[Path, Path]:
    """Runs of which a unit or none is done, one cell without a number."""
    of = plan(seeds=[0])
    one, other = new_run(tmp_path / "runs", of, "one"), new_run(tmp_path / "runs", of, "two")
    add_unit(one, of, Unit(0), [("test", "", PCK, 0.5, 40), ("test", "LL", "Pearson", math.nan, 40)])
    return one, other


def test_the_tables_are_printed_and_nothing_else(folder: Path) -> None:
    done = llpp(folder)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == report.whole(Results.read(folder)) + "\n\n"
    assert "| random | 0.550 [-0.085, 1.185] |" in done.stdout
    assert done.stderr == ""


def test_a_folder_of_runs_is_reported_run_by_run(tmp_path: Path) -> None:
    one, other = two_runs(tmp_path)
    done = llpp(tmp_path / "runs")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "".join(report.whole(Results.read(run)) + "\n\n" for run in (one, other))
    assert "1 of 9 units of `one` are done." in done.stdout
    assert "0 of 9 units of `two` are done." in done.stdout


def test_json_has_every_number_and_null_where_there_is_none(tmp_path: Path) -> None:
    two_runs(tmp_path)
    done = llpp(tmp_path / "runs", "--json")
    assert done.exit_code == 0, done.stderr
    place = {"run": "one", "seed": 0, "stage": 0, "method": "", "split": "test"}
    assert json.loads(done.stdout) == [
        {**place, "of": "", "metric": PCK, "value": 0.5, "n": 40},
        {**place, "of": "LL", "metric": "Pearson", "value": None, "n": 40},
    ]


def test_json_of_a_whole_run(folder: Path) -> None:
    rows = json.loads(llpp(folder, "--json").stdout)
    assert len(rows) == len(Results.read(folder).metrics) == 2 * (2 + 4 + 4 * 3)
    assert {row["run"] for row in rows} == {folder.name}


def test_output_holds_numbers_words_and_a_page_for_each_run(tmp_path: Path) -> None:
    one, _ = two_runs(tmp_path)
    done = llpp(tmp_path / "runs", "-o", tmp_path / "new" / "out")
    assert done.exit_code == 0, done.stderr
    out = tmp_path / "new" / "out"
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == [
        f"{run}/{name}" for run in ("one", "two") for name in ("metrics.csv", "report.html", "report.md")
    ]
    assert (out / "one" / "report.md").read_text() == report.whole(Results.read(one)) + "\n"
    assert (out / "one" / "metrics.csv").read_text().splitlines()[1] == "0,0,,test,,PCK@0.2,0.5,40"
    assert (out / "one" / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert done.stderr.splitlines() == [f"llpp: wrote {out / 'one'}", f"llpp: wrote {out / 'two'}"]


def test_output_can_be_written_again(tmp_path: Path) -> None:
    one, _ = two_runs(tmp_path)
    for _ in range(2):
        assert llpp(one, "--output", tmp_path / "out", "--json").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out" / "one").iterdir()) == [
        "metrics.csv", "report.html", "report.md",
    ]  # fmt: skip


def test_the_run_s_folder_is_left_as_it_is(tmp_path: Path) -> None:
    one, _ = two_runs(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in one.rglob("*")}
    llpp(one, "-o", tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in one.rglob("*")} == before


def test_the_folder_of_a_run_may_be_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = two_runs(tmp_path)
    monkeypatch.chdir(one)
    done = llpp(".", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert "1 of 9 units of `one` are done." in done.stdout
    assert (tmp_path / "out" / "one" / "report.md").is_file()


def test_what_is_damaged_is_said_and_the_rest_is_shown(tmp_path: Path) -> None:
    place = whole_run(tmp_path, plan(seeds=[0]))
    damage(place / "seed0" / "LL" / "stage2" / "metrics.csv")
    done = llpp(place)
    assert done.exit_code == 0, done.stderr
    assert "8 of 9 units" in done.stdout
    assert "seed0/LL/stage2/metrics.csv is not what was written" in done.stdout


@pytest.mark.parametrize("what", ["nowhere", "empty"])
def test_where_no_run_is_there_is_nothing_to_report_and_the_code_is_2(tmp_path: Path, what: str) -> None:
    (tmp_path / "empty").mkdir()
    done = llpp(tmp_path / what, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "wanted the folder of a run, with its experiment.json, or one that holds some, got" in done.stderr
    assert str(tmp_path / what) in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_description_that_is_none_is_named_with_code_2(tmp_path: Path) -> None:
    one, _ = two_runs(tmp_path)
    (one / "experiment.json").write_text("[]")
    done = llpp(one)
    assert done.exit_code == 2
    assert "experiment.json describes no experiment" in done.stderr


def test_an_output_that_cannot_be_a_folder_is_code_1(tmp_path: Path) -> None:
    one, _ = two_runs(tmp_path)
    (tmp_path / "file").write_text("mine")
    done = llpp(one, "-o", tmp_path / "file")
    assert done.exit_code == 1
    assert "file" in done.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_without_plotly_the_rest_is_written_and_what_is_missing_is_named(tmp_path: Path) -> None:
    one, _ = two_runs(tmp_path)
    code = "import sys; sys.modules['plotly'] = None; from llpp_core.cli import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", code, "report", str(one), "-o", str(tmp_path / "out")],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no report.html: figures need plotly" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out" / "one").iterdir()) == ["metrics.csv", "report.md"]
