"""The script that measures a training step on a GPU, tried without one: it has to work where minutes are dear."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "benchmarks" / "gpu_step.py"


def test_it_writes_what_it_measured_and_needs_torch_alone(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    # what a bare machine lacks is hidden from the script
    code = (
        "import runpy, sys\n"
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
    arguments = [sys.executable, "-c", code, str(record), *small, "--ways", "float32", "bfloat16, channels last"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    ways = json.loads(record.read_text())["ways"]
    assert list(ways) == ["float32", "bfloat16, channels last"]
    for way in ways.values():
        assert list(way) == ["alone", "three predictors"]
        assert all(one["images_per_second"] > 0 and one["parts"]["backward"] > 0 for one in way.values())
    assert done.stdout.count("images a second") == 4
