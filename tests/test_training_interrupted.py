"""Ctrl-C leaves a checkpoint in the middle of an epoch, and the run that goes on from it ends as one never stopped."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch

SCRIPT = """
    import signal, sys
    import torch
    from llpp_core.data import render_figures
    from llpp_core.heads import paper_heads
    from llpp_core.models import StackedHourglass, seeded
    from llpp_core.training import TrainingConfig, train
    from llpp_core.training.run import Run

    torch.set_num_threads(1)
    stop_at, checkpoint, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    original = Run._one_step

    def step(self, rows):
        if self.step == stop_at:
            signal.raise_signal(signal.SIGINT)  # while the step is under way
        return original(self, rows)

    Run._one_step = step
    with seeded(0):
        model = StackedHourglass(joints=14, stacks=1, channels=8)
    heads = paper_heads(model, 64)
    config = TrainingConfig(epochs=2, batch_size=4, seed=5, average=0.5)
    train(model, heads, render_figures(12, 0), config, checkpoint=checkpoint or None, progress=False)
    torch.save([model.state_dict(), *(h.predictor.state_dict() for h in heads.values())], out)
"""


def run(tmp_path: Path, stop_at: int, checkpoint: str, out: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    command = [
        sys.executable,
        str(script),
        str(stop_at),
        checkpoint and str(tmp_path / checkpoint),
        str(tmp_path / out),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("stop_at", [0, 1, 4])
def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, stop_at: int) -> None:
    whole = run(tmp_path, -1, "", "whole.pt")
    assert whole.returncode == 0, whole.stderr
    stopped = run(tmp_path, stop_at, "run.pt", "part.pt")
    assert stopped.returncode == -signal.SIGINT or "KeyboardInterrupt" in stopped.stderr, stopped.stderr
    assert not (tmp_path / "part.pt").exists()
    state = torch.load(tmp_path / "run.pt", weights_only=True)
    assert state["step"] == stop_at + 1  # the step under way was finished
    again = run(tmp_path, -1, "run.pt", "part.pt")
    assert again.returncode == 0, again.stderr
    for wanted, got in zip(torch.load(tmp_path / "whole.pt"), torch.load(tmp_path / "part.pt"), strict=True):
        assert all(torch.equal(wanted[name], got[name]) for name in wanted)


PARALLEL = """
    import os, sys
    import torch
    from llpp_core.data import render_figures
    from llpp_core.heads import paper_heads
    from llpp_core.models import StackedHourglass, seeded
    from llpp_core.training import TrainingConfig, parallel, train
    from llpp_core.training.run import Run

    torch.set_num_threads(1)
    folder, dies = sys.argv[1], sys.argv[2] == "dies"
    original = Run._one_step

    def step(self, rows):
        if dies and self.step == 2 and parallel.rank() == 1:
            os._exit(7)
        return original(self, rows)

    Run._one_step = step
    with parallel.group():
        with seeded(parallel.rank()):  # the first one's weights are to count
            model = StackedHourglass(joints=14, stacks=1, channels=8)
        heads = paper_heads(model, 64)
        config = TrainingConfig(epochs=2, batch_size=4, seed=5)
        train(model, heads, render_figures(12, 0), config, progress=False)
        torch.save(model.state_dict(), f"{folder}/rank{parallel.rank()}.pt")
"""


def torchrun(tmp_path: Path, mode: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(PARALLEL))
    options = ["--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, "-m", "torch.distributed.run", *options, str(script), str(tmp_path), mode]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


def test_two_processes_end_with_the_same_weights(tmp_path: Path) -> None:
    done = torchrun(tmp_path, "lives")
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_process_that_dies_ends_the_other_and_is_told_of(tmp_path: Path) -> None:
    start = time.monotonic()
    done = torchrun(tmp_path, "dies")
    assert done.returncode != 0
    assert time.monotonic() - start < 120
    assert "exitcode: 7" in done.stderr.replace("exitcode  : 7", "exitcode: 7")
