"""The runs player as a reader of the static page uses it, against Python's correlations of the same record."""

import json
import random

import pytest

from llpp_core.explorers import RunsPlayer
from llpp_core.explorers.run_record import correlations

EPOCHS, SAMPLES = [1, 2, 3, 5, 8], 40


def made(methods=("LL", "LL++", "LL++conv"), samples=SAMPLES):
    """A run whose predictions come to know the true losses, with ties and, at first, nothing but ties."""
    draw = random.Random(0)
    true = [[round(1 + draw.gammavariate(2, 1), 2) for _ in range(samples)] for _ in EPOCHS]
    rows = {
        name: [
            [0.0 if n + place == 0 else round(place * value + draw.gauss(0, 3), 2) for value in true[place]]
            for place in range(len(EPOCHS))
        ]
        for n, name in enumerate(methods)
    }
    return {
        "epochs": EPOCHS,
        "ids": [f"figure-{n:03d}" for n in range(samples)],
        "methods": rows,
        "true_loss": true,
        "pck": [0.1, 0.3, 0.5, 0.7, 0.8],
    }


RECORD = made()


def told(value):
    return "undefined" if value != value else f"{value:.2f}".replace("-", "−")


def expected(place):
    pairs = [correlations(rows[place], RECORD["true_loss"][place]) for rows in RECORD["methods"].values()]
    return [f"Pearson {told(pearson)} · Spearman {told(spearman)}" for pearson, spearman in pairs]


def panels(place):
    return place.locator(".panel .values").all_inner_texts()


def marked(place):
    return [panel.locator(".marked").count() for panel in place.locator(".panel").all()]


def listed(place):
    return place.locator(".listed tbody td:first-child").all_inner_texts()


def highest(place, count=10):
    true = RECORD["true_loss"][place]
    return sorted(range(SAMPLES), key=lambda n: -true[n])[:count]


def test_page_tells_pythons_correlations_at_every_epoch(show):
    shown = show(RunsPlayer(record=RECORD, epoch=1))
    slider = shown[0].get_by_label("epoch", exact=True)
    for place, epoch in enumerate(EPOCHS):
        assert slider.get_attribute("aria-valuetext") == f"{epoch} of 8"
        assert panels(shown[0]) == expected(place)
        assert f"After epoch {epoch} of 8 the pose model finds {round(100 * RECORD['pck'][place])} %" in shown.words()
        assert ("That is low" in shown.words()) == (RECORD["pck"][place] < 0.5)
        slider.press("ArrowRight")
        shown.settle()
    assert "undefined" in expected(0)[0]
    assert shown.visit.complaints == {}


def test_correlations_of_the_browser_are_pythons_to_the_last_digits(open_page, tmp_path):
    record = made(samples=100)
    source = (RunsPlayer.sources()[0].parent / "runs_numbers.js").read_text(encoding="utf-8")
    path = tmp_path / "numbers.html"
    path.write_text(f"<!doctype html><script>{RunsPlayer.mathematics()}\n{source}</script>", encoding="utf-8")
    page = open_page(path).page
    pairs = [(row, true) for rows in record["methods"].values() for row, true in
             zip(rows, record["true_loss"], strict=True)]  # fmt: skip
    got = page.evaluate("pairs => pairs.map(([p, t]) => [linear(p, t), linear(places(p), places(t))])", pairs)
    wanted = [correlations(row, true) for row, true in pairs]
    assert got[0] == [None, None]
    for one, other in zip(got[1:], wanted[1:], strict=True):
        assert one == pytest.approx(other, abs=1e-12)


def test_a_drag_marks_in_every_panel_what_lies_within(show):
    shown = show(RunsPlayer(record=RECORD), viewport={"width": 1400, "height": 900})
    place = shown[0]
    frame = place.locator(".panel .frame").nth(1).bounding_box()
    mouse = shown.page.mouse
    x, y = frame["x"] + frame["width"] / 2, frame["y"]  # the right half
    mouse.move(x, y + 1)
    mouse.down()
    mouse.move(frame["x"] + frame["width"] - 1, y + frame["height"] - 1, steps=4)
    assert place.locator(".brush.drawn").count() == 1
    mouse.up()
    shown.settle()
    assert place.locator(".brush.drawn").count() == 0
    middle = float(place.locator(".panel").nth(1).locator(".tick-label").nth(1).text_content())
    true = RECORD["true_loss"][-1]
    wanted = sorted((n for n in range(SAMPLES) if true[n] >= middle), key=lambda n: -true[n])
    assert 0 < len(wanted) < SAMPLES
    assert marked(place) == [len(wanted)] * 3
    assert listed(place) == [RECORD["ids"][n] for n in wanted]
    assert shown.visit.complaints == {}


def test_a_finger_marks_and_a_click_marks_one(show):
    shown = show(RunsPlayer(record=RECORD), has_touch=True, viewport={"width": 360, "height": 800})
    place = shown[0]
    frame = place.locator(".panel .frame").first
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    shown.touch_drag(frame, box["width"] / 2 - 2, 2 - box["height"] / 2)  # from the middle to the upper right
    many = marked(place)
    assert many[0] == many[1] == many[2] > 0
    place.get_by_role("button", name="clear marks").click()
    shown.settle()
    assert marked(place) == [0, 0, 0]
    one = highest(len(EPOCHS) - 1, 1)[0]
    spot = place.locator(".panel").first.locator(".points circle").nth(one).bounding_box()
    shown.page.touchscreen.tap(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
    shown.settle()
    assert listed(place) == [RECORD["ids"][one]]


def test_keys_step_through_the_samples_and_mark_them(show):
    shown = show(RunsPlayer(record=RECORD))
    place = shown[0]
    cursor = place.get_by_role("slider", name="sample, in the panel of LL++", exact=True)
    cursor.focus()
    cursor.press("End")
    cursor.press("Space")
    cursor.press("ArrowLeft")
    shown.settle()
    assert cursor.get_attribute("aria-valuenow") == str(SAMPLES - 1)
    assert cursor.get_attribute("aria-valuetext").startswith(RECORD["ids"][highest(4)[1]])
    cursor.press("Space")
    shown.settle()
    assert listed(place) == [RECORD["ids"][n] for n in highest(4, 2)]
    assert marked(place) == [2, 2, 2]
    assert RECORD["ids"][highest(4)[1]] in place.locator(".readout").inner_text()
    cursor.press("Shift+ArrowLeft")
    shown.settle()
    assert marked(place) == [3, 3, 3]
    predicted = RECORD["methods"]["LL++"][4]
    cursor.press("End")
    for _ in range(SAMPLES):  # up the predictions: to the highest of them, and no further
        cursor.press("ArrowUp")
    shown.settle()
    assert cursor.get_attribute("aria-valuetext").startswith(RECORD["ids"][predicted.index(max(predicted))])
    cursor.press("Escape")
    shown.settle()
    assert marked(place) == [0, 0, 0]


def test_the_highest_ten_stay_marked_while_it_plays(show):
    shown = show(RunsPlayer(record=RECORD))
    place = shown[0]
    place.get_by_role("button", name="mark the 10 highest true losses").click()
    shown.settle()
    assert listed(place) == [RECORD["ids"][n] for n in highest(4)]
    ll = RECORD["methods"]["LL"][4]
    found = set(sorted(range(SAMPLES), key=lambda n: -ll[n])[:10]) & set(highest(4))
    assert f"Of the 10 marked, so many are among the 10 highest predictions: LL {len(found)}," in shown.words()
    place.get_by_role("button", name="play").click()  # at the end: it begins again
    shown.page.wait_for_function("document.querySelector('.play').textContent === 'pause'")
    shown.page.wait_for_function("document.querySelector('.play').textContent === 'play'")
    shown.settle()
    assert place.get_by_label("epoch", exact=True).get_attribute("aria-valuetext") == "8 of 8"
    assert marked(place) == [10, 10, 10]
    place.get_by_role("button", name="start again").click()
    place.get_by_role("button", name="next epoch").click()
    shown.settle()
    assert place.get_by_label("epoch", exact=True).get_attribute("aria-valuetext") == "2 of 8"
    assert marked(place) == [10, 10, 10]


def test_less_motion_shows_the_end_at_once(show):
    shown = show(RunsPlayer(record=RECORD, epoch=1), reduced_motion="reduce")
    shown[0].get_by_role("button", name="play").click()
    shown.settle()
    assert panels(shown[0]) == expected(4)


def test_dragging_in_the_curves_sets_the_epoch(show):
    shown = show(RunsPlayer(record=RECORD))
    shown.drag(shown[0].locator(".curves svg").first, 0, 0)  # a press in the middle
    assert shown[0].get_by_label("epoch", exact=True).get_attribute("aria-valuetext") == "5 of 8"  # 4½


def test_a_link_holds_epoch_marks_and_axis_and_reset_goes_back(show):
    at = "#runs?epoch=3&marked=2,7&scale=log"
    shown = show(RunsPlayer(record=RECORD), at=at)
    place = shown[0]
    assert panels(place) == expected(2)
    assert marked(place) == [2, 2, 2]
    assert place.get_by_role("radio", name="logarithmic").is_checked()
    place.get_by_role("button", name="link to this view").click()
    assert shown.address().endswith("#runs?epoch=3&marked=2%2C7&scale=log")
    place.get_by_role("button", name="reset").click()
    shown.settle()
    assert panels(place) == expected(4)
    assert marked(place) == [0, 0, 0]
    assert shown.visit.complaints == {}


def test_a_mark_that_no_sample_has_is_passed_over(show):
    shown = show(RunsPlayer(record=RECORD), at="#runs?marked=2,400,3.5")
    assert marked(shown[0]) == [1, 1, 1]
    assert shown.visit.complaints == {}


KERNEL = """
const listeners = {};
const model = {
  get: (name) => state[name],
  set(name, value) { state[name] = value; (listeners["change:" + name] ?? []).forEach((listener) => listener()); },
  on: (event, listener) => (listeners[event] ??= []).push(listener),
  off() {}, save_changes() {},
};
render({ model, el: document.querySelector("div") });
window.model = model;
"""
"""Stands for a live notebook, where Python replaces the record."""


def test_a_record_grows_while_it_is_shown(open_page, tmp_path):
    explorer = RunsPlayer()
    state = f"const state = {json.dumps(explorer.state())};"
    module = explorer._esm.replace("export default { render };", state + KERNEL)
    page_style = explorer._css
    explorer.close()
    path = tmp_path / "live.html"
    path.write_text(
        f'<!doctype html><meta charset="utf-8"><style>{page_style}</style><div></div><script type="module">{module}'
        "</script>",
        encoding="utf-8",
    )
    visit = open_page(path)
    page = visit.page
    assert "No epoch is recorded yet" in page.locator(".words").inner_text()
    for count in (1, 2, 3):
        cut = {**RECORD, **{part: RECORD[part][:count] for part in ("epochs", "true_loss", "pck")}}
        cut["methods"] = {name: rows[:count] for name, rows in RECORD["methods"].items()}
        page.evaluate("([record, epoch]) => { model.set('record', record); model.set('epoch', epoch); }",
                      [cut, EPOCHS[count - 1]])  # fmt: skip
        page.wait_for_function(
            f"document.querySelector('.slider output').textContent.startsWith('{EPOCHS[count - 1]} ')"
        )
        assert page.locator(".panel .values").all_inner_texts() == expected(count - 1)
        if count == 1:
            page.locator(".cursor").nth(1).focus()
            page.keyboard.press("Space")
        else:  # neither the mark nor the reader's place is lost
            assert page.locator(".panel").nth(1).locator(".cursor:focus").count() == 1
            assert page.locator(".marked").count() == 3
    page.get_by_role("button", name="reset").click()
    page.wait_for_function("document.querySelectorAll('.marked').length === 0")
    assert page.evaluate("model.get('record').epochs.length") == 3  # what came since is not taken back
    assert visit.complaints == {}


def test_a_name_of_the_record_is_text_wherever_it_stands(show):
    names = ("<u>one</u>", "{two}", "&amp;")
    record = made(names)
    record["ids"][0] = "<u>first</u>"
    shown = show(RunsPlayer(record=record, marked=[0]))
    assert all(name in shown.words() for name in names)
    assert shown[0].locator("u").count() == 0
    assert listed(shown[0]) == ["<u>first</u>"]


def test_gradient_norms_have_curves_of_their_own(show):
    norms = {name: [1.0, 0.5, 0.25, 0.2, 0.0] for name in RECORD["methods"]}  # 0 has no logarithm
    without, with_norms = RunsPlayer(record=RECORD), RunsPlayer(record={**RECORD, "gradient_norm": norms})
    shown = show(without, with_norms)
    assert [shown[n].locator(".curves:visible").count() for n in (0, 1)] == [1, 2]
    assert shown.visit.complaints == {}


@pytest.mark.parametrize(("width", "theme"), [(320, "light"), (360, "dark"), (760, "light"), (2560, "dark")])
def test_no_width_scrolls_sideways(show, width, theme):
    shown = show(RunsPlayer(record=RECORD, marked=[1, 2, 3]), theme=theme, viewport={"width": width, "height": 800})
    inside = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert shown.page.evaluate(inside)


def test_nothing_moves_when_the_epoch_does(show):
    shown = show(RunsPlayer(record=RECORD, epoch=1, marked=[1, 2, 3]), viewport={"width": 360, "height": 800})
    tall = "document.documentElement.scrollHeight"
    before = shown.page.evaluate(tall)
    for _ in EPOCHS:
        shown[0].get_by_label("epoch", exact=True).press("ArrowRight")
        shown.settle()
        assert shown.page.evaluate(tall) == before


def test_reader_without_scripts_gets_picture_description_and_table(show):
    shown = show(RunsPlayer(record=RECORD), java_script_enabled=False)
    assert shown[0].locator("noscript svg circle").count() == 3 * SAMPLES + 3
    assert shown[0].locator("noscript table tbody tr").count() == len(EPOCHS)
