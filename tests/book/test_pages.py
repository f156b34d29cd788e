"""The built book in a real browser, from files and with the network blocked: what a reader sees is whole."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = re.findall(r"^(?:root|\s+- file): (\S+)", (ROOT / "book" / "_toc.yml").read_text(), flags=re.M)
CHAPTERS = [name for name in PAGES if name.startswith("notebooks/")]
SCHEMES = {"light": {"color_scheme": "light"}, "dark": {"color_scheme": "dark"}}
NARROW = {"viewport": {"width": 360, "height": 740}}


def settle(page):
    """Wait until mathematics and figures are done."""
    page.wait_for_function("() => !window.MathJax || (MathJax.startup && MathJax.startup.promise)")
    page.evaluate("async () => { if (window.MathJax && MathJax.startup) await MathJax.startup.promise }")
    page.wait_for_function("() => [...document.querySelectorAll('.llpp-plot')].every(p => p.dataset.drawn === 'true')")


def test_every_page_and_notebook_is_in_the_contents(root):
    there = [
        p.relative_to(root).with_suffix("")
        for p in [*root.glob("book/*.md"), *root.glob("book/api/*.md"), *root.glob("notebooks/*.ipynb")]
    ]
    assert sorted(PAGES) == sorted(p.as_posix() for p in there)


def test_the_first_page_is_where_the_build_says(book, open_page):
    visit = open_page(book / "index.html")
    visit.page.wait_for_url("**/book/intro.html")
    assert visit.page.locator("article h1").text_content().startswith("LearningLoss++")
    assert not visit.complaints


@pytest.mark.parametrize("options", SCHEMES.values(), ids=SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(book, open_page, name, options):
    visit = open_page(book / f"{name}.html", **options)
    settle(visit.page)
    assert not visit.complaints, visit.complaints
    raw = visit.page.locator(".math").filter(has_not=visit.page.locator("mjx-container"))
    assert raw.count() == 0, f"not typeset: {raw.all_inner_texts()[:3]}"
    assert visit.page.locator("mjx-merror, [data-mjx-error]").count() == 0
    plots = visit.page.locator(".llpp-plot")
    for i in range(plots.count()):
        assert plots.nth(i).locator(".main-svg").count() > 0
        assert plots.nth(i).bounding_box()["height"] > 200
    for picture in visit.page.locator("img").all():
        assert picture.evaluate("i => i.complete && i.naturalWidth > 0")


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_the_figures_and_formulas_that_its_notebook_makes(book, open_page, root, name):
    source = (root / f"{name}.ipynb").read_text()
    visit = open_page(book / f"{name}.html")
    settle(visit.page)
    count = visit.page.locator
    assert count(".llpp-plot, .llpp-drawing").count() >= len(re.findall(r"\bfigures\.\w+\(", source))
    assert count(".llpp-gallery").count() >= len(re.findall(r"\bgalleries\.\w+\(", source))
    assert count("mjx-container").count() >= len(re.findall(r"\$\$ \(eq-", source))


@pytest.mark.parametrize("name", PAGES)
def test_nothing_scrolls_sideways_on_a_telephone(book, open_page, name):
    visit = open_page(book / f"{name}.html", **NARROW)
    settle(visit.page)
    assert visit.page.evaluate("() => document.documentElement.scrollWidth") <= 360


DRAWN = """slider => {
    const drawings = slider.closest(".llpp-explorer").querySelector(".drawings");
    const canvases = [...drawings.querySelectorAll("canvas")].map(c => c.toDataURL());
    return drawings.innerHTML + canvases.join();
}"""
"""What an explorer's drawings show: their marks and their pixels, and not the slider or the number beside it."""


@pytest.mark.parametrize(("name", "count"), [("book/intro", 2), ("notebooks/02_learning_loss_pp", 4)])
def test_every_slider_that_moves_redraws(book, open_page, name, count):
    visit = open_page(book / f"{name}.html")
    settle(visit.page)
    sliders = visit.page.locator(".llpp-explorer input[type=range]")
    assert sliders.count() >= count
    for slider in sliders.all():
        before, value = slider.evaluate(DRAWN), slider.input_value()
        slider.focus()
        slider.press("ArrowRight")
        assert slider.input_value() != value
        visit.page.wait_for_function(f"([s, b]) => ({DRAWN})(s) !== b", arg=[slider.element_handle(), before])
    assert not visit.complaints


def test_figures_follow_the_reader_from_light_to_dark(book, open_page):
    visit = open_page(book / "notebooks/02_learning_loss_pp.html", color_scheme="light")
    settle(visit.page)
    color = "() => getComputedStyle(document.querySelector('.llpp-plot .xtick text')).fill"
    before = visit.page.evaluate(color)
    visit.page.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
    visit.page.wait_for_function(f"b => ({color})() !== b", arg=before)


def test_plotly_is_loaded_where_there_is_a_figure_and_nowhere_else(book, open_page):
    for name in PAGES:
        visit = open_page(book / f"{name}.html")
        settle(visit.page)
        loaded = visit.page.locator("script[src*='plotly']").count()
        assert loaded == (1 if visit.page.locator(".llpp-plot").count() else 0)


def test_every_figure_has_a_caption_an_alternative_text_and_its_data(book):
    for name in CHAPTERS:
        html = (book / f"{name}.html").read_text()
        for figure in re.findall(r'<figure class="llpp-figure">.*?</figure>', html, flags=re.DOTALL):
            assert re.search(r'aria-label="[^"]{20,}"', figure)
            assert re.search(r"<figcaption>.{20,}</figcaption>", figure, flags=re.DOTALL)
            assert "Download as CSV" in figure
            spec = re.search(r'application/vnd.plotly.v1\+json">(.*?)</script>', figure, flags=re.DOTALL)
            assert json.loads(spec[1])["data"]


def test_accuracy_stands_above_every_correlation(book):
    html = (book / "notebooks/07_train_and_predict.html").read_text()
    specs = re.findall(r'application/vnd.plotly.v1\+json">(.*?)</script>', html, flags=re.DOTALL)
    scatters = [s for s in map(json.loads, specs) if "Pearson" in json.dumps(s["layout"])]
    assert len(scatters) == 2
    for spec in scatters:
        assert re.match(r"PCK@0\.2 of the pose model here: \d\.\d\d", spec["layout"]["title"]["text"])
    assert html.index("PCK@0.2") < html.index("Pearson")


def test_the_page_says_what_made_it(book):
    text = re.sub(r"<[^>]+>", "", (book / "notebooks/07_train_and_predict.html").read_text())
    assert re.search(r"trained on [\d,]+ images of .+, \d+ epochs", text)
    assert re.search(r"scored [\d,]+ images of .+ and [\d,]+ of", text)
    assert re.search(r"minutes of training\s+[\d.]+ minutes in all, on (CPU|NVIDIA)", text)
    assert re.search(r"Python 3\.\d+\.\d+, torch 2\.", text)


def test_an_equation_leads_to_its_proof_and_the_source_opens_there(book, open_page):
    visit = open_page(book / "notebooks/01_learning_loss.html", **NARROW)
    settle(visit.page)
    visit.page.locator("a[href$='#proof-learning-loss']").first.click()
    visit.page.wait_for_url("**/book/proofs.html#proof-learning-loss")
    settle(visit.page)
    section = visit.page.locator("section:has(> span#proof-learning-loss)")
    assert re.match(r"\(1\.1\) ", section.locator("h3").inner_text())
    box = section.locator("details").first
    assert not box.locator("pre").is_visible()
    box.locator("summary").click()
    code = box.locator("pre")
    assert "def learning_loss() -> Objective:" in code.inner_text()
    assert code.evaluate("c => c.scrollWidth > c.clientWidth"), "a long line scrolls in its box"
    for part in [code, *visit.page.locator("article summary .sd-summary-state-marker").all()]:
        assert part.bounding_box()["x"] + part.bounding_box()["width"] <= 360, "a long name wraps"
    assert visit.page.evaluate("() => document.documentElement.scrollWidth") <= 360
    assert not visit.complaints


@pytest.mark.parametrize("width", [360, 760, 1000, 1280])
def test_the_claims_are_read_without_scrolling_sideways(book, open_page, width):
    visit = open_page(book / "book/claims.html", viewport={"width": width, "height": 740})
    settle(visit.page)
    box = visit.page.locator(".pst-scrollable-table-container")
    assert box.evaluate("b => b.scrollWidth <= b.clientWidth")
    rows = visit.page.locator(".llpp-claims tbody tr")
    assert rows.count() == 19
    assert rows.first.locator("td").nth(5).inner_text() == "holds"
    assert visit.page.locator(".llpp-claims a").count() >= 19


def test_no_page_names_a_path_of_the_machine_that_built_it(book, root):
    for page in book.rglob("*.html"):
        assert str(root) not in page.read_text(), f"{page.name} holds {root}"
    for page in (book / "_sources").rglob("*"):
        assert not page.is_file() or str(root) not in page.read_text(), f"{page.name} holds {root}"
    assert Path(root).is_absolute()
