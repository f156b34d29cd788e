"""Pose data as tensors: loaders, rendered figures, augmentation, heatmaps."""

from llpp_core.data import augment, crops, heatmaps
from llpp_core.data.figures import render_figures
from llpp_core.data.lsp import load_lsp, load_lspet
from llpp_core.data.pose import LIMBS, LSP_JOINTS, PoseDataset

__all__ = [
    "LIMBS",
    "LSP_JOINTS",
    "PoseDataset",
    "augment",
    "crops",
    "heatmaps",
    "load_lsp",
    "load_lspet",
    "render_figures",
]
