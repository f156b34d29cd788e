"""k-center greedy picks what the plain loop picks, to the last tie, and never holds all distances."""

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from llpp_core.acquisition import CoreSet, Pool, core_set, k_center_greedy


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def by_definition(pool: Tensor, labeled: Tensor, budget: int) -> list[int]:
    """One distance at a time."""
    covered, picked = list(labeled.double()), []
    for _ in range(budget):
        best, farthest = -1, -1.0
        for i, row in enumerate(pool.double()):
            distance = min(float((row - other).norm()) for other in covered)
            if i not in picked and distance > farthest:
                best, farthest = i, distance
        picked.append(best)
        covered.append(pool[best].double())
    return picked


def plain(pool: Tensor, labeled: Tensor, budget: int) -> list[int]:
    """The loop in float64: a difference, its squares, their sum."""
    pool, picked = pool.double(), []
    nearest = torch.full((len(pool),), torch.inf, dtype=torch.float64)
    for point in labeled.double():
        nearest = torch.minimum(nearest, (pool - point).square().sum(1))
    for _ in range(budget):
        picked.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (pool - pool[picked[-1]]).square().sum(1))
        nearest[picked] = -torch.inf
    return picked


def clusters(n: int, d: int, *, apart: float, radius: float, seed: int) -> Tensor:
    """Samples round six centers."""
    draws = generator(seed)
    centers = apart * torch.randn(6, d, generator=generator(5), dtype=torch.float64)
    at = torch.randint(6, (n,), generator=draws)
    return centers[at] + radius * torch.randn(n, d, generator=draws, dtype=torch.float64)


def kinds(n: int, d: int, seed: int) -> dict[str, Tensor]:
    draws = generator(seed)
    normal = torch.randn(n, d, generator=draws, dtype=torch.float64)
    few = torch.randn(9, d, generator=generator(7), dtype=torch.float64)
    return {
        "normal": normal,
        "far from the origin": normal + 1e6,
        "of all sizes": normal * (3 * torch.randn(n, 1, generator=draws, dtype=torch.float64)).exp(),
        "huge": normal * 1e140,
        "on a grid": torch.randint(0, 3, (n, d), generator=draws).double(),
        "copies": few[torch.randint(9, (n,), generator=draws)],
        "tight clusters far apart": clusters(n, d, apart=1e4, radius=1e-5, seed=seed),
        "on a line": normal[:, :1] * torch.linspace(-1, 2, d, dtype=torch.float64),
    }


@pytest.mark.parametrize(("n", "m", "d", "budget"), [(12, 3, 2, 12), (40, 30, 5, 8), (30, 1, 1, 6), (5, 4, 3, 0)])
def test_the_picks_are_those_of_the_definition(n: int, m: int, d: int, budget: int) -> None:
    pool, labeled = torch.randn(n, d, generator=generator(n)), torch.randn(m, d, generator=generator(m + 100))
    assert k_center_greedy(pool, labeled, budget).tolist() == by_definition(pool, labeled, budget)


FITS = {
    torch.float64: list(kinds(1, 1, 0)),
    torch.float32: [kind for kind in kinds(1, 1, 0) if kind != "huge"],
    torch.float16: ["normal", "on a grid", "copies", "on a line"],
}


@pytest.mark.parametrize(("kind", "dtype"), [(kind, dtype) for dtype in FITS for kind in FITS[dtype]])
@pytest.mark.parametrize(("n", "m", "d", "budget"), [(400, 30, 16, 400), (700, 3, 2, 300), (600, 1100, 40, 250)])
def test_the_picks_are_those_of_the_plain_loop(kind: str, n: int, m: int, d: int, budget: int, dtype) -> None:
    pool, labeled = kinds(n, d, 1)[kind].to(dtype), kinds(m, d, 2)[kind].to(dtype)
    assert k_center_greedy(pool, labeled, budget).tolist() == plain(pool, labeled, budget)


@pytest.mark.parametrize("front", [1, 2, 16, 10_000])
@pytest.mark.parametrize("at_once", [1, 300, 2**20])
def test_sizes_of_blocks_change_no_pick(monkeypatch, front: int, at_once: int) -> None:
    monkeypatch.setattr(core_set, "FRONT", front)
    monkeypatch.setattr(core_set, "AT_ONCE", at_once)
    for kind in ("normal", "on a grid", "copies", "tight clusters far apart"):
        pool, labeled = kinds(60, 3, 1)[kind], kinds(7, 3, 2)[kind]
        assert k_center_greedy(pool, labeled, 60).tolist() == plain(pool, labeled, 60), kind


def test_ties_go_to_the_lowest_index() -> None:
    line = torch.tensor([[0.0], [-4.0], [4.0], [2.0], [-2.0], [4.0]])
    assert k_center_greedy(line, torch.zeros(1, 1), 6).tolist() == [1, 2, 3, 4, 0, 5]
    assert k_center_greedy(torch.ones(4, 3), torch.ones(1, 3), 4).tolist() == [0, 1, 2, 3]


def test_a_copy_of_a_labeled_sample_lies_at_distance_zero() -> None:
    # Far from the origin and with many rows, distances by matrix products are wrong by more than these differences.
    labeled = 1e6 + torch.randn(30, 4, generator=generator(1), dtype=torch.float64)
    pool = labeled.clone()
    pool[20] += 1e-4
    assert k_center_greedy(pool, labeled, 3).tolist() == [20, 0, 1]
    scores = CoreSet().score(
        Pool([str(i) for i in range(30)], embeddings=pool, labeled_embeddings=labeled), generator=generator()
    )
    assert scores.nonzero().flatten().tolist() == [20]


def test_arguments_are_left_alone_and_gradients_out_of_it() -> None:
    pool = torch.randn(6, 2, generator=generator(), dtype=torch.float64, requires_grad=True)
    before = pool.detach().clone()
    assert not k_center_greedy(pool, torch.zeros(1, 2, requires_grad=True), 4).requires_grad
    assert torch.equal(pool.detach(), before)


def test_embeddings_without_a_dimension_are_all_alike() -> None:
    assert k_center_greedy(torch.zeros(3, 0), torch.zeros(1, 0), 3).tolist() == [0, 1, 2]


class Largest(TorchDispatchMode):
    """Notes the largest tensor that is made while it is on."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else [out]:
            if isinstance(tensor, Tensor):
                self.numbers = max(self.numbers, tensor.numel())
        return out


def test_memory_grows_with_the_pool_alone() -> None:
    n, m, d, budget = 3_000, 2_000, 8, 1_500
    pool, labeled = torch.randn(n, d, generator=generator(1)), torch.randn(m, d, generator=generator(2))
    with Largest() as largest:
        k_center_greedy(pool, labeled, budget)
    assert n * d <= largest.numbers <= core_set.AT_ONCE < n * budget < n * m


@pytest.mark.parametrize("budget", [-1, 4])
def test_a_budget_beyond_the_pool_is_refused(budget: int) -> None:
    with pytest.raises(ValueError, match=f"a pool of 3 samples cannot give {budget}"):
        k_center_greedy(torch.zeros(3, 2), torch.zeros(1, 2), budget)


def test_something_has_to_be_labeled() -> None:
    with pytest.raises(ValueError, match="at least one labeled sample to start from, got 0"):
        k_center_greedy(torch.zeros(3, 2), torch.zeros(0, 2), 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e200])
@pytest.mark.parametrize("name", ["pool", "labeled"])
def test_coordinates_that_have_no_square_are_named(name: str, value: float) -> None:
    parts = {"pool": torch.zeros(4, 2, dtype=torch.float64), "labeled": torch.zeros(3, 2, dtype=torch.float64)}
    parts[name][2, 1] = value
    with pytest.raises(ValueError, match=rf"finite and below 1e\+150; those of {name} are not at position 2$"):
        k_center_greedy(parts["pool"], parts["labeled"], 1)


@pytest.mark.usefixtures("as_users_run_it")
def test_other_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(1, 4\)"):
        k_center_greedy(torch.zeros(3, 2), torch.zeros(1, 4), 1)


def test_the_score_is_the_distance_to_the_nearest_labeled_sample() -> None:
    pool = Pool(("a", "b"), embeddings=torch.tensor([[3.0, 4.0], [0.0, 1.0]]), labeled_embeddings=torch.zeros(2, 2))
    assert CoreSet().score(pool, generator=generator()).tolist() == [5.0, 1.0]
