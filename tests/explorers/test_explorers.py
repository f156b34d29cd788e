"""Explorers from Python's side: traits, what a notebook and a page get, and the JavaScript's origin."""

import json
import re

import pytest
from traitlets import TraitError

from llpp_core.analysis import objectives
from llpp_core.explorers import BatchLab, Duel, Explorer, GradientLandscape, PairsTooClose, RunsPlayer, TurningWeight

EXPLORERS = [BatchLab, Duel, TurningWeight, GradientLandscape, PairsTooClose, RunsPlayer]


@pytest.fixture
def landscape():
    explorer = GradientLandscape()
    yield explorer
    explorer.close()


def state_of(html):
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', html, flags=re.DOTALL)
    return json.loads(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 3.1, "1", None, True])
def test_a_trait_refuses_what_is_no_number_in_range(landscape, value):
    with pytest.raises(TraitError, match=r"GradientLandscape\.margin must be a number from 0 to 3, got "):
        landscape.margin = value
    assert landscape.margin == 1.0


def test_constructor_checks_as_assignment_does():
    with pytest.raises(TraitError, match=r"true_loss_i must be a number from 0\.01 to 10, got 0"):
        GradientLandscape(true_loss_i=0)


def test_unknown_trait_is_an_error_that_names_the_known_ones():
    with pytest.raises(
        TypeError, match="has no trait gap; it has alpha, margin, predicted_gap, true_loss_i, true_loss_j"
    ):
        GradientLandscape(gap=1)


@pytest.mark.parametrize("explorer_class", EXPLORERS)
def test_notebook_gets_the_live_widget_and_the_page_its_html(explorer_class):
    explorer = explorer_class()
    data, _ = explorer._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id
    assert data["text/html"] == explorer.html()
    explorer.close()


@pytest.mark.parametrize("explorer_class", EXPLORERS)
def test_html_asks_for_nothing_outside_itself(explorer_class):
    explorer = explorer_class()
    html = explorer.html().replace("http://www.w3.org/2000/svg", "")  # a name, never fetched
    assert not re.search(r"https?:|\bimport\b|\bfetch\b|\bsrc=|\burl\(", html)
    explorer.close()


@pytest.mark.parametrize("explorer_class", EXPLORERS)
def test_module_is_one_that_jupyter_can_load(explorer_class):
    explorer = explorer_class()
    assert explorer._esm.rstrip().endswith("export default { render };")
    assert all(source.is_file() for source in explorer_class.sources())
    explorer.close()


def test_html_holds_the_current_state():
    explorer = GradientLandscape(predicted_gap=0.5)
    explorer.true_loss_j = 2.87
    assert state_of(explorer.html()) == {
        "predicted_gap": 0.5,
        "true_loss_i": 0.45,
        "true_loss_j": 2.87,
        "margin": 1.0,
        "alpha": 3.0,
    }
    explorer.close()


def test_traits_can_be_linked_as_those_of_any_widget(landscape):
    import ipywidgets

    other = GradientLandscape(margin=2)
    link = ipywidgets.link((landscape, "margin"), (other, "margin"))
    landscape.margin = 0.5
    assert other.margin == 0.5
    link.unlink()
    other.close()


def test_nothing_in_state_or_module_can_close_its_script():
    from llpp_core.explorers import Choice

    class Hostile(Explorer):
        anchor, title, caption = "hostile", "Hostile", ""
        parts = ()
        styles = ()
        text = Choice("</script><!-- <b>", values=["</script><!-- <b>"])

        @classmethod
        def mathematics(cls):
            return 'const hostile = "</SCRIPT><!--"; const fine = 1</2/.source.length; function render() {}'

        def description(self):
            return "<&>"

        def table(self):
            from llpp_core.explorers import Table

            return Table(["<a>"], [["<b>"]])

        def picture(self):
            return "<svg></svg>"

    explorer = Hostile()
    html = explorer.html()
    assert html.lower().count("</script>") == 2  # the state's and the module's own
    assert "<!--" not in html
    assert state_of(html) == {"text": "</script><!-- <b>"}
    assert "<p>&lt;&amp;&gt;</p>" in html
    assert "1</2/" in html  # everything else stays as written
    explorer.close()


def test_javascript_of_the_page_is_what_the_objectives_generate():
    source = GradientLandscape.mathematics()
    for objective, name in (
        (objectives.learning_loss(), "gradientLearningLoss"),
        (objectives.learning_loss_pp(), "gradientLearningLossPP"),
        (objectives.learning_loss_pp_tempered(), "gradientTempered"),
    ):
        assert objective.javascript(name, wrt="predicted_loss_i") in source
    assert "return Math.log(true_loss_i/true_loss_j);" in source  # the resting gap, as sympy solved for it


@pytest.mark.parametrize("explorer_class", EXPLORERS)
def test_handwritten_files_hold_no_formula(explorer_class):
    for source in explorer_class.sources():
        if source.name == "special.js":
            continue  # special functions, which no expression prints: tests/book/explorers/test_special.py
        text = source.read_text(encoding="utf-8")
        assert not re.search(r"Math\.(exp|log|sign|tanh)\b", text), f"{source.name} types a formula again"


def test_reader_without_scripts_gets_the_numbers(landscape):
    table = landscape.table()
    assert [row[0] for row in table.rows] == ["current state", "near tie (a, b)", "far apart (a, c)"]
    assert table.rows[1][-3:-1] == ["+1.000", "+0.003"]
    assert table.rows[2][-3:-1] == ["+1.000", "+0.327"]  # the paper's |q − p| of images a and c
    assert "Learning Loss has +1.000 and LearningLoss++ +0.003" in landscape.description()
    assert "<noscript><svg" in landscape.html()
