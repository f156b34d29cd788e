"""The book's plotly figures, each with its caption, alternative text and data."""

from llpp_core.figures.base import COLORS, CONFIG, NEUTRAL, Figure
from llpp_core.figures.curves import curves
from llpp_core.figures.drawings import Drawing, predictor_drawing
from llpp_core.figures.experiments import calibration, log_loss_scatter, method_curves
from llpp_core.figures.failures import failure_curves
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
from llpp_core.figures.recorded_losses import loss_quantiles, losses_by_tenth
from llpp_core.figures.reproduction import ablation_dots, along_training, correlation_dots
from llpp_core.figures.run_page import run_page
from llpp_core.figures.runs import (
    calibrations,
    choice_curves,
    failures_found,
    losses_fitted,
    predicted_scatter,
    test_curves,
)
from llpp_core.figures.table3 import stage_curves, stage_differences, verdict_map
from llpp_core.figures.training import learning_curves, loss_scatter, picks_table

__all__ = [
    "COLORS",
    "CONFIG",
    "NEUTRAL",
    "Drawing",
    "Figure",
    "ablation_dots",
    "along_training",
    "calibration",
    "calibrations",
    "choice_curves",
    "correlation_dots",
    "curves",
    "descent",
    "failure_curves",
    "failures_found",
    "gap_density_band",
    "gradient_curves",
    "gradient_variances",
    "learning_curves",
    "log_loss_scatter",
    "loss_fits",
    "loss_quantiles",
    "loss_scatter",
    "losses_by_tenth",
    "losses_fitted",
    "method_curves",
    "picks_table",
    "predicted_scatter",
    "predictor_drawing",
    "probability_curves",
    "push_regions",
    "run_page",
    "share_curves",
    "stage_curves",
    "stage_differences",
    "step_parts",
    "target_heatmap",
    "test_curves",
    "tie_shares",
    "verdict_map",
]
