"""What every acquisition strategy answers to, and the one way to take the best of a list of scores."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Pool:
    """What a strategy may look at: unlabeled samples, and labeled ones to keep away from.

    A strategy's ``needs`` names those of the attributes that it reads; the others may be left out.

    Attributes:
        ids: n names of the unlabeled samples, each once.
        predicted_loss: (n,) l̂ of each.
        embeddings: (n, d) features of each, for distances.
        labeled_embeddings: (m, d) features of the labeled samples.
        multipeak_entropy: (n,) entropy of each sample's predicted heatmaps, in nats, as `multipeak_entropy` gives it.
        true_loss: (n,) l of each, which no one has who needs labels: the oracle's alone.
        labeled_ids: names of labeled samples, m where there are embeddings of them; only to refuse a pool that holds
            one of them.

    Raises:
        ValueError: another number of rows than of ids, an id that the pool holds twice or that is labeled, or
            embeddings of the labeled samples with another number of dimensions than the pool's.
    """

    ids: Sequence[str]
    predicted_loss: Float[Tensor, "n"] | None = None
    embeddings: Float[Tensor, "n d"] | None = None
    labeled_embeddings: Float[Tensor, "m d"] | None = None
    multipeak_entropy: Float[Tensor, "n"] | None = None
    true_loss: Float[Tensor, "n"] | None = None
    labeled_ids: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("predicted_loss", "embeddings", "multipeak_entropy", "true_loss"):
            rows = getattr(self, name)
            if rows is not None and len(rows) != len(self.ids):
                raise ValueError(f"a pool of {len(self.ids)} ids needs as many rows of {name}, got {len(rows)}")
        counts = Counter(self.ids)
        if len(counts) < len(self.ids):
            raise ValueError(f"a pool holds a sample once, got more of {_shown(i for i in counts if counts[i] > 1)}")
        if labeled := counts.keys() & set(self.labeled_ids):
            raise ValueError(f"a pool holds no labeled sample, got {_shown(i for i in counts if i in labeled)}")
        if self.labeled_embeddings is not None:
            rows, ids = len(self.labeled_embeddings), len(self.labeled_ids)
            if ids and rows != ids:
                raise ValueError(f"{ids} labeled ids need as many rows of labeled_embeddings, got {rows}")
            if self.embeddings is not None and self.embeddings.shape[1:] != self.labeled_embeddings.shape[1:]:
                shapes = f"{tuple(self.embeddings.shape)} and {tuple(self.labeled_embeddings.shape)}"
                raise ValueError(f"embeddings and labeled_embeddings must be (n, d) and (m, d), got {shapes}")


@runtime_checkable
class Strategy(Protocol):
    """Scores a pool (higher = ask first) and selects a budget from it.

    Attributes:
        name: what `get` knows it by.
        needs: names of the attributes of a `Pool` that it reads: what a model has to be asked for.
    """

    name: str
    needs: tuple[str, ...]

    def score(self, pool: Pool, *, generator: torch.Generator) -> Float[Tensor, "n"]:
        """Return one number a sample of the pool, higher = ask for its label first.

        Args:
            pool: with what the strategy needs.
            generator: all randomness comes from it, and none from elsewhere.
        """
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


def needed(strategy: Strategy, pool: Pool) -> list[Tensor]:
    """Return what a strategy needs of a pool, in the order of its ``needs``.

    Raises:
        ValueError: the pool lacks some of it, or it is not finite (with the samples' ids).
    """
    if lacking := [name for name in strategy.needs if getattr(pool, name) is None]:
        wanted, absent = " and ".join(strategy.needs), " and ".join(lacking)
        raise ValueError(f"{strategy.name} needs {wanted}, and the pool has no {absent}")
    tensors: list[Tensor] = [getattr(pool, name) for name in strategy.needs]
    for name, tensor in zip(strategy.needs, tensors, strict=True):
        ids = pool.ids if name != "labeled_embeddings" else pool.labeled_ids or range(len(tensor))
        _check_finite(name, tensor, ids)
    return tensors


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
    _check_finite("scores", scores, ids)
    return torch.sort(scores, descending=True, stable=True).indices[:budget]


def _check_finite(name: str, rows: Tensor, ids: Sequence[str] | range) -> None:
    broken = ~torch.isfinite(rows).reshape(len(rows), -1).all(dim=1) if len(rows) else rows
    if bool(broken.any()):
        at = broken.nonzero().flatten().tolist()
        raise ValueError(f"{name} must be finite; they are not for {_shown(str(ids[i]) for i in at)}")


def _shown(ids: Iterable[str]) -> str:
    shown = list(islice(ids, 11))
    return ", ".join(shown[:10]) + (", …" if len(shown) > 10 else "")
