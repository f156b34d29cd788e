"""What scoring returns besides losses, when it is asked for, and that it can be stopped."""

from dataclasses import replace

import pytest
import torch

from llpp_core.acquisition import multipeak_entropy
from llpp_core.data import PoseDataset, render_figures
from llpp_core.data.augment import as_input
from llpp_core.heads import last_stack, paper_heads
from llpp_core.models import StackedHourglass, seeded
from llpp_core.training import Scores, Stopped, score

N = 7


@pytest.fixture(scope="module")
def data() -> PoseDataset:
    return render_figures(N, 0)


@pytest.fixture(scope="module")
def model() -> StackedHourglass:
    with seeded(0):
        return StackedHourglass(joints=14, stacks=2, channels=8).eval()


def scored(model: StackedHourglass, data: PoseDataset, **options) -> Scores:
    return score(model, {}, data, progress=False, **options)


def test_nothing_is_returned_that_nobody_asked_for(model: StackedHourglass, data: PoseDataset) -> None:
    plain = scored(model, data)
    assert plain.embeddings is None
    assert plain.multipeak_entropy is None
    one = scored(model, data, also=["embeddings"])
    assert one.embeddings is not None
    assert one.multipeak_entropy is None
    other = scored(model, data, also={"multipeak_entropy"})
    assert other.embeddings is None
    assert other.multipeak_entropy is not None


def test_asking_for_more_changes_nothing_else(model: StackedHourglass, data: PoseDataset) -> None:
    heads = paper_heads(model, 64)
    plain, more = (
        score(model, heads, data, also=also, progress=False) for also in ((), ("embeddings", "multipeak_entropy"))
    )
    assert torch.equal(plain.joints, more.joints)
    assert torch.equal(plain.true_loss, more.true_loss)
    assert list(plain.predicted_loss) == list(more.predicted_loss)
    assert all(torch.equal(plain.predicted_loss[name], more.predicted_loss[name]) for name in heads)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 64])
def test_embeddings_are_the_mean_of_every_map_of_the_last_stack(
    model: StackedHourglass, data: PoseDataset, batch_size: int
) -> None:
    found = scored(model, data, also=("embeddings",), batch_size=batch_size).embeddings
    with torch.no_grad():
        features = model(as_input(data.images)).features
    last = [info.name for info in last_stack(model)]
    assert 0 < len(last) < len(features)  # of the last stack alone
    wanted = torch.cat([features[name].flatten(2).sum(2) / features[name][0, 0].numel() for name in last], dim=1)
    assert found is not None
    assert found.shape == (N, 8 * len(last))
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found[0], found[1], atol=1e-4)


@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_entropy_is_that_of_the_predicted_heatmaps(model: StackedHourglass, data: PoseDataset, batch_size: int) -> None:
    found = scored(model, data, also=("multipeak_entropy",), batch_size=batch_size).multipeak_entropy
    with torch.no_grad():
        wanted = multipeak_entropy(model(as_input(data.images)).prediction)
    assert found is not None
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_both_are_there_without_any_annotated_joint(model: StackedHourglass, data: PoseDataset) -> None:
    blank = replace(data, annotated=torch.zeros_like(data.annotated))
    also = ("embeddings", "multipeak_entropy")
    with_joints, without = scored(model, data, also=also), scored(model, blank, also=also)
    assert without.true_loss.tolist() == [0.0] * N
    assert min(with_joints.true_loss.tolist()) > 0
    assert with_joints.embeddings is not None
    assert with_joints.multipeak_entropy is not None
    assert torch.equal(with_joints.embeddings, without.embeddings)
    assert torch.equal(with_joints.multipeak_entropy, without.multipeak_entropy)


def test_a_batch_without_any_annotated_joint_leaves_the_losses_of_the_others_in_their_places(
    model: StackedHourglass, data: PoseDataset
) -> None:
    annotated = data.annotated.clone()
    annotated[2:4] = False  # the second batch of two
    wanted = scored(model, data, batch_size=2).true_loss
    wanted[2:4] = 0
    assert torch.equal(scored(model, replace(data, annotated=annotated), batch_size=2).true_loss, wanted)


@pytest.mark.parametrize("also", [["embedding"], ["embeddings", "entropy"], "embeddings", [""]])
def test_what_is_unknown_is_refused_before_any_work(model: StackedHourglass, data: PoseDataset, also) -> None:
    with pytest.raises(ValueError, match=r'also may name "embeddings" and "multipeak_entropy", got \''):
        scored(model, data, also=also, stop=lambda: pytest.fail("work was begun"))


def test_scoring_asks_after_every_batch_and_stops_at_once(model: StackedHourglass, data: PoseDataset) -> None:
    asked: list[int] = []

    def stop_at_the_second() -> bool:
        asked.append(len(asked))
        return len(asked) == 2

    with pytest.raises(Stopped):
        scored(model, data, batch_size=2, stop=stop_at_the_second)
    assert len(asked) == 2


def test_who_never_says_stop_is_asked_once_a_batch(model: StackedHourglass, data: PoseDataset) -> None:
    asked: list[bool] = []
    found = scored(model, data, batch_size=2, stop=lambda: asked.append(True) is not None)
    assert len(asked) == 4
    assert len(found.true_loss) == N
