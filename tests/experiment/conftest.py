"""A complete run of the tiny experiment, made once, for all tests of this folder."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # for `folders`, which is no test

from folders import tiny

from llpp_core import experiment


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> experiment.Outcome:
    """The outcome of the tiny experiment done in one go. Its folder is not to be changed."""
    return experiment.run(tiny(), tmp_path_factory.mktemp("whole"), device="cpu", progress=False)


@pytest.fixture
def again(whole: experiment.Outcome, tmp_path: Path) -> Path:
    """A copy of that run, times of change included, to be changed at will: the folder of the run."""
    return Path(shutil.copytree(whole.folder, tmp_path / "runs" / whole.folder.name))
