"""LSP and LSPET themselves, where the environment variable LLPP_DATA names their folder."""

import os
from pathlib import Path

import pytest
import torch

from llpp_core.data import PoseDataset, load_lsp, load_lspet
from llpp_core.metrics import torso_length

ROOT = os.environ.get("LLPP_DATA")
pytestmark = pytest.mark.skipif(not ROOT, reason="LLPP_DATA names no folder with lsp/ and lspet/")


@pytest.fixture(scope="module")
def lspet_sample() -> PoseDataset:
    return load_lspet(Path(ROOT or "") / "lspet", sample=150, size=32, progress=False)


def test_lsps_halves_are_annotated_throughout() -> None:
    halves = [load_lsp(Path(ROOT or "") / "lsp", split, size=16, progress=False) for split in ("train", "test")]
    assert [len(half) for half in halves] == [1_000, 1_000]
    assert not set(halves[0].ids) & set(halves[1].ids)
    for half in halves:
        assert bool(half.annotated.all())
        assert 0.05 < float((~half.visible).float().mean()) < 0.3  # some are hidden, most are not
        assert float(half.images.float().std()) > 20
        assert not bool(torsos_missing(half).any())


def test_a_sample_of_lspet_lacks_some_joints_and_holds_the_others(lspet_sample: PoseDataset) -> None:
    assert len(lspet_sample) == 150
    assert 0.8 < float(lspet_sample.annotated.float().mean()) < 0.95
    known = lspet_sample.joints[lspet_sample.annotated]
    assert bool(((known >= -0.5) & (known < 31.5)).all())
    assert torch.equal(lspet_sample.visible, lspet_sample.annotated)


def torsos_missing(data: PoseDataset) -> torch.Tensor:
    return torso_length(data).isnan()


def test_a_torso_is_missing_only_where_both_diagonals_lack_a_joint(lspet_sample: PoseDataset) -> None:
    a = lspet_sample.annotated
    at = lspet_sample.index
    one = a[:, at("right_shoulder")] & a[:, at("left_hip")]
    other = a[:, at("left_shoulder")] & a[:, at("right_hip")]
    assert torch.equal(torsos_missing(lspet_sample), ~(one | other))
