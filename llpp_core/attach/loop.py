"""The plain loop that trains a model and the loss predictor attached to it, for those without one of their own."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from llpp_core.attach.attached import Attached
from llpp_core.attach.inputs import Inputs, arguments, check_finite
from llpp_core.losses import learning_loss_pp
from llpp_core.models import seeded
from llpp_core.training import History


def squared_error(prediction: Float[Tensor, "batch ..."], target: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch"]:
    """Return each sample's squared error, averaged over its outputs.

    Raises:
        ValueError: two shapes, which would broadcast to differences between samples.
    """
    if prediction.shape != target.shape:
        shapes = f"{tuple(prediction.shape)} and {tuple(target.shape)}"
        raise ValueError(f"predictions and targets must have one shape, got {shapes}")
    return (prediction - target).square().reshape(len(prediction), -1).mean(dim=1)


def train(
    attached: Attached,
    inputs: Inputs,
    targets: Tensor,
    *,
    loss: Callable[[Any, Tensor], Tensor] = squared_error,
    objective: Callable[[Tensor, Tensor], Tensor] = learning_loss_pp,
    epochs: int = 100,
    batch_size: int = 32,
    learning_rate: int | float = 1e-3,
    seed: int = 0,
    progress: bool = True,
) -> History:
    """Train a model and its loss predictor with Adam, batch by batch.

    Both are changed in place and left in training mode; on a CPU the seed determines the result. A last batch that
    would be smaller, and so have fewer pairs, is left out of its epoch.

    Args:
        attached: what `attach` made.
        inputs: the model's argument, samples along the first axis, or a tuple of its arguments.
        targets: (n, …) one a sample.
        loss: of (predictions, targets) of a batch to its true losses (batch,), each ≥ 0.
        objective: of (l̂, l), both (batch,), to a scalar.
        epochs: passes over the samples, at least 1.
        batch_size: samples a step, at least 2: fewer have no pair.
        learning_rate: Adam's, above 0.
        seed: of the order of the samples, and of what the model itself draws, such as dropout.
        progress: show a progress bar.

    Returns:
        The mean true loss of each epoch, which is the task loss too, and under "predictor" the mean objective.

    Raises:
        ValueError: fewer samples than a batch, another number of targets than of samples, a loss that does not give one
            number a sample, or a true or predicted loss that is not finite or a true loss below 0 (with its rows).
    """
    given, n = arguments(inputs), len(targets)
    if len(given[0]) != n:
        raise ValueError(f"every sample needs a target, got {len(given[0])} samples and {n} targets")
    if not (epochs >= 1 and batch_size >= 2 and learning_rate > 0):
        got = f"epochs={epochs}, batch_size={batch_size}, learning_rate={learning_rate}"
        raise ValueError(f"training needs an epoch, batches of two or more and a rate above 0, got {got}")
    if n < batch_size:
        raise ValueError(f"{n} samples are fewer than a batch of {batch_size}")
    device = next(attached.predictor.parameters()).device
    given, targets = tuple(a.to(device) for a in given), targets.to(device)
    optimizer = torch.optim.Adam(attached.parameters(), lr=learning_rate)
    history = History(objective={"predictor": []})
    order = torch.Generator().manual_seed(seed)
    attached.train()
    with seeded(seed), tqdm(total=epochs, desc="training", unit="epoch", disable=not progress) as bar:
        for _ in range(epochs):
            sums = torch.zeros(2)
            batches = torch.randperm(n, generator=order).split(batch_size)[: n // batch_size]
            for rows in batches:
                prediction, predicted_loss = attached(*(a[rows] for a in given))
                true_loss = loss(prediction, targets[rows])
                _check(predicted_loss.detach(), true_loss.detach(), rows)
                learned = objective(predicted_loss, true_loss.detach())
                optimizer.zero_grad()
                (true_loss.mean() + learned).backward()
                optimizer.step()
                sums += torch.stack([true_loss.detach().mean(), learned.detach()]).cpu()
            mean_loss, mean_objective = (sums / len(batches)).tolist()
            history.task_loss.append(mean_loss)
            history.true_loss.append(mean_loss)
            history.objective["predictor"].append(mean_objective)
            bar.set_postfix(loss=f"{mean_loss:.4g}", objective=f"{mean_objective:.4g}")
            bar.update()
    return history


def _check(predicted_loss: Tensor, true_loss: Tensor, rows: Tensor) -> None:
    if true_loss.shape != predicted_loss.shape:
        shapes = f"{tuple(predicted_loss.shape)}, got {tuple(true_loss.shape)}"
        raise ValueError(f"loss must give one number a sample, {shapes}")
    check_finite("true loss", true_loss, rows, at_least=0)
    check_finite("predicted loss", predicted_loss, rows)
