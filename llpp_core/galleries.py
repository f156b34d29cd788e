"""Galleries of crops with their skeletons, each with caption and alternative text: one SVG a crop, nothing to load."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from llpp_core.data.augment import Augmentation, augment
from llpp_core.data.pose import LIMBS, PoseDataset


@dataclass(frozen=True)
class Gallery:
    """Crops with predicted and annotated skeletons over them.

    Attributes:
        markup: the cells, as HTML.
        caption: what it shows, as HTML.
        alt: what it shows, as plain text.
    """

    markup: str
    caption: str
    alt: str

    def html(self) -> str:
        """Return the gallery for a page."""
        return (
            f'<figure class="llpp-figure llpp-gallery"><div class="llpp-cells" role="group" '
            f'aria-label="{html.escape(self.alt)}">{self.markup}</div>'
            f"<figcaption>{self.caption}</figcaption></figure>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/html": f"<style>{_GALLERY_STYLE}</style>{self.html()}", "text/plain": self.alt}


_GALLERY_STYLE = """
.llpp-gallery .llpp-cells { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: .5rem; }
.llpp-gallery svg { width: 100%; display: block; }
.llpp-gallery .predicted line { stroke: #E69F00; stroke-width: 1.2; stroke-linecap: round; }
.llpp-gallery .true line { stroke: #56B4E9; stroke-width: 1.2; stroke-linecap: round; stroke-dasharray: 2.4 1.6; }
.llpp-gallery span { font-size: .8em; }
"""
"""The gallery's own look, for places without the book's style sheet: JupyterLab above all."""


def gallery(
    dataset: PoseDataset,
    indices: Sequence[int],
    notes: Sequence[str],
    *,
    caption: str,
    alt: str,
    predicted: Tensor | None = None,
) -> Gallery:
    """Return crops with their skeletons: the annotated one dashed in blue, the predicted one in orange.

    Args:
        dataset: where the crops come from.
        indices: which samples to show, in order.
        notes: a line under each.
        caption: of the whole gallery, as HTML.
        alt: what the gallery shows, as plain text.
        predicted: (n, joints, 2) predicted joints of all samples in crop pixels; no predicted skeleton where None.
    """
    cells = []
    for i, note in zip(indices, notes, strict=True):
        skeletons = [_skeleton(dataset, dataset.joints[i], dataset.annotated[i], "true")]
        if predicted is not None:
            everywhere = dataset.annotated[i] | True
            skeletons.append(_skeleton(dataset, predicted[i], everywhere, "predicted"))
        side = dataset.size
        cells.append(
            f'<div class="llpp-cell"><svg viewBox="-0.5 -0.5 {side} {side}" role="img" '
            f'aria-label="{html.escape(dataset.ids[i])}: {html.escape(note)}">'
            f'<image x="-0.5" y="-0.5" width="{side}" height="{side}" href="{_png(dataset.images[i])}"/>'
            f"{''.join(skeletons)}</svg><span>{html.escape(note)}</span></div>"
        )
    return Gallery("".join(cells), caption, alt)


def random_views(dataset: PoseDataset, index: int, *, count: int, settings: Augmentation, seed: int) -> Gallery:
    """Return random views of one crop with their joints, as training sees them.

    Args:
        dataset: where the crop comes from.
        index: of the sample.
        count: how many views.
        settings: how far they may lie from the crop.
        seed: of the views.
    """
    many = [index] * count
    views, joints, known = augment(
        dataset.images[many], dataset.joints[many], dataset.annotated[many],
        mirror=dataset.mirror, settings=settings, generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    seen = replace(
        dataset,
        images=((views + 2) * 63.75).round().to(torch.uint8),
        joints=joints,
        visible=dataset.visible[many] & known,
        annotated=known,
        ids=tuple(f"{dataset.ids[index]}, view {i + 1}" for i in range(count)),
        crop_to_image=dataset.crop_to_image[many],
        files=None,
        head_length=None,
    )
    notes = [f"{int(k.sum())} of {int(dataset.annotated[index].sum())} joints in the frame" for k in known]
    return gallery(
        seen,
        range(count),
        notes,
        caption=f"{count} random views of one crop with its joints: mirrored half the time, turned, scaled, shifted, "
        "and each color channel made brighter or darker. What leaves the frame is not learned from.",
        alt=f"{count} views of the same person, mirrored, turned and scaled at random, each with its skeleton.",
    )


def _png(image: Tensor) -> str:
    buffer = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _skeleton(dataset: PoseDataset, joints: Tensor, shown: Tensor, kind: str) -> str:
    lines = []
    for first, second in LIMBS:
        if first in dataset.joint_names and second in dataset.joint_names:
            a, b = dataset.index(first), dataset.index(second)
            if bool(shown[a] & shown[b]):
                (x1, y1), (x2, y2) = joints[a].tolist(), joints[b].tolist()
                lines.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
    return f'<g class="{kind}">{"".join(lines)}</g>'
