"""Which samples to ask labels for: one strategy a file, found by name.

A strategy says what it *needs* from the model, *scores* a pool, one number a sample, higher = ask for it first, and
*selects* a budget of indices from the scores. Core-Set has no score of a single sample: what it picks depends on what
it picked before.
"""

from llpp_core.acquisition.clustered_predicted_loss import ClusteredPredictedLoss
from llpp_core.acquisition.core_set import CoreSet, k_center_greedy
from llpp_core.acquisition.multipeak_entropy import MultipeakEntropy, heatmap_entropy, multipeak_entropy
from llpp_core.acquisition.oracle import Oracle
from llpp_core.acquisition.predicted_loss import PredictedLoss
from llpp_core.acquisition.random import Random
from llpp_core.acquisition.strategy import Pool, Strategy, ask, top

__all__ = [
    "ClusteredPredictedLoss",
    "CoreSet",
    "MultipeakEntropy",
    "Oracle",
    "Pool",
    "PredictedLoss",
    "Random",
    "Strategy",
    "ask",
    "get",
    "heatmap_entropy",
    "k_center_greedy",
    "multipeak_entropy",
    "names",
    "top",
]

_STRATEGIES: dict[str, type[Strategy]] = {
    "random": Random,
    "core_set": CoreSet,
    "predicted_loss": PredictedLoss,
    "clustered_predicted_loss": ClusteredPredictedLoss,
    "multipeak_entropy": MultipeakEntropy,
    "oracle": Oracle,
}


def names() -> list[str]:
    """Return the names that `get` knows; "oracle" is among them, for reference."""
    return list(_STRATEGIES)


def get(name: str) -> Strategy:
    """Return the strategy of that name.

    Raises:
        ValueError: no strategy has that name; the sentence lists those there are.
    """
    if name not in _STRATEGIES:
        raise ValueError(f"no strategy is called {name!r}; there are {', '.join(_STRATEGIES)}")
    return _STRATEGIES[name]()
