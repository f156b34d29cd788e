"""What a predicted loss is good for: pairs in order, failures found, the top of the list; and PCKh."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.testing import assert_close

from llpp_core.metrics import correlation, failure_detection, mean_of_top, pair_ranking_accuracy, pck, pckh


def random(n: int = 200, seed: int = 0, *, ties: bool = False) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    true = rng.gamma(4.0, 0.066, n)
    predicted = np.log(true) + rng.normal(0, 0.5, n)
    if ties:
        true, predicted = true.round(1) + 0.1, predicted.round(1)
    return torch.tensor(predicted), torch.tensor(true)


def by_pairs(predicted: Tensor, true: Tensor) -> float:
    """The definition, over all pairs."""
    first, second = torch.triu_indices(len(true), len(true), offset=1)
    order = torch.sign(true[first] - true[second]) * torch.sign(predicted[first] - predicted[second])
    decided = true[first] != true[second]
    return float(((order[decided] + 1) / 2).mean())


def test_kendall_is_scipys() -> None:
    predicted, true = random()
    assert correlation(predicted, true).kendall == pytest.approx(stats.kendalltau(predicted, true).statistic)


@pytest.mark.parametrize("ties", [False, True])
def test_pair_ranking_accuracy_is_its_definition(ties: bool) -> None:
    for seed in range(3):
        predicted, true = random(60, seed, ties=ties)
        assert pair_ranking_accuracy(predicted, true) == pytest.approx(by_pairs(predicted, true), rel=1e-12)


def test_pair_ranking_accuracy_at_its_ends() -> None:
    true = torch.tensor([1.0, 2.0, 3.0])
    assert pair_ranking_accuracy(true.log(), true) == 1.0
    assert pair_ranking_accuracy(-true, true) == 0.0
    assert pair_ranking_accuracy(torch.zeros(3), true) == 0.5
    assert np.isnan(pair_ranking_accuracy(true, torch.ones(3)))


def test_failures_by_hand() -> None:
    found = failure_detection(torch.tensor([4.0, 3.0, 2.0, 1.0]), torch.tensor([True, False, True, False]))
    np.testing.assert_allclose(found.found, [0, 0.5, 0.5, 1, 1])
    assert found.area == pytest.approx((0.25 + 0.5 + 0.75 + 1) / 4)
    assert found.best == pytest.approx(0.75)
    assert found.auroc == pytest.approx(0.75)


def test_an_oracle_has_the_best_area_and_a_constant_prediction_half() -> None:
    failed = torch.tensor([True] * 3 + [False] * 7)
    oracle = failure_detection(failed.double(), failed)
    assert oracle.area == pytest.approx(oracle.best)
    assert oracle.auroc == 1.0
    blind = failure_detection(torch.zeros(10), failed)
    assert blind.area == pytest.approx(0.5)
    assert blind.auroc == 0.5


def test_auroc_is_the_mann_whitney_statistic_and_the_area_follows_from_it() -> None:
    predicted, true = random(ties=True)
    failed = true > true.median()
    found = failure_detection(predicted, failed)
    share = float(failed.double().mean())
    u = stats.mannwhitneyu(predicted[failed], predicted[~failed]).statistic / (int(failed.sum()) * int((~failed).sum()))
    assert found.auroc == pytest.approx(u)
    assert found.area == pytest.approx(u * (1 - share) + share / 2)


def test_mean_of_the_top() -> None:
    predicted, values = torch.tensor([1.0, 3.0, 3.0, 2.0]), torch.tensor([10.0, 20.0, 40.0, 80.0])
    assert [mean_of_top(predicted, values, k) for k in (1, 2, 3, 4)] == [20.0, 30.0, pytest.approx(140 / 3), 37.5]


@pytest.mark.parametrize("k", [0, 5])
def test_a_top_that_there_is_not(k: int) -> None:
    with pytest.raises(ValueError, match=f"k must be from 1 to 4, got {k}"):
        mean_of_top(torch.arange(4.0), torch.arange(4.0), k)


def test_a_value_that_is_not_finite_is_named_as_what_it_is() -> None:
    with pytest.raises(ValueError, match=r"^values must be finite; it is not at position 1$"):
        mean_of_top(torch.ones(2), torch.tensor([1.0, float("nan")]), 1)


@pytest.mark.parametrize("failed", [[True, True], [False, False]])
def test_failures_of_all_or_none_are_an_error(failed: list[bool]) -> None:
    with pytest.raises(
        ValueError, match=r"wanted samples that failed and samples that did not, got [02] failures of 2"
    ):
        failure_detection(torch.tensor([1.0, 2.0]), torch.tensor(failed))


def test_a_prediction_that_is_not_finite_is_named() -> None:
    with pytest.raises(ValueError, match="predicted_loss must be finite; it is not at position 1"):
        pair_ranking_accuracy(torch.tensor([1.0, float("nan"), 2.0]), torch.tensor([1.0, 2.0, 3.0]))


def test_pckh_measures_by_the_head_and_takes_in_its_threshold() -> None:
    target = torch.zeros(1, 3, 2)
    predicted = torch.tensor([[[5.0, 0.0], [0.0, 5.001], [3.0, 4.0]]])
    known = torch.ones(1, 3, dtype=torch.bool)
    result = pckh(predicted, target, known, torch.tensor([10.0]))
    assert_close(result.per_joint, torch.tensor([1.0, 0.0, 1.0]))
    assert result.mean == pck(predicted, target, known, torch.tensor([10.0]), 0.5).mean
    assert pckh(predicted, target, known, torch.tensor([10.0]), 0.51).mean == 1.0
