"""A tiny experiment from end to end: what is done, what the numbers are, and that all of it follows from its plan."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from folders import METHODS, differences, times, tinier, tiny
from scipy import stats

from llpp_core import experiment
from llpp_core.data import LSP_JOINTS
from llpp_core.experiment import Outcome, Results, Splits, Unit, units
from llpp_core.experiment.tables import column, read_table
from llpp_core.training import Scores, score

SEED = Unit(0)


@pytest.fixture(scope="module")
def results(whole: Outcome) -> Results:
    return Results.read(whole.folder)


@pytest.fixture(scope="module")
def splits() -> Splits:
    return experiment.planned_splits(tiny().data, 0)


def labeled_by(results: Results, unit: Unit) -> list[str]:
    """The ids that a unit was trained on beside the first ones, from the choices of the units before."""
    ids: list[str] = []
    before = unit.before
    while before is not None:
        assert unit.method is not None
        ids = results.selected(before)[unit.method] + ids
        before = before.before
    return ids


def seen(unit: Unit, results: Results, data: experiment.Splits, part: str) -> Scores:
    """A part of the data, scored anew by the model that a unit kept."""
    trained = experiment.load_trained(results.folder / unit.name / "model.safetensors")
    return score(trained.model, trained.heads, getattr(data, part), batch_size=7, progress=False)


def found(scores: Scores, data: experiment.Splits, part: str) -> np.ndarray:
    """PCK@0.2 by hand: (n, joints) of 1 and 0, NaN where nothing is known."""
    people = getattr(data, part)
    names = list(LSP_JOINTS)
    joints, known = people.joints.double().numpy(), people.annotated.numpy()
    torso = np.full(len(people), np.nan)
    for i in range(len(people)):
        for a, b in (("right_shoulder", "left_hip"), ("left_shoulder", "right_hip")):
            a_at, b_at = names.index(a), names.index(b)
            if known[i, a_at] and known[i, b_at]:
                torso[i] = np.nanmax([torso[i], math.dist(joints[i, a_at], joints[i, b_at])])
    distance = np.linalg.norm(scores.joints.double().numpy() - joints, axis=-1)
    right = (distance <= 0.2 * torso[:, None]).astype(float)
    return np.where(known & ~np.isnan(torso)[:, None], right, np.nan)


def test_every_unit_is_done(whole: Outcome) -> None:
    names = [unit.name for unit in units(tiny())]
    assert len(names) == 11
    assert (list(whole.done), whole.left, whole.notices) == (names, (), ())
    assert whole.folder.name == tiny().folder_name


def test_a_unit_keeps_what_it_should(whole: Outcome) -> None:
    always = {"manifest.json", "metrics.csv", "model.safetensors", "selected.csv", "test.csv"}
    for name in whole.done:
        kept = {path.name for path in (whole.folder / name).iterdir()}
        more = set() if "stage2" in name else {"pool.csv"}
        if name in ("seed0/base", "seed0/core_set/stage1"):  # the base model; the distances to what is labeled
            more |= {"train.csv"}
        assert kept == always | more, name


def test_the_description_is_the_experiment(whole: Outcome, results: Results) -> None:
    assert results.experiment == tiny()
    assert experiment.Experiment.from_mapping(results.experiment.plain()).folder_name == whole.folder.name


def test_the_log_names_every_unit_once(whole: Outcome) -> None:
    lines = (whole.folder / "log.txt").read_text().splitlines()
    for name in whole.done:
        assert sum(f" {name}: begun" in line for line in lines) == 1
        assert sum(f" {name}: done in" in line for line in lines) == 1


@pytest.mark.parametrize("method", METHODS)
def test_what_is_chosen_is_of_the_pool_and_never_twice(results: Results, splits: Splits, method: str) -> None:
    first, second = results.selected(SEED)[method], results.selected(Unit(0, 1, method))[method]
    assert (len(first), len(second)) == (6, 6)
    assert len({*first, *second}) == 12
    assert {*first, *second} <= set(splits.pool.ids)
    assert list(results.selected(Unit(0, 1, method))) == [method]
    assert set(results.ids(Unit(0, 1, method), "pool")) == set(splits.pool.ids) - set(first)
    assert results.selected(Unit(0, 2, method)) == {}


def test_the_methods_do_not_all_choose_the_same(results: Results) -> None:
    assert len({tuple(sorted(ids)) for ids in results.selected(SEED).values()}) >= 4


def test_the_choices_are_those_that_the_scores_say(results: Results) -> None:
    """The base model's pool, in the order of its predicted losses and of its entropies."""
    ids, scored = results.ids(SEED, "pool"), results.samples(SEED, "pool")
    for method, name in (("LL++", "predicted_loss LL++"), ("entropy", "multipeak_entropy")):
        order = np.argsort(-scored[name].numpy(), kind="stable")[:6]
        assert results.selected(SEED)[method] == [ids[i] for i in order]
    candidates = {ids[i] for i in np.argsort(-scored["predicted_loss LL++"].numpy(), kind="stable")[:24]}
    assert set(results.selected(SEED)["clusters"]) <= candidates
    assert results.selected(SEED)["clusters"][0] == results.selected(SEED)["LL++"][0]


def test_core_set_s_choice_is_k_center_greedy_s(results: Results, splits: Splits) -> None:
    trained = experiment.load_trained(results.folder / "seed0/base/model.safetensors")
    rows = [
        score(trained.model, {}, part, also=["embeddings"], progress=False).embeddings
        for part in (splits.train, splits.pool)
    ]
    labeled, pool = (r.double() for r in rows if r is not None)
    nearest = torch.cdist(pool, labeled).amin(1)
    chosen = []
    for _ in range(6):
        at = int(nearest.argmax())
        chosen.append(splits.pool.ids[at])
        nearest = torch.minimum(nearest, (pool - pool[at]).norm(dim=1))
    assert results.selected(SEED)["core_set"] == chosen


@pytest.mark.parametrize(
    "unit", [SEED, Unit(0, 1, "LL++"), Unit(0, 2, "random"), Unit(0, 2, "clusters")], ids=lambda u: u.name
)
def test_the_numbers_of_the_test_split_are_those_of_the_kept_model(
    results: Results, splits: Splits, unit: Unit
) -> None:
    scores = seen(unit, results, splits, "test")
    hits = found(scores, splits, "test")
    about = {"split": "test", "stage": unit.stage, "method": unit.method or ""}
    true = scores.true_loss.double().numpy()
    assert results.values("PCK@0.2", **about)[0] == pytest.approx(np.nanmean(hits), abs=1e-6)
    assert results.values("true loss, mean", **about)[0] == pytest.approx(true.mean(), rel=1e-5)
    failed = np.nanmean(hits, axis=1) < 0.5
    assert results.values("failures, fraction", **about)[0] == pytest.approx(failed.mean(), abs=1e-6)
    kept = results.samples(unit, "test")
    assert np.allclose(kept["true_loss"], true, rtol=1e-4)
    assert np.allclose(kept["pck"], np.nanmean(hits, axis=1), atol=1e-6)
    for name, predicted in scores.predicted_loss.items():
        values = predicted.double().numpy()
        assert np.allclose(kept[f"predicted_loss {name}"], values, atol=1e-4)
        saved = kept[f"predicted_loss {name}"].double().numpy(), kept["true_loss"].double().numpy()
        wanted = {
            "Pearson": stats.pearsonr(*saved).statistic,
            "Pearson with log l": stats.pearsonr(saved[0], np.log(saved[1])).statistic,
            "Spearman": stats.spearmanr(*saved).statistic,
            "Kendall": stats.kendalltau(*saved).statistic,
            "true loss of its top tenth": np.mean(saved[1][np.argsort(-saved[0], kind="stable")[:2]]),
        }
        for metric, value in wanted.items():
            assert results.values(metric, of=name, **about)[0] == pytest.approx(value, rel=1e-4), metric


def test_stages_keep_only_the_predictor_that_they_go_by(results: Results) -> None:
    for unit in results.records:
        heads = experiment.load_trained(results.folder / unit.name / "model.safetensors").heads
        assert list(heads) == (["LL++"] if unit.method in (None, "LL++", "clusters") else []), unit


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("choice", [1, 2])
def test_the_numbers_of_a_choice_are_those_of_the_model_that_chose(
    results: Results, splits: Splits, method: str, choice: int
) -> None:
    """Table 3a: the model has not trained on what it is asked about yet."""
    unit = SEED if choice == 1 else Unit(0, 1, method)
    ids = results.selected(unit)[method]
    assert not set(ids) & set(labeled_by(results, unit))
    scores = seen(unit, results, splits, "pool")
    rows = [splits.pool.ids.index(i) for i in ids]
    true = scores.true_loss.double().numpy()[rows]
    hits = found(scores, splits, "pool")[rows]
    assert results.chosen("PCK@0.2", method, choice)[0] == pytest.approx(np.nanmean(hits), abs=1e-6)
    assert results.chosen("true loss, mean", method, choice)[0] == pytest.approx(true.mean(), rel=1e-5)
    assert results.chosen("true loss, standard deviation", method, choice)[0] == pytest.approx(
        true.std(ddof=1), rel=1e-3
    )


def test_a_stage_is_a_plain_training_on_what_was_chosen(results: Results, splits: Splits) -> None:
    """From the same initial weights as the base model, on the first samples and the chosen ones."""
    from llpp_core.data.pose import concatenate
    from llpp_core.training import train

    plan, ids = results.experiment, labeled_by(results, Unit(0, 2, "LL++"))
    assert len(ids) == 12
    people = concatenate("all", [splits.train, splits.pool.subset([splits.pool.ids.index(i) for i in ids])])
    trained = experiment.build(plan, LSP_JOINTS, seed=0)
    train(trained.model, trained.heads, people, replace(plan.training, seed=0), progress=False)
    kept = experiment.load_trained(results.folder / "seed0/LL++/stage2/model.safetensors")
    assert all(torch.equal(value, trained.model.state_dict()[name]) for name, value in kept.model.state_dict().items())


def test_the_base_model_is_the_same_whatever_predictors_train_beside_it(whole: Outcome, tmp_path: Path) -> None:
    more = {"LL": {"objective": "learning_loss"}, "LL++": {}, "conv": {"module": "conv"}}
    for name, predictors in (("none", {}), ("more", more)):
        plan = tiny(predictors=predictors, methods={"random": METHODS["random"]}, stages=1)
        outcome = experiment.run(plan, tmp_path / name, device="cpu", progress=False)
        wanted = experiment.load_trained(whole.folder / "seed0/base/model.safetensors")
        got = experiment.load_trained(outcome.folder / "seed0/base/model.safetensors")
        assert list(got.heads) == list(predictors)
        assert all(torch.equal(v, got.model.state_dict()[k]) for k, v in wanted.model.state_dict().items())
        if "LL++" in predictors:
            theirs = got.heads["LL++"].predictor.state_dict()
            assert all(torch.equal(v, theirs[k]) for k, v in wanted.heads["LL++"].predictor.state_dict().items())


def test_names_that_begin_alike_are_told_apart_in_the_model_file(tmp_path: Path) -> None:
    plan = tiny(predictors={"a0": {}, "a0.5": {"alpha": 0.5}}, methods={"random": METHODS["random"]})
    trained = experiment.build(plan, LSP_JOINTS, seed=1)
    torch.nn.init.constant_(trained.heads["a0.5"].predictor.last.weight, 3.0)
    experiment.save_trained(tmp_path / "m.safetensors", trained)
    again = experiment.load_trained(tmp_path / "m.safetensors")
    assert list(again.heads) == ["a0", "a0.5"]
    assert float(again.heads["a0.5"].predictor.last.weight.detach().mean()) == 3.0
    assert torch.equal(again.heads["a0"].predictor.last.weight, trained.heads["a0"].predictor.last.weight)


def test_a_second_call_does_nothing(again: Path) -> None:
    before = times(again)
    log = (again / "log.txt").read_text()
    outcome = experiment.run(tiny(), again.parent, device="cpu", progress=False)
    assert (len(outcome.done), outcome.left, outcome.notices) == (11, (), ())
    assert times(again) == before
    assert (again / "log.txt").read_text() == log


def test_no_time_leaves_everything(tmp_path: Path) -> None:
    outcome = experiment.run(tiny(), tmp_path, device="cpu", seconds=0, progress=False)
    assert (outcome.done, len(outcome.left)) == ((), 11)
    assert {path.name for path in outcome.folder.rglob("*") if path.name == "checkpoint.pt"} == set()


def test_no_time_still_says_what_is_complete(again: Path) -> None:
    outcome = experiment.run(tiny(), again.parent, device="cpu", seconds=0, progress=False)
    assert (len(outcome.done), outcome.left) == (11, ())
    (again / "seed0/core_set/stage1/manifest.json").unlink()
    outcome = experiment.run(tiny(), again.parent, device="cpu", seconds=0, progress=False)
    assert set(outcome.left) == {"seed0/core_set/stage1", "seed0/core_set/stage2"}
    assert len(outcome.done) == 9


def test_seeds_and_methods_can_be_done_by_and_by(tmp_path: Path) -> None:
    plan = tinier(seeds=[0, 5], stages=1, methods={"random": METHODS["random"], "LL++": METHODS["LL++"]})

    def do(**options: object) -> Outcome:
        return experiment.run(plan, tmp_path / "parts", device="cpu", progress=False, **options)  # type: ignore[arg-type]

    assert do(seeds=[5], methods=["LL++"]).done == ("seed5/base", "seed5/LL++/stage1")
    assert do(methods=["random"]).done == ("seed0/base", "seed5/base", "seed0/random/stage1", "seed5/random/stage1")
    assert do(methods=[]).done == ("seed0/base", "seed5/base")
    assert len(do().done) == 6
    at_once = experiment.run(plan, tmp_path / "at once", device="cpu", progress=False)
    assert differences(at_once.folder, do().folder) == []
    files = Results.read(at_once.folder)
    assert not set(files.ids(Unit(0), "pool")) & set(files.ids(Unit(5), "pool"))  # other figures for every seed


@pytest.mark.parametrize("asked", [{"seeds": [1]}, {"seeds": [0, 7]}, {"methods": ["LL"]}, {"methods": ["base"]}])
def test_unknown_seeds_and_methods_are_refused(tmp_path: Path, asked: dict) -> None:
    with pytest.raises(ValueError, match=r"the experiment has no (seed \d|method '(LL|base)'); it has "):
        experiment.run(tiny(), tmp_path, device="cpu", progress=False, **asked)
    assert not list(tmp_path.iterdir())


def test_weights_need_not_be_kept(tmp_path: Path) -> None:
    outcome = experiment.run(tinier(stages=1), tmp_path, device="cpu", keep_weights=False, progress=False)
    assert not outcome.left
    assert not list(outcome.folder.rglob("*.safetensors"))
    again = experiment.run(tinier(stages=1), tmp_path, device="cpu", progress=False)
    assert (again.left, again.notices) == ((), ())


def test_a_number_of_every_row_of_a_table_is_a_float32_s(whole: Outcome) -> None:
    for path in whole.folder.rglob("pool.csv"):
        rows = read_table(path)
        for name in rows[0]:
            if name != "id":
                assert bool(torch.isfinite(column(rows, name)).all()), (path, name)


def test_plans_that_differ_in_order_alone_do_not_push_each_other_aside(tmp_path: Path) -> None:
    for methods in (dict(METHODS), dict(reversed(METHODS.items()))):
        assert experiment.run(tiny(methods=methods), tmp_path, device="cpu", seconds=0, progress=False).notices == ()
    for methods in (dict(METHODS), dict(reversed(METHODS.items()))):
        assert experiment.run(tiny(methods=methods), tmp_path, device="cpu", seconds=0, progress=False).notices == ()
