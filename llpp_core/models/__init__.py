"""Task models, whose ``forward`` returns prediction and features, and the loss predictors that read the features."""

from llpp_core.models.features import FeatureInfo, TaskOutput, seeded
from llpp_core.models.hourglass import StackedHourglass
from llpp_core.models.predictors import ConvPredictor, PooledPredictor

__all__ = ["ConvPredictor", "FeatureInfo", "PooledPredictor", "StackedHourglass", "TaskOutput", "seeded"]
