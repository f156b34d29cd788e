"""What a page says in words and tables: of one training run, and of an experiment over stages and seeds."""

from llpp_core.report import ablations, reproduction
from llpp_core.report.experiments import (
    accuracies,
    ahead,
    better,
    choices,
    correlations,
    covers,
    differences,
    lead,
    minutes,
    progress,
    tested,
    whole,
)
from llpp_core.report.in_short import in_short
from llpp_core.report.runs import (
    LOW,
    accuracy_line,
    accuracy_note,
    describe,
    effects,
    low_accuracy,
    provenance,
    surroundings,
)

__all__ = [
    "LOW",
    "ablations",
    "accuracies",
    "accuracy_line",
    "accuracy_note",
    "ahead",
    "better",
    "choices",
    "correlations",
    "covers",
    "describe",
    "differences",
    "effects",
    "in_short",
    "lead",
    "low_accuracy",
    "minutes",
    "progress",
    "provenance",
    "reproduction",
    "surroundings",
    "tested",
    "whole",
]
