"""Kills a tiny experiment by SIGKILL, lets it be run again, and compares what came of it with a run never killed.

    python killing.py --faults        at every boundary of a write, one after the other
    python killing.py --moments 5     at 5 random moments
    python killing.py --soak 100      at 100 random moments: `make soak`

Children are forked from a process that has imported everything and computed nothing.
"""

import argparse
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # a thread pool would not outlive a fork

import torch
from folders import differences, tinier
from torch import nn

from llpp_core.experiment import Outcome, run, runner, trained
from llpp_core.models.features import FeatureInfo, TaskOutput

LIMIT = 120.0
"""Seconds after which a child hangs."""


class OneLayer(nn.Module):
    """In place of an hourglass, whose 300 tensors take most of the time of every checkpoint."""

    def __init__(self, joints: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 8, stride=4, padding=2), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Conv2d(4, joints, 1)
        self.feature_info = [FeatureInfo("stack1/stride4", 4, 4)]

    def forward(self, images: torch.Tensor) -> TaskOutput:
        features = self.stem(images)
        prediction = self.head(features)
        return TaskOutput(prediction, (prediction,), {"stack1/stride4": features})


def work(runs: Path, stages: int) -> Outcome:
    torch.set_num_threads(1)
    runner.CHECKPOINT_SECONDS = 0.0  # one after every epoch
    trained._task_model = lambda plan, joints: OneLayer(joints)
    small = tinier(stages=stages, data={"kind": "figures", "size": 64, "train": 4, "test": 3, "pool": 6})
    return run(small, runs, device="cpu", progress=False)


def child(task: Callable[[], object]) -> int:
    """Fork a process that does a task and ends; return its id."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        task()
        code = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def ended(process: int) -> int:
    """Wait for a child, and return its exit code; minus the signal that killed it."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return -signal.SIGALRM


def finish(runs: Path, stages: int) -> None:
    """Run to the end; nothing may be left, and nothing found damaged: a killed process damages nothing."""
    outcome = work(runs, stages)
    assert not outcome.left, f"left: {outcome.left}"
    assert not outcome.notices, f"found damaged: {outcome.notices}"


def import_what_is_imported_late(root: Path) -> None:
    """Import here what a run imports on its way: every child would spend a second on it."""

    def task() -> None:
        work(root / "first", 2)
        (root / "modules").write_text("\n".join(sorted(sys.modules)))

    assert ended(child(task)) == 0
    for name in (root / "modules").read_text().split("\n"):
        if name not in sys.modules:
            with suppress(ImportError):  # made on the way, not imported
                importlib.import_module(name)


class Boundaries:
    """Counts the boundaries of writes, and kills the process at one of them; at none where it is 0."""

    def __init__(self, at: int) -> None:
        self.at, self.names = at, list[str]()

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Put a boundary before everything that changes the disk, and within texts."""
        for owner, name in (
            (tempfile, "mkstemp"), (os, "fsync"), (Path, "replace"), (Path, "rename"), (Path, "unlink"),
            (Path, "mkdir"),
        ):  # fmt: skip
            setattr(owner, name, self._after(name, getattr(owner, name)))
        plain = Path.write_text

        def write_text(path: Path, text: str, **options: Any) -> int:
            plain(path, text[: len(text) // 2], **options)
            self("in the middle of a text")
            return plain(path, text, **options)

        Path.write_text = write_text  # type: ignore[method-assign, assignment]

    def _after(self, name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self(f"before {name} {Path(args[0]).name if args and isinstance(args[0], Path) else ''}".rstrip())
            return plain(*args, **options)

        return call


def at_boundary(runs: Path, n: int) -> list[str]:
    """Run until the n-th boundary, where the process dies; return the boundaries if there are fewer."""
    boundaries = Boundaries(n)

    def task() -> None:
        boundaries.watch()
        work(runs, 1)
        with (runs / "boundaries").open("w") as file:
            file.write("\n".join(boundaries.names))

    code = ended(child(task))
    if code == -signal.SIGKILL:
        return []
    assert code == 0, f"ended with {code}"
    return (runs / "boundaries").read_text().split("\n")


class Reference:
    """A run that nobody killed.

    Attributes:
        folder: of the run.
        seconds: that it took.
    """

    def __init__(self, root: Path, stages: int) -> None:
        self.stages = stages
        started = time.monotonic()
        assert ended(child(lambda: finish(root / f"wanted{stages}", stages))) == 0
        self.seconds = time.monotonic() - started
        (self.folder,) = (root / f"wanted{stages}").iterdir()

    def is_missed_by(self, runs: Path, when: str) -> bool:
        """Let a run be finished and compare it; say so where it is another one."""
        code = ended(child(lambda: finish(runs, self.stages)))
        found = differences(self.folder, runs / self.folder.name) if code == 0 else [f"the next run ended with {code}"]
        for line in found:
            print(f"killed {when}: {line}", flush=True)
        shutil.rmtree(runs)
        return bool(found)


def at_every_boundary(root: Path, every: int) -> int:
    wanted = Reference(root, 1)
    names = at_boundary(root / "counted", 0)
    wrong = 0
    points = range(1, len(names) + 1, every)
    for n in points:
        runs = root / f"fault{n}"
        assert at_boundary(runs, n) == [], f"boundary {n} was not reached"
        wrong += wanted.is_missed_by(runs, f"at boundary {n}, {names[n - 1]}")
    print(f"{len(points)} of {len(names)} boundaries: {wrong} runs came out other than one never killed")
    return wrong


def at_random_moments(root: Path, kills: int, seed: int) -> int:
    """Kill a run again and again until it is complete all the same, then the next; compare each."""
    wanted = Reference(root, 2)
    rng = random.Random(seed)
    killed, runs_done, wrong = 0, 0, 0
    while killed < kills:
        runs, moments = root / f"moments{runs_done}", list[str]()
        while killed < kills:
            delay = rng.uniform(0, wanted.seconds)
            process = child(lambda: work(runs, 2))  # noqa: B023 - the child looks at once
            time.sleep(delay)
            os.kill(process, signal.SIGKILL)
            code = ended(process)
            if code == 0:  # it was done before
                break
            assert code == -signal.SIGKILL, f"ended with {code}"
            killed += 1
            moments.append(f"{delay:.3f}")
        wrong += wanted.is_missed_by(runs, f"after {' then '.join(moments)} s")
        runs_done += 1
    took = f"{wanted.seconds:.2f} s where nobody kills them"
    print(f"{killed} kills at random moments (seed {seed}) of {runs_done} runs of {took}: {wrong} came out other")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--faults", action="store_true", help="kill at every boundary of a write")
    parser.add_argument("--every", type=int, default=1, help="only at every so many boundaries")
    parser.add_argument("--moments", type=int, default=0, help="kill at so many random moments")
    parser.add_argument("--soak", type=int, default=0, help="the same, for make soak")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        import_what_is_imported_late(root)
        wrong = at_every_boundary(root, asked.every) if asked.faults else 0
        if kills := asked.moments or asked.soak:
            wrong += at_random_moments(root, kills, asked.seed)
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
