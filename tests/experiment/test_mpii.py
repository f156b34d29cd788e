"""MPII from end to end: the named configuration on people in MPII's format, made for the purpose."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from llpp_core import experiment
from llpp_core.data import LSP_JOINTS, MPII_JOINTS, load_mpii, render_figures
from llpp_core.data.mpii import VALIDATION_LIST
from llpp_core.experiment import Experiment, Outcome, Results, Splits, Unit
from llpp_core.training import score

TRAIN, VALIDATION, LABELED = 22, 8, 8
"""Images to train on, with two people in every fourth; images to validate on; people labeled at first."""


def named() -> Experiment:
    """The package's configuration, made small: what it measures, and how, is left alone."""
    plan = experiment.load_experiment("mpii")
    return replace(
        plan,
        data=replace(plan.data, size=64, train=LABELED),
        model=replace(plan.model, stacks=1, channels=8),
        training=replace(plan.training, epochs=1, batch_size=4, bfloat16=False),
        stage_epochs=1,
        stages=2,
        budget=4,
        seeds=(0, 1),
        methods={name: plan.methods[name] for name in ("random", "core_set", "LL++")},
    )


def person(joints: np.ndarray, known: np.ndarray, image: str) -> dict[str, object]:
    """One person of the JSON form, pixels counted from 1, with the joints that LSP has not."""
    at = {name: joints[i] for i, name in enumerate(LSP_JOINTS)}
    there = {name: bool(known[i]) for i, name in enumerate(LSP_JOINTS)}
    at |= {
        "pelvis": (at["left_hip"] + at["right_hip"]) / 2,
        "thorax": (at["left_shoulder"] + at["right_shoulder"]) / 2,
        "upper_neck": at["neck"],
    }
    there |= {
        "pelvis": there["left_hip"] and there["right_hip"],
        "thorax": there["left_shoulder"] and there["right_shoulder"],
        "upper_neck": there["neck"],
    }
    inside = np.stack([at[name] for name in MPII_JOINTS if there[name]])
    middle, tall = (inside.min(0) + inside.max(0)) / 2, float(np.ptp(inside, axis=0).max())
    return {
        "image": image,
        "center": [float(middle[0]) + 1, float(middle[1]) + 1],
        "scale": tall / 200,
        "joints": [(at[name] + 1).tolist() if there[name] else [-1.0, -1.0] for name in MPII_JOINTS],
        "joints_vis": [int(there[name]) for name in MPII_JOINTS],
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with mpii/ in it: photographs of rendered people, annotations and the list of validation images."""
    root = tmp_path_factory.mktemp("data")
    (root / "mpii" / "images").mkdir(parents=True)
    figures = render_figures(TRAIN + VALIDATION, 0, size=160)
    entries, listed = [], []
    for i in range(TRAIN + VALIDATION):
        name = f"{i:09d}.jpg"
        Image.fromarray(figures.images[i].permute(1, 2, 0).numpy()).save(root / "mpii" / "images" / name, quality=95)
        joints, known = figures.joints[i].double().numpy(), figures.annotated[i].numpy()
        entries.append(person(joints, known, name))
        if i % 4 == 0:
            entries.append(person(joints + 3.0, known, name))
        if i >= TRAIN:
            listed.append(name)
    (root / "mpii" / "people.json").write_text(json.dumps(entries))
    (root / "mpii" / VALIDATION_LIST).write_text("\n".join(listed) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLPP_CACHE", "off")
        yield root


@pytest.fixture(scope="module")
def outcome(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return experiment.run(named(), tmp_path_factory.mktemp("runs"), data=str(data), device="cpu", progress=False)


def splits_of(data: Path, seed: int) -> Splits:
    return experiment.planned_splits(named().data, seed, data=str(data), progress=False)


def test_the_named_configuration_runs_to_its_end(outcome: Outcome) -> None:
    assert (len(outcome.done), outcome.left, outcome.notices) == (2 * (1 + 3 * 2), (), ())
    assert outcome.folder.name.startswith("mpii-")


def test_the_split_is_newell_s_and_shares_no_image(data: Path) -> None:
    splits = splits_of(data, 0)
    listed = set((data / "mpii" / VALIDATION_LIST).read_text().split())
    images = {name: {i.split("#")[0] for i in part.ids} for name, part in vars(splits).items()}
    assert images["test"] == listed
    assert not images["test"] & (images["train"] | images["pool"])
    assert len(splits.test) == len(load_mpii(data / "mpii", split="validation", size=64, progress=False))


@pytest.mark.parametrize("seed", [0, 1])
def test_everybody_to_train_on_is_labeled_at_first_or_in_the_pool(data: Path, seed: int) -> None:
    splits = splits_of(data, seed)
    people = load_mpii(data / "mpii", split="train", size=64, progress=False)
    assert len(splits.train) == LABELED
    assert not set(splits.train.ids) & set(splits.pool.ids)
    assert set(splits.train.ids) | set(splits.pool.ids) == set(people.ids)
    assert splits.train.joint_names == MPII_JOINTS


def test_who_is_labeled_at_first_is_random_and_follows_from_the_seed(data: Path) -> None:
    first, again, other = (splits_of(data, seed).train.ids for seed in (0, 0, 1))
    assert first == again
    assert set(first) != set(other)
    people = load_mpii(data / "mpii", split="train", size=64, progress=False).ids
    assert set(first) != set(people[:LABELED])


@pytest.mark.parametrize("unit", [Unit(0), Unit(1), Unit(0, 1, "LL++"), Unit(1, 2, "core_set")], ids=lambda u: u.name)
def test_pckh_is_within_half_a_head_and_leaves_out_pelvis_and_thorax(data: Path, outcome: Outcome, unit: Unit) -> None:
    people = splits_of(data, unit.seed).test
    trained = experiment.load_trained(outcome.folder / unit.name / "model.safetensors")
    assert trained.joint_names == MPII_JOINTS
    predicted = score(trained.model, {}, people, progress=False).joints.double().numpy()
    joints, known = people.joints.double().numpy(), people.annotated.numpy()
    neck, top = MPII_JOINTS.index("upper_neck"), MPII_JOINTS.index("head_top")
    right, counted, of_all = 0, 0, 0
    for i in range(len(people)):
        if not (known[i, neck] and known[i, top]):
            continue
        head = 0.75 * math.dist(joints[i, neck], joints[i, top])  # 0.6 of a diagonal of which the segment is 0.8
        for j, name in enumerate(MPII_JOINTS):
            hit = math.dist(predicted[i, j], joints[i, j]) <= 0.5 * head
            of_all += int(known[i, j]) * hit
            if known[i, j] and name not in ("pelvis", "thorax"):
                counted += 1
                right += hit
    got = Results.read(outcome.folder).tested("PCKh@0.5", unit.method or "random", unit.stage)[unit.seed]
    assert counted > 50
    assert got == pytest.approx(right / counted, abs=1e-6)


def test_its_accuracy_goes_by_its_own_name(outcome: Outcome) -> None:
    results = Results.read(outcome.folder)
    assert results.accuracy_name == "PCKh@0.5"
    metrics = {row["metric"] for row in results.metrics}
    assert "PCKh@0.5" in metrics
    assert "PCK@0.2" not in metrics
    for method in ("random", "core_set", "LL++"):
        assert set(results.tested("PCKh@0.5", method, 2)) == set(results.chosen("PCKh@0.5", method, 2)) == {0, 1}


def test_a_method_never_asks_for_whom_it_has(data: Path, outcome: Outcome) -> None:
    results = Results.read(outcome.folder)
    for seed in (0, 1):
        splits = splits_of(data, seed)
        for method in ("random", "core_set", "LL++"):
            chosen = results.selected(Unit(seed))[method] + results.selected(Unit(seed, 1, method))[method]
            assert len(set(chosen)) == 8
            assert set(chosen) <= set(splits.pool.ids)


def test_more_people_than_there_are_is_one_sentence(data: Path) -> None:
    plan = replace(named().data, train=27)
    with pytest.raises(ValueError, match=r"wanted 27 people labeled at first and a pool of 2, but .* has 28 people"):
        experiment.planned_splits(replace(plan, pool=2), 0, data=str(data), progress=False)
    with pytest.raises(ValueError, match="28 people to train on"):
        experiment.planned_splits(replace(plan, train=28), 0, data=str(data), progress=False)


def test_a_folder_without_mpii_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"must name a folder that holds mpii/.*; {tmp_path}/mpii is no folder"):
        experiment.planned_splits(named().data, 0, data=str(tmp_path), progress=False)
    with pytest.raises(ValueError, match="must name a folder that holds mpii/"):
        experiment.planned_splits(named().data, 0, data="figures", progress=False)


def test_head_lengths_are_part_of_what_is_scored(data: Path) -> None:
    lengths = splits_of(data, 0).test.head_length
    assert lengths is not None
    assert bool((lengths[torch.isfinite(lengths)] > 0).all())
    assert int(torch.isfinite(lengths).sum()) > 5
