"""What a predictor really reads, and what methods really pick: both held against plain facts about the pictures.

A predicted loss may go with the true one because it sees where the model fails, or because it sees that a person is
small or has few joints in the picture. The latter is known without any predictor, so it is partialled out.
"""

from typing import Any

import torch
from torch import Tensor

from llpp_core.data.pose import PoseDataset
from llpp_core.experiment.measures import PREDICTED
from llpp_core.experiment.results import Results
from llpp_core.experiment.units import Unit
from llpp_core.metrics import partial_correlation

READING = ["seed", "of", "given", "value", "n"]
PICKED = ["seed", "method", "fact", "value", "n"]
GIVEN: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "annotated joints": ("annotated joints",),
    "crop scale": ("crop scale",),
    "both": ("annotated joints", "crop scale"),
}
"""What is partialled out, and the `facts` that it is made of."""
TILTED = 60.0
"""Degrees from upright beyond which a torso counts as tilted."""


def facts(data: PoseDataset) -> dict[str, Tensor]:
    """Return plain facts about samples, each (n,).

    "annotated joints": how many. "crop scale": natural logarithm of how many pixels of the image a pixel of the crop
    spans, along a side; below 0 the crop is enlarged. "torso tilt": angle between neck and middle of the hips and the
    picture's vertical, in degrees from 0 (upright) to 180 (head down); NaN where one of the three joints is unknown.
    """
    at = {name: i for i, name in enumerate(data.joint_names)}
    hips = [at["right_hip"], at["left_hip"]]
    up = data.joints[:, at["neck"]] - data.joints[:, hips].mean(1)
    tilt = torch.rad2deg(torch.atan2(up[:, 0], -up[:, 1]).abs())
    known = data.annotated[:, [at["neck"], *hips]].all(1)
    return {
        "annotated joints": data.annotated.sum(1).float(),
        "crop scale": torch.log(data.crop_to_image[:, 0, 0]),
        "torso tilt": torch.where(known, tilt, torch.nan),
    }


def what_is_read(results: Results, pool: PoseDataset) -> list[list[Any]]:
    """Return rows by `READING`: each predictor's correlation (Pearson) with the true loss on the pool, facts given.

    Args:
        results: of a run; its complete base models are looked at.
        pool: the experiment's pool, of which every sample has a true loss.

    Raises:
        ValueError: a pool of other samples.
    """
    about = facts(pool)
    rows: list[list[Any]] = []
    for unit in _bases(results, pool):
        columns = results.samples(unit, "pool")
        known = columns["true_loss"] > 0
        n = int(known.sum())
        for name, predicted in columns.items():
            if name in ("true_loss", "pck"):
                continue
            for given, names in GIVEN.items():
                others = torch.stack([about[key] for key in names], dim=1) if names else torch.zeros(len(pool), 0)
                value = partial_correlation(predicted[known], columns["true_loss"][known], others[known])
                rows.append([unit.seed, name.removeprefix(PREDICTED), given, value, n])
    return rows


def what_is_picked(results: Results, pool: PoseDataset) -> list[list[Any]]:
    """Return rows by `PICKED`: the facts about what each method chooses with the base models.

    They are means over the choice, of "torso tilt" the fraction beyond `TILTED` degrees, and "shared with the oracle":
    the fraction of the choice that the oracle makes too, where it is among the methods.

    Raises:
        ValueError: a pool of other samples.
    """
    about = facts(pool)
    place = {name: i for i, name in enumerate(pool.ids)}
    rows: list[list[Any]] = []
    for unit in _bases(results, pool):
        chosen = results.selected(unit)
        for method, ids in chosen.items():
            at = torch.tensor([place[name] for name in ids])
            for fact in ("annotated joints", "crop scale"):
                rows.append([unit.seed, method, fact, float(about[fact][at].mean()), len(at)])
            tilt = about["torso tilt"][at]
            tilt = tilt[~torch.isnan(tilt)]
            rows.append([unit.seed, method, "torso tilted", float((tilt > TILTED).float().mean()), len(tilt)])
            if "oracle" in chosen:
                shared = len(set(ids) & set(chosen["oracle"])) / len(ids)
                rows.append([unit.seed, method, "shared with the oracle", shared, len(ids)])
    return rows


def _bases(results: Results, pool: PoseDataset) -> list[Unit]:
    units = [unit for unit in results.records if unit.stage == 0]
    for unit in units:
        if tuple(results.ids(unit, "pool")) != tuple(pool.ids):
            raise ValueError(f"{unit.name} of {results.folder} scored other samples than those of {pool.name}")
    return units
