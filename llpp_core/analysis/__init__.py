"""The mathematics: sympy, NumPy and SciPy only, never torch."""

from llpp_core.analysis import codegen, gamma_pairs, objectives

__all__ = ["codegen", "gamma_pairs", "objectives"]
