"""What follows from both objectives: second derivatives, where they rest, and their limits."""

from itertools import product

import numpy as np
import pytest
import sympy as sp
from numpy.testing import assert_allclose

from llpp_core.analysis import objectives
from llpp_core.analysis.objectives import ALPHA, MARGIN, Objective, embedding, predicted_loss, true_loss, weights

L_I, L_J = true_loss("i"), true_loss("j")
P_I, P_J = predicted_loss("i"), predicted_loss("j")
DIVERGENCES = {
    "pair": objectives.learning_loss_pp,
    "tempered": objectives.learning_loss_pp_tempered,
    "batch of 2": lambda: objectives.learning_loss_pp_batch(2),
    "batch of 3": lambda: objectives.learning_loss_pp_batch(3),
}
PAIRS = {"Learning Loss": objectives.learning_loss, **{n: DIVERGENCES[n] for n in ("pair", "tempered")}}


def is_zero(expression: sp.Expr) -> bool:
    return sp.simplify(expression.rewrite(sp.exp)) == 0


def power(objective: Objective) -> sp.Expr:
    return ALPHA if ALPHA in objective.symbols.values() else sp.Integer(1)


def shares(objective: Objective) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """True and predicted shares of all samples, written out."""
    powers = [true_loss(s) ** power(objective) for s in objective.samples]
    exponentials = [sp.exp(predicted_loss(s)) for s in objective.samples]
    return [p / sp.Add(*powers) for p in powers], [q / sp.Add(*exponentials) for q in exponentials]


class TestConvexity:
    @pytest.mark.parametrize("name", ["Learning Loss", "pair", "tempered"])
    @pytest.mark.parametrize("moved", ["w", "theta_i"])
    def test_midpoints_lie_below_chords(self, name: str, moved: str) -> None:
        # Convex in w at fixed embeddings and in an embedding at fixed w: 2,000 random chords in three dimensions.
        objective = PAIRS[name]().with_linear_head(3)
        rng = np.random.default_rng(1)
        values = {s: rng.normal(0, 2, 2000) for s in objective.symbols}
        values |= {s: rng.gamma(2.0, size=2000) for s in ("true_loss_i", "true_loss_j", "alpha", "margin")}
        ends = [{s: rng.normal(0, 2, 2000) for s in values if s.startswith(moved)} for _ in range(2)]
        middle = {s: (ends[0][s] + ends[1][s]) / 2 for s in ends[0]}
        function = objective.numpy()
        start, end, half = (function(*({**values, **at}[s] for s in objective.symbols)) for at in (*ends, middle))
        below = (start + end) / 2 - half
        assert below.min() > -1e-12
        assert (below > 1e-3).mean() > 0.1  # bent, and not a plane

    @pytest.mark.parametrize("wrt", ["w", "theta_i", "theta_j"])
    def test_second_derivatives_of_a_pair_are_nowhere_negative(self, wrt: str) -> None:
        # aᵀHa = q_i q_j (aᵀv)², with v = θ_i − θ_j for w, and v = w for an embedding.
        objective = objectives.learning_loss_pp().with_linear_head(2)
        symbols = weights(2) if wrt == "w" else embedding(wrt[-1], 2)
        hessian = objective.hessian([s.name for s in symbols])
        w, t_i, t_j = (sp.Matrix(s) for s in (weights(2), embedding("i", 2), embedding("j", 2)))
        a, v = sp.Matrix(sp.symbols("a_1 a_2", real=True)), t_i - t_j if wrt == "w" else w
        odds = sp.exp((t_i - t_j).dot(w))
        assert is_zero((a.T * hessian * a)[0] - odds / (1 + odds) ** 2 * a.dot(v) ** 2)

    def test_both_embeddings_at_once_are_convex_too(self) -> None:
        objective = objectives.learning_loss_pp().with_linear_head(1)
        hessian = objective.hessian(["theta_i_1", "theta_j_1"])
        (w,), (t_i,), (t_j,) = weights(1), embedding("i", 1), embedding("j", 1)
        odds = sp.exp((t_i - t_j) * w)
        claimed = odds / (1 + odds) ** 2 * w**2 * sp.Matrix([[1, -1], [-1, 1]])
        assert all(is_zero(e) for e in hessian - claimed)

    @pytest.mark.parametrize("name", ["Learning Loss", "pair", "tempered"])
    def test_embedding_and_weights_together_are_not_convex(self, name: str) -> None:
        # At w = 0 and θ_i = θ_j the objective is a saddle: both directions alone are flat, together they are not.
        objective = PAIRS[name]().with_linear_head(1)
        at = {s: 0 for n, s in objective.symbols.items() if n.startswith(("w", "theta"))}
        at |= {L_I: 3, L_J: 1, MARGIN: 1, ALPHA: 1}
        hessian = objective.hessian(["theta_i_1", "w_1"]).subs(at).applyfunc(lambda e: e.rewrite(sp.exp))
        push = -1 if name == "Learning Loss" else sp.Rational(-1, 4)  # q_i − p_i = 1/2 − 3/4
        assert hessian == sp.Matrix([[0, push], [push, 0]])
        assert min(hessian.eigenvals()) == push < 0


class TestSecondDerivativesOfNSamples:
    @pytest.mark.parametrize("n", [2, 3, 4])
    def test_they_are_diag_q_minus_q_q(self, n: int) -> None:
        objective = objectives.learning_loss_pp_batch(n)
        q = sp.Matrix(shares(objective)[1])
        hessian = objective.hessian([f"predicted_loss_{s}" for s in objective.samples])
        unknown = {predicted_loss(s): sp.log(sp.Dummy(positive=True)) for s in objective.samples}
        for derived, claimed in zip(hessian, sp.diag(*q) - q * q.T, strict=True):
            assert sp.cancel((derived.rewrite(sp.exp) - claimed).subs(unknown)) == 0

    def test_they_are_nowhere_negative_and_flat_along_a_common_shift(self) -> None:
        objective = objectives.learning_loss_pp_batch(3)
        hessian = objective.hessian([f"predicted_loss_{s}" for s in objective.samples])
        assert all(is_zero(e) for e in hessian * sp.ones(3, 1))
        for predicted in ((0, 0, 0), (1, -2, 3), (30, 0, -1)):
            numbers = dict(zip((predicted_loss(s) for s in objective.samples), predicted, strict=True))
            values = np.linalg.eigvalsh(np.array(hessian.subs(numbers).evalf(30), dtype=float))
            assert values[0] == pytest.approx(0, abs=1e-15)
            assert values[1] >= 0
            assert values[2] > 0

    def test_learning_loss_has_none(self) -> None:
        assert objectives.learning_loss().hessian(["predicted_loss_i", "predicted_loss_j"]) == sp.zeros(2, 2)


@pytest.mark.parametrize("make", DIVERGENCES.values(), ids=DIVERGENCES)
class TestDivergence:
    def test_it_is_cross_entropy_minus_entropy(self, make) -> None:
        objective = make()
        p, q = shares(objective)
        cross_entropy = -sp.Add(*(own * sp.log(other) for own, other in zip(p, q, strict=True)))
        entropy = -sp.Add(*(own * sp.log(own) for own in p))
        difference = objective.written_out() - (cross_entropy - entropy)
        assert sp.simplify(sp.expand_log(difference, force=True)) == 0

    def test_only_the_cross_entropy_is_learned_from(self, make) -> None:
        objective = make()
        p, q = shares(objective)
        for k, sample in enumerate(objective.samples):
            assert is_zero(objective.gradient(f"predicted_loss_{sample}") - (q[k] - p[k]))

    def test_bradley_terry_strengths_rest_at_zero(self, make) -> None:
        # l̂ = α log l + c: then q = p, the loss is 0 and so is every gradient.
        objective, shift = make(), sp.Symbol("c", real=True)
        at = {predicted_loss(s): power(objective) * sp.log(true_loss(s)) + shift for s in objective.samples}
        p, q = shares(objective)
        for own, other in zip(p, q, strict=True):
            assert sp.simplify((own - other).subs(at)) == 0
        assert sp.simplify(sp.expand_log(objective.written_out().subs(at), force=True)) == 0
        for s in objective.samples:
            assert sp.simplify(objective.gradient(f"predicted_loss_{s}").rewrite(sp.exp).subs(at)) == 0

    def test_a_common_shift_of_predictions_or_scale_of_losses_changes_nothing(self, make) -> None:
        objective = make()
        shift, scale = sp.Symbol("c", real=True), sp.Symbol("scale", positive=True)
        moved = {predicted_loss(s): predicted_loss(s) + shift for s in objective.samples}
        moved |= {true_loss(s): scale * true_loss(s) for s in objective.samples}
        difference = objective.written_out().subs(moved, simultaneous=True) - objective.written_out()
        rng = np.random.default_rng(5)
        for _ in range(3):  # an identity: three points of 30 digits
            numbers = {s: sp.Rational(int(rng.integers(1, 50)), 10) for s in difference.free_symbols}
            assert abs(difference.subs(numbers).evalf(30)) < 1e-28

    def test_no_value_is_negative(self, make) -> None:
        objective = make()
        rng = np.random.default_rng(2)
        values = [
            rng.normal(0, 3, 500) if n.startswith("pred") else rng.gamma(1.0, size=500) for n in objective.symbols
        ]
        value = objective.numpy()(*values)
        assert value.min() > -1e-15
        assert np.median(value) > 0.1


def test_predicted_share_of_a_pair_is_the_logistic_function_of_the_gap() -> None:
    # Bradley and Terry: the chance that i beats j depends on the difference of their strengths alone.
    assert is_zero(objectives.predicted_share("i") - 1 / (1 + sp.exp(-(P_I - P_J))))
    assert is_zero(objectives.predicted_share("j") - 1 / (1 + sp.exp(P_I - P_J)))


def test_true_shares() -> None:
    assert objectives.true_share("j") == L_J / (L_I + L_J)
    assert is_zero(objectives.true_share("i", alpha=ALPHA) - L_I**ALPHA / (L_I**ALPHA + L_J**ALPHA))
    assert is_zero(
        objectives.true_share("2", ("1", "2"), alpha=3).subs({true_loss("1"): 2, true_loss("2"): 1}) - sp.S(1) / 9
    )


class TestOptimalGap:
    @pytest.mark.parametrize(
        ("name", "claimed"),
        [
            ("Learning Loss", MARGIN * sp.sign(L_I - L_J)),
            ("pair", sp.log(L_I) - sp.log(L_J)),
            ("tempered", ALPHA * (sp.log(L_I) - sp.log(L_J))),
        ],
    )
    def test_it_is_the_claimed_one(self, name: str, claimed: sp.Expr) -> None:
        assert sp.simplify(PAIRS[name]().optimal_gap() - claimed) == 0

    @pytest.mark.parametrize("name", ["pair", "tempered"])
    def test_the_objective_rests_there_and_is_pushed_towards_it(self, name: str) -> None:
        objective = PAIRS[name]()
        push, gap = objective.gradient("predicted_loss_i").rewrite(sp.exp), objective.optimal_gap()
        assert sp.simplify(push.subs({P_I: gap, P_J: 0})) == 0
        numbers = {L_I: 2, L_J: 5, ALPHA: 3}
        assert push.subs({P_I: gap + 1, P_J: 0}).subs(numbers).evalf() > 0.01
        assert push.subs({P_I: gap - 1, P_J: 0}).subs(numbers).evalf() < -0.01

    @pytest.mark.parametrize(("l_i", "l_j", "expected"), [(5, 2, 3), (2, 5, -3), (2, 2, 0)])
    def test_learning_loss_rests_from_its_margin_on(self, l_i: int, l_j: int, expected: int) -> None:
        objective, numbers = objectives.learning_loss(), {L_I: l_i, L_J: l_j, MARGIN: 3}
        assert objective.optimal_gap().subs(numbers) == expected
        push = objective.gradient("predicted_loss_i").subs(numbers).subs(P_J, 0)
        if expected:
            assert push.subs(P_I, expected) == push.subs(P_I, 2 * expected) == 0
            assert push.subs(P_I, expected * sp.Rational(99, 100)) == -sp.sign(expected)
        else:
            assert {push.subs(P_I, g) for g in (-9, 0, 9)} == {0}

    def test_only_a_pair_has_one(self) -> None:
        with pytest.raises(
            ValueError, match=r"only an objective of a pair has one gap, and LearningLoss\+\+ of 3 samples"
        ):
            objectives.learning_loss_pp_batch(3).optimal_gap()


class TestTemperature:
    PAIR = ((3.0, 2.0), (2.0, 3.0), (1.0, 1.3))

    @pytest.mark.parametrize("alpha", [20.0, 50.0, 200.0])
    def test_large_alpha_is_the_logistic_ranking_loss(self, alpha: float) -> None:
        # log(1 + e^(−s·gap)), s = sign(l_i − l_j), but for at most r (|gap| + |log r| + 1), r = (smaller / larger)^α.
        loss, push = (objectives.learning_loss_pp_tempered().numpy(w) for w in (None, "predicted_loss_i"))
        for (l_i, l_j), gap in product(self.PAIR, (-3.0, -0.2, 0.0, 1.0, 4.0)):
            s, r = np.sign(l_i - l_j), (min(l_i, l_j) / max(l_i, l_j)) ** alpha
            off = loss(gap, 0.0, l_i, l_j, alpha) - np.log1p(np.exp(-s * gap))
            assert abs(off) <= r * (abs(gap) + abs(np.log(r)) + 1) + 1e-15
            assert push(gap, 0.0, l_i, l_j, alpha) == pytest.approx(-s / (1 + np.exp(s * gap)), abs=2 * r + 1e-15)

    def test_the_limit_itself(self) -> None:
        # l_i = 2 l_j, so r = 2^−α: sympy's limit for one gap of each sign.
        written = objectives.learning_loss_pp_tempered().written_out()
        for gap in (sp.log(3), -sp.log(3)):
            limit = sp.limit(sp.expand_log(written.subs({P_I: gap, P_J: 0, L_I: 2, L_J: 1})), ALPHA, sp.oo)
            assert sp.simplify(sp.expand_log(limit - sp.log(1 + sp.exp(-gap)), force=True)) == 0

    def test_alpha_of_zero_is_blind(self) -> None:
        objective = objectives.learning_loss_pp_tempered()
        q_i, q_j = shares(objective)[1]
        assert sp.simplify(objectives.true_share("i", alpha=ALPHA).rewrite(sp.exp).subs(ALPHA, 0)) == sp.Rational(1, 2)
        blind = objective.written_out().subs(ALPHA, 0)
        assert sp.simplify(sp.expand_log(blind - (-sp.log(2) - sp.log(q_i) / 2 - sp.log(q_j) / 2), force=True)) == 0
        push = objective.gradient("predicted_loss_i").rewrite(sp.exp).subs(ALPHA, 0)
        assert sp.simplify(push - (q_i - sp.Rational(1, 2))) == 0
        assert not push.has(L_I, L_J)

    def test_alpha_of_one_is_the_paper(self) -> None:
        at_one = objectives.learning_loss_pp_tempered().written_out().subs(ALPHA, 1)
        assert sp.simplify(at_one - objectives.learning_loss_pp().written_out()) == 0

    def test_a_tie_has_equal_shares_at_any_alpha(self) -> None:
        push = objectives.learning_loss_pp_tempered().numpy("predicted_loss_i")
        assert_allclose([push(0.0, 0.0, 0.7, 0.7, a) for a in (1e-3, 1.0, 50.0, 1e6)], 0, atol=1e-16)


@pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("dimension", [1, 2])
def test_gradient_in_embeddings_and_weights_is_the_push_times_the_other_factor(make, dimension: int) -> None:
    objective = make()
    rng = np.random.default_rng(4)
    values = {n: rng.normal(size=20) for n in objective.with_linear_head(dimension).symbols}
    values |= {n: rng.gamma(2.0, size=20) for n in objective.symbols if not n.startswith("predicted")}
    columns = {v: np.stack([values[f"{v}_{c}"] for c in range(1, dimension + 1)]) for v in ("w", "theta_i", "theta_j")}
    predicted = {s: (columns[f"theta_{s}"] * columns["w"]).sum(axis=0) for s in "ij"}
    state = {**values, **{f"predicted_loss_{s}": v for s, v in predicted.items()}}
    push = objective.numpy("predicted_loss_i")(*(state[n] for n in objective.symbols))
    expected = {
        "w": push * (columns["theta_i"] - columns["theta_j"]),
        "theta_i": push * columns["w"],
        "theta_j": -push * columns["w"],
    }
    headed = objective.with_linear_head(dimension)
    for vector, rows in expected.items():
        got = headed.numpy(f"{vector}_{dimension}")(*(values[n] for n in headed.symbols))
        assert_allclose(got, rows[-1], rtol=1e-12, atol=1e-14)
