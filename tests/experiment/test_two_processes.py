"""Several processes on one folder: no unit is done twice, and a killed one's work is taken over."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from folders import METHODS, differences, tinier

from llpp_core import experiment
from llpp_core.experiment import Outcome

PLAN = tinier(
    stages=1, methods={name: METHODS[name] for name in ("random", "LL++", "entropy")},
)  # fmt: skip
CODE = """
import json, sys
import torch
from llpp_core import experiment

torch.set_num_threads(1)
plan = experiment.Experiment.from_mapping(json.loads(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
outcome = experiment.run(plan, sys.argv[2], device="cpu", progress=False)
print(json.dumps([outcome.done, outcome.left, outcome.notices]), flush=True)
"""


def start(runs: Path) -> subprocess.Popen[str]:
    """Return a process that waits for a line before it begins."""
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, json.dumps(PLAN.plain()), str(runs)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def outcome(process: subprocess.Popen[str]) -> tuple[list[str], list[str], list[str]]:
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    done, left, notices = json.loads(said)
    return done, left, notices


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return experiment.run(PLAN, tmp_path_factory.mktemp("alone"), device="cpu", progress=False)


def lines(folder: Path, what: str) -> list[str]:
    text = (folder / "log.txt").read_text()
    return sorted(line.split()[1].rstrip(":") for line in text.splitlines() if f": {what}" in line)


def test_two_processes_share_the_units_and_do_none_twice(alone: Outcome, tmp_path: Path) -> None:
    processes = [start(tmp_path), start(tmp_path)]
    for process in processes:
        go(process)
    for process in processes:
        done, left, notices = outcome(process)
        assert (done, left, notices) == (list(alone.done), [], [])
    folder = tmp_path / alone.folder.name
    assert lines(folder, "begun") == lines(folder, "done") == sorted(alone.done)
    assert differences(alone.folder, folder) == []


def wait_for(text: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while not (log.exists() and text in log.read_text()):
        assert time.monotonic() < deadline, f"{text!r} was never said"
        time.sleep(0.005)


@pytest.mark.parametrize("unit", ["seed0/base", "seed0/LL++/stage1"])
def test_what_a_killed_process_was_at_is_taken_over(alone: Outcome, tmp_path: Path, unit: str) -> None:
    first, second = start(tmp_path), start(tmp_path)
    folder = tmp_path / alone.folder.name
    go(first)
    wait_for(f"{unit}: begun", folder / "log.txt")
    os.kill(first.pid, signal.SIGSTOP)  # it holds its claim, and is not done yet
    try:
        if not (folder / unit / "manifest.json").exists():
            go(second)
            time.sleep(0.5)
            assert second.poll() is None, "it ended though a unit was another's"
            assert lines(folder, "begun").count(unit) == 1, "it did what another process was at"
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.communicate()
    done, left, notices = outcome(second)
    assert (done, left, notices) == (list(alone.done), [], [])
    assert len(lines(folder, "begun") + lines(folder, "going on")) == len(alone.done) + 1
    assert differences(alone.folder, folder) == []
