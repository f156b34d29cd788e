"""`attach`: a loss predictor beside any torch regressor, and `Attached`, the two of them.

With the predicted losses l̂ and true losses l of a batch, a training step is

    prediction, predicted_loss = attached(inputs)
    true_loss = ...                                   # (batch,), one a sample
    (true_loss.mean() + losses.learning_loss_pp(predicted_loss, true_loss)).backward()

The features are detached unless asked otherwise, so the model trains as it does without a predictor, bit for bit where
the optimizer treats each parameter by itself (Adam, SGD; not where gradients are clipped by their common norm). What
is attached is a predictor of Shukla & Ahmed, CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370; the attaching is beyond it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from llpp_core.attach.inputs import Inputs, arguments, check_finite
from llpp_core.attach.recording import at_rest, checked_layers, recorded, untouched
from llpp_core.models import ConvPredictor, PooledPredictor, seeded
from llpp_core.models.predictors import HIDDEN

Maker = Callable[[list[int], list[tuple[int, ...]]], nn.Module]


@dataclass(frozen=True)
class Scored:
    """Samples seen through a model and its loss predictor, in order, on the CPU.

    Attributes:
        prediction: (n, …) the model's.
        predicted_loss: (n,) l̂.
        embeddings: (n, d) θ, the predictor's penultimate features.
    """

    prediction: Float[Tensor, "n ..."]
    predicted_loss: Float[Tensor, "n"]
    embeddings: Float[Tensor, "n d"]


class Attached(nn.Module):
    """A model and, beside it, a loss predictor; `attach` makes one.

    The model is not changed: hooks are on it during a call alone, and its ``state_dict`` stays its own. Compiling,
    data-parallel wrappers, and calls of one model from several threads at a time are not provided for.

    Attributes:
        model: the model as it was given.
        predictor: reads the features and returns l̂.
        layers: names of the layers that are read.
        channels_last: those of them whose channels come last.
        detach: whether the predictor's gradient stops at the features.
    """

    def __init__(
        self,
        model: nn.Module,
        predictor: nn.Module,
        layers: Sequence[str],
        *,
        channels_last: Sequence[str] = (),
        detach: bool = True,
    ) -> None:
        super().__init__()
        self.model, self.predictor = model, predictor
        self.layers, self.channels_last, self.detach = tuple(layers), tuple(channels_last), detach

    def forward(self, *inputs: Any, **named: Any) -> tuple[Any, Float[Tensor, "batch"]]:
        """Return what the model returns for these arguments, and l̂ (batch,).

        Raises:
            ValueError: a layer returned what its predictor cannot read.
        """
        prediction, features = self._run(inputs, named)
        predicted: Tensor = self.predictor(features)
        return prediction, predicted.reshape(-1)

    def score(self, inputs: Inputs, *, batch_size: int = 256) -> Scored:
        """Return predictions, predicted losses and embeddings, in evaluation mode and without gradients.

        Args:
            inputs: the model's argument, samples along the first axis, or a tuple of its arguments.
            batch_size: samples at a time, at least 1.

        Raises:
            ValueError: no sample, arguments of different lengths, a prediction that is not one tensor with a row a
                sample, or a predicted loss that is not finite (with its rows).
        """
        given = arguments(inputs)
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        device = next(self.predictor.parameters()).device
        parts: list[tuple[Tensor, ...]] = []
        with at_rest(self):
            for batch in zip(*(a.split(batch_size) for a in given), strict=True):
                prediction, features = self._run([b.to(device) for b in batch], {})
                if not isinstance(prediction, Tensor) or prediction.shape[:1] != batch[0].shape[:1]:
                    got = tuple(prediction.shape) if isinstance(prediction, Tensor) else type(prediction).__name__
                    raise ValueError(f"wanted a model that returns a tensor with a row a sample, got {got}")
                seen = (prediction, self.predictor(features).reshape(-1), _embedding(self.predictor, features))
                parts.append(tuple(t.cpu() for t in seen))
        scored = Scored(*(torch.cat(column) for column in zip(*parts, strict=True)))
        check_finite("predicted loss", scored.predicted_loss, torch.arange(len(given[0])))
        return scored

    def _run(self, inputs: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, list[Tensor]]:
        prediction, outputs = recorded(self.model, self.layers, inputs, named)
        dtype = next(self.predictor.parameters()).dtype
        features = [f.to(dtype) for f in _channels_second(outputs, self.channels_last)]
        return prediction, [f.detach() for f in features] if self.detach else features


def attach(
    model: nn.Module,
    layers: Sequence[str],
    example: Inputs,
    *,
    predictor: str | Maker = "pooled",
    hidden: Sequence[int] = HIDDEN,
    channels_last: bool | Sequence[str] | None = None,
    detach: bool = True,
    seed: int = 0,
) -> Attached:
    """Return the model with a loss predictor that reads the outputs of some of its layers.

    The example is run once, in evaluation mode and without gradients, to learn the widths of the outputs. The model,
    its buffers and its mode stay as they are, and so does the state of torch's random generators.

    An output is averaged over everything but samples and channels, padding included. It is read when the whole model
    has run: where the next layer works in place, as an in-place ReLU does, what that one left.

    Args:
        model: any module that takes tensors with samples along their first axis.
        layers: names as in ``model.named_modules()``, fine → coarse. Each runs once in a forward pass, and returns a
            tensor (batch, channels), (batch, channels, height, width) or the like.
        example: the model's argument for a batch of at least one sample, or a tuple of its arguments.
        predictor: "pooled", "conv" (square maps only), or a function of the outputs' widths and of their sizes, (8, 8)
            for instance, that returns a module with the ``forward`` and ``embedding`` of `PooledPredictor`.
        hidden: widths of the fully connected layers of "pooled" and "conv"; the last is the length of θ.
        channels_last: whether channels are an output's last axis, as in a transformer's (batch, tokens, channels); or
            the names of the layers where they are. An output of three axes, which might be either, is refused while
            this is None.
        detach: whether the predictor's gradient stops at the features.
        seed: of the predictor's initial weights.

    Raises:
        ValueError: a layer that the model does not have (with near names), that did not run, ran more than once, or
            returned something else than a tensor of floats with a row a sample; outputs that the predictor cannot read;
            or a predictor that is none.
    """
    names = checked_layers(model, layers)
    with at_rest(model), untouched(model):
        _, outputs = recorded(model, names, arguments(example), {})
    last = _channels_last(outputs, channels_last)
    features = _channels_second(outputs, last)
    widths, sizes = [f.shape[1] for f in features], [tuple(f.shape[2:]) for f in features]
    with seeded(seed):
        if predictor == "pooled":
            made: nn.Module = PooledPredictor(widths, hidden=hidden)
        elif predictor == "conv":
            if any(len(size) != 2 or size[0] != size[1] for size in sizes):
                got = ", ".join(f"{tuple(output.shape)} of {name!r}" for name, output in outputs.items())
                raise ValueError(f'predictor="conv" reads square maps (batch, channels, side, side), got {got}')
            made = ConvPredictor(widths, [size[0] for size in sizes], hidden=hidden)
        elif callable(predictor):
            made = predictor(widths, sizes)
        else:
            raise ValueError(f'predictor must be "pooled", "conv" or a function that makes one, got {predictor!r}')
    # Models may be of half precision; an objective compares small differences.
    made.to(device=features[0].device, dtype=torch.promote_types(features[0].dtype, torch.float32))
    attached = Attached(model, made, names, channels_last=last, detach=detach)
    _try(attached, features)
    return attached


def _channels_last(outputs: Mapping[str, Tensor], asked: bool | Sequence[str] | None) -> list[str]:
    if asked is None:
        for name, output in outputs.items():
            if output.ndim == 3:
                either = "(batch, tokens, channels) or (batch, channels, length)"
                raise ValueError(
                    f"layer {name!r} returns {tuple(output.shape)}, {either}: say channels_last=True or False"
                )
        return []
    if isinstance(asked, bool):
        return list(outputs) if asked else []
    if unknown := [name for name in asked if name not in outputs]:
        raise ValueError(f"channels_last names {unknown}, which are not among the layers {list(outputs)}")
    return list(asked)


def _channels_second(outputs: Mapping[str, Tensor], channels_last: Sequence[str]) -> list[Tensor]:
    return [output.movedim(-1, 1) if name in channels_last else output for name, output in outputs.items()]


def _try(attached: Attached, features: Sequence[Tensor]) -> None:
    """Raise unless the predictor has parameters and gives one number and one embedding a sample."""
    made, kind = attached.predictor, type(attached.predictor).__name__
    if next(made.parameters(), None) is None or not callable(getattr(made, "embedding", None)):
        raise ValueError(f"a predictor has parameters and an embedding(features); {kind} has not")
    with at_rest(made):
        read = [f.to(next(made.parameters()).dtype) for f in features]
        l_hat, theta, n = made(read), _embedding(made, read), len(features[0])
    if l_hat.shape not in ((n,), (n, 1)) or theta.ndim != 2 or len(theta) != n:
        got = f"{tuple(l_hat.shape)} and {tuple(theta.shape)}"
        raise ValueError(f"a predictor gives ({n},) losses and ({n}, d) embeddings for {n} samples; {kind} gave {got}")


def _embedding(predictor: nn.Module, features: Sequence[Tensor]) -> Tensor:
    theta: Tensor = predictor.embedding(features)  # type: ignore[operator]  # nn.Module types every attribute
    return theta
