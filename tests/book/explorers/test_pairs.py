"""Pairs too close to call, as a reader of the static page uses it: opened from a file, with no network."""

from decimal import Decimal
from itertools import combinations, pairwise

import numpy as np
import pytest

from llpp_core.analysis import gamma_pairs, printed
from llpp_core.explorers import PairsTooClose
from llpp_core.explorers.pairs import pairs_within

NUMBER = ".{} .heading data"


def shown_values(place):
    return [float(place.locator(NUMBER.format(key)).get_attribute("value")) for key in ("within", "share")]


def python_values(loss_gap=0.1, shape=4.0, scale=0.066):
    return [f(loss_gap, shape, scale) for f in (gamma_pairs.probability_within, gamma_pairs.expected_share)]


def knob(place, name):
    return place.locator(f".handle[aria-label='{name}'] .knob")


def gap_of(place):
    return float(place.locator(".handle[aria-label='gap δ, edge of the band']").get_attribute("aria-valuenow"))


def paste(shown, text):
    place = shown[0]
    if place.locator("details.losses").get_attribute("open") is None:
        place.locator("details.losses summary").click()
    place.locator("textarea").fill(text)
    place.get_by_role("button", name="fit these").click()
    shown.settle()
    return place.locator(".status").inner_text()


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"loss_gap": 0.3, "scale": 0.0666},
        {"shape": 0.3, "scale": 2, "loss_gap": 0.002},
        {"shape": 100, "scale": 1e3, "loss_gap": 1e-4},
        {"shape": 0.5, "scale": 1e-3, "loss_gap": 1},
    ],
)
def test_page_computes_what_python_computes(show, state):
    shown = show(PairsTooClose(**state))
    assert shown_values(shown[0]) == pytest.approx(python_values(**state), rel=1e-10)
    text = "\n".join(path.get_attribute("d") for path in shown[0].locator("path").all())
    assert "NaN" not in text
    assert "Infinity" not in text
    assert shown.visit.complaints == {}


def test_readouts_have_four_digits_and_the_words_say_them(show):
    shown = show(PairsTooClose())
    within, share = (f"{value:.4f}" for value in python_values())
    assert shown[0].locator(NUMBER.format("within")).inner_text() == f"P = {within}"
    assert shown[0].locator(NUMBER.format("share")).inner_text() == f"φ = {share}"
    words = shown.words()
    assert f"{100 * python_values()[0]:.2f}\u00a0%" in words
    assert f"φ\u00a0=\u00a0+{0.5 - python_values()[1]:.4f}" in words


def test_rings_are_full_where_the_curve_rounds_to_the_printed_number(show):
    shown = show(PairsTooClose())
    place = shown[0]
    for name, scale in (("the paper's fit", 0.066), ("the tables' scale", 0.0666)):
        place.get_by_role("button", name=name).click()
        shown.settle()
        hits = []
        for key, table, function in (
            ("within", printed.TABLE_1, gamma_pairs.probability_within),
            ("share", printed.TABLE_2, gamma_pairs.expected_share),
        ):
            rings = place.locator(f".{key} .ring")
            expected = np.abs(function(np.array(table.loss_gap), 4.0, scale) - np.array(table.value)) <= table.half_unit
            assert ["hit" in ring.get_attribute("class") for ring in rings.all()] == list(expected)
            hits.append(int(expected.sum()))
        assert f"{hits[0]} of 7 numbers of Table 1, {hits[1]} of 6 of Table 2" in shown.words()
    assert hits == [7, 6]
    place.get_by_label("shape k", exact=True).press("End")
    shown.settle()
    assert place.locator(".ring").count() == 0


@pytest.mark.parametrize(
    ("name", "trait"),
    [
        ("larger loss of the pair, by its gap", "gap"),
        ("smaller loss of the pair, in mean losses", "smaller"),
        ("gap δ, edge of the band", "gap"),
        ("gap δ, on the curve of P", "gap"),
        ("gap δ, on the curve of φ", "gap"),
        ("predicted share q of the smaller loss", "share"),
    ],
)
def test_every_knob_moves_by_mouse_finger_and_key(show, name, trait):
    shown = show(PairsTooClose(loss_gap=0.2), has_touch=True, viewport={"width": 760, "height": 1800})
    handle = shown[0].locator(f".handle[aria-label='{name}']")
    across, down = (0, 25) if trait == "share" else (25, 0)

    def value():
        return float(handle.get_attribute("aria-valuenow"))

    seen = [value()]
    shown.drag(knob(shown[0], name), across, down)
    seen.append(value())
    shown.touch_drag(knob(shown[0], name), across, down)
    seen.append(value())
    handle.press("Shift+ArrowLeft")
    shown.settle()
    seen.append(value())
    rising = [later > earlier for earlier, later in pairwise(seen)]
    assert rising == ([False, False, False] if trait == "share" else [True, True, False])
    if trait == "gap":
        assert shown_values(shown[0]) == pytest.approx(python_values(loss_gap=value()), rel=1e-10)
    assert shown.visit.complaints == {}


def test_a_dragged_band_lands_where_the_pointer_is(show):
    shown = show(PairsTooClose())
    edge = knob(shown[0], "gap δ, edge of the band")
    before = edge.bounding_box()["x"]
    shown.drag(edge, 60, 0)
    assert edge.bounding_box()["x"] - before == pytest.approx(60, abs=2)
    # A drag far beyond the axis ends at it, and does not run away with it.
    shown.drag(edge, 2000, 0)
    assert gap_of(shown[0]) <= 3 * np.sqrt(8) * 0.066 * 1.01


def test_sliders_reach_both_ends_by_keyboard(show):
    shown = show(PairsTooClose())
    for name in ("shape k", "scale Θ", "gap δ"):
        slider = shown[0].get_by_label(name, exact=True)
        for key, end in (("Home", "min"), ("End", "max")):
            slider.press(key)
            assert slider.input_value() == slider.get_attribute(end)
    shown.settle()
    expected = python_values(shape=100, scale=1e3, loss_gap=1e3)
    assert shown_values(shown[0]) == pytest.approx(expected, rel=1e-10)
    shown[0].get_by_role("button", name="reset").click()
    shown.settle()
    assert shown_values(shown[0]) == pytest.approx(python_values(), rel=1e-10)


def test_a_column_of_losses_is_fitted_and_counted(show):
    losses = np.random.default_rng(0).gamma(2.5, 0.2, 300).round(3).clip(0.001)
    shown = show(PairsTooClose())
    status = paste(shown, "\n".join(f"{v:g}" for v in losses))
    fit = gamma_pairs.fit(losses, samples=1)
    assert f"300 losses: fit k = {fit.shape:.4g}, Θ = {fit.scale:.4g}" in status
    place = shown[0]
    assert shown_values(place) == pytest.approx(python_values(0.1, fit.shape, fit.scale), rel=1e-9)
    exact = sum(abs(a - b) <= Decimal("0.1") for a, b in combinations([Decimal(f"{v:g}") for v in losses], 2))
    assert f"{exact:,} of {300 * 299 // 2:,}" in shown.words()
    assert exact == pairs_within(losses.tolist(), 0.1)[0]
    heights = place.locator(".loss .bar")
    assert heights.count() > 5
    place.get_by_role("button", name="reset").click()
    heights.first.wait_for(state="detached")
    shown.settle()
    assert "Your losses" not in shown.words()
    assert place.locator(".status").inner_text() == ""
    assert shown.visit.complaints == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "There is no number here yet"),
        ("0.5", "This is one loss"),
        ("0.5\n0.5\n0.5", "All 3 losses are 0.5"),
        ("0.5\n\nabc\n0.7", "Line 3 has no number: “abc”."),
        ("0.5\n0\n0.7", "Line 2 is 0: a gamma distribution holds only losses above 0."),
        ("0.5\n-1e-3", "Line 2 is -1e-3: a gamma distribution holds only losses above 0."),
        ("name,loss\na,0.5\nb,", "Line 3 has no number in column 2: “”."),
        ("1\nInfinity", "Line 2 has no number: “Infinity”."),
        ("1\n1e999", "Line 2 is 1e999"),
    ],
)
def test_what_cannot_be_fitted_gets_a_sentence_and_changes_nothing(show, text, sentence):
    shown = show(PairsTooClose())
    assert sentence in paste(shown, text)
    assert shown_values(shown[0]) == pytest.approx(python_values(), rel=1e-10)
    assert "Your losses" not in shown.words()
    assert shown.visit.complaints == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.2 0.3 0.5", "3 losses:"),
        ("0.2, 0.3, 0.5", "3 losses:"),
        ("name;loss;other\na;0.2;9\nb;0.3;9\nc;0.5;9", "3 losses, column 2 (loss):"),
        ('"a","0.2"\r\n"b","0.3"\r\n"c",0.5\r\n', "3 losses, column 2:"),
        ("0.2\t7\n0.3\t7\n.5\t7", "3 losses, column 1:"),
    ],
)
def test_what_counts_as_a_column(show, text, said):
    fit = gamma_pairs.fit([0.2, 0.3, 0.5], samples=1)
    shown = show(PairsTooClose())
    assert paste(shown, text).startswith(f"{said} fit k = {fit.shape:.4g}")


def test_a_file_is_chosen_or_dropped(show, tmp_path):
    path = tmp_path / "losses.csv"
    path.write_text("loss\n0.2\n0.3\n0.5\n")
    shown = show(PairsTooClose())
    place = shown[0]
    place.locator("details.losses summary").click()
    place.locator("input[type=file]").set_input_files(path)
    status = place.locator(".status")
    shown.page.wait_for_function("s => s.textContent.startsWith('3 losses')", arg=status.element_handle())
    place.locator("details.losses").evaluate("""box => {
        const carried = new DataTransfer();
        carried.items.add(new File(["0.2\\n0.3\\n0.5\\n0.6"], "more.txt", { type: "text/plain" }));
        box.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
    }""")
    shown.page.wait_for_function("s => s.textContent.startsWith('4 losses')", arg=status.element_handle())
    assert shown.visit.complaints == {}


def test_losses_in_another_unit_bring_the_gap_along(show):
    shown = show(PairsTooClose())
    assert "δ is now " in paste(shown, "200\n300\n500\n410")
    assert 10 < gap_of(shown[0]) < 1000
    assert "beyond the ends of the sliders" in paste(shown, "1\n1.0001\n1.0002")


def test_losses_from_python_are_shown_but_no_link_holds_them(show):
    shown = show(PairsTooClose(losses=[0.2, 0.3, 0.4], loss_gap=0.1))
    assert "2 of 3" in shown.words()  # 0.4 − 0.3 is a gap of 0.1, whatever binary fractions say
    shown[0].get_by_role("button", name="link to this view").click()
    query = "loss_gap=0.1&predicted_share=0.5&scale=0.066&shape=4&smaller_loss=0.7"
    assert shown.address().endswith(f"#pairs-too-close?{query}")


def test_a_link_opens_its_view(show):
    shown = show(PairsTooClose(), at="#pairs-too-close?shape=1&scale=0.5&loss_gap=0.25")
    assert shown_values(shown[0])[0] == pytest.approx(1 - np.exp(-0.5), rel=1e-10)


@pytest.mark.parametrize("width", [320, 360, 760, 1400, 2560])
def test_no_width_scrolls_sideways_and_nothing_moves_as_a_slider_does(show, width):
    shown = show(PairsTooClose(losses=[0.2, 0.3, 0.4]), viewport={"width": width, "height": 900})
    place = shown[0]
    place.locator("details.losses summary").click()
    height = place.locator(".llpp-frame").bounding_box()["height"]
    for name, key in (
        ("shape k", "Home"),
        ("scale Θ", "End"),
        ("gap δ", "Home"),
        ("scale Θ", "Home"),
        ("gap δ", "End"),
    ):
        place.get_by_label(name, exact=True).press(key)
        shown.settle()
        assert place.locator(".llpp-frame").bounding_box()["height"] == height
    inside = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert shown.page.evaluate(inside)


def test_reader_without_scripts_gets_picture_description_and_table(show):
    shown = show(PairsTooClose(), java_script_enabled=False)
    place = shown[0]
    assert place.locator("noscript svg").is_visible()
    assert "0.4408 of all pairs are within" in place.locator("noscript p").inner_text()
    assert place.locator("noscript td", has_text="0.607").count() == 1
