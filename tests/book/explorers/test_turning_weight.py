"""The turning weight as a reader of the static page uses it: against NumPy and the objectives' own gradients."""

import numpy as np
import pytest

from llpp_core.analysis import objectives
from llpp_core.explorers import TurningWeight

PAPER = {"theta_i": [1, 2, 1], "theta_j": [1, 1, 1], "weights": [0, 3, 0], "true_loss_i": 1, "true_loss_j": 2}
STATES = [
    PAPER,
    {**PAPER, "true_loss_i": 2, "true_loss_j": 1},
    {**PAPER, "steps": 7, "learning_rate": 0.4},
    {
        "theta_i": [2, -1, 0.5],
        "theta_j": [0.5, 1.5, -3],
        "weights": [1, 2.5, -1],
        "true_loss_i": 3,
        "true_loss_j": 0.5,
        "steps": 100,
        "learning_rate": 0.05,
        "margin": 3,
    },
    {**PAPER, "true_loss_j": 1, "steps": 3},
    {**PAPER, "theta_j": [1, 2, 1], "steps": 3},
]


def in_numpy(key, **state):
    """Return w, l̂_i, l̂_j and the gradient after the steps, from Eq. 2 and 4 as the paper states them."""
    theta_i, theta_j, w = (np.array(state[name], float) for name in ("theta_i", "theta_j", "weights"))
    l_i, l_j = state["true_loss_i"], state["true_loss_j"]
    objective = objectives.learning_loss() if key == "ll" else objectives.learning_loss_pp()
    push = objective.numpy("predicted_loss_i")
    settings = [state.get("margin", 1.0)] if key == "ll" else []

    def gradient():
        return push(theta_i @ w, theta_j @ w, l_i, l_j, *settings) * (theta_i - theta_j)

    for _ in range(state.get("steps", 0)):
        w = w - state.get("learning_rate", 0.25) * gradient()
    return w, theta_i @ w, theta_j @ w, objective.numpy()(theta_i @ w, theta_j @ w, l_i, l_j, *settings), gradient()


def on_page(place, key):
    def read(kind):
        text = place.locator(f"data.{kind}.{key}").get_attribute("value")
        return np.array([float(part) for part in text.split(",")])

    return [read(kind) for kind in ("weights", "predicted-i", "predicted-j", "loss", "gradient")]


def assert_agree(place, **state):
    for key in ("ll", "pp"):
        for found, expected in zip(on_page(place, key), in_numpy(key, **state), strict=True):
            np.testing.assert_allclose(found, np.atleast_1d(expected), rtol=1e-9, atol=1e-12)


def test_page_computes_what_numpy_computes(show):
    shown = show(*(TurningWeight(**state) for state in STATES))
    for index, state in enumerate(STATES):
        assert_agree(shown[index], **state)
    assert shown.visit.complaints == {}


def test_handles_move_by_mouse_and_keyboard_and_fields_by_typing(show):
    shown = show(TurningWeight(**PAPER), viewport={"width": 1100, "height": 900})
    place = shown[0]
    unit = place.locator(".view svg").first.bounding_box()["height"] / 7.6  # pixels a unit, as turning_view.js has it
    shown.drag(place.locator(".handle.theta_i .knob"), unit, -0.5 * unit)
    assert_agree(place, **{**PAPER, "theta_i": [2, 2.5, 1]})
    w = place.get_by_role("slider", name="w, components 1 and 2")
    for key in ("ArrowRight", "Shift+ArrowDown", "ArrowUp"):
        w.press(key)
        shown.settle()
    assert w.get_attribute("aria-valuetext") == "w = (0.10, 2.10, 0)"
    field = place.get_by_label("theta j, component 3")
    field.fill("-0.5")
    shown.settle()
    state = {**PAPER, "theta_i": [2, 2.5, 1], "weights": [0.1, 2.1, 0], "theta_j": [1, 1, -0.5]}
    assert_agree(place, **state)
    field.fill("")  # nothing yet, and then out of bounds: nothing moves
    field.fill("9")
    shown.settle()
    assert_agree(place, **state)
    assert shown.visit.complaints == {}


def test_a_finger_moves_a_handle(show):
    shown = show(TurningWeight(**PAPER), has_touch=True, viewport={"width": 360, "height": 740})
    place = shown[0]
    knob = place.locator(".handle.weights .knob")
    knob.scroll_into_view_if_needed()
    unit = place.locator(".view svg").first.bounding_box()["height"] / 7.6
    shown.touch_drag(knob, -2 * unit, 2 * unit)
    assert_agree(place, **{**PAPER, "weights": [-2, 1, 0]})


def test_step_play_and_start_again(show):
    shown = show(TurningWeight(**PAPER))
    place = shown[0]
    place.get_by_role("button", name="step", exact=True).click()
    shown.settle()
    assert_agree(place, **{**PAPER, "steps": 1})
    place.get_by_role("button", name="play").click()
    shown.page.wait_for_timeout(400)
    place.get_by_role("button", name="pause").click()
    shown.settle()
    assert 1 < float(place.get_by_role("slider", name="steps done").input_value()) < 100
    place.get_by_role("button", name="start again").click()
    shown.settle()
    assert_agree(place, **PAPER)
    assert shown.visit.complaints == {}


def test_less_motion_shows_the_end_at_once_and_plays_again_from_the_start(show):
    shown = show(TurningWeight(**PAPER), reduced_motion="reduce")
    place = shown[0]
    for _ in range(2):
        place.get_by_role("button", name="play").click()
        shown.settle()
        assert_agree(place, **{**PAPER, "steps": 100})


def test_presets_reset_words_and_link(show):
    shown = show(TurningWeight(**PAPER, steps=12))
    place = shown[0]
    place.get_by_role("button", name="paper: lᵢ > lⱼ").click()
    shown.settle()
    assert_agree(place, **STATES[1])
    assert "Learning Loss has loss 0 and gradient (0, 0, 0): the gap has the right sign" in shown.words()
    place.get_by_role("button", name="link to this view").click()
    link = shown.address()
    assert "theta_i=1%2C2%2C1" in link
    again = show(TurningWeight(), at=link[link.index("#") :])
    assert_agree(again[0], **STATES[1])
    place.get_by_role("button", name="paper: lᵢ < lⱼ").click()
    shown.settle()
    assert "Learning Loss has loss 4 and gradient (0, 1, 0): descent turns w against" in shown.words()
    place.get_by_role("button", name="reset").click()
    shown.settle()
    assert_agree(place, **PAPER, steps=12)


def test_dragging_in_the_plot_goes_through_the_steps(show):
    shown = show(TurningWeight(**PAPER), viewport={"width": 1100, "height": 900})
    plot = shown[0].locator(".gap svg")
    box = plot.bounding_box()
    plot.click(position={"x": box["width"] - 10, "y": 80})  # the right end of its axis
    shown.settle()
    assert_agree(shown[0], **PAPER, steps=100)


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (760, "light"), (1400, "dark"), (2560, "light")])
def test_no_width_scrolls_sideways(show, width, theme):
    state = {
        "theta_i": [-3, 3, -3],
        "theta_j": [3, -3, 3],
        "weights": [-2.9, -2.7, 2.9],
        "learning_rate": 1,
        "steps": 3,
    }
    shown = show(TurningWeight(**state), theme=theme, viewport={"width": width, "height": 800})
    assert shown.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert shown.visit.complaints == {}


def test_reader_without_scripts_gets_picture_description_and_table(show):
    place = show(TurningWeight(), java_script_enabled=False)[0]
    assert place.locator("noscript svg").is_visible()
    assert "gradient (0, 1, 0) in w" in place.locator("noscript p").inner_text()
    assert place.locator("noscript table td", has_text="(0, 1, 0)").count() >= 2
