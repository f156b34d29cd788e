"""The MLP's hidden layers are its features, and a loss predictor reads them as it reads maps."""

import pytest
import torch
from torch.testing import assert_close

from llpp_core.models import MLP, ConvPredictor, PooledPredictor


def test_features_are_the_hidden_layers_first_to_last() -> None:
    model = MLP(3, 2, (5, 4))
    rows = torch.randn(7, 3)
    output = model(rows)
    assert [tuple(info) for info in model.feature_info] == [("hidden/layer1", 5, 1), ("hidden/layer2", 4, 1)]
    first = (rows @ model.layers[0][0].weight.T + model.layers[0][0].bias).relu()
    second = (first @ model.layers[1][0].weight.T + model.layers[1][0].bias).relu()
    assert_close(output.features, {"hidden/layer1": first, "hidden/layer2": second})
    assert_close(output.prediction, second @ model.head.weight.T + model.head.bias)
    assert output.predictions == (output.prediction,)


def test_all_hidden_layers_are_one_stack() -> None:
    # What reads "the last stack" of a model reads all of them.
    assert {info.name.split("/")[0] for info in MLP(1, 1, [2] * 11).feature_info} == {"hidden"}


def test_a_pooled_predictor_reads_the_hidden_layers_as_they_are() -> None:
    model = MLP(3, 2, (5, 4))
    features = model(torch.randn(7, 3)).features
    predictor = PooledPredictor([info.channels for info in model.feature_info])
    theta = predictor.layers(torch.cat([features["hidden/layer1"], features["hidden/layer2"]], dim=1))
    assert torch.equal(predictor.embedding(features), theta)
    as_maps = {name: feature[:, :, None, None].expand(-1, -1, 3, 3) for name, feature in features.items()}
    assert_close(predictor(as_maps), predictor(features))


def test_a_convolutional_predictor_refuses_them_in_a_sentence() -> None:
    features = MLP(3, 2, (5, 4))(torch.randn(7, 3)).features
    wanted = r"square feature maps of sides \(1, 1\), fine → coarse; got features of height and width \[\(\), \(\)\]"
    with pytest.raises(ValueError, match=f"a convolutional predictor reads {wanted}"):
        ConvPredictor([5, 4], [1, 1])(features)


@pytest.mark.parametrize("shape", [(7, 4), (7, 2), (3,), (7, 3, 1)])
@pytest.mark.usefixtures("as_users_run_it")
def test_rows_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"reads rows \(batch, 3\), got a tensor of shape \("):
        MLP(3, 2)(torch.zeros(shape))


@pytest.mark.parametrize("wrong", [(0, 1, (4,)), (1, 0, (4,)), (1, 1, ()), (1, 1, (4, 0))])
def test_numbers_that_make_no_mlp_are_refused(wrong: tuple) -> None:
    inputs, outputs, hidden = wrong
    with pytest.raises(ValueError, match=f"got inputs={inputs}, outputs={outputs}, hidden="):
        MLP(inputs, outputs, hidden)
