"""Core-Set acquisition (Sener & Savarese, ICLR 2018, arXiv 1708.00489): cover the pool with balls round the labeled."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from llpp_core.acquisition.strategy import Pool, top


class CoreSet:
    """Asks, one after the other, for the sample farthest from everything labeled or asked for so far."""

    name = "core_set"

    def score(self, pool: Pool, *, generator: torch.Generator) -> Float[Tensor, "n"]:
        """Return each sample's distance to the nearest labeled one: what the first pick goes by.

        Raises:
            ValueError: the pool lacks embeddings.
        """
        candidates, labeled = _embeddings(pool)
        return _nearest(candidates, labeled)

    def select(self, scores: Float[Tensor, "n"], budget: int, *, pool: Pool) -> Int[Tensor, "budget"]:
        """Return ``budget`` indices in the order of `k_center_greedy`; the first has the highest score."""
        top(scores, budget, ids=pool.ids)  # refuses a bad budget or score
        return k_center_greedy(*_embeddings(pool), budget)


def k_center_greedy(pool: Float[Tensor, "n d"], labeled: Float[Tensor, "m d"], budget: int) -> Int[Tensor, "budget"]:
    """Return indices of the pool, each the farthest from all labeled and earlier picked ones; ties by lowest index.

    Args:
        pool: embeddings to choose from.
        labeled: embeddings of what is labeled, at least one.
        budget: how many to pick, 0 to n.

    Raises:
        ValueError: a budget outside 0 to n, or nothing labeled.
    """
    if not 0 <= budget <= len(pool):
        raise ValueError(f"a pool of {len(pool)} samples cannot give {budget}")
    distance = _nearest(pool, labeled)
    picked = torch.empty(budget, dtype=torch.long, device=pool.device)
    for i in range(budget):
        # argmax may return any of several maxima; the first True does not.
        picked[i] = (distance == distance.max()).to(torch.uint8).argmax()
        distance = torch.minimum(distance, (pool.double() - pool[picked[i]].double()).norm(dim=1))
        distance[picked[: i + 1]] = -1.0
    return picked


def _embeddings(pool: Pool) -> tuple[Tensor, Tensor]:
    if pool.embeddings is None or pool.labeled_embeddings is None:
        raise ValueError("Core-Set needs embeddings of the pool and of what is labeled, and the pool lacks them")
    return pool.embeddings, pool.labeled_embeddings


def _nearest(pool: Tensor, labeled: Tensor) -> Tensor:
    if not len(labeled):
        raise ValueError("k-center greedy needs at least one labeled sample to start from, got 0")
    # Differences, not matrix products: those give copies of a labeled sample a distance above 0.
    chunks = (
        torch.cdist(part, labeled.double(), compute_mode="donot_use_mm_for_euclid_dist").amin(1)
        for part in pool.double().split(1024)
    )
    return torch.cat(list(chunks)) if len(pool) else torch.zeros(0, dtype=torch.float64)
