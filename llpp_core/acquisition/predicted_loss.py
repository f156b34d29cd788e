"""Acquisition by predicted loss (Yoo & Kweon, CVPR 2019): ask first for what the model expects to get most wrong.

The paper's LL, LL++ and LL++conv (Shukla & Ahmed, CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370) are this strategy on
predicted losses of different predictors and objectives; so are LearningLoss++ over a whole batch and the regression of
log l (`losses.log_loss_regression`), beyond the paper. A predicted loss counts by its order alone, so that of an
objective that leaves its scale or offset open is as good as any.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from llpp_core.acquisition.strategy import Pool, needed, top


class PredictedLoss:
    """Asks for the samples of the highest predicted loss, whichever objective trained the predictor."""

    name = "predicted_loss"
    needs: tuple[str, ...] = ("predicted_loss",)

    def score(self, pool: Pool, *, generator: torch.Generator) -> Float[Tensor, "n"]:
        """Return l̂.

        Raises:
            ValueError: the pool has no predicted losses, or they are not finite.
        """
        (predicted,) = needed(self, pool)
        return predicted

    def select(self, scores: Float[Tensor, "n"], budget: int, *, pool: Pool) -> Int[Tensor, "budget"]:
        """Return the ``budget`` indices of the highest l̂, highest first."""
        return top(scores, budget, ids=pool.ids)
