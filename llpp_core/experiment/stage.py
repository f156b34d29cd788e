"""What a unit computes: it trains on what is labeled, tests, scores the pool, and lets methods choose from it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from llpp_core import store
from llpp_core.acquisition import Pool, get
from llpp_core.data.pose import PoseDataset, concatenate
from llpp_core.experiment import measures
from llpp_core.experiment.config import Experiment
from llpp_core.experiment.splits import Splits
from llpp_core.experiment.trained import Trained, build
from llpp_core.experiment.units import Unit, choosers
from llpp_core.training import Scores, score, train

Table = tuple[list[str], list[list[Any]]]
"""Names of columns, and rows."""


@dataclass(frozen=True)
class Stage:
    """What came of a unit.

    Attributes:
        trained: its model and predictors.
        tables: by name: "metrics"; the samples of "test", and of "pool" and "train" where they were scored; "selected".
        minutes: spent on training, scoring and choosing, since the unit was last resumed.
    """

    trained: Trained
    tables: dict[str, Table]
    minutes: dict[str, float]


def perform(
    experiment: Experiment,
    unit: Unit,
    splits: Splits,
    asked: Sequence[str],
    *,
    device: str,
    checkpoint: Path,
    checkpoint_seconds: float | int,
    stop: Callable[[], bool],
    progress: bool,
) -> Stage:
    """Train the unit's model, test it, and let the methods whose turn it is choose.

    Args:
        experiment: which unit of.
        unit: which seed, stage and method.
        splits: the data of that seed.
        asked: ids of the pool that were labeled before, in the order in which they were asked for.
        device: a torch device.
        checkpoint: as in `training.train`.
        checkpoint_seconds: as in `training.train`.
        stop: as in `training.train`; scoring is stopped too, and begins anew.
        progress: show progress bars.

    Raises:
        ValueError: an id that the pool does not have; whatever training, scoring and the strategies refuse.
        Stopped: ``stop`` said so.
    """
    methods = choosers(experiment, unit)
    labeled, pool = labeled_and_pool(splits, asked)
    trained = build(experiment, labeled.joint_names, seed=unit.seed, predictors=_predictors(experiment, unit))
    config = replace(experiment.training, seed=unit.seed, device=device)
    if unit.stage and experiment.stage_epochs is not None:
        config = replace(config, epochs=experiment.stage_epochs)
    started = time.perf_counter()
    train(
        trained.model, trained.heads, labeled, config,
        checkpoint=checkpoint, checkpoint_seconds=checkpoint_seconds, stop=stop, progress=progress,
    )  # fmt: skip
    trained_at = time.perf_counter()
    needs = {need for method in methods for need in get(experiment.methods[method].strategy).needs}

    def scored(data: PoseDataset, *also: str) -> Scores:
        return score(
            trained.model, trained.heads, data, sigma=config.sigma, device=device, bfloat16=config.bfloat16,
            also=also, stop=stop, progress=progress,
        )  # fmt: skip

    parts = {"test": (splits.test, scored(splits.test))}
    if methods:
        parts["pool"] = (pool, scored(pool, *sorted(needs & {"embeddings", "multipeak_entropy"})))
    if unit.method is None or "labeled_embeddings" in needs:
        parts["train"] = (labeled, scored(labeled, *(["embeddings"] if "labeled_embeddings" in needs else [])))
    scored_at = time.perf_counter()
    tables = {name: measures.samples(data, scores) for name, (data, scores) in parts.items()}
    metrics = [row for name, (data, scores) in parts.items() for row in measures.of_split(name, data, scores)]
    selected: list[list[Any]] = []
    for method in methods:
        chosen, values = _choose(experiment, unit, method, parts)
        metrics += measures.of_choice(method, pool, parts["pool"][1], chosen)
        selected += [[method, rank, pool.ids[i], float(values[i])] for rank, i in enumerate(chosen.tolist(), start=1)]
    tables["metrics"] = (measures.COLUMNS, metrics)
    tables["selected"] = (["method", "rank", "id", "score"], selected)
    done = time.perf_counter()
    minutes = {"train": trained_at - started, "score": scored_at - trained_at, "choose": done - scored_at}
    return Stage(trained, tables, {name: seconds / 60 for name, seconds in minutes.items()})


def labeled_and_pool(splits: Splits, asked: Sequence[str]) -> tuple[PoseDataset, PoseDataset]:
    """Return what is labeled once ``asked`` are, and what is left of the pool.

    Raises:
        ValueError: an id that the pool does not have, or one asked for twice.
    """
    if not asked:
        return splits.train, splits.pool
    place = {name: i for i, name in enumerate(splits.pool.ids)}
    if unknown := [name for name in asked if name not in place]:
        raise ValueError(f"{splits.pool.name} has no sample {unknown[0]!r}")
    rows = torch.tensor([place[name] for name in asked])
    left = torch.ones(len(splits.pool), dtype=torch.bool)
    left[rows] = False
    name = f"{splits.train.name} and {len(asked):,} of {splits.pool.name}"
    labeled = concatenate(name, [splits.train, splits.pool.subset(rows)])
    return labeled, splits.pool.subset(left.nonzero().flatten())


def _predictors(experiment: Experiment, unit: Unit) -> list[str]:
    """Return which predictors a unit trains: all beside the base model, later only what its method goes by."""
    if unit.method is None:
        return list(experiment.predictors)
    own = experiment.methods[unit.method].predictor
    return [] if own is None else [own]


def _choose(
    experiment: Experiment, unit: Unit, method: str, parts: dict[str, tuple[PoseDataset, Scores]]
) -> tuple[Tensor, Tensor]:
    """Return indices into the pool, and the strategy's score of every sample of the pool."""
    plan = experiment.methods[method]
    data, scores = parts["pool"]
    strategy = get(plan.strategy)
    labeled, known = parts.get("train", (None, None))
    pool = Pool(
        ids=data.ids,
        predicted_loss=None if plan.predictor is None else scores.predicted_loss[plan.predictor],
        embeddings=scores.embeddings,
        labeled_embeddings=None if known is None else known.embeddings,
        multipeak_entropy=scores.multipeak_entropy,
        true_loss=scores.true_loss if "true_loss" in strategy.needs else None,
        labeled_ids=() if labeled is None else labeled.ids,
    )
    # The same choice whichever units were done before, by whichever process.
    seed = int(store.fingerprint(["choose", str(unit.seed), str(unit.stage), method])[:15], 16)
    generator = torch.Generator().manual_seed(seed)
    values = strategy.score(pool, generator=generator)
    return strategy.select(values, experiment.budget, pool=pool), values
