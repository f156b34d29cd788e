"""Galleries of crops: what stands in a cell, and views of one crop as training sees them."""

import base64
import io
import re

import numpy as np
import torch
from PIL import Image

from llpp_core.data import render_figures
from llpp_core.data.augment import Augmentation
from llpp_core.galleries import gallery, random_views

STILL = Augmentation(flip=0.0, rotation=0.0, scale=0.0, shift=0.0, color=0.0)


def pictures(markup: str) -> list[np.ndarray]:
    found = re.findall(r'href="data:image/png;base64,([^"]+)"', markup)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(one)))).transpose(2, 0, 1) for one in found]


def test_views_that_move_nothing_are_the_crop_with_its_skeleton() -> None:
    data = render_figures(3, 0)
    as_it_is = gallery(data, [1], ["x"], caption="", alt="").markup
    shown = random_views(data, 1, count=2, settings=STILL, seed=0)
    lines = re.findall(r"<line [^>]*>", as_it_is)
    assert len(lines) > 10
    assert re.findall(r"<line [^>]*>", shown.markup) == 2 * lines
    assert len(pictures(shown.markup)) == 2
    for picture in pictures(shown.markup):
        assert np.array_equal(picture, data.images[1].numpy())


def test_views_differ_and_tell_how_many_joints_are_left() -> None:
    data = render_figures(1, 0)
    shown = random_views(data, 0, count=4, settings=Augmentation(shift=0.6), seed=1)
    first, *others = pictures(shown.markup)
    assert all(not np.array_equal(first, other) for other in others)
    known = int(data.annotated[0].sum())
    left = [int(n) for n in re.findall(rf"(\d+) of {known} joints in the frame</span>", shown.markup)]
    assert len(left) == 4
    assert min(left) < known
    assert torch.equal(data.images, render_figures(1, 0).images)
