"""One expression, four outputs: each evaluates to what sympy evaluates to."""

import math
import re

import numpy as np
import pytest
import sympy as sp
import torch
from numpy.testing import assert_allclose

from llpp_core.analysis import codegen, objectives

X, Y = sp.symbols("x y", real=True)
CASES = sp.Piecewise((X * Y, X > 0), (sp.Integer(3), True))
EXPRESSIONS = {
    "smooth": sp.exp(-(X**2)) + sp.log(Y**2 + 1) / (sp.exp(-(X**2)) + 2),
    "cases": CASES,
    "nested cases": sp.Piecewise((sp.sign(X) * Y, X < -1), (CASES, Y > 0), (X + 1, True)),
    "power": sp.sqrt(Y**2 + 1) * X**3,
    "constant": sp.Integer(2) + sp.Rational(1, 3),
}
POINTS = [(-2.0, 0.5), (-0.5, -1.5), (0.0, 2.0), (1.5, 0.25), (2.0, -3.0)]


def exact(expression: sp.Expr) -> list[float]:
    return [float(expression.subs({X: x, Y: y})) for x, y in POINTS]


def evaluated(javascript: str, *values: float) -> float:
    """Evaluate generated JavaScript in Python: its arithmetic is the same once cases and Math are rewritten."""
    head, *lines, _ = javascript.splitlines()
    parameters = re.fullmatch(r"function (\w+)\((.*)\) \{", head)
    assert parameters is not None
    scope = dict(zip(parameters[2].split(", "), values, strict=True))
    library = {"Math": type("Math", (), {n: staticmethod(getattr(math, n)) for n in ("exp", "log", "pow", "sqrt")})}
    library["Math"].max, library["Math"].abs, library["Math"].log1p = (
        staticmethod(max),
        staticmethod(abs),
        staticmethod(math.log1p),
    )
    library["Math"].sign = staticmethod(lambda v: float(np.sign(v)))
    for line in lines:
        match = re.fullmatch(r"  (?:const (\w+) =|return) (.*);", line)
        assert match is not None, line
        text, before = match[2], ""
        while text != before:
            before = text
            text = _innermost_case(text)
        assert "?" not in text
        value = eval(text, library, scope)
        scope[match[1] or "return"] = value
    return scope["return"]


def _innermost_case(text: str) -> str:
    at = text.rfind(" ? ")
    if at < 0:
        return text
    start = _matching(text, at - 1, -1)  # "(condition)"
    value = at + 3
    value_end = _matching(text, value, 1)
    other = value_end + 4
    assert text[value_end + 1 : other] == " : "
    other_end = _matching(text, other, 1)
    condition, this, that = text[start:at], text[value : value_end + 1], text[other : other_end + 1]
    return f"{text[:start]}{this} if {condition} else {that}{text[other_end + 1 :]}"


def _matching(text: str, at: int, step: int) -> int:
    depth = 0
    while True:
        depth += {"(": step, ")": -step}.get(text[at], 0)
        if depth == 0:
            return at
        at += step


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_numpy_floats_and_arrays(expression: sp.Expr) -> None:
    function = codegen.numpy_function(expression, [X, Y])
    assert_allclose([function(x, y) for x, y in POINTS], exact(expression), rtol=1e-13)
    xs, ys = np.array(POINTS).T
    assert_allclose(np.broadcast_to(function(xs, ys), len(POINTS)), exact(expression), rtol=1e-13)


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_torch_tensors(expression: sp.Expr) -> None:
    xs, ys = torch.tensor(POINTS, dtype=torch.float64).T
    values = codegen.torch_function(expression, [X, Y])(xs, ys)
    assert_allclose(values.broadcast_to(len(POINTS)), exact(expression), rtol=1e-13 if values.ndim else 1e-7)


def test_torch_broadcasts_floats_against_tensors_and_keeps_the_shape_of_a_constant_case() -> None:
    values = codegen.torch_function(CASES, [X, Y])(torch.tensor([-1.0, -2.0], dtype=torch.float64), 5.0)
    assert values.tolist() == [3.0, 3.0]


def test_torch_lets_autograd_through() -> None:
    x = torch.tensor([0.5, -0.5], dtype=torch.float64, requires_grad=True)
    codegen.torch_function(CASES, [X, Y])(x, 4.0).sum().backward()
    assert x.grad.tolist() == [4.0, 0.0]


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_javascript(expression: sp.Expr) -> None:
    text = codegen.javascript_function(expression, [X, Y], "f")
    assert_allclose([evaluated(text, x, y) for x, y in POINTS], exact(expression), rtol=1e-13)


@pytest.mark.parametrize("wrt", [None, "predicted_loss_i"])
@pytest.mark.parametrize("make", [objectives.learning_loss, objectives.learning_loss_pp])
def test_objectives_in_javascript(make, wrt: str | None) -> None:
    objective = make()
    text = objective.javascript("push", wrt)
    numbers = [(0.3, -0.4, 2.0, 1.0, 1.0), (1.5, 0.1, 0.2, 1.0, 1.0), (2.0, 0.1, 2.0, 1.0, 1.0), (0.0, 0.5, 1, 1, 0.5)]
    for values in numbers:
        values = values[: len(objective.symbols)]
        assert evaluated(text, *values) == pytest.approx(float(objective.numpy(wrt)(*values)), rel=1e-13)


def test_arguments_keep_their_order() -> None:
    assert codegen.numpy_function(X - 2 * Y, [Y, X])(1.0, 10.0) == 8.0
    assert codegen.javascript_function(X, [Y, X], "f").startswith("function f(y, x) {")


@pytest.mark.parametrize(
    "make",
    [
        codegen.numpy_function,
        codegen.torch_function,
        lambda expression, arguments: codegen.javascript_function(expression, arguments, "f"),
    ],
)
def test_a_symbol_that_is_no_argument_is_named(make) -> None:
    with pytest.raises(ValueError, match="depends on y, which is not among the arguments"):
        make(X + Y, [X])


@pytest.mark.parametrize("name", ["", "two words", "1st", "a-b", "f(){alert(1)}"])
def test_javascript_wants_an_identifier_as_name(name: str) -> None:
    with pytest.raises(ValueError, match="needs an identifier as a name, got"):
        codegen.javascript_function(X, [X], name)


def test_javascript_wants_identifiers_as_arguments() -> None:
    with pytest.raises(ValueError, match="needs an identifier"):
        codegen.javascript_function(X, [X, sp.Symbol("not one")], "f")


@pytest.mark.parametrize("name", ["delete", "function", "new", "var"])
def test_javascript_refuses_its_own_keywords(name: str) -> None:
    with pytest.raises(ValueError, match="needs an identifier"):
        codegen.javascript_function(X, [X], name)


def test_javascript_keeps_an_argument_apart_from_its_own_steps() -> None:
    step = sp.Symbol("step0", real=True)
    text = codegen.javascript_function(sp.exp(X + step) + (X + step) ** 2, [step, X], "f")
    assert "const step0" not in text
    assert evaluated(text, 0.5, 1.0) == pytest.approx(math.exp(1.5) + 1.5**2, rel=1e-14)


@pytest.mark.parametrize("function", [sp.erf, sp.gamma, lambda x: sp.besselk(1, x)], ids=["erf", "gamma", "besselk"])
def test_javascript_refuses_functions_that_math_lacks(function) -> None:
    with pytest.raises(ValueError, match="JavaScript has no function for"):
        codegen.javascript_function(1 + function(X), [X], "f")


def test_javascript_needs_a_case_for_everything_else() -> None:
    with pytest.raises(ValueError, match="last case without condition"):
        codegen.javascript_function(sp.Piecewise((X, X > 0)), [X], "f")


def test_latex_uses_the_given_names() -> None:
    assert codegen.latex(X / Y, {X: r"\hat l_i", Y: "l_j"}) == r"\frac{\hat l_i}{l_j}"


def test_latex_of_second_derivatives_of_three_samples() -> None:
    second = objectives.learning_loss_pp_batch(3).with_linear_head(1).hessian(["w_1"])[0]
    assert objectives.latex(second)


def derived() -> dict[str, tuple[sp.Expr, list[sp.Symbol]]]:
    """Second derivatives and optima, with the symbols that they are functions of."""
    pair, hinge, tempered = (
        make() for make in (objectives.learning_loss_pp, objectives.learning_loss, objectives.learning_loss_pp_tempered)
    )
    three = objectives.learning_loss_pp_batch(3)
    found = {"pair": (pair.hessian(["predicted_loss_i", "predicted_loss_j"]), pair)}
    found |= {"three samples": (three.hessian([f"predicted_loss_{s}" for s in three.samples]), three)}
    expressions = {
        f"{name}, {row} {column}": (matrix[row, column], list(objective.symbols.values()))
        for name, (matrix, objective) in found.items()
        for row in range(2)
        for column in range(2)
    }
    optima = {f"optimum of {o.name}": (o.optimal_gap(), list(o.symbols.values())) for o in (pair, hinge, tempered)}
    return {**expressions, **optima}


@pytest.mark.parametrize(("expression", "symbols"), derived().values(), ids=derived())
def test_second_derivatives_and_optima_agree_in_every_output(expression: sp.Expr, symbols: list[sp.Symbol]) -> None:
    text = codegen.javascript_function(expression, symbols, "f")
    by_numpy, by_torch = (make(expression, symbols) for make in (codegen.numpy_function, codegen.torch_function))
    for seed in range(3):
        values = [float(v) for v in np.random.default_rng(seed).uniform(0.2, 3.0, len(symbols))]
        wanted = float(expression.subs(dict(zip(symbols, values, strict=True))).evalf(30))
        assert wanted != 0
        for got in (by_numpy(*values), by_torch(*values), evaluated(text, *values)):
            assert float(got) == pytest.approx(wanted, rel=1e-12)
    assert objectives.latex(expression)
