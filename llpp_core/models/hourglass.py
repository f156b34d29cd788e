"""The stacked hourglass (Newell, Yang & Deng, ECCV 2016, doi 10.1007/978-3-319-46484-8_29).

Each stack pools its input four times, climbs back up adding what it passed on the way, and predicts heatmaps at a
quarter of the input's size. Its features at five scales are what a loss predictor reads.
"""

from jaxtyping import Float
from torch import Tensor, nn

from llpp_core.models.features import FeatureInfo, TaskOutput

SCALES = 5
"""Feature maps of one stack: strides 4, 8, 16, 32 and 64."""


class StackedHourglass(nn.Module):
    """Predicts one heatmap a joint at a quarter of the input's size, and returns features at five scales a stack.

    With two stacks of 256 channels and 16 joints it has the 6.57 M parameters of the paper's task model: a
    residual has a skip convolution only where its width changes, and no stack has a layer that nothing follows.

    Args:
        joints: heatmaps to predict, at least 1.
        stacks: hourglasses in a row, at least 1; each passes its prediction and features on to the next.
        channels: width of the features, a multiple of 4.

    Raises:
        ValueError: no joint, no stack, or a width that is no multiple of 4.
    """

    def __init__(self, joints: int = 14, stacks: int = 2, channels: int = 256) -> None:
        super().__init__()
        if joints < 1 or stacks < 1 or channels < 4 or channels % 4:
            wanted = "at least 1 joint, 1 stack and 4 channels, the channels a multiple of 4"
            raise ValueError(f"an hourglass needs {wanted}; got joints={joints}, stacks={stacks}, channels={channels}")
        quarter, half = channels // 4, channels // 2
        self.stem = nn.Sequential(  # (batch, 3, s, s) -> (batch, channels, s/4, s/4)
            nn.Conv2d(3, quarter, kernel_size=7, stride=2, padding=3),
            nn.BatchNorm2d(quarter),
            nn.ReLU(),
            Residual(quarter, half),
            nn.MaxPool2d(2),
            Residual(half, half),
            Residual(half, channels),
        )
        self.hourglasses = nn.ModuleList(Hourglass(channels, SCALES - 1) for _ in range(stacks))
        self.necks = nn.ModuleList(
            nn.Sequential(
                Residual(channels, channels),
                nn.Conv2d(channels, channels, 1),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            )
            for _ in range(stacks)
        )
        self.heads = nn.ModuleList(nn.Conv2d(channels, joints, 1) for _ in range(stacks))
        self.merge_features = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(stacks - 1))
        self.merge_predictions = nn.ModuleList(nn.Conv2d(joints, channels, 1) for _ in range(stacks - 1))
        self.feature_info = [
            FeatureInfo(f"stack{stack}/stride{stride}", channels, stride)
            for stride in (4, 8, 16, 32, 64)
            for stack in range(1, stacks + 1)
        ]

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> TaskOutput:
        """Return the heatmaps (batch, joints, height/4, width/4) of every stack and the features of every scale.

        Args:
            images: normalized RGB (`data.augment.as_input`), both sides multiples of 64; in training, one image alone
                is larger than 64×64, where the coarsest map would be one pixel and batch normalization has nothing to
                average over.

        Raises:
            ValueError: images that are not such.
        """
        check_images(images, multiple=64, training=self.training)
        x = self.stem(images)
        predictions: list[Tensor] = []
        scales: list[list[Tensor]] = []
        for stack, (hourglass, neck, head) in enumerate(zip(self.hourglasses, self.necks, self.heads, strict=True)):
            scales.append(hourglass(x))  # fine -> coarse
            features = neck(scales[-1][0])
            predictions.append(head(features))
            if stack < len(self.merge_features):
                merged = self.merge_features[stack](features) + self.merge_predictions[stack](predictions[-1])
                x = x + merged
        by_scale = (stack[scale] for scale in range(SCALES) for stack in scales)
        names = (info.name for info in self.feature_info)
        return TaskOutput(predictions[-1], tuple(predictions), dict(zip(names, by_scale, strict=True)))


class Hourglass(nn.Module):
    """One hourglass: returns its merged feature maps on the way up, finest first (``depth`` + 1 of them)."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.across = Residual(channels, channels)
        self.down = nn.Sequential(nn.MaxPool2d(2), Residual(channels, channels))
        self.inner = Hourglass(channels, depth - 1) if depth > 1 else Residual(channels, channels)
        self.up = nn.Sequential(Residual(channels, channels), nn.Upsample(scale_factor=2, mode="nearest"))

    def forward(self, x: Float[Tensor, "batch channels h w"]) -> list[Float[Tensor, "batch channels _ _"]]:
        """Return the merged maps, finest first, each half the side of the one before."""
        inner = self.inner(self.down(x))
        coarser = inner if isinstance(inner, list) else [inner]
        return [self.across(x) + self.up(coarser[0]), *coarser]


class Residual(nn.Module):
    """Pre-activation bottleneck (He et al., ECCV 2016): 1×1, 3×3, 1×1, added to the input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        middle = outputs // 2
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, middle, 1),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            nn.Conv2d(middle, middle, 3, padding=1),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            nn.Conv2d(middle, outputs, 1),
        )
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Float[Tensor, "batch inputs h w"]) -> Float[Tensor, "batch outputs h w"]:
        """Return the input, widened where needed, plus what the bottleneck makes of it."""
        out: Tensor = self.skip(x) + self.body(x)
        return out


def check_images(images: Tensor, *, multiple: int, training: bool) -> None:
    """Refuse images that a network of which ``multiple`` is the coarsest stride cannot read.

    Raises:
        ValueError: no batch of RGB images, a side that is no multiple of ``multiple``, or, in training, a single image
            that the network shrinks to one pixel.
    """
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[1] != 3:
        raise ValueError(f"wanted images (batch, 3, height, width), got {shape}")
    if min(shape[2:]) < multiple or shape[2] % multiple or shape[3] % multiple:
        raise ValueError(f"wanted images whose sides are multiples of {multiple}, got {shape}")
    if training and shape[0] * shape[2] * shape[3] == multiple**2:
        raise ValueError(
            f"in training an image of {multiple}×{multiple} pixels needs company: at its coarsest scale it is one "
            f"pixel, over which batch normalization cannot average; got {shape}"
        )
