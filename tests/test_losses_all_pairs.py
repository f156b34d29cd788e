"""The mean over all pairs, computed in blocks with a gradient in closed form, is the mean of what each pair gives."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from llpp_core import losses
from llpp_core.analysis import objectives
from llpp_core.losses import learning_loss, learning_loss_pp

WAYS: dict[str, Callable[..., Tensor]] = {
    "LL": learning_loss,
    "LL, no margin": partial(learning_loss, margin=0),
    "LL++": learning_loss_pp,
    "LL++, α = ½": partial(learning_loss_pp, alpha=0.5),
    "LL++, α = 100": partial(learning_loss_pp, alpha=100),
}
each_way = pytest.mark.parametrize("loss", WAYS.values(), ids=WAYS)


def batch(n: int, kind: str = "smooth", dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    predicted = 2 * torch.randn(n, generator=generator, dtype=torch.float64)
    true = torch.rand(n, generator=generator, dtype=torch.float64) + 1e-3
    if kind == "tied":  # whole numbers: equal true losses, zeros, equal predictions, gaps that equal the margin
        predicted, true = predicted.round(), (4 * true).floor()
    if kind == "extreme":
        predicted, true = 1e4 * predicted.sin(), 10 ** (24 * true.clamp_max(1) - 12)
    if kind == "untrained":  # a predictor whose last layer starts at zero
        predicted = torch.zeros_like(predicted)
    return predicted.to(dtype).requires_grad_(), true.to(dtype)


def value_and_gradient(loss: Tensor, of: Tensor) -> tuple[Tensor, Tensor]:
    (gradient,) = torch.autograd.grad(loss, of)
    return loss.detach(), gradient


@each_way
@pytest.mark.parametrize("kind", ["smooth", "tied", "extreme", "untrained"])
@pytest.mark.parametrize("n", [1, 2, 3, 60, 182, 250])  # the last two take several blocks
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_the_mean_is_the_mean_of_the_pairs(loss, kind: str, n: int, dtype: torch.dtype, tolerance: float) -> None:
    predicted, true = batch(n, kind, dtype)
    each = loss(predicted, true, pairs="all", reduction="none")
    assert each.shape == (n * (n - 1) // 2,)
    value, gradient = value_and_gradient(loss(predicted, true, pairs="all"), predicted)
    wanted, wanted_gradient = value_and_gradient(each.sum() / max(len(each), 1), predicted)
    assert value.dtype == gradient.dtype == dtype
    assert_close(value, wanted, rtol=tolerance, atol=1e-12)
    # A sum of pushes of both signs: its rounding goes by their sizes, which add up to 2 / n at most.
    assert_close(gradient, wanted_gradient, rtol=tolerance, atol=tolerance / n)


@pytest.mark.parametrize("loss", [learning_loss, learning_loss_pp])
def test_many_blocks_give_the_derived_values_and_gradients(loss) -> None:
    n = 250
    predicted, true = batch(n)
    objective = objectives.learning_loss() if loss is learning_loss else objectives.learning_loss_pp()
    first, second = torch.triu_indices(n, n, 1)
    at = [x[index].detach().numpy() for x in (predicted, true) for index in (first, second)]
    at += [1.0] if loss is learning_loss else []
    wanted = torch.zeros(n, dtype=torch.float64)
    for index, symbol in ((first, "predicted_loss_i"), (second, "predicted_loss_j")):
        wanted.index_add_(0, index, torch.as_tensor(objective.numpy(symbol)(*at)) / len(first))
    value, gradient = value_and_gradient(loss(predicted, true, pairs="all"), predicted)
    assert_close(float(value), float(objective.numpy()(*at).mean()), rtol=1e-12, atol=0)
    assert_close(gradient, wanted, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("kind", ["smooth", "extreme"])
@pytest.mark.parametrize("loss", [learning_loss, learning_loss_pp])
def test_eight_million_pairs_are_summed_accurately_in_float32(loss, kind: str) -> None:
    predicted, true = batch(4096, kind, torch.float32)
    value, gradient = value_and_gradient(loss(predicted, true, pairs="all"), predicted)
    wide = predicted.detach().double().requires_grad_()
    exact, exact_gradient = value_and_gradient(loss(wide, true.double(), pairs="all"), wide)
    assert float(value) == pytest.approx(float(exact), rel=1e-5)
    assert float((gradient - exact_gradient).abs().max() / exact_gradient.abs().max()) < 1e-5


@each_way
@pytest.mark.parametrize("at_once", [1, 30, 60, 10**6])
def test_blocks_of_any_size_give_the_same(loss, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, true = batch(20)
    wanted, wanted_gradient = value_and_gradient(loss(predicted, true, pairs="all", reduction="none").mean(), predicted)
    monkeypatch.setattr(losses, "PAIRS_AT_ONCE_ON_CPU", at_once)
    value, gradient = value_and_gradient(loss(predicted, true, pairs="all"), predicted)
    assert_close(value, wanted, rtol=1e-13, atol=1e-15)
    assert_close(gradient, wanted_gradient, rtol=1e-12, atol=1e-15)


@each_way
def test_the_gradient_carries_what_is_above_it(loss) -> None:
    predicted, true = batch(9)
    _, once = value_and_gradient(loss(predicted, true, pairs="all"), predicted)
    _, scaled = value_and_gradient(-3 * loss(2 * predicted, true, pairs="all"), predicted)
    doubled = (2 * predicted).detach().requires_grad_()
    _, inner = value_and_gradient(loss(doubled, true, pairs="all"), doubled)
    assert_close(scaled, -6 * inner)
    assert not torch.equal(once, scaled)


@each_way
def test_without_a_gradient_to_take_there_is_the_value(loss) -> None:
    predicted, true = batch(9)
    with torch.no_grad():
        value = loss(predicted, true, pairs="all")
    assert not value.requires_grad
    assert not loss(predicted.detach(), true, pairs="all").requires_grad
    assert_close(value, loss(predicted, true, pairs="all").detach(), rtol=0, atol=0)


@each_way
def test_a_second_derivative_is_refused_never_zero(loss) -> None:
    predicted, true = batch(6)
    # The square has a second derivative of its own, so that an absent one would pass unseen.
    value = loss(predicted, true, pairs="all") + predicted.square().sum()
    (first,) = torch.autograd.grad(value, predicted, create_graph=True)
    with pytest.raises(RuntimeError, match='the mean over pairs="all" has one derivative'):
        torch.autograd.grad(first.sum(), predicted)


def test_a_second_derivative_of_each_pair_is_q_times_its_rest() -> None:
    predicted, true = batch(2)
    value = learning_loss_pp(predicted, true, pairs="all", reduction="none").mean()
    (first,) = torch.autograd.grad(value, predicted, create_graph=True)
    (second,) = torch.autograd.grad(first[0], predicted)
    q = predicted.detach().softmax(0)
    assert_close(second, torch.stack([q.prod(), -q.prod()]))


MEASURE = """
import json, sys, torch
from pathlib import Path
from llpp_core import losses
torch.set_num_threads(2)
loss, wide = getattr(losses, sys.argv[1]), {"dtype": torch.float64}
predicted, true = torch.randn(4096, **wide, requires_grad=True), torch.rand(4096, **wide)
mebibytes = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
loss(predicted[:9], true[:9], pairs="all").backward()
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew at what is held now
before = mebibytes()
loss(predicted, true, pairs="all").backward()
print(json.dumps(mebibytes() - before))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is measured as Linux tells it")
@pytest.mark.parametrize("loss", ["learning_loss", "learning_loss_pp"])
def test_eight_million_pairs_need_little_memory(loss: str, root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, loss], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 0 <= json.loads(done.stdout) < 128  # MiB; one float64 matrix of all pairs alone has 128
