"""What is said of an experiment, held to numbers worked out by hand: means, Student's intervals, differences by seed.

Quantiles of Student's t as any printed table has them: 4.3027 for two degrees of freedom, 12.7062 for one.
"""

import math
import sys
from pathlib import Path
from typing import Any

import pytest

from llpp_core import report
from llpp_core.experiment import Results, Unit, find_runs, units
from llpp_core.experiment.tables import read_table

sys.path.append(str(Path(__file__).parent))  # for `made_run`, which is no test

from made_run import PCK, add_unit, choice_row, damage, new_run, plan, whole_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return Results.read(folder)


def cells(table: str) -> dict[str, list[str]]:
    """Return the cells of a Markdown table by the first of each row, its header too."""
    lines = table.splitlines()
    assert set(lines[1]) <= set("|-:"), lines[1]
    split = [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]
    assert len({len(row) for row in split}) == 1
    return {row[0]: row[1:] for row in split}


def one_seed(tmp_path: Path, *, values: dict[str, float], seeds: tuple[int, ...] = (0,)) -> Results:
    """A run of which only base models are there, with the accuracy of each method's first choice."""
    of = plan(seeds=list(seeds))
    place = new_run(tmp_path, of)
    for seed in seeds:
        add_unit(place, of, Unit(seed), [choice_row(method, value) for method, value in values.items()])
    return Results.read(place)


def test_table_3a_is_the_mean_and_students_interval_of_what_was_chosen(results: Results) -> None:
    table = cells(report.choices(results))
    assert table["PCK@0.2 of what is chosen"] == ["choice 1", "choice 2"]
    # 0.5, 0.6, 0.7: s = 0.1, 4.3027 · 0.1 / √3 = 0.248
    assert table["random"] == ["0.600 [0.352, 0.848]", "0.700 [0.452, 0.948]"]
    # 0.4, 0.52, 0.58: s² = (0.01 + 0.0004 + 0.0064) / 2, s = 0.09165, half 0.2277; 0.7, 0.6, 0.9: s = 0.1528, 0.3795
    assert table["LL"] == ["0.500 [0.272, 0.728]", "0.733 [0.354, 1.113]"]
    assert table["oracle"][1] == "0.300 [0.300, 0.300]"
    assert list(table)[1:] == ["random", "LL", "LL++", "oracle"]


def test_table_3b_begins_with_the_base_model_of_all_methods(results: Results) -> None:
    table = cells(report.tested(results))
    assert table["PCK@0.2 on test"] == ["32 labels", "38 labels", "44 labels"]
    base = "0.640 [0.541, 0.739]"  # s = 0.04, half 0.0994
    # 0.70, 0.72, 0.74 and 0.80, 0.82, 0.84: s = 0.02, half 0.0497
    assert table["random"] == [base, "0.720 [0.670, 0.770]", "0.820 [0.770, 0.870]"]
    assert {row[0] for row in list(table.values())[1:]} == {base}
    assert table["LL++"][1] == "0.700 [0.452, 0.948]"


def test_differences_are_taken_seed_by_seed_and_signed(results: Results) -> None:
    table = cells(report.differences(results, "random"))
    assert table["PCK@0.2, difference to random"] == ["choice 1", "choice 2"]
    # -0.10, -0.08, -0.12: s = 0.02, half 0.0497; then 0.10, -0.10, 0.10: s = 0.1155, half 0.2869
    assert table["LL"] == ["-0.100 [-0.150, -0.050]", "+0.033 [-0.254, +0.320]"]
    # 0.10, 0.11, 0.12: s = 0.01, half 0.0248
    assert table["LL++"][0] == "+0.110 [+0.085, +0.135]"
    assert "random" not in table
    back = cells(report.differences(results, "LL"))
    assert back["random"][0] == "+0.100 [+0.050, +0.150]"


def test_the_difference_to_a_method_that_is_not_there_is_refused(results: Results) -> None:
    with pytest.raises(ValueError, match=r"no method 'Random'; it has random, LL, LL\+\+, oracle"):
        report.differences(results, "Random")


def test_a_lead_is_of_the_seeds_that_both_have(tmp_path: Path, results: Results) -> None:
    assert report.lead(results, "LL", to="random") == pytest.approx({0: -0.10, 1: -0.08, 2: -0.12})
    assert report.lead(results, "LL", to="random", choice=2) == pytest.approx({0: 0.10, 1: -0.10, 2: 0.10})
    partly = Results.read(whole_run(tmp_path, without=["seed1/LL/stage1", "seed2/random/stage1"]))
    assert report.lead(partly, "LL", to="random", choice=2) == pytest.approx({0: 0.10})
    assert report.lead(partly, "random", to="LL", choice=2) == pytest.approx({0: -0.10})


@pytest.mark.parametrize(
    ("method", "choice", "sentence"),
    [
        ("LL", 1, "-0.100 [-0.150, -0.050] over 3 seeds; the interval lies on one side of 0: it finds more failures."),
        (
            "LL++",
            1,
            "+0.110 [+0.085, +0.135] over 3 seeds; the interval lies on one side of 0: it finds fewer failures.",
        ),
        (
            "LL",
            2,
            "+0.033 [-0.254, +0.320] over 3 seeds; the interval holds 0, so these seeds do not tell the two apart.",
        ),
        (
            "random",
            1,
            "+0.000 [+0.000, +0.000] over 3 seeds; the interval holds 0, so these seeds do not tell the two apart.",
        ),
    ],
)
def test_the_verdict_on_failures(results: Results, method: str, choice: int, sentence: str) -> None:
    beginning = f"**{method}** beside random, PCK@0.2 of what it chooses, choice {choice}: "
    assert report.ahead(results, method, choice=choice) == beginning + sentence


def test_the_verdict_on_failures_beside_another_method(results: Results) -> None:
    # -0.20, -0.19, -0.24: mean -0.21, s = 0.02646, half 0.0657
    said = report.ahead(results, "LL", to="LL++")
    assert said.startswith("**LL** beside LL++, ")
    assert (
        "choice 1: -0.210 [-0.276, -0.144] over 3 seeds; the interval lies on one side of 0: it finds more failures"
        in said
    )


def test_the_verdict_on_labels(results: Results) -> None:
    # 0.01, 0.01, 0.01 but for rounding
    said = report.better(results, "LL", stage=1)
    assert said.startswith("**LL** beside random, PCK@0.2 on test after 1 choice: +0.010 [+0.010, +0.010] over 3 seeds")
    assert said.endswith("; the interval lies on one side of 0: its labels are worth more.")
    # -0.01, -0.02, -0.03: s = 0.01, half 0.0248
    said = report.better(results, "LL++", stage=2)
    assert "after 2 choices: -0.020 [-0.045, +0.005] over" in said
    assert "the interval holds 0" in said
    # 0.05, 0.03, 0.01: s = 0.02, half 0.0497
    assert ": +0.030 [-0.020, +0.080] over" in report.better(results, "oracle", stage=2)
    # -0.06, -0.05, -0.04: s = 0.01
    said = report.better(results, "LL++", to="oracle", stage=2)
    assert said.startswith("**LL++** beside oracle")
    assert ": -0.050 [-0.075, -0.025] over" in said
    assert said.endswith("; the interval lies on one side of 0: its labels are worth less.")


def test_one_seed_has_no_interval_and_settles_nothing(tmp_path: Path) -> None:
    results = one_seed(tmp_path, values={"random": 0.6, "LL": 0.4})
    table = cells(report.choices(results))
    assert table["random"] == ["0.600", "–"]
    assert table["LL++"] == ["–", "–"]
    assert cells(report.differences(results, "random"))["LL"] == ["-0.200", "–"]
    said = report.ahead(results, "LL")
    assert said.endswith("choice 1: -0.200, of one seed, which settles nothing.")


def test_two_seeds_have_the_wide_interval_of_one_degree_of_freedom(tmp_path: Path) -> None:
    results = Results.read(whole_run(tmp_path, plan(seeds=[0, 1])))
    # 0.5 and 0.6: s = 0.0707, 12.7062 · 0.05 = 0.635
    assert cells(report.choices(results))["random"][0] == "0.550 [-0.085, 1.185]"
    # -0.10 and -0.08: s = 0.01414, 12.7062 · 0.01 = 0.127
    assert "-0.090 [-0.217, +0.037] over 2 seeds; the interval holds 0" in report.ahead(results, "LL")


def test_what_is_not_known_yet_is_said(tmp_path: Path) -> None:
    of = plan()
    results = Results.read(new_run(tmp_path, of))
    assert report.progress(results) == f"0 of 27 units of `{of.folder_name}` are done."
    assert report.accuracies(results) == report.choices(results) == report.tested(results) == ""
    assert report.correlations(results) == report.minutes(results) == report.differences(results, "random") == ""
    unknown = "nothing is known yet."
    assert report.ahead(results, "LL") == f"**LL** beside random, PCK@0.2 of what it chooses, choice 1: {unknown}"
    assert report.better(results, "LL", stage=1).endswith(f"after 1 choice: {unknown}")
    whole = report.whole(results)
    assert "##" not in whole
    assert whole.startswith("# made\n")


def test_a_run_under_way_shows_what_is_there(tmp_path: Path) -> None:
    gone = [*(f"seed{s}/LL/stage2" for s in (0, 1, 2)), "seed1/random/stage1", "seed1/random/stage2"]
    of_seed_2 = [unit.name for unit in units(plan()) if unit.seed == 2]
    results = Results.read(whole_run(tmp_path, without=[*gone, *of_seed_2]))
    assert report.progress(results) == f"14 of 27 units of `{results.folder.name}` are done."
    chosen, tested = cells(report.choices(results)), cells(report.tested(results))
    assert chosen["random"] == ["0.550 [-0.085, 1.185]", "0.600"]
    assert tested["LL"][2] == "–"
    assert "settles nothing" not in report.ahead(results, "LL")


def test_a_unit_whose_base_is_gone_is_named_and_counts_as_not_done(tmp_path: Path) -> None:
    results = Results.read(whole_run(tmp_path, without=["seed1/LL/stage1"]))
    said = report.progress(results)
    assert said.startswith("25 of 27 units")
    assert said.endswith("done. left out, since they stand on units that are not complete: seed1/LL/stage2.")
    assert results.tested(PCK, "LL", 2) == {0: 0.81, 2: 0.87}


def test_nan_is_left_out_of_a_mean(tmp_path: Path) -> None:
    of = plan()
    folder = new_run(tmp_path, of)
    for seed, random, other in ((0, 0.5, 0.4), (1, math.nan, 0.5), (2, 0.7, math.nan)):
        add_unit(folder, of, Unit(seed), [choice_row("random", random), choice_row("LL", other)])
    results = Results.read(folder)
    assert math.isnan(results.chosen(PCK, "random", 1)[1])
    table = cells(report.choices(results))
    assert table["random"][0] == "0.600 [-0.671, 1.871]"  # 0.5 and 0.7: 12.7062 · 0.1
    assert cells(report.differences(results, "random"))["LL"][0] == "-0.100"
    assert report.ahead(results, "LL").endswith("one seed, which settles nothing.")
    assert report.ahead(results, "LL++").endswith("nothing is known yet.")


def test_a_damaged_unit_is_named_and_counts_as_not_done(tmp_path: Path) -> None:
    folder = whole_run(tmp_path)
    damage(folder / "seed1" / "base" / "metrics.csv")
    results = Results.read(folder)
    assert Unit(1) not in results.records
    said = report.progress(results)
    assert said.startswith("18 of 27 units")  # nothing stands without it
    assert "done. seed1/base/metrics.csv is not what was written: wanted SHA-256" in said
    assert str(tmp_path) not in said  # a report may be shown to others
    assert report.choices(results).splitlines()[2].startswith("| random | 0.600 [-0.671, 1.871] |")  # 0.5 and 0.7
    assert said in report.whole(results)


@pytest.mark.parametrize(
    ("foreign", "said"),
    [
        ({"experiment": "another"}, "its experiment is 'another'"),
        ({"named": "seed1/base"}, "its unit is 'seed1/base'"),
        ({"trained_on": ["figure-3"]}, "its trained on is "),
    ],
)
def test_a_foreign_unit_is_named_and_counts_as_not_done(tmp_path: Path, foreign: dict[str, Any], said: str) -> None:
    of = plan()
    folder = new_run(tmp_path, of)
    add_unit(folder, of, Unit(0), [choice_row("random", 0.5)])
    add_unit(folder, of, Unit(2), [choice_row("random", 0.9)], **foreign)
    results = Results.read(folder)
    assert list(results.records) == [Unit(0)]
    assert len(results.notices) == 1
    assert results.notices[0].startswith(f"{folder / 'seed2/base'} is foreign here: {said}")
    assert results.chosen(PCK, "random", 1) == {0: 0.5}


def test_a_part_of_a_run_is_read_alone(tmp_path: Path) -> None:
    folder = whole_run(tmp_path)
    base = Results.read(folder, stages=0)
    assert list(base.records) == [Unit(0), Unit(1), Unit(2)]
    assert base.choices == 1
    assert cells(report.choices(base))["PCK@0.2 of what is chosen"] == ["choice 1"]
    assert next(iter(cells(report.differences(base, "random")).values())) == ["choice 1"]
    one = Results.read(folder, seeds=[1], stages=1)
    assert {unit.seed for unit in one.records} == {1}
    assert {unit.stage for unit in one.records} == {0, 1}
    assert one.choices == Results.read(folder).choices == 2
    assert cells(report.choices(one))["LL"] == ["0.520", "0.600"]


def test_a_low_accuracy_is_said_below_the_table_of_base_models(tmp_path: Path) -> None:
    of = plan(seeds=[0, 1])
    folder = new_run(tmp_path, of)
    for seed, pool in ((0, 0.30), (1, 0.60)):
        rows = [("train", "", PCK, 0.9, 32), ("test", "", PCK, math.nan, 40), ("pool", "", PCK, pool, 40)]
        add_unit(folder, of, Unit(seed), rows)
    said = report.accuracies(Results.read(folder)).split("\n\n")[1]
    assert said.startswith("> **This is low on pool**")  # 0.45 on the mean; of test nothing is known


def test_base_models_and_predictors(tmp_path: Path) -> None:
    of = plan(seeds=[0, 1])
    folder = new_run(tmp_path, of)
    for seed, shift in ((0, 0.0), (1, 0.2)):
        rows = [
            ("train", "", PCK, 0.9, 32), ("test", "", PCK, 0.7 + shift, 40), ("pool", "", PCK, 0.5, 40),
            ("test", "", "true loss, mean", 12.5, 40), ("test", "", "gamma shape k", 4.0, 40),
            ("test", "", "gamma scale Θ", 3.125, 40), ("test", "", "failures, fraction", 0.25, 40),
            ("pool", "LL++", "Pearson", 0.4 + shift, 40), ("pool", "LL++", "Spearman", 0.3, 40),
            ("pool", "LL++", "Pearson with log l", 0.35, 40), ("pool", "LL++", "failures, AUROC", 0.75, 40),
            ("pool", "multipeak_entropy", "Pearson", -0.1, 40), ("test", "LL", "Pearson", math.nan, 40),
        ]  # fmt: skip
        add_unit(folder, of, Unit(seed), rows)
    results = Results.read(folder)
    table = cells(report.accuracies(results))
    assert table["base model on"] == [PCK, "true loss, mean", "gamma shape k", "gamma scale Θ", "failures, fraction"]
    assert list(table)[1:] == ["train", "test", "pool"]
    # 0.7 and 0.9: 12.7062 · 0.1
    numbers = ["0.800 [-0.471, 2.071]", "12.500 [12.500, 12.500]", "4.000 [4.000, 4.000]"]
    assert table["test"] == [*numbers, "3.125 [3.125, 3.125]", "0.250 [0.250, 0.250]"]
    assert table["pool"] == ["0.500 [0.500, 0.500]", "–", "–", "–", "–"]
    pool = cells(report.correlations(results))
    assert pool["on pool"] == ["Pearson", "Pearson with log l", "Spearman", "failures, AUROC"]
    same = ["0.350 [0.350, 0.350]", "0.300 [0.300, 0.300]", "0.750 [0.750, 0.750]"]
    assert pool["LL++"] == ["0.500 [-0.771, 1.771]", *same]
    assert pool["multipeak_entropy"] == ["-0.100 [-0.100, -0.100]", "–", "–", "–"]
    assert "LL" not in pool
    assert report.correlations(results, "test") == ""  # nothing but NaN
    assert report.correlations(results, "train") == ""


def test_minutes_are_means_over_the_seeds_and_name_the_devices(tmp_path: Path) -> None:
    of = plan(seeds=[0, 1])
    folder = new_run(tmp_path, of)
    add_unit(folder, of, Unit(0), [], minutes=(1.0, 0.5, 0.25), device="one")
    add_unit(folder, of, Unit(1), [], minutes=(3.0, 0.5, 0.25), device="another")
    add_unit(folder, of, Unit(0, 1, "LL"), [], minutes=(7.0, 0.1, 0.0), device="one")
    text = report.minutes(Results.read(folder))
    table, devices = text.split("\n\n")
    rows = cells(table)
    assert rows["minutes"] == ["train", "score", "choose"]
    assert rows["base models"] == ["2.00", "0.50", "0.25"]
    assert rows["stage 1 of LL"] == ["7.00", "0.10", "0.00"]
    assert devices == "Computed on: another, one."


def test_minutes_say_how_many_units_were_interrupted(tmp_path: Path) -> None:
    of = plan(seeds=[0, 1])
    folder = new_run(tmp_path, of)
    add_unit(folder, of, Unit(0), [], resumed=True)
    add_unit(folder, of, Unit(1), [])
    add_unit(folder, of, Unit(1, 1, "LL"), [], resumed=True)
    said = report.minutes(Results.read(folder))
    assert "Interrupted units: 2, of which only the minutes since they went on are counted." in said


def test_the_whole_has_every_table_under_a_heading_of_its_own(results: Results) -> None:
    whole = report.whole(results)
    assert whole.startswith(f"# made\n\n27 of 27 units of `{results.folder.name}` are done.\n\n")
    assert "Means over those of the seeds 0, 1, 2 that are done" in whole
    tables = (report.accuracies, report.choices, report.tested, report.minutes)
    for table in (*(make(results) for make in tables), report.differences(results, "random")):
        assert table
        assert whole.count(table) == 1
    headings = [line for line in whole.splitlines() if line.startswith("## ")]
    assert len(headings) == len(set(headings)) == 5  # of no predictor anything is known


def test_without_random_choice_nothing_is_compared_to_it(tmp_path: Path) -> None:
    methods = {"LL": {"strategy": "predicted_loss", "predictor": "LL"}, "oracle": {"strategy": "oracle"}}
    results = Results.read(whole_run(tmp_path, plan(methods=methods)))
    assert "Beside random choice" not in report.whole(results)


def test_mpii_is_named_by_its_own_accuracy(tmp_path: Path) -> None:
    of = plan(data={"kind": "mpii", "train": 10, "pool": 40})
    folder = new_run(tmp_path, of)
    add_unit(folder, of, Unit(0), [("selected", "LL", "PCKh@0.5", 0.5, 6), ("selected", "LL", PCK, 0.1, 6)])
    results = Results.read(folder)
    assert results.accuracy_name == "PCKh@0.5"
    assert cells(report.choices(results))["LL"][0] == "0.500"


def test_numbers_are_found_by_seed_stage_and_method(results: Results) -> None:
    assert results.values(PCK, split="test") == {0: 0.60, 1: 0.64, 2: 0.68}
    assert results.values(PCK, split="test", stage=2, method="LL") == {0: 0.81, 1: 0.84, 2: 0.87}
    assert results.values(PCK, split="selected", of="LL") == {0: 0.40, 1: 0.52, 2: 0.58}
    assert results.values(PCK, split="selected", of="LL", stage=1) == {}
    assert results.values("no such metric", split="test") == {}
    assert results.chosen(PCK, "LL", 1) == results.values(PCK, split="selected", of="LL")
    assert results.chosen(PCK, "LL", 2) == {0: 0.70, 1: 0.60, 2: 0.90}
    assert results.chosen(PCK, "LL", 3) == {}
    assert results.tested(PCK, "LL", 0) == results.tested(PCK, "random", 0) == {0: 0.60, 1: 0.64, 2: 0.68}
    assert results.tested(PCK, "LL", 1) == {0: 0.71, 1: 0.73, 2: 0.75}


def test_metrics_are_written_as_one_tidy_table(tmp_path: Path) -> None:
    of = plan()
    folder = new_run(tmp_path, of)
    add_unit(folder, of, Unit(0), [("test", "", PCK, 1 / 3, 40), ("test", "LL", "Pearson", math.nan, 40)])
    add_unit(folder, of, Unit(2), [])
    add_unit(folder, of, Unit(2, 1, "LL"), [("test", "", PCK, 0.5, 39)])
    results = Results.read(folder)
    results.write_metrics(tmp_path / "in" / "metrics.csv")
    assert (tmp_path / "in" / "metrics.csv").read_text() == (
        "seed,stage,method,split,of,metric,value,n\n"
        "0,0,,test,,PCK@0.2,0.333333333,40\n"
        "0,0,,test,LL,Pearson,,40\n"
        "2,1,LL,test,,PCK@0.2,0.5,39\n"
    )
    assert len(read_table(tmp_path / "in" / "metrics.csv")) == len(results.metrics) == 3


def test_runs_are_found_one_or_several(tmp_path: Path) -> None:
    one, other = whole_run(tmp_path, name="one"), whole_run(tmp_path, name="a-nother")
    (tmp_path / "no run").mkdir()
    assert find_runs(one) == find_runs(str(one)) == [one]
    assert find_runs(tmp_path) == [other, one]
    names = [f"{letter}-run" for letter in "qwertyuiopasdfghjklzxcvbnm"]
    for name in names:
        new_run(tmp_path / "many", plan(), name)
    assert [path.name for path in find_runs(tmp_path / "many")] == sorted(names)
    for nothing in (tmp_path / "no run", tmp_path / "nowhere", one / "seed0"):
        with pytest.raises(ValueError, match=r"wanted the folder of a run, with its experiment\.json, or one that"):
            find_runs(nothing)


def test_a_description_that_is_none_is_named(tmp_path: Path) -> None:
    folder = whole_run(tmp_path)
    (folder / "experiment.json").write_text("{")
    with pytest.raises(ValueError, match=r"experiment\.json describes no experiment"):
        Results.read(folder)
    (folder / "experiment.json").write_text('{"name": "x"}')
    with pytest.raises(ValueError, match=r"experiment\.json describes no experiment"):
        Results.read(folder)
    with pytest.raises(ValueError, match=r"wanted the folder of a run"):
        Results.read(tmp_path / "nowhere")
