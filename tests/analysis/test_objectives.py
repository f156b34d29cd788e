"""Eq. 1 to 4: the derived gradients are the claimed ones, and every output of an expression says the same."""

import numpy as np
import pytest
import sympy as sp
import torch
from numpy.testing import assert_allclose
from scipy.special import softmax

from llpp_core.analysis import objectives
from llpp_core.analysis.objectives import MARGIN, Objective, embedding, predicted_loss, true_loss, weights

DIMENSION = 3
PAIRS = {"Learning Loss": objectives.learning_loss, "LearningLoss++": objectives.learning_loss_pp}
ALL = {
    **PAIRS,
    "batch of 2": lambda: objectives.learning_loss_pp_batch(2),
    "batch of 4": lambda: objectives.learning_loss_pp_batch(4),
}


def vector(symbols: tuple[sp.Symbol, ...]) -> sp.Matrix:
    return sp.Matrix(symbols)


def random_values(objective: Objective, rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(0, 2, rows) if name.startswith("predicted") else rng.gamma(2.0, 1.0, rows)
        for name in objective.symbols
    }


def is_zero(expression: sp.Matrix) -> bool:
    return sp.simplify(expression.applyfunc(lambda e: e.rewrite(sp.exp))) == sp.zeros(*expression.shape)


@pytest.mark.parametrize(("l_i", "l_j"), [(2, 1), (1, 2), (1, 1)])
def test_learning_loss_gradients_are_zero_or_the_claimed_difference(l_i: int, l_j: int) -> None:
    # Eq. 2, inside the margin (the hinge is active) and far beyond it.
    objective = objectives.learning_loss().with_linear_head(DIMENSION)
    w, t_i, t_j = vector(weights(DIMENSION)), vector(embedding("i", DIMENSION)), vector(embedding("j", DIMENSION))
    losses = {true_loss("i"): l_i, true_loss("j"): l_j}
    direction = int(np.sign(l_i - l_j))
    for margin, active in ((10**6, True), (0, False)):
        numbers = dict(zip((*w, *t_i, *t_j), (1, 2, 3, 4, 5, 6, 1, 1, 2), strict=True))
        if direction < 0:  # the other order, so that the pair is in the right one
            numbers |= dict(zip((*t_i, *t_j), (1, 1, 2, 4, 5, 6), strict=True))
        values = {**losses, **numbers, MARGIN: margin}
        push = direction * active
        assert objective.gradient_vector(list(w)).subs(values) == (-push * (t_i - t_j)).subs(values)
        assert objective.gradient_vector(list(t_i)).subs(values) == (-push * w).subs(values)
        assert objective.gradient_vector(list(t_j)).subs(values) == (push * w).subs(values)


def test_learning_loss_pp_gradients_are_the_claimed_ones() -> None:
    # Eq. 4, as identities in all symbols.
    objective = objectives.learning_loss_pp().with_linear_head(DIMENSION)
    w, t_i, t_j = (vector(s) for s in (weights(DIMENSION), embedding("i", DIMENSION), embedding("j", DIMENSION)))
    head = {predicted_loss(s): (t.T * w)[0] for s, t in (("i", t_i), ("j", t_j))}
    push = (objectives.predicted_share("i") - objectives.true_share("i")).subs(head)
    assert is_zero(objective.gradient_vector(list(w)) - push * (t_i - t_j))
    assert is_zero(objective.gradient_vector(list(t_i)) - push * w)
    assert is_zero(objective.gradient_vector(list(t_j)) + push * w)


def test_batch_gradient_is_predicted_minus_true_share() -> None:
    objective = objectives.learning_loss_pp_batch(3)
    for s in objective.samples:
        share = objectives.predicted_share(s, objective.samples) - objectives.true_share(s, objective.samples)
        assert sp.simplify(objective.gradient(f"predicted_loss_{s}") - share) == 0


def test_pair_is_the_batch_of_two() -> None:
    rename = {loss(n): loss(s) for loss in (predicted_loss, true_loss) for n, s in (("1", "i"), ("2", "j"))}
    batch = objectives.learning_loss_pp_batch(2).loss.subs(rename)
    assert sp.simplify(batch - objectives.learning_loss_pp().loss) == 0


def test_learning_loss_pp_is_zero_exactly_at_the_log_ratio() -> None:
    l_i, l_j = true_loss("i"), true_loss("j")
    at_optimum = {predicted_loss("i"): sp.log(l_i) + 7, predicted_loss("j"): sp.log(l_j) + 7}
    assert sp.simplify(objectives.learning_loss_pp().written_out().subs(at_optimum)) == 0
    assert sp.simplify(objectives.learning_loss_pp().gradient("predicted_loss_i").rewrite(sp.exp).subs(at_optimum)) == 0


@pytest.mark.parametrize(("i_is_larger", "loss", "gradient"), [(True, 0, (0, 0, 0)), (False, 4, (0, 1, 0))])
def test_worked_example_of_fig_2(i_is_larger: bool, loss: int, gradient: tuple[int, ...]) -> None:
    example = objectives.worked_example(i_is_larger)
    assert example["loss"] == loss
    assert tuple(example["gradient"]) == gradient


def test_fig_1_learning_loss_pp_pushes_the_far_pair_and_leaves_the_near_one() -> None:
    push = objectives.learning_loss_pp().numpy("predicted_loss_i")
    assert push(1.48, 1.51, 0.45, 0.47) == pytest.approx(0.00337, abs=1e-5)  # (a, b): losses and predictions alike
    assert push(1.48, 1.63, 0.45, 2.87) == pytest.approx(0.327, abs=5e-4)  # (a, c): true losses far apart


def test_fig_1_learning_loss_pushes_both_pairs_alike() -> None:
    push = objectives.learning_loss().numpy("predicted_loss_i")
    assert push(1.48, 1.51, 0.45, 0.47, 1.0) == push(1.48, 1.63, 0.45, 2.87, 1.0) == 1.0


@pytest.mark.parametrize(("l_i", "l_j", "expected"), [(2.0, 1.0, 0.3), (1.0, 2.0, 1.7), (1.0, 1.0, 1.0)])
def test_learning_loss_by_hand(l_i: float, l_j: float, expected: float) -> None:
    # Eq. 1 with l̂_i − l̂_j = 0.7 and ξ = 1; an exact tie has loss ξ.
    assert objectives.learning_loss().numpy()(1.2, 0.5, l_i, l_j, 1.0) == pytest.approx(expected)


def test_learning_loss_pp_by_hand() -> None:
    # p = (3/4, 1/4), q = (1/2, 1/2).
    expected = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
    assert objectives.learning_loss_pp().numpy()(5.0, 5.0, 3.0, 1.0) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_numpy_torch_and_autograd_agree_with_sympy(make) -> None:
    objective = make()
    values = random_values(objective, 6)
    exact = [
        float(objective.loss.subs({objective.symbols[n]: sp.Float(v[k], 30) for n, v in values.items()}).evalf(30))
        for k in range(6)
    ]
    tensors = {n: torch.tensor(v, requires_grad=n.startswith("predicted")) for n, v in values.items()}
    by_torch = objective.torch()(*tensors.values())
    assert_allclose(objective.numpy()(*values.values()), exact, rtol=1e-12, atol=1e-14)
    assert_allclose(by_torch.detach(), exact, rtol=1e-12, atol=1e-14)
    by_torch.sum().backward()
    for name, tensor in tensors.items():
        if tensor.requires_grad:
            assert_allclose(objective.numpy(name)(*values.values()), tensor.grad, rtol=1e-10, atol=1e-13)
            derived = objective.torch(name)(*(t.detach() for t in tensors.values()))
            assert_allclose(derived.broadcast_to(6), tensor.grad, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS)
def test_swapping_the_pair_changes_nothing(make) -> None:
    objective = make()
    values = random_values(objective, 20, seed=3)
    swapped = {n: values[n[:-1] + {"i": "j", "j": "i"}[n[-1]]] if n[-2:] in ("_i", "_j") else values[n] for n in values}
    assert_allclose(objective.numpy()(*values.values()), objective.numpy()(*swapped.values()), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n", [2, 5])
def test_batch_value_is_the_kl_divergence(n: int) -> None:
    values = random_values(objectives.learning_loss_pp_batch(n), 1, seed=n)
    predicted = np.array([values[f"predicted_loss_{k}"][0] for k in range(1, n + 1)])
    true = np.array([values[f"true_loss_{k}"][0] for k in range(1, n + 1)])
    p, q = true / true.sum(), softmax(predicted)
    by_numpy = objectives.learning_loss_pp_batch(n).numpy()(*values.values())
    assert_allclose(by_numpy, (p * np.log(p / q)).sum(), rtol=1e-12)


class TestGapUnderDescent:
    def test_learning_loss_stops_within_a_step_of_the_margin(self) -> None:
        gaps = objectives.gap_under_descent(
            objectives.learning_loss(),
            -1.0,
            learning_rate=0.05,
            steps=60,
            true_loss_i=1.01,
            true_loss_j=1.0,
            margin=1.0,
        )
        assert gaps.shape == (61,)
        assert gaps[0] == -1.0
        assert gaps[1] == pytest.approx(-0.9)  # both predictions move by the rate
        assert 1.0 <= gaps[-1] <= 1.0 + 0.1 + 1e-9
        assert gaps[-1] == gaps[-2]

    @pytest.mark.parametrize("start", [-3.0, 0.0, 0.4])
    def test_learning_loss_never_moves_an_exact_tie(self, start: float) -> None:
        gaps = objectives.gap_under_descent(
            objectives.learning_loss(), start, learning_rate=0.1, steps=20, true_loss_i=2.0, true_loss_j=2.0, margin=1.0
        )
        assert set(gaps) == {start}

    @pytest.mark.parametrize(("l_i", "l_j"), [(2.87, 0.45), (0.45, 0.47), (1.0, 1.0)])
    def test_learning_loss_pp_rests_at_the_log_ratio(self, l_i: float, l_j: float) -> None:
        gaps = objectives.gap_under_descent(
            objectives.learning_loss_pp(), -2.0, learning_rate=0.5, steps=400, true_loss_i=l_i, true_loss_j=l_j
        )
        assert gaps[-1] == pytest.approx(np.log(l_i / l_j), abs=1e-9)

    @pytest.mark.parametrize(("rate", "steps"), [(0.0, 5), (-1.0, 5), (float("nan"), 5), (0.1, 0)])
    def test_a_descent_that_goes_nowhere_is_refused(self, rate: float, steps: int) -> None:
        with pytest.raises(ValueError, match="at least 1 step and a rate above 0"):
            objectives.gap_under_descent(
                objectives.learning_loss_pp(), 0.0, learning_rate=rate, steps=steps, true_loss_i=1.0, true_loss_j=2.0
            )


def test_an_unknown_symbol_is_named() -> None:
    with pytest.raises(ValueError, match=r"LearningLoss\+\+ has no symbol 'margin'; it has predicted_loss_i"):
        objectives.learning_loss_pp().gradient("margin")


@pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS)
def test_a_true_loss_is_never_differentiated_through(make) -> None:
    with pytest.raises(ValueError, match="true_loss_i is a measured loss"):
        make().gradient("true_loss_i")


@pytest.mark.parametrize("n", [1, 0, -2])
def test_a_batch_needs_two_samples(n: int) -> None:
    with pytest.raises(ValueError, match=f"at least two samples, got n = {n}"):
        objectives.learning_loss_pp_batch(n)


def test_an_embedding_needs_a_component() -> None:
    with pytest.raises(ValueError, match="got dimension 0"):
        objectives.learning_loss().with_linear_head(0)


def test_latex_has_the_papers_notation() -> None:
    text = objectives.learning_loss().with_linear_head(1).latex() + objectives.learning_loss_pp().latex()
    for symbol in (r"\xi", r"\theta_{i,1}", "w_{1}", r"\hat l_{i}", "l_{j}"):
        assert symbol in text
    assert "predicted" not in text
    assert "true" not in text
    assert "margin" not in text


def test_shares_sum_to_one() -> None:
    samples = ("1", "2", "3")
    for share in (objectives.true_share, objectives.predicted_share):
        assert sp.simplify(sum(share(s, samples) for s in samples).rewrite(sp.exp) - 1) == 0
