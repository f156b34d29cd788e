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

Features = Mapping[str, Float[Tensor, "batch _ ..."]] | Sequence[Float[Tensor, "batch _ ..."]]


class PooledPredictor(nn.Module):
    """Predicts the loss from the average of each feature map ("GAP").

    The average is taken over whatever follows the channels: height and width of a map, nothing for the hidden layers
    (batch, channels) of an MLP.

    Args:
        channels: widths of the features, fine → coarse; one entry pools a single scale.
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
        """Return θ, the penultimate features.

        Raises:
            ValueError: features of other widths, without pixels, or of several batches.
        """
        pooled = [_average(m) for m in _checked(features, self.channels)]
        theta: Tensor = self.layers(torch.cat(pooled, dim=1))  # (batch, sum of channels) -> (batch, embedding)
        return theta

    def forward(self, features: Features) -> Float[Tensor, "batch"]:
        """Return l̂ from feature maps, fine → coarse, as a dictionary or a sequence."""
        predicted: Tensor = self.last(self.embedding(features)).squeeze(1)
        return predicted


class ConvPredictor(nn.Module):
    """Predicts the loss from all scales, the finer ones carried down by convolutions and added ("LL++conv").

    A map of side n1 reaches the next one, of side n2, through a convolution whose kernel and stride are n1 / n2.
    Where n2 does not divide n1, kernel and stride are ⌊n1 / n2⌋ and a stride-1 convolution of fitting size follows
    (with a ReLU between the two, which the paper does not mention); where nothing is left to fit, as from 7 to 3, none
    does. The strided one then leaves out the last n1 mod ⌊n1 / n2⌋ rows and columns, as the paper's rule has it: of 13
    pixels on the way to 5 it reads 12.

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
        """Return θ, the penultimate features.

        Raises:
            ValueError: maps of other widths or sizes, no maps but (batch, channels), or several batches.
        """
        maps = _checked(features, self.channels)
        got = [tuple(m.shape[2:]) for m in maps]
        if got != [(size, size) for size in self.sizes]:
            wanted = f"square feature maps of sides {self.sizes}, fine → coarse"
            raise ValueError(f"a convolutional predictor reads {wanted}; got features of height and width {got}")
        carried = maps[0]
        for down, coarser in zip(self.down, maps[1:], strict=True):
            carried = coarser + down(carried)
        theta: Tensor = self.layers(_average(carried))
        return theta

    def forward(self, features: Features) -> Float[Tensor, "batch"]:
        """Return l̂ from feature maps, fine → coarse, as a dictionary or a sequence."""
        predicted: Tensor = self.last(self.embedding(features)).squeeze(1)
        return predicted


def _checked(features: Features, channels: Sequence[int]) -> list[Tensor]:
    maps = list(features.values()) if isinstance(features, Mapping) else list(features)
    shapes = [tuple(m.shape) for m in maps]
    # Batch sizes are compared, not put in a set: a compiler would make a new program for every one of them.
    if any(len(shape) < 2 or 0 in shape[1:] or shape[0] != shapes[0][0] for shape in shapes):
        # Sums would broadcast a batch of one, and the average of no pixel is NaN: neither may pass in silence.
        raise ValueError(f"a loss predictor reads features (batch, channels, …) of one batch, got shapes {shapes}")
    return as_list(maps, channels)


def _average(features: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "batch channels"]:
    pixels = tuple(range(2, features.ndim))
    return features.mean(dim=pixels) if pixels else features  # torch reads no dimension as all of them


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
