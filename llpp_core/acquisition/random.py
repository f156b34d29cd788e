"""Random acquisition: the baseline that every strategy has to beat."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from llpp_core.acquisition.strategy import Pool, top


class Random:
    """Asks for samples in random order."""

    name = "random"

    def score(self, pool: Pool, *, generator: torch.Generator) -> Float[Tensor, "n"]:
        """Return uniform random numbers."""
        return torch.rand(len(pool.ids), generator=generator)

    def select(self, pool: Pool, budget: int, *, generator: torch.Generator) -> Int[Tensor, "budget"]:
        """Return ``budget`` different random indices."""
        return top(self.score(pool, generator=generator), budget, ids=pool.ids)
