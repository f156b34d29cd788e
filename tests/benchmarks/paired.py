"""Two ways to do the same thing, timed in turn: their ratio then does not drift with the machine.

Benchmarks run one after another, and a shared machine may be half as fast a minute later. Where a promise is a ratio
close to 1, single calls of the two ways alternate, and the median of the neighbours' ratios counts.
"""

import time
from collections.abc import Callable
from statistics import median


def ratio(slower: Callable[[], object], faster: Callable[[], object], *, rounds: int = 15) -> float:
    """Return how many times as long the first call takes as the second, after one call of each that does not count."""
    slower(), faster()
    ratios = []
    for turn in range(rounds):
        order = (slower, faster) if turn % 2 else (faster, slower)
        seconds = {call: _seconds(call) for call in order}
        ratios.append(seconds[slower] / seconds[faster])
    return median(ratios)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
