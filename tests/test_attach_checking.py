"""How an attached predictor is checked: what counts as a failure, what was found, and variants side by side."""

import math
import re

import pytest
import torch
from torch import nn

from llpp_core.attach import Check, Scored, attach, check, table
from llpp_core.metrics import correlation, failure_detection


class Told(nn.Module):
    """A predictor that is told: it reads l̂ off the first input."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def embedding(self, features):
        return features[0]

    def forward(self, features):
        return features[0][:, 0] * self.scale


def told(n: int = 20) -> tuple:
    """Predictions of 0, targets whose squares are 1 … n in a mixed order, and predicted losses −1, …, −n."""
    x = torch.stack([-torch.arange(1.0, n + 1), torch.zeros(n)], dim=1)
    model = nn.Sequential(nn.Identity(), nn.Linear(2, 1))
    nn.init.zeros_(model[1].weight)
    nn.init.zeros_(model[1].bias)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    return attach(model, ["0"], x[:2], predictor=lambda w, s: Told()), x, (order + 1.0).sqrt()[:, None]


def test_failures_are_the_samples_of_the_largest_true_losses() -> None:
    attached, x, y = told()
    seen = check(attached, x, y, worst=0.25)
    assert torch.allclose(seen.true_loss, y.flatten().square())
    failed = seen.true_loss > 15.5  # the largest five of 1 … 20
    by_hand = failure_detection(x[:, 0], failed)
    assert seen.failures.found.tolist() == by_hand.found.tolist()
    assert seen.found == pytest.approx(float(failed[:5].sum()) / 5)  # x asks for the first ones first
    assert seen.correlation == correlation(x[:, 0], seen.true_loss)
    assert seen.looked_at == 0.25


def test_ties_among_the_true_losses_do_not_make_more_failures_than_asked_for() -> None:
    attached, x, _ = told()
    y = torch.tensor([1.0] * 15 + [2.0] * 5)[:, None]
    assert check(attached, x, y, worst=0.1).failures.best == pytest.approx(1 - 0.1 / 2)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"targets": torch.ones(3, 1)}, "every sample needs a target, got 20 samples and 3 targets"),
        ({"loss": lambda p, t: (p - t).square().mean()}, "loss must give one number a sample, (20,), got ()"),
        ({"loss": lambda p, t: (p - t).flatten() * math.nan}, "true_loss must be finite and above 0"),
        ({"worst": 0.0}, "got 0 failures of 20"),
        ({"worst": 1.0}, "got 20 failures of 20"),
    ],
)
def test_what_a_check_refuses(settings, sentence: str) -> None:
    attached, x, y = told()
    with pytest.raises(ValueError, match=re.escape(sentence)):
        check(attached, x, **{"targets": y, **settings})


def made(ranks: list[float]) -> list[Check]:
    """Checks whose rank correlations are given."""
    none = Scored(torch.zeros(10, 1), torch.zeros(10), torch.zeros(10, 1))
    failures = failure_detection(torch.arange(10.0), torch.arange(10) == 9)
    results = []
    for rank in ranks:
        agreement = correlation(torch.arange(10.0), torch.arange(1.0, 11.0))
        agreement = type(agreement)(agreement.pearson, agreement.pearson_log, rank, agreement.kendall, 10)
        results.append(Check(none, torch.full((10,), 2.0), agreement, failures, 0.1))
    return results


def test_variants_are_compared_repetition_by_repetition() -> None:
    # The repetitions differ far more than the variants: only paired differences tell them apart.
    base = made([0.1, 0.5, 0.9])
    better, alike = made([0.15, 0.56, 0.94]), made([0.5, 0.1, 0.9])
    text = table({"base": base, "better": better, "alike": alike}, reference="base")
    lines = {line.split("|")[1].strip(): [c.strip() for c in line.split("|")[2:-1]] for line in text.splitlines()[2:5]}
    assert lines["base"] == ["2.000 [2.000, 2.000]", "0.50 [-0.49, 1.49]", "", "1.00 [1.00, 1.00]"]
    assert lines["better"][2] == "+0.05 [+0.03, +0.07]"
    assert lines["alike"][2] == "+0.00 [-0.99, +0.99]"
    assert text.endswith(
        "better (above) can be told from base by rank correlation, at 95 % a comparison over 3 repetitions, "
        "without correction."
    )
    below = table({"base": base, "better": better}, reference="better")
    assert "base (below) can be told from better" in below
    none = table({"base": base, "better": better}, reference="base", confidence=0.999)
    assert "None can be told apart by rank correlation, at 99.9 %" in none


def test_variants_need_a_reference_and_as_many_repetitions() -> None:
    with pytest.raises(ValueError, match=r"wanted 'b' and others with as many repetitions each, got \{'a': 2\}"):
        table({"a": made([0.0, 1.0])}, reference="b")
    with pytest.raises(ValueError, match=r"got \{'a': 2, 'b': 1\}"):
        table({"a": made([0.0, 1.0]), "b": made([0.0])}, reference="a")
