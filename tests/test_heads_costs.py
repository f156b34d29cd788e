"""What predictors cost beside the model that they watch."""

import pytest
import torch

from llpp_core import heads
from llpp_core.models import ConvPredictor, PooledPredictor, StackedHourglass, cost


def test_costs_are_those_of_the_model_and_of_predictors_of_its_shapes() -> None:
    model, image = StackedHourglass(14, 2, 8), torch.zeros(1, 3, 128, 128)
    pooled, conv = PooledPredictor([8] * 5), ConvPredictor([8] * 5, [32, 16, 8, 4, 2])
    maps = [torch.zeros(1, 8, side, side) for side in (32, 16, 8, 4, 2)]
    assert heads.costs(model, image) == {
        "task model": cost.of(model, image),
        "LL++'s predictor": cost.of(pooled, maps),
        "LL++conv's predictor": cost.of(conv, maps),
    }


def test_a_crop_that_the_model_cannot_read_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 64 pixels"):
        heads.costs(StackedHourglass(14, 1, 8), torch.zeros(1, 3, 100, 100))
