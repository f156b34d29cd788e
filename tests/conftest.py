"""Shared by all tests: the project's root, one build of the book, and a way past the checks that only tests run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent

torch.set_num_threads(1)  # tiny tensors: more threads wait for each other longer than they work
if "PYTEST_XDIST_WORKER" in os.environ:
    # So do the notebooks and commands that tests start: two that each take all cores would stand in each other's way.
    os.environ["OMP_NUM_THREADS"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files in the order in which two processes take them (`make test`), one file at a time: first the one that
    builds the book, last those that read it, when it stands.
    """
    reading = {item.path for item in items if "book" in getattr(item, "fixturenames", ())}

    def turn(item: pytest.Item) -> int:
        if item.path.name == "test_pages.py":
            return 0
        return 2 if item.path in reading else 1

    items.sort(key=turn)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def book(root: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder of the built book, as `make book` makes it: notebooks that did not change are not run again.

    Of two processes the first that wants it builds it, and the other waits.
    """
    folder = tmp_path_factory.getbasetemp()
    built = (folder if worker_id == "master" else folder.parent) / "book_is_built"
    with FileLock(f"{built}.lock"):
        if not built.exists():
            done = subprocess.run(
                [sys.executable, "book/build.py", "--strict"],
                cwd=root,
                capture_output=True,
                text=True,
                timeout=3600,  # ten minutes on a quiet machine; three times that where the processor is slow and shared
                check=False,
            )
            assert done.returncode == 0, f"the book does not build:\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
            built.touch()
    return root / "book" / "_build" / "html"


@pytest.fixture
def as_users_run_it() -> Iterator[None]:
    """Turn off the checks of tensor types, so that a wrong argument meets the error a user would meet."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
