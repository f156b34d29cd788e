"""The whole reproduction, step by step in order of value, for a machine that is lent for minutes and may vanish.

A step is a part of an experiment: some of its seeds, methods and stages. Every step is resumed where it was stopped, so
the plan is too. Every unit is recorded once it is complete, and what is recorded is not done again, so that a machine
which begins with nothing but the record goes on from there.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from llpp_core import store
from llpp_core.experiment.config import Experiment, load_experiment
from llpp_core.experiment.following import follow
from llpp_core.experiment.identity import DESCRIPTION
from llpp_core.experiment.recorded import Recorded
from llpp_core.experiment.recording import FOLLOWED, record, record_followed, recorded_of, restore
from llpp_core.experiment.results import Results
from llpp_core.experiment.runner import run
from llpp_core.experiment.splits import device as available
from llpp_core.experiment.units import Unit, wanted
from llpp_core.training import Stopped

EPOCHS = (1, 2, 4, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100, 120, 140)
"""After which epochs a training that is followed is measured, and at its end."""


@dataclass(frozen=True)
class Step:
    """A part of the plan.

    Attributes:
        what: in words.
        experiment: name of a configuration of the package.
        seeds: which repetitions; all where None.
        methods: which methods; all where None.
        stages: the last stage; all where None.
        followed: whether the base model of the first seed is followed along its training instead.
    """

    what: str
    experiment: str
    seeds: tuple[int, ...] | None = None
    methods: tuple[str, ...] | None = None
    stages: int | None = None
    followed: bool = False

    def units(self, experiment: Experiment) -> list[Unit]:
        """Return its units of the experiment; none where a training is followed."""
        if self.followed:
            return []
        return wanted(experiment, seeds=self.seeds, methods=self.methods, stages=self.stages)


FULL = (
    Step("Figure 5 and the first column of Table 3a: the base models of five seeds", "lsp_lspet", stages=0),
    Step("the correlations along one training", "lsp_lspet", followed=True),
    Step("five stages, one seed: the paper's methods", "lsp_lspet", (0,), ("random", "LL", "LL++conv")),
    Step("ablations: pairs, margin, temperature, objective, features", "lsp_lspet_ablations", stages=0),
    Step("ablation: joint training", "lsp_lspet_joint", stages=0),
    Step("five stages, one seed: the others", "lsp_lspet", (0,), ("core_set", "LL++", "LL++pred-n")),
    Step(
        "five stages, more seeds", "lsp_lspet", (1, 2, 3, 4),
        ("random", "LL", "LL++conv", "core_set", "LL++", "LL++pred-n"),
    ),
    Step("everything else", "lsp_lspet"),
)  # fmt: skip
"""At the paper's size; for a GPU."""
REDUCED = (
    Step("the base models of five seeds, 128 pixels", "lsp_lspet_reduced", stages=0),
    Step("the correlations along one training", "lsp_lspet_reduced", followed=True),
    Step("predictors that read the heatmaps too", "lsp_lspet_reduced_prediction", stages=0),
    Step("ablations at reduced size", "lsp_lspet_reduced_ablations", stages=0),
    Step("ablation at reduced size: joint training, weight 1", "lsp_lspet_reduced_joint", stages=0),
    Step("ablation at reduced size: joint training, weight 0.001", "lsp_lspet_reduced_joint_light", stages=0),
)
"""At reduced size; some hours on one core."""


def reproduce(
    steps: Iterable[Step],
    runs: str | Path,
    into: str | Path,
    *,
    commit: str,
    data: str = "auto",
    device: str = "auto",
    seconds: float | int | None = None,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], object] = lambda text: None,
    progress: bool = True,
) -> list[Step]:
    """Do what is neither recorded nor done of a plan, and record it.

    Args:
        steps: the plan.
        runs: folder of the runs, as in `run`; it may be empty, whatever is recorded.
        into: folder of the recorded runs; each has a folder of its experiment's name there.
        commit: of the code, for the record of what is done now.
        data: as in `planned_splits`.
        device: a torch device, or "auto".
        seconds: when to stop; never where None.
        stop: asked after every step of training; once it says True, the work stops as when the time is over.
        say: called with a sentence when a step begins and when it ends.
        progress: show progress bars.

    Returns:
        The steps that are left, the one under way first; none once the plan is done.

    Raises:
        ValueError: as `run`, `follow` and `record` do.
    """
    left = list(steps)
    deadline = None if seconds is None else time.monotonic() + seconds

    def over() -> bool:
        return stop() or (deadline is not None and time.monotonic() >= deadline)

    while left and not over():
        step, experiment = left[0], load_experiment(left[0].experiment)
        folder, place = Path(runs) / experiment.folder_name, Path(into) / step.experiment
        along = folder / f"seed{experiment.seeds[0]}" / "along"
        say(f"{step.what}: begun")
        before = recorded_of(experiment, place)
        if before is not None and (restored := restore(before, runs)):
            say(f"{step.what}: {len(restored)} units were recorded before")
        keep = partial(_keep, experiment, folder, place, along / FOLLOWED, commit, data)
        if step.followed:
            whole = (before is not None and is_followed(before)) or _follow(
                experiment, along, data=data, device=available(device), stop=over, progress=progress
            )
        else:
            seeds = _seeds_left(step, experiment, before)
            whole = not seeds or not run(
                experiment, runs, data=data, device=device, seeds=seeds, methods=step.methods, stages=step.stages,
                keep_weights=False, stop=over, each_unit=keep, progress=progress,
            ).left  # fmt: skip
        keep()
        if not whole:
            break
        say(f"{step.what}: done")
        left.pop(0)
    return left


def _keep(
    experiment: Experiment, folder: Path, place: Path, followed: Path, commit: str, data: str, unit: Unit | None = None
) -> None:
    """Record what is complete of a run, if anything is: when a unit is, and at the end of a step.

    Of several processes on one folder one records at a time; the others wait.
    """
    while True:
        with store.claimed(folder / "record.lock") as mine:
            if mine:
                if (folder / DESCRIPTION).is_file() and Results.read(folder).records:
                    record(folder, place, commit=commit, data=data)
                if followed.is_file():
                    record_followed(experiment, followed, place)
                return
        time.sleep(0.2)


def _seeds_left(step: Step, experiment: Experiment, before: Recorded | None) -> list[int]:
    """Return the seeds that a step is still to be done for.

    A base model that nothing of the step stands on is done where its numbers are recorded, though what was chosen with
    it may not be.
    """
    seeds = list(experiment.seeds if step.seeds is None else step.seeds)
    if before is None or step.stages != 0:
        return seeds
    return [seed for seed in seeds if Unit(seed) not in before.known]


def is_followed(recorded: Recorded) -> bool:
    """Whether the training of the first seed is recorded to its end."""
    last = (recorded.experiment.seeds[0], recorded.experiment.training.epochs)
    return last in {(int(row["seed"]), int(row["epoch"])) for row in recorded.cells(FOLLOWED)}


def _follow(
    experiment: Experiment, folder: Path, *, data: str, device: str, stop: Callable[[], bool], progress: bool
) -> bool:
    """Follow the first seed's base model to its end; False where the time was over before."""
    last = experiment.training.epochs
    try:
        follow(
            experiment, folder, seed=experiment.seeds[0], epochs={*(e for e in EPOCHS if e < last), last},
            pool=2_000, data=data, device=device, stop=stop, progress=progress,
        )  # fmt: skip
    except Stopped:
        return False
    return True
