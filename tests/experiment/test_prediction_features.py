"""Predictors that read the task model's heatmaps beside its features."""

from pathlib import Path

import pytest
import torch
from folders import tiny

from llpp_core.data import render_figures
from llpp_core.data.pose import LSP_JOINTS
from llpp_core.experiment import build, load_trained, save_trained
from llpp_core.training import TrainingConfig, score, train

PREDICTORS = {
    "without": {"module": "conv"},
    "conv": {"module": "conv", "features": "prediction"},
    "pooled": {"module": "pooled", "features": "prediction"},
}


def test_they_see_what_the_model_predicts() -> None:
    trained = build(tiny(predictors=PREDICTORS, methods={"random": {"strategy": "random"}}), LSP_JOINTS, seed=0)
    with torch.no_grad():
        output = trained.model.eval()(torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
        other = output._replace(prediction=output.prediction + 1)
        for name, head in trained.heads.items():
            same = torch.equal(head(output.readable), head(other.readable))
            assert same == (name == "without"), name


def test_they_leave_the_task_model_alone_and_come_back_from_a_file(tmp_path: Path) -> None:
    data = render_figures(16, 0, size=64)
    weights = {}
    for some in ({}, PREDICTORS):
        trained = build(tiny(predictors=some, methods={"random": {"strategy": "random"}}), LSP_JOINTS, seed=0)
        train(trained.model, trained.heads, data, TrainingConfig(epochs=1, batch_size=8), progress=False)
        weights[len(some)] = trained.model.state_dict()
    for key, value in weights[0].items():
        assert torch.equal(value, weights[3][key]), key
    save_trained(tmp_path / "model.safetensors", trained)
    back = load_trained(tmp_path / "model.safetensors")
    wanted, got = (score(t.model, t.heads, data, progress=False).predicted_loss for t in (trained, back))
    for name in PREDICTORS:
        assert torch.equal(wanted[name], got[name])


def test_a_convolutional_predictor_reads_one_stack() -> None:
    with pytest.raises(ValueError, match='must not be "all"'):
        tiny(predictors={"conv": {"module": "conv", "features": "all"}}, methods={"random": {"strategy": "random"}})
