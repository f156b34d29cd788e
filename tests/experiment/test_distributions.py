"""Figures 3 and 5 as a few numbers: of a tiny run, against its own samples, and drawn."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from llpp_core import experiment, figures
from llpp_core.experiment import Recorded, record
from llpp_core.experiment.distributions import QUANTILES, how_losses_lie, how_losses_rise


@pytest.fixture(scope="module")
def results(whole: experiment.Outcome) -> experiment.Results:
    return experiment.Results.read(whole.folder)


def test_quantiles_and_distance_are_those_of_the_samples(results: experiment.Results) -> None:
    rows = how_losses_lie(results)
    assert {row[1] for row in rows} == {"train", "test", "pool"}
    losses = results.samples(next(iter(results.records)), "pool")["true_loss"].double().numpy()
    here = {fact: (value, n) for seed, split, fact, value, n in rows if split == "pool"}
    assert here["quantile 0.5"] == (pytest.approx(float(np.median(losses))), 40)
    assert len(here) == len(QUANTILES) + 2
    shape, scale = (results.values(f"gamma {name}", split="pool")[0] for name in ("shape k", "scale Θ"))
    wanted = stats.kstest(losses, stats.gamma(shape, scale=scale).cdf).statistic
    assert here["distance to gamma"][0] == pytest.approx(wanted, abs=1e-6)
    assert 0 < here["p of gamma"][0] <= 1


def test_the_tenths_are_those_of_the_pool_in_order(results: experiment.Results) -> None:
    rows = how_losses_rise(results)
    columns = results.samples(next(iter(results.records)), "pool")
    for name, by in (("LL++", columns["predicted_loss LL++"]), ("oracle", columns["true_loss"])):
        for fact, values in (("true loss, mean", columns["true_loss"]), ("PCK, mean", columns["pck"])):
            got = [value for _, of, _, what, value, _ in rows if (of, what) == (name, fact)]
            wanted = values[by.argsort(stable=True)].view(10, 4).double().nanmean(1)
            torch.testing.assert_close(torch.tensor(got, dtype=torch.float64), wanted, rtol=1e-6, atol=1e-6)
    losses = [value for _, of, _, what, value, _ in rows if (of, what) == ("oracle", "true loss, mean")]
    assert losses == sorted(losses)
    assert {row[1] for row in rows} == {"LL++", "multipeak_entropy", "oracle"}


def test_a_sample_without_a_loss_counts_nowhere(results: experiment.Results, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of nine loses its joints, and with them its loss: the other eight fill eight tenths."""
    columns = {"true_loss": torch.arange(9.0), "pck": torch.linspace(0, 1, 9), "predicted_loss A": -torch.arange(9.0)}
    columns["pck"][4] = torch.nan
    monkeypatch.setattr(experiment.Results, "samples", lambda self, unit, split: columns)
    rows = [row for row in how_losses_rise(results) if row[1] == "A"]
    assert [row[4] for row in rows if row[3] == "true loss, mean"] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert len([row for row in rows if row[3] == "PCK, mean"]) == 7


def test_a_record_has_them_and_they_are_drawn(results: experiment.Results, tmp_path: Path) -> None:
    record(results.folder, tmp_path / "tiny", commit="abc")
    recorded = Recorded.read(tmp_path / "tiny")
    figure = figures.loss_quantiles(recorded, name="lie")
    assert len(figure.data["fitted"]) == 3 * len(QUANTILES)
    at = [i for i, (s, f) in enumerate(zip(figure.data["split"], figure.data["fraction"], strict=True))
          if (s, f) == ("pool", 0.5)]  # fmt: skip
    losses = results.samples(next(iter(results.records)), "pool")["true_loss"].double().numpy()
    assert figure.data["observed"][at[0]] == pytest.approx(float(np.median(losses) / losses.mean()), abs=1e-3)
    shape = results.values("gamma shape k", split="pool")[0]
    assert figure.data["fitted"][at[0]] == pytest.approx(float(stats.gamma(shape).median() / shape), abs=1e-3)
    assert "samples of 40" in figure.alt
    (tmp_path / "tiny" / "losses.csv").write_text("seed,split,fact,value,n\n")
    with pytest.raises(ValueError, match="has no losses of train"):
        figures.loss_quantiles(recorded, name="lie")
    rises = figures.losses_by_tenth(
        recorded.table("tenths.csv", whole=("seed", "tenth", "n")),
        predictors=["LL++"],
        fact="true loss, mean",
        name="r",
    )
    assert rises.data["of"] == ["LL++"] * 10 + ["oracle"] * 10
    assert rises.data["tenth"] == [*range(1, 11)] * 2
    assert "oracle from" in rises.alt
    with pytest.raises(ValueError, match="'true loss, mean' of LL by tenths, which was not recorded"):
        figures.losses_by_tenth([], predictors=["LL"], fact="true loss, mean", name="r")
