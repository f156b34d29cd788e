"""Predicted loss within clusters of features: what is asked for does not repeat itself. Beyond the paper.

The samples of the highest predicted loss are often near duplicates: one hard picture many times. Here the most
promising, some multiple of the budget (as in Zhdanov, arXiv 1901.05954), are divided into as many clusters as there
are picks, and each cluster gives its sample of the highest predicted loss.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from llpp_core.acquisition.core_set import k_center_greedy
from llpp_core.acquisition.strategy import Pool, needed, top

AT_ONCE = 2**20
"""Distances in memory at once."""


class ClusteredPredictedLoss:
    """Asks for the sample of the highest predicted loss of each cluster.

    The clusters' centers are the candidate of the highest predicted loss and those that k-center greedy adds to it;
    every other candidate belongs to the nearest center, of equally near ones to the first. All of it is determined by
    the pool: there is no randomness. Another budget makes other clusters, so a larger one need not go on where a
    smaller one ends.

    Raises:
        ValueError: ``candidates`` below 1.
    """

    name = "clustered_predicted_loss"
    needs: tuple[str, ...] = ("predicted_loss", "embeddings")

    def __init__(self, *, candidates: int = 4) -> None:
        """Choose among ``candidates`` times the budget, ≥ 1; with 1 it is `PredictedLoss`."""
        if candidates < 1:
            raise ValueError(f"wanted at least 1 candidate a pick, got {candidates}")
        self.candidates = candidates

    def score(self, pool: Pool, *, generator: torch.Generator) -> Float[Tensor, "n"]:
        """Return l̂.

        Raises:
            ValueError: the pool has no predicted losses or no embeddings, or they are not finite.
        """
        return needed(self, pool)[0]

    def select(self, scores: Float[Tensor, "n"], budget: int, *, pool: Pool) -> Int[Tensor, "budget"]:
        """Return the best of each of ``budget`` clusters, the highest l̂ first."""
        best = top(scores, budget, ids=pool.ids)
        if budget == 0:
            return best
        candidates = top(scores, min(self.candidates * budget, len(scores)), ids=pool.ids)  # highest l̂ first
        features = needed(self, pool)[1][candidates].double()
        centers = torch.cat([torch.zeros_like(best[:1]), 1 + k_center_greedy(features[1:], features[:1], budget - 1)])
        cluster = _nearest(features, features[centers])
        # A center whose copy is another center would leave its own cluster empty.
        cluster[centers] = torch.arange(budget, device=cluster.device)
        place = torch.arange(len(candidates), device=cluster.device)
        first = torch.full_like(centers, len(candidates)).scatter_reduce_(0, cluster, place, "amin")
        return candidates[first.sort().values]


def _nearest(features: Tensor, centers: Tensor) -> Tensor:
    """Return the position of the center nearest to each sample, a block of samples at a time."""
    blocks = features.split(max(1, AT_ONCE // len(centers)))
    # Differences, not matrix products: those give a copy of a center a distance above 0.
    return torch.cat([torch.cdist(b, centers, compute_mode="donot_use_mm_for_euclid_dist").argmin(1) for b in blocks])
