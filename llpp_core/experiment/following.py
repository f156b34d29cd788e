"""A base model followed while it learns: what its predictors are worth at one accuracy and at the next.

Near chance every predictor correlates well, because a model that finds nothing has losses that can be read off the
picture. So a correlation means something only beside the task model's accuracy, and here both are measured along one
training.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from llpp_core import store
from llpp_core.experiment import measures
from llpp_core.experiment.config import Experiment
from llpp_core.experiment.splits import planned_splits
from llpp_core.experiment.tables import read_table, write_table
from llpp_core.experiment.trained import build
from llpp_core.training import score, train

ALONG = ["seed", "epoch", *measures.COLUMNS]
"""Columns of the table that `follow` writes."""


def follow(
    experiment: Experiment,
    folder: str | Path,
    *,
    seed: int,
    epochs: Collection[int],
    pool: int | None = None,
    data: str = "auto",
    device: str = "cpu",
    checkpoint_seconds: float = 20.0,
    stop: Callable[[], bool] = lambda: False,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Train a seed's base model as the experiment does, and measure it and its predictors after some of the epochs.

    Scoring changes nothing of the training, so the last row is that of the experiment's own base model. The folder
    keeps a checkpoint and the rows so far; the same call goes on from there.

    Args:
        experiment: whose base model.
        folder: where ``along.csv`` goes; made where it is not there.
        seed: which repetition.
        epochs: after which epochs to measure, each from 1 to the experiment's.
        pool: how many samples of the pool to score at most, evenly spread, ≥ 2; all where None.
        data: as in `planned_splits`.
        device: a torch device.
        checkpoint_seconds: as in `training.train`.
        stop: as in `training.train`.
        progress: show progress bars.

    Returns:
        The rows of ``along.csv``: seed, epoch, and the columns of `measures`; the splits are "test" and "pool".

    Raises:
        ValueError: an epoch out of range, a sample of less than 2, or what training refuses.
        Stopped: ``stop`` said so, once the checkpoint is written.
        KeyboardInterrupt: after Ctrl-C, likewise.
    """
    last = experiment.training.epochs
    if wrong := [epoch for epoch in epochs if not 1 <= epoch <= last]:
        raise ValueError(f"wanted epochs from 1 to {last}, the experiment's, got {wrong[0]}")
    splits = planned_splits(experiment.data, seed, data=data, progress=progress)
    if pool is not None and pool < 2:
        raise ValueError(f"wanted a sample of at least 2 of {splits.pool.name}, got {pool}")
    n = len(splits.pool)
    rows = torch.linspace(0, n - 1, n if pool is None else min(pool, n)).round().long()
    parts = {"test": splits.test, "pool": splits.pool.subset(rows)}
    config = replace(experiment.training, seed=seed, device=device)
    trained = build(experiment, splits.train.joint_names, seed=seed)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    table, checkpoint = place / "along.csv", place / "checkpoint.pt"
    with store.written_whole(place / "experiment.json") as part:
        part.write_text(json.dumps(experiment.plain(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def measure(epoch: int) -> None:
        if epoch not in epochs:
            return
        kept = [] if not table.exists() else [r for r in read_table(table) if int(r["epoch"]) != epoch]
        new = []
        for name, part in parts.items():
            scores = score(
                trained.model, trained.heads, part, sigma=config.sigma, device=device, bfloat16=config.bfloat16,
                also=["multipeak_entropy"], progress=False,
            )  # fmt: skip
            new += [[seed, epoch, *row] for row in measures.of_split(name, part, scores)]
        write_table(table, ALONG, [*([r[c] for c in ALONG] for r in kept), *new])

    train(
        trained.model, trained.heads, splits.train, config, checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds, stop=stop, each_epoch=measure, progress=progress,
    )  # fmt: skip
    return read_table(table)
