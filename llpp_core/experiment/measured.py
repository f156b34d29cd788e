"""The numbers of an experiment, one a row, and how to ask for some of them: of a run's folder or of a recorded run."""

from collections.abc import Mapping
from typing import Any

from llpp_core.experiment.config import Experiment

BySeed = Mapping[int, float]
COLUMNS = ["seed", "stage", "method", "split", "of", "metric", "value", "n"]
"""What a row says: whose unit, and the columns of `measures`."""


class Measured:
    """What came of an experiment.

    Attributes:
        experiment: what was run.
        choices: how many times at most labels were asked for.
    """

    experiment: Experiment
    choices: int

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """All numbers, one a row: seed, stage, method, split, of, metric, value and n."""
        raise NotImplementedError

    def values(self, metric: str, *, split: str, of: str = "", stage: int = 0, method: str = "") -> dict[int, float]:
        """Return one number by seed.

        Args:
            metric: as in `measures`.
            split: "train", "test", "pool" or "selected".
            of: a predictor, a method, or "" for the task model.
            stage: 0 for the base models.
            method: whose stage; "" for the base models.
        """
        wanted = {"metric": metric, "split": split, "of": of, "stage": stage, "method": method}
        return {row["seed"]: row["value"] for row in self.metrics if all(row[k] == v for k, v in wanted.items())}

    def chosen(self, metric: str, method: str, choice: int) -> dict[int, float]:
        """Return, by seed, a number about a method's choice: Table 3a of the paper.

        Args:
            metric: as in `measures.of_choice`.
            method: who chose.
            choice: 1 for the first, which the base model made.
        """
        by = "" if choice == 1 else method
        return self.values(metric, split="selected", of=method, stage=choice - 1, method=by)

    def tested(self, metric: str, method: str, stage: int) -> dict[int, float]:
        """Return, by seed, a number about a method's model on the test split: Table 3b; stage 0 is the base model."""
        return self.values(metric, split="test", stage=stage, method=method if stage else "")

    @property
    def accuracy_name(self) -> str:
        """What the accuracy is called on this data."""
        return "PCKh@0.5" if self.experiment.data.kind == "mpii" else "PCK@0.2"


def less(own: BySeed, other: BySeed) -> dict[int, float]:
    """Return one number less another, for the seeds that have both."""
    return {seed: own[seed] - other[seed] for seed in own if seed in other}
