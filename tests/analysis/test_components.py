"""Eq. 2 and 4 for embeddings of any dimension: proofs by components, and the same gradients in three other ways."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import sympy as sp
import torch
from numpy.testing import assert_allclose

from llpp_core import losses
from llpp_core.analysis import components, objectives
from llpp_core.analysis.components import COMPONENT, SIZE
from llpp_core.analysis.objectives import ALPHA, MARGIN, Objective, embedding, true_loss, weights

M, N = COMPONENT, sp.Symbol("n", integer=True, positive=True)
W, T_I, T_J = (sp.IndexedBase(name, real=True) for name in ("w", "theta_i", "theta_j"))
MAKE = {
    "LL": objectives.learning_loss,
    "LL++": objectives.learning_loss_pp,
    "tempered": objectives.learning_loss_pp_tempered,
    "three samples": lambda: objectives.learning_loss_pp_batch(3),
}
DIVERGENCES = [name for name in MAKE if name != "LL"]


@cache
def objective_of(name: str) -> Objective:
    return MAKE[name]()


def product(sample: str) -> sp.Expr:
    """θᵀw over d components, as this test writes it."""
    c = sp.Symbol("c", integer=True, positive=True)
    return sp.Sum(sp.IndexedBase(f"theta_{sample}", real=True)[c] * W[c], (c, 1, SIZE))


def predicted_share(sample: str, samples: tuple[str, ...]) -> sp.Expr:
    return sp.exp(product(sample)) / sp.Add(*(sp.exp(product(s)) for s in samples))


def true_share(name: str, sample: str, samples: tuple[str, ...]) -> sp.Expr:
    power = ALPHA if name == "tempered" else 1
    return true_loss(sample) ** power / sp.Add(*(true_loss(s) ** power for s in samples))


def is_zero(expression: sp.Expr) -> bool:
    # With e^(θᵀw) and l^α as unknowns, what is left is a fraction of polynomials.
    def unknown() -> sp.Dummy:
        return sp.Dummy(positive=True)

    powers = {true_loss(s): unknown() ** (1 / ALPHA) for s in "ij"} if expression.has(ALPHA) else {}
    exponents = {s: sp.log(unknown()) for s in expression.atoms(sp.Sum)}
    return sp.cancel(expression.xreplace(exponents | powers).rewrite(sp.exp)) == 0


def claimed(name: str, wrt: str) -> sp.Expr:
    """Component m as Eq. 4 has it, or its form over n samples: Σ (q_s − p_s) θ_s, and (q_s − p_s) w."""
    samples = objective_of(name).samples
    push = {s: predicted_share(s, samples) - true_share(name, s, samples) for s in samples}
    if wrt != "w":
        return push[wrt.removeprefix("theta_")] * W[M]
    if len(samples) == 2:
        return push["i"] * (T_I[M] - T_J[M])
    return sp.Add(*(push[s] * sp.IndexedBase(f"theta_{s}", real=True)[M] for s in samples))


@pytest.mark.parametrize(
    ("name", "wrt"),
    [(name, wrt) for name in DIVERGENCES for wrt in ("w", *(f"theta_{s}" for s in MAKE[name]().samples))],
)
def test_eq_4_in_any_dimension(name: str, wrt: str) -> None:
    gradient = components.gradient(objective_of(name), wrt)
    assert is_zero(gradient - claimed(name, wrt))
    assert not is_zero(gradient + claimed(name, wrt))


def test_the_gradient_in_the_other_embedding_is_the_opposite() -> None:
    for name in ("LL++", "tempered"):
        both = [components.gradient(objective_of(name), f"theta_{s}") for s in "ij"]
        assert is_zero(sum(both))


@pytest.mark.parametrize(("wrt", "factor"), [("w", T_I[M] - T_J[M]), ("theta_i", W[M]), ("theta_j", -W[M])])
def test_eq_2_in_any_dimension(wrt: str, factor: sp.Expr) -> None:
    gradient = components.gradient(objective_of("LL"), wrt)
    direction = sp.sign(true_loss("i") - true_loss("j"))
    (inside, condition), (outside, otherwise) = gradient.args
    assert sp.expand(inside + direction * factor) == 0
    assert outside == 0
    assert otherwise == True  # noqa: E712 (sympy's own true)
    assert isinstance(condition, sp.StrictGreaterThan)
    assert sp.expand(condition.lhs - condition.rhs - MARGIN + direction * (product("i") - product("j"))) == 0


@pytest.mark.parametrize("name", ["LL++", "tempered"])
@pytest.mark.parametrize(
    ("wrt", "outer"),
    [("w", (T_I[M] - T_J[M]) * (T_I[N] - T_J[N])), ("theta_i", W[M] * W[N]), ("theta_j", W[M] * W[N])],
)
def test_second_derivatives_are_an_outer_product(name: str, wrt: str, outer: sp.Expr) -> None:
    # q_i q_j times a vector times itself: nowhere negative, and zero but along that vector.
    q_i, q_j = (predicted_share(s, ("i", "j")) for s in "ij")
    hessian = components.hessian(objective_of(name), wrt)
    assert is_zero(hessian - q_i * q_j * outer)
    assert is_zero(hessian.subs(N, M) - q_i * q_j * outer.subs(N, M))


def test_second_derivatives_of_three_samples_are_the_variance_under_the_shares() -> None:
    # Σ q_s θ_s θ_sᵀ − (Σ q_s θ_s)(Σ q_s θ_s)ᵀ, by components.
    samples = ("1", "2", "3")
    q = {s: predicted_share(s, samples) for s in samples}
    theta = {s: sp.IndexedBase(f"theta_{s}", real=True) for s in samples}
    mean = {c: sp.Add(*(q[s] * theta[s][c] for s in samples)) for c in (M, N)}
    variance = sp.Add(*(q[s] * theta[s][M] * theta[s][N] for s in samples)) - mean[M] * mean[N]
    assert is_zero(components.hessian(objective_of("three samples"), "w") - variance)
    hessian = components.hessian(objective_of("three samples"), "theta_2")
    assert is_zero(hessian - q["2"] * (1 - q["2"]) * W[M] * W[N])


@pytest.mark.parametrize("wrt", ["w", "theta_i", "theta_j"])
def test_second_derivatives_of_learning_loss_are_zero(wrt: str) -> None:
    assert components.hessian(objective_of("LL"), wrt) == 0


def test_batch_gradient_is_predicted_minus_true_share_for_any_number_of_samples() -> None:
    p, predicted = sp.IndexedBase("p", positive=True), sp.IndexedBase("lhat", real=True)
    c = sp.Symbol("c", integer=True, positive=True)
    q = sp.exp(predicted[M]) / sp.Sum(sp.exp(predicted[c]), (c, 1, SIZE))
    assert sp.simplify(components.batch_gradient() - (q - p[M])) == 0


@pytest.mark.parametrize("n", [2, 3, 5])
def test_batch_loss_and_gradient_of_a_given_size(n: int) -> None:
    rng = np.random.default_rng(n)
    true, predicted = rng.gamma(2, size=n), rng.normal(size=n)
    shares = true / true.sum()
    p, lhat = sp.IndexedBase("p", positive=True), sp.IndexedBase("lhat", real=True)
    numbers = {p[k + 1]: shares[k] for k in range(n)} | {lhat[k + 1]: predicted[k] for k in range(n)}
    objective = objectives.learning_loss_pp_batch(n)
    for sample in range(1, n + 1):
        loss, gradient = (
            float(e.subs({M: sample, SIZE - M: n - sample}).doit().subs(numbers))
            for e in (components.batch_loss(), components.batch_gradient())
        )
        assert loss == pytest.approx(objective.numpy()(*predicted, *true), rel=1e-13)
        assert gradient == pytest.approx(objective.numpy(f"predicted_loss_{sample}")(*predicted, *true), rel=1e-12)


def test_the_head_is_put_in_and_taken_out() -> None:
    objective = objective_of("LL++")
    gap = objectives.predicted_loss("i") - 2 * objectives.predicted_loss("j")
    with_head = components.with_linear_head(gap, objective)
    assert with_head == product("i") - 2 * product("j")
    assert components.without_linear_head(with_head, objective) == gap
    gradient = components.without_linear_head(components.gradient(objective, "w"), objective)
    push = objectives.predicted_share("i") - objectives.true_share("i")
    assert is_zero(gradient - push * (T_I[M] - T_J[M]))


@pytest.mark.parametrize("function", [components.gradient, components.hessian])
def test_an_unknown_vector_is_named(function: Callable) -> None:
    with pytest.raises(ValueError, match=r"LearningLoss\+\+ has the vectors w, theta_i, theta_j, got 'theta_k'"):
        function(objective_of("LL++"), "theta_k")
    with pytest.raises(ValueError, match="has the vectors w, theta_1, theta_2, theta_3, got 'theta_i'"):
        function(objective_of("three samples"), "theta_i")


class TestNumbers:
    """Proof by components, given dimension, autograd, differences: four ways to one gradient."""

    ALPHA, MARGIN, STEP = 1.7, 0.8, 1e-5

    def numbers(self, name: str, dimension: int) -> dict[str, np.ndarray]:
        """θ of every sample, w and the true losses; the pair of Learning Loss is inside of its margin."""
        rng = np.random.default_rng([dimension, len(name)])
        samples = objective_of(name).samples
        values = {f"theta_{s}": rng.normal(size=dimension) for s in samples}
        values |= {"w": rng.normal(size=dimension), "true": rng.gamma(2.0, size=len(samples))}
        if name == "LL" and (values["theta_i"] - values["theta_j"]) @ values["w"] > 0:
            values["true"] = np.sort(values["true"])  # the wrong order: pushed
        elif name == "LL":
            values["true"] = np.sort(values["true"])[::-1].copy()
        return values

    def by_components(self, name: str, wrt: str, values: dict[str, np.ndarray]) -> list[float]:
        objective, dimension = objective_of(name), len(values["w"])
        gradient = components.gradient(objective, wrt)
        known = {true_loss(s): v for s, v in zip(objective.samples, values["true"], strict=True)}
        known |= {ALPHA: self.ALPHA, MARGIN: self.MARGIN}
        for vector in ("w", *(f"theta_{s}" for s in objective.samples)):
            base = sp.IndexedBase(vector, real=True)
            known |= {base[c + 1]: values[vector][c] for c in range(dimension)}
        given = [gradient.subs({M: c, SIZE - M: dimension - c}).doit() for c in range(1, dimension + 1)]
        return [float(g.xreplace(known).rewrite(sp.exp)) for g in given]

    def flat(self, name: str, values: dict[str, np.ndarray]) -> dict[str, float]:
        """The same numbers by the names of a given dimension's symbols."""
        samples, dimension = objective_of(name).samples, len(values["w"])
        named = {"alpha": self.ALPHA, "margin": self.MARGIN}
        named |= {f"true_loss_{s}": v for s, v in zip(samples, values["true"], strict=True)}
        vectors = {"w": weights(dimension)} | {f"theta_{s}": embedding(s, dimension) for s in samples}
        for vector, symbols in vectors.items():
            named |= {symbol.name: v for symbol, v in zip(symbols, values[vector], strict=True)}
        return named

    def by_autograd(self, name: str, wrt: str, values: dict[str, np.ndarray]) -> np.ndarray:
        samples, dimension = objective_of(name).samples, len(values["w"])
        head = torch.nn.Linear(dimension, 1, bias=False, dtype=torch.float64)
        head.weight.data = torch.tensor(values["w"])[None]
        theta = torch.tensor(np.stack([values[f"theta_{s}"] for s in samples]), requires_grad=True)
        predicted, true = head(theta), torch.tensor(values["true"])[:, None]
        loss = {
            "LL": lambda: losses.learning_loss(predicted, true, margin=self.MARGIN),
            "LL++": lambda: losses.learning_loss_pp(predicted, true),
            "tempered": lambda: losses.learning_loss_pp(predicted, true, alpha=self.ALPHA),
            "three samples": lambda: losses.learning_loss_pp_batch(predicted, true),
        }[name]()
        loss.backward()
        gradients = {"w": head.weight.grad[0]} | {f"theta_{s}": theta.grad[k] for k, s in enumerate(samples)}
        return gradients[wrt].numpy()

    @pytest.mark.parametrize("dimension", [1, 2, 5])
    @pytest.mark.parametrize("name", MAKE)
    def test_four_ways_agree(self, name: str, dimension: int) -> None:
        values = self.numbers(name, dimension)
        given = objective_of(name).with_linear_head(dimension)
        flat = self.flat(name, values)
        point = [flat[symbol] for symbol in given.symbols]
        loss, order = given.numpy(), list(given.symbols)
        for wrt in ("w", *(f"theta_{s}" for s in given.samples)):
            symbols = weights(dimension) if wrt == "w" else embedding(wrt.removeprefix("theta_"), dimension)
            by_autograd = self.by_autograd(name, wrt, values)
            assert np.abs(by_autograd).max() > 1e-3  # a gradient of zero would agree with too much
            assert_allclose(self.by_components(name, wrt, values), by_autograd, rtol=1e-11, atol=1e-14)
            derived = float(given.numpy(symbols[-1].name)(*point))
            assert derived == pytest.approx(by_autograd[-1], rel=1e-11, abs=1e-14)
            for symbol, expected in zip(symbols, by_autograd, strict=True):
                shift = self.STEP * np.eye(len(order))[order.index(symbol.name)]
                high, low = (float(loss(*end)) for end in (point + shift, point - shift))
                assert (high - low) / (2 * self.STEP) == pytest.approx(expected, abs=5e-9)
