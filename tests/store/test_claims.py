"""A claim is one process's, and ends with it however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from llpp_core import store

ANOTHER = """
import sys, time
from llpp_core import store
with store.claimed(sys.argv[1]) as mine:
    print(mine, flush=True)
    if len(sys.argv) > 2:
        time.sleep(60)
"""


def another(claim: Path, *stay: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", ANOTHER, str(claim), *stay], stdout=subprocess.PIPE, text=True)


def says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_only_one_process_has_a_claim(tmp_path: Path) -> None:
    claim = tmp_path / "in" / "unit.lock"
    with store.claimed(claim) as mine:
        assert mine
        with another(claim) as second:
            assert says(second) == "False"
    with another(claim) as second:
        assert says(second) == "True"


def test_only_one_holder_within_a_process_has_it(tmp_path: Path) -> None:
    with store.claimed(tmp_path / "a.lock") as first, store.claimed(str(tmp_path / "a.lock")) as second:
        assert (first, second) == (True, False)
    with store.claimed(tmp_path / "a.lock") as third:
        assert third


def test_who_does_not_get_it_does_not_end_it(tmp_path: Path) -> None:
    with store.claimed(tmp_path / "a.lock"):
        with store.claimed(tmp_path / "a.lock") as second:
            assert not second
        with store.claimed(tmp_path / "a.lock") as third:
            assert not third


def test_the_claim_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    claim = tmp_path / "unit.lock"
    with another(claim, "stay") as owner:
        assert says(owner) == "True"
        with store.claimed(claim) as mine:
            assert not mine
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        with store.claimed(claim) as mine:
            assert mine


def test_the_file_stays(tmp_path: Path) -> None:
    # Were it deleted, a process that has the deleted file open and one that makes it anew would both have the claim.
    claim = tmp_path / "unit.lock"
    with store.claimed(claim):
        number = claim.stat().st_ino
    assert claim.stat().st_ino == number
    with store.claimed(claim):
        assert claim.stat().st_ino == number


def test_an_error_inside_ends_the_claim_and_comes_through(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="inside"), store.claimed(tmp_path / "a.lock"):
        raise RuntimeError("inside")
    with store.claimed(tmp_path / "a.lock") as mine:
        assert mine


def test_a_file_left_by_somebody_is_no_claim(tmp_path: Path) -> None:
    (tmp_path / "a.lock").write_text("4711")
    with store.claimed(tmp_path / "a.lock") as mine:
        assert mine
