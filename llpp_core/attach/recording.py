"""The outputs of named layers of a model, recorded by forward hooks that are there during one call alone."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def checked_layers(model: nn.Module, layers: Sequence[str]) -> tuple[str, ...]:
    """Return the names of layers, each of which the model has.

    Raises:
        ValueError: no name or a plain string, a name twice, or one that the model does not have (with near ones).
    """
    if isinstance(layers, str) or not layers:
        raise ValueError(f"layers must be a list of at least one name, got {layers!r}")
    if len(set(layers)) < len(layers):
        raise ValueError(f"a layer is read once, got {list(layers)}")
    known = [name for name, _ in model.named_modules(remove_duplicate=False) if name]
    for name in layers:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.3) or known[:3]
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "it has none at all."
            raise ValueError(f"{type(model).__name__} has no layer {name!r}; {hint}")
    return tuple(layers)


def recorded(
    model: nn.Module, layers: Sequence[str], inputs: Sequence[Any], named: Mapping[str, Any]
) -> tuple[Any, dict[str, Tensor]]:
    """Run a model, and return what it returns and the outputs of the layers, (batch, …) each, by name.

    Raises:
        ValueError: a layer did not run, ran more than once, or returned something else than a tensor of floats with a
            row a sample and another axis of at least 1.
    """
    calls: dict[str, list[Any]] = {name: [] for name in layers}
    handles = []
    try:
        for name in layers:
            handles.append(model.get_submodule(name).register_forward_hook(_note(calls[name])))
        prediction = model(*inputs, **named)
    finally:
        for handle in handles:
            handle.remove()
    samples = next((len(a) for a in (*inputs, *named.values()) if isinstance(a, Tensor) and a.ndim), None)
    outputs: dict[str, Tensor] = {}
    for name, returned in calls.items():
        if len(returned) != 1:
            times = "did not run" if not returned else f"ran {len(returned)} times"
            raise ValueError(f"layer {name!r} {times} in a forward pass; name one that runs once")
        output = returned[0]
        if not isinstance(output, Tensor):
            kind = type(output).__name__
            raise ValueError(f"layer {name!r} returns a {kind}; name one inside it, or after it, that returns a tensor")
        if output.ndim < 2 or 0 in output.shape or not output.is_floating_point():
            got = f"{tuple(output.shape)} of {output.dtype}"
            raise ValueError(f"layer {name!r} must return floats of shape (batch, channels, …), got {got}")
        samples = len(output) if samples is None else samples
        if len(output) != samples:
            got = f"{tuple(output.shape)} for {samples} samples"
            raise ValueError(f"layer {name!r} must return a row for each sample of the batch, got {got}")
        outputs[name] = output
    return prediction, outputs


@contextmanager
def at_rest(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode without gradients inside, and every part of it back into its own mode."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, training in modes.items():
            part.training = training


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Leave buffers and torch's random generators as they were, whatever runs inside."""
    before = [(buffer, buffer.clone()) for buffer in model.buffers()]
    devices = {p.device.index for p in model.parameters() if p.is_cuda}
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        with torch.no_grad():
            for buffer, value in before:  # some modules count their calls in evaluation mode too
                buffer.copy_(value)


def _note(returned: list[Any]) -> Callable[[nn.Module, Any, Any], None]:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        returned.append(output)

    return hook
