"""One loop that trains a task model and, beside it, any number of loss predictors.

Every predictor sees the same features, true losses and batches, at one backbone pass: a paired comparison. By default
the features are detached, so no predictor has any influence on the task model.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from torch import nn
from tqdm import tqdm

from llpp_core.data.pose import PoseDataset
from llpp_core.heads import Head
from llpp_core.training import parallel
from llpp_core.training.config import TrainingConfig
from llpp_core.training.results import History, Stopped
from llpp_core.training.run import Run


def train(
    model: nn.Module,
    heads: Mapping[str, Head],
    data: PoseDataset,
    config: TrainingConfig,
    *,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float | int = 0.0,
    stop: Callable[[], bool] = lambda: False,
    each_epoch: Callable[[int], object] = lambda epoch: None,
    progress: bool = True,
) -> History:
    """Train the task model, and the predictors on its features, batch by batch.

    The models are changed in place and left on ``config.device``. With a ``checkpoint`` an interrupted run goes on
    where it was and ends, on a CPU, with the weights that an uninterrupted one ends with: the file is written after
    every epoch, and when Ctrl-C (SIGINT) arrives or ``stop`` says so, after the step that is under way. Of several
    processes the first one writes the file and all of them read it; they end as uninterrupted ones do when it was
    written after an epoch.

    Args:
        model: a task model whose ``forward`` returns a `models.TaskOutput` of heatmaps at a quarter of the crop's size.
        heads: loss predictors by name.
        data: at least one batch of training crops, besides those held out for validation.
        config: schedule, seed and device.
        checkpoint: file to write and to go on from where it exists.
        checkpoint_seconds: least time between two checkpoints after epochs, ≥ 0; the last epoch is always followed by
            one. On a GPU an epoch may take less time than the writing.
        stop: asked after every step; once it says True the checkpoint is written and `Stopped` is raised.
        each_epoch: called after every epoch with how many are done, once its checkpoint is written; it may look at the
            models (`Recorder` does) and draws from no random stream of the training. Where weights are averaged it
            sees those under way, not their average. Nobody calls it again for epochs that a checkpoint holds.
        progress: show a progress bar.

    Raises:
        ValueError: fewer samples than a batch, a batch that cannot be shared by the processes, a checkpoint that cannot
            be read or is of another run (`BadCheckpointError`), a head that reads a feature the model has not, heatmaps
            of another shape than the data's, or a loss that is not finite (with the ids of the batch's samples).
        RuntimeError: another process of the same data-parallel training ended or hung.
        KeyboardInterrupt: after Ctrl-C, once the checkpoint is written.
        Stopped: after ``stop`` said so, once the checkpoint is written.
    """
    run = Run(model, heads, data, config)
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.exists():
        run.load(path)
    first = parallel.rank() == 0
    saved = time.monotonic()
    total, done = run.steps * config.batch_size, run.step * config.batch_size
    with (
        _asked_to_stop() as asked,
        tqdm(total=total, initial=done, desc="training", unit="image", disable=not (progress and first)) as bar,
    ):
        while run.epoch < config.epochs:
            for _ in run.steps_of_epoch():
                bar.update(config.batch_size)
                interrupted = asked.is_set()
                if interrupted or stop():
                    if path is not None and first:
                        run.save(path)
                    raise KeyboardInterrupt if interrupted else Stopped
            bar.set_postfix(run.end_epoch())
            due = run.epoch == config.epochs or time.monotonic() - saved >= checkpoint_seconds
            if path is not None and first and (due or asked.is_set()):
                run.save(path)
                saved = time.monotonic()
            each_epoch(run.epoch)
            if asked.is_set():  # during validation, say
                raise KeyboardInterrupt
            parallel.wait(run.step)
    run.finish()
    return run.history


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Give an event that the first Ctrl-C sets, so that no step is cut in two; a second one interrupts at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # Python delivers signals there alone
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
