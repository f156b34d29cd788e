"""The training loop learns, can be repeated and resumed bit for bit, and predictors leave the task model alone."""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from llpp_core import store
from llpp_core.data import PoseDataset, heatmaps, render_figures
from llpp_core.data.augment import Augmentation, as_input
from llpp_core.heads import Head, last_stack, paper_heads
from llpp_core.losses import learning_loss_pp
from llpp_core.models import PooledPredictor, StackedHourglass, TaskOutput, seeded
from llpp_core.training import TrainingConfig, sample_loss, score, train

STILL = Augmentation(flip=0.0, rotation=0.0, scale=0.0, shift=0.0, color=0.0)
CONFIG = TrainingConfig(epochs=3, batch_size=4, seed=5)


@pytest.fixture(scope="module")
def data() -> PoseDataset:
    return render_figures(10, 0)


def new_model(seed: int = 0, stacks: int = 1) -> StackedHourglass:
    with seeded(seed):
        return StackedHourglass(joints=14, stacks=stacks, channels=8)


def weights(*modules: nn.Module) -> list[Tensor]:
    return [value.clone() for module in modules for value in module.state_dict().values()]


def same(first: list[Tensor], second: list[Tensor]) -> bool:
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def trained(data: PoseDataset, config: TrainingConfig = CONFIG, *, with_heads: bool = True, **options):
    model = new_model()
    heads = paper_heads(model, 64) if with_heads else {}
    history = train(model, heads, data, config, progress=False, **options)
    return model, heads, history


def all_weights(run) -> list[Tensor]:
    model, heads, _ = run
    return weights(model, *(head.predictor for head in heads.values()))


def test_a_tiny_model_overfits_a_few_figures(data: PoseDataset) -> None:
    config = TrainingConfig(epochs=25, batch_size=5, learning_rate=5e-3, augmentation=STILL)
    _, _, history = trained(data, config)
    assert len(history.task_loss) == len(history.true_loss) == 25
    assert history.task_loss[-1] < 0.6 * history.task_loss[0]
    assert set(history.objective) == {"LL", "LL++", "LL++conv"}
    assert all(len(values) == 25 for values in history.objective.values())


def test_predictors_learn_to_rank_fixed_losses() -> None:
    # The model is so slow that the true losses hardly move: the objective must fall towards 0.
    data = render_figures(8, 1)
    model = new_model()
    model.eval()
    heads = {
        "LL++": replace(paper_heads(model, 64)["LL++"], objective=lambda p, t: learning_loss_pp(p, t, pairs="all"))
    }
    optimizer = torch.optim.Adam(heads["LL++"].predictor.parameters(), lr=1e-2)
    with torch.no_grad():
        features = {name: f.detach() for name, f in model(as_input(data.images)).features.items()}
    true = torch.linspace(0.2, 3.0, 8)
    values = []
    for _ in range(60):
        objective = heads["LL++"].objective(heads["LL++"](features), true)
        optimizer.zero_grad()
        objective.backward()
        optimizer.step()
        values.append(float(objective.detach()))
    assert values[-1] < 0.3 * values[0]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(data: PoseDataset) -> None:
    first, again = (trained(data) for _ in range(2))
    assert same(all_weights(first), all_weights(again))
    assert first[2] == again[2]
    assert not same(all_weights(first), all_weights(trained(data, replace(CONFIG, seed=6))))


def test_the_global_generator_has_no_part_in_training(data: PoseDataset) -> None:
    torch.manual_seed(1)
    first = trained(data)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert same(all_weights(first), all_weights(trained(data)))
    assert torch.equal(torch.get_rng_state(), before)


class Interruption(Exception):
    pass


def interrupted_after(calls: int, objective: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    left = [calls]

    @functools.wraps(objective)  # a checkpoint knows an objective by its name
    def counted(predicted: Tensor, true: Tensor) -> Tensor:
        left[0] -= 1
        if left[0] < 0:
            raise Interruption
        return objective(predicted, true)

    return counted


@pytest.mark.parametrize("steps_before", [2, 3, 5])  # two steps an epoch: at an epoch's end, and within one
def test_a_resumed_run_ends_as_an_uninterrupted_one(data: PoseDataset, tmp_path: Path, steps_before: int) -> None:
    whole = trained(data)
    file = tmp_path / "run" / "checkpoint.pt"
    model = new_model()
    heads = paper_heads(model, 64)
    broken = dict(heads)
    broken["LL++conv"] = replace(heads["LL++conv"], objective=interrupted_after(steps_before, learning_loss_pp))
    with pytest.raises(Interruption):
        train(model, broken, data, CONFIG, checkpoint=file, progress=False)
    resumed = trained(data, checkpoint=file)  # in a new process the models would be new
    assert same(all_weights(resumed), all_weights(whole))
    assert resumed[2] == whole[2]


def test_a_finished_run_is_not_trained_again(data: PoseDataset, tmp_path: Path) -> None:
    first = trained(data, checkpoint=tmp_path / "c.pt")
    content = (tmp_path / "c.pt").read_bytes()
    again = trained(data, checkpoint=tmp_path / "c.pt")
    assert same(all_weights(first), all_weights(again))
    assert again[2] == first[2]
    assert (tmp_path / "c.pt").read_bytes() == content


@pytest.fixture(scope="module")
def checkpoint(data: PoseDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("run") / "c.pt"
    trained(data, replace(CONFIG, epochs=1), checkpoint=file)
    return file


def test_a_checkpoint_of_other_settings_is_refused(data: PoseDataset, checkpoint: Path) -> None:
    with pytest.raises(ValueError, match=r"c\.pt is the checkpoint of another run, of other config"):
        trained(data, replace(CONFIG, epochs=1, learning_rate=1e-4), checkpoint=checkpoint)


def test_a_checkpoint_of_other_data_is_refused(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match=r"c\.pt is the checkpoint of another run, of other data"):
        trained(render_figures(10, 9), replace(CONFIG, epochs=1), checkpoint=checkpoint)


def test_a_checkpoint_of_other_pictures_under_the_same_ids_is_refused(data: PoseDataset, checkpoint: Path) -> None:
    other = render_figures(10, 0, clutter=0.0, degradation=0.0)
    assert other.ids == data.ids
    with pytest.raises(ValueError, match=r"c\.pt is the checkpoint of another run"):
        trained(other, replace(CONFIG, epochs=1), checkpoint=checkpoint)


def test_a_checkpoint_of_other_predictors_is_refused(data: PoseDataset, checkpoint: Path) -> None:
    with pytest.raises(ValueError, match=r"c\.pt is the checkpoint of another run, of other heads"):
        trained(data, replace(CONFIG, epochs=1), checkpoint=checkpoint, with_heads=False)


@pytest.mark.parametrize("change", ["margin", "objective", "features", "order"])
def test_a_checkpoint_of_heads_trained_otherwise_is_refused(data: PoseDataset, checkpoint: Path, change: str) -> None:
    model = new_model()
    heads = paper_heads(model, 64, margin=2.0 if change == "margin" else 1.0)
    if change == "objective":
        heads["LL"] = replace(heads["LL"], objective=learning_loss_pp)
    elif change == "features":
        heads["LL"] = replace(heads["LL"], features=heads["LL"].features[::-1])
    elif change == "order":
        heads = {name: heads[name] for name in ("LL++", "LL", "LL++conv")}
    with pytest.raises(ValueError, match=r"c\.pt is the checkpoint of another run, of other heads"):
        train(model, heads, data, replace(CONFIG, epochs=1), checkpoint=checkpoint, progress=False)


def test_an_objective_is_described_by_name_and_settings() -> None:
    heads = paper_heads(new_model(), 64, margin=2.0)
    assert heads["LL"].description == ["learning_loss(margin=2.0)", *heads["LL"].features]
    assert heads["LL++"].description == ["learning_loss_pp", *heads["LL++"].features]
    nested = functools.partial(functools.partial(learning_loss_pp, pairs="all"), alpha=2.0)
    assert replace(heads["LL"], objective=nested).description[0] == "learning_loss_pp(pairs='all', alpha=2.0)"


def test_the_data_is_read_once_for_all_checkpoints(
    data: PoseDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    original = store.fingerprint
    monkeypatch.setattr(store, "fingerprint", lambda parts: calls.append(1) or original(parts))
    trained(data, checkpoint=tmp_path / "c.pt")
    assert len(calls) == 1


def test_a_checkpoint_of_another_model_is_refused(data: PoseDataset, checkpoint: Path) -> None:
    model = StackedHourglass(joints=14, stacks=1, channels=12)
    with pytest.raises(ValueError, match=r"c\.pt is the checkpoint of another run"):
        train(model, paper_heads(model, 64), data, replace(CONFIG, epochs=1), checkpoint=checkpoint, progress=False)


@pytest.mark.parametrize("kind", ["cut", "text", "empty", "a tensor", "an unsafe pickle", "parts missing"])
def test_a_file_that_is_no_checkpoint_is_refused_by_name(
    data: PoseDataset, checkpoint: Path, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "damaged.pt"
    whole = checkpoint.read_bytes()
    if kind == "a tensor":
        torch.save(torch.zeros(3), file)
    elif kind == "an unsafe pickle":
        torch.save({"config": Path}, file)
    elif kind == "parts missing":
        state = torch.load(checkpoint, weights_only=True)
        torch.save({key: state[key] for key in ("config", "data", "heads", "epoch")}, file)
    else:
        file.write_bytes({"cut": whole[: len(whole) // 2], "text": b"no checkpoint", "empty": b""}[kind])
    with pytest.raises(ValueError, match=r"damaged\.pt is no checkpoint that can be read"):
        trained(data, replace(CONFIG, epochs=1), checkpoint=file)


def test_predictors_do_not_change_the_task_model(data: PoseDataset) -> None:
    alone, beside = trained(data, with_heads=False), trained(data)
    assert same(weights(alone[0]), weights(beside[0]))
    assert alone[2].task_loss == beside[2].task_loss


def test_one_predictor_does_not_change_another(data: PoseDataset) -> None:
    model = new_model()
    only = {"LL++": paper_heads(model, 64)["LL++"]}
    train(model, only, data, CONFIG, progress=False)
    assert same(weights(only["LL++"].predictor), weights(trained(data)[1]["LL++"].predictor))


def test_every_predictor_is_trained(data: PoseDataset) -> None:
    _, heads, _ = trained(data)
    for name, start in paper_heads(new_model(), 64).items():
        assert not same(weights(start.predictor), weights(heads[name].predictor))


def test_no_gradient_flows_into_the_true_loss_or_the_features(data: PoseDataset) -> None:
    seen: list[bool] = []

    class Spy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.ones(1))

        def forward(self, features: list[Tensor]) -> Tensor:
            seen.extend(f.requires_grad for f in features)
            return features[0].mean((1, 2, 3)) * self.w

    def objective(predicted: Tensor, true: Tensor) -> Tensor:
        seen.append(true.requires_grad)
        return learning_loss_pp(predicted, true)

    model = new_model()
    train(model, {"spy": Head(Spy(), objective, ("stack1/stride4",))}, data, CONFIG, progress=False)
    assert seen
    assert not any(seen)


@pytest.mark.parametrize("figures", range(2, 21, 2))
def test_any_number_of_steps_can_be_trained(figures: int) -> None:
    # One stand-in for a model, so that only the schedule is at work.
    class Pixelwise(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(14))

        def forward(self, images: Tensor):
            heat = images.mean(1, keepdim=True)[..., ::4, ::4] * self.scale[:, None, None]
            return TaskOutput(heat, (heat,), {})

    config = TrainingConfig(epochs=1, batch_size=2)
    history = train(Pixelwise(), {}, render_figures(figures, 0, size=16), config, progress=False)
    assert len(history.task_loss) == 1


def test_a_last_smaller_batch_is_left_out(data: PoseDataset) -> None:
    sizes: list[int] = []

    def objective(predicted: Tensor, true: Tensor) -> Tensor:
        sizes.append(len(true))
        return learning_loss_pp(predicted, true)

    model = new_model()
    heads = {"LL++": replace(paper_heads(model, 64)["LL++"], objective=objective)}
    train(model, heads, data, replace(CONFIG, epochs=2, batch_size=4), progress=False)
    assert sizes == [4] * 4  # 10 figures: two batches an epoch


def test_fewer_samples_than_a_batch_are_refused(data: PoseDataset) -> None:
    with pytest.raises(ValueError, match="has 10 samples, fewer than a batch of 11"):
        trained(data, replace(CONFIG, batch_size=11))


def test_what_stands_at_a_joint_without_annotation_has_no_part(data: PoseDataset) -> None:
    annotated = data.annotated.clone()
    annotated[:, 3] = False
    elsewhere, nowhere = data.joints.clone(), data.joints.clone()
    elsewhere[:, 3], nowhere[:, 3] = 5.0, torch.nan
    first = trained(replace(data, joints=elsewhere, annotated=annotated))
    second = trained(replace(data, joints=nowhere, annotated=annotated))
    assert same(all_weights(first), all_weights(second))


def test_a_sample_without_any_annotated_joint_can_be_trained_and_scored(data: PoseDataset) -> None:
    annotated = data.annotated.clone()
    annotated[2] = False
    model, heads, _ = trained(replace(data, annotated=annotated), replace(CONFIG, epochs=1))
    scores = score(model, heads, replace(data, annotated=annotated), progress=False)
    assert scores.true_loss[2] == 0
    assert bool((scores.true_loss[[0, 1, 3]] > 0).all())


def test_a_pool_without_labels_is_scored_all_the_same(data: PoseDataset) -> None:
    model, heads, _ = trained(data, replace(CONFIG, epochs=1))
    unlabeled = replace(data, annotated=torch.zeros_like(data.annotated), visible=torch.zeros_like(data.visible))
    known, unknown = (score(model, heads, part, batch_size=5, progress=False) for part in (data, unlabeled))
    assert torch.equal(known.joints, unknown.joints)
    for name in heads:
        assert torch.equal(known.predicted_loss[name], unknown.predicted_loss[name])
    assert bool((known.true_loss > 0).all())
    assert torch.equal(unknown.true_loss, torch.zeros(len(data)))


def test_sample_loss_by_hand() -> None:
    predicted = torch.zeros(3, 2, 4, 4)
    predicted[0, 0, 1, 1], predicted[0, 1, 2, 3], predicted[1, 0, 0, 0] = 2.0, 1.0, 3.0
    annotated = torch.tensor([[True, True], [False, True], [False, False]])
    assert sample_loss(predicted, torch.zeros_like(predicted), annotated).tolist() == [2.5, 0.0, 0.0]


@pytest.fixture(scope="module")
def run(data: PoseDataset):
    return trained(data, replace(CONFIG, epochs=1))


def test_scores_do_not_depend_on_the_batch_size_and_keep_the_order(data: PoseDataset, run) -> None:
    model, heads, _ = run
    whole, small = (score(model, heads, data, batch_size=size, progress=False) for size in (64, 3))
    assert_close(whole.joints, small.joints, rtol=1e-4, atol=1e-3)
    assert_close(whole.true_loss, small.true_loss, rtol=1e-4, atol=1e-5)
    turned = score(model, heads, data.subset(range(len(data))[::-1]), batch_size=4, progress=False)
    assert_close(turned.true_loss.flip(0), whole.true_loss, rtol=1e-4, atol=1e-5)
    assert len(set(whole.true_loss.tolist())) == len(data)
    for name in heads:
        assert_close(whole.predicted_loss[name], small.predicted_loss[name], rtol=1e-4, atol=1e-5)


def test_scores_are_what_the_model_says_without_augmentation(data: PoseDataset, run) -> None:
    model, heads, _ = run
    scores = score(model, heads, data, progress=False)
    model.eval()
    with torch.no_grad():
        output = model(as_input(data.images))
    target = heatmaps.draw(data.joints, data.annotated, 64)
    assert_close(scores.joints, heatmaps.locate(output.prediction), rtol=1e-4, atol=1e-3)
    assert_close(scores.true_loss, sample_loss(output.prediction, target, data.annotated), rtol=1e-4, atol=1e-5)
    assert_close(scores.predicted_loss["LL"], heads["LL"](output.features).detach(), rtol=1e-4, atol=1e-5)


def test_scoring_changes_no_weight_and_tracks_no_gradient(data: PoseDataset, run) -> None:
    before = all_weights(run)
    scores = score(run[0], run[1], data, progress=False)
    assert same(all_weights(run), before)
    assert not any(t.requires_grad for t in (scores.joints, scores.true_loss, *scores.predicted_loss.values()))


def test_a_score_that_is_not_finite_is_named_by_id(data: PoseDataset) -> None:
    class Broken(nn.Module):
        def forward(self, features: list[Tensor]) -> Tensor:
            mean = features[0].mean((1, 2, 3))
            return torch.where(torch.arange(len(mean)) == 4, torch.nan, mean)

    heads = {"odd": Head(Broken(), learning_loss_pp, ("stack1/stride4",))}
    with pytest.raises(ValueError, match="odd of sample everyday-0-000004 of rendered figures, everyday is not finite"):
        score(new_model(), heads, data, progress=False)


def test_the_papers_methods_start_alike_and_read_the_last_stack() -> None:
    model = new_model(stacks=2)
    heads = paper_heads(model, 64, seed=3)
    assert list(heads) == ["LL", "LL++", "LL++conv"]
    assert same(weights(heads["LL"].predictor), weights(heads["LL++"].predictor))
    assert heads["LL"].predictor is not heads["LL++"].predictor
    assert isinstance(heads["LL"].predictor, PooledPredictor)
    wanted = tuple(f"stack2/stride{s}" for s in (4, 8, 16, 32, 64))
    assert all(head.features == wanted for head in heads.values())
    assert heads["LL++conv"].predictor.sizes == (16, 8, 4, 2, 1)
    assert same(weights(heads["LL"].predictor), weights(paper_heads(model, 64, seed=3)["LL"].predictor))
    assert not same(weights(heads["LL"].predictor), weights(paper_heads(model, 64, seed=4)["LL"].predictor))


def test_margin_reaches_learning_loss_only() -> None:
    predicted, true = torch.zeros(2), torch.ones(2)
    heads = paper_heads(new_model(), 64, margin=7.0)
    assert float(heads["LL"].objective(predicted, true)) == 7.0
    assert float(heads["LL++"].objective(predicted, true)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("stacks", [1, 2, 11])
def test_the_last_stack_is_the_last_one(stacks: int) -> None:
    with torch.device("meta"):
        model = StackedHourglass(joints=1, stacks=stacks, channels=4)
    assert {info.name.split("/")[0] for info in last_stack(model)} == {f"stack{stacks}"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs", 0),
        ("batch_size", 1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("foreground", -1.0),
        ("sigma", 0.0),
    ],
)
def test_settings_out_of_range_are_refused(setting: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"got .*{value}"):
        TrainingConfig(**{setting: value})
