"""The figures of a run and its page, held to a run's folder made by hand."""

import math
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from llpp_core.experiment import Results, Unit
from llpp_core.figures import Figure, run_page, runs
from llpp_core.figures.experiments import calibration, log_loss_scatter, method_curves
from llpp_core.metrics import Interval

sys.path.append(str(Path(__file__).parent))  # for `made_run`, which is no test

from made_run import PCK, add_unit, choice_row, damage, new_run, plan, whole_run

N = 20
LOSSES = np.arange(1, N + 1) / 4
"""True losses of the test split and the pool: 0.25 to 5, and the last five are failures."""
FOUND = [0.9] * 15 + [0.2] * 5


def columns(*, upside_down: bool = False) -> dict[str, dict[str, list[float]]]:
    """Samples of a base model: LL++ predicts log l − 3, LL twice log l, both the other way round in the pool if asked.

    A last sample has no annotated joint: its true loss is 0, its PCK is not known, and what is predicted is far off.
    """
    log = np.log(LOSSES)
    table = {
        "true_loss": [*LOSSES, 0.0],
        "pck": [*FOUND, math.nan],
        "predicted_loss LL": [*(2 * log), 50.0],
        "predicted_loss LL++": [*(log - 3), 50.0],
    }
    pool = {**table, "predicted_loss LL++": [*(3 - log), 50.0]} if upside_down else table
    return {"train": table, "test": table, "pool": pool}


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return Results.read(whole_run(tmp_path_factory.mktemp("curves")))


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two base models with their samples, and nothing else; the second one's LL++ is upside down in the pool."""
    of = plan(seeds=[0, 1])
    folder = new_run(tmp_path_factory.mktemp("sampled"), of)
    for seed in (0, 1):
        rows = [("test", "", PCK, 0.7, N), *(choice_row(method, 0.5) for method in of.methods)]
        add_unit(folder, of, Unit(seed), rows, columns(upside_down=seed == 1))
    return Results.read(folder)


def is_whole(figure: Figure) -> None:
    """Every figure has a caption, an alternative, data of equal length and a name that a file can have."""
    assert figure.caption.endswith(".")
    assert figure.alt.endswith(".")
    assert "nan" not in figure.caption + figure.alt
    assert len({len(values) for values in figure.data.values()}) == 1
    assert len(next(iter(figure.data.values())))
    assert not set(figure.name) & set("/\\ <>\"'")
    assert 'class="llpp-figure"' in figure.html()


def rows(figure: Figure) -> list[tuple]:
    return list(zip(*figure.data.values(), strict=True))


def test_what_was_chosen_over_the_labels_there_then_are(curves: Results) -> None:
    figure = runs.choice_curves(curves)
    is_whole(figure)
    assert list(figure.data) == ["method", "labels", "mean", "low", "high", "seeds"]
    table = {row[:2]: row[2:] for row in rows(figure)}
    assert table["random", 38] == (0.6, 0.3516, 0.8484, 3)  # half 4.3027 · 0.1 / √3
    assert table["LL", 44][0] == 0.7333
    assert len(table) == 8
    assert figure.plot.layout.yaxis.title.text == "PCK@0.2 of what is chosen"
    assert "Means over 3 seeds; bars: 95 % t-intervals" in figure.caption
    assert "At the end: random 0.700, LL 0.733, LL++ 0.650, oracle 0.300." in figure.alt


def test_the_curves_are_drawn_through_the_means_with_their_intervals(curves: Results) -> None:
    drawn = {trace.name: trace for trace in runs.choice_curves(curves).plot.data}
    assert list(drawn) == ["random", "LL", "LL++", "oracle"]
    np.testing.assert_allclose(drawn["random"].y, [0.6, 0.7])
    np.testing.assert_allclose(drawn["random"].error_y.array, [0.2484, 0.2484], atol=5e-5)
    assert list(drawn["LL"].text) == ["38", "44"]
    np.testing.assert_allclose(drawn["LL"].x, [38, 44], atol=0.5)
    assert len({tuple(trace.x) for trace in drawn.values()}) == 4  # beside each other
    assert len({trace.line.color for trace in drawn.values()}) == 4
    assert len({trace.marker.symbol for trace in drawn.values()}) == 4


def test_tests_begin_with_the_base_model(curves: Results) -> None:
    figure = runs.test_curves(curves)
    is_whole(figure)
    table = {row[:2]: row[2:] for row in rows(figure)}
    assert {table[method, 32][0] for method in ("random", "LL", "LL++", "oracle")} == {0.64}
    assert table["LL", 44] == (0.84, 0.7655, 0.9145, 3)  # s = 0.03, half 0.0745
    assert len(table) == 12
    assert figure.name != runs.choice_curves(curves).name


def test_one_seed_has_no_bars_and_the_caption_says_so(tmp_path: Path) -> None:
    figure = runs.test_curves(Results.read(whole_run(tmp_path, plan(seeds=[5]))))
    assert "Means over 1 seed; a single seed gives no interval." in figure.caption
    assert not any(any(trace.error_y.array) for trace in figure.plot.data)
    assert set(figure.data["seeds"]) == {1}


def test_seeds_that_are_missing_are_counted(tmp_path: Path) -> None:
    gone = [
        "seed2/LL/stage2",
        "seed1/LL/stage1",
        "seed1/LL/stage2",
        *(f"seed{s}/oracle/stage{k}" for s in (0, 1, 2) for k in (1, 2)),
    ]
    results = Results.read(whole_run(tmp_path, without=gone))
    figure = runs.test_curves(results)
    counted = {row[:2]: row[-1] for row in rows(figure)}
    assert counted["LL", 32] == 3
    assert counted["LL", 38] == 2
    assert counted["LL", 44] == 1
    assert "oracle" not in figure.data["method"]  # which has nothing but the base model of all
    assert "Means over 1 to 3 seeds" in figure.caption


def test_where_nothing_but_base_models_is_there_they_are_shown(tmp_path: Path) -> None:
    of = plan(seeds=[0])
    folder = new_run(tmp_path, of)
    add_unit(folder, of, Unit(0), [("test", "", PCK, 0.5, 40)])
    assert {row[1:3] for row in rows(runs.test_curves(Results.read(folder)))} == {(32, 0.5)}


def test_nan_is_left_out_of_a_curve_as_it_is_of_a_table(tmp_path: Path) -> None:
    of = plan()
    folder = new_run(tmp_path, of)
    for seed, value in enumerate((0.5, math.nan, 0.7)):
        add_unit(folder, of, Unit(seed), [choice_row("LL", value), choice_row("random", math.nan)])
    figure = runs.choice_curves(Results.read(folder))
    assert [row[:3] for row in rows(figure)] == [("LL", 38, 0.6)]
    assert figure.data["seeds"] == [2]


def test_of_nothing_there_is_no_curve(tmp_path: Path) -> None:
    results = Results.read(new_run(tmp_path, plan()))
    for figure in (runs.choice_curves, runs.test_curves):
        with pytest.raises(ValueError, match="wanted at least one method to draw, got none"):
            figure(results)
    with pytest.raises(ValueError, match=r"no base model of .* is complete yet"):
        runs.failures_found(results)
    with pytest.raises(ValueError, match=r"seed0/base of .* is not complete"):
        runs.predicted_scatter(results, 0)


PAPER = {"kind": "lsp_lspet", "train": 1000}


def test_the_papers_numbers_stand_beside_its_own_experiment(tmp_path: Path) -> None:
    of = plan(seeds=[0], stages=5, budget=1000, data=PAPER, methods={"core_set": {"strategy": "core_set"}})
    folder = new_run(tmp_path, of)
    add_unit(folder, of, Unit(0), [choice_row("core_set", 0.3), ("test", "", PCK, 0.5, 1000)])
    results = Results.read(folder)
    chosen = {trace.name: trace for trace in runs.choice_curves(results).plot.data}["core_set, printed"]
    assert list(chosen.x) == [2000, 3000, 4000, 5000, 6000]
    assert list(chosen.y) == [0.288, 0.438, 0.447, 0.493, 0.556]  # Table 3a, LSP-LSPET
    tested = {trace.name: trace for trace in runs.test_curves(results).plot.data}["core_set, printed"]
    assert list(tested.y) == [0.797, 0.814, 0.822, 0.831, 0.837]  # Table 3b, LSP


def test_mpii_has_its_own_printed_numbers(tmp_path: Path) -> None:
    of = plan(seeds=[0], stages=1, budget=1000, data={"kind": "mpii", "train": 1000})
    folder = new_run(tmp_path, of)
    add_unit(folder, of, Unit(0), [("selected", name, "PCKh@0.5", 0.3, 9) for name in of.methods])
    drawn = {trace.name: trace for trace in runs.choice_curves(Results.read(folder)).plot.data}
    assert list(drawn["random, printed"].y) == [0.663, 0.739, 0.766, 0.792, 0.797]  # Table 3a, MPII
    assert drawn["LL++, printed"].y[0] == 0.291
    assert "oracle, printed" not in drawn


@pytest.mark.parametrize("data", [{**PAPER, "train": 500}, {**PAPER, "pool": 6000}, {**PAPER, "test": 500}])
def test_no_printed_numbers_beside_another_experiment(tmp_path: Path, data: dict[str, object]) -> None:
    of = plan(seeds=[0], budget=1000, data=data)
    folder = new_run(tmp_path, of)
    add_unit(folder, of, Unit(0), [choice_row("random", 0.3)])
    drawn = [trace.name for trace in runs.choice_curves(Results.read(folder)).plot.data]
    assert drawn == ["random"]


def test_a_method_without_a_color_of_its_own_has_one_that_no_other_has() -> None:
    names = ["random", "mine", "yours", "LL"]
    figure = method_curves(
        {name: {5: Interval(0.5, 0.4, 0.6, 2)} for name in names},
        measure="m", axis="labels", says="See.", name="some",
    )  # fmt: skip
    is_whole(figure)
    assert len({trace.line.color for trace in figure.plot.data}) == 4


def test_failures_found_is_the_mean_of_the_curves_of_all_base_models(sampled: Results) -> None:
    figure = runs.failures_found(sampled)
    is_whole(figure)
    at = {round(x, 4): i for i, x in enumerate(figure.data["looked at"])}
    # LL ranks the five failures of twenty first, for both seeds.
    assert [figure.data["LL"][at[x]] for x in (0.0, 0.1, 0.25, 0.5, 1.0)] == [0, 0.4, 1, 1, 1]
    # LL++ does so for one seed, and puts them last for the other: (1 + 0) / 2 at a quarter.
    assert [figure.data["LL++"][at[x]] for x in (0.1, 0.25, 0.75, 0.875, 1.0)] == [0.2, 0.5, 0.5, 0.75, 1]
    # 0 and 1: s = 0.7071, half 12.7062 · 0.5
    assert figure.data["LL++, low"][at[0.25]] == pytest.approx(0.5 - 6.3531, abs=1e-4)
    assert figure.data["LL++, high"][at[0.25]] == pytest.approx(0.5 + 6.3531, abs=1e-4)
    assert "pool of 2 base models" in figure.caption
    assert "25% of the samples are failures" in figure.caption  # the sample without joints is not counted
    assert runs.failures_found(sampled, "test").data["LL++"][at[0.25]] == 1
    assert runs.failures_found(sampled, "test").name != figure.name


def test_half_of_the_joints_found_is_no_failure(tmp_path: Path) -> None:
    of = plan(seeds=[0])
    folder = new_run(tmp_path, of)
    samples = columns()
    samples["pool"]["pck"] = [0.5 if value == 0.9 else value for value in samples["pool"]["pck"]]
    add_unit(folder, of, Unit(0), [], samples)
    assert "25% of the samples are failures" in runs.failures_found(Results.read(folder)).caption


def test_the_failure_curve_of_one_base_model_has_no_band(tmp_path: Path) -> None:
    of = plan(seeds=[3, 4])
    folder = new_run(tmp_path, of)
    add_unit(folder, of, Unit(4), [], columns())
    figure = runs.failures_found(Results.read(folder))
    assert "Shaded" not in figure.caption
    assert not [name for name in figure.data if "low" in name]


def test_without_any_failure_there_is_no_curve_of_failures(tmp_path: Path) -> None:
    of = plan(seeds=[0])
    folder = new_run(tmp_path, of)
    samples = columns()
    samples["pool"]["pck"] = [0.5] * N + [math.nan]
    add_unit(folder, of, Unit(0), [("test", "", PCK, 0.7, N), choice_row("LL", 0.5)], samples)
    results = Results.read(folder)
    with pytest.raises(ValueError, match="wanted samples that failed"):
        runs.failures_found(results)
    page = run_page(results)
    assert "Failures found" not in page
    assert "How well the model does" in page


def test_true_losses_are_fitted_without_those_that_say_nothing(sampled: Results) -> None:
    figure = runs.losses_fitted(sampled, 0)
    is_whole(figure)
    assert list(dict.fromkeys(figure.data["losses"])) == ["train", "test", "pool"]
    first = np.array(figure.data["histogram"][:45])
    assert first[:2].tolist() == [0, 0]  # the loss of 0 is left out
    assert first[2] > 0  # the smallest that is known, 0.25, is not
    width = np.diff(figure.data["loss"][:2])[0]
    assert width == pytest.approx(np.quantile(LOSSES, 0.995) / 45, rel=1e-2)
    assert (first * width * N).sum() == pytest.approx(19, rel=1e-2)  # all but the largest, past the percentile


def test_the_scatter_gives_the_slope_over_the_log_of_the_loss(sampled: Results) -> None:
    figure = runs.predicted_scatter(sampled, 0)
    is_whole(figure)
    assert figure.alt.endswith("LL 2.00, LL++ 1.00.")
    assert runs.predicted_scatter(sampled, 1).alt.endswith("LL 2.00, LL++ -1.00.")
    np.testing.assert_allclose(figure.data["true loss"], LOSSES)
    np.testing.assert_allclose(figure.data["predicted, LL++"], np.log(LOSSES) - 3, atol=1e-4)
    assert "for 20 samples: pool, seed 0" in figure.caption
    lines = [trace for trace in figure.plot.data if trace.mode == "lines"]
    np.testing.assert_allclose(lines[1].y, np.log([0.25, 5]) - 3, atol=1e-5)
    assert lines[1].xaxis == "x2"


def test_the_calibration_of_a_predictor_that_is_right_up_to_its_constant_is_the_diagonal(sampled: Results) -> None:
    figure = runs.calibrations(sampled, 0)
    is_whole(figure)
    table = [row for row in rows(figure) if row[0] == "LL++"]
    assert [row[1] for row in table] == list(range(1, 11))
    pairs = LOSSES.reshape(10, 2).mean(1)
    np.testing.assert_allclose([row[3] for row in table], pairs, atol=1e-4)
    np.testing.assert_allclose([row[2] for row in table], pairs, atol=1e-4)
    # LL says the square, with the constant that makes its mean right: l² · mean l / mean l².
    squares = (LOSSES**2).reshape(10, 2).mean(1) * LOSSES.mean() / (LOSSES**2).mean()
    np.testing.assert_allclose([row[2] for row in rows(figure) if row[0] == "LL"], squares, atol=1e-4)
    assert "LL++ from 0.38 to 4.88" in figure.alt
    assert "test, seed 0" in figure.caption
    assert figure.name == "calibration_test"


def test_the_constant_is_that_of_the_training_samples(tmp_path: Path) -> None:
    of = plan(seeds=[0])
    folder = new_run(tmp_path, of)
    samples = columns()
    samples["test"] = {**samples["test"], "true_loss": [*(3 * LOSSES), 0.0]}
    add_unit(folder, of, Unit(0), [], samples)
    table = [row for row in rows(runs.calibrations(Results.read(folder), 0)) if row[0] == "LL++"]
    np.testing.assert_allclose([3 * row[2] for row in table], [row[3] for row in table], atol=2e-4)


def test_without_a_predictor_nothing_is_drawn_of_any() -> None:
    with pytest.raises(ValueError, match="wanted at least one predictor to draw, got none"):
        log_loss_scatter({}, LOSSES, where="here")
    with pytest.raises(ValueError, match="wanted at least one predictor to draw, got none"):
        calibration({}, where="here", name="some")


# The page.

VOID = {"meta", "br", "img", "hr", "input", "link"}
LOADING = ("src", "srcset", "data", "poster", "background", "action", "formaction", "xlink:href")


class Page(HTMLParser):
    """Collects what a page is made of, and refuses tags that do not close each other."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)

    def loads(self) -> list[str]:
        """Everything that a browser would fetch for the page."""
        found = [attrs[key] or "" for _, attrs in self.tags for key in LOADING if key in attrs]
        found += [attrs.get("href") or "" for tag, attrs in self.tags if tag == "link"]
        styles = [*self.texts.get("style", []), *(attrs.get("style") or "" for _, attrs in self.tags)]
        return found + [style for style in styles if "url(" in style or "@import" in style]


@pytest.fixture(scope="module")
def page(sampled: Results) -> str:
    return run_page(sampled)


def test_the_page_is_whole_and_needs_nothing_else(page: str, sampled: Results) -> None:
    parsed = Page(page)
    assert page.startswith("<!DOCTYPE html>")
    assert ("html", {"lang": "en"}) in parsed.tags
    assert ("meta", {"charset": "utf-8"}) in parsed.tags
    assert parsed.texts["title"] == [sampled.folder.name]
    assert parsed.loads() == []
    assert not [attrs for tag, attrs in parsed.tags if tag == "script" and "src" in attrs]
    ids = [attrs["id"] for _, attrs in parsed.tags if "id" in attrs]
    assert len(set(ids)) == len(ids)


def test_the_page_has_plotly_once_before_what_uses_it_and_every_figure(page: str, sampled: Results) -> None:
    parsed = Page(page)
    scripts = parsed.texts["script"]
    large = [i for i, text in enumerate(scripts) if len(text) > 1_000_000]
    calls = [i for i, text in enumerate(scripts) if len(text) < 1_000_000 and "Plotly.newPlot(" in text]
    assert len(large) == 1
    assert len(calls) == parsed.count("figure") == parsed.count("figcaption") == 6
    assert large[0] < min(calls)
    named = [attrs["aria-label"] for _, attrs in parsed.tags if attrs.get("role") == "img"]
    assert named == [
        figure.alt
        for figure in (
            runs.losses_fitted(sampled, 0), runs.predicted_scatter(sampled, 0), runs.calibrations(sampled, 0),
            runs.failures_found(sampled), runs.choice_curves(sampled), runs.test_curves(sampled),
        )
    ]  # fmt: skip


def test_the_page_has_the_tables(page: str) -> None:
    parsed = Page(page)
    assert parsed.count("table") == 5  # base models, choices, differences, tests, minutes
    assert parsed.texts["h1"] == ["made"]
    assert "0.700 [0.700, 0.700]" in parsed.texts["td"]
    assert parsed.texts["h2"][0] == "The base models"


def test_a_page_of_a_run_that_has_not_begun_says_so(tmp_path: Path) -> None:
    page = run_page(Results.read(new_run(tmp_path, plan())))
    parsed = Page(page)
    assert parsed.count("figure") == parsed.count("table") == parsed.count("script") == 0
    assert "0 of 27 units" in page


def test_a_page_without_predictors_has_its_other_figures(tmp_path: Path) -> None:
    of = plan(seeds=[0], predictors={}, methods={"random": {"strategy": "random"}})
    folder = new_run(tmp_path, of)
    plain = {split: {k: v for k, v in c.items() if "predicted" not in k} for split, c in columns().items()}
    add_unit(folder, of, Unit(0), [("test", "", PCK, 0.7, N), choice_row("random", 0.5)], plain)
    parsed = Page(run_page(Results.read(folder)))
    assert parsed.count("figure") == 3
    assert len([text for text in parsed.texts["script"] if len(text) > 1_000_000]) == 1


def test_what_a_folder_is_called_is_text_and_nothing_else(tmp_path: Path) -> None:
    name = 'a`<script>x<b>"&amp;'
    folder = whole_run(tmp_path, plan(seeds=[0]), name=name)
    damage(folder / "seed0" / "oracle" / "stage2" / "metrics.csv")
    results = Results.read(folder)
    assert results.notices
    page = run_page(results)
    parsed = Page(page)
    assert parsed.texts["title"] == [name]
    assert "script" not in parsed.open
    assert parsed.count("b") == 0
    assert not [text for text in parsed.texts.get("script", []) if text.startswith("x")]
    assert page.count("<script>x") == 0


def test_a_damaged_unit_is_said_on_the_page(tmp_path: Path) -> None:
    folder = whole_run(tmp_path, plan(seeds=[0]))
    damage(folder / "seed0" / "LL" / "stage2" / "metrics.csv")
    page = run_page(Results.read(folder))
    assert "8 of 9 units" in page
    assert "seed0/LL/stage2/metrics.csv is not what was written" in page


def test_what_cannot_be_drawn_is_named_without_saying_where_the_run_lies(tmp_path: Path) -> None:
    page = run_page(Results.read(whole_run(tmp_path, plan(seeds=[0]))))  # without any samples
    assert Page(page).count("figure") == 2
    assert page.count("A figure is left out: ") == 4
    assert str(tmp_path) not in page
