"""Configurations: what a TOML file may say, what is refused and how, and what the hash of an experiment covers."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from folders import METHODS, tiny, values

from llpp_core import experiment
from llpp_core.experiment import Experiment

FILE = """
name = "mine"
seeds = [3, 1]
stages = 2
budget = 5
stage_epochs = 4

[data]
kind = "figures"
size = 64
train = 10
test = 6
pool = 20

[model]
kind = "hourglass"
stacks = 2
channels = 16

[training]
epochs = 3
batch_size = 4
average = 0.9
augmentation = { flip = 0.25, rotation = 10.0 }

[predictors]
LL = { objective = "learning_loss", margin = 0.5, pairs = "all" }
"LL++conv" = { module = "conv" }

[methods]
random = { strategy = "random" }
"LL++conv" = { strategy = "predicted_loss", predictor = "LL++conv" }
"""


def written(folder: Path, text: str) -> Path:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return folder / "mine.toml"


def refused(**changes: Any) -> str:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the caller looks at what was said
        Experiment.from_mapping(values(**changes))
    return str(error.value)


pytestmark = pytest.mark.usefixtures("as_users_run_it")


def test_a_file_says_it_all(tmp_path: Path) -> None:
    plan = experiment.load_experiment(written(tmp_path, FILE))
    assert (plan.name, plan.seeds, plan.stages, plan.budget, plan.stage_epochs) == ("mine", (3, 1), 2, 5, 4)
    assert (plan.data.kind, plan.data.size, plan.data.train, plan.data.test, plan.data.pool) == (
        "figures",
        64,
        10,
        6,
        20,
    )
    assert (plan.model.stacks, plan.model.channels) == (2, 16)
    assert (plan.training.epochs, plan.training.batch_size, plan.training.average) == (3, 4, 0.9)
    assert (plan.training.augmentation.flip, plan.training.augmentation.rotation) == (0.25, 10.0)
    assert plan.training.augmentation.scale == 0.2  # not said: the default
    assert plan.predictors["LL"].settings == {"margin": 0.5, "pairs": "all"}
    assert plan.predictors["LL++conv"].settings == {"alpha": 1.0, "pairs": "halves"}
    assert plan.methods["random"].predictor is None
    assert plan.folder_name == f"mine-{plan.hash[:10]}"


def test_a_plan_comes_back_from_its_plain_values_and_from_json() -> None:
    for plan in (tiny(), *map(experiment.load_experiment, experiment.configurations())):
        again = Experiment.from_mapping(json.loads(json.dumps(plan.plain())))
        assert again == plan
        assert again.hash == plan.hash


@pytest.mark.parametrize("name", sorted(experiment.configurations()))
def test_what_the_package_ships_can_be_loaded_by_name_and_by_path(name: str) -> None:
    plan = experiment.load_experiment(name)
    assert plan.name == name
    assert plan == experiment.load_experiment(experiment.configurations()[name])


def test_the_paper_s_settings_of_mpii() -> None:
    plan = experiment.load_experiment("mpii")
    assert (plan.data.kind, plan.data.train, plan.data.test, plan.data.pool) == ("mpii", 1_000, None, None)
    assert (plan.budget, plan.stages, plan.data.size) == (1_000, 5, 256)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stage": 2}, "no key 'stage'; did you mean 'stages'"),
        ({"zzzz": 2}, "no key 'zzzz'; it may have name, predictors"),
        ({"data": {"kind": "figures", "tests": 3, "pool": 9}}, "data has no key 'tests'; did you mean 'test'"),
        ({"model": {"chanels": 8}}, "model has no key 'chanels'; did you mean 'channels'"),
        ({"training": {"epoch": 2}}, "no key 'epoch'; did you mean 'epochs'"),
        ({"training": {"augmentation": {"rotate": 2}}}, "no key 'rotate'; did you mean 'rotation'"),
        (
            {"predictors": {"LL++": {"objectve": "x"}}},
            "predictors.LL++ has no key 'objectve'; did you mean 'objective'",
        ),
        ({"methods": {"a": {"strategie": "random"}}}, "methods.a has no key 'strategie'; did you mean 'strategy'"),
        ({"training": {"device": "cuda"}}, "training.device: an experiment has no device, a run of it has"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(changes: dict[str, Any], said: str) -> None:
    assert said in refused(**changes)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"name": 5}, "name"),
        ({"stages": 0}, "stages"),
        ({"stages": 2.0}, "stages"),
        ({"stages": True}, "stages"),
        ({"stages": "2"}, "stages"),
        ({"budget": 0}, "budget"),
        ({"stage_epochs": 0}, "stage_epochs"),
        ({"seeds": []}, "seed"),
        ({"seeds": 3}, "seeds"),
        ({"seeds": [0, 0]}, "seed"),
        ({"seeds": [-1]}, "seed"),
        ({"seeds": ["0"]}, "seeds"),
        ({"seeds": [True]}, "seeds"),
        ({"data": "figures"}, "data"),
        ({"data": {"kind": "coco", "test": 3, "pool": 20}}, "kind"),
        ({"data": {"kind": ["figures"], "test": 3, "pool": 20}}, "kind"),
        ({"data": {"pool": 20}}, "data.test"),
        ({"data": {"test": 20}}, "data.pool"),
        ({"data": {"test": 2, "pool": 20, "size": 50}}, "size"),
        ({"data": {"test": 2, "pool": 20, "size": 0}}, "size"),
        ({"data": {"test": 2, "pool": 20, "train": 1}}, "train"),
        ({"data": {"test": 1, "pool": 20}}, "data.test"),
        ({"data": {"test": 2, "pool": 20, "seed": -1}}, "seed"),
        ({"data": {"kind": "lsp_lspet", "train": 1_001}}, "train"),
        ({"model": {"kind": "unet"}}, "kind"),
        ({"model": {"stacks": 0}}, "stacks"),
        ({"model": {"kind": "hrnet", "stacks": 2, "channels": 18}}, "stacks"),
        ({"model": {"channels": 8.0}}, "channels"),
        ({"training": {"epochs": 0}}, "epochs"),
        ({"training": {"epochs": 2.5}}, "epochs"),
        ({"training": {"epochs": "2"}}, "epochs"),
        ({"training": {"epochs": True}}, "epochs"),
        ({"training": {"batch_size": 2.5}}, "batch_size"),
        ({"training": {"batch_size": 1}}, "batch_size"),
        ({"training": {"seed": "x"}}, "seed"),
        ({"training": {"clip": "x"}}, "clip"),
        ({"training": {"learning_rate": 0}}, "learning_rate"),
        ({"training": {"learning_rate": float("nan")}}, "learning_rate"),
        ({"training": {"learning_rate": float("inf")}}, "learning_rate"),
        ({"training": {"bfloat16": "no"}}, "bfloat16"),
        ({"training": {"compile": "no"}}, "compile"),
        ({"training": {"optimizer": "sgd"}}, "optimizer"),
        ({"training": {"augmentation": 3}}, "augmentation"),
        ({"training": {"augmentation": {"flip": "x"}}}, "flip"),
        ({"training": {"augmentation": {"flip": 2}}}, "flip"),
        ({"training": 3}, "training"),
        ({"predictors": {"LL++": {"margin": "a"}}}, "margin"),
        ({"predictors": {"LL++": {"alpha": True}}}, "alpha"),
        ({"predictors": {"LL++": {"alpha": 0.0}}}, "alpha"),
        ({"predictors": {"LL++": {"objective": "learning_loss", "margin": -1}}}, "margin"),
        ({"predictors": {"LL++": {"objective": "learning_loss", "alpha": 2.0}}}, "alpha is no setting"),
        ({"predictors": {"LL++": {"module": "conv", "features": "all"}}}, "features"),
        ({"predictors": {"LL++": {"objective": "mse"}}}, "objective"),
        ({"predictors": {"LL++": 3}}, "predictors.LL++"),
        ({"predictors": [1]}, "predictors"),
        ({"methods": {}}, "at least one method"),
        ({"methods": {"a": {}}}, "strategy"),
        ({"methods": {"a": {"strategy": "best"}}}, "strategy"),
        ({"methods": {"a": {"strategy": 5}}}, "strategy"),
        ({"methods": {"a": {"strategy": ["random"]}}}, "strategy"),
        ({"methods": {"a": {"strategy": "predicted_loss"}}}, "a predictor"),
        ({"methods": {"a": {"strategy": "random", "predictor": "LL++"}}}, "no predictor"),
        ({"methods": {"a": {"strategy": "predicted_loss", "predictor": "LL"}}}, "there are LL++"),
        ({"methods": {"a": {"strategy": "predicted_loss", "predictor": 5}}}, "predictor"),
        ({"training": {"joint_epochs": 1}, "predictors": {}, "methods": {"a": METHODS["random"]}}, "joint"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_or_out_of_range_is_a_sentence_that_names_its_key(
    changes: dict[str, Any], key: str
) -> None:
    said = refused(**changes)
    assert key in said
    assert "not supported between" not in said
    assert "unhashable" not in said


def test_a_budget_may_take_the_whole_pool_and_no_more() -> None:
    assert tiny(budget=20).budget == 20
    assert "2 stages of 21 ask for more than the pool's 40 samples" in refused(budget=21)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "/a", "a\\b", ".hidden", "-rf", "a b", "a\n", "a\0", "ä", "base", "set_aside",
     "n" * 300, "base.lock", "x.lock", "a:b", "*", "~"],
)  # fmt: skip
@pytest.mark.parametrize("what", ["name", "predictors", "methods"])
def test_a_name_that_is_no_folder_of_its_own_is_refused(what: str, name: str) -> None:
    changes: dict[str, Any] = {"name": name}
    if what == "predictors":
        changes = {what: {"LL++": {}, name: {}}}
    elif what == "methods":
        changes = {what: {name: {"strategy": "random"}}}
    said = refused(**changes)
    assert repr(name) in said
    assert "wanted a name" in said


def test_names_as_the_paper_has_them_are_fine() -> None:
    names = ["LL", "LL++", "LL++conv", "core_set", "a.b-c_d", "1", "+"]
    plan = tiny(methods={name: {"strategy": "random"} for name in names})
    assert list(plan.methods) == names


CHANGES: dict[str, dict[str, Any]] = {
    "name": {"name": "other"},
    "seeds": {"seeds": [1]},
    "order of seeds": {"seeds": [1, 0]},
    "stages": {"stages": 3},
    "budget": {"budget": 5},
    "stage_epochs": {"stage_epochs": 2},
    **{
        f"data.{key}": {"data": {**values()["data"], key: value}}
        for key, value in {"size": 128, "train": 31, "test": 21, "pool": 41, "seed": 1}.items()
    },
    **{f"model.{key}": {"model": {**values()["model"], key: v}} for key, v in {"stacks": 2, "channels": 12}.items()},
    **{
        f"training.{key}": {"training": {"epochs": 2, key: value}}
        for key, value in {
            "epochs": 3, "batch_size": 8, "learning_rate": 1e-3, "clip": 1.0, "average": 0.5, "validation": 0.1,
            "foreground": 10.0, "sigma": 1.5, "bfloat16": True, "channels_last": False, "joint_epochs": 1,
            "optimizer": "adamw", "augmentation": {"flip": 0.4}, "joint_weight": 0.5, "patience": 3,
        }.items()
    },
    **{
        f"predictors.{key}": {"predictors": {"LL++": {key: value}}}
        for key, value in {
            "module": "conv", "objective": "learning_loss", "alpha": 2.0, "pairs": "all", "features": "all",
        }.items()
    },
    "another predictor": {"predictors": {"LL++": {}, "LL": {}}},
    "another method": {"methods": {**METHODS, "more": {"strategy": "random"}}},
    "one method less": {"methods": {"random": METHODS["random"]}},
    "another strategy": {"methods": {**METHODS, "random": {"strategy": "core_set"}}},
}  # fmt: skip


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_the_hash_sees_every_change_of_what_is_computed(changes: dict[str, Any]) -> None:
    assert tiny(**changes).hash != tiny().hash


def test_all_changes_have_hashes_of_their_own() -> None:
    assert len({tiny(**changes).hash for changes in CHANGES.values()}) == len(CHANGES)


def test_the_hash_is_blind_to_where_it_is_computed_and_to_how_defaults_are_said() -> None:
    plan = tiny()
    elsewhere = replace(plan, training=replace(plan.training, device="cuda", compile=True))
    assert elsewhere.hash == plan.hash
    assert tiny(training={"epochs": 2, "batch_size": 16, "compile": True}).hash == plan.hash
    assert tiny(predictors={"LL++": {"alpha": 1, "margin": 1}}).hash == plan.hash  # 1 and 1.0 are one number
    assert tiny(training={"epochs": 2, "sigma": 1}).hash == plan.hash


def test_equal_plans_have_equal_hashes_and_one_folder() -> None:
    one, other = tiny(methods=dict(METHODS)), tiny(methods=dict(reversed(METHODS.items())))
    assert (one == other) <= (one.hash == other.hash) or one.folder_name != other.folder_name


def test_the_hash_is_the_same_in_another_process() -> None:
    code = (
        "import json, sys; from llpp_core.experiment import Experiment;"
        "print(Experiment.from_mapping(json.load(sys.stdin)).hash)"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], input=json.dumps(values()), capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert done.stdout.strip() == tiny().hash


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", r"mine\.toml is no TOML file that can be read"),
        ('name = "a"\nname = "b"', r"mine\.toml is no TOML file"),
        ("", r"mine\.toml: .*name"),
        ('name = "x"', r"mine\.toml: .*(method|data\.test|missing|lacks)"),
        (FILE.replace("budget = 5", "budget = 500"), r"mine\.toml: 2 stages of 500 ask for more"),
        (FILE.replace("epochs = 3", 'epochs = "3"'), r"mine\.toml: .*epochs"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        experiment.load_experiment(written(tmp_path, text))


def test_a_file_of_other_bytes_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(ValueError, match=r"mine\.toml is no TOML file"):
        experiment.load_experiment(tmp_path / "mine.toml")


def test_a_name_that_nothing_has_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"wanted a TOML file or one of .*, got 'figure', which is neither; did you mean 'figures'\?"
    ):
        experiment.load_experiment("figure")
    with pytest.raises(ValueError, match=r"wanted a TOML file or one of"):
        experiment.load_experiment(tmp_path)
