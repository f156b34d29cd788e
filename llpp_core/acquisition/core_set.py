"""Core-Set acquisition (Sener & Savarese, ICLR 2018, arXiv 1708.00489): cover the pool with balls round the labeled."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from llpp_core.acquisition.strategy import Pool, needed, top

FRONT = 256
"""How many of the farthest samples are looked at, pick by pick, before the whole pool is looked at again."""
AT_ONCE = 2**20
"""Distances, or coordinates, in memory at once: 8 MiB in float64."""
LARGEST = 1e150
"""Squares of larger coordinates are infinite in float64."""


class CoreSet:
    """Asks, one after the other, for the sample farthest from everything labeled or asked for so far."""

    name = "core_set"
    needs: tuple[str, ...] = ("embeddings", "labeled_embeddings")

    def score(self, pool: Pool, *, generator: torch.Generator) -> Float[Tensor, "n"]:
        """Return each sample's distance to the nearest labeled one: what the first pick goes by.

        Raises:
            ValueError: the pool lacks embeddings, or they are not finite; nothing is labeled.
        """
        embeddings, labeled = needed(self, pool)
        return _Cover(embeddings, labeled).nearest.sqrt()

    def select(self, scores: Float[Tensor, "n"], budget: int, *, pool: Pool) -> Int[Tensor, "budget"]:
        """Return ``budget`` indices in the order of `k_center_greedy`; the first has the highest score."""
        top(scores, budget, ids=pool.ids)  # refuses a bad budget or score
        embeddings, labeled = needed(self, pool)
        return k_center_greedy(embeddings, labeled, budget)


def k_center_greedy(pool: Float[Tensor, "n d"], labeled: Float[Tensor, "m d"], budget: int) -> Int[Tensor, "budget"]:
    """Return indices of the pool, each the farthest from all labeled and earlier picked ones; ties by lowest index.

    The picks are those of the plain loop that subtracts, squares and adds in float64. Two things make it faster, and
    change no pick:

    * Most distances are never taken. A matrix product bounds them from below, and only where the bound lies under the
      distance known so far is the difference taken.
    * A distance only ever falls. So while the farthest of the `FRONT` farthest samples stays above where all others
      began, it is the farthest of all, and the others wait; their distances to many picks are then bounded at once.

    Beside its arguments it holds one copy of ``pool`` in float64, and blocks of fixed size.

    Args:
        pool: embeddings to choose from, of any floating type.
        labeled: embeddings of what is labeled, at least one.
        budget: how many to pick, 0 to n.

    Raises:
        ValueError: a budget outside 0 to n, nothing labeled, other numbers of dimensions, or coordinates that are not
            finite, or so large that their squares are not (with the positions).
    """
    if not 0 <= budget <= len(pool):
        raise ValueError(f"a pool of {len(pool)} samples cannot give {budget}")
    cover = _Cover(pool, labeled)
    picked = torch.empty(0, dtype=torch.long, device=pool.device)
    while len(picked) < budget:
        front, others = cover.farthest(FRONT)
        picks = front[_greedy(cover.pool[front], cover.nearest[front], others, budget - len(picked))]
        picked = torch.cat([picked, picks])
        if len(picked) < budget:
            cover.add(cover.pool[picks])
            cover.nearest[picks] = -torch.inf
    return picked


def _greedy(rows: Tensor, nearest: Tensor, others: float, budget: int) -> Tensor:
    """Return positions in ``rows``, farthest first: the first in any case, then while farther than ``others``."""
    # One pick takes microseconds: on a GPU it would wait longer than it works.
    rows, nearest = rows.cpu().double(), nearest.cpu().clone()
    difference = torch.empty_like(rows)
    chosen: list[int] = []
    while len(chosen) < min(budget, len(rows)):
        best = int(nearest.argmax())  # the first of several maxima
        if chosen and not float(nearest[best]) > others:
            break
        chosen.append(best)
        torch.sub(rows, rows[best], out=difference)
        torch.minimum(nearest, difference.square_().sum(1), out=nearest)
        nearest[best] = -torch.inf
    return torch.tensor(chosen)


class _Cover:
    """The squared distance of each sample of a pool to the nearest of the points that cover it."""

    def __init__(self, pool: Tensor, labeled: Tensor) -> None:
        if pool.ndim != 2 or labeled.ndim != 2 or pool.shape[1] != labeled.shape[1]:
            shapes = f"{tuple(pool.shape)} and {tuple(labeled.shape)}"
            raise ValueError(f"wanted embeddings (n, d) of the pool and (m, d) of the labeled, got {shapes}")
        if not len(labeled):
            raise ValueError("k-center greedy needs at least one labeled sample to start from, got 0")
        for name, points in (("pool", pool), ("labeled", labeled)):
            broken = ~(points.abs() < LARGEST).all(dim=1)
            if bool(broken.any()):
                at = ", ".join(map(str, broken.nonzero().flatten()[:10].tolist()))
                raise ValueError(
                    f"embeddings must be finite and below {LARGEST:g}; those of {name} are not at position {at}"
                )
        self.pool = pool.detach()
        # Round their mean, because a bound is the closer the smaller the coordinates are.
        self.centered = self.pool.to(torch.float64, copy=True)
        self.center = self.centered.mean(0)
        self.centered -= self.center
        self.size = self._size(self.centered)
        self.nearest = torch.full((len(pool),), torch.inf, dtype=torch.float64, device=pool.device)
        self.add(labeled)

    def farthest(self, count: int) -> tuple[Tensor, float]:
        """Return up to ``count`` samples, by index, that are farther than all others, and how far those are at most.

        Where too many are equally far it is the first of them alone.
        """
        if len(self.nearest) <= count:
            return torch.arange(len(self.nearest), device=self.nearest.device), -torch.inf
        others = self.nearest.topk(count + 1).values[-1]
        front = (self.nearest > others).nonzero().flatten()
        return (front if len(front) else self.nearest.argmax()[None]), float(others)

    def add(self, points: Tensor) -> None:
        """Cover the pool with these points too."""
        points = points.detach().to(self.pool.device)
        for block in points.split(1024):
            centered = block.double() - self.center
            size = self._size(centered)
            rows = max(1, AT_ONCE // len(block))
            for start in range(0, len(self.pool), rows):
                part = slice(start, start + rows)
                # At most |x - p|² - |x|², rounding included.
                low = torch.addmm(size, self.centered[part], centered.T, alpha=-2)
                self._add(part, block, low)

    def _add(self, part: slice, block: Tensor, low: Tensor) -> None:
        """Take the distances that may be smaller than those known: first the likeliest of each sample, then others."""
        row = (low.amin(dim=1) < self._known(part)).nonzero().flatten()
        low = low[row]
        likeliest = low.argmin(dim=1)
        self._take(row + part.start, block, likeliest)
        low.scatter_(1, likeliest[:, None], torch.inf)
        at, column = (low < self._known(part)[row, None]).nonzero().unbind(1)
        self._take(row[at] + part.start, block, column)

    def _known(self, part: slice) -> Tensor:
        """Return what a bound has to lie under; nothing lies under a distance of 0, or under that of a pick."""
        nearest = self.nearest[part]
        return torch.where(nearest > 0, nearest, -torch.inf) - self.size[part]

    def _take(self, index: Tensor, block: Tensor, column: Tensor) -> None:
        for i, j in zip(*(t.split(max(1, AT_ONCE // max(1, block.shape[1]))) for t in (index, column)), strict=True):
            self.nearest.scatter_reduce_(0, i, _squared(self.pool[i].double(), block[j].double()), "amin")

    @staticmethod
    def _size(centered: Tensor) -> Tensor:
        """Return |x|², smaller by more than all rounding of a distance.

        With d dimensions and u = eps / 2, |x|² + |p|² - 2 x·p computed from rounded x and p is wrong by at most
        (d + 11) u (|x| + |p|)², and the sum of squared differences itself by (d + 3) u (|x| + |p|)² at most; and
        (|x| + |p|)² ≤ 2 |x|² + 2 |p|².
        """
        shrunk = 1 - (2 * centered.shape[1] + 16) * torch.finfo(torch.float64).eps
        return torch.linalg.vector_norm(centered, dim=1).square() * shrunk


def _squared(rows: Tensor, others: Tensor) -> Tensor:
    return (rows - others).square().sum(1)
