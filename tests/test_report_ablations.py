"""Ablations: paired differences, corrected for how many are asked, worked out by hand."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))  # for `made_run`, which is no test

from made_run import plan
from scipy import stats

from llpp_core import figures
from llpp_core.experiment import CHANGES, FULL, REDUCED, Experiment, Measured, load_experiment
from llpp_core.report import ablations


class Made(Measured):
    """Correlations given by hand: predictor → one value a seed; "" is the task model's accuracy."""

    def __init__(self, values: dict[str, tuple[float, ...]], of: Experiment) -> None:
        self.experiment, self.choices, self._given = of, 1, values

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [
            {"seed": seed, "stage": 0, "method": "", "split": split, "of": of, "metric": metric, "value": value, "n": 9}
            for of, row in self._given.items()
            for seed, value in enumerate(row)
            for split in ("train", "test", "pool")
            for metric in (("Pearson", "Spearman", "failures, AUROC") if of else ("PCK@0.2",))
        ]


def made(**given: tuple[float, ...]) -> Made:
    values = {name.replace("pp", "++").replace("_", "-"): row for name, row in given.items()}
    predictors = {n: {"objective": "learning_loss"} for n in values}
    return Made(values, plan(predictors=predictors, methods={"random": {"strategy": "random"}}))


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


def test_a_change_is_compared_seed_by_seed_and_corrected_for_all() -> None:
    run = made(LL=(0.40, 0.42, 0.44), LL_margin3=(0.50, 0.53, 0.54), LL_all=(0.41, 0.44, 0.43))
    first, second = rows(ablations.changes(run))
    assert first[0] == "margin ξ = 3 (LL → LL-margin3)"
    assert first[1:4] == ["0.420", "0.523", "+0.103 [+0.089, +0.118]"]
    p = [float(stats.ttest_rel(run._given[name], run._given["LL"]).pvalue) for name in ("LL-margin3", "LL-all")]
    assert p[0] < p[1]
    assert first[4] == f"higher (p = {2 * p[0]:.2g})"  # the smallest of two, times two
    assert second[4] == f"not told apart (p = {p[1]:.2g})"


def test_a_difference_that_is_clear_alone_may_not_be_among_many() -> None:
    clear = {"LL": (0.40, 0.42, 0.44), "LL_margin3": (0.45, 0.53, 0.52)}  # p = 0.044 alone
    assert "higher" in rows(ablations.changes(made(**clear)))[0][4]
    many = clear | {f"LL_margin{m}": (0.41, 0.40, 0.46) for m in ("0.1", "0.3")} | {"LL_all": (0.5, 0.3, 0.4)}
    assert all("not told apart" in row[4] for row in rows(ablations.changes(made(**many))))


def test_one_seed_settles_nothing_and_what_was_not_run_is_left_out() -> None:
    (only,) = rows(ablations.changes(made(LL=(0.4,), LL_margin3=(0.5,), log=(0.6,))))
    assert only[3:] == ["+0.100", "one seed settles nothing"]


def test_the_figure_draws_what_the_table_says() -> None:
    run = made(LL=(0.40, 0.42, 0.44), LL_margin3=(0.50, 0.53, 0.54), LL_all=(0.41, 0.44, 0.43))
    figure = figures.ablation_dots(run, name="changes")
    assert figure.data["change"] == ["margin ξ = 3", "all pairs, LL"]
    assert figure.data["mean"] == [0.1033, 0.0067]
    assert figure.alt == "Differences for 2 changes. Told apart: margin ξ = 3 +0.103."
    filled, hollow = figure.plot.data[:2]
    assert (list(filled.x), list(hollow.y)) == ([pytest.approx(0.31 / 3)], [0])
    with pytest.raises(ValueError, match="wanted a run with a change of one thing, got made"):
        figures.ablation_dots(made(LL=(0.4, 0.5)), name="changes")


def test_joint_training_is_compared_for_the_seeds_that_all_have_at_each_weight() -> None:
    apart = Made({"": (0.50, 0.52, 0.9), "LL": (0.6, 0.7, 0.1)}, plan())
    light = plan(training={"epochs": 1, "joint_weight": 0.001})
    together = Made({"": (0.40, 0.41), "LL": (0.7, 0.9)}, plan()), Made({"": (0.5, 0.53, 0.6)}, light)
    text, seeds = ablations.joint(apart, together).split("\n\n")
    assert text.splitlines()[:2] == [
        "|  | apart | weight 1 | difference to apart | weight 0.001 | difference to apart |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    table = rows(text)
    assert [row[0].split(", ")[-1] for row in table[:3]] == ["train", "test", "pool"]
    assert [cell.split(" ")[0] for cell in table[0][1:]] == ["0.510", "0.405", "-0.105", "0.515", "+0.005"]
    assert seeds == (
        "Means over the seeds that all of them have (0, 1); p-values are corrected for all differences shown."
    )
    alone = float(stats.ttest_1samp([-0.10, -0.11], 0.0).pvalue)
    assert table[0][3].endswith(f" (p = {6 * alone:.2g})")  # the smallest of six: three accuracies at two weights
    # The last run has no such predictor, so that no seed is left to compare.
    assert [row[1:] for row in table if row[0].startswith("Pearson")] == [["–"] * 5] * 2


def test_without_a_joint_run_the_table_shows_the_one_trained_apart() -> None:
    text = ablations.joint(Made({"": (0.50, 0.52), "LL": (0.6, 0.7)}, plan()), []).splitlines()
    assert text[:2] == ["|  | apart |", "|---|--:|"]
    assert text[2].startswith("| PCK@0.2 of the base model, train | 0.510 ")


@pytest.mark.parametrize("name", ["lsp_lspet_ablations", "lsp_lspet_reduced_ablations"])
def test_the_chapter_can_draw_what_it_draws_of_whichever_run_it_is_given(name: str) -> None:
    assert {"LL", "LL++", "LL++conv-n", "LL++pred-n"} <= set(load_experiment(name).predictors)


@pytest.mark.parametrize(
    "name", sorted({step.experiment for step in (*FULL, *REDUCED) if "joint" not in step.experiment})
)
def test_every_predictor_of_the_configurations_is_in_some_change(name: str) -> None:
    named = {one for change in CHANGES for one in (change.own, change.other)}
    assert set(load_experiment(name).predictors) <= named
    # A change is one thing: the two differ in a single setting, or in the kind of objective with what belongs to it.
    predictors = load_experiment(name).predictors
    for change in CHANGES:
        if change.own in predictors and change.other in predictors:
            own, other = predictors[change.own], predictors[change.other]
            differing = [f for f in ("module", "objective", "margin", "alpha", "pairs", "features")
                         if getattr(own, f) != getattr(other, f)]  # fmt: skip
            assert len(differing) == 1, (change, differing)
