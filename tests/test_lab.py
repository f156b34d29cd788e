"""The lab without a browser: its choices, a background training that is paused, stopped or refused, and its page."""

import gc
import json
import re
import threading
import weakref
from dataclasses import replace

import pytest
import torch

from llpp_core import lab as room
from llpp_core.explorers.run_record import checked
from llpp_core.lab import Choices, Lab, Session
from llpp_core.lab import session as session_module

TINY = Choices(samples=20, held_out=4, epochs=3)
STEPS = 2
"""Steps of an epoch of these."""
SOON = 60
"""Seconds that nothing here should take, even on a busy machine."""


class Gate:
    """Holds a session at chosen moments: `told` waits at each until the test lets it pass."""

    def __init__(self, *states: str) -> None:
        self.states, self.reached, self.passed = states, threading.Event(), threading.Event()
        self.session: Session | None = None

    def __call__(self) -> None:
        session = self.session
        if session is not None and threading.current_thread().name == "llpp-lab" and session.state in self.states:
            self.reached.set()
            assert self.passed.wait(SOON)


@pytest.fixture
def gated():
    """A session whose thread is held when it begins to train."""
    gate = Gate("training")
    session = Session(gate)
    gate.session = session
    yield session, gate
    gate.passed.set()
    session.stop()
    assert session.wait(SOON)


@pytest.fixture
def lab(monkeypatch):
    monkeypatch.delenv("LLPP_DATA", raising=False)
    widget = Lab(TINY)
    yield widget
    widget.close()


@pytest.fixture(scope="module")
def recorded():
    """The record of the tiny training, from beginning to end."""
    session = Session()
    session.run(TINY)
    assert session.state == "done", session.error
    return session.record


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"source": "mpii"}, "source must be one of everyday, acrobatic, lsp, got 'mpii'"),
        ({"objectives": ()}, "choose one to 3 different objectives, got 0"),
        ({"objectives": tuple(room.choices.OBJECTIVES)}, "choose one to 3 different objectives, got 4"),
        ({"objectives": ("learning_loss", "learning_loss")}, "choose one to 3 different objectives"),
        ({"objectives": ("hinge",)}, "an objective must be one of learning_loss, .*, got 'hinge'"),
        ({"predictor": "mlp"}, "predictor must be one of pooled, conv"),
        ({"pairs": "none"}, "pairs must be one of halves, all"),
        ({"margin": -0.1}, "margin must be from 0 to 3, got -0.1"),
        ({"margin": float("nan")}, "margin must be from 0 to 3, got nan"),
        ({"epochs": 0}, "epochs must be from 1 to 100, got 0"),
        ({"samples": 9}, "samples must be from 10 to 10,000, got 9"),
        ({"held_out": 2}, "held_out must be from 3 to 1,000, got 2"),
    ],
)
def test_bad_choices_are_refused_in_one_sentence(values, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        Choices(**values)


@pytest.mark.parametrize("predictor", ["pooled", "conv"])
@pytest.mark.parametrize("pairs", ["halves", "all"])
def test_every_objective_is_built_as_chosen(predictor, pairs) -> None:
    every = list(room.choices.OBJECTIVES)
    for objectives in (every[:3], every[1:]):
        choices = replace(TINY, objectives=tuple(objectives), predictor=predictor, pairs=pairs, margin=0.5)
        _, heads = choices.build(14)
        assert list(heads) == list(choices.names.values())
        weights = [list(head.predictor.parameters()) for head in heads.values()]
        assert all(torch.equal(a, b) for other in weights for a, b in zip(weights[0], other, strict=True))
        described = {name: head.description[0] for name, head in heads.items()}
        suffix = {"pooled": "", "conv": " conv"}[predictor]
        if f"LL{suffix}" in described:
            assert "margin=0.5" in described[f"LL{suffix}"]
            assert f"pairs='{pairs}'" in described[f"LL{suffix}"]
        assert described["LL++" + suffix.strip()] == f"learning_loss_pp(pairs={pairs!r})"


def test_a_run_ends_with_a_record_of_every_epoch(recorded) -> None:
    assert checked(recorded)["epochs"] == [1, 2, 3]
    assert list(recorded["methods"]) == ["LL", "LL++"]
    assert len(recorded["ids"]) == 4
    assert all(len(norms) == 3 for norms in recorded["gradient_norm"].values())


def test_who_is_paused_and_resumed_ends_as_if_nothing_had_been(gated, recorded) -> None:
    session, gate = gated
    paused = threading.Event()
    session.start(TINY)
    assert gate.reached.wait(SOON)
    session.pause()
    assert session.pausing
    session.told = lambda: paused.set() if session.state == "paused" else None
    gate.passed.set()
    assert paused.wait(SOON)
    assert session.active
    assert session.step == 1  # it holds after the step under way
    assert not session.wait(0.05)
    session.resume()
    assert session.wait(SOON)
    assert session.state == "done"
    assert session.record == recorded


def test_a_paused_training_can_be_stopped_and_keeps_its_record(gated, recorded) -> None:
    session, gate = gated
    gate.passed.set()
    held = threading.Event()

    def told() -> None:
        if session.state == "paused":
            held.set()
        elif session.record["epochs"] and not held.is_set() and not session.pausing:
            session.pause()

    session.told = told
    session.start(TINY)
    assert held.wait(SOON)
    session.stop()
    assert session.wait(SOON)
    assert session.state == "stopped"
    assert session.record["true_loss"] == recorded["true_loss"][:1]
    assert not session.active


def test_no_two_trainings_at_once_in_one_kernel(gated) -> None:
    session, gate = gated
    session.start(TINY)
    assert gate.reached.wait(SOON)
    other = Session()
    for one in (session, other):
        with pytest.raises(RuntimeError, match="a training is under way in this kernel; stop it first"):
            one.start(TINY)
    assert other.state == "idle"
    gate.passed.set()
    session.stop()
    assert session.wait(SOON)
    assert session.state == "stopped"
    other.run(replace(TINY, epochs=1))
    assert other.state == "done"


@pytest.mark.parametrize("background", [False, True])
def test_what_fails_is_a_sentence_and_the_next_training_can_start(monkeypatch, background) -> None:
    def broken(*arguments, **options):
        raise ValueError("the batch held figure-7\nand a traceback")

    session = Session()
    with monkeypatch.context() as patch:
        patch.setattr(session_module, "train", broken)
        (session.start if background else session.run)(TINY)
        assert session.wait(SOON)
    assert session.state == "failed"
    assert session.error == "the batch held figure-7"
    session.run(replace(TINY, epochs=1))
    assert session.state == "done"


def test_the_same_data_is_made_once_and_other_data_replaces_it(monkeypatch) -> None:
    loaded: list[Choices] = []
    original = Choices.load

    def load(self):
        loaded.append(self)
        return original(self)

    monkeypatch.setattr(Choices, "load", load)
    session = Session()
    one = replace(TINY, epochs=1)
    session.run(one)
    first = weakref.ref(session._data[1])
    session.run(replace(one, margin=0.5))
    assert len(loaded) == 1
    session.run(replace(one, source="acrobatic"))
    assert [choices.source for choices in loaded] == ["everyday", "acrobatic"]
    gc.collect()
    assert first() is None  # no more than one data set is kept


def test_no_model_outlives_its_training(monkeypatch) -> None:
    models = []
    original = Choices.build

    def build(self, joints):
        model, heads = original(self, joints)
        models.append(weakref.ref(model))
        return model, heads

    monkeypatch.setattr(Choices, "build", build)
    session = Session()
    session.run(replace(TINY, epochs=1))
    gc.collect()
    assert [model() for model in models] == [None]


def test_controls_say_what_is_trained(lab) -> None:
    assert lab.choices == TINY
    lab.choose(objectives=("log_loss_regression",), predictor="conv", margin=0.5, epochs=1, source="acrobatic")
    lab.run()
    assert lab.status.value == "Trained 1 of 1 epochs."
    assert list(lab.player.record["methods"]) == ["log l conv"]
    assert lab.player.epoch == 1
    assert (lab.bar.value, lab.bar.max) == (STEPS, STEPS)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"epoch": 3}, "the lab has no control 'epoch'; it has source, objectives"),
        ({"epochs": 0}, "epochs must be from 1 to 100"),
        ({"pairs": "halves", "predictor": "x"}, "predictor must be one of pooled, conv"),
        ({"source": "lsp"}, "Leeds Sports Pose is chosen, but neither data nor LLPP_DATA"),
    ],
)
def test_a_bad_choice_changes_no_control(lab, values, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        lab.choose(**values)
    assert lab.choices == TINY


def test_choices_are_held_while_it_trains_and_buttons_follow(lab) -> None:
    gate = Gate("training")
    gate.session = lab.session
    show = lab.session.told
    lab.session.told = lambda: (show(), gate())
    lab.buttons["start"].click()
    assert gate.reached.wait(SOON)
    assert all(control.disabled for control in lab.controls.values())
    assert [lab.buttons[name].disabled for name in ("start", "pause", "stop")] == [True, False, False]
    with pytest.raises(ValueError, match="the choices are held while a training is under way"):
        lab.choose(epochs=5)
    lab.start()
    assert lab.status.value == "A training is under way in this kernel; stop it first."
    lab.session.told = show
    lab.buttons["pause"].click()
    assert lab.buttons["pause"].description == "resume"
    lab.buttons["stop"].click()
    assert lab.buttons["stop"].disabled
    assert lab.status.value.endswith("It stops after this step.")
    gate.passed.set()
    assert lab.session.wait(SOON)
    assert lab.status.value == "Stopped after 0 of 3 epochs."
    assert not any(control.disabled for control in lab.controls.values())
    assert [lab.buttons[name].disabled for name in ("start", "pause", "stop")] == [False, True, True]
    assert lab.buttons["pause"].description == "pause"


def test_a_lab_of_data_that_is_not_there_is_refused(lab) -> None:
    with pytest.raises(ValueError, match="Leeds Sports Pose is chosen, but neither"):
        Lab(replace(TINY, source="lsp"))
    assert "lsp" not in dict(lab.controls["source"].options).values()


def test_a_failure_is_told_in_the_status_and_stops_a_page(lab, monkeypatch) -> None:
    def broken(*arguments, **options):
        raise MemoryError("out of memory")

    monkeypatch.setattr(session_module, "train", broken)
    lab.start()
    assert lab.session.wait(SOON)
    assert lab.status.value == "The training failed: out of memory"
    with pytest.raises(RuntimeError, match="out of memory"):
        lab.run()


def test_what_cannot_be_trained_is_said_in_the_status(lab) -> None:
    lab.controls["objectives"].value = ()
    lab.buttons["start"].click()
    assert lab.status.value == "Choose one to 3 different objectives, got 0."
    assert not lab.session.active


def test_the_player_follows_until_the_reader_goes_back(lab) -> None:
    seen: list[tuple[int, float]] = []
    show = lab.session.told

    def told() -> None:
        show()
        epochs = lab.player.record["epochs"]
        if epochs and len(seen) < len(epochs):
            seen.append((epochs[-1], lab.player.epoch))
            if epochs == [1, 2]:
                lab.player.epoch = 1

    lab.session.told = told
    lab.run()
    assert seen == [(1, 1), (2, 2), (3, 1)]
    lab.player.marked = [1, 2]
    lab.choose(epochs=1)
    lab.run()
    assert lab.player.marked == [1, 2]  # the same samples
    assert lab.player.record["epochs"] == [1]
    lab.choose(source="acrobatic")
    lab.run()
    assert lab.player.marked == []


def test_a_page_gets_the_recorded_run_and_is_told_so(lab, recorded) -> None:
    bundle = lab._repr_mimebundle_()
    assert "no run was recorded" in bundle["text/html"]
    lab.run()
    bundle = lab._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    page = bundle["text/html"]
    assert "a recorded run: 20 samples of rendered figures, upright; Learning Loss, LearningLoss++, margin 1" in page
    assert "make lab" in page
    (state,) = re.findall(r'<script type="application/json">(.*?)</script>', page, flags=re.DOTALL)
    assert json.loads(state)["record"] == recorded
