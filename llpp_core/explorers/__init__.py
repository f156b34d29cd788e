"""Explorers: widgets that are live in a notebook and keep running on a page without kernel or network."""

from llpp_core.explorers.base import Bounded, Explorer, Table
from llpp_core.explorers.landscape import GradientLandscape

__all__ = ["Bounded", "Explorer", "GradientLandscape", "Table"]
