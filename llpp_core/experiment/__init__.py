"""Experiments: which data, which models and methods, stages that are resumed, and what came of them."""

from llpp_core.experiment.ablations import CHANGES, Change, Compared, compare_changes
from llpp_core.experiment.config import (
    DataPlan,
    Experiment,
    MethodPlan,
    ModelPlan,
    PredictorPlan,
    configurations,
    load_experiment,
)
from llpp_core.experiment.following import follow
from llpp_core.experiment.measured import Measured
from llpp_core.experiment.measures import accuracy, accuracy_name, of_split
from llpp_core.experiment.plan import FULL, REDUCED, Step, reproduce
from llpp_core.experiment.recorded import Recorded, recorded_folder
from llpp_core.experiment.recording import record, restore
from llpp_core.experiment.results import Results, find_runs
from llpp_core.experiment.runner import Outcome, run
from llpp_core.experiment.splits import Splits, data_folder, device, load_splits, picks, planned_splits, runs_folder
from llpp_core.experiment.trained import Trained, build, load_trained, save_trained
from llpp_core.experiment.units import Unit, units

__all__ = [
    "CHANGES",
    "FULL",
    "REDUCED",
    "Change",
    "Compared",
    "DataPlan",
    "Experiment",
    "Measured",
    "MethodPlan",
    "ModelPlan",
    "Outcome",
    "PredictorPlan",
    "Recorded",
    "Results",
    "Splits",
    "Step",
    "Trained",
    "Unit",
    "accuracy",
    "accuracy_name",
    "build",
    "compare_changes",
    "configurations",
    "data_folder",
    "device",
    "find_runs",
    "follow",
    "load_experiment",
    "load_splits",
    "load_trained",
    "of_split",
    "picks",
    "planned_splits",
    "record",
    "recorded_folder",
    "reproduce",
    "restore",
    "run",
    "runs_folder",
    "save_trained",
    "units",
]
