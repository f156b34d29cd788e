"""One expression, four outputs: LaTeX, NumPy, torch and JavaScript.

Everything that the book evaluates comes through here from a sympy expression, so a formula on a page, its
check in float64 and the drawing in the reader's browser cannot drift apart. torch is imported only inside
`torch_function`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.printing.jscode import JavascriptCodePrinter

from llpp_core.analysis import shares


def latex(expression: sp.Expr, names: Mapping[sp.Symbol, str]) -> str:
    r"""Return LaTeX of an expression, with the paper's notation for its symbols.

    Args:
        expression: any sympy expression.
        names: LaTeX of each symbol, ``{predicted_loss_i: r"\hat l_i"}``.
    """
    return str(sp.latex(expression, symbol_names=dict(names)))


def numpy_function(expression: sp.Expr, arguments: Sequence[sp.Symbol]) -> Callable[..., Any]:
    """Return a NumPy function of ``arguments``, in their order; floats and arrays in, the same out."""
    return _function(expression, arguments, [shares.NUMPY, "numpy"])


def torch_function(expression: sp.Expr, arguments: Sequence[sp.Symbol]) -> Callable[..., Any]:
    """Return a torch function of ``arguments``, in their order; floats and tensors in, a tensor out.

    Every argument is broadcast to the common shape first, so a constant case of a piecewise expression has it
    too, and autograd passes through.
    """
    import torch

    evaluate = _function(expression, arguments, [shares.numerical(torch.logaddexp, torch.exp), "torch"])

    def on_tensors(*values: Any) -> torch.Tensor:
        tensors = [v if isinstance(v, torch.Tensor) else torch.as_tensor(v, dtype=torch.float64) for v in values]
        return torch.as_tensor(evaluate(*torch.broadcast_tensors(*tensors)))

    return on_tensors


def javascript_function(expression: sp.Expr, arguments: Sequence[sp.Symbol], name: str) -> str:
    """Return the text of a JavaScript function ``name`` of ``arguments``, in their order; numbers in, a number out.

    Raises:
        ValueError: ``name`` or an argument is no identifier, the expression has a symbol that is no argument, or
            it holds a function that JavaScript's ``Math`` lacks (erf, gamma and Bessel functions among them).
    """
    _check_arguments(expression, arguments)
    for identifier in (name, *(a.name for a in arguments)):
        if not identifier.isidentifier() or identifier in _RESERVED:
            raise ValueError(f"JavaScript needs an identifier as a name, got {identifier!r}")
    printer = _JavaScript()
    steps, (result,) = sp.cse([expression], symbols=sp.numbered_symbols("step"))
    lines = [f"  const {variable} = {printer.doprint(value)};" for variable, value in steps]
    parameters = ", ".join(a.name for a in arguments)
    return "\n".join([f"function {name}({parameters}) {{", *lines, f"  return {printer.doprint(result)};", "}"])


def _function(expression: sp.Expr, arguments: Sequence[sp.Symbol], modules: list[Any]) -> Callable[..., Any]:
    _check_arguments(expression, arguments)
    function: Callable[..., Any] = sp.lambdify(list(arguments), expression, modules=modules, cse=True)
    return function


def _check_arguments(expression: sp.Expr, arguments: Sequence[sp.Symbol]) -> None:
    missing = sorted(s.name for s in expression.free_symbols - set(arguments))
    if missing:
        raise ValueError(f"the expression depends on {', '.join(missing)}, which is not among the arguments")


# ECMAScript's reserved words, those of strict code and modules among them.
_RESERVED = frozenset(
    """
    arguments await break case catch class const continue debugger default delete do else enum eval export extends
    false finally for function if implements import in instanceof interface let new null package private protected
    public return static super switch this throw true try typeof var void while with yield
    """.split()  # noqa: SIM905 (words, as the standard lists them)
)


class _JavaScript(JavascriptCodePrinter):
    """sympy's printer, with expressions instead of statements for cases and an error for unknown functions."""

    def _print_Piecewise(self, expr: sp.Expr) -> str:  # noqa: N802 (sympy's name)
        if expr.args[-1].cond != True:  # noqa: E712 (sympy's own true)
            raise ValueError(f"JavaScript needs a last case without condition, got {expr}")
        text = self._print(expr.args[-1].expr)
        for value, condition in reversed(expr.args[:-1]):
            text = f"(({self._print(condition)}) ? ({self._print(value)}) : ({text}))"
        return str(text)

    def _print_Share(self, expr: sp.Expr) -> str:  # noqa: N802 (sympy's name)
        own, *others = expr.args
        return f"(1/(1 + {' + '.join(f'Math.exp({self._print(other - own)})' for other in others)}))"

    def _print_LogShare(self, expr: sp.Expr) -> str:  # noqa: N802 (sympy's name)
        own, *others = expr.args
        gaps = [self._print(other - own) for other in others]
        if len(gaps) == 1:
            return f"(-(Math.max({gaps[0]}, 0) + Math.log1p(Math.exp(-Math.abs({gaps[0]})))))"
        largest = f"Math.max(0, {', '.join(gaps)})"
        scaled = " + ".join(f"Math.exp({gap} - {largest})" for gap in ("0", *gaps))
        small = " + ".join(f"Math.exp({gap})" for gap in gaps)
        # Where the first argument is far above the others, 1 + their sum would lose it.
        return f"(({largest} > 0) ? (-({largest} + Math.log({scaled}))) : (-Math.log1p({small})))"

    def _print_not_supported(self, expr: sp.Basic) -> str:
        raise ValueError(f"JavaScript has no function for {expr}")
