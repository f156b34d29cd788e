"""The book's pictures: each carries its data, caption and alternative text, and asks no outside host for anything."""

import base64
import csv
import io
import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from PIL import Image

from llpp_core import figures, galleries
from llpp_core.data import render_figures
from llpp_core.experiment import picks
from llpp_core.figures import Figure
from llpp_core.galleries import Gallery
from llpp_core.metrics import correlation
from llpp_core.training import History, Scores

N = 12
DATA = render_figures(N, 0)
TRUE = torch.linspace(0.2, 3.0, N)
SCORES = Scores(DATA.joints + 1.0, TRUE, {"LL": TRUE.sqrt(), "LL++": TRUE.log(), "LL++conv": -TRUE})
CORRELATIONS = {name: correlation(values, TRUE) for name, values in SCORES.predicted_loss.items()}
HISTORY = History([3.0, 2.0], [2.5, 1.25], {"LL": [1.0, 0.5], "LL++": [0.3, 0.2]})
GAPS = np.linspace(-2, 2, 5)
FIGURES = {
    "learning curves": lambda: figures.learning_curves(HISTORY),
    "scatter": lambda: figures.loss_scatter(SCORES, CORRELATIONS, DATA.ids, pck=0.3, where="figures"),
    "picks": lambda: figures.picks_table(picks(SCORES, DATA, 4), SCORES, DATA),
    "gradients": lambda: figures.gradient_curves(
        GAPS, {"Learning Loss": np.sign(GAPS), "LearningLoss++": np.tanh(GAPS)}, true_losses=(2.0, 1.0), margin=1.0
    ),
    "descent": lambda: figures.descent({"one": GAPS, "two": -GAPS}, title="A descent.", target=0.5, symbol="gap"),
    "curves": lambda: figures.curves(
        GAPS, {"LL": GAPS, "other": GAPS**2}, titles=("x", "y"), caption="C.", alt="A.", name="n", level=1.0
    ),
    "regions": lambda: figures.push_regions(
        GAPS, np.linspace(0.1, 0.9, 3), np.sign(GAPS) * np.ones((3, 1)), np.ones((3, 5)), margin=1.0
    ),
}
each_figure = pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES)


class Page(HTMLParser):
    """Tags with their attributes, the text of scripts, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.cells: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def downloaded(page: Page) -> list[list[str]]:
    (link,) = page.named("a")
    text = unquote((link["href"] or "").removeprefix("data:text/csv;charset=utf-8,"))
    return list(csv.reader(io.StringIO(text, newline="")))


def simple(**changes) -> Figure:
    fields = {"plot": go.Figure(), "caption": "c", "alt": "a", "data": {"x": [1, 2]}, "name": "n"}
    return Figure(**{**fields, **changes})


@each_figure
def test_a_figure_has_its_specification_its_words_and_its_data(make) -> None:
    figure = make()
    page = Page(figure.html())
    specification = json.loads("".join(page.scripts))
    assert specification["data"]
    assert specification["config"] == figures.CONFIG
    assert page.named("div")[0]["aria-label"] == figure.alt
    assert page.named("div")[0]["role"] == "img"
    assert figure.caption in figure.html()
    rows = downloaded(page)
    assert rows[0] == list(figure.data)
    assert len(rows) == 1 + len(next(iter(figure.data.values())))
    assert page.named("a")[0]["download"] == f"{figure.name}.csv"


@each_figure
def test_a_notebook_gets_plotlys_type_the_page_and_the_words(make) -> None:
    figure = make()
    bundle = figure._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/html"] == figure.html()
    assert bundle["text/plain"] == figure.alt
    plot = bundle["application/vnd.plotly.v1+json"]
    assert plot["config"] == figures.CONFIG
    go.Figure(plot["data"], plot["layout"])  # plotly takes it back


def asks_outside(html: str) -> list[str]:
    return re.findall(r"(?:https?:)?//\w[^\s\"'<]*|@import|url\(", html)


@each_figure
def test_a_figure_asks_no_outside_host(make) -> None:
    assert asks_outside(make().html()) == []


def test_a_gallery_asks_no_outside_host() -> None:
    html = shown().html()
    without_pictures = re.sub(r'href="data:image/png;base64,[^"]*"', "", html)
    assert asks_outside(without_pictures) == []


@pytest.mark.parametrize("hostile", ["</script><b>", "<!--<script>", "</SCRIPT >"])
def test_no_text_can_end_or_swallow_the_script_that_holds_the_plot(hostile: str) -> None:
    figure = simple(plot=go.Figure(go.Scatter(x=[1], y=[1], text=[hostile])))
    html = figure.html()
    inside = html[html.index('json">') + 6 : html.index("</script>")]
    assert json.loads(inside)["data"][0]["text"] == [hostile]
    # An HTML parser in a script looks out for these two; the second would hide the closing tag from it.
    assert "</" not in inside
    assert "<!--" not in inside


def test_hostile_words_stay_words() -> None:
    hostile = '"><img onerror="x">'
    page = Page(simple(alt=hostile, data={hostile: [hostile, "<i>"]}).html())
    assert page.named("img") == page.named("i") == []
    assert page.named("div")[0]["aria-label"] == hostile
    assert page.cells == [hostile, hostile, "<i>"]


def test_the_download_survives_commas_quotes_lines_and_umlauts() -> None:
    values = ["a,b", 'say "x"', "two\nlines", "ö l̂ %", "#hash"]
    rows = downloaded(Page(simple(data={"text, more": values, "n": [1, 2.5, -3, 1e-9, 0]}).html()))
    assert rows[0] == ["text, more", "n"]
    assert [row[0] for row in rows[1:]] == values
    assert [float(row[1]) for row in rows[1:]] == [1, 2.5, -3, 1e-9, 0]


def test_a_long_table_shows_its_first_rows_and_downloads_all() -> None:
    figure = simple(data={"x": list(range(120))})
    page = Page(figure.html())
    assert len(page.named("tr")) == 51
    assert len(downloaded(page)) == 121
    assert "The first 50 of 120 rows" in figure.html()


def test_whole_numbers_stand_in_the_table_as_they_are() -> None:
    assert Page(simple(data={"x": [6_570_400]}).html()).cells == ["x", "6570400"]


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"figure 'n': columns must be of one length, got \{'x': 1, 'y': 2\}"):
        simple(data={"x": [1], "y": [1, 2]})


def test_learning_curves_draw_every_epoch() -> None:
    figure = figures.learning_curves(HISTORY)
    drawn = {trace.name: list(trace.y) for trace in figure.plot.data}
    assert drawn["true loss l"] == HISTORY.true_loss
    assert figure.data == {"epoch": [1, 2], "true loss": HISTORY.true_loss, **HISTORY.objective}
    assert "from 2.50 to 1.25" in figure.alt


def test_scatter_has_a_panel_a_predictor_with_its_correlation_and_the_accuracy() -> None:
    figure = FIGURES["scatter"]()
    assert [trace.name for trace in figure.plot.data] == ["LL", "LL++", "LL++conv"]
    assert len({trace.xaxis for trace in figure.plot.data}) == 3
    for name, trace in zip(SCORES.predicted_loss, figure.plot.data, strict=True):
        assert np.allclose(trace.y, SCORES.predicted_loss[name])
        assert np.allclose(trace.x, TRUE)
    notes = " ".join(annotation.text for annotation in figure.plot.layout.annotations)
    assert "Pearson -1.00" in notes
    assert "PCK@0.2 of the pose model here: 0.30 (low)" in figure.plot.layout.title.text
    assert figure.data["sample"] == list(DATA.ids)


def test_picks_table_measures_what_each_method_asks_for() -> None:
    # Predictions are right for the first half of the samples and far off for the second.
    joints = DATA.joints.clone()
    joints[N // 2 :] += 500.0
    chosen = {"good": torch.tensor([0, 1]), "bad": torch.tensor([N - 1, N - 2]), "both": torch.tensor([0, N - 1])}
    figure = figures.picks_table(chosen, Scores(joints, TRUE, {}), DATA)
    values = dict(zip(figure.data["method"], figure.data["PCK@0.2"], strict=True))
    assert values["good"] == 1.0
    assert values["bad"] == 0.0
    assert 0.4 < values["both"] < 0.6
    losses = dict(zip(figure.data["method"], figure.data["mean true loss"], strict=True))
    assert losses["bad"] == pytest.approx(float(TRUE[-2:].mean()), abs=1e-4)
    assert losses["whole pool"] == pytest.approx(float(TRUE.mean()), abs=1e-4)
    assert list(figure.plot.data[0].x) == pytest.approx(list(values.values()), abs=1e-4)


def test_gradient_curves_take_any_objective() -> None:
    figure = figures.gradient_curves(GAPS, {"LearningLoss++ of 3 samples": GAPS}, true_losses=(2.0, 1.0), margin=1.0)
    assert len(figure.plot.data) == 1


def test_descent_says_where_each_case_ends() -> None:
    figure = FIGURES["descent"]()
    assert "one ends at 2.000; two ends at -2.000" in figure.alt
    assert figure.data["step"] == [0, 1, 2, 3, 4]
    assert "over 4 steps" in figure.alt


def shown(**options) -> Gallery:
    words = {"caption": "Four figures.", "alt": 'figures "of" people'}
    return galleries.gallery(DATA, [3, 0], ["worst <b>", "best"], predicted=SCORES.joints, **{**words, **options})


def test_a_gallery_shows_the_asked_crops_in_order() -> None:
    page = Page(shown().html())
    for attributes, i in zip(page.named("image"), (3, 0), strict=True):
        data = (attributes["href"] or "").removeprefix("data:image/png;base64,")
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        assert np.array_equal(pixels, DATA.images[i].permute(1, 2, 0).numpy())
    assert [a["aria-label"] for a in page.named("svg")] == [f"{DATA.ids[3]}: worst <b>", f"{DATA.ids[0]}: best"]
    assert page.named("b") == []
    assert page.named("div")[0]["aria-label"] == 'figures "of" people'


def test_a_gallery_draws_the_annotated_limbs_and_all_predicted_ones() -> None:
    data = render_figures(1, 0)
    data.annotated[:] = True
    data.annotated[0, data.index("right_knee")] = False
    html = galleries.gallery(data, [0], ["x"], caption="c", alt="a", predicted=data.joints).html()
    true, predicted = (re.search(rf'<g class="{kind}">(.*?)</g>', html)[1] for kind in ("true", "predicted"))
    limbs = [limb for limb in galleries.LIMBS if set(limb) <= set(DATA.joint_names)]
    assert predicted.count("<line") == len(limbs)
    assert true.count("<line") == len(limbs) - 2  # a knee ends two limbs
    ankle = data.joints[0, data.index("left_ankle")].tolist()
    assert f'x1="{ankle[0]:.1f}" y1="{ankle[1]:.1f}"' in true


def test_a_gallery_without_predictions_draws_none() -> None:
    html = galleries.gallery(DATA, [0], ["x"], caption="c", alt="a").html()
    assert 'class="predicted"' not in html


def test_every_cell_needs_a_note() -> None:
    with pytest.raises(ValueError, match="zip"):
        galleries.gallery(DATA, [0, 1], ["x"], caption="c", alt="a")


def test_a_gallery_brings_its_look_to_a_notebook() -> None:
    bundle = shown()._repr_mimebundle_()
    assert bundle["text/html"].startswith("<style>")
    assert bundle["text/html"].endswith(shown().html())
    assert bundle["text/plain"] == 'figures "of" people'


def test_curves_give_a_method_its_color_and_every_other_series_one_of_its_own() -> None:
    series = {"LL": GAPS, "LL++: α = 1": GAPS, "LL++, soft": GAPS, "k = 1": GAPS, "k = 2": GAPS}
    plot = figures.curves(GAPS, series, titles=("x", "y"), caption="", alt="", name="n", log_x=True).plot
    colors = [trace.line.color for trace in plot.data]
    assert colors[:3] == [figures.COLORS["LL"], figures.COLORS["LL++"], figures.COLORS["LL++"]]
    assert len(set(colors[3:]) - set(figures.COLORS.values())) == 2
    assert plot.layout.xaxis.type == "log"
    assert plot.layout.yaxis.type == "linear"


def test_curves_want_series_as_long_as_x() -> None:
    with pytest.raises(ValueError, match="short must have 5 values"):
        figures.curves(GAPS, {"short": [1.0]}, titles=("x", "y"), caption="", alt="", name="n")


def test_regions_count_where_the_objectives_agree() -> None:
    first = np.array([[-1.0, -1.0, 0.0, 1.0]])
    second = np.array([[-0.5, 0.5, 0.5, 0.5]])
    data = figures.push_regions(np.arange(4.0), np.array([0.5]), first, second, margin=1.0).data
    assert data["part of the area"] == [0.25, 0.25, 0.5]  # opposed, only LearningLoss++, agreed
