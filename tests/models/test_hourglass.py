"""The stacked hourglass is the paper's size, and its features lie where it says."""

import pytest
import torch

from llpp_core.models import StackedHourglass


def test_maps_of_the_papers_task_model() -> None:  # its size and cost: test_cost.py
    with torch.device("meta"):
        output = StackedHourglass(joints=16, stacks=2, channels=256)(torch.empty(1, 3, 256, 256))
    assert output.prediction.shape == (1, 16, 64, 64)
    assert [f.shape[-1] for name, f in output.features.items() if name.startswith("stack2/")] == [64, 32, 16, 8, 4]


def test_every_stack_predicts_and_the_last_prediction_is_the_answer() -> None:
    output = StackedHourglass(joints=3, stacks=3, channels=8)(torch.randn(2, 3, 64, 64))
    assert len(output.predictions) == 3
    assert output.prediction is output.predictions[-1]
    assert not torch.equal(output.predictions[0], output.predictions[1])


def test_features_run_from_fine_to_coarse_and_are_named_by_stack_and_stride() -> None:
    model = StackedHourglass(joints=3, stacks=2, channels=8)
    strides = (4, 8, 16, 32, 64)
    assert [i.name for i in model.feature_info] == [f"stack{s}/stride{d}" for d in strides for s in (1, 2)]
    assert list(model(torch.randn(2, 3, 64, 64)).features) == [i.name for i in model.feature_info]


def test_a_feature_belongs_to_the_stack_in_its_name() -> None:
    # The first stack's features do not change when the second stack's weights do.
    model = StackedHourglass(joints=3, stacks=2, channels=8).eval()
    images = torch.randn(2, 3, 64, 64)
    before = model(images).features
    with torch.no_grad():
        for parameter in model.hourglasses[1].parameters():
            parameter.add_(0.1)
    after = model(images).features
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if name.startswith("stack2/")}


def test_the_second_stack_sees_the_first_ones_prediction() -> None:
    model = StackedHourglass(joints=3, stacks=2, channels=8)
    output = model(torch.randn(2, 3, 64, 64))
    (gradient,) = torch.autograd.grad(output.prediction.square().sum(), model.heads[0].weight)
    assert bool((gradient != 0).any())


@pytest.mark.parametrize(("joints", "stacks", "channels"), [(0, 1, 8), (3, 0, 8), (3, 1, 2), (3, 1, 10), (3, 1, 0)])
def test_sizes_that_make_no_hourglass_are_refused(joints: int, stacks: int, channels: int) -> None:
    with pytest.raises(ValueError, match=f"got joints={joints}, stacks={stacks}, channels={channels}"):
        StackedHourglass(joints=joints, stacks=stacks, channels=channels)


def test_a_stack_reads_what_the_one_before_it_read_plus_what_that_one_made_of_it() -> None:
    model = StackedHourglass(joints=3, stacks=2, channels=8).eval()
    with torch.no_grad():
        for merge in (*model.merge_features.parameters(), *model.merge_predictions.parameters()):
            merge.zero_()
    model.hourglasses[1].load_state_dict(model.hourglasses[0].state_dict())
    features = model(torch.randn(2, 3, 64, 64)).features
    assert all(torch.equal(features[f"stack1/stride{d}"], features[f"stack2/stride{d}"]) for d in (4, 8, 16, 32, 64))
