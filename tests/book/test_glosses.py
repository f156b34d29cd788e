"""Symbols and terms say what they mean: what is marked, with which meaning, and by mouse, keyboard and touch."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "book" / "_ext"))  # for the extension, which is no package

import llpp_glosses as glosses  # noqa: E402

PAGES = re.findall(r"^(?:root|\s+- file): (\S+)", (ROOT / "book" / "_toc.yml").read_text(), flags=re.M)
NOTATION = (ROOT / "book" / "notation.md").read_text()
CHAPTER = "notebooks/01_learning_loss"
MARKS = """() => [...document.querySelectorAll("[data-gloss]")].map(mark => ({
    text: mark.textContent.trim(), id: mark.dataset.gloss, link: mark.closest("a")?.getAttribute("href") ?? null,
    first: "glossFirst" in mark.dataset, stop: (mark.closest("a") ?? mark).tabIndex === 0,
    heading: Boolean(mark.closest("h1, h2, h3, h4, summary")), inside: Boolean(mark.closest(".llpp-gloss")),
    described: (mark.closest("a") ?? mark).getAttribute("aria-describedby"),
}))"""


def settle(page: Any) -> None:
    page.wait_for_load_state("load")
    page.evaluate("async () => { if (window.MathJax && MathJax.startup) await MathJax.startup.promise }")
    page.wait_for_function("() => !document.querySelector('mjx-container:not([display=true])[tabindex]')")


@pytest.mark.parametrize(
    ("tex", "keys"),
    [
        (r"\xi", [[r"\xi"]]),
        (r"\hat l_i", [[r"\hatl_i", r"\hatl"]]),
        (r"\hat l_j", [[r"\hatl_j", r"\hatl_i", r"\hatl"]]),
        (r"l_i, l_j > 0", [["l_i", "l"], ["l_j", "l_i", "l"]]),
        (r"k = 4", [["k"]]),
        (r"k \ge 2", [["k"]]),
        (r"q_j", [["q_j", "q_i"]]),
        (r"w_i", [["w_i"]]),  # one component, or a weight of something else: never the vector's meaning
        (r"\theta^T w", [[r"\theta^Tw"]]),
    ],
)
def test_what_is_looked_up_for_a_formula(tex: str, keys: list[list[str]]) -> None:
    found = [list(dict.fromkeys(glosses.names_of(part))) for part in glosses.parts(tex)]
    assert [set(f) >= set(k) and f[0] == k[0] for f, k in zip(found, keys, strict=True)] == [True] * len(keys)
    assert not any("w" in f for f in found)


@pytest.mark.parametrize(
    ("tex", "defined"),
    [(r"l = L(y, \hat y) > 0", "l"), (r"p_i = l_i / (l_i + l_j)", "p_i"), (r"\hat l_i - \hat l_j", r"\hatl_i-\hatl_j")],
)
def test_which_symbol_a_formula_of_the_table_defines(tex: str, defined: str) -> None:
    assert glosses.symbol(tex) == defined


def test_a_letter_of_one_chapter_is_used_there() -> None:
    rows = re.findall(r"^\| (\$.+?\$) \| (\[.+?\)) \| .+ \|$", NOTATION, flags=re.M)
    assert len(rows) >= 10
    for symbols, pages in rows:
        for page in re.findall(r"\.\./notebooks/(\w+\.ipynb)", pages):
            text = (ROOT / "notebooks" / page).read_text().replace("\\\\", "\\")
            for tex in re.findall(r"\$(.+?)\$", symbols):
                assert re.search(rf"\${re.escape(tex)}(?:\$|[ ,=<>])", text), f"{page} has no {tex}"


@pytest.mark.parametrize("name", PAGES)
def test_every_mark_has_its_text_and_no_text_is_without_a_mark(
    book: Path, open_page: Callable[..., Any], name: str
) -> None:
    visit = open_page(book / f"{name}.html")
    settle(visit.page)
    marks = visit.page.evaluate(MARKS)
    texts = visit.page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('.llpp-gloss')].map(t => [t.id, t.textContent]))"
    )
    assert {m["id"] for m in marks} == set(texts)
    assert all(len(text) > 10 for text in texts.values())
    for mark in marks:
        assert not mark["heading"]
        assert not mark["inside"]
        assert mark["described"] == mark["id"]
        assert mark["stop"] == (mark["first"] or mark["link"] is not None)
        if mark["link"]:
            assert re.search(r"(?:glossary\.html)?#term-", mark["link"])
    assert visit.page.locator(".llpp-gloss a").count() == 0
    raw = visit.page.locator(".llpp-gloss .math").filter(has_not=visit.page.locator("mjx-container"))
    assert raw.count() == 0
    assert not visit.complaints


def test_the_chapters_of_theory_say_what_their_symbols_mean(book: Path, open_page: Callable[..., Any]) -> None:
    expected = {
        "01_learning_loss": ["margin", "predicted_loss", "embedding", "weights", "loss predictor"],
        "02_learning_loss_pp": ["predicted_share", "logarithm of the ratio of the noise", "KL divergence"],
        "03_pairs_too_close": ["shape", "loss_gap", "value at which the density", "near tie"],
        "04_expected_gradient": ["expected_share", "weight of one term", "true_share"],
        "05_beyond_pairs": ["alpha: exponent", "U-statistic"],
        "06_the_machine": ["place of joint", "global average pooling"],
        "08_table_3": ["accepted chance of a false verdict"],
    }
    for name, meanings in expected.items():
        visit = open_page(book / f"notebooks/{name}.html")
        settle(visit.page)
        shown = "\n".join(visit.page.locator(".llpp-gloss").all_text_contents())
        for meaning in meanings:
            assert meaning in shown, f"{name} does not say {meaning!r}"
    assert "inverse temperature" not in shown, "in Table 3's chapter α is another letter"


def test_a_meaning_is_the_sentence_of_the_page_of_notation(book: Path, open_page: Callable[..., Any]) -> None:
    (sentence,) = re.findall(r"^\| \$\\xi\$ \| `margin` \| (.+) \|$", NOTATION, flags=re.M)
    visit = open_page(book / f"{CHAPTER}.html")
    settle(visit.page)
    assert any(sentence in t for t in visit.page.locator(".llpp-gloss").all_text_contents())


def first_symbol(page: Any) -> tuple[Any, Any]:
    """The first mark that is no link, and its text."""
    mark = page.locator("[data-gloss][tabindex='0']").first
    mark.scroll_into_view_if_needed()
    return mark, page.locator(f"#{mark.get_attribute('data-gloss')}")


def test_the_mouse_opens_a_text_that_stays_under_it_and_goes_after_it(
    book: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(book / f"{CHAPTER}.html").page
    settle(page)
    mark, text = first_symbol(page)
    assert not text.is_visible()
    boxes = "() => [...document.querySelectorAll('article p, article h2, article .math')].map(e => e.offsetTop)"
    before = page.evaluate(boxes)
    mark.hover()
    text.wait_for(state="visible")
    assert page.evaluate(boxes) == before, "nothing moves"
    box, over = text.bounding_box(), mark.bounding_box()
    assert box["y"] + box["height"] <= over["y"] + 1 or box["y"] >= over["y"] + over["height"] - 1
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=12)
    page.wait_for_timeout(500)
    assert text.is_visible(), "the pointer may rest on the text"
    page.mouse.move(5, 790, steps=8)
    text.wait_for(state="hidden")


def test_escape_closes_without_moving_anything(book: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(book / f"{CHAPTER}.html").page
    settle(page)
    mark, text = first_symbol(page)
    mark.hover()
    text.wait_for(state="visible")
    page.keyboard.press("Escape")
    assert not text.is_visible()


def test_the_keyboard_stops_at_a_symbol_once_a_section(book: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(book / f"{CHAPTER}.html").page
    settle(page)
    mark, text = first_symbol(page)
    page.evaluate("m => m.closest('p').previousElementSibling.querySelector('a')?.focus()", mark.element_handle())
    for _ in range(40):
        page.keyboard.press("Tab")
        if mark.evaluate("m => m === document.activeElement"):
            break
    assert text.is_visible()
    assert mark.evaluate("m => getComputedStyle(m).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    assert not text.is_visible()
    stops = page.evaluate(
        """() => [...document.querySelectorAll("[data-gloss][tabindex='0']")].map(m =>
            [m.closest("section, .compound, .exercise-content")?.id ?? "", m.dataset.gloss].join())"""
    )
    sections = page.locator("article section").count() + page.locator(".exercise-content, .solution-content").count()
    assert len(stops) == len(page.query_selector_all("[data-gloss-first]:not(a *)"))
    assert max(stops.count(s) for s in stops) <= sections
    assert page.locator("mjx-container:not([display='true'])[tabindex]").count() == 0


def test_a_term_opens_with_focus_and_leads_to_the_glossary(book: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(book / f"{CHAPTER}.html").page
    settle(page)
    link = page.locator("a:has(> [data-gloss])").first
    text = page.locator(f"#{link.locator('[data-gloss]').get_attribute('data-gloss')}")
    page.keyboard.press("Tab")  # so that focus is the keyboard's
    link.focus()
    assert text.is_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/glossary.html#term-loss-predictor")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_finger_opens_a_symbol_and_a_term_and_follows_at_the_second_tap(
    book: Path, open_page: Callable[..., Any], scheme: str
) -> None:
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "color_scheme": scheme}
    page = open_page(book / f"{CHAPTER}.html", **phone).page
    settle(page)
    mark, text = first_symbol(page)
    mark.tap()
    assert text.is_visible()
    box = text.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    page.touchscreen.tap(180, 700)
    assert not text.is_visible()
    link = page.locator("a:has(> [data-gloss])").first
    link.scroll_into_view_if_needed()
    link.tap()
    assert page.locator(f"#{link.locator('[data-gloss]').get_attribute('data-gloss')}").is_visible()
    assert page.url.endswith("01_learning_loss.html")
    link.tap()
    page.wait_for_url("**/book/glossary.html#term-loss-predictor")


def test_search_does_not_find_the_texts_on_every_page(book: Path) -> None:
    index = (book / "searchindex.js").read_text()
    docs = re.search(r'"docnames":\s*\[(.*?)\]', index)
    assert docs
    names = re.findall(r'"([^"]+)"', docs[1])
    found = re.search(r'"penultim":\s*(\[[\d, ]+\]|\d+)', index)
    assert found
    pages = {names[int(n)] for n in re.findall(r"\d+", found[1])}
    assert "book/notation" in pages
    assert "book/claims" not in pages
