"""What all strategies share: pools, the best of a list of scores, and the table of names."""

from dataclasses import replace

import pytest
import torch

from llpp_core.acquisition import Oracle, Pool, PredictedLoss, Random, ask, get, names, top


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_top_takes_the_highest_first_and_ties_by_the_lowest_index() -> None:
    scores = torch.tensor([1.0, 3.0, 3.0, -2.0, 1.0])
    assert top(scores, 4, ids="abcde").tolist() == [1, 2, 0, 4]
    assert top(torch.zeros(500), 500, ids=["x"] * 500).tolist() == list(range(500))


def test_top_names_at_most_ten_broken_scores() -> None:
    with pytest.raises(ValueError, match=r"not for s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, …$"):
        top(torch.full((11,), torch.nan), 1, ids=[f"s{i}" for i in range(11)])
    with pytest.raises(ValueError, match=r"not for s0, s1, s2, s3, s4, s5, s6, s7, s8, s9$"):
        top(torch.full((10,), torch.nan), 1, ids=[f"s{i}" for i in range(10)])


def test_random_is_uniform() -> None:
    counts = torch.zeros(5)
    draws = generator(3)
    for _ in range(1_000):
        counts[ask(Random(), Pool("abcde"), 2, generator=draws)] += 1
    assert bool(((counts > 340) & (counts < 460)).all())  # 400 expected, 4 standard deviations are 62


def test_predicted_loss_asks_for_the_highest() -> None:
    pool = Pool("abcd", predicted_loss=torch.tensor([0.1, 5.0, -3.0, 5.0]))
    assert ask(PredictedLoss(), pool, 3, generator=generator()).tolist() == [1, 3, 0]


def test_the_oracle_asks_for_the_highest_true_loss() -> None:
    pool = Pool("abcd", predicted_loss=torch.tensor([9.0, 1.0, 2.0, 3.0]), true_loss=torch.tensor([0.1, 5.0, 0.0, 5.0]))
    assert ask(Oracle(), pool, 3, generator=generator()).tolist() == [1, 3, 0]


def test_all_that_is_missing_is_named() -> None:
    with pytest.raises(
        ValueError,
        match=r"^core_set needs embeddings and labeled_embeddings, and the pool has no embeddings and labeled_emb",
    ):
        ask(get("core_set"), Pool("abc"), 1, generator=generator())


def test_a_labeled_sample_without_an_id_is_named_by_its_position() -> None:
    broken = Pool("ab", embeddings=torch.zeros(2, 3), labeled_embeddings=torch.tensor([[0.0, 0, 0], [0, torch.nan, 0]]))
    with pytest.raises(ValueError, match=r"^labeled_embeddings must be finite; they are not for 1$"):
        ask(get("core_set"), broken, 1, generator=generator())


def test_an_unknown_strategy_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=f"no strategy is called 'entropy'; there are {', '.join(names())}"):
        get("entropy")


def test_every_strategy_is_there_under_its_own_name() -> None:
    assert set(names()) == {
        "random", "core_set", "predicted_loss", "clustered_predicted_loss", "multipeak_entropy", "oracle",
    }  # fmt: skip
    assert all(get(name).name == name for name in names())


def test_a_pool_may_be_without_anything_but_ids() -> None:
    assert ask(Random(), Pool(()), 0, generator=generator()).tolist() == []


def test_a_pool_that_holds_a_sample_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a pool holds a sample once, got more of b, d$"):
        Pool(["a", "b", "c", "b", "d", "d", "d"])


WHOLE = Pool(
    ids=("a", "b"),
    predicted_loss=torch.zeros(2),
    embeddings=torch.zeros(2, 3),
    labeled_embeddings=torch.zeros(4, 3),
    multipeak_entropy=torch.zeros(2),
    true_loss=torch.zeros(2),
    labeled_ids=tuple("wxyz"),
)


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("name", ["predicted_loss", "embeddings", "multipeak_entropy", "true_loss"])
def test_a_pool_has_as_many_rows_as_ids(name: str) -> None:
    with pytest.raises(ValueError, match=f"^a pool of 2 ids needs as many rows of {name}, got 3$"):
        replace(WHOLE, **{name: torch.zeros(3, *getattr(WHOLE, name).shape[1:])})


@pytest.mark.usefixtures("as_users_run_it")
def test_labeled_samples_have_as_many_rows_as_ids_and_as_many_dimensions_as_the_pool() -> None:
    with pytest.raises(ValueError, match=r"^4 labeled ids need as many rows of labeled_embeddings, got 5$"):
        replace(WHOLE, labeled_embeddings=torch.zeros(5, 3))
    with pytest.raises(ValueError, match=r"must be \(n, d\) and \(m, d\), got \(2, 3\) and \(4, 2\)$"):
        replace(WHOLE, labeled_embeddings=torch.zeros(4, 2))
