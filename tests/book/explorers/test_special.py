"""The special functions that run in the browser, against `llpp_core.analysis.gamma_pairs` over a grid."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from llpp_core import explorers
from llpp_core.analysis import gamma_pairs

SOURCE = (Path(explorers.__file__).parent / "browser" / "special.js").read_text(encoding="utf-8")
SHAPES = [0.1, 0.2, 0.3, 0.45, 0.5, 0.55, 0.8, 1.0, 1.7, 2.0, 4.0, 7.5, 16.0, 30.0, 100.0]
RATIOS = [float(z) for z in np.geomspace(1e-3, 50, 48)]  # z = δ/Θ


@pytest.fixture
def page(open_page, tmp_path):
    path = tmp_path / "special.html"
    path.write_text(f'<!doctype html><meta charset="utf-8"><script>{SOURCE}</script>', encoding="utf-8")
    return open_page(path).page


def density(losses, shape, scale):
    return stats.gamma(shape, scale=scale).pdf(losses)


@pytest.mark.parametrize(
    ("name", "function", "bound"),
    [
        ("probabilitiesWithin", gamma_pairs.probability_within, 1e-11),
        ("expectedShares", gamma_pairs.expected_share, 1e-11),
        ("gapDensities", gamma_pairs.gap_density, 1e-11),
        ("gammaDensities", density, 1e-11),
    ],
)
def test_functions_agree_with_python_over_the_grid(page, name, function, bound):
    scale = 0.066
    gaps = [z * scale for z in RATIOS]
    found = page.evaluate(f"([shapes, gaps]) => shapes.map(k => {name}(gaps, k, {scale}))", [SHAPES, gaps])
    expected = np.array([function(np.array(gaps), k, scale) for k in SHAPES])
    normal = expected > 1e-290  # below that a number has no digits left to compare
    assert normal.mean() > 0.9
    error = np.abs(np.array(found, dtype=float) / np.where(normal, expected, 1) - 1) * normal
    worst = np.unravel_index(error.argmax(), error.shape)
    print(f"{name}: worst relative error {error.max():.1e}, at k = {SHAPES[worst[0]]}, z = {RATIOS[worst[1]]:.3g}")
    assert error.max() < bound


@pytest.mark.parametrize("shape", SHAPES)
def test_values_at_a_gap_of_zero(page, shape):
    within, share, gap = page.evaluate(
        "k => [probabilitiesWithin([0], k, 2)[0], expectedShares([0], k, 2)[0], String(gapDensities([0], k, 2)[0])]",
        shape,
    )
    assert within == 0
    assert share == pytest.approx(gamma_pairs.expected_share(0, shape, 2), rel=1e-11)
    assert float(gap.replace("Infinity", "inf")) == pytest.approx(gamma_pairs.gap_density(0, shape, 2), rel=1e-11)


def test_fit_agrees_with_python(page):
    rng = np.random.default_rng(3)
    samples = [rng.gamma(k, unit, n) for k, unit, n in ((0.3, 5.0, 400), (4.0, 0.066, 1000), (25.0, 40.0, 50))]
    samples += [np.array([1.0, 2.0]), np.array([1.0, 1.0 + 1e-6, 1.0 - 1e-6]), rng.uniform(1, 2, 300)]
    worst = 0.0
    for losses in samples:
        found = page.evaluate("losses => fitGamma(losses)", losses.tolist())
        expected = gamma_pairs.fit(losses, samples=1)
        worst = max(worst, abs(found["shape"] / expected.shape - 1), abs(found["scale"] / expected.scale - 1))
    print(f"fitGamma: worst relative error {worst:.1e}")
    assert worst < 1e-9


def test_a_whole_curve_is_fast(page):
    times = page.evaluate("""() => {
        const gaps = Array.from({ length: 200 }, (_, n) => ((n + 1) / 200) ** 2);
        const time = (k) => {
            const start = performance.now();
            for (const f of [probabilitiesWithin, expectedShares, gapDensities, gammaDensities]) f(gaps, k, 0.066);
            return performance.now() - start;
        };
        return [0.1, 0.3, 1, 4, 30].map((k) => Array.from({ length: 15 }, () => time(k)).sort((a, b) => a - b)[4]);
    }""")
    print("200 points of all four, in milliseconds:", [round(t, 1) for t in times])
    assert max(times) < 16  # a frame
