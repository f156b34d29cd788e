"""The book's plotly figures, each with its caption, alternative text and data."""

from llpp_core.figures.base import COLORS, CONFIG, NEUTRAL, Figure
from llpp_core.figures.curves import curves
from llpp_core.figures.drawings import Drawing, predictor_drawing
from llpp_core.figures.gamma import (
    gap_density_band,
    gradient_variances,
    loss_fits,
    probability_curves,
    share_curves,
    tie_shares,
)
from llpp_core.figures.machine import step_parts, target_heatmap
from llpp_core.figures.objectives import descent, gradient_curves, push_regions
from llpp_core.figures.table3 import stage_curves, stage_differences, verdict_map
from llpp_core.figures.training import learning_curves, loss_scatter, picks_table

__all__ = [
    "COLORS",
    "CONFIG",
    "NEUTRAL",
    "Drawing",
    "Figure",
    "curves",
    "descent",
    "gap_density_band",
    "gradient_curves",
    "gradient_variances",
    "learning_curves",
    "loss_fits",
    "loss_scatter",
    "picks_table",
    "predictor_drawing",
    "probability_curves",
    "push_regions",
    "share_curves",
    "stage_curves",
    "stage_differences",
    "step_parts",
    "target_heatmap",
    "tie_shares",
    "verdict_map",
]
