"""`RunsPlayer`: predicted against true loss of held-out samples, epoch by epoch of a recorded training run.

Beyond the paper, whose Fig. 3 shows what remains at the end. A record is plain data (see `run_record`), so this file
needs neither torch nor a training; correlations are recomputed in the browser from the very points that it draws.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import traitlets

from llpp_core.explorers import picture
from llpp_core.explorers.base import Explorer, Table
from llpp_core.explorers.run_record import EMPTY, checked, correlations
from llpp_core.explorers.traits import Bounded, Choice, Data, Numbers

KEYS = {"LL": "ll", "LL conv": "ll", "LL++": "pp", "LL++conv": "conv"}
"""The color of each method, by the name that a record gives it; others are gray."""

LOW_PCK = 0.5
"""Below it a model is wrong more often than right, and its correlations say little (`report.LOW`)."""


class RunsPlayer(Explorer):
    """A scatter plot a method, played over the epochs of a run; samples marked in one are marked in all.

    Args:
        record: the run, see `run_record`; `llpp_core.training.Recorder` makes one. Its methods are up to three.
        epoch: the one shown; where the record lacks it, the last recorded one before it. By default the record's last.
        marked: places in the record's "ids" of the samples marked.
        scale: "linear" or "log" axis of the true loss.

    Raises:
        traitlets.TraitError: the record is none, or a value is out of its range; the sentence says which.
        TypeError: an argument names no trait.
    """

    anchor = "runs"
    title = "The run, epoch by epoch"
    caption = (
        "<b>The run, epoch by epoch.</b> Predicted against true loss of held-out samples. Press play, drag over points "
        "to mark them in every panel, or step through a panel with the arrow keys and mark with the space bar. Only "
        "differences of predictions mean anything, so each panel has its mean taken off and a scale of its own."
    )
    parts = ("runs_numbers.js", "runs_panels.js", "runs_curves.js", "runs.js")
    styles = ("runs.css",)

    record = Data(EMPTY)
    epoch = Bounded(0, min=0, max=100_000, step=1)
    marked = Numbers([], min=0, max=100_000, step=1)
    scale = Choice("linear", values=("linear", "log"))

    def __init__(self, **state: Any) -> None:
        super().__init__(**state)
        if "epoch" not in state and self.record["epochs"]:
            self.epoch = self.record["epochs"][-1]

    @traitlets.validate("record")
    def _check_record(self, proposal: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return checked(proposal["value"])
        except ValueError as error:
            raise traitlets.TraitError(f"{type(self).__name__}.record: {error}") from None

    @classmethod
    def mathematics(cls) -> str:
        """Return constants alone: nothing of the paper is computed here."""
        return f"const METHOD_KEYS = {json.dumps(KEYS)};\nconst LOW_PCK = {LOW_PCK};"

    @property
    def _shown(self) -> int | None:
        """The place of the shown epoch among the recorded ones; None where there is none."""
        before = [place for place, epoch in enumerate(self.record["epochs"]) if epoch <= self.epoch]
        return (before[-1] if before else 0) if self.record["epochs"] else None

    def _at(self, place: int) -> dict[str, tuple[float, float]]:
        true = self.record["true_loss"][place]
        return {name: correlations(rows[place], true) for name, rows in self.record["methods"].items()}

    def description(self) -> str:
        """Return the correlations after the current epoch, with the accuracy beside which they mean something."""
        place = self._shown
        if place is None:
            return "Predicted against true loss over the epochs of a training run: no epoch is recorded yet."
        epochs, found = self.record["epochs"], self._at(place)
        listed = "; ".join(f"{name} {_number(p)} (Spearman {_number(s)})" for name, (p, s) in found.items())
        known = f" There the pose model's PCK@0.2 is {self.record['pck'][place]:.2f}." if self.record["pck"] else ""
        return (
            f"Predicted against true loss of {len(self.record['ids'])} held-out samples, {len(epochs)} recorded epochs "
            f"of a training run. After epoch {epochs[place]}, Pearson correlation of predicted with true loss: "
            f"{listed}.{known}"
        )

    def table(self) -> Table:
        """Return the correlations, and the accuracy, over some of the epochs, the current one among them."""
        methods, epochs = list(self.record["methods"]), self.record["epochs"]
        has_pck = bool(self.record["pck"])
        header = ["epoch", *(f"{m}, {kind}" for m in methods for kind in ("Pearson", "Spearman"))]
        spread = {round(n * (len(epochs) - 1) / 7) for n in range(8)} if epochs else set()
        rows = []
        for place in sorted(spread if self._shown is None else spread | {self._shown}):
            cells = [_number(value) for pair in self._at(place).values() for value in pair]
            rows.append([f"{epochs[place]:g}", *cells, *([f"{self.record['pck'][place]:.2f}"] if has_pck else [])])
        return Table([*header, *(["PCK@0.2"] if has_pck else [])], rows)

    def picture(self) -> str:
        """Return the scatter plots of the current epoch, and Spearman's correlation over all of them."""
        place = self._shown
        if place is None:
            return picture.drawing(640, 40, self.description(), '<text x="0" y="24">No epoch is recorded yet.</text>')
        drawn = []
        true = self.record["true_loss"][place]
        for name, rows in self.record["methods"].items():
            mean = sum(rows[place]) / len(rows[place])
            ys = [value - mean for value in rows[place]]
            high = _rounded_up(max(map(abs, ys)) or 1.0)
            axes = picture.Axes(
                (0, _rounded_up(max(true))), (-high, high), "", "true loss l", f"{name}: predicted loss l̂ − its mean"
            )
            for x, y in zip(true, ys, strict=True):
                axes.dot(x, y, _color(name), radius=2.5)
            drawn.append(axes)
        epochs = self.record["epochs"]
        curves = picture.Axes((min(epochs[0], 0), epochs[-1] or 1), (-1, 1), "", "epoch", "Spearman correlation")
        for name in self.record["methods"]:
            values = [_or_zero(self._at(n)[name][1]) for n in range(len(epochs))]
            curves.line(epochs, values, _color(name))
            curves.dot(epochs[place], values[place], _color(name))
            curves.text(epochs[-1], values[-1], name, _color(name), anchor="end")
        drawn.append(curves)
        inside = "".join(
            f'<g transform="translate(0 {n * picture.HEIGHT})">{axes.inside()}</g>' for n, axes in enumerate(drawn)
        )
        return picture.drawing(picture.WIDTH, picture.HEIGHT * len(drawn), self.description(), inside)


def _color(name: str) -> str:
    return picture.COLORS.get(KEYS.get(name, ""), "currentColor")


def _rounded_up(value: float) -> float:
    """Return an axis end that reads well: two significant digits, not below the value."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / step) * step


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _number(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.2f}".replace("-", "−")
