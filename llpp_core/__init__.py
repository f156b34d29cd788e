"""LearningLoss++: regression models that predict their own loss, and what follows for active learning.

The rooms, from the formulas up::

    import llpp_core as llpp

    llpp.analysis     the objectives in sympy, their gradients, code from expressions; never imports torch
    llpp.losses       the same objectives for torch tensors
    llpp.data         LSP, LSPET, MPII and rendered figures as tensors; augmentation, heatmaps
    llpp.models       task models that return features, and the loss predictors that read them
    llpp.metrics      PCK and PCKh, correlation of predicted with true losses, failures found
    llpp.heads        loss predictors with the objectives that train them
    llpp.training     one loop for a task model and any number of predictors beside it; scoring
    llpp.acquisition  which samples to ask labels for
    llpp.experiment   data, stages and methods of an experiment; runs that are resumed; what came of them
    llpp.attach       a loss predictor beside any torch regressor, at layers that are named
    llpp.witnesses    a derived gradient beside automatic differentiation and differences
    llpp.report       what a page says of a run in words
    llpp.performance  the record of the benchmarks, and the page that shows it
    llpp.figures      plotly figures with caption, alternative text and data
    llpp.galleries    crops with their skeletons
    llpp.downloads    the data of a figure as a table and a CSV file in the page
    llpp.explorers    widgets, live in JupyterLab and on a static page
    llpp.lab          a training that is chosen, paused and stopped in a notebook
    llpp.parameters   checks of a notebook's parameters
    llpp.store        files that are whole or not there, records that are checked, claims on work
    llpp.cli          the command line

A room is imported when it is first named, so ``import llpp_core`` is light. Symbols and equation numbers are those of
M. Shukla and S. Ahmed, *A Mathematical Analysis of Learning Loss for Active Learning in Regression*, CVPR Workshops
2021, doi 10.1109/CVPRW53098.2021.00370.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llpp_core import (
        acquisition,
        analysis,
        attach,
        cli,
        data,
        downloads,
        experiment,
        explorers,
        figures,
        galleries,
        heads,
        lab,
        losses,
        metrics,
        models,
        parameters,
        performance,
        report,
        store,
        training,
        witnesses,
    )

__version__ = "0.1.0"

__all__ = [
    "acquisition",
    "analysis",
    "attach",
    "cli",
    "data",
    "downloads",
    "experiment",
    "explorers",
    "figures",
    "galleries",
    "heads",
    "lab",
    "losses",
    "metrics",
    "models",
    "parameters",
    "performance",
    "report",
    "store",
    "training",
    "witnesses",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"llpp_core.{name}")
    raise AttributeError(f"llpp_core has no {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
