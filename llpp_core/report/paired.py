"""Numbers by seed and their differences: how the tables of recorded runs word them."""

from llpp_core.experiment.measured import BySeed
from llpp_core.metrics import mean_interval


def shown(values: BySeed, spec: str = ".3f") -> str:
    """Return the mean with its 95 % t-interval; a dash where there is no seed."""
    return f"{mean_interval(list(values.values())):{spec}}" if values else "–"


def mean_of(values: BySeed) -> float:
    """Return the mean over the seeds."""
    return mean_interval(list(values.values())).mean


def side(difference: BySeed) -> str:
    """Return in words on which side of 0 the interval of a difference lies."""
    if not difference:
        return "not run"
    here = mean_interval(list(difference.values()))
    if here.n == 1:
        return "one seed settles nothing"
    return ("higher" if here.mean > 0 else "lower") if here.excludes(0) else "not told apart"
