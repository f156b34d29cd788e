"""`Session`: one training at a time, in a thread of its own or in the caller's, that is paused, resumed and stopped.

It knows no widget. Pausing holds the thread between two steps, so a training that was paused ends with the very
weights of one that was not. What it keeps of a run is the record, and the data, for the next run on the same.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from llpp_core.data import PoseDataset
from llpp_core.explorers.run_record import EMPTY
from llpp_core.lab.choices import Choices
from llpp_core.training import Recorder, Stopped, train

State = Literal["idle", "preparing", "training", "paused", "done", "stopped", "failed"]
ACTIVE = ("preparing", "training", "paused")
TOLD_EVERY = 0.25
"""Seconds between two tidings of steps: a browser that hears of every step falls behind."""

_only_one = threading.Lock()  # in the whole kernel: two trainings would share one processor and one memory


class Session:
    """Trains what `Choices` say and tells of it.

    Args:
        told: called, in the thread that trains, whenever something has changed that a reader would see.

    Attributes:
        state: what it is doing.
        choices: of the training under way, or of the last one.
        record: of its epochs so far, for `explorers.RunsPlayer`.
        step: steps of the epoch under way that are done.
        error: one sentence, where the state is "failed".
    """

    def __init__(self, told: Callable[[], object] = lambda: None) -> None:
        self.told = told
        self.state: State = "idle"
        self.choices: Choices | None = None
        self.record: Any = EMPTY
        self.step = 0
        self.error = ""
        self._go, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._data: tuple[Choices, PoseDataset, PoseDataset] | None = None
        self._told_at = 0.0

    @property
    def active(self) -> bool:
        """Whether a training is under way, paused ones included."""
        return self.state in ACTIVE

    @property
    def pausing(self) -> bool:
        """Whether a pause was asked for."""
        return self.active and not self._go.is_set()

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self.active and self._stop.is_set()

    def start(self, choices: Choices) -> None:
        """Train in the background.

        Raises:
            RuntimeError: a training is under way, here or elsewhere in this kernel.
        """
        self._begin(choices)
        # A daemon: a kernel that is shut down does not wait for it.
        self._thread = threading.Thread(target=self._work, args=(choices,), name="llpp-lab", daemon=True)
        self._thread.start()

    def run(self, choices: Choices) -> None:
        """Train here and now; what fails is in ``error``, as it is in the background.

        Raises:
            RuntimeError: a training is under way, here or elsewhere in this kernel.
        """
        self._begin(choices)
        self._work(choices)

    def pause(self) -> None:
        """Hold the training after the step under way; nothing where none is."""
        if self.active and not self.stopping:
            self._go.clear()
            self.told()

    def resume(self) -> None:
        """Let a training that was paused go on."""
        self._go.set()
        self.told()

    def stop(self) -> None:
        """End the training after the step under way, also one that is paused; its record stays."""
        if self.active:
            self._stop.set()
            self._go.set()
            self.told()

    def wait(self, seconds: float | int | None = None) -> bool:
        """Wait for the background's end, at most so long; return whether it has come."""
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _begin(self, choices: Choices) -> None:
        if not _only_one.acquire(blocking=False):
            raise RuntimeError("a training is under way in this kernel; stop it first")
        self._stop.clear()
        self._go.set()
        self.choices, self.record, self.step, self.error = choices, EMPTY, 0, ""
        self.state = "preparing"

    def _work(self, choices: Choices) -> None:
        end: State = "done"
        try:
            self.told()
            self._train(choices)
        except (Stopped, KeyboardInterrupt):
            end = "stopped"
        except Exception as error:  # whatever it is, the reader is told, and the next training can start
            end, self.error = "failed", _sentence(error)
        finally:
            self.state = end
            _only_one.release()
        self.told()

    def _train(self, choices: Choices) -> None:
        if self._data is None or not choices.same_data(self._data[0]):
            self._data = None  # before the next ones are there: never two at once in memory
            self._data = (choices, *choices.load())
        _, train_data, held_out = self._data
        if self._stop.is_set():
            raise Stopped
        model, heads = choices.build(len(held_out.joint_names))
        recorder = Recorder(model, heads, held_out, device=choices.device)

        def after_step() -> bool:
            recorder.after_step()
            self.step += 1
            self._hold()
            if time.monotonic() - self._told_at >= TOLD_EVERY:
                self._told_at = time.monotonic()
                self.told()
            return self._stop.is_set()

        def after_epoch(epoch: int) -> None:
            recorder(epoch)
            self.record, self.step = recorder.record, 0
            self.told()

        self.state = "training"
        self.told()
        train(model, heads, train_data, choices.training, stop=after_step, each_epoch=after_epoch, progress=False)

    def _hold(self) -> None:
        if not self._go.is_set():
            self.state = "paused"
            self.told()
            self._go.wait()
            self.state = "training"
            self.told()


def _sentence(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
