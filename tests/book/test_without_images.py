"""A recorded notebook holds no picture, in whatever form, and everything else."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def output(**data: object) -> dict[str, object]:
    return {"output_type": "display_data", "metadata": {}, "data": data}


def test_pictures_go_and_the_rest_stays(tmp_path: Path) -> None:
    kept = [
        {"output_type": "stream", "name": "stdout", "text": ["0.61\n"]},
        output(**{"text/markdown": ["| a |\n", "|---|\n"]}),
        output(**{"application/vnd.plotly.v1+json": {"data": [{"x": [1, 2]}]}, "text/html": ["<figure></figure>"]}),
    ]
    pictures = [
        output(**{"image/png": "abc"}),
        output(**{"text/html": ["<p>", "<img src='data:image/jpeg;base64,abc'>"]}),
        output(**{"application/vnd.plotly.v1+json": {"layout": {"images": [{"source": "data:image/png;base64,a"}]}}}),
        output(**{"application/vnd.jupyter.widget-view+json": {"model_id": "a"}, "text/plain": "Duel()"}),
    ]
    notebook = {
        "cells": [
            {"cell_type": "code", "source": [], "outputs": [*kept, *pictures]},
            {"cell_type": "markdown", "source": [], "attachments": {"a.png": {"image/png": "abc"}}},
        ],
        "metadata": {"papermill": {"duration": 3}, "widgets": {"state": "abc"}},
    }
    source, target = tmp_path / "executed.ipynb", tmp_path / "new" / "recorded.ipynb"
    source.write_text(json.dumps(notebook))
    command = [sys.executable, str(ROOT / "book" / "without_images.py")]
    done = subprocess.run([*command, str(source), str(target)], capture_output=True, text=True, check=True)
    assert "5 pictures left out" in done.stdout
    recorded = json.loads(target.read_text())
    assert recorded["cells"][0]["outputs"][:3] == kept
    assert "abc" not in target.read_text()
    assert "data:image" not in target.read_text()
    assert recorded["metadata"] == {"papermill": {"duration": 3}}
    wrong = subprocess.run([*command, str(tmp_path / "none"), str(target)], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "wanted an executed notebook" in wrong.stderr
