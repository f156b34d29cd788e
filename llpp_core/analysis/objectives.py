r"""Learning Loss and LearningLoss++ as sympy expressions, with everything that follows from them.

Each objective of a pair is written once, from the paper's definition, and its gradients are derived by sympy:

* Eq. 1   Learning Loss, :math:`\max(0, -\operatorname{sign}(l_i - l_j)(\hat l_i - \hat l_j) + \xi)`
  (Yoo & Kweon, CVPR 2019);
* Eq. 3   LearningLoss++, the KL divergence from predicted to true pair shares (Shukla & Ahmed, CVPRW 2021,
  doi 10.1109/CVPRW53098.2021.00370), for a pair or for n samples at once.

Gradients in the embeddings θ and the last layer's weights w (Eq. 2 and 4) come from the same expressions by
putting :math:`\hat l = \theta^T w` in: see `Objective.with_linear_head`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from llpp_core.analysis import codegen
from llpp_core.analysis.shares import LogShare, Share, sum_to_one

MARGIN = sp.Symbol("margin", nonnegative=True)
"""ξ, Learning Loss's hyper-parameter."""

ALPHA = sp.Symbol("alpha", positive=True)
"""α, the inverse temperature of true shares in proportion to l^α: beyond the paper, which has α = 1."""


def predicted_loss(index: str) -> sp.Symbol:
    """Return the symbol of l̂ for sample ``index`` ("i", "j", "1", …): a real number."""
    return sp.Symbol(f"predicted_loss_{index}", real=True)


def true_loss(index: str) -> sp.Symbol:
    """Return the symbol of l for sample ``index``: a positive number."""
    return sp.Symbol(f"true_loss_{index}", positive=True)


def embedding(index: str, dimension: int) -> tuple[sp.Symbol, ...]:
    """Return the components of θ for sample ``index``: real numbers."""
    return tuple(sp.Symbol(f"theta_{index}_{c}", real=True) for c in range(1, dimension + 1))


def weights(dimension: int) -> tuple[sp.Symbol, ...]:
    """Return the components of w, the weights of the linear last layer: real numbers."""
    return tuple(sp.Symbol(f"w_{c}", real=True) for c in range(1, dimension + 1))


@dataclass(frozen=True)
class Objective:
    """An objective for the loss predictor: an expression, and what follows from it.

    Attributes:
        name: the name that a page shows.
        loss: the objective's value.
        symbols: its symbols by code name, in the order in which the generated functions take them.
        samples: indices of the samples it compares ("i", "j").
    """

    name: str
    loss: sp.Expr
    symbols: Mapping[str, sp.Symbol]
    samples: tuple[str, ...]

    def gradient(self, wrt: str) -> sp.Expr:
        """Return the derivative with respect to the symbol of that code name, simplified.

        Raises:
            ValueError: the objective has no such symbol, or ``wrt`` is a true loss (never differentiated through).
        """
        if wrt not in self.symbols:
            raise ValueError(f"{self.name} has no symbol {wrt!r}; it has {', '.join(self.symbols)}")
        if wrt.startswith("true_loss"):
            raise ValueError(f"{wrt} is a measured loss, which the predictor is never differentiated through")
        return derivative(self.loss, self.symbols[wrt])

    def hessian(self, wrt: Sequence[str]) -> sp.Matrix:
        """Return the second derivatives in the symbols of those code names, simplified: (names, names)."""
        gradients = [self.gradient(name) for name in wrt]
        return sp.Matrix([[sp.factor(derivative(g, self.symbols[name])) for name in wrt] for g in gradients])

    def written_out(self) -> sp.Expr:
        """Return the loss in exponentials and logarithms alone, as a page shows it."""
        return self.loss.rewrite(sp.exp)

    def optimal_gap(self) -> sp.Expr:
        """Return the predicted gap l̂_i − l̂_j at which a pair of known losses rests, solved by sympy.

        For Learning Loss it is where the push ends: every gap beyond it is at rest too, and a tie is at rest anywhere.

        Raises:
            ValueError: the objective is not one of a pair.
        """
        if self.samples != ("i", "j"):
            raise ValueError(f"only an objective of a pair has one gap, and {self.name} compares {self.samples}")
        gap, scaled = sp.Symbol("gap", real=True), sp.Symbol("scaled", positive=True)
        at = {predicted_loss("i"): gap, predicted_loss("j"): 0}
        if self.loss.has(sp.Piecewise):
            direction = sp.sign(true_loss("i") - true_loss("j"))
            (rest,) = sp.solve(self.loss.args[0].expr.subs(at).subs(direction, scaled), gap)
            return sp.simplify(rest * scaled) * direction  # its reciprocal is itself, where it is not 0
        (rest,) = sp.solve(self.gradient("predicted_loss_i").subs(at).rewrite(sp.exp).subs(sp.exp(gap), scaled), scaled)
        return sp.expand_log(sp.log(sp.simplify(rest)), force=True)

    def gradient_vector(self, wrt: Sequence[sp.Symbol]) -> sp.Matrix:
        """Return the derivatives with respect to each symbol of ``wrt`` as a column, w or θ for instance."""
        return sp.Matrix([self.gradient(symbol.name) for symbol in wrt])

    def with_linear_head(self, dimension: int) -> "Objective":
        """Return the same objective as a function of θ and w, by putting l̂ = θᵀw in for every sample.

        Args:
            dimension: length of θ and w, at least 1.
        """
        if dimension < 1:
            raise ValueError(f"an embedding needs at least one component, got dimension {dimension}")
        w = weights(dimension)
        thetas = {index: embedding(index, dimension) for index in self.samples}
        product = {
            predicted_loss(index): sum(t * c for t, c in zip(theta, w, strict=True)) for index, theta in thetas.items()
        }
        kept = {name: s for name, s in self.symbols.items() if s not in product}
        vectors = {s.name: s for vector in (*thetas.values(), w) for s in vector}
        return Objective(self.name, self.loss.subs(product), {**kept, **vectors}, self.samples)

    def numpy(self, wrt: str | None = None) -> Callable[..., Any]:
        """Return a NumPy function of all `symbols`: the loss, or its derivative with respect to ``wrt``."""
        return codegen.numpy_function(self._expression(wrt), list(self.symbols.values()))

    def torch(self, wrt: str | None = None) -> Callable[..., Any]:
        """Return a torch function of all `symbols`: the loss, or its derivative with respect to ``wrt``."""
        return codegen.torch_function(self._expression(wrt), list(self.symbols.values()))

    def javascript(self, name: str, wrt: str | None = None) -> str:
        """Return JavaScript source of a function ``name`` of all `symbols`: the loss, or its derivative."""
        return codegen.javascript_function(self._expression(wrt), list(self.symbols.values()), name)

    def latex(self, wrt: str | None = None) -> str:
        """Return LaTeX of the loss, or of its derivative with respect to ``wrt``, in the paper's notation."""
        return latex(self._expression(wrt))

    def _expression(self, wrt: str | None) -> sp.Expr:
        return self.loss if wrt is None else self.gradient(wrt)


def learning_loss() -> Objective:
    """Return Learning Loss (Eq. 1): a hinge on the predicted gap, in the direction of the true one."""
    i, j = predicted_loss("i"), predicted_loss("j")
    direction = sp.sign(true_loss("i") - true_loss("j"))
    violation = MARGIN - direction * (i - j)
    # Cases rather than Max: the derivative of Max holds a Heaviside step, whose value at 0 differs from tool to
    # tool. At the kink itself both cases give a subgradient; this one is 0, torch's choice for relu.
    loss = sp.Piecewise((violation, violation > 0), (0, True))
    return Objective("Learning Loss", loss, {**_pair_symbols(), MARGIN.name: MARGIN}, ("i", "j"))


def expected_learning_loss(gap: sp.Expr, chance: sp.Expr) -> sp.Expr:
    """Return the mean of Learning Loss at one predicted gap when l_i is the larger loss with that chance, else l_j.

    Beyond the paper: for every chance above ½ its minimum is at the margin.
    """
    objective = learning_loss()
    pair = {predicted_loss("i"): gap, predicted_loss("j"): sp.Integer(0)}
    right, wrong = (
        objective.loss.subs({true_loss("i"): l_i, true_loss("j"): l_j}).subs(pair) for l_i, l_j in ((2, 1), (1, 2))
    )
    return chance * right + (1 - chance) * wrong


def learning_loss_pp() -> Objective:
    """Return LearningLoss++ for a pair (Eq. 3): the KL divergence of predicted from true shares."""
    return Objective("LearningLoss++", _kl(("i", "j")), _pair_symbols(), ("i", "j"))


def learning_loss_pp_tempered() -> Objective:
    """Return LearningLoss++ for a pair with true shares l_i^α / (l_i^α + l_j^α): beyond the paper, which has α = 1.

    As α → ∞ only the order of the true losses counts, and as α → 0 nothing of them does.
    """
    symbols = {**_pair_symbols(), ALPHA.name: ALPHA}
    return Objective("LearningLoss++ with a temperature", _kl(("i", "j"), ALPHA), symbols, ("i", "j"))


def learning_loss_pp_batch(n: int) -> Objective:
    """Return LearningLoss++ over n samples at once: KL of softmax(l̂) from l / Σl; n = 2 is the pair.

    Args:
        n: number of samples, at least 2.
    """
    if n < 2:
        raise ValueError(f"shares compare at least two samples, got n = {n}")
    samples = tuple(str(index) for index in range(1, n + 1))
    return Objective(f"LearningLoss++ of {n} samples", _kl(samples), _sample_symbols(samples), samples)


def true_share(index: str, samples: Sequence[str] = ("i", "j"), alpha: sp.Expr | int = 1) -> sp.Expr:
    """Return p: the share of sample ``index`` in the true losses of ``samples``, each to the power ``alpha``."""
    if alpha == 1:
        return true_loss(index) / sum(true_loss(s) for s in samples)
    return Share(*(alpha * sp.log(true_loss(s)) for s in _first(index, samples)))


def predicted_share(index: str, samples: Sequence[str] = ("i", "j")) -> sp.Expr:
    """Return q: the share of sample ``index`` in the exponentials of the predicted losses of ``samples``."""
    return Share(*(predicted_loss(s) for s in _first(index, samples)))


def worked_example(loss_i_is_larger: bool) -> dict[str, sp.Expr | sp.Matrix]:
    """Return the paper's example (Fig. 2): θ_i = (1, 2, 1), θ_j = (1, 1, 1), w = (0, 3, 0), ξ = 1.

    Args:
        loss_i_is_larger: which of the two true losses is the larger one.

    Returns:
        ``loss``, the value of Eq. 1, and ``gradient``, its (3, 1) gradient in w.
    """
    objective = learning_loss().with_linear_head(3)
    values: dict[sp.Symbol, int] = {MARGIN: 1}
    values |= dict(zip(embedding("i", 3), (1, 2, 1), strict=True))
    values |= dict(zip(embedding("j", 3), (1, 1, 1), strict=True))
    values |= dict(zip(weights(3), (0, 3, 0), strict=True))
    larger, smaller = ("i", "j") if loss_i_is_larger else ("j", "i")
    values |= {true_loss(larger): 2, true_loss(smaller): 1}
    return {
        "loss": objective.loss.subs(values),
        "gradient": objective.gradient_vector(weights(3)).subs(values),
    }


def gap_under_descent(
    objective: Objective, predicted_gap: float, *, learning_rate: float, steps: int, **values: float
) -> npt.NDArray[np.float64]:
    """Return the predicted gap l̂_i − l̂_j before each step of gradient descent on one pair, and after the last.

    Both predicted losses descend, so a step changes the gap by twice what it changes l̂_i.

    Args:
        objective: of a pair.
        predicted_gap: where it starts.
        learning_rate: of the descent, > 0.
        steps: how many, ≥ 1.
        values: the objective's other symbols: true_loss_i and true_loss_j, and margin where it has one.

    Returns:
        (steps + 1,) gaps.
    """
    if steps < 1 or not learning_rate > 0:
        raise ValueError(f"descent needs at least 1 step and a rate above 0, got {steps} and {learning_rate}")
    push = objective.numpy("predicted_loss_i")
    gaps = [float(predicted_gap)]
    for _ in range(steps):
        state = {"predicted_loss_i": gaps[-1], "predicted_loss_j": 0.0, **values}
        gaps.append(gaps[-1] - 2 * learning_rate * float(push(*(state[name] for name in objective.symbols))))
    return np.array(gaps)


def derivative(expression: sp.Expr, symbol: sp.Expr) -> sp.Expr:
    """Return the derivative as a sum over the shares in it, each with its simplified factor, or case by case."""
    result = differentiated(expression, symbol)
    if expression.has(sp.Piecewise):  # simplify() would fold the cases into each other
        return sp.piecewise_fold(result)
    # q_i − p_i, not one fraction of everything.
    result = sp.expand(sum_to_one(result))
    return sp.collect(result, sorted(result.atoms(Share), key=sp.default_sort_key), func=sp.simplify)


def differentiated(expression: sp.Expr, symbol: sp.Expr) -> sp.Expr:
    """Return the derivative as sympy leaves it, but for sums of which one term is not 0: those are that term."""
    result = sp.diff(expression, symbol)
    return result.replace(
        lambda e: isinstance(e, sp.Sum) and (e.has(sp.KroneckerDelta) or e.function == 0), lambda e: e.doit()
    )


def latex(expression: sp.Expr) -> str:
    """Return LaTeX of any expression in this module's symbols, in the paper's notation."""
    names = {MARGIN: r"\xi"}
    for symbol in expression.atoms(sp.Symbol):
        stem, _, index = symbol.name.partition("_")
        if symbol.name.startswith("predicted_loss_"):
            names[symbol] = rf"\hat l_{{{symbol.name.removeprefix('predicted_loss_')}}}"
        elif symbol.name.startswith("true_loss_"):
            names[symbol] = f"l_{{{symbol.name.removeprefix('true_loss_')}}}"
        elif stem == "theta":
            sample, _, component = index.partition("_")
            names[symbol] = rf"\theta_{{{sample},{component}}}" if component else rf"\theta_{{{sample}}}"
    return codegen.latex(expression, names)


def _kl(samples: Sequence[str], alpha: sp.Expr | int = 1) -> sp.Expr:
    total = sp.Integer(0)
    for s in samples:
        p = true_share(s, samples, alpha)
        log_p = sp.log(p) if alpha == 1 else LogShare(*p.args)
        total += p * (log_p - LogShare(*predicted_share(s, samples).args))
    return total


def _first(index: str, samples: Sequence[str]) -> list[str]:
    return [index, *(s for s in samples if s != index)]


def _pair_symbols() -> dict[str, sp.Symbol]:
    return _sample_symbols(("i", "j"))


def _sample_symbols(samples: Sequence[str]) -> dict[str, sp.Symbol]:
    symbols = [predicted_loss(s) for s in samples] + [true_loss(s) for s in samples]
    return {symbol.name: symbol for symbol in symbols}
