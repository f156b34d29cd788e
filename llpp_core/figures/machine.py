"""The pose model's target, and where the time of a training step goes."""

import torch

from llpp_core.data import heatmaps
from llpp_core.data.pose import PoseDataset
from llpp_core.figures.base import NEUTRAL, Figure, new_plot, rounded
from llpp_core.training import StepProfile


def target_heatmap(data: PoseDataset, index: int, joint: str, *, sigma: float = 1.0) -> Figure:
    """Return the Gaussian that a pose model learns for one joint, with the joint's place and the peak's.

    Args:
        data: the crops.
        index: of the sample.
        joint: its name; annotated in that sample.
        sigma: standard deviation in heatmap pixels.

    Raises:
        ValueError: there is no such joint, or it is not annotated in that sample.
    """
    j = data.index(joint)
    if not bool(data.annotated[index, j]):
        raise ValueError(f"{joint} is not annotated in sample {data.ids[index]} of {data.name}")
    at = slice(index, index + 1)
    target = heatmaps.draw(data.joints[at], data.annotated[at], data.size, sigma=sigma)
    x, y = ((data.joints[index, j] + 0.5) / heatmaps.STRIDE - 0.5).tolist()
    values = target[0, j]
    row, column = divmod(int(values.argmax()), values.shape[1])
    plot = new_plot(height=380, xaxis_title="column", yaxis_title="row")
    plot.add_heatmap(z=values.numpy(), colorscale="Cividis", zmin=0, zmax=1, colorbar={"title": "target"})
    marker = {"size": 11, "symbol": "cross-thin", "line": {"width": 2.5, "color": "#D55E00"}}
    plot.add_scatter(x=[x], y=[y], mode="markers", marker=marker, name="the joint")
    plot.update_layout(
        yaxis={"autorange": "reversed", "scaleanchor": "x", "constrain": "domain"}, xaxis={"constrain": "domain"}
    )
    columns, rows = torch.meshgrid(torch.arange(values.shape[1]), torch.arange(values.shape[0]), indexing="xy")
    said = joint.replace("_", " ")
    return Figure(
        plot,
        caption=f"The target for one joint ({said}): a Gaussian of σ = {sigma:g} heatmap pixels around its place, "
        f"({x:.2f}, {y:.2f}), which need not be a pixel's middle. The highest pixel is ({column}, {row}).",
        alt=f"A heatmap of {values.shape[1]} by {values.shape[0]} pixels, bright around column {x:.2f}, row {y:.2f}, "
        "and zero elsewhere.",
        data={
            "column": columns.flatten().tolist(),
            "row": rows.flatten().tolist(),
            "target": rounded(values.flatten()),
        },
        name="target_heatmap",
    )


def step_parts(profile: StepProfile) -> Figure:
    """Return where the time of a training step goes, a bar for each part."""
    milliseconds = [1e3 * seconds for seconds in profile.parts.values()]
    whole = sum(milliseconds)
    shares = [part / whole for part in milliseconds]
    plot = new_plot(height=340, xaxis_title="milliseconds a step")
    plot.add_bar(
        x=milliseconds, y=list(profile.parts), orientation="h", marker={"color": NEUTRAL}, cliponaxis=False,
        text=[f"{share:.0%}" for share in shares], textposition="outside",
        hovertemplate="%{y}: %{x:.2f} ms<extra></extra>",
    )  # fmt: skip
    plot.update_layout(margin={"l": 150, "r": 50}, yaxis={"autorange": "reversed"}, xaxis={"rangemode": "tozero"})
    listed = ", ".join(f"{name} {share:.0%}" for name, share in zip(profile.parts, shares, strict=True))
    return Figure(
        plot,
        caption=f"Where the time of a training step of {profile.batch_size} images goes: measured part by part, "
        f"{whole:.1f} ms together. A step measured whole takes {1e3 * profile.seconds:.1f} ms, "
        f"{profile.images_per_second:,.0f} images a second.",
        alt=f"Bars of the share of a training step that each part takes: {listed}.",
        data={"part": list(profile.parts), "milliseconds": rounded(milliseconds), "share": rounded(shares)},
        name="step_parts",
    )
