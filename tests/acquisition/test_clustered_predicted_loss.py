"""Predicted loss within clusters asks for the best of each of them, and so for no near duplicates."""

import pytest
import torch

from llpp_core.acquisition import (
    ClusteredPredictedLoss,
    Pool,
    PredictedLoss,
    ask,
    clustered_predicted_loss,
    k_center_greedy,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pool(n: int, d: int = 3, seed: int = 0) -> Pool:
    draws = generator(seed)
    return Pool(
        [f"s{i}" for i in range(n)],
        predicted_loss=torch.randn(n, generator=draws),
        embeddings=torch.randn(n, d, generator=draws),
    )


def plain(pool: Pool, budget: int, candidates: int) -> list[int]:
    """The same by its definition: one sample at a time."""
    loss, features = pool.predicted_loss.tolist(), pool.embeddings.double()
    best = sorted(range(len(loss)), key=lambda i: (-loss[i], i))[: candidates * budget]
    centers = [best[0]]
    rest = best[1:]
    centers += [rest[i] for i in k_center_greedy(features[rest], features[centers], budget - 1).tolist()]
    members = {center: [center] for center in centers}
    for i in best:
        if i not in centers:
            members[min(centers, key=lambda c: float((features[i] - features[c]).norm()))].append(i)
    picks = [min(cluster, key=best.index) for cluster in members.values()]
    return sorted(picks, key=best.index)


@pytest.mark.parametrize("candidates", [1, 2, 4, 50])
@pytest.mark.parametrize(("n", "budget"), [(40, 5), (40, 1), (60, 40), (60, 60), (3, 2)])
def test_it_is_the_best_of_each_cluster(n: int, budget: int, candidates: int) -> None:
    for seed in range(3):
        got = ask(ClusteredPredictedLoss(candidates=candidates), pool(n, seed=seed), budget, generator=generator())
        assert got.tolist() == plain(pool(n, seed=seed), budget, candidates)


def test_near_duplicates_are_asked_for_once() -> None:
    places = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    at = torch.arange(40) // 10
    near = 0.01 * torch.randn(40, 2, generator=generator())
    # Whatever lies at the first place is expected to be worse than all the rest.
    loss = 4.0 - at + torch.rand(40, generator=generator(1))
    duplicated = Pool([f"s{i}" for i in range(40)], predicted_loss=loss, embeddings=places[at] + near)
    assert at[ask(PredictedLoss(), duplicated, 4, generator=generator())].tolist() == [0, 0, 0, 0]
    chosen = ask(ClusteredPredictedLoss(candidates=10), duplicated, 4, generator=generator())
    assert at[chosen].tolist() == [0, 1, 2, 3]
    assert chosen.tolist() == [int(loss[at == place].argmax()) + 10 * place for place in range(4)]


def test_copies_in_plenty_still_fill_the_budget() -> None:
    copies = Pool(
        [f"s{i}" for i in range(12)],
        predicted_loss=torch.arange(12.0),
        embeddings=(torch.arange(12) % 2)[:, None] * 1.0,
    )
    chosen = ask(ClusteredPredictedLoss(), copies, 5, generator=generator()).tolist()
    assert len(set(chosen)) == 5
    assert chosen[:2] == [11, 10]


def test_one_candidate_a_pick_is_predicted_loss() -> None:
    alone = ask(ClusteredPredictedLoss(candidates=1), pool(50), 9, generator=generator())
    assert torch.equal(alone, ask(PredictedLoss(), pool(50), 9, generator=generator()))


def test_none_but_candidates_are_asked_for() -> None:
    best = set(ask(PredictedLoss(), pool(100), 20, generator=generator()).tolist())
    assert set(ask(ClusteredPredictedLoss(candidates=2), pool(100), 10, generator=generator()).tolist()) < best


def test_sizes_of_blocks_change_no_pick(monkeypatch) -> None:
    whole = ask(ClusteredPredictedLoss(), pool(80), 15, generator=generator())
    monkeypatch.setattr(clustered_predicted_loss, "AT_ONCE", 40)
    assert torch.equal(ask(ClusteredPredictedLoss(), pool(80), 15, generator=generator()), whole)


def test_no_candidates_are_refused() -> None:
    with pytest.raises(ValueError, match="wanted at least 1 candidate a pick, got 0"):
        ClusteredPredictedLoss(candidates=0)
