"""A run killed by SIGKILL, at any moment, and run again gives the results of one never killed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killing.py")


def killing(*options: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options], capture_output=True, text=True, timeout=600, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_a_kill_at_every_boundary_of_a_write_changes_nothing() -> None:
    found = re.fullmatch(
        r"(\d+) of (\d+) boundaries: 0 runs came out other than one never killed\n", killing("--faults")
    )
    assert found, "the last line of the script has changed"
    assert int(found[1]) == int(found[2]) > 100  # two units, of nine files each and two checkpoints


@pytest.mark.parametrize("seed", [0])
def test_kills_at_random_moments_change_nothing(seed: int) -> None:
    said = killing("--moments", "5", "--seed", str(seed))
    assert re.match(rf"5 kills at random moments \(seed {seed}\) of [1-5] runs .*: 0 came out other\n", said)
