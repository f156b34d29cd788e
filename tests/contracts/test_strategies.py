"""One battery over every acquisition strategy."""

from dataclasses import replace

import pytest
import torch

from llpp_core.acquisition import Pool, ask, get, names

N = 30


def pool(n: int = N, seed: int = 0) -> Pool:
    generator = torch.Generator().manual_seed(seed)
    return Pool(
        ids=tuple(f"s{i}" for i in range(n)),
        predicted_loss=torch.randn(n, generator=generator),
        embeddings=torch.randn(n, 4, generator=generator),
        labeled_embeddings=torch.randn(5, 4, generator=generator),
    )


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=names())
def strategy(request: pytest.FixtureRequest):
    return get(request.param)


@pytest.mark.parametrize("budget", [0, 1, 7, N])
def test_gives_exactly_the_budget_without_repeats(strategy, budget: int) -> None:
    chosen = ask(strategy, pool(), budget, generator=generator())
    assert chosen.dtype == torch.int64
    assert len(chosen) == len(set(chosen.tolist())) == budget
    assert set(chosen.tolist()) <= set(range(N))


def test_a_larger_budget_goes_on_where_a_smaller_one_ends(strategy) -> None:
    few, many = (ask(strategy, pool(), budget, generator=generator()).tolist() for budget in (5, 12))
    assert many[:5] == few


def test_the_first_pick_has_the_highest_score(strategy) -> None:
    score = strategy.score(pool(), generator=generator())
    assert score.shape == (N,)
    assert int(ask(strategy, pool(), 1, generator=generator())) == int(score.argmax())


def test_the_same_seed_makes_the_same_choice(strategy) -> None:
    first, again = (ask(strategy, pool(), 9, generator=generator(4)) for _ in range(2))
    assert torch.equal(first, again)


def test_the_global_generator_has_no_part(strategy) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    ask(strategy, pool(), 9, generator=generator())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("budget", [N + 1, -1])
def test_a_budget_beyond_the_pool_is_refused(strategy, budget: int) -> None:
    with pytest.raises(ValueError, match=f"a pool of {N} samples cannot give {budget}"):
        ask(strategy, pool(), budget, generator=generator())


def test_an_empty_pool_gives_nothing_and_no_more(strategy) -> None:
    assert len(ask(strategy, pool(0), 0, generator=generator())) == 0
    with pytest.raises(ValueError, match="a pool of 0 samples cannot give 1"):
        ask(strategy, pool(0), 1, generator=generator())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", [n for n in names() if n != "random"])
def test_scores_that_are_not_finite_are_named_by_id(name: str, value: float) -> None:
    broken = pool()
    broken.predicted_loss[7] = value
    broken.embeddings[7, 2] = value
    with pytest.raises(ValueError, match=r"scores must be finite; they are not for s7$"):
        ask(get(name), broken, 3, generator=generator())


@pytest.mark.parametrize("name", [n for n in names() if n != "random"])
def test_ties_go_to_the_lowest_index(name: str) -> None:
    alike = replace(pool(), predicted_loss=torch.ones(N), embeddings=torch.ones(N, 4))
    assert ask(get(name), alike, N, generator=generator()).tolist() == list(range(N))


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("name", [n for n in names() if n != "random"])
def test_a_pool_whose_parts_have_other_lengths_is_refused(name: str) -> None:
    whole = pool()
    with pytest.raises(ValueError, match=rf"{N}.*{N - 1}|{N - 1}.*{N}"):
        ask(get(name), replace(whole, ids=whole.ids[:-1]), 3, generator=generator())
