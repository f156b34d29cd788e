"""Explorers: widgets that are live in a notebook and keep running on a page without kernel or network."""

from llpp_core.explorers.base import Explorer, Table
from llpp_core.explorers.batch import BatchLab
from llpp_core.explorers.duel import Duel
from llpp_core.explorers.landscape import GradientLandscape
from llpp_core.explorers.pairs import PairsTooClose
from llpp_core.explorers.runs import RunsPlayer
from llpp_core.explorers.traits import Bounded, Choice, Data, Numbers
from llpp_core.explorers.turning_weight import TurningWeight

__all__ = [
    "BatchLab",
    "Bounded",
    "Choice",
    "Data",
    "Duel",
    "Explorer",
    "GradientLandscape",
    "Numbers",
    "PairsTooClose",
    "RunsPlayer",
    "Table",
    "TurningWeight",
]
