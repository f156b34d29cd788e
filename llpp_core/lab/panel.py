"""`Lab`: the controls of a training and what becomes of it, as an ipywidget.

In JupyterLab it is live: controls, a line that says what is going on, and a `RunsPlayer` whose record grows as epochs
end. On a page without a kernel it is what it had recorded when the page was made, and says so.
"""

import html
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import ipywidgets

from llpp_core.experiment import data_folder
from llpp_core.explorers import RunsPlayer
from llpp_core.lab.choices import MOST_EPOCHS, MOST_MARGIN, NO_LSP, OBJECTIVES, PAIRS, PREDICTORS, SOURCES, Choices
from llpp_core.lab.session import Session

_WIDE = {"description_width": "7em"}


class Lab(ipywidgets.VBox):
    """Trains what a reader chooses, in the background, and shows it as it comes.

    Args:
        choices: what the controls start with; what no control changes (samples, seed, device, data) stays.

    Attributes:
        controls: the widgets of the choices, by name.
        buttons: "start", "pause" (which also resumes) and "stop".
        status: a label with one sentence.
        player: the run.
        session: the training itself.

    Raises:
        ValueError: LSP is chosen and not there, or the folder that the choices name is not whole.
    """

    def __init__(self, choices: Choices | None = None) -> None:
        self._basis = choices or Choices()
        has_lsp = data_folder(self._basis.data) is not None
        if self._basis.source == "lsp" and not has_lsp:
            raise ValueError(NO_LSP)
        sources = {key: text for key, text in SOURCES.items() if key != "lsp" or has_lsp}
        self.controls: Mapping[str, Any] = {
            "source": _dropdown("data", sources, self._basis.source),
            "objectives": ipywidgets.SelectMultiple(
                description="objectives", options=_options(OBJECTIVES), value=self._basis.objectives, rows=4,
                style=_WIDE, tooltip="one to three, trained beside each other on the same features",
            ),
            "predictor": _dropdown("predictor", PREDICTORS, self._basis.predictor),
            "pairs": _dropdown("pairs", PAIRS, self._basis.pairs),
            "margin": ipywidgets.FloatSlider(
                description="margin ξ", value=self._basis.margin, min=0, max=MOST_MARGIN, step=0.1, style=_WIDE
            ),
            "epochs": ipywidgets.IntSlider(
                description="epochs", value=self._basis.epochs, min=1, max=MOST_EPOCHS, style=_WIDE
            ),
        }  # fmt: skip
        self.buttons = {name: ipywidgets.Button(description=name) for name in ("start", "pause", "stop")}
        for name, press in (("start", self.start), ("pause", self.pause_or_resume), ("stop", self.stop)):
            self.buttons[name].on_click(lambda _, press=press: press())
        self.status = ipywidgets.Label("Nothing is trained yet.")
        self.bar = ipywidgets.IntProgress(value=0, max=1)
        self.player = RunsPlayer()
        self.session = Session(self._show)
        columns = ipywidgets.Layout(flex_flow="row wrap")
        super().__init__([
            ipywidgets.Box(list(self.controls.values()), layout=columns),
            ipywidgets.Box([*self.buttons.values(), self.bar], layout=columns),
            self.status,
            self.player,
        ])  # fmt: skip
        self._show()

    @property
    def choices(self) -> Choices:
        """What would be trained now; a bad value that the controls hold is a ValueError."""
        return replace(self._basis, **{name: control.value for name, control in self.controls.items()})

    def choose(self, **values: Any) -> None:
        """Set controls by name, as a reader does by hand.

        Raises:
            ValueError: a training is under way, no control has the name, or its value is bad; nothing is set.
        """
        if self.session.active:
            raise ValueError("the choices are held while a training is under way; stop it first")
        if unknown := [name for name in values if name not in self.controls]:
            raise ValueError(f"the lab has no control {unknown[0]!r}; it has {', '.join(self.controls)}")
        wanted = replace(self._basis, **{**{n: c.value for n, c in self.controls.items()}, **values})
        if wanted.source not in dict(self.controls["source"].options).values():
            raise ValueError(NO_LSP)
        for name in values:
            self.controls[name].value = getattr(wanted, name)

    def start(self) -> None:
        """Train what is chosen, in the background; the status says why where that cannot be."""
        try:
            self._begin(self.session.start)
        except (ValueError, RuntimeError) as error:
            self.status.value = _capital(str(error))

    def run(self) -> None:
        """Train what is chosen here and now: what a page without a kernel will show.

        Raises:
            ValueError: the controls hold a bad value.
            RuntimeError: a training is under way, or this one failed; the sentence says why.
        """
        self._begin(self.session.run)
        if self.session.state == "failed":
            raise RuntimeError(self.session.error)

    def pause_or_resume(self) -> None:
        """Hold the training after the step under way, or let it go on."""
        (self.session.resume if self.session.pausing else self.session.pause)()

    def stop(self) -> None:
        """End the training after the step under way; what was recorded stays."""
        self.session.stop()

    def _begin(self, begin: Callable[[Choices], None]) -> None:
        choices, before = self.choices, self.session.choices
        begin(choices)
        if not choices.same_data(before):
            self.player.marked = []  # they were marks of other samples

    def _show(self) -> None:
        session = self.session
        self._show_record(session.record)
        for control in self.controls.values():
            control.disabled = session.active
        self.buttons["start"].disabled = session.active
        self.buttons["stop"].disabled = not session.active or session.stopping
        self.buttons["pause"].disabled = not session.active or session.stopping
        self.buttons["pause"].description = "resume" if session.pausing else "pause"
        if session.choices is not None:
            self.bar.max = session.choices.epochs * session.choices.steps
            self.bar.value = self._epoch * session.choices.steps + session.step
        self.status.value = self._sentence()

    def _show_record(self, record: Any) -> None:
        known = self.player.record["epochs"]
        if record["epochs"] == known:
            return
        follows = not known or self.player.epoch >= known[-1]  # unless the reader has gone back to an earlier epoch
        with self.player.hold_sync():
            self.player.record = record
            if follows and record["epochs"]:
                self.player.epoch = record["epochs"][-1]

    @property
    def _epoch(self) -> int:
        epochs = self.session.record["epochs"]
        return epochs[-1] if epochs else 0

    def _sentence(self) -> str:
        session = self.session
        if session.choices is None:
            return "Nothing is trained yet."
        of = f"epoch {min(self._epoch + 1, session.choices.epochs)} of {session.choices.epochs}"
        done = f"{self._epoch} of {session.choices.epochs} epochs"
        return {
            "idle": "Nothing is trained yet.",
            "preparing": "The data is made ready.",
            "training": f"Training, {of}, step {session.step} of {session.choices.steps}.",
            "paused": f"Paused in {of}, after step {session.step} of {session.choices.steps}.",
            "done": f"Trained {done}.",
            "stopped": f"Stopped after {done}.",
            "failed": f"The training failed: {session.error}",
        }[session.state] + (" It stops after this step." if session.stopping else "")

    def static_html(self) -> str:
        """Return what a page without a kernel shows: the recorded run, and that it is one."""
        choices = self.session.choices
        what = (
            "no run was recorded when this page was made"
            if choices is None
            else f"a recorded run: {choices.described()}"
        )
        note = html.escape(f"The lab's controls need a kernel, which this page has not. What you see is {what}.")
        return (
            f'<p class="llpp-recorded"><strong>Recorded.</strong> {note} To train yourself, run <code>make lab</code> '
            f"and open <code>13_lab.ipynb</code>.</p>\n{self.player.html() if choices is not None else ''}"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        # Jupyter ranks the widget's own type above HTML: a live notebook shows the live widget.
        bundle["text/html"] = self.static_html()
        return bundle

    def close(self) -> None:
        """Stop what is trained, wait for it, and let the widgets go."""
        if not hasattr(self, "session"):  # one that was refused while it was made
            super().close()
            return
        self.session.stop()
        self.session.wait()
        for widget in (*self.controls.values(), *self.buttons.values(), self.status, self.bar, self.player):
            widget.close()
        super().close()


def _options(texts: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(text, key) for key, text in texts.items()]


def _dropdown(description: str, texts: Mapping[str, str], value: str) -> Any:
    return ipywidgets.Dropdown(description=description, options=_options(texts), value=value, style=_WIDE)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
