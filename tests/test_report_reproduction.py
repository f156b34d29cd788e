"""What is said and drawn of a recorded run, against numbers worked out by hand; and the records in the repository."""

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))  # for `made_run`, which is no test

from made_run import plan

from llpp_core import figures
from llpp_core.analysis import printed
from llpp_core.experiment import FULL, REDUCED, Experiment, Measured, Recorded, Unit, load_experiment
from llpp_core.report import in_short, reproduction

RESULTS = Path(__file__).parents[1] / "book" / "results"
RECORDS = sorted(path.parent for path in RESULTS.glob("*/metrics.csv"))


class Made(Measured):
    """Numbers given by hand: (split, of, metric) → one value a seed."""

    def __init__(self, values: dict[tuple[str, str, str], tuple[float, ...]], experiment: Experiment) -> None:
        self.experiment, self.choices, self._given = experiment, 1, values

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [
            {"seed": seed, "stage": 0, "method": "", "split": split, "of": of, "metric": metric, "value": value, "n": 9}
            for (split, of, metric), row in self._given.items()
            for seed, value in enumerate(row)
        ]


def made(**pcks: tuple[float, ...]) -> Made:
    chosen = {("selected", name, "PCK@0.2"): row for name, row in pcks.items()}
    correlations = {
        ("pool", "LL", "Pearson"): (0.40, 0.42, 0.44),
        ("pool", "LL++", "Pearson"): (0.50, 0.53, 0.56),
        ("test", "", "PCK@0.2"): (0.72, 0.74, 0.76),
    }
    return Made({**correlations, **chosen}, plan())


def row(table: str, begin: str) -> list[str]:
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return next(cells for cells in lines if cells[0].startswith(begin))


def test_a_difference_is_taken_seed_by_seed_and_judged() -> None:
    table = reproduction.orders(
        made(random=(0.5, 0.5, 0.6), LL=(0.3, 0.4, 0.5), core_set=(0.7, 0.71, 0.79), **{"LL++": (0.2, 0.5, 0.5)})
    )
    assert row(table, "Pearson on LSPET, LL++ less LL")[1:4] == ["+0.140", "+0.110 [+0.085, +0.135]", "outside"]
    assert row(table, "Pearson on LSPET, LL++ less LL")[4].startswith("the paper's order (p = ")
    assert row(table, "PCK@0.2 of the first choice, Core-Set less Random")[4].startswith("**the other order** (p = ")
    assert row(table, "PCK@0.2 of the first choice, LL++ less LL")[3] == "inside"
    assert row(table, "PCK@0.2 of the first choice, LL++ less LL")[4].startswith("not told apart (p = ")
    assert row(table, "PCK@0.2 of the first choice, LL++conv less LL++")[2:] == ["–", "–", "not run"]
    assert row(table, "its spread over images, LL++ less LL")[1:] == ["-0.100", "–", "–", "not run"]


def test_an_order_that_is_clear_alone_may_not_be_among_many() -> None:
    run = made(random=(0.50, 0.53, 0.52), LL=(0.45, 0.42, 0.44))  # p = 0.044 alone, beside two more rows
    assert run._given["pool", "LL", "Pearson"]
    run._given["pool", "LL", "Pearson"] = (0.40, 0.60, 0.44)
    assert row(reproduction.orders(run), "PCK@0.2 of the first choice, LL less Random")[4].startswith("not told apart")


def test_one_seed_settles_nothing() -> None:
    one = made(random=(0.5,), LL=(0.3,))
    assert row(reproduction.orders(one), "PCK@0.2 of the first choice, LL less Random")[3:] == [
        "–",
        "one seed settles nothing",
    ]


def test_levels_stand_beside_what_is_printed() -> None:
    table = reproduction.levels(made(random=(0.5, 0.5, 0.6)))
    assert row(table, "Pearson on LSPET (Fig. 5; of which kind is not said), LL")[1:] == [
        "0.37",
        "0.420 [0.370, 0.470]",
    ]
    assert row(table, "PCK@0.2 of the first choice (Table 3a), Random")[1] == "0.430 ± 0.017"
    assert row(table, "PCK@0.2 of the first choice (Table 3a), LL++conv")[2] == "–"


def test_an_aim_is_met_or_missed_by_how_much() -> None:
    table = reproduction.aims(made(**{"LL++conv": (0.30, 0.31, 0.32)}), ours="LL++")
    assert row(table, "PCK@0.2 on LSP's test half")[3] == "met"
    assert row(table, "Pearson on LSPET, LL++, above")[3] == "missed by 0.070"
    assert row(table, "LL++ less LL, Pearson on LSPET, above")[1:] == ["0", "+0.110 [+0.085, +0.135]", "met"]
    assert row(table, "minutes of a base training on a GPU")[3] == "not measured: no GPU"
    assert "Beside these" not in table
    assert row(table, "PCK@0.2 of the first choice, LL++conv")[3] == "missed by 0.101"
    assert "PCK@0.2 of the first choice, LL++, at most" not in table  # no such choice was made
    table = reproduction.aims(made(**{"LL++": (0.1, 0.2, 0.3), "random": (0.4, 0.5, 0.6)}), ours="LL++")
    assert row(table, "PCK@0.2 of the first choice, LL++, at")[3] == "met; a random choice has 0.500 [0.252, 0.748]"


def test_an_aim_of_one_seed_or_of_two_methods_on_one_model() -> None:
    one = made(**{"LL++": (0.1,), "LL++conv": (0.2,)})
    for name in ("LL", "LL++"):
        one._given["pool", name, "Pearson"] = one._given["pool", name, "Pearson"][:1]
    table = reproduction.aims(one, ours="LL++")
    assert row(table, "LL++ less LL, Pearson on LSPET, above")[3] == "one seed settles nothing"
    assert row(table, "the same, LL++ less LL++conv on the same models, below")[2:] == [
        "-0.100",
        "one seed settles nothing",
    ]
    assert row(reproduction.aims(made(), ours="LL++"), "the same, LL++ less")[2:] == ["–", "not compared"]


def test_an_aim_about_another_run_names_its_base_models() -> None:
    other = made(**{"LL++": (0.10, 0.11, 0.12)})
    other._given["test", "", "PCK@0.2"] = (0.52, 0.54, 0.56)
    table = reproduction.aims(made(), ours="LL++", of=other)
    assert row(table, "PCK@0.2 on LSP's test half")[3] == "met"
    assert row(table, "the same, the base models of LL++")[3] == "missed by 0.160"
    other._given["pool", "LL++", "Pearson"] = (0.70, 0.73, 0.76)
    table = reproduction.aims(made(), ours="LL++", of=other)
    assert row(table, "Pearson on LSPET, LL++")[3] == "met, on base models that miss 0.7"
    other._given["test", "", "PCK@0.2"] = (0.72, 0.74, 0.76)
    assert row(reproduction.aims(made(), ours="LL++", of=other), "Pearson on LSPET, LL++")[3] == "met"
    assert row(table, "PCK@0.2 of the first choice, LL++, at most")[3] == "met, on base models that miss 0.7"
    table = reproduction.aims(made(oracle=(0.1, 0.1, 0.1), entropy=(0.2, 0.2, 0.2)), ours="LL++")
    assert table.endswith(
        "\n\nBeside these first choices, that of the oracle, who knows the losses, has 0.100 [0.100, 0.100] and that "
        "of multi-peak entropy, which needs no training, has 0.200 [0.200, 0.200]."
    )


def test_minutes_count_where_a_gpu_trained_in_one_go() -> None:
    class OnGpu(Recorded):
        known = {  # type: ignore[assignment]  # noqa: RUF012
            Unit(0): {"device": "NVIDIA H100", "minutes": {"train": 2.5}, "resumed": False},
            Unit(1): {"device": "NVIDIA H100", "minutes": {"train": 0.1}, "resumed": True},
            Unit(2): {"device": "CPU, 1 thread", "minutes": {"train": 24.0}, "resumed": False},
        }

    assert reproduction._minutes_on_gpu(OnGpu(Path(), plan(), 1)) == {0: 2.5}


def test_one_predictor_less_another_seed_by_seed() -> None:
    table = reproduction.gain(made(), "LL++", "LL")
    assert row(table, "Pearson, pool")[1:] == [
        "+0.110 [+0.085, +0.135]", "higher", "0.420 [0.370, 0.470]", "0.530 [0.455, 0.605]",
    ]  # fmt: skip
    assert row(table, "Spearman, pool")[2] == "not run"


def test_a_training_is_told_look_by_look() -> None:
    rows = [
        {"epoch": epoch, "split": "pool", "of": of, "metric": metric, "value": value}
        for epoch, pearson, pck, k in (
            (1, 0.8, 0.03, 4.0),
            (40, 0.2, 0.19, 29.0),
            (60, 0.6, 0.23, 18.0),
            (140, 0.5, 0.28, 19.0),
        )
        for of, metric, value in (
            ("LL", "Pearson", pearson),
            ("LLconv", "Pearson", -pearson),
            ("", "PCK@0.2", pck),
            ("", "gamma shape k", k),
        )
    ]
    shorter = made()
    shorter._given["pool", "", "PCK@0.2"] = (0.18, 0.19, 0.20)
    shorter._given["pool", "", "gamma shape k"] = (29.0, 30.0, 31.0)
    table = reproduction.looks(rows, ["LL", "LLconv"], shorter)
    assert row(table, "epoch") == ["epoch", "PCK@0.2", "shape k", "LL, Pearson", "LLconv, Pearson"]
    assert row(table, "40") == ["40", "0.19", "29.00", "0.20", "-0.20"]
    assert row(table, f"{shorter.experiment.training.epochs}, other models")[1:] == [
        "0.19 [0.17, 0.21]", "30.00 [27.52, 32.48]", "0.42 [0.37, 0.47]", "–",
    ]  # fmt: skip
    assert table.endswith("over these 4 looks (Spearman): LL -1.00, LLconv 1.00.")
    with pytest.raises(ValueError, match="Pearson of LL\\+\\+ on pool, which was not measured"):
        reproduction.looks(rows, ["LL++"], shorter)


def test_the_reproduction_in_short() -> None:
    run, other = made(random=(0.5, 0.5, 0.6), LL=(0.3, 0.4, 0.5), **{"LL++": (0.2, 0.5, 0.5)}), made()
    said = in_short(run, ours="LL++", like="LL", of=other, varied=made()).splitlines()
    assert said == [
        "- Base models: PCK@0.2 on LSP's test half 0.740 [0.690, 0.790]; the aim is 0.70. Methods choose once here, "
        "where the paper's choose five times.",
        "- LearningLoss++ less Learning Loss, Pearson's correlation on LSPET: +0.110 [+0.085, +0.135] (higher). The "
        "paper has +0.14.",
        "- PCK@0.2 of first choices, where lower is more failures found: LL++ less a random choice -0.133 [-0.513, "
        "+0.246] (not told apart), LL++ less LL +0.000 [-0.248, +0.248] (not told apart).",
        "- Reading the heatmaps too, LL++ less LL: +0.110 [+0.085, +0.135] in correlation (higher), to 0.530 [0.455, "
        "0.605].",
    ]


def test_base_models_that_differ_are_named() -> None:
    one, other = made(), made()
    assert reproduction.same_models(one, other).endswith("are the same ones.")
    other._given["test", "", "PCK@0.2"] = (0.72, 0.75, 0.77)
    said = reproduction.same_models(one, other)
    assert said.startswith("The base models of seed 0 are the same ones")
    assert "those of seeds 1, 2 are not" in said
    other._given["test", "", "PCK@0.2"] = (0.73, 0.75, 0.77)
    assert "those of seeds 0, 1, 2 are not" in reproduction.same_models(one, other)


def test_at_the_papers_own_fit_the_gap_tables_are_the_papers() -> None:
    def numbers(table: str, begin: str) -> list[float]:
        lines = [line for line in table.splitlines() if line.startswith(f"| {begin}")]
        return [float(cell) for line in lines for cell in line.split("|")[2:-1]]

    own = reproduction.gaps(4.0, 0.066)
    assert numbers(own, "the paper") == [*printed.TABLE_1.value, *printed.TABLE_2.value]
    # A bar that is no border of a cell would end the table for who reads it.
    for table in own.split("\n\n"):
        assert len({len(re.split(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    # the printed scale is short of a digit
    assert numbers(own, "here") == pytest.approx(numbers(own, "the paper"), abs=0.0065)
    assert numbers(own, "here") == numbers(reproduction.gaps(4.0, 6.6), "here")  # another unit of loss


def test_predictors_are_drawn_with_what_the_paper_has() -> None:
    figure = figures.correlation_dots([made(), made()], name="x")
    # Spearman was not measured
    assert figure.data["predictor"] == ["LL", "LL++", "LL (again)", "LL++ (again)"]
    assert figure.data["mean"] == [0.42, 0.53, 0.42, 0.53]
    assert "LL++, 0.530" in figure.alt
    crosses = next(trace for trace in figure.plot.data if trace.name == "the paper's")
    assert sorted(crosses.x) == [0.37, 0.51]
    with pytest.raises(ValueError, match="at least one predictor"):
        figures.correlation_dots([Made({}, plan())], name="x")


def test_a_training_is_drawn_along_its_epochs() -> None:
    rows = [
        {"epoch": epoch, "split": split, "of": of, "metric": metric, "value": value + epoch / 100}
        for epoch in (1, 10)
        for split, of, metric, value in (
            ("pool", "LL", "Pearson", 0.5),
            ("pool", "", "PCK@0.2", 0.1),
            ("test", "", "PCK@0.2", 0.2),
        )
    ]
    figure = figures.along_training(rows, predictors=["LL"], name="x")
    assert figure.data["epoch"] == [1, 10]
    assert figure.data["LL: Pearson on the pool"] == [0.51, 0.6]
    assert "from 0.51 to 0.60, while PCK on the test half goes from 0.21 to 0.30" in figure.alt
    with pytest.raises(ValueError, match="Pearson of LL\\+\\+ on pool, which was not measured"):
        figures.along_training(rows, predictors=["LL++"], name="x")


@pytest.mark.parametrize("folder", RECORDS, ids=lambda folder: folder.name)
def test_every_record_is_that_of_its_configuration(folder: Path) -> None:
    recorded = Recorded.read(folder)
    assert recorded.experiment == load_experiment(folder.name)
    assert recorded.provenance["experiment"] == recorded.experiment.hash
    units = {Unit(row["seed"], row["stage"], row["method"] or None).name for row in recorded.metrics}
    assert units == {unit["unit"] for unit in recorded.provenance["units"]}
    assert all(unit["commit"] in reproduction.made(recorded) for unit in recorded.provenance["units"])
    for name in ("reading.csv", "picked.csv"):
        assert recorded.table(name)
    if (folder / "along.csv").is_file():  # the training that was followed ends with the base model of the run
        rows = recorded.table("along.csv", whole=("seed", "epoch", "n"))
        last = [row for row in rows if row["epoch"] == recorded.experiment.training.epochs and row["split"] == "test"]
        assert last
        for row in last:
            assert row["value"] == recorded.values(row["metric"], split="test", of=row["of"]).get(
                row["seed"], row["value"]
            )


def test_the_steps_say_what_is_recorded(tmp_path: Path) -> None:
    table = reproduction.steps([*FULL, *REDUCED], RESULTS)
    assert len(table.splitlines()) == 2 + len(FULL) + len(REDUCED)
    assert row(table, "the base models of five seeds, 128 pixels")[2] == "5 of 5"
    assert row(reproduction.steps(REDUCED, tmp_path), "the base models of five seeds, 128 pixels")[2] == "0 of 5"


def test_a_training_that_was_followed_in_part_is_a_step_that_is_left(tmp_path: Path) -> None:
    shutil.copytree(RESULTS / "lsp_lspet_reduced", tmp_path / "lsp_lspet_reduced")
    assert row(reproduction.steps(REDUCED, tmp_path), "the correlations along one training")[2] == "1 of 1"
    table = tmp_path / "lsp_lspet_reduced" / "along.csv"
    table.write_text("".join(line for line in table.read_text().splitlines(True) if not line.startswith("0,140,")))
    assert row(reproduction.steps(REDUCED, tmp_path), "the correlations along one training")[2] == "0 of 1"


def test_a_joint_training_is_said_with_its_epochs_and_weight() -> None:
    said = reproduction.made(Recorded.read(RESULTS / "lsp_lspet_reduced_joint_light"))
    assert "50 epochs, the predictor trained jointly in the first 30, weight 0.001): the base models of seeds " in said
    assert "jointly" not in reproduction.made(Recorded.read(RESULTS / "lsp_lspet_reduced"))
