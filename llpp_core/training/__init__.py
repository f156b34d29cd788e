"""Training a task model with any number of loss predictors beside it, and scoring data with what was trained."""

from llpp_core.training.config import TrainingConfig
from llpp_core.training.loop import train
from llpp_core.training.profiling import StepProfile, profile_step
from llpp_core.training.recorder import Recorder
from llpp_core.training.results import History, Scores, Stopped
from llpp_core.training.run import BadCheckpointError
from llpp_core.training.scoring import score
from llpp_core.training.true_loss import sample_loss

__all__ = [
    "BadCheckpointError",
    "History",
    "Recorder",
    "Scores",
    "StepProfile",
    "Stopped",
    "TrainingConfig",
    "profile_step",
    "sample_loss",
    "score",
    "train",
]
