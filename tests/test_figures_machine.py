"""The machine's figures: every shape in a drawing is the module's, every number in a figure that of its data."""

import re

import pytest
import torch

from llpp_core.data import render_figures
from llpp_core.figures import predictor_drawing, step_parts, target_heatmap
from llpp_core.models import ConvPredictor, PooledPredictor
from llpp_core.training import StepProfile


def words(drawing) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", drawing.svg)


def test_a_pooled_predictor_is_drawn_with_its_widths() -> None:
    drawing = predictor_drawing(PooledPredictor([8, 16], hidden=[12, 5]), [9, 4], name="LL & co")
    assert [word for word in words(drawing) if "²" in word or "ch." in word] == ["9²", "8 ch.", "4²", "16 ch."]
    lengths = [word.split(":")[0] for word in words(drawing) if word[0].isdigit() and word[-1] not in "²."]
    assert lengths == ["24", "12", "5"]
    assert "24 → 12 → 5 → 1" in drawing.alt
    assert "8 × 9 × 9, 16 × 4 × 4" in drawing.alt
    assert "LL &amp; co" in drawing.html()
    assert "l̂ = θᵀw" in words(drawing)


def test_a_convolutional_predictor_is_drawn_with_its_kernels_and_strides() -> None:
    drawing = predictor_drawing(ConvPredictor([4, 6, 8], [14, 5, 3], hidden=[7]), [14, 5, 3], name="conv")
    assert [word for word in words(drawing) if "/" in word] == ["2×2/2, 3×3/1", "1×1/1, 3×3/1"]
    assert "8 → 7 → 1" in drawing.alt
    assert drawing.svg.count("a5 5 0 1 0") == 2 * 2  # two sums, a circle of two arcs each


def test_nothing_is_drawn_outside_of_the_frame() -> None:
    predictors = {(16, 8, 4, 2, 1): ([48] * 5, [128, 64, 32, 16]), (64, 32): ([256, 2], [1024, 3])}
    for sizes, (channels, hidden) in predictors.items():
        for kind in (PooledPredictor(channels, hidden=hidden), ConvPredictor(channels, sizes, hidden=hidden)):
            svg = predictor_drawing(kind, sizes, name="x").svg
            width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups())
            for x, y, w, h in re.findall(r'<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"', svg):
                assert 0 <= float(x) <= float(x) + float(w) <= width
                assert 0 <= float(y) <= float(y) + float(h) <= height
            for x, y, anchor, text in re.findall(r'<text x="(\S+)" y="(\S+)" text-anchor="(\w+)"[^>]*>([^<]*)<', svg):
                reach = 5.8 * len(text)  # of letters 10.5 units high
                left = float(x) - (0 if anchor == "start" else reach / 2)
                assert 0 <= left < left + reach <= width, text
                assert 0 < float(y) < height


def test_a_drawing_needs_a_size_for_every_map() -> None:
    with pytest.raises(ValueError, match=r"reads 2 feature maps: wanted as many sizes, got \[4\]"):
        predictor_drawing(PooledPredictor([8, 16]), [4], name="x")


def test_the_target_is_the_heatmap_of_that_joint() -> None:
    data = render_figures(3, 0)
    figure = target_heatmap(data, 1, "head_top")
    x, y = ((data.joints[1, data.index("head_top")] + 0.5) / 4 - 0.5).tolist()
    columns, rows, values = (torch.tensor(figure.data[key]) for key in ("column", "row", "target"))
    expected = torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2)
    torch.testing.assert_close(values, expected, atol=1e-4, rtol=0)
    assert f"({x:.2f}, {y:.2f})" in figure.caption
    best = int(values.argmax())
    assert f"({columns[best]}, {rows[best]})" in figure.caption
    marker = figure.plot.data[1]
    assert (marker.x[0], marker.y[0]) == pytest.approx((x, y))


def test_a_joint_that_is_not_annotated_has_no_target() -> None:
    data = render_figures(2, 0)
    data.annotated[1, 0] = False
    with pytest.raises(ValueError, match=r"right_ankle is not annotated in sample everyday-0-000001"):
        target_heatmap(data, 1, "right_ankle")


def test_parts_of_a_step_and_their_shares() -> None:
    profile = StepProfile({"views": 0.001, "backward": 0.003}, 0.005, 16, 1e9, 1e10, threads=2)
    figure = step_parts(profile)
    assert figure.data["milliseconds"] == [1.0, 3.0]
    assert figure.data["share"] == [0.25, 0.75]
    assert list(figure.plot.data[0].text) == ["25%", "75%"]
    assert "4.0 ms together" in figure.caption
    assert "5.0 ms, 3,200 images a second" in figure.caption
    assert "views 25%, backward 75%" in figure.alt
