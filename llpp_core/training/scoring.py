"""A data set seen through a trained model: joints, true losses, predicted losses."""

from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor, nn
from tqdm import tqdm

from llpp_core.acquisition import multipeak_entropy
from llpp_core.data import heatmaps
from llpp_core.data.augment import as_input
from llpp_core.data.pose import PoseDataset
from llpp_core.heads import Head, last_stack
from llpp_core.training.results import Scores, Stopped
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
    also: Collection[str] = (),
    stop: Callable[[], bool] = lambda: False,
    progress: bool = True,
) -> Scores:
    """Return predicted joints, true losses and predicted losses of every sample, in order, without augmentation.

    A sample without annotated joints has a true loss of 0, which says nothing of it; its predicted losses are as good
    as any.

    Args:
        model: a trained task model.
        heads: trained loss predictors by name.
        data: the samples to score.
        batch_size: samples at a time; memory on the device grows by the results alone, some hundred bytes a sample.
        sigma: as in training.
        device: a torch device.
        bfloat16: whether the models run under bfloat16 autocast.
        also: what to return besides: "embeddings", "multipeak_entropy".
        stop: asked after every batch; once it says True, `Stopped` is raised and nothing is returned.
        progress: show a progress bar.

    Raises:
        ValueError: no sample, something unknown asked for in ``also``, or a true or predicted loss that is not finite,
            with the sample's id.
        Stopped: ``stop`` said so.
    """
    if unknown := [name for name in also if name not in ("embeddings", "multipeak_entropy")]:
        raise ValueError(f'also may name "embeddings" and "multipeak_entropy", got {unknown[0]!r}')
    if not len(data):
        raise ValueError(f"{data.name} has no sample to score")
    modules = [model, *(head.predictor for head in heads.values())]
    for module in modules:
        module.to(device).eval()
    joints, true, embeddings, entropy = [], [], [], []
    maps = [info.name for info in last_stack(model)] if "embeddings" in also else []
    predicted: dict[str, list[Tensor]] = {name: [] for name in heads}
    with tqdm(total=len(data), desc=f"scoring {data.name}", unit="image", disable=not progress) as bar:
        for start in range(0, len(data), batch_size):
            rows = slice(start, start + batch_size)
            labeled = bool(data.annotated[rows].any())  # else there is no true loss to compute
            with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=bfloat16):
                views = as_input(data.images[rows].to(device)).contiguous(memory_format=torch.channels_last)
                output = model(views)
                for name, head in heads.items():
                    predicted[name].append(head(output.readable).float())
            joints.append(heatmaps.locate(output.prediction.float()))
            if labeled:
                annotated = data.annotated[rows].to(device)
                target = heatmaps.draw(data.joints[rows].to(device), annotated, data.size, sigma=sigma)
                true.append(sample_loss(output.prediction, target, annotated))
            else:
                true.append(torch.zeros(len(output.prediction), device=device))
            if maps:
                embeddings.append(torch.cat([output.features[name].float().mean((2, 3)) for name in maps], dim=1))
            if "multipeak_entropy" in also:
                entropy.append(multipeak_entropy(output.prediction.float()))
            bar.update(len(output.prediction))
            if stop():
                raise Stopped
    # Results stay on the device until here: a copy after every batch would wait for it.
    scores = Scores(
        torch.cat(joints).cpu(),
        torch.cat(true).cpu(),
        {name: torch.cat(parts).cpu() for name, parts in predicted.items()},
        torch.cat(embeddings).cpu() if embeddings else None,
        torch.cat(entropy).cpu() if entropy else None,
    )
    for name, values in {"true loss": scores.true_loss, **scores.predicted_loss}.items():
        broken = ~torch.isfinite(values)
        if bool(broken.any()):
            raise ValueError(f"{name} of sample {data.ids[int(broken.nonzero()[0])]} of {data.name} is not finite")
    return scores
