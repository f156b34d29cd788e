"""Pose data as tensors: loaders, rendered figures, augmentation, heatmaps."""

from llpp_core.data import augment, cache, crops, heatmaps, parcels
from llpp_core.data.figures import render_figures
from llpp_core.data.images import load_images
from llpp_core.data.lsp import load_lsp, load_lspet
from llpp_core.data.mpii import load_mpii
from llpp_core.data.pose import LIMBS, LSP_JOINTS, MPII_JOINTS, PoseDataset
from llpp_core.data.tables import Gapminder, gapminder

__all__ = [
    "LIMBS",
    "LSP_JOINTS",
    "MPII_JOINTS",
    "Gapminder",
    "PoseDataset",
    "augment",
    "cache",
    "crops",
    "gapminder",
    "heatmaps",
    "load_images",
    "load_lsp",
    "load_lspet",
    "load_mpii",
    "parcels",
    "render_figures",
]
