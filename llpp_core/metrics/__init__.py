"""How good a pose is, and how well a predicted loss tells a bad one."""

from llpp_core.metrics.calibrated import Calibration, calibration, offset
from llpp_core.metrics.intervals import Interval, mean_curve, mean_interval
from llpp_core.metrics.keypoints import Pck, pck, pckh, torso_length, torso_length_of
from llpp_core.metrics.ranking import (
    Correlation,
    FailureDetection,
    correlation,
    failure_detection,
    mean_of_top,
    pair_ranking_accuracy,
    partial_correlation,
)

__all__ = [
    "Calibration",
    "Correlation",
    "FailureDetection",
    "Interval",
    "Pck",
    "calibration",
    "correlation",
    "failure_detection",
    "mean_curve",
    "mean_interval",
    "mean_of_top",
    "offset",
    "pair_ranking_accuracy",
    "partial_correlation",
    "pck",
    "pckh",
    "torso_length",
    "torso_length_of",
]
