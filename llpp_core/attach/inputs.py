"""What a model is given, and values that have to be numbers: the checks that attaching, scoring and training share."""

from math import inf

from torch import Tensor, isfinite

Inputs = Tensor | tuple[Tensor, ...]
"""A model's argument, samples along its first axis, or a tuple of such arguments."""


def arguments(inputs: Inputs) -> tuple[Tensor, ...]:
    """Return the arguments of a model as a tuple, all with as many samples.

    Raises:
        ValueError: no argument, no sample, something that is no tensor, or arguments of different lengths.
    """
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    shapes = [tuple(a.shape) if isinstance(a, Tensor) else type(a).__name__ for a in given]
    if not given or any(not isinstance(shape, tuple) or not shape or not shape[0] for shape in shapes):
        raise ValueError(f"wanted tensors with at least one sample along their first axis, got {shapes}")
    if len({len(a) for a in given}) > 1:
        raise ValueError(f"a model's arguments must have as many samples each, got shapes {shapes}")
    return given


def check_finite(name: str, values: Tensor, rows: Tensor, *, at_least: int | float = -inf) -> None:
    """Raise unless all values are finite and at least so large.

    Args:
        name: what they are.
        values: (n,) one a sample.
        rows: (n,) which sample of the reader's each is.
        at_least: the smallest value allowed.

    Raises:
        ValueError: some are not, with their rows.
    """
    broken = ~isfinite(values) | (values < at_least)
    if bool(broken.any()):
        at = rows[broken.cpu()].tolist()
        shown = ", ".join(map(str, at[:10])) + (", …" if len(at) > 10 else "")
        wanted = "finite" if at_least == -inf else f"finite and at least {at_least:g}"
        raise ValueError(f"the {name} must be {wanted}; it is not for row {shown}")
