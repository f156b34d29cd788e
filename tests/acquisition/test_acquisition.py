"""What each strategy does beyond what all do: k-center greedy, ties, and what is missing from a pool."""

import pytest
import torch

from llpp_core.acquisition import CoreSet, Pool, PredictedLoss, Random, ask, get, k_center_greedy, names, top


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def plain_k_center_greedy(pool: torch.Tensor, labeled: torch.Tensor, budget: int) -> list[int]:
    """The same by its definition: one distance at a time, in float64."""
    covered, picked = list(labeled.double()), []
    for _ in range(budget):
        best, farthest = -1, -1.0
        for i, row in enumerate(pool.double()):
            distance = min(float((row - other).norm()) for other in covered)
            if i not in picked and distance > farthest:
                best, farthest = i, distance
        picked.append(best)
        covered.append(pool[best].double())
    return picked


@pytest.mark.parametrize(("n", "m", "d", "budget"), [(12, 3, 2, 12), (40, 30, 5, 8), (30, 1, 1, 6), (5, 4, 3, 0)])
def test_k_center_greedy_is_the_plain_loop(n: int, m: int, d: int, budget: int) -> None:
    pool, labeled = torch.randn(n, d, generator=generator(n)), torch.randn(m, d, generator=generator(m + 100))
    assert k_center_greedy(pool, labeled, budget).tolist() == plain_k_center_greedy(pool, labeled, budget)


def test_k_center_greedy_breaks_ties_by_the_lowest_index() -> None:
    corners = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [0.0, 0.0]])
    assert k_center_greedy(corners, torch.zeros(1, 2), 5).tolist() == plain_k_center_greedy(
        corners, torch.zeros(1, 2), 5
    )
    assert k_center_greedy(torch.ones(4, 3), torch.ones(1, 3), 4).tolist() == [0, 1, 2, 3]


def test_k_center_greedy_sees_that_a_copy_of_a_labeled_sample_lies_at_distance_zero() -> None:
    # Far from the origin and with many rows, distances by matrix products are wrong by more than these differences.
    labeled = 1e6 + torch.randn(30, 4, generator=generator(1), dtype=torch.float64)
    pool = labeled.clone()
    pool[20] += 1e-4
    assert k_center_greedy(pool, labeled, 3).tolist() == [20, 0, 1]


def test_k_center_greedy_works_in_float64_on_float32_embeddings() -> None:
    pool = torch.tensor([[1000.0001], [1000.0], [999.9]], dtype=torch.float32)
    assert k_center_greedy(pool, torch.tensor([[999.8]]), 3).tolist() == plain_k_center_greedy(
        pool, torch.tensor([[999.8]]), 3
    )


def test_k_center_greedy_leaves_its_arguments_alone() -> None:
    pool, labeled = torch.randn(6, 2, generator=generator()), torch.zeros(1, 2)
    before = pool.clone()
    k_center_greedy(pool, labeled, 4)
    assert torch.equal(pool, before)


@pytest.mark.parametrize("budget", [-1, 4])
def test_k_center_greedy_refuses_a_budget_beyond_the_pool(budget: int) -> None:
    with pytest.raises(ValueError, match=f"a pool of 3 samples cannot give {budget}"):
        k_center_greedy(torch.zeros(3, 2), torch.zeros(1, 2), budget)


def test_k_center_greedy_needs_something_labeled() -> None:
    with pytest.raises(ValueError, match="at least one labeled sample to start from, got 0"):
        k_center_greedy(torch.zeros(3, 2), torch.zeros(0, 2), 1)


def test_core_sets_score_is_the_distance_to_the_nearest_labeled_sample() -> None:
    pool = Pool(("a", "b"), embeddings=torch.tensor([[3.0, 4.0], [0.0, 1.0]]), labeled_embeddings=torch.zeros(2, 2))
    assert CoreSet().score(pool, generator=generator()).tolist() == [5.0, 1.0]


def test_top_takes_the_highest_first_and_ties_by_the_lowest_index() -> None:
    scores = torch.tensor([1.0, 3.0, 3.0, -2.0, 1.0])
    assert top(scores, 4, ids="abcde").tolist() == [1, 2, 0, 4]
    assert top(torch.zeros(500), 500, ids=["x"] * 500).tolist() == list(range(500))


def test_top_names_at_most_ten_broken_scores() -> None:
    with pytest.raises(ValueError, match=r"not for s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, …$"):
        top(torch.full((11,), torch.nan), 1, ids=[f"s{i}" for i in range(11)])


def test_random_is_uniform() -> None:
    counts = torch.zeros(5)
    draws = generator(3)
    for _ in range(1_000):
        counts[ask(Random(), Pool("abcde"), 2, generator=draws)] += 1
    assert bool(((counts > 340) & (counts < 460)).all())  # 400 expected, 4 standard deviations are 62


def test_predicted_loss_asks_for_the_highest() -> None:
    pool = Pool("abcd", predicted_loss=torch.tensor([0.1, 5.0, -3.0, 5.0]))
    assert ask(PredictedLoss(), pool, 3, generator=generator()).tolist() == [1, 3, 0]


@pytest.mark.parametrize(
    ("name", "said"),
    [("predicted_loss", "needs predicted_loss, and the pool has none"), ("core_set", "needs embeddings")],
)
def test_what_the_pool_lacks_is_said(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ask(get(name), Pool("abc"), 1, generator=generator())


def test_an_unknown_strategy_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no strategy is called 'entropy'; there are random, core_set, predicted_loss"):
        get("entropy")


def test_the_strategies_of_the_paper_are_there() -> None:
    assert {"random", "core_set", "predicted_loss"} <= set(names())
    assert all(get(name).name == name for name in names())
