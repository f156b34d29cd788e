"""LSP and LSPET themselves, where the environment variable LLPP_DATA names their folder."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import loadmat
from torch.testing import assert_close

from llpp_core.data import PoseDataset, load_lsp, load_lspet
from llpp_core.metrics import torso_length

ROOT = os.environ.get("LLPP_DATA")
pytestmark = pytest.mark.skipif(not ROOT, reason="LLPP_DATA names no folder with lsp/ and lspet/")


@pytest.fixture(scope="module")
def lsp() -> PoseDataset:
    return load_lsp(Path(ROOT or "") / "lsp", size=16, progress=False)


@pytest.fixture(scope="module")
def lspet() -> PoseDataset:
    return load_lspet(Path(ROOT or "") / "lspet", size=16, progress=False)


def in_file(name: str) -> np.ndarray:
    """(n, 14, 3) as the file has it."""
    joints = loadmat(Path(ROOT or "") / name / "joints.mat")["joints"]
    return joints.transpose(2, 1, 0) if name == "lsp" else joints.transpose(2, 0, 1)


def in_image(data: PoseDataset) -> torch.Tensor:
    return torch.einsum("nab,njb->nja", data.crop_to_image[:, :, :2], data.joints) + data.crop_to_image[:, None, :, 2]


def test_none_is_lost(lsp: PoseDataset, lspet: PoseDataset) -> None:
    assert lsp.ids == tuple(f"im{i:04d}.jpg" for i in range(1, 2_001))
    assert lspet.ids == tuple(f"im{i:05d}.jpg" for i in range(1, 10_001))
    assert lsp.files == lsp.ids
    halves = [load_lsp(Path(ROOT or "") / "lsp", split, size=16, progress=False) for split in ("train", "test")]
    assert halves[0].ids + halves[1].ids == lsp.ids
    assert torch.equal(torch.cat([half.images for half in halves]), lsp.images)


def test_every_crop_shows_something(lsp: PoseDataset, lspet: PoseDataset) -> None:
    for data in (lsp, lspet):
        spread = data.images.float().flatten(1).std(1)
        assert float(spread.min()) > 3
        assert float(spread.mean()) > 40
        assert len(data.images.flatten(1).unique(dim=0)) > 0.99 * len(data)  # a few pictures come twice


def test_lsps_flag_is_occluded_and_every_joint_is_annotated(lsp: PoseDataset) -> None:
    assert bool(lsp.annotated.all())
    assert np.array_equal(~lsp.visible.numpy(), in_file("lsp")[..., 2] == 1)
    assert 0.05 < float((~lsp.visible).float().mean()) < 0.3  # some are hidden, most are not


def test_lspets_flag_is_annotated(lspet: PoseDataset) -> None:
    assert np.array_equal(lspet.annotated.numpy(), in_file("lspet")[..., 2] == 1)
    assert torch.equal(lspet.visible, lspet.annotated)
    assert int(lspet.annotated.all(1).sum()) == 3_945
    assert round(float(lspet.annotated.float().mean()), 2) == 0.88


def test_joints_map_back_to_the_file(lsp: PoseDataset, lspet: PoseDataset) -> None:
    for data, name in ((lsp, "lsp"), (lspet, "lspet")):
        wanted = torch.from_numpy(in_file(name)[..., :2]).float()
        assert_close(in_image(data)[data.annotated], wanted[data.annotated], atol=2e-3, rtol=0)
        known = data.joints[data.annotated]
        assert bool(((known >= -0.5) & (known < 15.5)).all())


def test_a_sample_is_a_part_of_the_whole(lspet: PoseDataset) -> None:
    part = load_lspet(Path(ROOT or "") / "lspet", sample=150, size=16, progress=False)
    rows = [lspet.ids.index(i) for i in part.ids]
    assert len(set(rows)) == 150
    assert rows == sorted(rows)
    assert torch.equal(part.images, lspet.images[rows])
    assert torch.equal(part.joints[part.annotated], lspet.joints[rows][part.annotated])


def test_a_torso_is_missing_only_where_both_diagonals_lack_a_joint(lsp: PoseDataset, lspet: PoseDataset) -> None:
    a, at = lspet.annotated, lspet.index
    one = a[:, at("right_shoulder")] & a[:, at("left_hip")]
    other = a[:, at("left_shoulder")] & a[:, at("right_hip")]
    assert torch.equal(torso_length(lspet).isnan(), ~(one | other))
    assert not bool(torso_length(lsp).isnan().any())
