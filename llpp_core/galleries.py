"""Crops with their skeletons, and nothing to load: galleries for a page of the book, and contact sheets.

A gallery has a caption and alternative text, and one SVG a crop. A contact sheet is a page of its own.
"""

import base64
import html
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from llpp_core.data.augment import Augmentation, augment
from llpp_core.data.pose import LIMBS, PoseDataset
from llpp_core.downloads import Table, download


@dataclass(frozen=True)
class Gallery:
    """Crops with predicted and annotated skeletons over them.

    Attributes:
        markup: the cells, as HTML.
        caption: what it shows, as HTML.
        alt: what it shows, as plain text.
        data: the joints, column by column.
        name: file name of the data's download, without ending.
    """

    markup: str
    caption: str
    alt: str
    data: Table
    name: str

    def html(self) -> str:
        """Return the gallery for a page."""
        cells = max(self.markup.count('class="llpp-cell"'), 1)
        per_row = math.ceil(cells / math.ceil(cells / 6))  # rows of one length, where there is room for six
        return (
            f'<figure class="llpp-figure llpp-gallery"><div class="llpp-cells" style="--per-row: {per_row}" '
            f'role="group" aria-label="{html.escape(self.alt)}">{self.markup}</div>'
            f"<figcaption>{self.caption}</figcaption>{download(self.data, self.name)}</figure>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/html": f"<style>{_GALLERY_STYLE}</style>{self.html()}", "text/plain": self.alt}


_GALLERY_STYLE = """
.llpp-gallery .llpp-cells { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fill, minmax(
  max(5.5rem, (100% - (var(--per-row) - 1) * .5rem) / var(--per-row) - .1px), 1fr)); }
.llpp-gallery svg { width: 100%; display: block; }
.llpp-gallery .predicted line { stroke: #E69F00; stroke-width: 1.2; stroke-linecap: round; }
.llpp-gallery .true line { stroke: #56B4E9; stroke-width: 1.2; stroke-linecap: round; stroke-dasharray: 2.4 1.6; }
.llpp-gallery span { font-size: .8em; }
"""
"""The gallery's own look, for places without the book's style sheet: JupyterLab above all."""

SHEET_SIDE = 256
"""Side of the largest pictures on a contact sheet, in pixels."""

_SHEET_STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --muted: #59636e; --page: #fff; --cell: #f6f8fa; --line: #0969da; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --muted: #a3abb5; --page: #0d1117; --cell: #1a1f25; --line: #58a6ff; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 100rem; color: var(--text); background: var(--page);
  font: 1rem/1.5 system-ui, sans-serif; }
header { max-width: 46rem; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.2; }
header p { margin: .5rem 0; }
.choice { display: block; }
ol { margin: 1rem 0; padding: 0; list-style: none; display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(9.5rem, 100%), 1fr)); }
li { min-width: 0; border-radius: 6px; overflow: hidden; background: var(--cell);
  content-visibility: auto; contain-intrinsic-size: auto 16rem; }
li label { position: relative; display: block; cursor: zoom-in; }
li input { position: absolute; opacity: 0; }
li:has(input:checked) { grid-column: 1 / -1; max-width: 40rem; }
li:has(input:checked) label { cursor: zoom-out; }
li:has(input:focus-visible) { outline: 3px solid var(--line); outline-offset: 1px; }
li img { display: block; width: 100%; height: auto; aspect-ratio: 1; }
li svg { position: absolute; inset: 0; width: 100%; height: 100%; filter: drop-shadow(0 0 1px #000); }
li p { margin: 0; padding: .3rem .5rem .5rem; font-variant-numeric: tabular-nums; line-height: 1.3; }
small { color: var(--muted); overflow-wrap: anywhere; }
.predicted line { stroke: #ffb000; stroke-width: 2px; stroke-linecap: round; vector-effect: non-scaling-stroke; }
body:has(#skeletons:not(:checked)) svg { display: none; }
@media print { li { break-inside: avoid; content-visibility: visible; } }
"""
"""The look of a contact sheet, in light and dark."""


def gallery(
    dataset: PoseDataset,
    indices: Sequence[int],
    notes: Sequence[str],
    *,
    caption: str,
    alt: str,
    predicted: Tensor | None = None,
    name: str = "crops",
) -> Gallery:
    """Return crops with their skeletons: the annotated one dashed in blue, the predicted one in orange.

    Args:
        dataset: where the crops come from.
        indices: which samples to show, in order.
        notes: a line under each.
        caption: of the whole gallery, as HTML.
        alt: what the gallery shows, as plain text.
        predicted: (n, joints, 2) predicted joints of all samples in crop pixels; no predicted skeleton where None.
        name: file name of the data's download, without ending.
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
    return Gallery("".join(cells), caption, alt, _joints(dataset, indices, notes, predicted), name)


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
        name="random_views",
    )


def contact_sheet(
    shown: PoseDataset,
    predicted: Tensor,
    *,
    names: Sequence[str],
    notes: Sequence[str],
    title: str,
    about: Sequence[str],
) -> str:
    """Return a page of its own, with nothing to load: ranked crops with predicted skeletons, to be looked through.

    Args:
        shown: the crops, in order; larger ones than `SHEET_SIDE` are made smaller.
        predicted: (n, joints, 2) predicted joints in crop pixels.
        names: what each crop is, a file for instance, as plain text.
        notes: a few words on each, as plain text.
        title: of the page, as plain text.
        about: paragraphs above the crops, as plain text.

    Raises:
        ValueError: other than one name, one note and one skeleton for each crop.
    """
    counts = [len(names), len(notes), len(predicted)]
    if counts != [len(shown)] * 3:
        raise ValueError(f"wanted a name, a note and a skeleton for each of {len(shown)} crops, got {counts}")
    everywhere, side = shown.annotated[:1].flatten() | True, shown.size
    cells = []
    for i, (name, note) in enumerate(zip(names, notes, strict=True)):
        rank, alt = i + 1, f"Rank {i + 1}, {note}: {name}"
        cells.append(
            f'<li id="rank-{rank}"><label><input type="checkbox"><img loading="lazy" decoding="async" width="256" '
            f'height="256" alt="{html.escape(alt)}" src="{_jpeg(shown.images[i])}">'
            f'<svg viewBox="-0.5 -0.5 {side} {side}" aria-hidden="true">'
            f"{_skeleton(shown, predicted[i], everywhere, 'predicted')}</svg></label>"
            f'<p aria-hidden="true"><b>{rank}</b> {html.escape(note)}<br><small>{html.escape(name)}</small></p></li>'
        )
    paragraphs = "".join(f"<p>{html.escape(text)}</p>" for text in about)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_SHEET_STYLE}</style></head>\n"
        f"<body><header><h1>{html.escape(title)}</h1>{paragraphs}"
        '<p><label class="choice"><input type="checkbox" id="skeletons" checked> Show predicted skeletons</label>'
        "Choose a crop, or press the space bar on it, to see it large.</p></header>\n"
        f'<main><ol role="list">\n{chr(10).join(cells)}\n</ol></main></body></html>\n'
    )


def _joints(dataset: PoseDataset, indices: Sequence[int], notes: Sequence[str], predicted: Tensor | None) -> Table:
    """Return a row for each joint of each crop, in crop pixels; a joint that is not annotated has no true place."""
    rows = []
    for i, note in zip(indices, notes, strict=True):
        for j, joint in enumerate(dataset.joint_names):
            true = [f"{v:.1f}" for v in dataset.joints[i, j].tolist()] if bool(dataset.annotated[i, j]) else ["", ""]
            said = [f"{v:.1f}" for v in predicted[i, j].tolist()] if predicted is not None else []
            rows.append([dataset.ids[i], note, joint, *true, *said])
    columns = [
        "sample",
        "note",
        "joint",
        "true x",
        "true y",
        *(["predicted x", "predicted y"] if predicted is not None else []),
    ]
    return {column: [row[k] for row in rows] for k, column in enumerate(columns)}


def _jpeg(image: Tensor) -> str:
    buffer, picture = io.BytesIO(), Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
    picture.thumbnail((SHEET_SIDE, SHEET_SIDE))
    picture.save(buffer, format="JPEG", quality=80, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


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
