"""Random acquisition: the baseline that every strategy has to beat."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from llpp_core.acquisition.strategy import Pool, top


class Random:
    """Asks for samples in random order."""

    name = "random"
    needs: tuple[str, ...] = ()

    def score(self, pool: Pool, *, generator: torch.Generator) -> Float[Tensor, "n"]:
        """Return uniform random numbers."""
        return torch.rand(len(pool.ids), generator=generator)

    def select(self, scores: Float[Tensor, "n"], budget: int, *, pool: Pool) -> Int[Tensor, "budget"]:
        """Return the ``budget`` indices of the highest random numbers."""
        return top(scores, budget, ids=pool.ids)
