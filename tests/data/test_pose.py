"""PoseDataset: what it refuses, and what its parts keep together."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from llpp_core.data.figures import render_figures
from llpp_core.data.pose import LIMBS, LSP_JOINTS, MPII_JOINTS, PoseDataset, concatenate, mirror


def dataset(n: int = 4, size: int = 8, prefix: str = "s") -> PoseDataset:
    generator = torch.Generator().manual_seed(n)
    return PoseDataset(
        name="made up",
        images=torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=generator),
        joints=torch.rand(n, 3, 2, generator=generator) * size,
        visible=torch.rand(n, 3, generator=generator) < 0.5,
        annotated=torch.ones(n, 3, dtype=torch.bool),
        ids=tuple(f"{prefix}{i}" for i in range(n)),
        joint_names=("left_hand", "right_hand", "nose"),
        crop_to_image=torch.rand(n, 2, 3, generator=generator),
    )


def with_heads(n: int = 4, prefix: str = "s") -> PoseDataset:
    lengths = torch.arange(1.0, n + 1)
    return replace(dataset(n, prefix=prefix), head_length=lengths, files=tuple(f"{prefix}{i}.jpg" for i in range(n)))


def test_length_and_size() -> None:
    assert len(dataset(5, 8)) == 5
    assert dataset(5, 16).size == 16


@pytest.mark.parametrize(
    ("field", "value", "shape"),
    [
        ("images", torch.zeros(4, 3, 8, 9, dtype=torch.uint8), r"\(4, 3, 9, 9\), got \(4, 3, 8, 9\)"),
        ("images", torch.zeros(3, 3, 8, 8, dtype=torch.uint8), r"\(4, 3, 8, 8\), got \(3, 3, 8, 8\)"),
        ("joints", torch.zeros(4, 2, 2), r"\(4, 3, 2\), got \(4, 2, 2\)"),
        ("visible", torch.ones(4, 2, dtype=torch.bool), r"\(4, 3\), got \(4, 2\)"),
        ("annotated", torch.ones(5, 3, dtype=torch.bool), r"\(4, 3\), got \(5, 3\)"),
        ("crop_to_image", torch.zeros(4, 3, 3), r"\(4, 2, 3\), got \(4, 3, 3\)"),
    ],
)
@pytest.mark.usefixtures("as_users_run_it")
def test_a_field_of_another_shape_is_named(field: str, value: torch.Tensor, shape: str) -> None:
    with pytest.raises(ValueError, match=f"made up: {field} must have shape {shape}"):
        replace(dataset(), **{field: value})


def test_repeated_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="ids must be unique, got 2 repeats"):
        replace(dataset(), ids=("a", "b", "a", "a"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_annotated_joint_that_is_not_finite_is_named_by_its_sample(value: float) -> None:
    joints = dataset().joints.clone()
    joints[2, 1, 0] = value
    with pytest.raises(ValueError, match="sample s2 has an annotated joint that is not a finite number"):
        replace(dataset(), joints=joints)
    annotated = torch.ones(4, 3, dtype=torch.bool)
    annotated[2, 1] = False
    replace(dataset(), joints=joints, annotated=annotated)  # meaningless there, so anything goes


def test_index_finds_a_joint_or_lists_those_there_are() -> None:
    assert dataset().index("nose") == 2
    with pytest.raises(ValueError, match="has no joint 'ear'; it has left_hand, right_hand, nose"):
        dataset().index("ear")


@pytest.mark.parametrize("wrap", [list, np.array, torch.tensor])
def test_a_subset_keeps_every_field_in_the_asked_order(wrap) -> None:
    data = dataset()
    part = data.subset(wrap([2, 0]))
    assert part.ids == ("s2", "s0")
    for field in ("images", "joints", "visible", "annotated", "crop_to_image"):
        assert torch.equal(getattr(part, field), getattr(data, field)[[2, 0]])


def test_an_empty_subset_is_a_data_set() -> None:
    assert len(dataset().subset([])) == 0


@pytest.mark.parametrize("indices", [[4], [-1], [0, 99]])
def test_a_subset_refuses_indices_outside(indices: list[int]) -> None:
    outside = next(i for i in indices if i)
    with pytest.raises(IndexError, match=rf"made up has samples 0 to 3, asked for {outside}$"):
        dataset().subset(indices)


@pytest.mark.parametrize("indices", [torch.tensor([False, True]), np.array([True, False]), [0.2, 1.9]])
@pytest.mark.usefixtures("as_users_run_it")
def test_a_subset_refuses_a_mask_and_fractions(indices) -> None:
    # Taken for places, the mask of the last of two samples would give both.
    with pytest.raises(ValueError, match="made up: wanted the places of samples as whole numbers, got torch"):
        dataset(2).subset(indices)


def test_a_subset_refuses_a_sample_twice() -> None:
    with pytest.raises(ValueError, match="ids must be unique"):
        dataset().subset([1, 1])


def test_concatenation_keeps_order_and_fields() -> None:
    parts = [dataset(2, prefix="a"), dataset(3, prefix="b")]
    whole = concatenate("both", parts)
    assert whole.name == "both"
    assert whole.ids == ("a0", "a1", "b0", "b1", "b2")
    for field in ("images", "joints", "visible", "annotated", "crop_to_image"):
        assert torch.equal(getattr(whole, field), torch.cat([getattr(p, field) for p in parts]))


def test_concatenation_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="both: made up has other joints or another side"):
        concatenate("both", [dataset(2, 8, "a"), dataset(2, 16, "b")])
    with pytest.raises(ValueError, match="other joints"):
        concatenate("both", [dataset(2, 64), render_figures(2, 0)])
    with pytest.raises(ValueError, match="both: sample ids must be unique, got 2 repeats"):
        concatenate("both", [dataset(2), dataset(2)])
    with pytest.raises(ValueError, match="both: wanted at least one data set"):
        concatenate("both", [])


def test_a_subset_keeps_head_lengths_and_files() -> None:
    part = with_heads().subset([2, 0])
    assert part.head_length is not None
    assert part.head_length.tolist() == [3, 1]
    assert part.files == ("s2.jpg", "s0.jpg")
    plain = dataset().subset([2, 0])
    assert (plain.head_length, plain.files) == (None, None)


def test_concatenation_says_where_head_lengths_and_files_are_not_known() -> None:
    both = concatenate("both", [with_heads(2, prefix="a"), dataset(1, prefix="b")])
    assert both.head_length is not None
    assert both.head_length.isnan().tolist() == [False, False, True]
    assert both.head_length[:2].tolist() == [1, 2]
    assert both.files == ("a0.jpg", "a1.jpg", "")
    neither = concatenate("both", [dataset(2, prefix="a"), dataset(1, prefix="b")])
    assert (neither.head_length, neither.files) == (None, None)


@pytest.mark.parametrize("length", [0.0, -1.0, float("inf"), float("-inf")])
def test_a_head_length_that_is_none_is_named_by_its_sample(length: float) -> None:
    lengths = torch.tensor([1.0, torch.nan, length, 2.0])
    with pytest.raises(ValueError, match="head_length must be finite and above 0, or NaN; sample s2 has"):
        replace(dataset(), head_length=lengths)


@pytest.mark.usefixtures("as_users_run_it")
def test_there_is_a_head_length_and_a_file_for_each_sample() -> None:
    with pytest.raises(ValueError, match=r"head_length must have shape \(4,\), got \(3,\)"):
        replace(dataset(), head_length=torch.ones(3))
    with pytest.raises(ValueError, match="wanted a file name for each of 4 samples, got 3"):
        replace(dataset(), files=("a", "b", "c"))


def test_joints_in_another_order_keep_their_places_and_flags() -> None:
    data = dataset()
    turned = data.in_order(["beak", "left_hand", "right_hand"], alias={"beak": "nose"})
    assert turned.joint_names == ("beak", "left_hand", "right_hand")
    for field in ("joints", "visible", "annotated"):
        assert torch.equal(getattr(turned, field), getattr(data, field)[:, [2, 0, 1]])
    assert torch.equal(turned.images, data.images)
    assert turned.mirror == [0, 2, 1]
    with pytest.raises(ValueError, match="has no joint 'beak'"):
        data.in_order(["beak"])
    with pytest.raises(ValueError, match="wanted each joint at most once, got nose, nose"):
        data.in_order(["nose", "nose"])


def test_mpiis_people_can_take_lsps_joints() -> None:
    shared = [name for name in MPII_JOINTS if name in LSP_JOINTS]
    assert set(LSP_JOINTS) - set(shared) == {"neck"}
    assert set(MPII_JOINTS) - set(shared) == {"pelvis", "thorax", "upper_neck"}
    assert mirror(MPII_JOINTS)[:6] == [5, 4, 3, 2, 1, 0]


def test_mirror_swaps_left_and_right_and_leaves_the_rest() -> None:
    partners = [LSP_JOINTS[i] for i in mirror(LSP_JOINTS)]
    swapped = [n.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right") for n in LSP_JOINTS]
    assert partners == swapped
    assert dataset().mirror == [1, 0, 2]


def test_a_sided_joint_without_partner_is_refused() -> None:
    with pytest.raises(ValueError, match="joint 'left_ear' has no partner: wanted 'right_ear'"):
        mirror(["left_ear", "nose"])


def test_limbs_name_joints_that_there_are() -> None:
    assert {name for limb in LIMBS for name in limb} == set(LSP_JOINTS) | set(MPII_JOINTS)
