"""The gradient landscape as a reader of the static page uses it: opened from a file, with no network."""

import pytest

from llpp_core.analysis import objectives
from llpp_core.explorers import GradientLandscape

STATES = [
    {},
    {"predicted_gap": -0.15, "true_loss_j": 2.87},
    {"predicted_gap": 2.5, "true_loss_i": 5, "margin": 3},
    {"predicted_gap": -4, "true_loss_i": 10, "true_loss_j": 0.01, "margin": 0},
    {"predicted_gap": 1, "true_loss_i": 0.47},
    {"predicted_gap": 1, "true_loss_i": 4, "alpha": 0.3},
    {"predicted_gap": -2, "true_loss_i": 0.9, "alpha": 1},
]
KEYS = ("ll", "pp", "tempered")


def gradients(place):
    return [float(place.locator(f".map.{key} data").get_attribute("value")) for key in KEYS]


def pixels(place, key):
    return place.locator(f".map.{key} canvas").evaluate("canvas => canvas.toDataURL()")


def python_gradients(**state):
    full = {"predicted_gap": -0.03, "true_loss_i": 0.45, "true_loss_j": 0.47, "margin": 1.0, "alpha": 3.0}
    full |= state
    pair = (full["predicted_gap"], 0.0, full["true_loss_i"], full["true_loss_j"])
    learning_loss = objectives.learning_loss().numpy("predicted_loss_i")(*pair, full["margin"])
    learning_loss_pp = objectives.learning_loss_pp().numpy("predicted_loss_i")(*pair)
    tempered = objectives.learning_loss_pp_tempered().numpy("predicted_loss_i")(*pair, full["alpha"])
    return [float(learning_loss), float(learning_loss_pp), float(tempered)]


@pytest.mark.parametrize("state", STATES)
def test_page_computes_what_python_computes(show, state):
    shown = show(GradientLandscape(**state))
    assert gradients(shown[0]) == pytest.approx(python_gradients(**state), rel=1e-12, abs=1e-15)
    assert shown.visit.complaints == {}


def test_generated_functions_agree_with_python_over_the_whole_range(open_page, tmp_path):
    gaps = [-4.0, -1.0, -0.03, 0.0, 0.5, 1.0, 4.0]
    losses = [0.01, 0.45, 0.47, 2.87, 10.0]
    last = (0.1, 1.0, 3.0, 10.0)  # margin or exponent
    cases = [[gap, 0.0, i, j, value] for gap in gaps for i in losses for j in losses for value in last]
    path = tmp_path / "functions.html"
    path.write_text(f"<!doctype html><script>{GradientLandscape.mathematics()}</script>", encoding="utf-8")
    page = open_page(path).page
    for objective, name in (
        (objectives.learning_loss(), "gradientLearningLoss"),
        (objectives.learning_loss_pp(), "gradientLearningLossPP"),
        (objectives.learning_loss_pp_tempered(), "gradientTempered"),
    ):
        count = len(objective.symbols)
        found = page.evaluate(f"cases => cases.map(c => {name}(...c.slice(0, {count})))", cases)
        expected = [float(objective.numpy("predicted_loss_i")(*case[:count])) for case in cases]
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_slider_moves_by_keyboard_and_everything_follows(show):
    shown = show(GradientLandscape())
    place = shown[0]
    before = [
        pixels(place, "ll"),
        pixels(place, "pp"),
        place.locator(".curve.ll").get_attribute("d"),
        shown.words(),
    ]
    for _ in range(10):
        place.get_by_label("margin of Learning Loss").press("ArrowRight")
    shown.settle()
    after = [
        pixels(place, "ll"),
        pixels(place, "pp"),
        place.locator(".curve.ll").get_attribute("d"),
        shown.words(),
    ]
    assert [old != new for old, new in zip(before, after, strict=True)] == [True, False, True, True]
    assert "−1.10" in after[3]
    gap = place.get_by_label("predicted gap", exact=True)
    gap.press("Home")
    shown.settle()
    assert gap.get_attribute("aria-valuetext") == "−4.00"
    assert gradients(place) == pytest.approx(python_gradients(predicted_gap=-4.0, margin=1.1), rel=1e-12)
    assert shown.visit.complaints == {}


def test_every_slider_reaches_both_ends(show):
    shown = show(GradientLandscape())
    place = shown[0]
    for name in (
        "predicted gap",
        "margin of Learning Loss",
        "exponent of the true losses",
        "true loss i",
        "true loss j",
    ):
        slider = place.get_by_label(name, exact=True)
        for key, end in (("Home", "min"), ("End", "max")):
            slider.press(key)
            assert slider.input_value() == slider.get_attribute(end)
    shown.settle()
    expected = python_gradients(predicted_gap=4, true_loss_i=10, true_loss_j=10, margin=3, alpha=10)
    assert gradients(place) == pytest.approx(expected, rel=1e-12)


def test_the_exponent_repaints_its_own_map_alone(show):
    shown = show(GradientLandscape())
    place = shown[0]
    before = [pixels(place, key) for key in KEYS]
    place.get_by_label("exponent of the true losses").press("End")
    shown.settle()
    assert [old != pixels(place, key) for old, key in zip(before, KEYS, strict=True)] == [False, False, True]
    assert gradients(place) == pytest.approx(python_gradients(alpha=10.0), rel=1e-12)


@pytest.mark.parametrize("key", KEYS)
def test_a_pointer_over_a_map_reads_all_of_them_there_and_moves_nothing(show, key):
    shown = show(GradientLandscape(true_loss_i=1, true_loss_j=3))
    place = shown[0]
    box = place.locator(f".map.{key} canvas").bounding_box()
    words, curve = shown.words(), place.locator(".curve.pp").get_attribute("d")
    spots = [dot.get_attribute("cx") for dot in place.locator(".here").all()]
    hairs = [line.get_attribute("x1") for line in place.locator(".map .cross").all()]
    shown.page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    shown.settle()
    there = python_gradients(predicted_gap=2.0, true_loss_i=3.0, true_loss_j=1.0)
    assert gradients(place) == pytest.approx(there, abs=0.02)  # a pixel more or less
    assert shown.words() == words
    assert [dot.get_attribute("cx") for dot in place.locator(".here").all()] == spots
    moved = [line.get_attribute("x1") for line in place.locator(".map .cross").all()]
    assert [new != old for new, old in zip(moved, hairs, strict=True)] == [True, False] * 3  # the level ones start left
    assert place.locator(".curve.pp").get_attribute("d") != curve  # the row of the maps under the pointer
    shown.page.mouse.move(1, 1)
    shown.settle()
    assert gradients(place) == pytest.approx(python_gradients(true_loss_i=1, true_loss_j=3), rel=1e-12)
    assert place.locator(".curve.pp").get_attribute("d") == curve
    assert [line.get_attribute("x1") for line in place.locator(".map .cross").all()] == hairs
    assert shown.visit.complaints == {}


def test_a_pointer_over_the_curves_reads_all_of_them_at_its_gap(show):
    shown = show(GradientLandscape())
    place = shown[0]
    line = place.locator(".curves .grid").first.bounding_box()
    shown.page.mouse.move(line["x"] + line["width"] * 0.75, line["y"] + 20)
    shown.settle()
    assert gradients(place) == pytest.approx(python_gradients(predicted_gap=2.0), abs=0.02)
    place.get_by_role("button", name="far apart (a, c)").click()
    shown.settle()
    assert gradients(place)[1] == pytest.approx(0.327, abs=5e-4)


def test_nothing_moves_as_a_slider_or_a_pointer_does(show):
    for width in (360, 760, 1400):
        shown = show(GradientLandscape(), viewport={"width": width, "height": 900})
        place = shown[0]
        height = place.locator(".llpp-frame").bounding_box()["height"]
        for name, key in (
            ("predicted gap", "Home"),
            ("true loss i", "Home"),
            ("exponent of the true losses", "End"),
            ("true loss j", "End"),
            ("margin of Learning Loss", "End"),
        ):
            place.get_by_label(name, exact=True).press(key)
            shown.settle()
            assert place.locator(".llpp-frame").bounding_box()["height"] == height


def test_two_explorers_on_a_page_are_independent(show):
    shown = show(GradientLandscape(**{"margin": 1.0}), GradientLandscape(**{"margin": 2.0}))
    first = shown[0]
    before = shown.words(1)
    first.get_by_label("predicted gap", exact=True).press("End")
    shown.settle()
    assert "4.00" in first.locator("output").first.inner_text()
    assert shown.words(1) == before
    assert shown.visit.complaints == {}


def test_dragging_in_a_map_moves_gap_and_share_and_holds_the_sum(show):
    shown = show(GradientLandscape(**{"true_loss_i": 1, "true_loss_j": 3}))
    place = shown[0]
    box = place.locator(".map.pp canvas").bounding_box()
    mouse = shown.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25, steps=4)
    mouse.up()
    shown.settle()
    # a quarter from the right is a gap of 2, a quarter from the top a true share of 3/4: losses 3 and 1
    expected = python_gradients(predicted_gap=2.0, true_loss_i=3.0, true_loss_j=1.0)
    assert gradients(place) == pytest.approx(expected, abs=0.01)
    assert [place.locator("output").nth(n).inner_text()[:3] for n in (3, 4)] in (
        ["3.0", "1.0"],
        ["3.0", "0.9"],
    )
    assert shown.visit.complaints == {}


def test_a_finger_moves_the_map_too(show):
    shown = show(GradientLandscape(), has_touch=True, viewport={"width": 360, "height": 740})
    place = shown[0]
    before = gradients(place)
    place.locator(".map.ll svg").tap(position={"x": 40, "y": 40})
    shown.settle()
    assert gradients(place)[0] == -1.0 != before[0]


def test_presets_and_reset(show):
    shown = show(GradientLandscape(**{"predicted_gap": 1.5}))
    place = shown[0]
    far = place.get_by_role("button", name="far apart (a, c)")
    far.click()
    shown.settle()
    assert far.get_attribute("aria-pressed") == "true"
    assert gradients(place)[1] == pytest.approx(0.327, abs=5e-4)  # the paper's value
    place.get_by_role("button", name="reset").click()
    shown.settle()
    assert gradients(place) == pytest.approx(python_gradients(predicted_gap=1.5), rel=1e-12)


def test_words_say_what_the_numbers_mean(show):
    shown = show(*(GradientLandscape(**state) for state in STATES))
    near, far, _, _, tie, _, plain = (shown.words(index) for index in range(7))
    assert "0.45 and 0.47: a near tie" in near
    assert "with full force until the gap is" in near
    assert "with 0.3 % of that force" in near
    assert "far apart, 6.4" in far
    assert "an exact tie" in tie
    assert "sign of a tie is 0" in tie
    assert "rests at α log(li/lj)\u00a0=\u00a0−0.13" in near
    assert "the same as LearningLoss++" in plain


def test_theme_repaints_the_maps(show):
    shown = show(GradientLandscape())
    place = shown[0]
    light = pixels(place, "pp")
    shown.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    shown.settle()
    assert pixels(place, "pp") != light


@pytest.mark.parametrize("width", [320, 360, 760, 1400])
def test_no_width_scrolls_sideways(show, width):
    shown = show(GradientLandscape(**{"true_loss_j": 10}), viewport={"width": width, "height": 800})
    inside = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert shown.page.evaluate(inside)


def test_reader_without_scripts_gets_description_and_table(show):
    shown = show(GradientLandscape(), java_script_enabled=False)
    place = shown[0]
    assert place.locator("noscript p").is_visible()
    assert place.locator("noscript table td", has_text="+0.327").count() == 1


def test_a_link_holds_the_view_and_opens_it_again(show):
    shown = show(GradientLandscape())
    shown[0].get_by_label("predicted gap", exact=True).press("End")
    shown[0].get_by_role("button", name="link to this view").click()
    link = shown.address()
    assert link.endswith("#landscape?alpha=3&margin=1&predicted_gap=4&true_loss_i=0.45&true_loss_j=0.47")
    again = show(GradientLandscape(), at=link[link.index("#") :])
    assert gradients(again[0]) == pytest.approx(python_gradients(predicted_gap=4.0), rel=1e-12)
    again[0].get_by_role("button", name="reset").click()
    again.settle()
    assert gradients(again[0]) == pytest.approx(python_gradients(), rel=1e-12)


@pytest.mark.parametrize("query", ["margin=7", "margin=", "margin=1,2", "margin=x", "nothing=1", "margin=Infinity"])
def test_a_link_to_what_cannot_be_changes_nothing(show, query):
    shown = show(GradientLandscape(), at=f"#landscape?{query}")
    assert gradients(shown[0]) == pytest.approx(python_gradients(), rel=1e-12)
    assert shown.visit.complaints == {}


def test_the_second_explorer_of_a_kind_has_a_link_of_its_own(show):
    shown = show(GradientLandscape(), GradientLandscape(), at="#landscape-2?predicted_gap=2")
    assert gradients(shown[0]) == pytest.approx(python_gradients(), rel=1e-12)
    assert gradients(shown[1]) == pytest.approx(python_gradients(predicted_gap=2.0), rel=1e-12)
