"""The figures of an experiment's run, from what its folder holds."""

from collections.abc import Mapping

import numpy as np

from llpp_core import metrics
from llpp_core.analysis import gamma_pairs
from llpp_core.analysis.printed import TABLE_3A, TABLE_3B
from llpp_core.experiment import Results, Unit
from llpp_core.experiment.measures import FAILED, PREDICTED
from llpp_core.figures.base import Figure
from llpp_core.figures.experiments import calibration, log_loss_scatter, method_curves
from llpp_core.figures.failures import failure_curves
from llpp_core.figures.gamma import loss_fits
from llpp_core.metrics import mean_interval

GRID = np.linspace(0, 1, 201)
"""Fractions of the samples at which the curves of several seeds are brought together."""
PRINTED = {"random": "Random", "core_set": "Core-Set"}
"""The paper's names of methods, where they are not ours."""


def choice_curves(results: Results) -> Figure:
    """Return the accuracy of what each method chose, before training on it (Table 3a), over the labels there then are.

    Where the data and the budget are the paper's, its printed means stand beside.
    """
    plan = results.experiment
    points = {
        method: {
            plan.data.train + i * plan.budget: mean_interval(values)
            for i in range(1, results.choices + 1)
            if (values := _finite(results.chosen(results.accuracy_name, method, i)))
        }
        for method in plan.methods
    }
    return method_curves(
        {method: row for method, row in points.items() if row},
        measure=f"{results.accuracy_name} of what is chosen",
        axis="labels, with those that are chosen",
        says="How well the model does on what each method chooses, before it is trained on it: the lower, the more "
        "failures are found.",
        reference=_printed(results, "Table 3a"),
        name=f"choices_{plan.name}",
    )


def test_curves(results: Results) -> Figure:
    """Return the accuracy on the test split (Table 3b) over the labels trained on; the first is the base model's."""
    plan = results.experiment
    points = {
        method: {
            plan.data.train + i * plan.budget: mean_interval(values)
            for i in range(results.choices + 1)
            if (values := _finite(results.tested(results.accuracy_name, method, i)))
        }
        for method in plan.methods
    }
    later = {method: row for method, row in points.items() if len(row) > 1}  # who has more than the base model
    return method_curves(
        later or {method: row for method, row in points.items() if row},
        measure=f"{results.accuracy_name} on the test split",
        axis="labels trained on",
        says="What the labels that each method asked for are worth: accuracy on held-out data like the first labels.",
        reference=_printed(results, "Table 3b"),
        name=f"tests_{plan.name}",
    )


def failures_found(results: Results, split: str = "pool") -> Figure:
    """Return how soon the predictors of the base models find failures, with bands over the seeds.

    A failure is a sample of which fewer than half of the joints are found.

    Args:
        results: of the run.
        split: "test" or "pool".

    Raises:
        ValueError: no base model is complete, or all of its samples are failures, or none is.
    """
    found: dict[str, list[np.ndarray]] = {}
    fractions = []
    for seed in _based(results):
        samples = results.samples(Unit(seed), split)
        counted = ~samples["pck"].isnan()
        failed = samples["pck"][counted] < FAILED
        fractions.append(float(failed.float().mean()))
        for name in _predictors(samples):
            curve = metrics.failure_detection(samples[PREDICTED + name][counted], failed).found
            found.setdefault(name, []).append(np.interp(GRID, np.linspace(0, 1, len(curve)), curve))
    curves = {}
    for name, rows in found.items():
        points = [mean_interval(column) for column in np.stack(rows).T]
        curves[name] = tuple(np.array([getattr(p, end) for p in points]) for end in ("mean", "low", "high"))
    where = f"{split} of {len(fractions)} base models; a failure has fewer than half of its joints found"
    return failure_curves(
        curves,  # type: ignore[arg-type]  # three arrays each
        failures=float(np.mean(fractions)),
        where=where,
        name=f"failures_found_{split}",
    )


def losses_fitted(results: Results, seed: int) -> Figure:
    """Return the true losses of a base model on train, test and pool with the gamma density of each (Fig. 3)."""
    samples = {split: results.samples(Unit(seed), split)["true_loss"] for split in ("train", "test", "pool")}
    losses = {split: values[values > 0].double().numpy() for split, values in samples.items()}
    return loss_fits(
        losses, {split: gamma_pairs.fit(values) for split, values in losses.items()}, label="loss_fits_of_a_run"
    )


def predicted_scatter(results: Results, seed: int, split: str = "pool") -> Figure:
    """Return predicted loss against log l for a base model's predictors (Fig. 5, on the scale of LearningLoss++)."""
    samples = results.samples(Unit(seed), split)
    known = samples["true_loss"] > 0
    predicted = {
        name: (samples[PREDICTED + name][known] / _temperature(results, name)).numpy() for name in _predictors(samples)
    }
    where = f"{split}, seed {seed}{_divided(results)}"
    return log_loss_scatter(predicted, samples["true_loss"][known].numpy(), where=where)


def calibrations(results: Results, seed: int, split: str = "test") -> Figure:
    """Return the mean true loss over exp(l̂) for a base model's predictors, its constant set on the training samples."""
    # A sample without any annotated joint has a true loss of 0, which says nothing of it.
    columns = (results.samples(Unit(seed), part) for part in ("train", split))
    fitted, shown = ({name: values[c["true_loss"] > 0] for name, values in c.items()} for c in columns)
    bins = {}
    for name in _predictors(shown):
        constant = metrics.offset(fitted[PREDICTED + name], fitted["true_loss"])
        groups = metrics.calibration(shown[PREDICTED + name], shown["true_loss"], offset=constant)
        bins[name] = (groups.predicted, groups.true)
    where = f"{split}, seed {seed}; the constant in l̂ makes exp(l̂) right on average for the training samples"
    where += _divided(results)
    return calibration(bins, where=where, name=f"calibration_{split}")


def _temperature(results: Results, name: str) -> float:
    """Return α of a predictor: with it, LearningLoss++ predicts α log l up to a constant."""
    return float(results.experiment.predictors[name].alpha)


def _divided(results: Results) -> str:
    plans = results.experiment.predictors.items()
    named = [f"that of {name} by {plan.alpha:g}" for name, plan in plans if plan.alpha != 1]
    return f"; l̂ is divided by the inverse temperature α, {', '.join(named)}" if named else ""


def _based(results: Results) -> list[int]:
    seeds = [unit.seed for unit in results.records if unit.method is None]
    if not seeds:
        raise ValueError(f"no base model of {results.folder} is complete yet")
    return seeds


def _predictors(samples: Mapping[str, object]) -> list[str]:
    return [name.removeprefix(PREDICTED) for name in samples if name.startswith(PREDICTED)]


def _finite(values: dict[int, float]) -> list[float]:
    return [value for value in values.values() if value == value]


def _printed(results: Results, source: str) -> dict[str, dict[int, float]]:
    """Return the paper's means by our names, where this run's data and numbers of labels are the paper's."""
    plan = results.experiment
    data = {"lsp_lspet": 0, "mpii": 1}.get(plan.data.kind)
    whole = plan.data.train == 1_000 and plan.budget == 1_000 and plan.data.pool is None and plan.data.test is None
    if data is None or not whole:
        return {}
    table = (TABLE_3A if source == "Table 3a" else TABLE_3B)[data]
    labels = [plan.data.train + i * plan.budget for i in range(1, 6)]
    return {
        method: dict(zip(labels, table.mean[PRINTED.get(method, method)], strict=True))
        for method in plan.methods
        if PRINTED.get(method, method) in table.mean
    }
