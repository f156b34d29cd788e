"""Explorers: widgets that are live in a notebook and keep running on a page without kernel or network."""

from llpp_core.explorers.base import Explorer, Table
from llpp_core.explorers.landscape import GradientLandscape
from llpp_core.explorers.runs import RunsPlayer
from llpp_core.explorers.traits import Bounded, Choice, Data, Numbers

__all__ = ["Bounded", "Choice", "Data", "Explorer", "GradientLandscape", "Numbers", "RunsPlayer", "Table"]
