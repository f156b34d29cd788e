"""The batch lab as a reader of the static page uses it: opened from a file, with no network."""

import numpy as np
import pytest

from llpp_core.explorers import BatchLab
from llpp_core.explorers.batch import PRESETS

TIES, OUTLIER = PRESETS["near ties"], PRESETS["one stands out"]
STATES = [
    {},
    {"scheme": "all pairs"},
    {"scheme": "all at once", **OUTLIER},
    {"objective": "Learning Loss", "pairing": 0, **TIES},
    {"objective": "Learning Loss", "scheme": "all pairs", "margin": 0.3},
    {**PRESETS["knows the losses"], "pairing": 104},
]


def in_python(**state):
    """What the page should show: dots, means and deviations, and the three lengths."""
    explorer = BatchLab(**state)
    pushes = explorer.pushes()
    explorer.close()
    return pushes


def agrees(place, **state):
    pushes = in_python(**state)
    lengths = [float(place.locator(f"data.{name}").get_attribute("value")) for name in ("now", "mean", "deviation")]
    wanted = [np.sqrt((v**2).sum()) for v in (pushes.now, pushes.mean, pushes.deviation)]
    assert lengths == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    # the dots and bars stand where their numbers are, on the axis that the labels name
    rows = place.locator(".spread line.grid").evaluate_all("lines => lines.map((line) => line.y1.baseVal.value)")
    label = place.locator(".spread .tick-label").first.text_content().replace("−", "-")
    scale, middle = (rows[0] - rows[1]) / abs(float(label)), rows[1]
    dots = place.locator(".spread circle.now").evaluate_all("all => all.map((one) => one.cy.baseVal.value)")
    assert [(middle - y) / scale for y in dots] == pytest.approx(list(pushes.now), abs=1e-5)
    bars = place.locator(".spread rect.deviation").evaluate_all(
        "all => all.map((one) => [one.y.baseVal.value, one.height.baseVal.value])"
    )
    assert [height / 2 / scale for _, height in bars] == pytest.approx(list(pushes.deviation), abs=1e-5)
    assert [(middle - y - height / 2) / scale for y, height in bars] == pytest.approx(list(pushes.mean), abs=1e-5)


def state_of(shown):
    """The traits of the current view, from its link."""
    shown[0].get_by_role("button", name="link").click()
    query = shown.address().split("#batch?")[1].replace("%2C", ",").replace("+", " ").replace("%20", " ")
    found = {}
    for part in query.replace("%2B", "+").split("&"):
        name, text = part.split("=")
        words = name in ("scheme", "objective")
        found[name] = text if words else [float(v) for v in text.split(",")] if "," in text else float(text)
    return found


def test_page_computes_what_python_computes(show):
    shown = show(*(BatchLab(**state) for state in STATES))
    for index, state in enumerate(STATES):
        agrees(shown[index], **state)
    assert shown.visit.complaints == {}


@pytest.mark.parametrize("means", ["mouse", "touch"])
def test_a_sample_is_dragged_in_both_directions(show, means):
    finger = {"has_touch": True, "viewport": {"width": 360, "height": 900}} if means == "touch" else {}
    shown = show(BatchLab(), **finger)
    point = shown[0].get_by_label("sample d", exact=True)
    point.scroll_into_view_if_needed()
    (shown.touch_drag if means == "touch" else shown.drag)(point, 20, 30)
    before, after = BatchLab(), state_of(shown)
    assert after["true_losses"][3] > 1.03 * before.true_losses[3]
    assert after["predicted_losses"][3] < before.predicted_losses[3] - 0.2
    for name in ("true_losses", "predicted_losses"):
        assert [v for n, v in enumerate(after[name]) if n != 3] == [
            v for n, v in enumerate(getattr(before, name)) if n != 3
        ]
    agrees(shown[0], **after)
    before.close()
    assert shown.visit.complaints == {}


def test_keys_move_samples_sliders_and_choices(show):
    shown = show(BatchLab())
    place = shown[0]
    place.get_by_label("sample a", exact=True).press("Shift+ArrowUp")
    place.get_by_label("sample h", exact=True).press("ArrowLeft")
    place.get_by_label("number of the pairing").press("End")
    place.get_by_label("margin of Learning Loss").press("Home")
    place.get_by_label("Learning Loss", exact=True).check()
    shown.settle()
    state = state_of(shown)
    assert state["predicted_losses"][0] == pytest.approx(0.9)
    assert state["true_losses"][7] == pytest.approx(4.2 / 10**0.01, abs=0.006)
    assert (state["pairing"], state["margin"], state["objective"]) == (104, 0, "Learning Loss")
    agrees(place, **state)
    assert place.get_by_label("number of the pairing").get_attribute("aria-valuetext") == "105 of 105"
    place.get_by_label("all pairs").check()
    shown.settle()
    agrees(place, **{**state, "scheme": "all pairs"})


def test_dealing_comes_past_every_pairing(show):
    shown = show(BatchLab(scheme="all pairs", pairing=0))
    place = shown[0]
    deal = place.get_by_role("button", name="deal once")
    seen = set()
    for _ in range(105):
        deal.click()
        shown.settle()
        seen.add(int(place.get_by_label("number of the pairing").input_value()))
    assert seen == {*range(105)}
    assert place.get_by_label("halves", exact=True).is_checked()  # who deals wants to see pairs


def test_it_deals_again_only_when_asked(show):
    shown = show(BatchLab())
    place, slider = shown[0], shown[0].get_by_label("number of the pairing")
    shown.page.wait_for_timeout(700)
    assert slider.input_value() == "16"
    place.get_by_role("button", name="deal and deal again").click()
    shown.page.wait_for_timeout(1400)
    place.get_by_role("button", name="pause").click()
    shown.settle()
    held = slider.input_value()
    assert held != "16"
    shown.page.wait_for_timeout(700)
    assert slider.input_value() == held
    agrees(place, pairing=float(held))


def test_less_motion_deals_once(show):
    shown = show(BatchLab(), reduced_motion="reduce")
    shown[0].get_by_role("button", name="deal and deal again").click()
    shown.page.wait_for_timeout(700)
    assert shown[0].get_by_label("number of the pairing").input_value() == str(16 + 38)


def test_a_link_opens_the_view_and_reset_leaves_it(show):
    losses = ",".join(map(str, OUTLIER["true_losses"]))
    shown = show(BatchLab(), at=f"#batch?true_losses={losses}&scheme=all%20at%20once&pairing=3")
    agrees(shown[0], true_losses=OUTLIER["true_losses"], scheme="all at once", pairing=3)
    shown[0].get_by_role("button", name="reset").click()
    shown.settle()
    agrees(shown[0])
    shown[0].get_by_role("button", name="near ties").click()
    shown.settle()
    agrees(shown[0], **TIES)


def test_lines_are_the_pairs_and_as_wide_as_their_push(show):
    shown = show(BatchLab(pairing=7), BatchLab(scheme="all pairs"), BatchLab(scheme="all at once"))
    assert [shown[n].locator(".plane line.pair").count() for n in range(3)] == [4, 28, 0]
    tied = show(BatchLab(objective="Learning Loss", true_losses=[1.0] * 8))
    assert tied[0].locator(".plane line.pair.idle").count() == 4  # an exact tie is not pushed
    assert "pushes 0 of 4 pairs" in tied.words()


def test_words_say_who_pushes_hardest(show):
    shown = show(BatchLab(), BatchLab(scheme="all pairs"), BatchLab(scheme="all at once"))
    words = [shown.words(n).replace("\u00a0", " ") for n in range(3)]
    assert "Pairing 17 of 105: a–c, b–d, e–g, f–h." in words[0]
    assert "pushes f and h hardest, f down and h up, with 24.0 % of full force." in words[0]
    assert "0.16 long in the mean, and a pairing lies 0.14 from that" in words[0]
    assert "All pairs give that mean" in words[1]
    assert "its predicted share of the batch less its true one is" in words[2]


def test_words_fit_their_room_and_no_width_scrolls_sideways(show):
    shown = show(*(BatchLab(**state) for state in STATES))
    for width in (320, 360, 480, 760, 1400, 2560):
        shown.page.set_viewport_size({"width": width, "height": 800})
        shown.settle()
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
        heights = {shown[index].bounding_box()["height"] for index in range(len(STATES))}
        assert max(heights) - min(heights) < 1, f"the page moves at {width}"


def test_dark_is_another_color(show):
    shown = show(BatchLab(), theme="dark")
    color = "bar => getComputedStyle(bar).stroke"
    dark = shown[0].locator("line.mean").first.evaluate(color)
    shown.page.evaluate("document.documentElement.dataset.theme = 'light'")
    shown.settle()
    assert shown[0].locator("line.mean").first.evaluate(color) == "rgb(0, 114, 178)" != dark


def test_reader_without_scripts_gets_picture_description_and_table(show):
    shown = show(BatchLab(), java_script_enabled=False)
    assert shown[0].locator("noscript svg.llpp-picture").is_visible()
    assert "0.162 long in the mean" in shown[0].locator("noscript p").inner_text()
    assert shown[0].locator("noscript tbody tr").count() == 8
