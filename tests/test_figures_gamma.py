"""The pictures of gamma losses: what each draws, and what its words and data say."""

import csv
import io
import json
import re
from itertools import pairwise
from urllib.parse import unquote

import numpy as np
import plotly.graph_objects as go
import pytest

from llpp_core.analysis import gamma_pairs, noise, printed
from llpp_core.figures import gamma
from llpp_core.figures.base import COLORS, CONFIG, Figure

SHAPE, SCALE = 4.0, 0.066
LOSSES = {"one": np.random.default_rng(0).gamma(SHAPE, SCALE, 400), "other": np.geomspace(0.01, 9, 400)}
FITS = {name: gamma_pairs.fit(values, samples=19) for name, values in LOSSES.items()}
GAPS = np.union1d(np.linspace(0, 0.6, 13), [*printed.TABLE_1.loss_gap, *printed.TABLE_2.loss_gap])
EVEN = np.linspace(-1, 1, 40)
RATIOS = np.linspace(0, 3, 7)
SHAPES = (0.5, 1.0, 4.0, 16.0, 2.3)
WITHIN = {f"k = {k:g}": gamma_pairs.probability_within(GAPS, k, SCALE) for k in SHAPES}
SHARE = {f"k = {k:g}": gamma_pairs.expected_share(GAPS, k, SCALE) for k in SHAPES}
TIES = {"LL": np.sqrt(GAPS), "LL, trained": GAPS / 2, "LL++": GAPS**2}
VARIANCES = {f"k = {k:g}": noise.gradient_variance(RATIOS, k) for k in SHAPES}
DENSITY = gamma_pairs.gap_density(EVEN, SHAPE, SCALE)


def band(**changes) -> Figure:
    return gamma.gap_density_band(EVEN, DENSITY, **{"loss_gap": 0.1, "probability": 0.4408, **changes})


FIGURES = {
    "loss fits": lambda: gamma.loss_fits(LOSSES, FITS),
    "one loss fit": lambda: gamma.loss_fits({"one": LOSSES["one"]}, {"one": FITS["one"]}),
    "band": band,
    "band and histogram": lambda: band(simulated=np.linspace(-0.5, 0.5, 999)),
    "probability": lambda: gamma.probability_curves(GAPS, WITHIN, printed=printed.TABLE_1),
    "share": lambda: gamma.share_curves(GAPS, SHARE, printed=printed.TABLE_2),
    "tie shares": lambda: gamma.tie_shares(GAPS, TIES),
    "variances": lambda: gamma.gradient_variances(RATIOS, VARIANCES),
}
each_figure = pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES)


def traces(figure: Figure) -> dict[str, go.Scatter]:
    return {trace.name: trace for trace in figure.plot.data}


@each_figure
def test_a_figure_has_its_specification_its_words_and_its_data(make) -> None:
    figure = make()
    html = figure.html()
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", html, flags=re.S)
    specification = json.loads(script)
    assert specification["data"]
    assert specification["config"] == CONFIG
    assert "NaN" not in script
    assert figure.caption in html
    assert figure.alt.endswith(".")
    (link,) = re.findall(r'href="data:text/csv;charset=utf-8,([^"]*)"', html)
    rows = list(csv.reader(io.StringIO(unquote(link), newline="")))
    assert rows[0] == list(figure.data)
    assert len(rows) == 1 + len(next(iter(figure.data.values())))
    assert f'download="{figure.name}.csv"' in html


@each_figure
def test_a_figure_asks_no_outside_host_and_plotly_takes_it_back(make) -> None:
    bundle = make()._repr_mimebundle_()
    plot = bundle["application/vnd.plotly.v1+json"]
    go.Figure(plot["data"], plot["layout"])
    assert re.findall(r"(?:https?:)?//\w[^\s\"'<]*|@import|url\(", bundle["text/html"]) == []


@each_figure
def test_the_names_of_the_data_are_those_of_the_download(make) -> None:
    figure = make()
    assert re.fullmatch(r"[a-z_]+", figure.name)
    assert all(column.strip() for column in figure.data)


def test_names_differ() -> None:
    functions = (gamma.loss_fits, band, FIGURES["probability"], FIGURES["share"], FIGURES["tie shares"])
    names = [make(LOSSES, FITS).name if make is gamma.loss_fits else make().name for make in functions]
    assert len({*names, FIGURES["variances"]().name}) == 6


def test_a_fit_is_drawn_over_the_histogram_that_it_is_of() -> None:
    figure = gamma.loss_fits(LOSSES, FITS)
    bars = [trace for trace in figure.plot.data if trace.type == "bar"]
    lines = [trace for trace in figure.plot.data if trace.type == "scatter"]
    assert [trace.name for trace in bars] == list(LOSSES)
    assert [(t.xaxis, t.yaxis) for t in bars] == [(t.xaxis, t.yaxis) for t in lines] == [("x", "y"), ("x2", "y2")]
    for trace, losses in zip(bars, LOSSES.values(), strict=True):
        width = trace.x[1] - trace.x[0]
        assert np.sum(trace.y) * width == pytest.approx(np.mean(losses <= np.quantile(losses, 0.995)), rel=1e-4)
        low = np.asarray(trace.x) - width / 2
        inside = [np.mean((losses >= a) & (losses < a + width)) / width for a in low[:-1]]
        assert np.asarray(trace.y)[:-1] == pytest.approx(inside, rel=1e-4)
    middle = 0.2
    at = int(np.abs(np.asarray(lines[0].x) - middle).argmin())
    x, fit = lines[0].x[at], FITS["one"]
    assert lines[0].y[at] == pytest.approx(
        (x / fit.scale) ** (fit.shape - 1) * np.exp(-x / fit.scale) / fit.scale / _gamma_function(fit.shape),
        rel=1e-4,
    )
    assert figure.data["losses"] == ["one"] * 45 + ["other"] * 45
    assert f"one: shape {FITS['one'].shape:.3g}, scale {FITS['one'].scale:.3g}" in figure.alt
    words = " ".join(note.text for note in figure.plot.layout.annotations)
    assert f"p = {FITS['other'].p_value:.2g}" in words


def _gamma_function(k: float) -> float:
    t = np.linspace(1e-9, 60, 600_001)
    return float(np.trapezoid(t ** (k - 1) * np.exp(-t), t))


def test_fits_of_other_losses_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the same names, got \['one', 'other'\] and \['one'\]"):
        gamma.loss_fits(LOSSES, {"one": FITS["one"]})


def test_the_shaded_band_ends_at_the_gap_and_lies_under_the_curve() -> None:
    figure = band()
    drawn = traces(figure)
    shaded = next(trace for trace in figure.plot.data if trace.fill == "tozeroy")
    assert (shaded.x[0], shaded.x[-1]) == (-0.1, 0.1)
    assert np.all(np.abs(shaded.x) <= 0.1)
    assert np.allclose(shaded.y, np.interp(shaded.x, EVEN, DENSITY), rtol=1e-4)
    assert np.allclose(drawn["density"].y, DENSITY, rtol=1e-5, atol=0)
    assert "44.1%" in shaded.name
    assert "44.1%" in figure.caption
    assert "44.1%" in figure.alt
    assert list(figure.data) == ["gap", "density"]


def test_a_band_wider_than_the_grid_steps_but_without_a_point_inside_is_drawn() -> None:
    shaded = next(t for t in band(loss_gap=0.001).plot.data if t.fill == "tozeroy")
    assert list(shaded.x) == [-0.001, 0.001]


def test_the_histogram_is_a_density_of_all_simulated_gaps() -> None:
    step = EVEN[1] - EVEN[0]
    figure = band(simulated=[EVEN[3] - 0.4 * step, EVEN[3], EVEN[3] + 0.4 * step, EVEN[7], 50.0])
    heights = np.asarray(figure.data["simulated"]) * step
    assert heights[3] == pytest.approx(3 / 5, abs=1e-6)
    assert heights[7] == pytest.approx(1 / 5, abs=1e-6)
    assert np.count_nonzero(heights) == 2


def test_a_density_with_a_pole_is_refused() -> None:
    with pytest.raises(ValueError, match="the density must be finite, it is not at gap 0"):
        gamma.gap_density_band([-1.0, 0.0, 1.0], [0.1, np.inf, 0.1], loss_gap=0.5, probability=0.5)


@pytest.mark.parametrize(
    ("name", "curves", "table"),
    [("probability", WITHIN, printed.TABLE_1), ("share", SHARE, printed.TABLE_2)],
)
def test_curves_stand_beside_the_printed_points(name, curves, table) -> None:
    figure = FIGURES[name]()
    drawn = traces(figure)
    assert list(drawn) == [*curves, "printed"]
    for key, values in curves.items():
        assert np.allclose(drawn[key].y, values, rtol=1e-5, atol=0)
        assert np.allclose(drawn[key].x, GAPS)
    assert (tuple(drawn["printed"].x), tuple(drawn["printed"].y)) == (table.loss_gap, table.value)
    assert drawn["printed"].mode == "markers"
    column = figure.data[f"printed in {table.source}"]
    assert {g: v for g, v in zip(GAPS.tolist(), column, strict=True) if v != ""} == dict(
        zip(table.loss_gap, table.value, strict=True)
    )
    assert f"k = 4: from {curves['k = 4'][0]:.3g} to {curves['k = 4'][-1]:.3g}" in figure.alt


def test_a_missing_printed_gap_is_named() -> None:
    with pytest.raises(ValueError, match=r"figure 'probability_within': the gaps must hold .* 0\.04 is missing"):
        gamma.probability_curves([0.0, 0.02, 0.06, 0.08, 0.1, 0.125, 0.15], {}, printed=printed.TABLE_1)


@pytest.mark.parametrize("name", ["probability", "share", "variances"])
def test_shapes_have_no_methods_color_and_each_a_look_of_its_own(name: str) -> None:
    looks = {trace.name: (trace.line.color, trace.line.dash) for trace in FIGURES[name]().plot.data if trace.line.color}
    assert len(looks) == len(set(looks.values())) == len(SHAPES)
    colors = [color for color, _ in looks.values()]
    assert not set(colors) & set(COLORS.values())
    assert all(one != next_one for one, next_one in pairwise(colors))


def test_tie_shares_have_their_methods_color() -> None:
    figure = FIGURES["tie shares"]()
    drawn = traces(figure)
    assert {name: trace.line.color for name, trace in drawn.items()} == {
        "LL": COLORS["LL"],
        "LL, trained": COLORS["LL"],
        "LL++": COLORS["LL++"],
    }
    assert drawn["LL"].line.dash != drawn["LL, trained"].line.dash
    for name, values in TIES.items():
        assert np.allclose(drawn[name].y, values, rtol=1e-5, atol=0)
        assert np.allclose(figure.data[name], values, rtol=1e-5, atol=0)
    at = len(GAPS) // 2
    assert f"At δ = {GAPS[at]:.3g}: LL {TIES['LL'][at]:.1%}; LL, trained {TIES['LL, trained'][at]:.1%}" in figure.alt


def test_a_share_of_no_method_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must begin with one of LL, LL\+\+, LL\+\+conv, got Random, untrained"):
        gamma.tie_shares([0.0, 1.0], {"Random, untrained": [0.0, 1.0]})


def test_variances_have_a_panel_a_method_on_one_scale() -> None:
    figure = FIGURES["variances"]()
    layout = figure.plot.layout
    assert layout.yaxis2.matches == "y"
    assert layout.yaxis.type == layout.yaxis2.type == "log"
    for axis, column, i in (("y", "LL", 0), ("y2", "LL++", 1)):
        panel = [trace for trace in figure.plot.data if trace.yaxis == axis]
        assert [trace.name for trace in panel] == list(VARIANCES)
        for trace in panel:
            assert np.allclose(trace.y, VARIANCES[trace.name][i], rtol=1e-5, atol=0)
            assert np.allclose(figure.data[f"{column}, {trace.name}"], VARIANCES[trace.name][i], rtol=1e-5, atol=0)
    titles = {note.text: (note.font.color, note.y) for note in layout.annotations}
    assert titles["<b>Learning Loss</b>"][0] == COLORS["LL"]
    assert titles["<b>LearningLoss++</b>"][0] == COLORS["LL++"]
    assert layout.yaxis.domain[0] > layout.yaxis2.domain[1]
    assert titles["<b>Learning Loss</b>"][1] > titles["<b>LearningLoss++</b>"][1]
    assert sum(bool(trace.showlegend) for trace in figure.plot.data) == len(VARIANCES)
    assert "k = 4: 1 and 0.0278" in figure.alt
