"""Where the time of a step goes: the parts that are there, and what measuring leaves as it was. No time is tested."""

import copy
import math

import pytest
import torch

from llpp_core import heads as heads_of
from llpp_core.data import render_figures
from llpp_core.models import StackedHourglass, cost, seeded
from llpp_core.training import StepProfile, TrainingConfig, profile_step
from llpp_core.training.profiling import product_rate

PARTS = [
    "random views",
    "heatmaps",
    "task model, forward",
    "predictors, forward",
    "losses and objectives",
    "backward",
    "optimizer",
]


def test_a_profile_has_every_part_and_leaves_the_models_alone() -> None:
    data = render_figures(12, 0)
    with seeded(0):
        model = StackedHourglass(14, 1, 8)
    heads = heads_of.paper_heads(model, 64)
    modules = torch.nn.ModuleList([model, *(head.predictor for head in heads.values())])
    before = copy.deepcopy(modules.state_dict())
    config = TrainingConfig(batch_size=4, schedule="plateau", validation=0.25)
    profile = profile_step(model, heads, data, config, steps=2)
    assert list(profile.parts) == PARTS
    assert all(0 < seconds < math.inf for seconds in profile.parts.values())
    assert profile.batch_size == 4
    assert profile.step_flops == 12 * cost.forward_flops(model, torch.zeros(1, 3, 64, 64))
    for name, value in modules.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_rates_follow_from_what_was_measured() -> None:
    profile = StepProfile({"all": 0.5}, seconds=0.5, batch_size=8, step_flops=3e9, device_flops=1e10, threads=1)
    assert profile.images_per_second == 16
    assert profile.utilization == pytest.approx(0.6)


def test_a_product_has_a_rate() -> None:
    assert 1e8 < product_rate("cpu", rounds=1) < 1e14


def test_a_profile_of_no_step_is_refused() -> None:
    with pytest.raises(ValueError, match="wanted at least 1 step to measure, got 0"):
        profile_step(StackedHourglass(14, 1, 8), {}, render_figures(2, 0), TrainingConfig(), steps=0)


def test_a_step_is_labeled_for_torchs_profiler() -> None:
    from llpp_core.training import train

    with torch.profiler.profile() as profiler:
        train(StackedHourglass(14, 1, 8), {}, render_figures(4, 0), TrainingConfig(1, 2), progress=False)
    assert set(PARTS) <= {event.key for event in profiler.key_averages()}
