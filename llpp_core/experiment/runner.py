"""Runs an experiment unit by unit: resumed wherever it was stopped, by several processes at once if they are started.

A run's folder holds ``experiment.json``, a log, and a folder for each unit (`units`), which is a record (`store`): CSV
tables, weights, and a manifest with the hash of each, the versions and the minutes. A unit under way keeps a checkpoint
there. A process claims a unit before it looks at it closely; a claim ends with its process, however that ends.
"""

import json
import platform
import sys
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

import llpp_core
from llpp_core import store
from llpp_core.experiment import splits as data_of
from llpp_core.experiment.config import Experiment
from llpp_core.experiment.identity import DESCRIPTION, asked, identity, stranger
from llpp_core.experiment.splits import Splits
from llpp_core.experiment.stage import Stage, perform
from llpp_core.experiment.tables import write_table
from llpp_core.experiment.trained import WEIGHTS, save_trained
from llpp_core.experiment.units import Unit, units, wanted
from llpp_core.training import BadCheckpointError, Stopped

LOG, CHECKPOINT = "log.txt", "checkpoint.pt"
CHECKPOINT_SECONDS = 20.0
"""Least time between two checkpoints: what a killed process loses at most, and a step."""
LOOK_AGAIN = 1.0
"""Seconds after which a process that has nothing to do looks whether another one has finished."""


@dataclass(frozen=True)
class Outcome:
    """How far a run is.

    Attributes:
        folder: of the run.
        done: names of the units that are complete.
        left: names of those that are not.
        notices: what was found damaged or foreign, and where it lies now.
    """

    folder: Path
    done: tuple[str, ...]
    left: tuple[str, ...]
    notices: tuple[str, ...]


def run(
    experiment: Experiment,
    runs: str | Path,
    *,
    data: str = "auto",
    device: str = "auto",
    seconds: float | int | None = None,
    seeds: Collection[int] | None = None,
    methods: Collection[str] | None = None,
    stages: int | None = None,
    keep_weights: bool = True,
    stop: Callable[[], bool] = lambda: False,
    each_unit: Callable[[Unit], object] = lambda unit: None,
    progress: bool = True,
) -> Outcome:
    """Do what is left of an experiment.

    The results do not depend on how often the run was stopped or killed, nor, on one kind of machine, on how many
    processes shared it. On a CPU they are the same to the last bit for the same number of threads.

    Args:
        experiment: what to run.
        runs: the folder in which runs have their folders.
        data: as in `planned_splits`.
        device: a torch device, or "auto".
        seconds: when to stop; never where None. A step of training or scoring that is under way is finished, and so is
            the reading of images.
        seeds: which repetitions; all where None.
        methods: which methods' stages; all where None. The base models, which every method stands on, come with them.
        stages: the last stage to do, ≥ 0: 0 for the base models alone; all where None.
        keep_weights: whether units keep their models.
        stop: asked after every step; once it says True, the work stops as when the time is over.
        each_unit: called with every unit, once it is complete; not with those that were before the call.
        progress: show progress bars, and say what is done.

    Returns:
        How far the run is; something is left only where it was stopped, or another process is at work on it.

    Raises:
        ValueError: unknown seeds or methods, ``stages`` below 0, data that is not there or not what the run began
            with, or whatever training and the strategies refuse.
        OSError: the disk is full, say; nothing that was complete is touched.
        KeyboardInterrupt: after Ctrl-C, with a checkpoint written.
    """
    for name, only, known in (("seed", seeds, experiment.seeds), ("method", methods, tuple(experiment.methods))):
        if unknown := [one for one in only or () if one not in known]:
            raise ValueError(f"the experiment has no {name} {unknown[0]!r}; it has {', '.join(map(str, known))}")
    if stages is not None and stages < 0:
        raise ValueError(f"wanted a last stage of at least 0, got {stages}")
    asked_for = wanted(experiment, seeds=seeds, methods=methods, stages=stages)
    deadline = None if seconds is None else time.monotonic() + seconds
    work = _Work(
        experiment=experiment,
        folder=Path(runs) / experiment.folder_name,
        data=data,
        device=data_of.device(device),
        keep_weights=keep_weights,
        stop=lambda: stop() or (deadline is not None and time.monotonic() >= deadline),
        progress=progress,
    )
    work.open()
    for unit in asked_for:  # what is complete is known before any work begins, however little time there is
        work.look(unit)
    while left := [unit for unit in asked_for if unit not in work.complete]:
        if work.stop():
            break
        idle = True
        for unit in left:
            if (unit.before is None or unit.before in work.complete) and not work.stop():
                idle &= not work.advance(unit)
                if unit in work.complete:
                    each_unit(unit)
        if idle and not work.stop():
            time.sleep(LOOK_AGAIN)  # others are at work
    return Outcome(
        work.folder,
        tuple(unit.name for unit in asked_for if unit in work.complete),
        tuple(unit.name for unit in left),
        tuple(work.notices),
    )


@dataclass
class _Work:
    """One process's share of a run."""

    experiment: Experiment
    folder: Path
    data: str
    device: str
    keep_weights: bool
    stop: Callable[[], bool]
    progress: bool
    complete: dict[Unit, store.Record] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    loaded: tuple[int, Splits, str] | None = None

    def open(self) -> None:
        """Make the run's folder, or see whether it is that of this experiment."""
        place = self.folder / DESCRIPTION
        wanted = json.dumps(self.experiment.plain(), indent=1, ensure_ascii=False) + "\n"
        while not place.is_file() or place.read_bytes() != wanted.encode():
            with store.claimed(self.folder / "experiment.lock") as mine:
                if not mine:
                    time.sleep(0.05)  # another process writes it
                    continue
                store.clear_parts(self.folder)
                if place.exists():
                    self._set_aside(place, f"{place} is not this experiment's description")
                with store.written_whole(place) as part:
                    part.write_text(wanted, encoding="utf-8")

    def look(self, unit: Unit) -> None:
        """See whether a unit is complete, where it can be and no other process is at it."""
        if unit.before is None or unit.before in self.complete:
            with self._claimed(unit) as mine:
                if mine and (record := self._record(unit)) is not None:
                    self.complete[unit] = record

    def advance(self, unit: Unit) -> bool:
        """Do a unit, unless it is complete by now; False where another process is at it."""
        with self._claimed(unit) as mine:
            if not mine:
                return False
            record = self._record(unit)
            if record is None:
                try:
                    record = self._do(unit)
                except Stopped:
                    self._say(f"{unit.name}: stopped; the next run goes on there")
                    return True
            self.complete[unit] = record
            return True

    def _claimed(self, unit: Unit) -> AbstractContextManager[bool]:
        place = self.folder / unit.name
        return store.claimed(place.with_name(f"{place.name}.lock"))

    def _record(self, unit: Unit) -> store.Record | None:
        """Return a complete unit; what is damaged or foreign is set aside."""
        place = self.folder / unit.name
        store.clear_parts(place)
        try:
            record = store.read_record(place)
            if record is None:
                return None
            if why := stranger(record, identity(self.experiment, unit, self.complete)):
                raise store.DamagedError(why)
        except store.DamagedError as error:
            self._set_aside(place, str(error))
            return None
        (place / CHECKPOINT).unlink(missing_ok=True)  # of a process that was killed after its last write
        for file in place.iterdir():
            if file.name not in {*record.files, store.MANIFEST}:
                self._set_aside(file, f"{file} is no file of this run")
        return record

    def _do(self, unit: Unit) -> store.Record:
        splits, fingerprint = self._splits(unit.seed)
        self._check_data(unit.seed, fingerprint)
        place = self.folder / unit.name
        place.mkdir(parents=True, exist_ok=True)
        for entry in place.iterdir():
            if entry.is_dir():  # no file could take its place
                self._set_aside(entry, f"{entry} is no file of this run")
        checkpoint = place / CHECKPOINT
        resumed = checkpoint.exists()
        self._say(f"{unit.name}: {'going on' if resumed else 'begun'}")
        try:
            stage = self._perform(unit, splits, checkpoint)
        except BadCheckpointError as error:
            self._set_aside(checkpoint, str(error))
            resumed = False
            stage = self._perform(unit, splits, checkpoint)
        names = []
        for name, (columns, rows) in stage.tables.items():
            write_table(place / f"{name}.csv", columns, rows)
            names.append(f"{name}.csv")
        if self.keep_weights:
            save_trained(place / WEIGHTS, stage.trained)
            names.append(WEIGHTS)
        else:
            (place / WEIGHTS).unlink(missing_ok=True)  # of a process that kept them, and was killed
        about = {
            **identity(self.experiment, unit, self.complete),
            "data": fingerprint,
            "parts": {name: [part.name, len(part)] for name, part in vars(splits).items()},
            "minutes": {name: round(value, 3) for name, value in stage.minutes.items()},
            "resumed": resumed,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            **_surroundings(self.device),
        }
        record = store.seal(place, names, about)
        checkpoint.unlink(missing_ok=True)
        self._say(f"{unit.name}: done in {sum(stage.minutes.values()):.1f} minutes")
        return record

    def _splits(self, seed: int) -> tuple[Splits, str]:
        """Return the data of a seed, which are kept for as long as they are the same, and their fingerprint."""
        key = self._data_key(seed)
        if self.loaded is None or self.loaded[0] != key:
            splits = data_of.planned_splits(self.experiment.data, seed, data=self.data, progress=self.progress)
            if self.experiment.stages * self.experiment.budget > len(splits.pool):
                asked = f"{self.experiment.stages} stages of {self.experiment.budget}"
                raise ValueError(f"{asked} ask for more than the {len(splits.pool)} samples of {splits.pool.name}")
            self.loaded = (key, splits, _fingerprint(splits))
        return self.loaded[1], self.loaded[2]

    def _perform(self, unit: Unit, splits: Splits, checkpoint: Path) -> Stage:
        return perform(
            self.experiment, unit, splits, asked(unit, self.complete), device=self.device, checkpoint=checkpoint,
            checkpoint_seconds=CHECKPOINT_SECONDS, stop=self.stop, progress=self.progress,
        )  # fmt: skip

    def _check_data(self, seed: int, fingerprint: str) -> None:
        """Refuse data that is not what the units of this seed, of all seeds where they share it, were made on."""
        for unit in units(self.experiment):
            if self._data_key(unit.seed) == self._data_key(seed):
                manifest = self.folder / unit.name / store.MANIFEST
                try:
                    before = json.loads(manifest.read_bytes())["about"]["data"]
                except (OSError, ValueError, KeyError, TypeError):
                    continue  # not there, or damaged: found out when its turn comes
                if before != fingerprint:
                    raise ValueError(
                        f"{self.folder} was begun on other data: {unit.name} was made on images or annotations that "
                        "are not those of now; give back the old ones, or name another folder of runs"
                    )

    def _data_key(self, seed: int) -> int:
        """Return what tells seeds apart that have other data; all share LSP and LSPET."""
        return 0 if self.experiment.data.kind == "lsp_lspet" else seed

    def _set_aside(self, path: Path, why: str) -> None:
        self._say(f"{why}; it lies in {store.set_aside(path, self.folder)} now")
        self.notices.append(why)

    def _say(self, text: str) -> None:
        """Note what happens in the log, line by line, and show it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}\n")
        if self.progress:
            tqdm.write(text, file=sys.stderr)


def _fingerprint(splits: Splits) -> str:
    parts = []
    for part in vars(splits).values():
        lengths = () if part.head_length is None else (part.head_length,)
        tensors = (part.images, part.joints, part.annotated, *lengths)
        blocks = (block.numpy().tobytes() for tensor in tensors for block in tensor.split(64))
        parts.append(store.fingerprint(chain(part.ids, blocks)))
    return store.fingerprint(parts)


def _surroundings(device: str) -> dict[str, Any]:
    gpu = device.startswith("cuda")
    libraries = ("torch", "numpy", "scipy")
    return {
        "device": torch.cuda.get_device_name(device)
        if gpu
        else f"CPU, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() != 1)}",
        "versions": {
            "llpp_core": llpp_core.__version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in libraries},
        },
    }
