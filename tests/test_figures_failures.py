"""The failure curves: what is drawn, what the caption says of it, and what is refused."""

import re

import numpy as np
import pytest

from llpp_core.figures import COLORS, failure_curves

N = 1000
X = np.linspace(0, 1, N + 1)


def shown(**curves) -> dict:
    figure = failure_curves(curves or {"LL": np.sqrt(X), "LL++: all": X**0.25}, failures=0.2, where="made for a test")
    return {"figure": figure, **{t.name: t for t in figure.plot.data if t.showlegend is not False}}


def test_lines_run_through_the_curves_with_random_and_oracle_beside() -> None:
    parts = shown()
    np.testing.assert_allclose(parts["LL"].y, np.sqrt(parts["LL"].x))
    np.testing.assert_allclose(parts["random"].y, parts["random"].x)
    np.testing.assert_allclose(parts["oracle"].y, np.minimum(np.array(parts["oracle"].x) / 0.2, 1))
    assert parts["LL"].line.color == COLORS["LL"]
    assert parts["LL++: all"].line.color == COLORS["LL++"]
    assert (parts["LL"].x[0], parts["LL"].x[-1]) == (0, 1)
    assert len(parts["LL"].x) <= 201


def test_caption_and_alternative_give_the_curves_at_a_tenth() -> None:
    figure = shown()["figure"]
    for text in (figure.caption, figure.alt):
        assert "LL 0.32, LL++: all 0.56, random 0.10, oracle 0.50" in text
        assert "made for a test" in text
    assert "20% of the samples are failures" in figure.caption
    assert "Shaded" not in figure.caption
    assert list(figure.data) == ["looked at", "LL", "LL++: all", "random", "oracle"]
    assert len(figure.data["LL"]) == len(figure.data["random"])


def test_a_band_is_drawn_clipped_to_what_a_fraction_can_be_and_in_the_data_as_it_is() -> None:
    mean = np.sqrt(X)
    figure = shown(LL=(mean, mean - 0.1, mean + 0.1))["figure"]
    bands = [t for t in figure.plot.data if t.fill == "toself"]
    assert len(bands) == 1
    assert (min(bands[0].y), max(bands[0].y)) == (0, 1)
    assert "Shaded: 95 % t-intervals of the mean." in figure.caption
    assert figure.data["LL, low"][0] == -0.1
    assert figure.data["LL, high"][-1] == 1.1


def test_a_band_of_nan_is_left_out() -> None:
    figure = shown(LL=(X, X * np.nan, X * np.nan))["figure"]
    assert not [t for t in figure.plot.data if t.fill == "toself"]
    assert "Shaded" not in figure.caption


@pytest.mark.parametrize(
    ("curves", "failures", "sentence"),
    [
        ({}, 0.2, "wanted curves and a fraction of failures between 0 and 1, got [] and 0.2"),
        ({"LL": X}, 0.0, "got ['LL'] and 0.0"),
        ({"LL": X}, 1.0, "got ['LL'] and 1.0"),
        ({"LL": X, "LL++": X[:5]}, 0.2, "curves must have one number of points, at least 2, got {'LL': {1001}, 'LL++'"),
        ({"LL": (X, X, X[:5])}, 0.2, "curves must have one number of points"),
        ({"LL": X[:1]}, 0.2, "at least 2, got {'LL': {1}}"),
        ({"LL": 2 * X, "LL++": X}, 0.2, "fractions of failures found lie in 0 to 1, not so of LL"),
        ({"LL": X * np.nan}, 0.2, "not so of LL"),
    ],
)
def test_what_is_refused(curves, failures: float, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        failure_curves(curves, failures=failures, where="made for a test")
