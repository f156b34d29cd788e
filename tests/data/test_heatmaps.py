"""Heatmaps: what is drawn can be found again."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from llpp_core.data import heatmaps

SIZE = 64


def draw_one(x: float, y: float, *, annotated: bool = True, sigma: float = 1.0) -> torch.Tensor:
    joints = torch.tensor([[[x, y]]], dtype=torch.float32)
    return heatmaps.draw(joints, torch.tensor([[annotated]]), SIZE, sigma=sigma)


@settings(max_examples=100, deadline=None)
@given(st.floats(6, 57), st.floats(6, 57), st.sampled_from([0.7, 1.0, 1.75]))
def test_a_joint_in_the_interior_is_found_where_it_was_drawn(x: float, y: float, sigma: float) -> None:
    found = heatmaps.locate(draw_one(x, y, sigma=sigma))[0, 0]
    assert_close(found, torch.tensor([x, y]), atol=0.05, rtol=0)


@pytest.mark.parametrize("x", [-0.5, 0.0, 1.5, 61.5, 63.0, 63.49])
def test_a_joint_at_the_edge_is_found_within_half_a_heatmap_pixel(x: float) -> None:
    found = heatmaps.locate(draw_one(x, 30.0))[0, 0]
    assert abs(float(found[0]) - x) <= 2.01
    assert float(found[1]) == pytest.approx(30.0, abs=0.05)


def test_a_heatmap_pixel_is_the_middle_of_its_four_by_four_crop_pixels() -> None:
    # Heatmap pixel k covers crop pixels 4k to 4k + 3, whose middle is 4k + 1.5; the peak there is 1.
    heatmap = draw_one(4 * 5 + 1.5, 4 * 9 + 1.5)[0, 0]
    assert heatmap.shape == (16, 16)
    assert float(heatmap[9, 5]) == 1.0
    assert float(heatmap.max()) == 1.0
    assert float(heatmap[9, 6]) == pytest.approx(float(torch.tensor(-0.5).exp()))
    assert float(heatmap[10, 6]) == pytest.approx(float(torch.tensor(-1.0).exp()))
    assert_close(heatmap[8, 5], heatmap[10, 5])


def test_sigma_is_in_heatmap_pixels() -> None:
    heatmap = draw_one(4 * 5 + 1.5, 4 * 9 + 1.5, sigma=2.0)[0, 0]
    assert float(heatmap[9, 7]) == pytest.approx(float(torch.tensor(-0.5).exp()))


@pytest.mark.parametrize("x", [20.0, float("nan"), 1e30])
def test_a_joint_that_is_not_annotated_has_an_empty_heatmap(x: float) -> None:
    assert float(draw_one(x, 20.0, annotated=False).abs().sum()) == 0.0


def test_joints_and_samples_keep_their_places() -> None:
    joints = torch.tensor([[[10.0, 50.0], [40.0, 20.0]], [[30.0, 31.0], [9.0, 8.0]]])
    found = heatmaps.locate(heatmaps.draw(joints, torch.ones(2, 2, dtype=torch.bool), SIZE))
    assert_close(found, joints, atol=0.05, rtol=0)


def test_a_network_that_scales_and_dips_below_zero_moves_no_clear_peak() -> None:
    heatmap = 3 * draw_one(20.3, 33.1) - 0.001
    assert_close(heatmaps.locate(heatmap)[0, 0], torch.tensor([20.3, 33.1]), atol=0.1, rtol=0)


@pytest.mark.parametrize("value", [0.0, -1.0, 1.0])
def test_a_flat_heatmap_has_a_finite_position_in_the_frame(value: float) -> None:
    found = heatmaps.locate(torch.full((1, 2, 16, 16), value))
    assert bool(((found >= -0.5) & (found < 63.5)).all())


def test_drawing_keeps_the_type() -> None:
    assert draw_one(3.0, 4.0).dtype == torch.float32
    joints = torch.zeros(1, 1, 2, dtype=torch.float64)
    assert heatmaps.draw(joints, torch.ones(1, 1, dtype=torch.bool), 8).dtype == torch.float64


@pytest.mark.parametrize(("size", "sigma"), [(30, 1.0), (0, 1.0), (2, 1.0), (32, 0.0), (32, -1.0), (32, float("nan"))])
def test_a_size_or_sigma_that_cannot_be_drawn_is_refused(size: int, sigma: float) -> None:
    with pytest.raises(ValueError, match=f"got {size} and {sigma}"):
        heatmaps.draw(torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.bool), size, sigma=sigma)


@pytest.mark.parametrize("sigma", [0.7, 2.0])
def test_a_heatmap_is_the_formula_at_any_center(sigma: float) -> None:
    x, y = 13.3, 40.9
    drawn = heatmaps.draw(torch.tensor([[[x, y]]]), torch.tensor([[True]]), 64, sigma=sigma)[0, 0]
    u_j, v_j = (x + 0.5) / 4 - 0.5, (y + 0.5) / 4 - 0.5
    wanted = [[math.exp(-((u - u_j) ** 2 + (v - v_j) ** 2) / (2 * sigma**2)) for u in range(16)] for v in range(16)]
    torch.testing.assert_close(drawn, torch.tensor(wanted), atol=1e-6, rtol=1e-4)
