"""Ctrl-C leaves a checkpoint in the middle of an epoch, and the run that goes on from it ends as one never stopped."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from llpp_core.training import parallel

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


@pytest.mark.parametrize("stop_at", [1])  # other places, and every option: test_training_options.py
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
    from dataclasses import asdict
    import torch
    from llpp_core.data import render_figures
    from llpp_core.heads import paper_heads
    from llpp_core.models import StackedHourglass, seeded
    from llpp_core.training import TrainingConfig, parallel, train
    from llpp_core.training.run import Run

    torch.set_num_threads(1)
    folder, name, dies = sys.argv[1], sys.argv[2], sys.argv[3] == "dies"
    original = Run._one_step

    def step(self, rows):
        if dies and self.step == 4 and parallel.rank() == 1:
            os._exit(7)
        return original(self, rows)

    Run._one_step = step
    with parallel.group():
        with seeded(parallel.rank()):  # the first one's weights are to count
            model = StackedHourglass(joints=14, stacks=1, channels=8)
        heads = paper_heads(model, 64)
        config = TrainingConfig(
            epochs=2, batch_size=4, seed=5, average=0.5, validation=0.25, schedule="plateau", patience=1
        )
        checkpoint = None if name == "whole" else f"{folder}/c.pt"
        history = train(model, heads, render_figures(16, 0), config, checkpoint=checkpoint, progress=False)
        torch.save([model.state_dict(), asdict(history)], f"{folder}/{name}{parallel.rank()}.pt")
"""


def two_processes(folder: Path, name: str, mode: str) -> list[tuple[int, str]]:
    """Return how each process ended and what it said; started by hand, as torchrun ends the one by a signal."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(PARALLEL))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        subprocess.Popen(
            [sys.executable, str(script), str(folder), name, mode],
            env={**os.environ, **world, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=120)[1] for process in started]
    return [(process.returncode, words) for process, words in zip(started, said, strict=True)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parallel")


@pytest.fixture(scope="module")
def whole(folder: Path) -> list[list[dict]]:
    script = folder / "script.py"
    script.write_text(textwrap.dedent(PARALLEL))
    options = ["--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, "-m", "torch.distributed.run", *options, str(script), str(folder), "whole", "lives"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(folder / f"whole{rank}.pt", weights_only=True) for rank in (0, 1)]


def test_two_processes_end_with_the_same_weights_and_history(whole: list[list[dict]]) -> None:
    (first, history), (second, other_history) = whole
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert history == other_history


def test_a_process_that_dies_ends_the_other_with_a_clear_error_and_both_go_on(
    whole: list[list[dict]], folder: Path
) -> None:
    (code, said), (dead, _) = two_processes(folder, "part", "dies")
    assert dead == 7
    assert code == 1
    assert "RuntimeError: another process of this training ended or hung; process 0 stops at step 4" in said
    assert torch.load(folder / "c.pt", weights_only=True)["step"] == 3
    ended = two_processes(folder, "part", "lives")
    assert [code for code, _ in ended] == [0, 0], ended
    for rank, (weights, history) in enumerate(whole):
        again, again_history = torch.load(folder / f"part{rank}.pt", weights_only=True)
        assert all(torch.equal(weights[name], again[name]) for name in weights)
        assert history == again_history


@pytest.mark.parametrize(("processes", "samples"), [(2, 3), (2, 2), (3, 16), (4, 4)])
def test_a_batch_that_processes_cannot_share_is_refused(
    monkeypatch: pytest.MonkeyPatch, processes: int, samples: int
) -> None:
    monkeypatch.setattr(parallel, "size", lambda: processes)
    wanted = f"a multiple of the {processes} processes and at least 2 samples for each, got {samples}"
    with pytest.raises(ValueError, match=wanted):
        parallel.check_batch(samples)
    parallel.check_batch(2 * processes)
