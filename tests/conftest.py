"""Shared by all tests: the project's root, one build of the book, and a way past the checks that only tests run."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent

torch.set_num_threads(1)  # tiny tensors: more threads wait for each other longer than they work


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let two processes share the tests (`make test`): one has the built book, which comes first, and all that reads
    it; of the rest a file stays together, with what its tests share.
    """
    for item in items:
        group = "book" if "book" in getattr(item, "fixturenames", ()) else item.path.as_posix()
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: "book" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def book(root: Path) -> Path:
    """The folder of the built book, as `make book` makes it: notebooks that did not change are not run again."""
    done = subprocess.run(
        [sys.executable, "book/build.py", "--strict"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, f"the book does not build:\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    return root / "book" / "_build" / "html"


@pytest.fixture
def as_users_run_it() -> Iterator[None]:
    """Turn off the checks of tensor types, so that a wrong argument meets the error a user would meet."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
