"""No page keeps readers with disabilities out, as far as axe can tell; none breaks on a wide screen or on paper."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = re.findall(r"^(?:root|\s+- file): (\S+)", (ROOT / "book" / "_toc.yml").read_text(), flags=re.M)
WIDE = {"viewport": {"width": 2560, "height": 1200}}
READY = """async () => {
    if (window.MathJax?.startup) await MathJax.startup.promise;
    return !document.querySelector(".llpp-plot:not([data-drawn]), [data-explorer]:not([data-ready])");
}"""
SERIOUS = """async (options) => (await axe.run(document, { ...options, resultTypes: ["violations"] })).violations
    .filter((found) => ["serious", "critical"].includes(found.impact))
    .map((found) => `${found.id}: ${found.nodes.map((node) => node.target.join(" ")).slice(0, 3).join("; ")}`)"""


@pytest.fixture(scope="session")
def axe():
    """The text of axe, the script that looks."""
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious_in_light_and_dark(book, open_page, axe, name):
    """One visit for both: what is no color is the same in both."""
    visit = open_page(book / f"{name}.html", color_scheme="light", reduced_motion="reduce")
    visit.page.wait_for_function(READY)
    visit.page.evaluate(axe)
    assert visit.page.evaluate(SERIOUS, {}) == []
    visit.page.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
    visit.page.wait_for_function("() => getComputedStyle(document.body).colorScheme !== ''")
    assert visit.page.evaluate(SERIOUS, {"runOnly": {"type": "rule", "values": ["color-contrast"]}}) == []


def test_axe_would_find_what_is_wrong(open_page, axe, tmp_path):
    path = tmp_path / "wrong.html"
    path.write_text(
        '<!doctype html><html lang="en" data-theme="light"><title>wrong</title><main><h1>Wrong</h1>'
        '<div role="img" aria-label="a drawing"><button>a button in it</button></div>'
        '<p style="color: #ccc; background: #fff">hard to read</p></main>',
        encoding="utf-8",
    )
    visit = open_page(path)
    visit.page.evaluate(axe)
    found = visit.page.evaluate(SERIOUS, {})
    assert [line.split(":")[0] for line in found] == ["color-contrast", "nested-interactive"]


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_broken_on_a_wide_screen(book, open_page, name):
    visit = open_page(book / f"{name}.html", **WIDE)
    visit.page.wait_for_function(READY)
    assert visit.page.evaluate("() => document.documentElement.scrollWidth") <= 2560
    for part in visit.page.locator(".llpp-numbered, .llpp-explorer").all():
        box, inside = part.bounding_box(), visit.page.locator("article").first.bounding_box()
        assert box["x"] + box["width"] <= inside["x"] + inside["width"] + 1


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("notebooks/")])
def test_figures_are_numbered_in_the_order_of_the_page_and_can_be_linked_to(book, name):
    html = (book / f"{name}.html").read_text(encoding="utf-8")
    chapter = re.search(r'<h1><span class="section-number">(\d+)\.', html)
    numbers = re.findall(r'class="caption-number">Figure ([\d.]+) ', html)
    wanted = len(re.findall(r'<figure class="llpp-figure[ "]|class="[^"]*\bllpp-explorer"', html))
    if chapter:
        assert numbers == [f"{chapter[1]}.{i}" for i in range(1, len(numbers) + 1)]
    labels = re.findall(r'<div class="llpp-numbered[^"]*" id="(fig-[a-z0-9-]+)"', html)
    assert len(numbers) == len(labels) == len(set(labels))
    assert len(numbers) <= wanted
    for label in labels:
        assert f'href="#{label}" title="Link to this figure"' in html


def test_a_page_goes_to_paper_light_with_open_solutions_and_no_bars(book, open_page):
    visit = open_page(book / "notebooks/01_learning_loss.html", color_scheme="dark")
    page = visit.page
    page.wait_for_function(READY)
    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    for hidden in (
        ".bd-sidebar-primary",
        ".bd-header-article",
        ".prev-next-footer",
        ".llpp-data",
        ".modebar-container",
    ):
        assert not any(part.is_visible() for part in page.locator(hidden).all()), hidden
    assert page.locator("article h1").is_visible()
    assert not page.locator("#jb-print-docs-body").is_visible()
    solutions = page.locator("article div.solution")
    folded = solutions.and_(page.locator(".toggle-hidden"))
    assert solutions.count() > 0 == folded.count()
    assert page.locator(".llpp-plot .main-svg").first.bounding_box()["width"] == 640
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    assert folded.count() == solutions.count()
