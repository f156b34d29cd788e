"""The mathematics: sympy and NumPy only, never torch."""

from llpp_core.analysis import codegen, objectives

__all__ = ["codegen", "objectives"]
