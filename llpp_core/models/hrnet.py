"""The High-Resolution Net for pose (Sun, Xiao, Liu & Wang, CVPR 2019, doi 10.1109/CVPR.2019.00584).

A branch at a quarter of the input's size lives from the first stage to the last; every later stage starts a coarser
branch beside those there are, and the branches exchange what they hold again and again:

    Y_k = ReLU(Σ_i a(X_i, k))        (the exchange unit)

where a(X_i, k) is X_i itself for i = k, k − i strided 3×3 convolutions on the way to a coarser scale, and a 1×1
convolution with nearest-neighbor upsampling on the way to a finer one. The heatmaps are read from the finest branch.
Every convolution is followed by batch normalization; the last one of a residual unit or of a path in the exchange unit
has no ReLU of its own, the sum has it.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from llpp_core.models.features import FeatureInfo, TaskOutput
from llpp_core.models.hourglass import check_images

STRIDES = (4, 8, 16, 32)
"""Of the four branches, fine → coarse."""


class HRNet(nn.Module):
    """Predicts one heatmap a joint at a quarter of the input's size, and returns features at four scales.

    The last exchange unit makes the finest map only: the heatmaps read nothing else, and no task loss would ever train
    what it made at the other scales. The features are that map and, at strides 8, 16 and 32, the branches that enter
    the unit, so every parameter serves the prediction.

    Size and cost are the article's: 28.5 M parameters with width 32 and 63.6 M with width 48, 17 joints. It prints 7.10
    and 14.6 GFLOPs at 256×192, 16.0 and 32.9 at 384×288; multiply-adds divided by 2³⁰ give 7.12, 14.61, 16.02 and 32.88
    here (divided by 10⁹: 7.65, 15.69, 17.20 and 35.31). `cost` counts two FLOPs for a multiply-add.

    Args:
        joints: heatmaps to predict, at least 1.
        width: C, channels of the finest branch; the coarser ones have 2C, 4C and 8C.
        modules: how often stages 2, 3 and 4 run their residual units and exchange, each at least 1.
        blocks: residual units in a row, in stage 1 and in every branch of every module; at least 1.
        stem: channels of the stem; stage 1 has four times as many.

    Raises:
        ValueError: a number below 1, or not three entries in ``modules``.
    """

    def __init__(
        self, joints: int = 14, width: int = 32, *, modules: Sequence[int] = (1, 4, 3), blocks: int = 4, stem: int = 64
    ) -> None:
        super().__init__()
        if len(modules) != 3 or min(joints, width, *modules, blocks, stem) < 1:
            got = f"joints={joints}, width={width}, modules={tuple(modules)}, blocks={blocks}, stem={stem}"
            raise ValueError(f"an HRNet needs three numbers of modules, and every number at least 1; got {got}")
        widths = [width * 2**branch for branch in range(len(STRIDES))]
        self.stem = nn.Sequential(  # (batch, 3, h, w) -> (batch, stem, h/4, w/4)
            *(*_convolution(3, stem, 3, stride=2), nn.ReLU()),
            *(*_convolution(stem, stem, 3, stride=2), nn.ReLU()),
        )
        self.stage1 = nn.Sequential(*(_bottleneck(4 * stem if unit else stem, stem) for unit in range(blocks)))
        self.entries, self.stages, self.exchanges = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        before = [4 * stem]
        for branches, repeats, outputs in zip((2, 3, 4), modules, (2, 3, 1), strict=True):
            now = widths[:branches]
            steps: list[nn.Module] = [Parallel(now, blocks)]
            for _ in range(repeats - 1):
                steps += [Exchange(now, branches), Parallel(now, blocks)]
            self.entries.append(Entry(before, now))
            self.stages.append(nn.Sequential(*steps))
            self.exchanges.append(Exchange(now, outputs))
            before = now
        self.head = nn.Conv2d(width, joints, 1)
        self.feature_info = [
            FeatureInfo(f"stage4/stride{stride}", channels, stride)
            for channels, stride in zip(widths, STRIDES, strict=True)
        ]

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> TaskOutput:
        """Return the heatmaps (batch, joints, height/4, width/4) and the features of every scale.

        Args:
            images: normalized RGB (`data.augment.as_input`), both sides multiples of 32; in training, one image alone
                is larger than 32×32, where the coarsest map would be one pixel and batch normalization has nothing to
                average over.

        Raises:
            ValueError: images that are not such.
        """
        check_images(images, multiple=STRIDES[-1], training=self.training)
        fused = [self.stage1(self.stem(images))]
        branches: list[Tensor] = []
        for entry, stage, exchange in zip(self.entries, self.stages, self.exchanges, strict=True):
            branches = stage(entry(fused))
            fused = exchange(branches)
        prediction: Tensor = self.head(fused[0])
        names = (info.name for info in self.feature_info)
        features = dict(zip(names, [fused[0], *branches[1:]], strict=True))
        return TaskOutput(prediction, (prediction,), features)


class Entry(nn.Module):
    """The way into a stage: branches of a new width are convolved, and a coarser branch starts from the coarsest."""

    def __init__(self, before: Sequence[int], now: Sequence[int]) -> None:
        super().__init__()
        self.kept = nn.ModuleList(
            nn.Identity() if old == new else nn.Sequential(*_convolution(old, new, 3), nn.ReLU())
            for old, new in zip(before, now, strict=False)  # the last of `now` is the new branch
        )
        self.new = nn.Sequential(*_convolution(before[-1], now[-1], 3, stride=2), nn.ReLU())

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Return one map more, fine → coarse."""
        return [*(keep(x) for keep, x in zip(self.kept, maps, strict=True)), self.new(maps[-1])]


class Parallel(nn.Module):
    """Residual units in a row on every branch, the branches apart."""

    def __init__(self, widths: Sequence[int], blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(_basic(width) for _ in range(blocks))) for width in widths)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Return maps of the same shapes."""
        return [branch(x) for branch, x in zip(self.branches, maps, strict=True)]


class Exchange(nn.Module):
    """The exchange unit: the maps Y_k of the ``outputs`` finest scales k."""

    def __init__(self, widths: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.fusions = nn.ModuleList(Fusion(widths, target) for target in range(outputs))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Return the fused maps, fine → coarse."""
        return [fusion(maps) for fusion in self.fusions]


class Fusion(nn.Module):
    """One map of the exchange unit: Y_k = ReLU(Σ_i a(X_i, k))."""

    def __init__(self, widths: Sequence[int], target: int) -> None:
        super().__init__()
        self.paths = nn.ModuleList(_path(widths, source, target) for source in range(len(widths)))
        self.activation = nn.ReLU()

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Return a map of the target's width and size."""
        first, *others = (path(x) for path, x in zip(self.paths, maps, strict=True))
        fused: Tensor = self.activation(sum(others, start=first))
        return fused


class Residual(nn.Module):
    """ReLU(skip(x) + body(x))."""

    def __init__(self, body: nn.Module, skip: nn.Module) -> None:
        super().__init__()
        self.body, self.skip = body, skip
        self.activation = nn.ReLU()

    def forward(self, x: Float[Tensor, "batch inputs h w"]) -> Float[Tensor, "batch outputs h w"]:
        """Return the sum, activated."""
        out: Tensor = self.activation(self.skip(x) + self.body(x))
        return out


def _basic(width: int) -> Residual:
    first, second = _convolution(width, width, 3), _convolution(width, width, 3)
    return Residual(nn.Sequential(*first, nn.ReLU(), *second), nn.Identity())


def _bottleneck(inputs: int, middle: int) -> Residual:
    narrow, across, widen = (
        _convolution(inputs, middle, 1),
        _convolution(middle, middle, 3),
        _convolution(middle, 4 * middle, 1),
    )
    body = nn.Sequential(*narrow, nn.ReLU(), *across, nn.ReLU(), *widen)
    same = inputs == 4 * middle
    return Residual(body, nn.Identity() if same else nn.Sequential(*_convolution(inputs, 4 * middle, 1)))


def _path(widths: Sequence[int], source: int, target: int) -> nn.Module:
    """Return a(X_source, target), which ends with the width and the size of the target's branch."""
    inputs, outputs = widths[source], widths[target]
    if source >= target:
        up = nn.Upsample(scale_factor=2 ** (source - target), mode="nearest")
        return nn.Sequential(*_convolution(inputs, outputs, 1), up) if source > target else nn.Identity()
    steps: list[nn.Module] = []
    for _ in range(target - source - 1):
        steps += [*_convolution(inputs, inputs, 3, stride=2), nn.ReLU()]
    return nn.Sequential(*steps, *_convolution(inputs, outputs, 3, stride=2))


def _convolution(inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    # Without bias: the normalization would take it out again.
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(outputs)
