r"""Shares of exponentials as sympy functions, so that code generated from them cannot overflow.

:math:`\mathrm{Share}(a, b, …) = e^a / (e^a + e^b + …)` is LearningLoss++'s :math:`q` (Shukla & Ahmed, CVPRW 2021,
Eq. 3), and `LogShare` its logarithm. Written out, they overflow from a = 710 on, in NumPy as in JavaScript; kept as
functions, they are evaluated from differences and differentiate into each other. ``rewrite(sympy.exp)`` writes them
out; a test holds both derivatives to those of the written form.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from mpmath.libmp import prec_to_dps


class _OfOneAmongMany(sp.Function):
    """A function of one argument and of others, whose order does not matter: they are kept sorted."""

    @classmethod
    def eval(cls, own: sp.Expr, *others: sp.Expr) -> sp.Expr | None:
        """Return the same function with its other arguments in order, or None where they are."""
        ordered = sorted(others, key=sp.default_sort_key)
        return None if list(others) == ordered else cls(own, *ordered)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.exp)._eval_evalf(prec)

    def _torchcode(self, printer: Any) -> str:
        return f"{type(self).__name__}({', '.join(printer.doprint(a) for a in self.args)})"


class Share(_OfOneAmongMany):
    """Share of the first argument's exponential among those of all; arguments are real."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the derivative in one argument."""
        if argindex == 1:
            return self * (1 - self)
        return -self * Share(*_first(self.args, argindex))

    def _eval_rewrite_as_exp(self, *arguments: sp.Expr, **_: Any) -> sp.Expr:
        return _exponential(arguments[0]) / sum(_exponential(a) for a in arguments)

    def _eval_is_positive(self) -> bool:
        return True

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        written = printer.doprint(self.rewrite(sp.exp))
        return str(written) if exp is None else rf"\left({written}\right)^{{{exp}}}"


class LogShare(_OfOneAmongMany):
    """Logarithm of `Share`."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the derivative in one argument."""
        own = Share(*_first(self.args, argindex))
        return 1 - own if argindex == 1 else -own

    def _eval_rewrite_as_exp(self, *arguments: sp.Expr, **_: Any) -> sp.Expr:
        return sp.log(Share(*arguments).rewrite(sp.exp))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        own, *others = self.args
        gaps = [sp.N(other - own, prec_to_dps(prec) + 5) for other in others]
        if not all(gap.is_Float or gap.is_Integer for gap in gaps):
            return self
        with mpmath.workprec(prec + 10):  # log1p keeps the digits of a share of almost 1
            largest = max(0, *gaps)
            total = mpmath.fsum(mpmath.exp(mpmath.mpf(gap) - largest) for gap in gaps)
            if largest == 0:
                return sp.Float(-mpmath.log1p(total), precision=prec)
            return sp.Float(-(largest + mpmath.log(total + mpmath.exp(-largest))), precision=prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        written = rf"\log\left({printer.doprint(Share(*self.args))}\right)"
        return written if exp is None else rf"\left({written}\right)^{{{exp}}}"


def sum_to_one(expression: sp.Expr) -> sp.Expr:
    """Return the expression with the last of the shares in one whole, where all of them appear, as 1 − the others."""
    wholes: dict[tuple[sp.Expr, ...], list[Share]] = {}
    for share in sorted(expression.atoms(Share), key=sp.default_sort_key):
        wholes.setdefault(tuple(sorted(share.args, key=sp.default_sort_key)), []).append(share)
    whole = [shares for arguments, shares in wholes.items() if len(shares) == len(arguments)]
    return expression.subs({shares[-1]: 1 - sum(shares[:-1]) for shares in whole})


def numerical(logaddexp: Callable[[Any, Any], Any], exp: Callable[[Any], Any]) -> dict[str, Callable[..., Any]]:
    """Return both functions for arrays of the library that ``logaddexp`` and ``exp`` are from."""

    def log_share(own: Any, *others: Any) -> Any:
        return -reduce(logaddexp, (other - own for other in others), own - own)  # own − own: 0 in its type

    return {"LogShare": log_share, "Share": lambda *arguments: exp(log_share(*arguments))}


NUMPY = numerical(np.logaddexp, np.exp)


def _exponential(argument: sp.Expr) -> sp.Expr:
    """Return e to the argument, as a power where that is shorter: e^(α log l) = l^α."""
    factor, logarithm = argument.as_independent(sp.log, as_Add=False)
    return logarithm.args[0] ** factor if isinstance(logarithm, sp.log) else sp.exp(argument)


def _first(arguments: tuple[sp.Expr, ...], argindex: int) -> tuple[sp.Expr, ...]:
    at = argindex - 1
    return (arguments[at], *arguments[:at], *arguments[at + 1 :])
