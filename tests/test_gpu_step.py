"""The script that measures a training step on a GPU, tried without one: it has to work where minutes are dear."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from llpp_core import performance

SCRIPT = Path(__file__).parent / "benchmarks" / "gpu_step.py"


def test_it_writes_what_it_measured_and_needs_nothing_that_makes_books(root: Path, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    # what a bare machine lacks is hidden from the script
    code = (
        "import runpy, sys\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        "sys.modules.update(dict.fromkeys(['plotly', 'papermill', 'anywidget', 'ipywidgets', 'pytest']))\n"
        f"sys.argv[0] = {str(SCRIPT)!r}\nrunpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    small = [
        "--device",
        "cpu",
        "--size",
        "64",
        "--channels",
        "8",
        "--stacks",
        "1",
        "--images",
        "16",
        "--batch-size",
        "8",
        "--steps",
        "1",
    ]
    arguments = [sys.executable, "-c", code, str(record), *small, "--ways", "bfloat16", "bfloat16, channels first"]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(
        arguments, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    ways = json.loads(record.read_text())["ways"]
    assert list(ways) == ["bfloat16", "bfloat16, channels first"]
    for way in ways.values():
        assert list(way) == ["no predictor", "four predictors"]
        assert all(one["images_per_second"] > 0 and one["parts"]["backward"] > 0 for one in way.values())
    assert done.stdout.count("images a second") == 4
    page = performance.gpu_page(record)
    assert "| bfloat16, channels first, four predictors |" in page
    assert "CPU; " in page
    assert "size 64" in page


def test_the_page_says_where_nothing_is_recorded_and_refuses_what_is_no_record(tmp_path: Path) -> None:
    assert "Nothing is recorded at `no/such.json` yet. On a machine with a GPU" in performance.gpu_page("no/such.json")
    (tmp_path / "record.json").write_text('{"ways": {"x": {"y": {}}}}')
    with pytest.raises(ValueError, match=r"wanted a record of .*gpu_step\.py, got .*record\.json"):
        performance.gpu_page(tmp_path / "record.json")
