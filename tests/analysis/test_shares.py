"""Shares as sympy functions: both derivatives are those of the written form, and every rewriting keeps the value."""

import math
from itertools import permutations

import mpmath
import numpy as np
import pytest
import sympy as sp
import torch
from numpy.testing import assert_allclose

from llpp_core.analysis import shares
from llpp_core.analysis.shares import LogShare, Share, sum_to_one

A, B, C, D = sp.symbols("a b c d", real=True)
X, Y = sp.symbols("x y", real=True)
ARGUMENTS = {2: (A, B), 3: (A, B, C), 4: (A, B, C, D)}
COMPOSED = {
    "products": (X * Y, X**2),
    "of one variable twice": (X, X * Y, 3 * X),
    "functions": (sp.sin(X) + Y, sp.exp(X * Y), X / (Y**2 + 1)),
    "a sum's terms": (X + Y, X - Y, Y, sp.Integer(2)),
    "equal": (X, X),
    "equal others": (X, Y, Y),
}


def written(function: type[sp.Function], own: sp.Expr, *others: sp.Expr) -> sp.Expr:
    """The definition, from this module's docstring and not from its code."""
    share = sp.exp(own) / sp.Add(*(sp.exp(a) for a in (own, *others)))
    return share if function is Share else sp.log(share)


def is_zero(expression: sp.Expr) -> bool:
    return sp.simplify(expression.rewrite(sp.exp)) == 0


def at(expression: sp.Expr, **numbers: float) -> float:
    """The value in 30 digits, through the written-out form."""
    values = {symbol: sp.Rational(str(numbers[symbol.name])) for symbol in expression.free_symbols}
    return float(expression.rewrite(sp.exp).subs(values).evalf(30))


@pytest.mark.parametrize("function", [Share, LogShare])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_written_form_is_the_definition(function: type[sp.Function], n: int) -> None:
    assert sp.simplify(function(*ARGUMENTS[n]).rewrite(sp.exp) - written(function, *ARGUMENTS[n])) == 0


@pytest.mark.parametrize(("n", "argindex"), [(n, k) for n in (2, 3, 4) for k in range(1, n + 1)])
@pytest.mark.parametrize("function", [Share, LogShare])
def test_derivative_in_every_argument_is_that_of_the_written_form(
    function: type[sp.Function], n: int, argindex: int
) -> None:
    derived = function(*ARGUMENTS[n]).fdiff(argindex)
    claimed = sp.diff(written(function, *ARGUMENTS[n]), ARGUMENTS[n][argindex - 1])
    assert is_zero(derived - claimed)
    assert not is_zero(derived + claimed)


@pytest.mark.parametrize("function", [Share, LogShare])
def test_argindex_counts_the_arguments_as_they_are_kept(function: type[sp.Function]) -> None:
    kept = function(D, C, A, B)
    assert kept.args == (D, A, B, C)
    for argindex, argument in enumerate(kept.args, start=1):
        assert is_zero(kept.fdiff(argindex) - sp.diff(written(function, D, A, B, C), argument))


@pytest.mark.parametrize("arguments", COMPOSED.values(), ids=COMPOSED)
@pytest.mark.parametrize("function", [Share, LogShare])
@pytest.mark.parametrize("symbol", [X, Y])
def test_derivative_of_composed_arguments(function: type[sp.Function], arguments: tuple, symbol: sp.Symbol) -> None:
    derived = sp.diff(function(*arguments), symbol).rewrite(sp.exp)
    difference = derived - sp.diff(written(function, *arguments), symbol)
    for x, y in ((0.7, -0.4), (-1.3, 2.1), (0.2, 0.9)):  # identities in x and y: three points of 30 digits
        assert abs(difference.subs({X: sp.Rational(str(x)), Y: sp.Rational(str(y))}).evalf(30)) < 1e-25


@pytest.mark.parametrize("function", [Share, LogShare])
def test_second_derivatives(function: type[sp.Function]) -> None:
    for first in ARGUMENTS[3]:
        for second in ARGUMENTS[3]:
            derived = sp.diff(function(*ARGUMENTS[3]), first, second)
            assert is_zero(derived - sp.diff(written(function, *ARGUMENTS[3]), first, second))


def test_derivative_of_the_logarithm_is_that_of_the_share_over_the_share() -> None:
    for symbol in ARGUMENTS[3]:
        share, log_share = Share(*ARGUMENTS[3]), LogShare(*ARGUMENTS[3])
        assert is_zero(sp.diff(log_share, symbol) - sp.diff(share, symbol) / share)


@pytest.mark.parametrize("function", [Share, LogShare])
def test_order_of_the_others_does_not_matter_and_the_first_does(function: type[sp.Function]) -> None:
    assert {function(A, *others) for others in permutations((B, C, D))} == {function(A, B, C, D)}
    assert len({function(own, *(s for s in ARGUMENTS[4] if s != own)) for own in ARGUMENTS[4]}) == 4
    swapped = function(A, B, C).subs({B: C, C: B}, simultaneous=True)
    assert swapped == function(A, B, C)
    assert function(A, B, C).subs({A: C, C: A}, simultaneous=True) == function(C, A, B)


class TestSumToOne:
    WHOLE = (Share(A, B, C), Share(B, A, C), Share(C, A, B))

    def test_a_whole_is_one(self) -> None:
        assert sp.expand(sum_to_one(sp.Add(*self.WHOLE))) == 1
        assert sp.expand(sum_to_one(Share(A, B) + Share(B, A))) == 1

    def test_a_part_stays(self) -> None:
        part = Share(A, B, C) - 2 * Share(B, A, C)
        assert sum_to_one(part) == part
        assert sum_to_one(Share(A, B) + Share(A, C)) == Share(A, B) + Share(A, C)
        assert sum_to_one(A + B) == A + B

    def test_only_the_last_of_a_whole_goes(self) -> None:
        assert sum_to_one(sp.Matrix([self.WHOLE]).dot([2, 3, 5])).atoms(Share) == set(self.WHOLE[:2])

    @pytest.mark.parametrize(
        "expression",
        [
            sp.Matrix([WHOLE]).dot([2, -3, 5]),
            Share(A, B) * Share(B, A) + Share(A, B, C) * Share(C, A, B) ** 2 - Share(B, A, C),
            sp.log(Share(A, B)) * Share(B, A) - LogShare(B, A) / Share(A, B),
            Share(A, B) + Share(B, A) * Share(2 * A, C) + Share(C, 2 * A),
            Share(A, B) - Share(B, C) + Share(C, A),
        ],
    )
    def test_the_value_stays(self, expression: sp.Expr) -> None:
        for numbers in ({"a": 0.3, "b": -1.1, "c": 2.4}, {"a": -2.0, "b": 0.5, "c": 0.5}):
            assert at(sum_to_one(expression), **numbers) == pytest.approx(at(expression, **numbers), rel=1e-14)

    @pytest.mark.parametrize("expression", [Share(A, A), Share(A, B, B) + Share(B, A, B)])
    def test_the_value_stays_where_arguments_are_equal(self, expression: sp.Expr) -> None:
        numbers = {"a": 0.3, "b": -1.1}
        assert at(sum_to_one(expression), **numbers) == pytest.approx(at(expression, **numbers), rel=1e-14)


class TestEvaluation:
    @pytest.mark.parametrize("arguments", [(0, 0), (3, 1), (-800, 0), (-10_000, 10_000, 3), (2, -1, -1, 7)])
    def test_as_many_digits_as_asked_for(self, arguments: tuple[int, ...]) -> None:
        with mpmath.workdps(60):
            share = mpmath.exp(arguments[0]) / mpmath.fsum(mpmath.exp(a) for a in arguments)
            assert abs(sp.N(Share(*arguments), 40) / sp.Float(share, 60) - 1) < 1e-38
            assert abs(sp.N(LogShare(*arguments), 40) / sp.Float(mpmath.log(share), 60) - 1) < 1e-38

    @pytest.mark.parametrize("own", [40, 100])
    def test_digits_of_a_share_of_almost_one(self, own: int) -> None:
        assert float(LogShare(own, 0).evalf()) == pytest.approx(-math.log1p(math.exp(-own)), rel=1e-12, abs=0)

    def test_numbers_that_are_not_integers(self) -> None:
        arguments = (sp.sqrt(2), sp.pi, sp.Rational(1, 3), sp.Float("0.25", 50))
        with mpmath.workdps(60):
            exponentials = [mpmath.exp(v) for v in (mpmath.sqrt(2), mpmath.pi, mpmath.mpf(1) / 3, mpmath.mpf("0.25"))]
            share = exponentials[0] / mpmath.fsum(exponentials)
            assert abs(sp.N(Share(*arguments), 40) / sp.Float(share, 60) - 1) < 1e-38
            assert abs(sp.N(LogShare(*arguments), 40) / sp.Float(mpmath.log(share), 60) - 1) < 1e-38

    @pytest.mark.parametrize("function", [Share, LogShare])
    def test_symbols_wait_for_their_values(self, function: type[sp.Function]) -> None:
        waiting = function(A, sp.Rational(1, 3), B).evalf(30)
        assert waiting.free_symbols == {A, B}
        assert abs(waiting.subs({A: 2, B: -1}).evalf(25) - function(2, sp.Rational(1, 3), -1).evalf(25)) < 1e-22

    def test_floats_in_symbols_out(self) -> None:
        half = Share(sp.Float(0), sp.Float(0)).evalf()
        assert half == 0.5
        assert Share(A, 0).subs(A, sp.log(3)).rewrite(sp.exp) == sp.Rational(3, 4)
        assert LogShare(A, 0).subs(A, sp.log(3)).rewrite(sp.exp) == sp.log(sp.Rational(3, 4))

    def test_signs_that_sympy_may_rely_on(self) -> None:
        assert Share(A, B).is_positive
        assert not LogShare(A, B).is_positive


@pytest.mark.parametrize("function", [Share, LogShare])
def test_derivatives_by_central_differences_of_the_numerical_functions(function: type[sp.Function]) -> None:
    step, point = 1e-5, np.array([0.4, -1.2, 0.9])
    values = dict(zip(ARGUMENTS[3], point, strict=True))
    for k in range(3):
        shift = step * np.eye(3)[k]
        high, low = (shares.NUMPY[function.__name__](*ends) for ends in (point + shift, point - shift))
        derived = function(*ARGUMENTS[3]).fdiff(k + 1).subs(values)
        assert (high - low) / (2 * step) == pytest.approx(float(derived.evalf()), abs=1e-10)  # rounding: 1e-11


def test_numerical_functions_broadcast() -> None:
    column, row = np.array([[0.0], [700.0]]), np.array([0.0, -1e4, 1e4])
    assert shares.NUMPY["Share"](column, row).shape == (2, 3)
    assert_allclose(shares.NUMPY["Share"](column, row), [[0.5, 1, 0], [1, 1, 0]], atol=1e-300)
    assert_allclose(shares.NUMPY["LogShare"](0.0, row), [-np.log(2), 0, -1e4], atol=1e-300)


def test_autograd_passes_through_shares_of_any_size() -> None:
    functions = shares.numerical(torch.logaddexp, torch.exp)
    own = torch.tensor([-1e4, -745.0, -1.0, 0.0, 2.0, 745.0, 1e4], dtype=torch.float64, requires_grad=True)
    functions["LogShare"](own, torch.zeros_like(own)).sum().backward()
    assert_allclose(own.grad, torch.sigmoid(-own.detach()), rtol=1e-13, atol=1e-300)  # 1 − q


class TestLatex:
    ALPHA, L_I, L_J = (
        sp.Symbol("alpha", positive=True),
        sp.Symbol("l_i", positive=True),
        sp.Symbol("l_j", positive=True),
    )

    def test_a_share_is_a_fraction_of_exponentials(self) -> None:
        assert sp.latex(Share(A, B)) == r"\frac{e^{a}}{e^{a} + e^{b}}"
        assert sp.latex(LogShare(B, A, C)) == r"\log\left(\frac{e^{b}}{e^{a} + e^{b} + e^{c}}\right)"
        assert sp.latex(1 - Share(A, B)) == r"1 - \frac{e^{a}}{e^{a} + e^{b}}"

    def test_a_multiple_of_a_logarithm_is_a_power(self) -> None:
        share = Share(self.ALPHA * sp.log(self.L_I), self.ALPHA * sp.log(self.L_J))
        assert share.rewrite(sp.exp) == self.L_I**self.ALPHA / (self.L_I**self.ALPHA + self.L_J**self.ALPHA)
        assert sp.latex(share) == r"\frac{l_{i}^{\alpha}}{l_{i}^{\alpha} + l_{j}^{\alpha}}"

    def test_a_product_or_sum_with_a_logarithm_is_no_power(self) -> None:
        l_i, l_j = sp.log(self.L_I), sp.log(self.L_J)
        for own in (l_i * l_j, l_i + A, l_i + l_j, A):
            assert sp.simplify(Share(own, 0).rewrite(sp.exp) - 1 / (1 + sp.exp(-own))) == 0

    @pytest.mark.parametrize("function", [Share, LogShare])
    def test_a_power_of_a_share(self, function: type[sp.Function]) -> None:
        assert "^{2}" in sp.latex(function(A, B) ** 2)

    def test_a_factor_beside_a_logarithm_is_outside_of_it(self) -> None:
        fraction = r"\frac{e^{a}}{e^{a} + e^{b}}"
        assert sp.latex(Share(A, B) * LogShare(A, B)) != rf"\log {fraction} {fraction}"
