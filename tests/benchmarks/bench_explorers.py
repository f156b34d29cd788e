"""How long explorers take to follow a reader's hand: the work between two frames when a slider moves, in Chromium.

A screen shows 60 frames a second, so what a slider's step sets off has 16 ms. Counted are the handler of the step and
all that is then done before the frame is painted, style and layout included; painting, and the wait for the frame, are
not. Every slider of an explorer is moved 60 times over its whole range; the median over all these steps counts.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llpp_core import explorers

PROMISED = 16.0
"""Milliseconds of a frame."""
STEPS = 60
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
EXPLORERS = [
    member
    for member in (getattr(explorers, name) for name in explorers.__all__)
    if isinstance(member, type) and issubclass(member, explorers.Explorer) and member is not explorers.Explorer
]
EPOCHS, SAMPLES = 30, 100
"""Of the run that the runs player shows, as large as the one of the book's chapter."""
WORK_OF_STEPS = """async (steps) => {
  const times = [];
  for (const slider of document.querySelectorAll(".llpp-explorer input[type=range]")) {
    const [low, high] = [Number(slider.min), Number(slider.max)];
    for (let n = 0; n < steps; n++) {
      slider.value = low + ((high - low) * (n + 0.5)) / steps;
      // Callbacks of a frame run in the order in which they were asked for: this one, the explorer's, the last one.
      let begun;
      requestAnimationFrame(() => { begun = performance.now(); });
      const before = performance.now();
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      const handled = performance.now() - before;
      await new Promise((done) => requestAnimationFrame(() => {
        document.body.getBoundingClientRect(); // so that style and layout are done, and counted
        times.push(handled + performance.now() - begun);
        done();
      }));
    }
  }
  return times;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    executable = os.environ.get("LLPP_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.fail(f"no browser at {', '.join(BROWSERS)}: apt-get install chromium, or set LLPP_CHROMIUM to one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


def made(kind: type[explorers.Explorer]) -> explorers.Explorer:
    """Return an explorer as a reader meets it first: the runs player with a run, every other as it is."""
    if kind is not explorers.RunsPlayer:
        return kind()
    draw = np.random.default_rng(0)
    true = 1 + draw.gamma(2, 1, (EPOCHS, SAMPLES))
    known = np.linspace(0, 2, EPOCHS)[:, None]
    methods = {name: (known * true + draw.normal(size=true.shape)).tolist() for name in ("LL", "LL++", "LL++conv")}
    return explorers.RunsPlayer(
        record={
            "epochs": list(range(1, EPOCHS + 1)),
            "ids": [f"figure-{n}" for n in range(SAMPLES)],
            "methods": methods,
            "true_loss": true.tolist(),
            "pck": np.linspace(0.1, 0.9, EPOCHS).tolist(),
        }
    )


@pytest.mark.benchmark(group="an explorer follows a slider, 1,280 pixels wide")
@pytest.mark.parametrize("kind", EXPLORERS, ids=lambda kind: kind.__name__)
def test_redraw(benchmark, browser: Any, tmp_path: Path, kind: type[explorers.Explorer]) -> None:
    explorer = made(kind)
    path = tmp_path / "page.html"
    path.write_text(f'<!doctype html><meta charset="utf-8"><body>{explorer.html()}</body>', encoding="utf-8")
    explorer.close()
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_selector(".llpp-explorer[data-ready]")
    assert page.locator(".llpp-explorer input[type=range]").count() > 0, f"{kind.__name__} has no slider to move"
    page.evaluate(WORK_OF_STEPS, 5)  # compiled and warm, as under a hand that already moves
    times = sorted(benchmark.pedantic(page.evaluate, args=(WORK_OF_STEPS, STEPS), rounds=1))
    benchmark.extra_info["work of a step, ms (median)"] = middle = times[len(times) // 2]
    benchmark.extra_info["of the slowest in a hundred, ms"] = times[int(0.99 * len(times))]
    page.close()
    assert middle < PROMISED
