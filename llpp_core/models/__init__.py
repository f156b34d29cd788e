"""Task models, whose ``forward`` returns prediction and features, the loss predictors that read these, and the cost."""

from llpp_core.models import cost
from llpp_core.models.features import FeatureInfo, TaskOutput, seeded
from llpp_core.models.hourglass import StackedHourglass
from llpp_core.models.hrnet import HRNet
from llpp_core.models.mlp import MLP
from llpp_core.models.predictors import ConvPredictor, PooledPredictor

__all__ = [
    "MLP",
    "ConvPredictor",
    "FeatureInfo",
    "HRNet",
    "PooledPredictor",
    "StackedHourglass",
    "TaskOutput",
    "cost",
    "seeded",
]
