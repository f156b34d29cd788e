"""Acquisition by true loss, for reference: it needs the labels it asks for, so it is no method. Beyond the paper.

No choice of as many samples has a higher mean true loss: the oracle bounds how well failures can be found, not how
much can be learned from what is asked for.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from llpp_core.acquisition.strategy import Pool, needed, top


class Oracle:
    """Asks for the samples of the highest true loss."""

    name = "oracle"
    needs: tuple[str, ...] = ("true_loss",)

    def score(self, pool: Pool, *, generator: torch.Generator) -> Float[Tensor, "n"]:
        """Return l.

        Raises:
            ValueError: the pool has no true losses, or they are not finite.
        """
        (true,) = needed(self, pool)
        return true

    def select(self, scores: Float[Tensor, "n"], budget: int, *, pool: Pool) -> Int[Tensor, "budget"]:
        """Return the ``budget`` indices of the highest l, highest first."""
        return top(scores, budget, ids=pool.ids)
