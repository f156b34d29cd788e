"""A data set seen through a trained model: joints, true losses, predicted losses."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from tqdm import tqdm

from llpp_core.data import heatmaps
from llpp_core.data.augment import as_input
from llpp_core.data.pose import PoseDataset
from llpp_core.heads import Head
from llpp_core.training.results import Scores
from llpp_core.training.true_loss import sample_loss


@torch.no_grad()
def score(
    model: nn.Module,
    heads: Mapping[str, Head],
    data: PoseDataset,
    *,
    batch_size: int = 64,
    sigma: float = 1.0,
    device: str = "cpu",
    bfloat16: bool = False,
    progress: bool = True,
) -> Scores:
    """Return predicted joints, true losses and predicted losses of every sample, in order, without augmentation.

    Args:
        model: a trained task model.
        heads: trained loss predictors by name.
        data: the samples to score.
        batch_size: samples at a time; memory on the device does not grow with the data.
        sigma: as in training.
        device: a torch device.
        bfloat16: whether the models run under bfloat16 autocast.
        progress: show a progress bar.

    Raises:
        ValueError: no sample, or a true or predicted loss that is not finite, with the sample's id.
    """
    if not len(data):
        raise ValueError(f"{data.name} has no sample to score")
    modules = [model, *(head.predictor for head in heads.values())]
    for module in modules:
        module.to(device).eval()
    joints, true = [], []
    predicted: dict[str, list[Tensor]] = {name: [] for name in heads}
    with tqdm(total=len(data), desc=f"scoring {data.name}", unit="image", disable=not progress) as bar:
        for start in range(0, len(data), batch_size):
            rows = slice(start, start + batch_size)
            annotated = data.annotated[rows].to(device)
            target = heatmaps.draw(data.joints[rows].to(device), annotated, data.size, sigma=sigma)
            with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=bfloat16):
                output = model(as_input(data.images[rows].to(device)))
                for name, head in heads.items():
                    predicted[name].append(head(output.features).float().cpu())
            joints.append(heatmaps.locate(output.prediction.float()).cpu())
            true.append(sample_loss(output.prediction, target, annotated).cpu())
            bar.update(len(annotated))
    scores = Scores(torch.cat(joints), torch.cat(true), {name: torch.cat(parts) for name, parts in predicted.items()})
    for name, values in {"true loss": scores.true_loss, **scores.predicted_loss}.items():
        broken = ~torch.isfinite(values)
        if bool(broken.any()):
            raise ValueError(f"{name} of sample {data.ids[int(broken.nonzero()[0])]} of {data.name} is not finite")
    return scores
