"""What is said of what predictors read and methods pick, against numbers worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from llpp_core import experiment
from llpp_core.data import render_figures
from llpp_core.experiment import planned_splits
from llpp_core.experiment.reading import facts, what_is_picked, what_is_read
from llpp_core.metrics import correlation, partial_correlation


def test_the_facts_of_a_picture() -> None:
    data = render_figures(3, 0, size=64)
    at = {name: i for i, name in enumerate(data.joint_names)}
    joints, annotated, transform = data.joints.clone(), data.annotated.clone(), data.crop_to_image.clone()
    joints[:, [at["right_hip"], at["left_hip"]]] = torch.tensor([30.0, 40.0])
    joints[:, at["neck"]] = torch.tensor([[30.0, 10.0], [60.0, 40.0], [30.0, 60.0]])  # up, to the side, head down
    annotated[2, at["neck"]] = False
    transform[1, 0, 0] = 2.0
    about = facts(replace(data, joints=joints, annotated=annotated, crop_to_image=transform))
    assert about["torso tilt"][:2].tolist() == pytest.approx([0.0, 90.0])
    assert math.isnan(about["torso tilt"][2])
    assert float(about["crop scale"][1]) == pytest.approx(math.log(2))
    assert about["annotated joints"].tolist() == annotated.sum(1).tolist()
    known = facts(replace(data, joints=joints, crop_to_image=transform))
    assert float(known["torso tilt"][2]) == pytest.approx(180.0)


def test_a_correlation_that_a_fact_explains_goes_when_it_is_given() -> None:
    generator = torch.Generator().manual_seed(0)
    fact, a, b = torch.randn(3, 4000, generator=generator, dtype=torch.float64)
    assert float(np.corrcoef(fact + a, 2 * fact + b)[0, 1]) > 0.6
    assert abs(partial_correlation(fact + a, 2 * fact + b, fact[:, None])) < 0.05


def test_the_partial_correlation_is_the_textbooks() -> None:
    """r_xy·z = (r_xy − r_xz r_yz) / √((1 − r_xz²)(1 − r_yz²))."""
    generator = torch.Generator().manual_seed(1)
    x, y, z = torch.randn(3, 50, generator=generator, dtype=torch.float64)
    y, z = y + x, z - x
    r = np.corrcoef(torch.stack([x, y, z]).numpy())
    wanted = (r[0, 1] - r[0, 2] * r[1, 2]) / math.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    assert partial_correlation(x, y, z[:, None]) == pytest.approx(wanted, abs=1e-12)
    assert math.isnan(partial_correlation(x, y, x[:, None]))


def test_what_cannot_be_partialled_out_is_refused() -> None:
    x = torch.arange(5.0)
    with pytest.raises(ValueError, match="at least 6 pairs"):
        partial_correlation(x, x, torch.zeros(5, 3))
    broken = torch.tensor([0.0, 1.0, math.nan, 3.0, 4.0])
    with pytest.raises(ValueError, match="not at position 2"):
        partial_correlation(x, x, broken[:, None])


def test_a_run_is_read(whole: experiment.Outcome) -> None:
    results = experiment.Results.read(whole.folder)
    pool = planned_splits(results.experiment.data, 0, progress=False).pool
    unit = next(iter(results.records))
    columns = results.samples(unit, "pool")
    rows = {(of, given): value for _, of, given, value, _ in what_is_read(results, pool)}
    plain = correlation(columns["predicted_loss LL++"], columns["true_loss"]).pearson
    assert rows["LL++", "nothing"] == pytest.approx(plain)
    given = facts(pool)["crop scale"][:, None]
    alone = partial_correlation(columns["multipeak_entropy"], columns["true_loss"], given)
    assert rows["multipeak_entropy", "crop scale"] == pytest.approx(alone)
    picked = {(method, fact): value for _, method, fact, value, _ in what_is_picked(results, pool)}
    chosen = [pool.ids.index(name) for name in results.selected(unit)["LL++"]]
    tilts = facts(pool)["torso tilt"][chosen]
    assert picked["LL++", "torso tilted"] == pytest.approx(float((tilts[~tilts.isnan()] > 60).float().mean()))
    assert ("LL++", "shared with the oracle") not in picked  # the tiny experiment has none


def test_another_pool_is_refused(whole: experiment.Outcome) -> None:
    results = experiment.Results.read(whole.folder)
    with pytest.raises(ValueError, match="scored other samples"):
        what_is_read(results, render_figures(40, 7, size=64))
