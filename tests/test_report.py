"""What a page says of a run in words: every number in it is counted here again."""

from dataclasses import replace

import pytest
import torch

from llpp_core import report
from llpp_core.data import render_figures
from llpp_core.experiment import Splits
from llpp_core.heads import paper_heads
from llpp_core.metrics import Pck
from llpp_core.models import StackedHourglass
from llpp_core.training import TrainingConfig


def splits() -> Splits:
    train, test, pool = (replace(render_figures(n, n, size=16), name=f"part of {n}") for n in (4, 3, 2))
    for part in (train, test, pool):
        part.annotated[:] = True
        part.visible[:] = True
    train.visible[0, :6] = False
    test.annotated[0, :7] = False
    test.visible[0, :7] = False
    return Splits(train, test, pool)


def result(mean: float) -> Pck:
    return Pck(mean, torch.zeros(14), torch.zeros(3), joints_counted=12_345, samples_left_out=7)


def test_the_table_counts_images_joints_and_hidden_ones() -> None:
    lines = report.describe(splits()).splitlines()
    assert lines[2] == "| train | part of 4 | 4 | 56 (100%) | 6 | 16 × 16 |"
    assert lines[3] == "| test | part of 3 | 3 | 35 (83%) | not said | 16 × 16 |"
    assert len(lines) == 5
    assert len({line.count("|") for line in lines}) == 1


def test_a_good_accuracy_is_given_without_warning() -> None:
    text = report.accuracy_note({"LSP test": result(0.71)})
    assert "| LSP test | **0.710** | 12,345 | 7 |" in text
    assert ">" not in text


def test_a_low_accuracy_is_said_to_be_low_where_it_is() -> None:
    text = report.accuracy_note({"LSP test": result(0.71), "LSPET": result(0.499), "figures": result(0.2)})
    assert "> **This is low on LSPET and on figures**" in text
    assert "low on LSP test" not in text


def test_an_accuracy_that_could_not_be_measured_is_not_passed_over() -> None:
    assert ">" in report.accuracy_note({"LSPET": result(float("nan"))})


@pytest.mark.parametrize(("pck", "text"), [(0.5, "0.50"), (0.834, "0.83"), (0.3, "0.30 (low)")])
def test_the_line_gives_the_accuracy_and_says_where_it_is_low(pck: float, text: str) -> None:
    assert report.accuracy_line(pck) == f"PCK@0.2 of the pose model here: {text}"


def test_provenance_has_data_schedule_sizes_device_and_versions() -> None:
    model = StackedHourglass(joints=14, stacks=1, channels=8)
    heads = paper_heads(model, 64)
    config = TrainingConfig(epochs=5, batch_size=3, seed=42)
    text = report.provenance(splits(), config, model, heads, 1.25, 2.5)
    size = sum(p.numel() for p in model.parameters())
    conv = sum(p.numel() for p in heads["LL++conv"].predictor.parameters())
    assert "trained on 4 images of part of 4, 5 epochs, 5 steps of 3 images, seed 42" in text
    assert "scored 3 images of part of 3 and 2 of part of 2" in text
    assert f"pose model {size:,}" in text
    assert f"LL++conv {conv:,}" in text
    assert "1.2 minutes of training\n- 2.5 minutes in all, on CPU, " in text
    assert f"torch {torch.__version__}" in text
    assert all(line.startswith("- ") for line in text.splitlines())


def test_effects_are_a_row_a_way_and_a_column_a_figure() -> None:
    rows = {
        "plain": {"PCK": 0.12345, "parameters": 12_345, "time": "1.0"},
        "other": {"PCK": 1.0, "parameters": 7, "time": "–"},
    }
    assert report.effects(rows).splitlines() == [
        "| | PCK | parameters | time |",
        "|---|--:|--:|--:|",
        "| plain | 0.123 | 12,345 | 1.0 |",
        "| other | 1.000 | 7 | – |",
    ]


@pytest.mark.parametrize("rows", [{}, {"a": {"x": 1}, "b": {"y": 1}}])
def test_effects_of_different_figures_are_refused(rows: dict) -> None:
    with pytest.raises(ValueError, match="wanted rows of the same figures"):
        report.effects(rows)
