"""The book's plotly figures, each with its caption, alternative text and data."""

from llpp_core.figures.base import COLORS, CONFIG, NEUTRAL, Figure
from llpp_core.figures.objectives import descent, gradient_curves
from llpp_core.figures.training import learning_curves, loss_scatter, picks_table

__all__ = [
    "COLORS",
    "CONFIG",
    "NEUTRAL",
    "Figure",
    "descent",
    "gradient_curves",
    "learning_curves",
    "loss_scatter",
    "picks_table",
]
