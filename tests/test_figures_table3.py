"""The pictures of Table 3: each carries its numbers, words that are true of it, and marks that follow the verdicts."""

import json

import pytest

from llpp_core.analysis import table3
from llpp_core.analysis.printed import TABLE_3A, TABLE_3B
from llpp_core.figures import base
from llpp_core.figures import table3 as figures

LSPET, MPII = TABLE_3A
COMPARISONS = table3.compare(TABLE_3A)
AGAINST_RANDOM = table3.compare(TABLE_3B, reference="Random")


def curves(table=LSPET):
    return figures.stage_curves(table, table3.mean_half_width(table), confidence=0.95, lower_is="more failures found")


def differences(data="MPII"):
    return figures.stage_differences(table3.pick(AGAINST_RANDOM, data=data), lower_is="worse")


def verdicts(data="LSP-LSPET"):
    return figures.verdict_map(table3.pick(COMPARISONS, data=data), lower_is="more failures found")


each_figure = pytest.mark.parametrize("make", [curves, differences, verdicts])


@each_figure
def test_a_figure_has_its_words_and_its_data(make) -> None:
    figure = make()
    assert isinstance(figure, base.Figure)
    page = figure.html()
    assert figure.caption in page
    assert f'download="{figure.name}.csv"' in page
    assert json.loads(figure.plot.to_json())["data"]
    assert figure.name.isidentifier()


def test_curves_show_the_printed_means_with_their_intervals() -> None:
    figure = curves()
    assert [trace.name for trace in figure.plot.data] == list(LSPET.methods)
    for trace in figure.plot.data:
        assert tuple(trace.y) == LSPET.mean[trace.name]
        assert trace.error_y.array[0] == pytest.approx(2.7764451 * LSPET.deviation[trace.name][0] / 5**0.5)
    assert tuple(figure.plot.layout.xaxis.ticktext) == LSPET.stages
    assert len(figure.data["method"]) == 25
    at = next(i for i, m in enumerate(figure.data["method"]) if m == "LL++conv")
    row = {column: values[at] for column, values in figure.data.items()}
    assert row == {
        "method": "LL++conv",
        "stage": "2000",
        "mean": 0.209,
        "deviation": 0.018,
        "low": 0.1867,
        "high": 0.2313,
    }
    assert "LL++conv from 0.209 to 0.635" in figure.alt
    assert "lower is more failures found" in figure.caption
    assert "95%" in figure.caption


def test_a_method_has_one_color_and_one_marker_in_all_figures() -> None:
    marks = {trace.name: (trace.line.color, trace.marker.symbol) for trace in curves().plot.data}
    assert len(set(marks.values())) == len(marks) == 5
    for trace in differences().plot.data:
        color, symbol = marks[trace.name]
        assert trace.marker.color == color
        assert {s.removesuffix("-open") for s in trace.marker.symbol} == {symbol}


def test_intervals_at_one_stage_stand_beside_each_other() -> None:
    first = [trace.x[0] for trace in curves().plot.data]
    assert first == pytest.approx([-0.2, -0.1, 0, 0.1, 0.2])
    assert [round(x) for x in curves().plot.data[0].x] == [0, 1, 2, 3, 4]


def test_a_filled_mark_is_a_separable_difference() -> None:
    figure = differences()
    filled = {
        (trace.name, stage)
        for trace in figure.plot.data
        for stage, symbol in zip("12345", trace.marker.symbol, strict=True)
        if not symbol.endswith("-open")
    }
    assert filled == {("LL", "4"), ("LL++conv", "4")}
    assert "2 of 20 are separable" in figure.alt
    trace = figure.plot.data[1]
    c = [c for c in AGAINST_RANDOM if c.data == "MPII" and c.method == "LL"]
    assert list(trace.y) == [x.difference for x in c]
    assert trace.y[3] - trace.error_y.array[3] == pytest.approx(c[3].low)
    assert c[3].low > 0
    assert c[4].low < 0


def test_the_map_colors_each_cell_by_its_verdict() -> None:
    figure = verdicts()
    heat, *legend = figure.plot.data
    assert [entry.name for entry in legend] == list(figures.VERDICT_COLORS)
    scale = {round(position, 6): color for position, color in heat.colorscale}
    assert len(heat.z) == 10
    for row, pair in zip(range(10), heat.y, strict=True):
        method, reference = pair.split(" − ")
        for column, stage in enumerate(heat.x):
            (c,) = table3.pick(COMPARISONS, data="LSP-LSPET", stage=stage, method=method, reference=reference)
            assert heat.text[row][column] == f"{c.difference:+.3f}"
            assert list(figures.VERDICT_COLORS)[heat.z[row][column]] == c.verdict
    assert scale[0.0] == figures.VERDICT_COLORS["lower"]
    assert scale[1.0] == figures.VERDICT_COLORS["higher"]
    counts = {v: figure.data["verdict"].count(v) for v in figures.VERDICT_COLORS}
    assert ", ".join(f"{n} {v}" for v, n in counts.items()) in figure.alt


def test_a_figure_of_several_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="comparisons of one table"):
        figures.verdict_map(COMPARISONS, lower_is="worse")
    with pytest.raises(ValueError, match="comparisons of one table"):
        figures.stage_differences(table3.pick(COMPARISONS, data="MPII"), lower_is="worse")
    with pytest.raises(ValueError, match="got none"):
        figures.stage_differences([], lower_is="worse")
