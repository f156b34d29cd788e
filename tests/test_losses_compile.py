"""The losses compile whole, for every kind of pair, and refuse bad values there too."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

import llpp_core.losses


def as_users_import_it() -> ModuleType:
    """The module anew, without the checks of tensor types: only tests add those, and no compiler can read them."""
    spec = importlib.util.spec_from_file_location("losses_without_checks", llpp_core.losses.__file__)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


losses = as_users_import_it()
learning_loss, learning_loss_pp = losses.learning_loss, losses.learning_loss_pp
learning_loss_pp_batch = losses.learning_loss_pp_batch
WAYS: dict[str, Callable[..., Tensor]] = {
    "LL halves": learning_loss,
    "LL all": partial(learning_loss, pairs="all", margin=0.3),
    "LL each of all": partial(learning_loss, pairs="all", reduction="none"),
    "LL++ halves": partial(learning_loss_pp, reduction="none"),
    "LL++ all": partial(learning_loss_pp, pairs="all"),
    "LL++ all, α = 3": partial(learning_loss_pp, pairs="all", alpha=3),
    "LL++ each of all": partial(learning_loss_pp, pairs="all", reduction="none"),
    "LL++ named pairs": partial(learning_loss_pp, pairs=torch.tensor([[0, 3], [2, 1]])),
    "LL++ batch": learning_loss_pp_batch,
    "LL++ batch, α = ½": partial(learning_loss_pp_batch, alpha=0.5),
}
each_way = pytest.mark.parametrize("loss", WAYS.values(), ids=WAYS)
pytestmark = [
    pytest.mark.usefixtures("fresh_compiler"),
    # torch 2.13 does this itself while it traces a torch.autograd.Function.
    pytest.mark.filterwarnings("ignore:.*torch.autograd.function.Function.* should not be instantiated"),
]


@pytest.fixture
def fresh_compiler() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def compiled(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return torch.compile(loss, fullgraph=True, backend="aot_eager")


def batch(n: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    predicted, true = torch.randn(n, generator=generator), torch.rand(n, generator=generator)
    true[0] = 0
    return predicted.to(dtype).requires_grad_(), true.to(dtype)


def gradient(values: Tensor, of: Tensor) -> Tensor:
    (result,) = torch.autograd.grad(values.sum(), of)
    return result


@each_way
def test_compiled_values_and_gradients_are_the_plain_ones(loss) -> None:
    fast = compiled(loss)
    for n in (9, 130):
        predicted, true = batch(n)
        value, wanted = fast(predicted, true), loss(predicted, true)
        assert_close(value, wanted, rtol=1e-5, atol=1e-6)
        assert_close(gradient(value, predicted), gradient(wanted, predicted), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", [partial(learning_loss_pp, pairs="all"), learning_loss_pp_batch])
def test_half_precision_is_computed_in_float32_while_compiled(loss) -> None:
    predicted, true = batch(9, torch.bfloat16)
    value, wanted = compiled(loss)(predicted, true), loss(predicted, true)
    assert value.dtype == torch.float32
    assert_close(value, wanted, rtol=1e-5, atol=1e-6)
    assert gradient(value, predicted).dtype == torch.bfloat16


@pytest.mark.parametrize("loss", [learning_loss, learning_loss_pp])
def test_the_mean_of_all_pairs_compiles_once_for_every_size(loss) -> None:
    fast = compiled(partial(loss, pairs="all"))
    for n in (5, 6):  # one size, then any size
        fast(*batch(n))
    with torch.compiler.set_stance("fail_on_recompile"):
        for n in range(7, 20):
            predicted, true = batch(n)
            assert_close(fast(predicted, true), loss(predicted, true, pairs="all"), rtol=1e-5, atol=1e-6)


@each_way
def test_bad_values_raise_while_compiled(loss) -> None:
    fast = compiled(loss)
    predicted, true = batch(8)
    for bad in (float("nan"), float("inf"), -1.0):
        broken = torch.tensor([1.0, bad, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
        with pytest.raises(RuntimeError, match="true_loss must be finite and at least 0"):
            fast(predicted, broken)
        if bad != -1.0:
            with pytest.raises(RuntimeError, match="predicted_loss must be finite"):
                fast(broken.requires_grad_(), true)
    assert bool(torch.isfinite(fast(predicted, true)).all())


def test_pairs_outside_of_the_batch_raise_while_compiled() -> None:
    fast = compiled(learning_loss)
    for outside in (8, -1):
        with pytest.raises(RuntimeError, match="pairs must hold indices of the batch"):
            fast(*batch(8), pairs=torch.tensor([[0, outside]]))
