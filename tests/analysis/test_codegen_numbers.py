"""Generated NumPy, torch and JavaScript against mpmath at ordinary and extreme points; Chromium runs the latter."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
import torch

from llpp_core.analysis import codegen, objectives
from llpp_core.analysis.objectives import Objective
from llpp_core.analysis.shares import LogShare, Share

mp = mpmath.mp.clone()
mp.dps = 60
ROUNDING = 2.0**-52
TINY = 1e-300  # below it floats have fewer digits

Point = tuple[float, ...]
Exact = Callable[..., tuple[Any, Any]]  # a point to the value, and to the size that its rounding errors are relative to


@dataclass(frozen=True)
class Case:
    """One expression, and what it is by mpmath.

    Attributes:
        expression: to generate from.
        arguments: in order.
        exact: from a point to the value and the size of the largest term.
        points: to evaluate at.
    """

    expression: sp.Expr
    arguments: tuple[sp.Symbol, ...]
    exact: Exact
    points: tuple[Point, ...]

    @cached_property
    def expected(self) -> list[tuple[Any, Any]]:
        return [self.exact(*map(mp.mpf, point)) for point in self.points]


def log_share(own: Any, *others: Any) -> Any:
    return -mp.log1p(mp.fsum(mp.exp(other - own) for other in others))


def share_size(own: Any, *others: Any) -> Any:
    """A share is as exact as the differences in its exponents are."""
    share = mp.exp(log_share(own, *others))
    return share * (1 + max(abs(log_share(own, *others)), *(mp.exp(o - own) * abs(o - own) * share for o in others)))


def share_error(own: Any, *others: Any) -> Any:
    """How much rounding of the differences moves a log share by: each by its part."""
    return mp.fsum(mp.exp(log_share(o, own, *(b for b in others if b is not o))) * abs(o - own) for o in others)


def hinge(i: Any, j: Any, l_i: Any, l_j: Any, margin: Any) -> tuple[Any, Any]:
    return max(mp.mpf(0), margin - mp.sign(l_i - l_j) * (i - j)), abs(i) + abs(j) + margin


def hinge_push(towards: int, *point: Any) -> tuple[Any, Any]:
    _, _, l_i, l_j, _ = point
    return towards * mp.sign(l_i - l_j) * (1 if hinge(*point)[0] > 0 else 0), mp.mpf(0)


def split(point: tuple[Any, ...], tempered: bool) -> tuple[list[Any], list[Any]]:
    """log p and log q of every sample."""
    alpha, point = (point[-1], point[:-1]) if tempered else (mp.mpf(1), point)
    predicted, true = point[: len(point) // 2], [alpha * mp.log(v) for v in point[len(point) // 2 :]]
    return tuple([log_share(v[k], *v[:k], *v[k + 1 :]) for k in range(len(v))] for v in (list(true), list(predicted)))


def true_size(point: tuple[Any, ...], tempered: bool) -> Any:
    """What one rounding error of α log l is multiplied by; a plain share has no logarithm."""
    return 1 + point[-1] * max(abs(mp.log(v)) for v in point[2:4]) if tempered else mp.mpf(1)


def divergence(tempered: bool, *point: Any) -> tuple[Any, Any]:
    log_p, log_q = split(point, tempered)
    p = [mp.exp(v) for v in log_p]
    terms = [own * (a - b) for own, a, b in zip(p, log_p, log_q, strict=True)]
    steepest = max(abs(a - b) for a, b in zip(log_p, log_q, strict=True))
    moved = min(p) * steepest * true_size(point, tempered)  # from what rounding moves p itself by
    parts = mp.fsum(own * (abs(a) + abs(b)) for own, a, b in zip(p, log_p, log_q, strict=True))
    return mp.fsum(terms), 1 + parts + moved


def divergence_push(sample: int, tempered: bool, *point: Any) -> tuple[Any, Any]:
    log_p, log_q = split(point, tempered)
    p, q = mp.exp(log_p[sample]), mp.exp(log_q[sample])
    if tempered:
        return q - p, 1 + min(p, 1 - p) * true_size(point, tempered)
    return q - p, q * (1 + abs(log_q[sample])) + p


def spread(size: int) -> list[Point]:
    """Arguments from alike to far beyond what exp() holds."""
    if size == 2:
        values = (-1e4, -745.0, -40.0, -0.3, 0.0, 1e-9, 40.0, 745.0, 1e4)
        return [*product(values, values)]
    rng = np.random.default_rng(size)
    mixed = [tuple(rng.choice([-1e4, -745.0, -40.0, -1.0, 0.0, 0.3, 2.0, 40.0, 745.0, 1e4], size)) for _ in range(60)]
    return [(v,) * size for v in (-1e4, 0.0, 1e4)] + [tuple(map(float, point)) for point in mixed]


EXTREME_PREDICTED = ((0.0, 0.0), (1e4, -1e4), (-1e4, 1e4), (1e4, 1e4), (-1e4, 0.25), (3.0, 745.0), (1e-12, -1e-12))
EXTREME_TRUE = ((1e-12, 1e12), (1e12, 1e-12), (1e12, 1e12), (1e-12, 1e-12), (1.0, 1e-12), (2.0, 2.0000001))


def points_of(objective: Objective) -> tuple[Point, ...]:
    """40 random points and every combination of the extremes."""
    rng = np.random.default_rng(7)
    names = list(objective.symbols)
    found = [
        tuple(float(rng.normal(0, 3) if name.startswith("predicted") else rng.gamma(2.0)) for name in names)
        for _ in range(40)
    ]
    if len(objective.samples) == 2:
        last = {"margin": [(1e-6,), (1.0,), (1e6,), (0.0,)], "alpha": [(1e-3,), (1.0,), (50.0,)]}.get(names[-1], [()])
        found += [sum(parts, ()) for parts in product(EXTREME_PREDICTED, EXTREME_TRUE, last)]
    else:
        n = len(objective.samples)
        found += [
            tuple(map(float, (*rng.choice([-1e4, -40.0, 0.0, 0.3, 1e4], n), *rng.choice([1e-12, 1e-3, 1.0, 1e12], n))))
            for _ in range(60)
        ]
    return tuple(found)


def cases() -> dict[str, Case]:
    found = {}
    a = sp.symbols("a_1:5", real=True)
    for n in (2, 3, 4):
        found[f"Share of {n}"] = Case(
            Share(*a[:n]), a[:n], lambda *v: (mp.exp(log_share(*v)), share_size(*v)), tuple(spread(n))
        )
        found[f"LogShare of {n}"] = Case(
            LogShare(*a[:n]), a[:n], lambda *v: (log_share(*v), abs(log_share(*v)) + share_error(*v)), tuple(spread(n))
        )
    x, y = a[:2]
    found["cases and functions"] = Case(
        sp.Piecewise(
            (sp.Abs(x) ** sp.Rational(1, 3), (x < -1) & (y > 0)), (sp.Max(x, 2 * y) * sp.pi, y < 1), (-x, True)
        ),
        a[:2],
        lambda x, y: (mp.cbrt(-x) if x < -1 and y > 0 else max(x, 2 * y) * mp.pi if y < 1 else -x, abs(x) + abs(y)),
        tuple(spread(2)),
    )
    pair = (objectives.learning_loss(), objectives.learning_loss_pp(), objectives.learning_loss_pp_tempered())
    for objective in (*pair, objectives.learning_loss_pp_batch(2), objectives.learning_loss_pp_batch(4)):
        tempered, points = "alpha" in objective.symbols, points_of(objective)
        for at, wrt in enumerate([None, *(f"predicted_loss_{s}" for s in objective.samples)]):
            if objective is pair[0]:
                exact: Exact = hinge if wrt is None else lambda *v, towards=(0, -1, 1)[at]: hinge_push(towards, *v)
            elif wrt is None:
                exact = lambda *v, t=tempered: divergence(t, *v)  # noqa: E731
            else:
                exact = lambda *v, k=at - 1, t=tempered: divergence_push(k, t, *v)  # noqa: E731
            expression = objective.loss if wrt is None else objective.gradient(wrt)
            found[f"{objective.name}, {wrt or 'loss'}"] = Case(
                expression, tuple(objective.symbols.values()), exact, points
            )
    return found


CASES = cases()


def check(case: Case, values: Any) -> None:
    """Hold each value to mpmath's, within a few roundings of the largest term."""
    assert len(values) == len(case.points)
    for point, value, (exact, size) in zip(case.points, values, case.expected, strict=True):
        error = abs(mp.mpf(float(value)) - exact)
        assert error <= 8 * ROUNDING * size + TINY, f"at {point}: {value}, and not {mp.nstr(exact, 17)}"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_numpy(case: Case) -> None:
    function = codegen.numpy_function(case.expression, case.arguments)
    check(case, function(*np.array(case.points).T))
    few = slice(None, None, 17)
    few_points = Case(case.expression, case.arguments, case.exact, case.points[few])
    check(few_points, [function(*point) for point in few_points.points])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_torch(case: Case) -> None:
    function = codegen.torch_function(case.expression, case.arguments)
    check(case, function(*torch.tensor(case.points, dtype=torch.float64).T))


@pytest.fixture(scope="module")
def by_javascript() -> dict[str, list[float]]:
    """Every case at all of its points, as Chromium evaluates it; skips where there is none, as the page tests do."""
    browsers = ("chromium", "chromium-browser", "google-chrome")
    executable = os.environ.get("LLPP_CHROMIUM") or next(filter(None, map(shutil.which, browsers)), None)
    if executable is None or not Path(executable).exists():
        looked = executable or ", ".join(browsers)
        message = f"no browser at {looked}: apt-get install chromium, or set LLPP_CHROMIUM to one"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    sync_api = pytest.importorskip("playwright.sync_api")
    programs = [
        [codegen.javascript_function(case.expression, case.arguments, "f"), list(case.points)]
        for case in CASES.values()
    ]

    def evaluate() -> list[list[float]]:
        with sync_api.sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
            run = "programs => programs.map(([f, points]) => points.map(p => new Function(`${f}; return f`)()(...p)))"
            values = chromium.new_page().evaluate(run, programs)
            chromium.close()
            return values

    # Playwright starts once a thread, and the page tests may have done so in this one.
    with ThreadPoolExecutor(1) as other_thread:
        return dict(zip(CASES, other_thread.submit(evaluate).result(), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_javascript(name: str, by_javascript: dict[str, list[float]]) -> None:
    check(CASES[name], by_javascript[name])
