"""The duel as a reader of the static page uses it: opened from a file, with no network."""

import functools

import pytest

from llpp_core.analysis import objectives
from llpp_core.explorers import Duel
from llpp_core.explorers.duel import PRESETS

START = {
    "true_loss_i": 0.45,
    "true_loss_j": 0.47,
    "predicted_losses": [1.48, 1.51],
    "margin": 1.0,
    "learning_rate": 0.05,
    "step": 0,
}
NEAR, FAR, TIE = PRESETS.values()
STATES = [
    {},
    {**NEAR, "step": 7},
    {**FAR, "step": 40},
    {**TIE, "step": 500},
    {"true_loss_i": 5, "true_loss_j": 0.2, "predicted_losses": [0, 3], "margin": 2, "learning_rate": 0.5, "step": 3},
]
KEYS = {"ll": "Learning Loss", "pp": "LearningLoss++"}


@functools.cache
def derived(key):
    objective = objectives.learning_loss() if key == "ll" else objectives.learning_loss_pp()
    return objective.numpy(), [objective.numpy(f"predicted_loss_{s}") for s in "ij"]


def in_python(key, **changes):
    """Gap, value and both gradients after as many steps of descent, with the derived NumPy functions."""
    state = {**START, **changes}
    loss, gradients = derived(key)
    known = [state["true_loss_i"], state["true_loss_j"], *([state["margin"]] if key == "ll" else [])]
    pair = [float(value) for value in state["predicted_losses"]]
    for _ in range(int(state["step"])):
        push = [float(gradient(*pair, *known)) for gradient in gradients]
        pair = [value - state["learning_rate"] * by for value, by in zip(pair, push, strict=True)]
    return [pair[0] - pair[1], float(loss(*pair, *known)), *(float(g(*pair, *known)) for g in gradients)]


def on_page(place, key):
    names = ("gap", "value", "gradient-i", "gradient-j")
    return [float(place.locator(f".pair.{key} data.{name}").get_attribute("value")) for name in names]


def agrees(place, **changes):
    for key in KEYS:
        assert on_page(place, key) == pytest.approx(in_python(key, **changes), rel=1e-9, abs=1e-12), key


def now(place):
    """The step that is shown, from the handle that a reader drags through them."""
    return int(place.get_by_label("step of descent").get_attribute("aria-valuenow"))


def link(shown):
    """The traits of the current view, from its link."""
    shown[0].locator(".presets button").last.click()  # its name says for a while that it was pressed
    query = dict(part.split("=") for part in shown.address().split("#duel?")[1].replace("%2C", ",").split("&"))
    return {name: [float(v) for v in text.split(",")] if "," in text else float(text) for name, text in query.items()}


def test_page_computes_what_python_computes(show):
    shown = show(*(Duel(**state) for state in STATES))
    for index, state in enumerate(STATES):
        agrees(shown[index], **state)
    assert shown.visit.complaints == {}


def test_training_runs_until_both_are_at_rest_and_only_when_asked(show):
    shown = show(Duel(**FAR, learning_rate=0.5))
    place = shown[0]
    shown.page.wait_for_timeout(200)
    assert now(place) == 0
    place.get_by_role("button", name="let it train").click()
    place.get_by_role("button", name="pause").wait_for()
    place.get_by_role("button", name="let it train").wait_for(timeout=20_000)
    step = now(place)
    assert 0 < step < 100
    agrees(place, **FAR, learning_rate=0.5, step=step)
    before = in_python("pp", **FAR, learning_rate=0.5, step=step - 1)[0]
    rest = float(place.locator("data.rest").get_attribute("value"))
    assert abs(on_page(place, "pp")[0] - rest) < 0.005 <= abs(before - rest)
    words = shown.words().replace("\u00a0", " ")
    assert "its last step, of 1.00, took the gap to −1.15, beyond −ξ = −1.00, and nothing pulls it back" in words
    assert "the gap −1.85 says what the true losses say" in words
    place.get_by_role("button", name="start again").click()
    shown.settle()
    agrees(place, **FAR, learning_rate=0.5)


def test_a_step_is_one_step_and_an_exact_tie_is_not_pushed(show):
    shown = show(Duel(**TIE, step=30))
    place = shown[0]
    for _ in range(2):
        place.get_by_role("button", name="step", exact=True).click()
    shown.settle()
    assert now(place) == 32
    agrees(place, **TIE, step=32)
    assert on_page(place, "ll")[0] == pytest.approx(-0.03)
    assert "the sign of a tie is 0" in shown.words()


def test_less_motion_shows_the_end_at_once(show):
    shown = show(Duel(), reduced_motion="reduce")
    shown[0].get_by_role("button", name="let it train").click()
    shown.settle()
    assert "After" in shown.words()
    assert shown.words().count("is at rest") == 2
    agrees(shown[0], step=now(shown[0]))


@pytest.mark.parametrize("means", ["mouse", "touch"])
def test_every_point_is_dragged(show, means):
    finger = {"has_touch": True, "viewport": {"width": 360, "height": 900}} if means == "touch" else {}
    shown = show(Duel(**FAR, step=12), **finger)
    place = shown[0]
    drag = shown.touch_drag if means == "touch" else shown.drag
    state = {**START, **FAR, "step": 12}
    for sample in ("i", "j"):
        point = place.get_by_label(f"true loss {sample}", exact=True)
        point.scroll_into_view_if_needed()
        drag(point, 0, -20)
        moved = link(shown)
        assert moved[f"true_loss_{sample}"] > 1.2 * state[f"true_loss_{sample}"]
        state[f"true_loss_{sample}"] = moved[f"true_loss_{sample}"]
        assert moved == state  # training has come as far as before
        agrees(place, **state)
    for key, name in KEYS.items():
        for n, sample in enumerate(("i", "j")):
            others = float(place.locator(f".pair.{key} .handle").nth(1 - n).get_attribute("aria-valuenow"))
            point = place.get_by_label(f"predicted loss {sample} under {name}")
            held = float(point.get_attribute("aria-valuenow"))
            drag(point, 0, 25)
            moved = link(shown)
            state |= {"predicted_losses": moved["predicted_losses"], "step": 0}
            assert moved == state  # both objectives start again, from this pair
            assert held - 0.7 < state["predicted_losses"][n] < held - 0.4
            assert state["predicted_losses"][1 - n] == pytest.approx(others, abs=0.001)
            agrees(place, **state)
    assert shown.visit.complaints == {}


def test_a_handle_goes_through_the_steps(show):
    shown = show(Duel(**FAR))
    place = shown[0]
    head = place.get_by_label("step of descent")
    shown.drag(head, 150, 0)
    assert 5 < now(place) < 200
    agrees(place, **FAR, step=now(place))
    head.press("End")
    shown.settle()
    assert now(place) == 500
    assert head.get_attribute("aria-valuetext") == "500 steps"
    agrees(place, **FAR, step=500)


def test_keys_move_points_and_sliders(show):
    shown = show(Duel())
    place = shown[0]
    place.get_by_label("predicted loss j under LearningLoss++").press("Shift+ArrowUp")
    place.get_by_label("true loss i", exact=True).press("ArrowDown")
    place.get_by_label("margin of Learning Loss").press("Home")
    place.get_by_label("learning rate", exact=True).press("End")
    head = place.get_by_label("step of descent")
    head.press("ArrowRight")
    shown.settle()
    state = link(shown)
    assert state["predicted_losses"] == [1.48, 1.61]
    assert state["true_loss_i"] == 0.44
    assert (state["margin"], state["learning_rate"], state["step"]) == (0, 1, 1)
    agrees(place, **state)


def test_presets_stay_chosen_while_they_train_and_start_anew(show):
    shown = show(Duel(step=90, margin=0.5))
    place = shown[0]
    far = place.get_by_role("button", name="far apart (a, c)")
    far.click()
    shown.settle()
    agrees(place, **FAR, margin=0.5)
    place.get_by_role("button", name="step", exact=True).click()
    shown.settle()
    assert far.get_attribute("aria-pressed") == "true"
    place.get_by_role("button", name="reset").click()
    shown.settle()
    agrees(place, step=90, margin=0.5)


def test_a_link_opens_the_view(show):
    state = {**FAR, "margin": 0.5, "learning_rate": 0.1, "step": 33}
    query = "&".join(f"{k}={','.join(map(str, v)) if isinstance(v, list) else v}" for k, v in state.items())
    shown = show(Duel(), at=f"#duel?{query}")
    agrees(shown[0], **state)
    assert show(Duel(), at="#duel?predicted_losses=1,9&step=-1").words().startswith("True losses 0.45 and 0.47")
    assert shown.visit.complaints == {}


def test_the_line_of_learningloss_pp_at_rest_is_parallel_to_the_truth(show):
    shown = show(Duel(**FAR, step=500))
    height = "line => line.y2.baseVal.value - line.y1.baseVal.value"
    truth, ll, pp = (shown[0].locator(f".tie.{key}").evaluate(height) for key in ("true", "ll", "pp"))
    assert pp == pytest.approx(truth, abs=0.5)
    assert ll == pytest.approx(truth / 1.8526 * 1.05, abs=0.5)


def test_an_arrow_is_as_long_as_its_gradient(show):
    shown = show(Duel(**FAR))
    unit = abs(shown[0].locator(".tie.pp").evaluate("line => line.y2.baseVal.value - line.y1.baseVal.value")) / abs(
        1.48 - 1.63
    )
    for key in KEYS:
        box = [shown[0].locator(f".head.{key}").nth(n).get_attribute("d").split("l")[0].split()[1] for n in (0, 1)]
        starts = [shown[0].locator(f".push.{key}").nth(n).get_attribute("y1") for n in (0, 1)]
        lengths = [(float(tip) - float(start)) / unit for tip, start in zip(box, starts, strict=True)]
        assert lengths == pytest.approx(in_python(key, **FAR)[2:], abs=1e-6)  # down where the gradient is above 0


def test_words_fit_their_room_and_no_width_scrolls_sideways(show):
    states = [*STATES, {**FAR, "step": 30}, {**FAR, "step": 500, "learning_rate": 0.01}]
    shown = show(*(Duel(**state) for state in states))
    for width in (320, 360, 480, 760, 1400, 2560):
        shown.page.set_viewport_size({"width": width, "height": 800})
        shown.settle()
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
        heights = {shown[index].bounding_box()["height"] for index in range(len(states))}
        assert max(heights) - min(heights) < 1, f"the page moves at {width}"


def test_dark_is_another_color(show):
    shown = show(Duel(), theme="dark")
    color = "knob => getComputedStyle(knob).fill"
    dark = shown[0].locator(".pair.pp .knob").first.evaluate(color)
    shown.page.evaluate("document.documentElement.dataset.theme = 'light'")
    shown.settle()
    assert shown[0].locator(".pair.pp .knob").first.evaluate(color) == "rgb(0, 114, 178)" != dark


def test_reader_without_scripts_gets_picture_description_and_table(show):
    shown = show(Duel(), java_script_enabled=False)
    assert shown[0].locator("noscript svg.llpp-picture").is_visible()
    assert "Learning Loss pushes with full force until" in shown[0].locator("noscript p").inner_text()
    assert shown[0].locator("noscript td", has_text="−1.03").count() == 2  # current pair, near tie
