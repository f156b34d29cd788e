"""How the true losses are distributed, and how they rise with the predicted ones: Figures 3 and 5 as a few numbers.

The paper shows a histogram of losses (Fig. 3) and a cloud of ten thousand points (Fig. 5). A record keeps no sample, so
it keeps what can be drawn without them: quantiles of the true losses with how far they lie from a gamma distribution,
and the mean true loss of each tenth of the pool, ordered by predicted loss.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from llpp_core.analysis import gamma_pairs
from llpp_core.experiment.measures import PREDICTED
from llpp_core.experiment.results import Results
from llpp_core.experiment.units import Unit

LOSSES = ["seed", "split", "fact", "value", "n"]
TENTHS = ["seed", "of", "tenth", "fact", "value", "n"]
QUANTILES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
DISTANCE, P_VALUE = "distance to gamma", "p of gamma"
ORACLE = "oracle"
"""The order by the true losses themselves: as steep as any order can be."""


def quantile_name(fraction: float) -> str:
    """Return what the fact is called: "quantile 0.05"."""
    return f"quantile {fraction:g}"


def how_losses_lie(results: Results) -> list[list[Any]]:
    """Return rows by `LOSSES`: of the base models' true losses on train, test and pool.

    The facts are `QUANTILES`, the Kolmogorov-Smirnov distance to the gamma distribution fitted to the same losses, and
    its p-value (`gamma_pairs.fit`). Samples without an annotated joint have no loss and are left out.
    """
    rows: list[list[Any]] = []
    for unit in _bases(results):
        for split in ("train", "test", "pool"):
            true = results.samples(unit, split)["true_loss"].double()
            losses = true[true > 0].numpy()
            fit = gamma_pairs.fit(losses)
            facts = {DISTANCE: fit.distance, P_VALUE: fit.p_value}
            quantiles = np.quantile(losses, QUANTILES)
            facts |= {quantile_name(at): float(value) for at, value in zip(QUANTILES, quantiles, strict=True)}
            rows += [[unit.seed, split, fact, value, len(losses)] for fact, value in facts.items()]
    return rows


def how_losses_rise(results: Results) -> list[list[Any]]:
    """Return rows by `TENTHS`: of each tenth of the pool by predicted loss, the lowest first, mean true loss and PCK.

    Sizes of the tenths differ by one at most; samples without a true loss are left out, and of PCK those without.
    """
    rows: list[list[Any]] = []
    for unit in _bases(results):
        columns = results.samples(unit, "pool")
        known = columns["true_loss"] > 0
        true, accuracy = columns["true_loss"][known].double(), columns["pck"][known].double()
        orders = {name.removeprefix(PREDICTED): v[known] for name, v in columns.items() if name.startswith(PREDICTED)}
        if "multipeak_entropy" in columns:
            orders["multipeak_entropy"] = columns["multipeak_entropy"][known]
        for name, by in (orders | {ORACLE: true}).items():
            for tenth, at in enumerate(_tenths(by), start=1):
                measured = accuracy[at][~accuracy[at].isnan()]
                rows.append([unit.seed, name, tenth, "true loss, mean", float(true[at].mean()), len(at)])
                if len(measured):
                    rows.append([unit.seed, name, tenth, "PCK, mean", float(measured.mean()), len(measured)])
    return rows


def _tenths(by: Tensor) -> Iterator[Tensor]:
    """Yield places of ten parts, as equal as can be, from the lowest to the highest; none that is empty."""
    parts = torch.sort(by, stable=True).indices.tensor_split(10)
    return (part for part in parts if len(part))


def _bases(results: Results) -> list[Unit]:
    return [unit for unit in results.records if unit.stage == 0]
