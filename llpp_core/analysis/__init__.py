"""The mathematics: sympy, NumPy and SciPy only, never torch."""

from llpp_core.analysis import codegen, components, gamma_pairs, noise, objectives, pairing

__all__ = ["codegen", "components", "gamma_pairs", "noise", "objectives", "pairing"]
