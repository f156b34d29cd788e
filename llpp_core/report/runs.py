"""What a page says of a run in words: its data, how accurate the model is, and how the page was made."""

import platform
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from llpp_core.experiment import Splits
from llpp_core.heads import Head
from llpp_core.metrics import Pck
from llpp_core.training import TrainingConfig

LOW = 0.5
"""A PCK@0.2 below this is called low: such a model is wrong more often than right."""


def describe(splits: Splits) -> str:
    """Return a Markdown table of the parts of an experiment: images, annotated and occluded joints."""
    rows = [
        "| | data | images | joints annotated | of them hidden | crops |",
        "|---|---|--:|--:|--:|---|",
    ]
    for part in ("train", "test", "pool"):
        data = getattr(splits, part)
        known = int(data.annotated.sum())
        share = known / data.annotated.numel()
        hidden = int((data.annotated & ~data.visible).sum())
        # LSPET's flag says which joints have a position, and nothing of which are hidden.
        said = "not said" if bool((data.visible == data.annotated).all()) else f"{hidden:,}"
        size = f"{data.size} × {data.size}"
        rows.append(f"| {part} | {data.name} | {len(data):,} | {known:,} ({share:.0%}) | {said} | {size} |")
    return "\n".join(rows)


def accuracy_note(pck: Mapping[str, Pck]) -> str:
    """Return Markdown that gives the model's PCK@0.2 on each data set, and says so where it is low."""
    rows = [
        "| data | PCK@0.2 | joints counted | images left out (no torso to measure by) |",
        "|---|--:|--:|--:|",
    ]
    for name, result in pck.items():
        rows.append(f"| {name} | **{result.mean:.3f}** | {result.joints_counted:,} | {result.samples_left_out:,} |")
    low = [name for name, result in pck.items() if not result.mean >= LOW]  # a NaN is not passed over
    if not low:
        return "\n".join(rows)
    return "\n".join([*rows, "", f"> {low_accuracy(low)}"])


def low_accuracy(where: Sequence[str]) -> str:
    """Return Markdown that says what a low accuracy means for the correlations on that data.

    Args:
        where: the data sets on which the accuracy is below `LOW`.
    """
    return (
        f"**This is low on {' and on '.join(where)}**: the model is wrong more often than right there. "
        "High correlations of predicted with true loss on such data say little about the predictors, because what "
        "makes a picture hard for a weak model (a small person, an odd pose, clutter) can be read off the picture."
    )


def accuracy_line(pck: float) -> str:
    """Return one short line that gives a PCK@0.2, and says so where it is low."""
    return f"PCK@0.2 of the pose model here: {pck:.2f}" + ("" if pck >= LOW else " (low)")


def effects(rows: Mapping[str, Mapping[str, float | int | str]]) -> str:
    """Return a Markdown table with a line for each way a model was made or trained, and a column for each figure.

    Args:
        rows: figures by name, the same ones for every way; fractions are shown to three digits.

    Raises:
        ValueError: no row, or rows of different figures.
    """
    columns = [list(row) for row in rows.values()]
    if not columns or any(one != columns[0] for one in columns):
        raise ValueError(f"wanted rows of the same figures, got {columns}")
    lines = [f"| | {' | '.join(columns[0])} |", "|---|" + "--:|" * len(columns[0])]
    for name, row in rows.items():
        cells = [f"{v:.3f}" if isinstance(v, float) else f"{v:,}" if isinstance(v, int) else v for v in row.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def provenance(
    splits: Splits,
    config: TrainingConfig,
    model: nn.Module,
    heads: Mapping[str, Head],
    training_minutes: float,
    minutes: float,
) -> str:
    """Return Markdown that says what made a page: data, schedule, sizes, device, minutes, versions."""
    steps = config.epochs * (len(splits.train) // config.batch_size)
    sizes = ", ".join(f"{name} {_parameters(head.predictor):,}" for name, head in heads.items())
    lines = [
        f"trained on {len(splits.train):,} images of {splits.train.name}, {config.epochs} epochs, {steps:,} steps of "
        f"{config.batch_size} images, seed {config.seed}",
        f"scored {len(splits.test):,} images of {splits.test.name} and {len(splits.pool):,} of {splits.pool.name}",
        f"parameters: pose model {_parameters(model):,}; predictors {sizes}",
        f"{training_minutes:.1f} minutes of training",
    ]
    return "\n".join([*(f"- {line}" for line in lines), surroundings(config.device, minutes=minutes)])


def surroundings(device: str, *, minutes: float) -> str:
    """Return Markdown that says what a page was computed on and with: minutes, device, versions.

    Args:
        device: a torch device.
        minutes: that the whole page took.
    """
    name = (
        torch.cuda.get_device_name(device)
        if device.startswith("cuda")
        else f"CPU, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() != 1)}"
    )
    return f"- {minutes:.1f} minutes in all, on {name}\n- Python {platform.python_version()}, torch {torch.__version__}"


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
