"""Acquisition by predicted loss (Yoo & Kweon, CVPR 2019): ask first for what the model expects to get most wrong."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from llpp_core.acquisition.strategy import Pool, top


class PredictedLoss:
    """Asks for the samples of the highest predicted loss, whichever objective trained the predictor."""

    name = "predicted_loss"

    def score(self, pool: Pool, *, generator: torch.Generator) -> Float[Tensor, "n"]:
        """Return l̂.

        Raises:
            ValueError: the pool has no predicted losses.
        """
        if pool.predicted_loss is None:
            raise ValueError("acquisition by predicted loss needs predicted_loss, and the pool has none")
        return pool.predicted_loss

    def select(self, scores: Float[Tensor, "n"], budget: int, *, pool: Pool) -> Int[Tensor, "budget"]:
        """Return the ``budget`` indices of the highest l̂, highest first."""
        return top(scores, budget, ids=pool.ids)
