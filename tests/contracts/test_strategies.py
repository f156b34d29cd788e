"""One battery over every acquisition strategy."""

from dataclasses import fields, replace

import pytest
import torch

from llpp_core.acquisition import Pool, Strategy, ask, get, names

N = 30
SCORED = [name for name in names() if name != "random"]
"""Those that look at the samples."""
GROWING = [name for name in names() if name != "clustered_predicted_loss"]
"""Those whose larger choices hold the smaller ones; the clusters depend on the budget."""
EVIDENCE = ("predicted_loss", "embeddings", "labeled_embeddings", "multipeak_entropy", "true_loss")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pool(n: int = N, seed: int = 0) -> Pool:
    draws = generator(seed)
    return Pool(
        ids=tuple(f"s{i}" for i in range(n)),
        predicted_loss=torch.randn(n, generator=draws),
        embeddings=torch.randn(n, 4, generator=draws),
        labeled_embeddings=torch.randn(5, 4, generator=draws),
        multipeak_entropy=torch.rand(n, generator=draws),
        true_loss=torch.rand(n, generator=draws),
        labeled_ids=tuple(f"l{i}" for i in range(5)),
    )


def with_sample(whole: Pool, i: int, value: float) -> Pool:
    """The pool with one sample's losses, entropy and coordinates set to a value."""
    changed = {name: getattr(whole, name).clone() for name in EVIDENCE if name != "labeled_embeddings"}
    for rows in changed.values():
        rows[i] = value
    return replace(whole, **changed)


@pytest.fixture(params=names())
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return get(request.param)


def test_is_a_strategy_that_declares_what_it_needs(strategy) -> None:
    assert isinstance(strategy, Strategy)
    assert set(strategy.needs) <= set(EVIDENCE) < {field.name for field in fields(Pool)}


def test_needs_no_more_than_it_declares(strategy) -> None:
    whole = pool()
    bare = Pool(whole.ids, **{name: getattr(whole, name) for name in strategy.needs})
    chosen = ask(strategy, bare, 9, generator=generator())
    assert torch.equal(chosen, ask(strategy, whole, 9, generator=generator()))


@pytest.mark.parametrize(("name", "missing"), [(name, need) for name in names() for need in get(name).needs])
def test_what_the_pool_lacks_is_said_in_a_sentence(name: str, missing: str) -> None:
    wanted = " and ".join(get(name).needs)
    with pytest.raises(ValueError, match=f"^{name} needs {wanted}, and the pool has no {missing}$"):
        ask(get(name), replace(pool(), **{missing: None}), 3, generator=generator())


@pytest.mark.parametrize("budget", [0, 1, 7, N - 1, N])
def test_gives_exactly_the_budget_without_repeats(strategy, budget: int) -> None:
    for seed in range(5):
        chosen = ask(strategy, pool(seed=seed), budget, generator=generator(seed))
        assert chosen.dtype == torch.int64
        assert chosen.shape == (budget,)
        assert len(set(chosen.tolist())) == budget
        assert set(chosen.tolist()) <= set(range(N))


@pytest.mark.parametrize("i", [0, 11, N - 1])
@pytest.mark.parametrize("name", SCORED)
def test_higher_means_ask_first(name: str, i: int) -> None:
    outstanding = with_sample(pool(), i, 50.0)
    assert int(get(name).score(outstanding, generator=generator()).argmax()) == i
    assert int(ask(get(name), outstanding, 3, generator=generator())[0]) == i


@pytest.mark.parametrize("name", GROWING)
def test_a_larger_budget_goes_on_where_a_smaller_one_ends(name: str) -> None:
    few, many = (ask(get(name), pool(), budget, generator=generator()).tolist() for budget in (5, 12))
    assert many[:5] == few


def test_the_first_pick_has_the_highest_score(strategy) -> None:
    score = strategy.score(pool(), generator=generator())
    assert score.shape == (N,)
    assert int(ask(strategy, pool(), 1, generator=generator())) == int(score.argmax())
    assert int(ask(strategy, pool(), 9, generator=generator())[0]) == int(score.argmax())


def test_the_same_seed_makes_the_same_choice(strategy) -> None:
    first, again = (ask(strategy, pool(), 9, generator=generator(4)) for _ in range(2))
    assert torch.equal(first, again)


@pytest.mark.parametrize("name", SCORED)
def test_where_samples_are_looked_at_the_seed_has_no_part(name: str) -> None:
    first, other = (ask(get(name), pool(), 9, generator=generator(seed)) for seed in (4, 5))
    assert torch.equal(first, other)


def test_the_global_generator_has_no_part(strategy) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    ask(strategy, pool(), 9, generator=generator())
    assert torch.equal(torch.get_rng_state(), before)


def test_the_pool_is_left_as_it_was(strategy) -> None:
    whole, before = pool(), pool()
    scores = strategy.score(whole, generator=generator())
    kept = scores.clone()
    strategy.select(scores, 9, pool=whole)
    assert torch.equal(scores, kept)
    assert all(torch.equal(getattr(whole, name), getattr(before, name)) for name in EVIDENCE)


@pytest.mark.parametrize("budget", [N + 1, -1])
def test_a_budget_beyond_the_pool_is_refused(strategy, budget: int) -> None:
    with pytest.raises(ValueError, match=f"a pool of {N} samples cannot give {budget}"):
        ask(strategy, pool(), budget, generator=generator())


def test_an_empty_pool_gives_nothing_and_no_more(strategy) -> None:
    assert ask(strategy, pool(0), 0, generator=generator()).tolist() == []
    with pytest.raises(ValueError, match="a pool of 0 samples cannot give 1"):
        ask(strategy, pool(0), 1, generator=generator())


def test_a_pool_of_one_gives_it(strategy) -> None:
    assert ask(strategy, pool(1), 1, generator=generator()).tolist() == [0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(("name", "needed"), [(name, need) for name in SCORED for need in get(name).needs])
def test_what_is_not_finite_is_named_by_id(name: str, needed: str, value: float) -> None:
    rows = getattr(pool(), needed).clone()
    rows.view(len(rows), -1)[3, -1] = value
    broken = replace(pool(), **{needed: rows})
    sample = "l3" if needed == "labeled_embeddings" else "s3"
    with pytest.raises(ValueError, match=rf"^{needed} must be finite; they are not for {sample}$"):
        ask(get(name), broken, 3, generator=generator())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_scores_that_are_not_finite_are_named_by_id(strategy, value: float) -> None:
    scores = torch.rand(N, generator=generator())
    scores[[7, 9]] = value
    with pytest.raises(ValueError, match=r"^scores must be finite; they are not for s7, s9$"):
        strategy.select(scores, 3, pool=pool())


@pytest.mark.parametrize("name", SCORED)
def test_ties_go_to_the_lowest_index(name: str) -> None:
    alike = {name: torch.ones_like(getattr(pool(), name)) for name in EVIDENCE}
    assert ask(get(name), replace(pool(), **alike), N, generator=generator()).tolist() == list(range(N))
    assert ask(get(name), replace(pool(), **alike), 4, generator=generator()).tolist() == [0, 1, 2, 3]


def test_a_pool_that_holds_a_labeled_sample_is_refused(strategy) -> None:
    whole = pool()
    with pytest.raises(ValueError, match=r"^a pool holds no labeled sample, got s4, s20$"):
        ask(strategy, replace(whole, labeled_ids=("s20", "l1", "s4", "l2", "l3")), 3, generator=generator())


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("name", SCORED)
def test_a_pool_whose_parts_have_other_lengths_is_refused(name: str) -> None:
    whole = pool()
    with pytest.raises(ValueError, match=rf"{N}.*{N - 1}|{N - 1}.*{N}"):
        ask(get(name), replace(whole, ids=whole.ids[:-1]), 3, generator=generator())
