"""What every acquisition strategy answers to, and the one way to take the best of a list of scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Pool:
    """What a strategy may look at: unlabeled samples, and labeled ones to keep away from.

    Attributes:
        ids: n names of the unlabeled samples, for error messages.
        predicted_loss: (n,) l̂ of each.
        embeddings: (n, d) features of each, for distances.
        labeled_embeddings: (m, d) features of the labeled samples.

    Raises:
        ValueError: predicted losses or embeddings of another number of samples than there are ids.
    """

    ids: Sequence[str]
    predicted_loss: Float[Tensor, "n"] | None = None
    embeddings: Float[Tensor, "n d"] | None = None
    labeled_embeddings: Float[Tensor, "m d"] | None = None

    def __post_init__(self) -> None:
        for name, rows in (("predicted_loss", self.predicted_loss), ("embeddings", self.embeddings)):
            if rows is not None and len(rows) != len(self.ids):
                raise ValueError(f"a pool of {len(self.ids)} ids needs as many rows of {name}, got {len(rows)}")


@runtime_checkable
class Strategy(Protocol):
    """Scores a pool (higher = ask first) and selects a budget from it."""

    name: str

    def score(self, pool: Pool, *, generator: torch.Generator) -> Float[Tensor, "n"]:
        """Return one number a sample of the pool, higher = ask for its label first."""
        ...

    def select(self, scores: Float[Tensor, "n"], budget: int, *, pool: Pool) -> Int[Tensor, "budget"]:
        """Return ``budget`` different indices into the pool, the first to ask for first.

        Args:
            scores: what `score` gave for this pool.
            budget: how many to ask for, 0 to n.
            pool: the pool that was scored.
        """
        ...


def ask(strategy: Strategy, pool: Pool, budget: int, *, generator: torch.Generator) -> Int[Tensor, "budget"]:
    """Return what a strategy asks labels for: it scores the pool, then selects from the scores."""
    return strategy.select(strategy.score(pool, generator=generator), budget, pool=pool)


def top(scores: Float[Tensor, "n"], budget: int, *, ids: Sequence[str]) -> Int[Tensor, "budget"]:
    """Return the indices of the ``budget`` highest scores, highest first, ties by lowest index.

    Args:
        scores: one number a sample.
        budget: how many to take, 0 to n.
        ids: names of the samples, for error messages.

    Raises:
        ValueError: a budget outside 0 to n, another number of ids than of scores, or scores that are not finite
            (with the samples' ids).
    """
    if len(ids) != len(scores):
        raise ValueError(f"every score needs an id: got {len(scores)} scores and {len(ids)} ids")
    if not 0 <= budget <= len(scores):
        raise ValueError(f"a pool of {len(scores)} samples cannot give {budget}")
    broken = (~torch.isfinite(scores)).nonzero().flatten().tolist()
    if broken:
        shown = ", ".join(ids[i] for i in broken[:10]) + (", …" if len(broken) > 10 else "")
        raise ValueError(f"scores must be finite; they are not for {shown}")
    return torch.sort(scores, descending=True, stable=True).indices[:budget]
