"""Three witnesses for a gradient: sympy's derivation, torch's automatic differentiation, and differences of the loss.

A chapter that states a gradient (Eq. 2 and 4 of Shukla & Ahmed, CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370) calls
all three on the same random pairs, in double precision.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from llpp_core.analysis import objectives

STEP = 1e-5
"""Of the central differences: their error is of the order of STEP² and of the rounding error over STEP, some 1e-10."""


@dataclass(frozen=True)
class Agreement:
    """How far the witnesses are apart on the gradient in one vector.

    Attributes:
        vector: "w", "theta_i" or "theta_j".
        largest: size of the largest component of the derived gradient.
        autograd: largest difference of the derived gradient to automatic differentiation.
        differences: largest difference of the derived gradient to central differences.
    """

    vector: str
    largest: float
    autograd: float
    differences: float


def agreement(
    objective: objectives.Objective,
    loss: Callable[..., torch.Tensor],
    *,
    pairs: int = 200,
    dimension: int = 3,
    seed: int = 0,
    **constants: float,
) -> list[Agreement]:
    """Return how far derivation, automatic differentiation and differences are apart in w, θ_i and θ_j.

    Args:
        objective: of a pair, in sympy.
        loss: the same in torch, from `losses`, with ``reduction``.
        pairs: how many random pairs, at least 1.
        dimension: d of the embeddings, at least 1.
        seed: of the pairs.
        constants: the objective's other symbols, ``margin`` or ``alpha``, which ``loss`` takes too.
    """
    rng = np.random.default_rng(seed)
    head = objective.with_linear_head(dimension)
    vectors = {
        "w": [s.name for s in objectives.weights(dimension)],
        **{f"theta_{s}": [t.name for t in objectives.embedding(s, dimension)] for s in objective.samples},
    }
    values = {name: rng.normal(size=pairs) for names in vectors.values() for name in names}
    values |= {f"true_loss_{s}": rng.gamma(2.0, size=pairs) for s in objective.samples}
    values |= {name: np.full(pairs, value) for name, value in constants.items()}
    by_torch = _autograd(loss, values, vectors, constants)
    value_of = head.numpy()
    found = []
    for vector, names in vectors.items():
        derived = _columns([head.numpy(name)(*(values[s] for s in head.symbols)) for name in names], pairs)
        slopes = []
        for name in names:
            up, down = ({**values, name: values[name] + sign * STEP} for sign in (1, -1))
            change = value_of(*(up[s] for s in head.symbols)) - value_of(*(down[s] for s in head.symbols))
            slopes.append(change / (2 * STEP))
        found.append(
            Agreement(
                vector=vector,
                largest=float(np.abs(derived).max()),
                autograd=float(np.abs(derived - by_torch[vector]).max()),
                differences=float(np.abs(derived - _columns(slopes, pairs)).max()),
            )
        )
    return found


def table(agreements: Sequence[Agreement]) -> str:
    """Return the agreements as a Markdown table."""
    rows = [
        "| gradient in | largest component | derived − autograd | derived − central differences |",
        "|---|--:|--:|--:|",
    ]
    symbols = {"w": "$w$", "theta_i": r"$\theta_i$", "theta_j": r"$\theta_j$"}
    for a in agreements:
        rows.append(f"| {symbols[a.vector]} | {a.largest:.2f} | {a.autograd:.0e} | {a.differences:.0e} |")
    return "\n".join(rows)


def _autograd(
    loss: Callable[..., torch.Tensor],
    values: dict[str, np.ndarray],
    vectors: dict[str, list[str]],
    constants: dict[str, float],
) -> dict[str, np.ndarray]:
    leaves = {
        v: torch.tensor(_columns([values[n] for n in names], 0), requires_grad=True) for v, names in vectors.items()
    }
    # The first half of the batch are the samples i, the second half the samples j: pairs="halves".
    predicted = torch.cat([(leaves[v] * leaves["w"]).sum(dim=1) for v in vectors if v != "w"])
    true = torch.tensor(np.concatenate([values[n] for n in values if n.startswith("true_loss")]))
    loss(predicted, true, reduction="none", **constants).sum().backward()
    gradients: dict[str, Any] = {v: leaf.grad for v, leaf in leaves.items()}
    return {v: g.numpy() for v, g in gradients.items()}


def _columns(columns: Sequence[Any], rows: int) -> np.ndarray:
    """Return columns side by side, a constant one at its full length."""
    return np.stack([np.broadcast_to(c, rows) if np.ndim(c) == 0 else c for c in columns], axis=1)
