"""PCK by hand, torsos, and correlations against scipy."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.testing import assert_close

from llpp_core.data.figures import render_figures
from llpp_core.data.pose import PoseDataset
from llpp_core.metrics import correlation, pck, torso_length

NAN = float("nan")


def off_by(*distances: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Predictions of one sample that lie so far from their targets."""
    target = torch.arange(len(distances) * 2, dtype=torch.float32).view(1, -1, 2)
    predicted = target + torch.tensor(distances)[None, :, None] * torch.tensor([0.6, 0.8])
    return predicted, target


def all_of(target: torch.Tensor) -> torch.Tensor:
    return torch.ones(target.shape[:2], dtype=torch.bool)


def test_pck_by_hand() -> None:
    target = torch.zeros(2, 3, 2)
    predicted = torch.tensor([[[1.0, 0.0], [3.0, 0.0], [0.0, 5.0]], [[0.0, 4.0], [0.0, 0.0], [9.0, 9.0]]])
    annotated = torch.tensor([[True, True, True], [True, True, False]])
    result = pck(predicted, target, annotated, torch.tensor([10.0, 30.0]), 0.2)  # within 2 and within 6
    assert result.per_sample.tolist() == pytest.approx([1 / 3, 1.0])
    assert result.per_joint.tolist() == pytest.approx([1.0, 0.5, 0.0])
    assert result.mean == pytest.approx(3 / 5)
    assert result.joints_counted == 5
    assert result.samples_left_out == 0


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.2, 0.5])
@pytest.mark.parametrize("normalizer", [20.0, 35.0, 60.0, 100.0])
def test_a_joint_exactly_at_the_threshold_is_correct_and_one_beyond_is_not(threshold: float, normalizer: float) -> None:
    limit = threshold * normalizer
    target = torch.zeros(1, 2, 2)
    predicted = torch.tensor([[[limit, 0.0], [limit * 1.0001, 0.0]]])
    result = pck(predicted, target, all_of(target), torch.tensor([normalizer]), threshold)
    assert result.per_joint.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(("threshold", "normalizer", "distance"), [(0.13, 56.25, 7.3125), (0.29, 6.25, 1.8125)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_joint_at_a_threshold_that_no_float_holds_is_correct(
    threshold: float, normalizer: float, distance: float, dtype: torch.dtype
) -> None:
    # 0.13 × 56.25 in single precision and 0.29 × 6.25 in double fall short of the exact product.
    target = torch.zeros(1, 2, 2, dtype=dtype)
    predicted = torch.tensor([[[0.0, distance], [0.0, distance * 1.0001]]], dtype=dtype)
    result = pck(predicted, target, all_of(target), torch.tensor([normalizer], dtype=dtype), threshold)
    assert result.per_joint.tolist() == [1.0, 0.0]


def test_an_absent_joint_counts_for_nothing_whatever_stands_there() -> None:
    predicted, target = off_by(0.0, 9.0, 9.0)
    target[0, 2] = NAN
    predicted[0, 1] = NAN
    annotated = torch.tensor([[True, False, False]])
    result = pck(predicted, target, annotated, torch.tensor([10.0]))
    assert result.mean == 1.0
    assert result.joints_counted == 1
    assert_close(result.per_joint, torch.tensor([1.0, NAN, NAN]), equal_nan=True)


def test_a_sample_that_cannot_be_measured_is_left_out_and_counted() -> None:
    predicted, target = (t.expand(3, -1, -1) for t in off_by(0.0, 9.0))
    annotated = torch.tensor([[True, True], [True, True], [False, False]])
    result = pck(predicted, target, annotated, torch.tensor([10.0, NAN, 10.0]))
    assert result.mean == 0.5
    assert result.joints_counted == 2
    assert result.samples_left_out == 2
    assert_close(result.per_sample, torch.tensor([0.5, NAN, NAN]), equal_nan=True)


def test_where_nothing_counts_the_fraction_is_nan() -> None:
    predicted, target = off_by(0.0)
    assert np.isnan(pck(predicted, target, ~all_of(target), torch.tensor([1.0])).mean)


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf")])
def test_a_normalizer_that_is_no_length_is_named_by_sample(value: float) -> None:
    predicted, target = (t.expand(3, -1, -1) for t in off_by(0.0, 1.0))
    with pytest.raises(ValueError, match=rf"normalizer must be above 0 and finite, or NaN; got {value} at sample 2"):
        pck(predicted, target, all_of(target), torch.tensor([1.0, NAN, value]))


@pytest.mark.parametrize("value", [NAN, float("inf")])
@pytest.mark.parametrize("name", ["predicted", "target"])
def test_a_counted_joint_that_is_not_finite_is_named_by_sample(name: str, value: float) -> None:
    places = {key: t.expand(3, -1, -1).clone() for key, t in zip(("predicted", "target"), off_by(0, 1), strict=True)}
    places[name][1, 0, 1] = value
    with pytest.raises(ValueError, match=f"{name} joints must be finite; sample 1 has one that is not"):
        pck(**places, annotated=all_of(places["target"]), normalizer=torch.ones(3))


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize(
    ("argument", "shape"),
    [("predicted", (1, 2)), ("target", (1, 2, 2)), ("target", (3, 1, 2)), ("annotated", (1, 2)), ("normalizer", (1,))],
)
def test_shapes_that_would_be_stretched_to_each_other_are_refused(argument: str, shape: tuple[int, ...]) -> None:
    fields = {
        "predicted": torch.zeros(3, 2, 2), "target": torch.zeros(3, 2, 2),
        "annotated": torch.ones(3, 2, dtype=torch.bool), "normalizer": torch.ones(3),
    }  # fmt: skip
    pck(**fields)
    fields[argument] = fields[argument].new_ones(shape)
    with pytest.raises(ValueError, match=r"wanted predicted and target of \(n, joints, 2\), .*, got \("):
        pck(**fields)


@pytest.mark.parametrize("threshold", [0.0, -0.1, NAN])
def test_a_threshold_is_above_zero(threshold: float) -> None:
    predicted, target = off_by(0.0)
    with pytest.raises(ValueError, match="threshold must be above 0"):
        pck(predicted, target, all_of(target), torch.ones(1), threshold)


def with_joints(**places: tuple[float, float] | None) -> PoseDataset:
    """One figure with the given joints moved, or taken away where None."""
    data = render_figures(1, 0)
    data.annotated[:] = True
    for name, place in places.items():
        data.joints[0, data.index(name)] = torch.tensor(place if place is not None else (NAN, NAN))
        data.annotated[0, data.index(name)] = place is not None
    return data


@pytest.mark.parametrize(
    ("right_shoulder", "left_hip", "left_shoulder", "right_hip", "length"),
    [
        ((0, 0), (3, 4), (0, 0), (6, 8), 10.0),
        ((0, 0), (30, 40), (0, 0), (6, 8), 50.0),
        (None, (30, 40), (0, 0), (6, 8), 10.0),
        ((0, 0), (3, 4), (0, 0), None, 5.0),
        ((0, 0), None, (0, 0), None, NAN),
        ((1, 1), (1, 1), (2, 2), (2, 2), NAN),
        ((1, 1), (1, 1), (2, 2), (2, 5), 3.0),
    ],
)
def test_torso_is_the_longer_diagonal_that_can_be_measured(
    right_shoulder, left_hip, left_shoulder, right_hip, length: float
) -> None:
    data = with_joints(
        right_shoulder=right_shoulder, left_hip=left_hip, left_shoulder=left_shoulder, right_hip=right_hip
    )
    assert_close(torso_length(data), torch.tensor([length]), equal_nan=True)


def test_correlation_is_scipys() -> None:
    rng = np.random.default_rng(0)
    true = rng.gamma(2.0, 1.0, 200)
    predicted = np.log(true) + rng.normal(0, 0.5, 200)
    result = correlation(torch.from_numpy(predicted), torch.from_numpy(true))
    assert result.pearson == pytest.approx(stats.pearsonr(predicted, true).statistic)
    assert result.pearson_log == pytest.approx(stats.pearsonr(predicted, np.log(true)).statistic)
    assert result.spearman == pytest.approx(stats.spearmanr(predicted, true).statistic)
    assert result.n == 200


def test_correlation_by_hand() -> None:
    true = torch.tensor([1.0, 10.0, 100.0, 1000.0])
    up = correlation(true.log(), true)
    assert up.pearson_log == pytest.approx(1.0)
    assert up.spearman == pytest.approx(1.0)
    assert up.pearson < 0.9
    assert correlation(-true, true).pearson == pytest.approx(-1.0)


def test_correlation_takes_a_prediction_with_gradient() -> None:
    assert correlation(torch.tensor([1.0, 2.0, 4.0], requires_grad=True), torch.tensor([1.0, 2.0, 4.0])).n == 3


@pytest.mark.parametrize(("predicted", "true"), [([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]), ([1.0, 2.0, 3.0], [5.0] * 3)])
def test_a_constant_has_no_correlation(predicted: list[float], true: list[float]) -> None:
    result = correlation(torch.tensor(predicted), torch.tensor(true))
    assert all(np.isnan([result.pearson, result.pearson_log, result.spearman]))
    assert result.n == 3


def test_a_constant_but_for_rounding_gives_no_warning() -> None:
    almost = torch.tensor([1.0, 1.0 + 2**-52, 1.0, 1.0], dtype=torch.float64)
    other = torch.tensor([1.0, 2.0, 3.0, 5.0], dtype=torch.float64)
    for result in (correlation(almost, other), correlation(other, almost)):
        assert np.isnan(result.pearson) or abs(result.pearson) <= 1


@pytest.mark.parametrize(
    ("predicted", "true", "said"),
    [
        ([0.0, NAN, 1.0], [1.0, 1.0, 2.0], "predicted_loss must be finite; it is not at position 1"),
        ([0.0, 2.0, 1.0], [1.0, 0.0, -2.0], "true_loss must be finite and above 0; it is not at position 1, 2"),
        ([0.0, 2.0, 1.0], [float("inf"), 1.0, 2.0], "true_loss must be finite and above 0; it is not at position 0"),
        ([0.0, 2.0], [1.0, 2.0], "at least 3 pairs of losses, got 2 and 2"),
    ],
)
def test_losses_that_cannot_be_correlated_are_named(predicted: list[float], true: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        correlation(torch.tensor(predicted), torch.tensor(true))


@pytest.mark.usefixtures("as_users_run_it")
def test_other_numbers_of_losses_are_refused() -> None:
    with pytest.raises(ValueError, match="got 3 and 4"):
        correlation(torch.ones(3), torch.ones(4))
