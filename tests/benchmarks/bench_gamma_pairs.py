"""Statistics of 10⁶ gaps of gamma losses on one core, beside the textbook forms by SciPy, which are given fewer gaps.

The gaps are log-uniform over δ/Θ ∈ [1e-6, 500], among them those of tests/analysis/gamma_references.csv, against which
`extra_info["largest relative error"]` is measured. The twins take fewer gaps (their names say how many, and
`extra_info["seconds for 10⁶ gaps"]` is the mean time scaled up): P = z [K_ν(z) L_{ν−1}(z) + K_{ν−1}(z) L_ν(z)],
the density from K_ν, and φ from the integral of t^{−ν} K_ν(t), with `kv`, `modstruve` and `quad`. Where their answer is
not finite, `extra_info["share of gaps without an answer"]` counts it, and the error is that of the rest.
"""

import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma, kv, modstruve

from llpp_core.analysis.gamma_pairs import expected_share, gap_density, probability_within

COUNT = 1_000_000
LIMIT = 5.0  # seconds, the promise for one core
REFERENCES = np.genfromtxt(
    Path(__file__).parents[1] / "analysis" / "gamma_references.csv", delimiter=",", names=True, encoding="utf-8"
)


def textbook_probability(z: np.ndarray, k: float) -> np.ndarray:
    nu = k - 0.5
    return z * (kv(nu, z) * modstruve(nu - 1, z) + kv(nu - 1, z) * modstruve(nu, z))


def textbook_density(z: np.ndarray, k: float) -> np.ndarray:
    nu = k - 0.5
    return z**nu * kv(nu, z) / (np.sqrt(np.pi) * gamma(k) * 2**nu)


def textbook_share(z: np.ndarray, k: float) -> np.ndarray:
    nu = k - 0.5
    tail = np.array([quad(lambda t: t**-nu * kv(nu, t), one, np.inf)[0] for one in z])
    return (1 - tail / (z**-nu * kv(nu, z))) / 2


STATISTICS = {
    "probability_within": (probability_within, textbook_probability, "within", 10_000),
    "expected_share": (expected_share, textbook_share, "share", 100),
    "gap_density": (gap_density, textbook_density, "density", 10_000),
}
PARAMETERS = [
    pytest.param(name, k, scale, marks=pytest.mark.benchmark(group=f"{name}, k = {k:g}, Θ = {scale:g}"))
    for name in STATISTICS
    for k, scale in ((4.0, 0.066), (0.1, 1.0), (100.0, 1.0))
]


def gaps(k: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaps at scale 1, unsorted, and the references of this shape, whose gaps are the first of them."""
    known = REFERENCES[REFERENCES["shape"] == k]
    drawn = np.exp(np.random.default_rng(0).uniform(np.log(1e-6), np.log(500.0), count - len(known)))
    return np.concatenate([known["gap"], drawn]), known


def largest_error(values: np.ndarray, wanted: np.ndarray) -> float:
    finite = np.isfinite(values)
    return float(np.abs(values[finite] / wanted[finite] - 1).max()) if finite.any() else float("nan")


@pytest.mark.parametrize(("name", "k", "scale"), PARAMETERS)
def test_a_million_gaps(benchmark, name: str, k: float, scale: float) -> None:
    statistic, _, column, _ = STATISTICS[name]
    z, known = gaps(k, COUNT)
    values = benchmark(statistic, z * scale, k, scale)
    error = largest_error(values[: len(known)] * (scale if name == "gap_density" else 1), known[column])
    benchmark.extra_info["largest relative error"] = error
    assert error <= 1e-9
    assert np.isfinite(values).all()
    if benchmark.stats is not None:  # None with --benchmark-disable
        assert benchmark.stats.stats.min < LIMIT


@pytest.mark.parametrize(("name", "k", "scale"), PARAMETERS)
def test_twin_textbook_form_on_fewer_gaps(benchmark, name: str, k: float, scale: float) -> None:
    _, textbook, column, count = STATISTICS[name]
    z, known = gaps(k, count)

    def quietly() -> np.ndarray:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # overflow and divergence are what is being shown
            return textbook(z, k)

    values = benchmark(quietly)
    benchmark.extra_info["gaps"] = count
    benchmark.extra_info["largest relative error"] = largest_error(values[: len(known)], known[column])
    benchmark.extra_info["share of gaps without an answer"] = float(1 - np.isfinite(values).mean())
    if benchmark.stats is not None:
        benchmark.extra_info["seconds for 10⁶ gaps"] = benchmark.stats.stats.mean * COUNT / count
