r"""Gradients for embeddings of any dimension and batches of any size: proofs by components.

The last layer of a loss predictor is linear, :math:`\hat l = \theta^T w = \sum_{c=1}^d \theta_c w_c`. Shukla & Ahmed
(CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370, Eq. 2 and 4) state what an objective's gradient in w and in θ is. Here
d stays a symbol: sympy differentiates the sum in its component m, where d = m + r with any integer r ≥ 0, so that m is
one of the d components whatever it is. `Objective.with_linear_head` is the same for a given number of components. The
form over n samples (beyond the paper) is treated in the same way, with n for d.
"""

import sympy as sp

from llpp_core.analysis.objectives import Objective, derivative, differentiated, predicted_loss

COMPONENT = sp.Symbol("m", integer=True, positive=True)
"""m, the component (or the sample) that a gradient is taken in."""

SIZE = COMPONENT + sp.Symbol("r", integer=True, nonnegative=True)
"""m + r: the length d of θ and w, or the number n of samples."""

_INDEX = sp.Symbol("c", integer=True, positive=True)


def vector(name: str) -> sp.IndexedBase:
    """Return w (``"w"``) or the embedding of a sample (``"theta_i"``), a real vector with components from 1 to d."""
    return sp.IndexedBase(name, real=True)


def inner_product(index: str) -> sp.Expr:
    """Return θᵀw of sample ``index`` as a sum over the d components."""
    return sp.Sum(vector(f"theta_{index}")[_INDEX] * vector("w")[_INDEX], (_INDEX, 1, SIZE))


def with_linear_head(expression: sp.Expr, objective: Objective) -> sp.Expr:
    """Return an expression in the objective's predicted losses with θᵀw put in for each of them."""
    return expression.subs({predicted_loss(s): inner_product(s) for s in objective.samples})


def without_linear_head(expression: sp.Expr, objective: Objective) -> sp.Expr:
    """Return an expression with l̂ put back for θᵀw, as a page shows it."""
    return expression.subs({inner_product(s): predicted_loss(s) for s in objective.samples})


def gradient(objective: Objective, wrt: str) -> sp.Expr:
    """Return component m of the objective's gradient in the vector ``wrt``: "w", "theta_i", "theta_j" ….

    Raises:
        ValueError: there is no such vector.
    """
    known = ["w", *(f"theta_{s}" for s in objective.samples)]
    if wrt not in known:
        raise ValueError(f"{objective.name} has the vectors {', '.join(known)}, got {wrt!r}")
    return derivative(with_linear_head(objective.loss, objective), vector(wrt)[COMPONENT])


def hessian(objective: Objective, wrt: str) -> sp.Expr:
    """Return component (m, n) of the second derivatives in the vector ``wrt``; n ≤ d is another component.

    Raises:
        ValueError: there is no such vector.
    """
    second = derivative(gradient(objective, wrt), vector(wrt)[sp.Symbol("n", integer=True, positive=True)])
    # sympy keeps a case for n > d, which there is not.
    return sp.factor(second.replace(sp.Piecewise, lambda *cases: cases[0][0]))


def batch_loss() -> sp.Expr:
    """Return LearningLoss++ over n samples, Σ p (log p − l̂) + log Σ e^l̂, with shares p of sum 1 indexed by sample."""
    p, predicted = sp.IndexedBase("p", positive=True), sp.IndexedBase("lhat", real=True)
    cross = sp.Sum(p[_INDEX] * (sp.log(p[_INDEX]) - predicted[_INDEX]), (_INDEX, 1, SIZE))
    return cross + sp.log(sp.Sum(sp.exp(predicted[_INDEX]), (_INDEX, 1, SIZE)))


def batch_gradient() -> sp.Expr:
    """Return the derivative of `batch_loss` in l̂ of sample m: q_m − p_m, whatever n is."""
    return differentiated(batch_loss(), sp.IndexedBase("lhat", real=True)[COMPONENT])
