"""Claims on a piece of work, so that several processes on one folder never do it twice.

The claim is a lock that the operating system holds for a process and lets go of when the process ends, however it ends:
what a killed process had claimed is free at once, and no age of a file has to be guessed at.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def claimed(path: str | Path) -> Iterator[bool]:
    """Give True while this process alone has the claim that ``path`` names, or False where another one has it.

    The file stays when the claim ends: were it deleted, a third process could claim the name while a second one still
    waits on the deleted file.
    """
    lock = Path(path)
    lock.parent.mkdir(parents=True, exist_ok=True)
    claim = FileLock(lock)
    try:
        claim.acquire(blocking=False)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        claim.release()
