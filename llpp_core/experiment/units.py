"""The pieces that an experiment is done in: small enough to be repeated, each in a folder of its own.

A unit trains one model and lets it say what to label next. The base unit of a seed serves all methods; the unit of a
method's stage k stands on those of all its earlier stages.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from llpp_core.experiment.config import Experiment

BASE = "base"


@dataclass(frozen=True)
class Unit:
    """One model to train, to test and to choose with.

    Attributes:
        seed: of the repetition.
        stage: 0 for the base model; k for the model trained on the labels that were asked for k times.
        method: who asked for them; None for the base model.
    """

    seed: int
    stage: int = 0
    method: str | None = None

    @property
    def name(self) -> str:
        """Its folder within that of the run."""
        return f"seed{self.seed}/{BASE}" if self.method is None else f"seed{self.seed}/{self.method}/stage{self.stage}"

    @property
    def before(self) -> "Unit | None":
        """The unit whose choice this one trains on; None for the base model."""
        if self.method is None:
            return None
        return Unit(self.seed) if self.stage == 1 else Unit(self.seed, self.stage - 1, self.method)


def units(experiment: Experiment) -> Iterator[Unit]:
    """Yield all units of an experiment, the most telling first and none before those that it stands on.

    The base models of all seeds come first: they alone give the correlations and the first choice of every method. Then
    seed after seed and stage after stage, so that the methods can be compared wherever the work is stopped.
    """
    for seed in experiment.seeds:
        yield Unit(seed)
    for seed in experiment.seeds:
        for stage in range(1, experiment.stages + 1):
            for method in experiment.methods:
                yield Unit(seed, stage, method)


def wanted(
    experiment: Experiment,
    *,
    seeds: Collection[int] | None = None,
    methods: Collection[str] | None = None,
    stages: int | None = None,
) -> list[Unit]:
    """Return the units of some seeds and methods up to a stage, all where None; base models are of every method."""
    return [
        unit
        for unit in units(experiment)
        if (seeds is None or unit.seed in seeds)
        and (unit.method is None or methods is None or unit.method in methods)
        and (stages is None or unit.stage <= stages)
    ]


def choosers(experiment: Experiment, unit: Unit) -> list[str]:
    """Return the methods that choose with this unit's model: all with the base model, none after the last stage."""
    if unit.method is None:
        return list(experiment.methods)
    return [unit.method] if unit.stage < experiment.stages else []
