"""The mathematics: sympy, NumPy, SciPy and mpmath only, never torch."""

from llpp_core.analysis import (
    codegen,
    components,
    gamma_pairs,
    multiple,
    noise,
    objectives,
    pairing,
    printed,
    supplement,
    table3,
    table3_claims,
)

__all__ = [
    "codegen",
    "components",
    "gamma_pairs",
    "multiple",
    "noise",
    "objectives",
    "pairing",
    "printed",
    "supplement",
    "table3",
    "table3_claims",
]
