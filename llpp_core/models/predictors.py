"""Loss-prediction modules: small networks that read a task model's features and predict its loss.

* `PooledPredictor`: global average pooling of each scale, then fully connected layers (Yoo & Kweon, CVPR 2019).
* `ConvPredictor`: convolutions carry the finer scales down to the coarsest before anything is pooled (Shukla & Ahmed,
  CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370, Fig. 4).

In both the last layer is linear and without bias, l̂ = θᵀw: the objectives compare predictions, so a bias would
never receive a gradient.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from llpp_core.models.features import as_list

HIDDEN = (128, 64, 32, 16)
"""Widths of the fully connected layers between the pooled features and l̂: the paper's authors' published settings."""

Features = Mapping[str, Float[Tensor, "batch _ _ _"]] | Sequence[Float[Tensor, "batch _ _ _"]]


class PooledPredictor(nn.Module):
    """Predicts the loss from the average of each feature map ("GAP").

    Args:
        channels: widths of the feature maps, fine → coarse; one entry pools a single scale.
        hidden: widths of the fully connected layers; the last one is the length of the embedding θ.

    Raises:
        ValueError: no feature map, or no layer.
    """

    def __init__(self, channels: Sequence[int], *, hidden: Sequence[int] = HIDDEN) -> None:
        super().__init__()
        _check(channels, hidden)
        self.channels = tuple(channels)
        self.layers = _fully_connected(sum(channels), hidden)
        self.last = nn.Linear(hidden[-1], 1, bias=False)

    def embedding(self, features: Features) -> Float[Tensor, "batch embedding"]:
        """Return θ, the penultimate features."""
        maps = as_list(features, self.channels)
        theta: Tensor = self.layers(torch.cat([m.mean(dim=(-2, -1)) for m in maps], dim=1))  # (batch, sum of channels)
        return theta

    def forward(self, features: Features) -> Float[Tensor, "batch"]:
        """Return l̂ from feature maps, fine → coarse, as a dictionary or a sequence."""
        predicted: Tensor = self.last(self.embedding(features)).squeeze(1)
        return predicted


class ConvPredictor(nn.Module):
    """Predicts the loss from all scales, the finer ones carried down by convolutions and added ("LL++conv").

    A map of side n1 reaches the next one, of side n2, through a convolution whose kernel and stride are n1 / n2.
    Where n2 does not divide n1, kernel and stride are ⌊n1 / n2⌋ and a stride-1 convolution of fitting size follows
    (with a ReLU between the two, which the paper does not mention).

    Args:
        channels: widths of the feature maps, fine → coarse.
        sizes: their sides in pixels, fine → coarse, never growing.
        hidden: widths of the fully connected layers; the last one is the length of the embedding θ.

    Raises:
        ValueError: no feature map, no layer, as many sizes as channels are not given, or a size grows.
    """

    def __init__(self, channels: Sequence[int], sizes: Sequence[int], *, hidden: Sequence[int] = HIDDEN) -> None:
        super().__init__()
        _check(channels, hidden)
        if len(sizes) != len(channels):
            raise ValueError(f"every feature map needs a size: got {len(channels)} channels and {len(sizes)} sizes")
        if min(sizes) < 1 or any(coarse > fine for fine, coarse in pairwise(sizes)):
            raise ValueError(f"sizes run fine → coarse and are at least 1, got {list(sizes)}")
        self.channels, self.sizes = tuple(channels), tuple(sizes)
        steps = zip(pairwise(channels), pairwise(sizes), strict=True)
        self.down = nn.ModuleList(_carry(*width, *size) for width, size in steps)
        self.layers = _fully_connected(channels[-1], hidden)
        self.last = nn.Linear(hidden[-1], 1, bias=False)

    def embedding(self, features: Features) -> Float[Tensor, "batch embedding"]:
        """Return θ, the penultimate features."""
        maps = as_list(features, self.channels)
        got = tuple(int(m.shape[-1]) for m in maps)
        if got != self.sizes:
            raise ValueError(f"this predictor reads feature maps of sides {self.sizes}, fine → coarse; got {got}")
        carried = maps[0]
        for down, coarser in zip(self.down, maps[1:], strict=True):
            carried = coarser + down(carried)
        theta: Tensor = self.layers(carried.mean(dim=(-2, -1)))
        return theta

    def forward(self, features: Features) -> Float[Tensor, "batch"]:
        """Return l̂ from feature maps, fine → coarse, as a dictionary or a sequence."""
        predicted: Tensor = self.last(self.embedding(features)).squeeze(1)
        return predicted


def _carry(inputs: int, outputs: int, fine: int, coarse: int) -> nn.Module:
    ratio = fine // coarse
    first = nn.Conv2d(inputs, outputs, kernel_size=ratio, stride=ratio)
    left = (fine - ratio) // ratio + 1 - coarse  # pixels too many after the strided convolution
    return first if left == 0 else nn.Sequential(first, nn.ReLU(), nn.Conv2d(outputs, outputs, kernel_size=left + 1))


def _fully_connected(inputs: int, hidden: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width_in, width_out in pairwise((inputs, *hidden)):
        layers += [nn.Linear(width_in, width_out), nn.ReLU()]
    return nn.Sequential(*layers)


def _check(channels: Sequence[int], hidden: Sequence[int]) -> None:
    if not channels or min(channels) < 1:
        raise ValueError(f"a loss predictor reads at least one feature map, got channels {list(channels)}")
    if not hidden or min(hidden) < 1:
        raise ValueError(f"a loss predictor has at least one layer before its last, got hidden {list(hidden)}")
