"""What a network costs: parameters, and floating-point operations (FLOPs) of one forward pass for one sample.

A multiply-add counts as two FLOPs; articles that count it as one print half of these figures. Convolutions and matrix
products are counted, and nothing else: normalization, activation, pooling and sums are not.

The pass runs on torch's meta device, where tensors have a shape and no content. It takes no memory, touches neither the
weights nor the running statistics, and needs no GPU even for a network that lies on one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """The cost of one network.

    Attributes:
        parameters: numbers that training can change.
        flops: of a forward pass for one sample, two for a multiply-add.
    """

    parameters: int
    flops: int


def parameters(module: nn.Module) -> int:
    """Return how many numbers training can change: one that is used twice counts once, running statistics do not."""
    return sum(parameter.numel() for parameter in module.parameters())


def forward_flops(module: nn.Module, *inputs: Any) -> int:
    """Return the FLOPs of ``module(*inputs)`` for one sample, two for a multiply-add.

    Args:
        module: on any device, in any mode; counted in evaluation, where one small image needs no company.
        inputs: tensors, or dictionaries and sequences of tensors, the samples along their first dimension; their
            content does not matter.

    Raises:
        ValueError: something else among the inputs, no sample, or different numbers of samples.
    """
    samples = {len(tensor) for tensor in _tensors(inputs)}
    if len(samples) != 1 or min(samples) < 1:
        raise ValueError(f"wanted inputs of one number of samples, at least 1; got {sorted(samples)}")
    state = {name: tensor.to("meta") for name, tensor in (*module.named_parameters(), *module.named_buffers())}
    modes = {inner: inner.training for inner in module.modules()}
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            functional_call(module.eval(), state, tuple(_to_meta(value) for value in inputs))
    finally:
        for inner, training in modes.items():
            inner.training = training
    return counter.get_total_flops() // samples.pop()


def of(module: nn.Module, *inputs: Any) -> Cost:
    """Return the cost of a network; arguments as for `forward_flops`."""
    return Cost(parameters(module), forward_flops(module, *inputs))


def describe(costs: Mapping[str, Cost]) -> str:
    """Return a Markdown table with a line for each network; the last column is in percent of the first one's FLOPs.

    Raises:
        ValueError: no network, or a first one that costs nothing.
    """
    first = next(iter(costs.values())).flops if costs else 0
    if first < 1:
        raise ValueError(f"wanted the costs of networks, the first of at least 1 FLOP; got {dict(costs)}")
    lines = ["| network | parameters | FLOPs, one sample | of the first |", "|---|---:|---:|---:|"]
    lines += [
        f"| {name} | {_short(one.parameters)} | {_short(one.flops)} | {100 * one.flops / first:.3g}% |"
        for name, one in costs.items()
    ]
    return "\n".join(lines)


def _short(count: int) -> str:
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= unit:
            return f"{count / unit:.2f}{name}"
    return str(count)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _tensors(inner)
    else:
        raise ValueError(f"inputs are tensors, or dictionaries and sequences of tensors; got {type(value).__name__}")


def _to_meta(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.to("meta")
    if isinstance(value, Mapping):
        return {name: _to_meta(inner) for name, inner in value.items()}
    return [_to_meta(inner) for inner in value]
