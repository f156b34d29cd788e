"""Variance of a batch's gradient by the way it is paired: every batch of a tiny population, and simulation."""

from collections.abc import Callable
from functools import partial
from itertools import combinations, permutations, product

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from llpp_core import losses
from llpp_core.analysis import objectives, pairing
from llpp_core.analysis.pairing import PairVariance, pair_gradients, pair_variance

MARGIN = 0.8
Population = dict[str, np.ndarray]


def hinge(i: object, j: object, l_i: object, l_j: object) -> np.ndarray:
    return objectives.learning_loss().numpy("predicted_loss_i")(i, j, l_i, l_j, MARGIN)


PUSH = {"LL": hinge, "LL++": objectives.learning_loss_pp().numpy("predicted_loss_i")}
TORCH = {"LL": partial(losses.learning_loss, margin=MARGIN), "LL++": losses.learning_loss_pp}
each = pytest.mark.parametrize("name", PUSH)


def population(size: int, dimension: int, seed: int) -> Population:
    rng = np.random.default_rng(seed)
    theta, w = rng.normal(size=(size, dimension)), rng.normal(size=dimension)
    return {"predicted_loss": theta @ w, "true_loss": rng.gamma(2.0, size=size), "embedding": theta, "w": w}


def variance_of(name: str, people: Population) -> PairVariance:
    return pair_variance(PUSH[name], people["predicted_loss"], people["true_loss"], people["embedding"])


def gradients_of(name: str, people: Population) -> np.ndarray:
    return pair_gradients(PUSH[name], people["predicted_loss"], people["true_loss"], people["embedding"])


def trained_gradient(name: str, people: Population, batch: tuple[int, ...], pairs: str) -> np.ndarray:
    """∇_w of the library's own loss of one batch, by autograd through a linear layer."""
    w = torch.tensor(people["w"], requires_grad=True)
    predicted = torch.tensor(people["embedding"][list(batch)]) @ w
    TORCH[name](predicted, torch.tensor(people["true_loss"][list(batch)]), pairs=pairs).backward()
    return w.grad.numpy()


def total_variance(gradients: np.ndarray) -> float:
    """Trace of the covariance over equally likely batches."""
    return float(((gradients - gradients.mean(axis=0)) ** 2).sum(axis=1).mean())


class TestEveryBatchOfATinyPopulation:
    """Three samples, and every batch that can be drawn from them with replacement: no error but rounding."""

    @each
    @pytest.mark.parametrize("n", [2, 3, 4])
    def test_variances_are_those_of_the_training_losses(self, name: str, n: int) -> None:
        people = population(3, 2, seed=1)
        found = variance_of(name, people)
        batches = list(product(range(3), repeat=n))
        for pairs, claimed in (("halves", found.halves(n)), ("all", found.all(n))):
            gradients = np.stack([trained_gradient(name, people, batch, pairs) for batch in batches])
            assert total_variance(gradients) == pytest.approx(claimed, rel=1e-12)
            # Both have the mean of one pair: the same optimum.
            assert_allclose(gradients.mean(axis=0), gradients_of(name, people).mean(axis=(0, 1)), rtol=1e-12)

    @each
    def test_both_zetas_from_their_definitions(self, name: str) -> None:
        people = population(3, 2, seed=2)
        pushed = PUSH[name]
        h = np.zeros((3, 3, 2))
        for i, j in product(range(3), repeat=2):
            push = pushed(*(people[key][k] for key in ("predicted_loss", "true_loss") for k in (i, j)))
            h[i, j] = push * (people["embedding"][i] - people["embedding"][j])
        mean = sum(h[i, j] for i, j in product(range(3), repeat=2)) / 9
        given = [sum(h[i, j] for j in range(3)) / 3 for i in range(3)]
        found = variance_of(name, people)
        assert found.zeta_1 == pytest.approx(sum(((g - mean) ** 2).sum() for g in given) / 3, rel=1e-12)
        assert found.zeta_2 == pytest.approx(sum(((v - mean) ** 2).sum() for v in h.reshape(9, 2)) / 9, rel=1e-12)
        assert 0 < 2 * found.zeta_1 < found.zeta_2

    @each
    def test_all_pairs_are_the_mean_of_the_halves_over_every_shuffle(self, name: str) -> None:
        people, batch = population(5, 3, seed=3), (4, 0, 3, 1)
        shuffled = [trained_gradient(name, people, order, "halves") for order in permutations(batch)]
        assert_allclose(np.mean(shuffled, axis=0), trained_gradient(name, people, batch, "all"), rtol=1e-12, atol=1e-15)
        assert total_variance(np.array(shuffled)) > 1e-6


class TestSimulation:
    BATCHES = 40_000

    def by_hand(self, gradients: np.ndarray, n: int, pairs: str) -> np.ndarray:
        drawn = np.random.default_rng(8).integers(len(gradients), size=(self.BATCHES, n))
        taken = [(i, i + n // 2) for i in range(n // 2)] if pairs == "halves" else list(combinations(range(n), 2))
        return np.mean([gradients[drawn[:, i], drawn[:, j]] for i, j in taken], axis=0)

    @each
    @pytest.mark.parametrize(("n", "pairs"), [(6, "halves"), (6, "all"), (7, "halves"), (7, "all")])
    def test_against_batches_of_a_population(self, name: str, n: int, pairs: str) -> None:
        people = population(60, 3, seed=4)
        simulated = self.by_hand(gradients_of(name, people), n, pairs)
        squares = ((simulated - simulated.mean(axis=0)) ** 2).sum(axis=1)
        error = squares.std() / np.sqrt(self.BATCHES)
        claimed = variance_of(name, people)
        assert squares.mean() == pytest.approx(getattr(claimed, pairs)(n), abs=5 * error)
        assert error < 0.02 * squares.mean()
        other = {"halves": "all", "all": "halves"}[pairs]
        assert abs(squares.mean() - getattr(claimed, other)(n)) > 10 * error

    @each
    @pytest.mark.parametrize("form", ["halves", "all"])
    def test_simulated_gradients_have_the_claimed_variance_and_mean(self, name: str, form: str) -> None:
        people = population(60, 3, seed=4)
        arguments = [PUSH[name], people["predicted_loss"], people["true_loss"], people["embedding"]]
        gradients = pairing.simulated_gradients(form, *arguments, n=6, batches=20_000, seed=2)
        variance, error, squared_mean = pairing.spread(gradients)
        assert gradients.shape == (20_000, 3)
        assert variance == pytest.approx(getattr(variance_of(name, people), form)(6), abs=5 * error)
        mean = gradients_of(name, people).mean(axis=(0, 1))
        assert squared_mean == pytest.approx((mean**2).sum(), rel=0.1)
        assert_allclose(gradients.mean(axis=0), mean, atol=5 * np.sqrt(variance / 20_000))

    def test_simulated_batches_at_once_are_those_of_the_training_loss(self) -> None:
        people = population(9, 2, seed=5)
        arguments = [PUSH["LL++"], people["predicted_loss"], people["true_loss"], people["embedding"]]
        gradients = pairing.simulated_gradients("at once", *arguments, n=4, batches=5, seed=3)
        drawn = np.random.default_rng(3).integers(9, size=(5, 4))
        for batch, gradient in zip(drawn, gradients, strict=True):
            w = torch.tensor(people["w"], requires_grad=True)
            predicted = torch.tensor(people["embedding"][batch]) @ w
            losses.learning_loss_pp_batch(predicted, torch.tensor(people["true_loss"][batch])).backward()
            assert_allclose(gradient, w.grad, rtol=1e-12, atol=1e-15)

    @pytest.mark.parametrize("form", ["halves", "all"])
    def test_simulated_pairs_are_those_of_the_training_loss(self, form: str) -> None:
        people = population(9, 2, seed=5)
        arguments = [PUSH["LL++"], people["predicted_loss"], people["true_loss"], people["embedding"]]
        gradients = pairing.simulated_gradients(form, *arguments, n=4, batches=5, seed=3)
        drawn = np.random.default_rng(3).integers(9, size=(5, 4))
        for batch, gradient in zip(drawn, gradients, strict=True):
            assert_allclose(gradient, trained_gradient("LL++", people, tuple(batch), form), rtol=1e-12, atol=1e-15)

    @pytest.mark.parametrize(("form", "n"), [("halves", 5), ("all", 0), ("at once", 3), ("all", -2)])
    def test_an_odd_batch_is_refused(self, form: str, n: int) -> None:
        people = population(9, 2, seed=5)
        with pytest.raises(ValueError, match=f"n must be an even number from 2, got {n}"):
            pairing.simulated_gradients(
                form, PUSH["LL"], people["predicted_loss"], people["true_loss"], people["embedding"], n=n, batches=2
            )

    def test_an_unknown_form_is_refused(self, as_users_run_it: None) -> None:
        people = population(9, 2, seed=5)
        with pytest.raises(ValueError, match="form must be"):
            pairing.simulated_gradients(
                "each", PUSH["LL"], people["predicted_loss"], people["true_loss"], people["embedding"], n=2, batches=2
            )


class TestSpread:
    def test_by_hand(self) -> None:
        variance, error, squared_mean = pairing.spread(np.array([[1.0, 0.0], [3.0, 0.0], [2.0, 6.0], [2.0, -2.0]]))
        # Mean (2, 1); squared distances 2, 2, 25, 9.
        assert variance == pytest.approx(38 / 3)
        assert error == pytest.approx(np.std([2, 2, 25, 9]) / 2)
        assert squared_mean == 5


class TestFormulas:
    @each
    @pytest.mark.parametrize("seed", range(6))
    def test_a_pair_varies_at_least_twice_as_much_as_its_means(self, name: str, seed: int) -> None:
        found = variance_of(name, population(2 + 7 * seed, 1 + seed, seed=seed))
        assert found.zeta_2 >= 2 * found.zeta_1 * (1 - 1e-12)
        for n in range(2, 30):
            assert found.all(n) <= found.halves(n) * (1 + 1e-12)
        assert found.all(2) == pytest.approx(found.halves(2), rel=1e-14)
        assert found.all(2) == pytest.approx(found.zeta_2, rel=1e-14)

    def test_by_hand(self) -> None:
        found = PairVariance(zeta_1=1.0, zeta_2=5.0)
        assert [found.halves(n) for n in (2, 3, 4, 5, 10)] == [5, 5, 2.5, 2.5, 1]
        assert [found.all(n) for n in (2, 3, 4, 5)] == pytest.approx([5, 7 / 3, 1.5, 1.1])

    def test_a_pair_that_is_a_sum_of_two_has_both_alike(self) -> None:
        # ζ₂ = 2 ζ₁: nothing that only both samples together say, so that shuffling them changes nothing.
        found = PairVariance(zeta_1=1.5, zeta_2=3.0)
        for n in (2, 4, 10, 100):
            assert found.all(n) == pytest.approx(found.halves(n), rel=1e-14)

    def test_large_batches(self) -> None:
        found = PairVariance(zeta_1=1.0, zeta_2=5.0)
        assert 10**6 * found.all(10**6) == pytest.approx(4, rel=1e-5)
        assert 10**6 * found.halves(10**6) == pytest.approx(10, rel=1e-12)

    @pytest.mark.parametrize("n", [1, 0, -4])
    def test_a_batch_without_a_pair(self, n: int) -> None:
        found = PairVariance(zeta_1=1.0, zeta_2=5.0)
        for formula in (found.halves, found.all):
            with pytest.raises(ValueError, match=f"at least 2 samples to hold a pair, got {n}"):
                formula(n)


class TestPairGradients:
    @each
    def test_a_pair_and_its_mirror_image_have_the_same_and_a_sample_with_itself_none(self, name: str) -> None:
        gradients = gradients_of(name, population(8, 3, seed=6))
        assert gradients.shape == (8, 8, 3)
        assert_allclose(gradients, gradients.transpose(1, 0, 2), rtol=1e-12, atol=1e-15)
        assert not gradients[np.arange(8), np.arange(8)].any()
        assert np.abs(gradients).max() > 0.1

    @each
    def test_they_are_the_derived_ones_and_those_of_autograd(self, name: str) -> None:
        people = population(4, 2, seed=7)
        gradients = gradients_of(name, people)
        objective: objectives.Objective = {"LL": objectives.learning_loss, "LL++": objectives.learning_loss_pp}[name]()
        headed = objective.with_linear_head(2)
        derived: list[Callable] = [headed.numpy(f"w_{c}") for c in (1, 2)]
        for i, j in permutations(range(4), 2):
            state = dict(zip(("w_1", "w_2"), people["w"], strict=True)) | {"margin": MARGIN}
            for s, k in (("i", i), ("j", j)):
                state |= {f"true_loss_{s}": people["true_loss"][k]}
                state |= {f"theta_{s}_{c + 1}": people["embedding"][k, c] for c in range(2)}
            by_sympy = [float(f(*(state[symbol] for symbol in headed.symbols))) for f in derived]
            assert_allclose(gradients[i, j], by_sympy, rtol=1e-11, atol=1e-14)
            assert_allclose(gradients[i, j], trained_gradient(name, people, (i, j), "all"), rtol=1e-11, atol=1e-14)

    @pytest.mark.parametrize(
        ("predicted", "true", "theta"),
        [
            ((3,), (4,), (4, 2)),
            ((4,), (4,), (3, 2)),
            ((4,), (4,), (4,)),
            ((1,), (1,), (1, 2)),
            ((4, 1), (4, 1), (4, 2)),
        ],
    )
    @pytest.mark.parametrize("function", [pair_gradients, pair_variance])
    def test_samples_that_do_not_match(self, function: Callable, predicted: tuple, true: tuple, theta: tuple) -> None:
        with pytest.raises(ValueError, match=r"wanted \(samples,\), .* with at least 2 samples, got"):
            function(PUSH["LL++"], np.ones(predicted), np.ones(true), np.ones(theta))
