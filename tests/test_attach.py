"""A loss predictor beside any regressor: what is read, what is refused, and that the regressor is left alone."""

import copy
import re
from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import llpp_core as llpp
from llpp_core.attach import attach, squared_error, train
from llpp_core.models import ConvPredictor, PooledPredictor


class Net(nn.Module):
    """A reader's network with what may go wrong: batch statistics, dropout, work in place, a counter of its calls."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, stride=2, padding=1), nn.BatchNorm2d(width))
        self.act = nn.ReLU(inplace=True)
        self.middle = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(2 * width, 4)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        x = self.act(self.stem(x))
        x = self.act(self.middle(x))
        return self.out(self.drop(x.mean((2, 3))))


def net(seed: int = 0) -> Net:
    with llpp.models.seeded(seed):
        return Net()


def mlp(seed: int = 0) -> nn.Sequential:
    with llpp.models.seeded(seed):
        return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 2))


def pictures(n: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def rows(n: int = 40, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 3, generator=generator), torch.randn(n, 2, generator=generator)


def same(left: nn.Module, right: nn.Module) -> bool:
    ours, theirs = left.state_dict(), right.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


class Runs(nn.Module):
    """Calls a layer that returns what a function of its input gives, ``times`` times, and a linear one after it."""

    def __init__(self, gives, times: int = 1) -> None:
        super().__init__()
        self.gives, self.times = gives, times
        self.layer, self.last, self.unused = Gives(gives), nn.Linear(3, 1), nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(self.times):
            self.layer(x)
        return self.last(x)


class Gives(nn.Module):
    def __init__(self, gives) -> None:
        super().__init__()
        self.gives = gives

    def forward(self, x: torch.Tensor):
        return self.gives(x)


def test_attaching_leaves_the_model_its_modes_its_buffers_and_the_random_state_as_they_were() -> None:
    model = net()
    model.train()
    model.drop.eval()  # a part that the reader froze
    before, modes = copy.deepcopy(model), [m.training for m in model.modules()]
    state = torch.get_rng_state()
    attach(model, ["stem", "middle"], pictures())
    assert same(model, before)
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())


def test_the_random_state_survives_a_model_that_draws_in_evaluation_mode_too() -> None:
    model, example = Runs(lambda x: x + torch.rand_like(x)), torch.rand(2, 3)
    state = torch.get_rng_state()
    attach(model, ["layer"], example)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_failed_example_leaves_no_trace() -> None:
    model = net()
    before = copy.deepcopy(model)
    with pytest.raises(RuntimeError):
        attach(model, ["stem"], torch.rand(2, 5, 16, 16))
    assert same(model, before)
    assert model.training
    assert not any(m._forward_hooks for m in model.modules())


def test_the_widths_are_found_and_the_predictor_reads_what_the_layers_gave() -> None:
    model = mlp()
    attached = attach(model, ["1", "3"], rows(2)[0], hidden=(4, 3), seed=5)
    assert attached.predictor.channels == (8, 5)
    x, _ = rows(7)
    prediction, predicted = attached(x)
    with llpp.models.seeded(5):
        alone = PooledPredictor([8, 5], hidden=(4, 3))
    assert_close(prediction, model(x), rtol=0, atol=0)
    assert_close(predicted, alone([model[:2](x), model[:4](x)]), rtol=0, atol=0)
    assert predicted.shape == (7,)


def test_where_the_next_layer_works_in_place_what_it_left_is_read() -> None:
    model = net().eval()
    seen = {}
    attached = attach(model, ["stem"], pictures(), predictor=lambda w, s: Spy(w, s, seen))
    attached(pictures())
    assert bool((seen["features"][0] >= 0).all())


class Spy(PooledPredictor):
    def __init__(self, widths, sizes, seen) -> None:
        super().__init__(widths, hidden=(4,))
        self.sizes, self.seen = sizes, seen

    def forward(self, features):
        self.seen["features"] = list(features)
        return super().forward(features)


def test_convolutions_read_square_maps_from_fine_to_coarse() -> None:
    attached = attach(net(), ["stem", "middle"], pictures(), predictor="conv")
    assert isinstance(attached.predictor, ConvPredictor)
    assert attached.predictor.sizes == (8, 4)
    assert attached(pictures(5))[1].shape == (5,)


def test_a_function_gets_widths_and_sizes_and_makes_the_predictor() -> None:
    seen: dict = {}
    attached = attach(net(), ["middle", "out"], pictures(), predictor=lambda w, s: Spy(w, s, seen))
    assert attached.predictor.channels == (12, 4)
    assert attached.predictor.sizes == [(4, 4), ()]


@pytest.mark.parametrize("objective", [llpp.losses.learning_loss, llpp.losses.learning_loss_pp])
def test_the_model_trains_bit_for_bit_as_it_does_without_a_predictor(objective) -> None:
    x, y = pictures(24), torch.rand(24, 4, generator=torch.Generator().manual_seed(1))
    beside, alone = net(), net()
    train(attach(beside, ["stem", "middle"], x[:2]), x, y, objective=objective, epochs=3, batch_size=8, progress=False)
    optimizer, order = torch.optim.Adam(alone.parameters(), lr=1e-3), torch.Generator().manual_seed(0)
    with llpp.models.seeded(0):
        for _ in range(3):
            for batch in torch.randperm(24, generator=order).split(8):
                loss = squared_error(alone(x[batch]), y[batch]).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    assert same(beside, alone)
    assert not same(beside, net())


def test_without_detaching_the_predictors_gradient_reaches_the_layers_up_to_those_read() -> None:
    for detach in (True, False):
        model = mlp()
        _, predicted = attach(model, ["1"], rows(2)[0], detach=detach)(rows()[0])
        predicted.sum().backward()
        assert (model[0].weight.grad is None) == detach
        assert model[2].weight.grad is None


def test_its_parameters_are_the_models_and_the_predictors_each_once_and_the_models_names_stay() -> None:
    model = net()
    names = list(model.state_dict())
    attached = attach(model, ["stem", "middle"], pictures())
    mine = [id(p) for p in attached.parameters()]
    theirs = [id(p) for part in (model, attached.predictor) for p in part.parameters()]
    assert sorted(mine) == sorted(theirs)
    assert len(set(mine)) == len(mine)
    assert list(model.state_dict()) == names
    assert {key.split(".")[0] for key in attached.state_dict()} == {"model", "predictor"}
    assert len(attached.state_dict()) == len(names) + len(attached.predictor.state_dict())


def test_state_is_saved_and_loaded_and_a_copy_is_its_own(tmp_path) -> None:
    attached = attach(net(), ["stem", "middle"], pictures())
    other = attach(net(1), ["stem", "middle"], pictures(), seed=1)
    torch.save(attached.state_dict(), tmp_path / "attached.pt")
    other.load_state_dict(torch.load(tmp_path / "attached.pt"))
    twin = copy.deepcopy(attached)
    scored = attached.score(pictures())
    for one in (other, twin):
        assert torch.equal(one.score(pictures()).predicted_loss, scored.predicted_loss)
    with torch.no_grad():
        twin.model.stem[0].weight.zero_()
        twin.model.stem[1].bias.fill_(2.0)
    assert torch.equal(attached.score(pictures()).predicted_loss, scored.predicted_loss)
    assert not torch.equal(twin.score(pictures()).predicted_loss, scored.predicted_loss)


def test_two_predictors_beside_one_model_do_not_meet() -> None:
    model = mlp()
    one, two = (attach(model, [layer], rows(2)[0], seed=3) for layer in ("1", "3"))
    before = one(rows()[0])[1]
    two(rows()[0])[1].sum().backward()
    assert torch.equal(one(rows()[0])[1], before)
    assert all(p.grad is None for p in one.parameters())


def test_scores_are_in_order_whatever_the_batch_and_in_evaluation_mode() -> None:
    attached = attach(net(), ["stem", "middle"], pictures())
    attached.train()
    attached.model.stem.eval()
    modes = [m.training for m in attached.modules()]
    whole, parts = (attached.score(pictures(10), batch_size=b) for b in (10, 3))
    assert_close(whole.predicted_loss, parts.predicted_loss)
    assert_close(whole.prediction, parts.prediction)
    assert [m.training for m in attached.modules()] == modes
    attached.eval()
    prediction, predicted = attached(pictures(10))
    assert torch.equal(whole.prediction, prediction)
    assert torch.equal(whole.predicted_loss, predicted)
    assert_close(whole.embeddings @ attached.predictor.last.weight.flatten(), predicted)
    assert not any(t.requires_grad for t in (whole.prediction, whole.predicted_loss, whole.embeddings))


def test_a_model_of_two_arguments_takes_a_tuple_and_its_own_call_takes_names() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(3, 4)

        def forward(self, x: torch.Tensor, *, scale: torch.Tensor | None = None, extra: float = 0) -> torch.Tensor:
            h = self.first(x)
            return h + extra if scale is None else h * scale + extra

    class Positional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.two = Two()

        def forward(self, x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
            return self.two(x, scale=scale)

    x, scale = rows()[0], torch.arange(40.0)[:, None]
    attached = attach(Positional(), ["two.first"], (x[:2], scale[:2]))
    scored = attached.score((x, scale), batch_size=7)
    assert_close(scored.prediction, attached.model(x, scale).detach())
    train(attached, (x, scale), torch.zeros(40, 4), epochs=1, batch_size=8, progress=False)
    named = attach(Two(), ["first"], x[:2])
    assert_close(named(x=x, scale=scale, extra=1.0)[0], named.model(x, scale=scale) + 1)


def transformer() -> nn.Module:
    with llpp.models.seeded(0):
        layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
        return nn.Sequential(
            nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Flatten(), nn.Linear(40, 1)
        )


def test_a_transformers_tokens_are_averaged_not_its_channels() -> None:
    model, x = transformer(), torch.rand(3, 5, 8, generator=torch.Generator().manual_seed(0))
    for last in (True, ["0.layers.0", "0"]):
        attached = attach(model, ["0.layers.0", "0"], x, channels_last=last, hidden=(4,))
        assert attached.predictor.channels == (8, 8)
        attached.eval()
        tokens = [model[0].layers[0](x), model[0](x)]
        assert_close(attached(x)[1], attached.predictor([t.mean(dim=1) for t in tokens]))
    assert attach(model, ["0"], x, channels_last=False).predictor.channels == (5,)
    with pytest.raises(ValueError, match=r"layer '0' returns \(3, 5, 8\), .*: say channels_last=True or False"):
        attach(model, ["0"], x)
    with pytest.raises(ValueError, match=r"channels_last names \['1'\], which are not among the layers \['0'\]"):
        attach(model, ["0"], x, channels_last=["1"])


def test_tokens_before_the_batch_are_refused() -> None:
    model = nn.Sequential(Gives(lambda x: x.transpose(0, 1)), Gives(lambda x: x.transpose(0, 1)))
    with pytest.raises(ValueError, match=r"layer '0' must return a row for each sample .* got \(5, 3, 8\) for 3 sampl"):
        attach(model, ["0"], torch.rand(3, 5, 8), channels_last=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_model_of_another_precision_has_a_predictor_of_at_least_single(dtype: torch.dtype) -> None:
    attached = attach(mlp().to(dtype), ["1"], rows(2)[0].to(dtype))
    predicted = attached(rows()[0].to(dtype))[1]
    assert predicted.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (["stm"], "Net has no layer 'stm'; did you mean 'stem'"),
        (["midle"], "did you mean 'middle'"),
        (["stem", ""], "Net has no layer ''; did you mean"),
        ([], "layers must be a list of at least one name, got []"),
        ("stem", "layers must be a list of at least one name, got 'stem'"),
        (["stem", "stem"], "a layer is read once, got ['stem', 'stem']"),
        (["act"], "layer 'act' ran 2 times in a forward pass; name one that runs once"),
    ],
)
def test_layers_that_are_refused(layers, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        attach(net(), layers, pictures())


@pytest.mark.parametrize(
    ("gives", "sentence"),
    [
        (lambda x: (x, x), "layer 'layer' returns a tuple; name one inside it, or after it, that returns a tensor"),
        (lambda x: {"x": x}, "layer 'layer' returns a dict"),
        (lambda x: x.sum(1), "must return floats of shape (batch, channels, …), got (4,) of torch.float32"),
        (lambda x: x.long(), "got (4, 3) of torch.int64"),
        (lambda x: x[:, :0], "got (4, 0) of torch.float32"),
        (lambda x: x[:2], "must return a row for each sample of the batch, got (2, 3) for 4 samples"),
        (lambda x: x.repeat(2, 1), "got (8, 3) for 4 samples"),
    ],
)
def test_outputs_that_are_refused(gives, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        attach(Runs(gives), ["layer"], torch.rand(4, 3))


def test_a_layer_that_does_not_run_is_refused_when_attaching_and_later() -> None:
    with pytest.raises(ValueError, match="layer 'unused' did not run in a forward pass; name one that runs once"):
        attach(Runs(lambda x: x), ["unused"], torch.rand(4, 3))
    attached = attach(Runs(lambda x: x), ["layer"], torch.rand(4, 3))
    attached.model.times = 3
    with pytest.raises(ValueError, match="layer 'layer' ran 3 times"):
        attached(torch.rand(4, 3))
    assert not attached.model.layer._forward_hooks


@pytest.mark.parametrize(
    ("predictor", "layers", "sentence"),
    [
        (
            "convolution",
            ["stem"],
            'predictor must be "pooled", "conv" or a function that makes one, got \'convolution\'',
        ),
        (
            "conv",
            ["stem", "out"],
            "reads square maps (batch, channels, side, side), got (4, 6, 8, 8) of 'stem', (4, 4)",
        ),
        ("conv", ["middle", "stem"], "sizes run fine → coarse"),
        (
            lambda w, s: nn.Linear(6, 1),
            ["stem"],
            "a predictor has parameters and an embedding(features); Linear has not",
        ),
        (lambda w, s: TwoNumbers(), ["stem"], "gives (4,) losses and (4, d) embeddings for 4 samples; TwoNumbers gave"),
    ],
)
def test_predictors_that_are_refused(predictor, layers, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        attach(net(), layers, pictures(), predictor=predictor)


class TwoNumbers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 2)

    def embedding(self, features):
        return features[0].mean((2, 3))

    def forward(self, features):
        return self.layer(self.embedding(features))


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        (torch.rand(0, 3), "wanted tensors with at least one sample along their first axis, got [(0, 3)]"),
        ((), "wanted tensors with at least one sample along their first axis, got []"),
        ((torch.rand(4, 3), torch.rand(3, 3)), "must have as many samples each, got shapes [(4, 3), (3, 3)]"),
    ],
)
def test_inputs_that_are_refused(inputs, sentence: str) -> None:
    attached = attach(mlp(), ["1"], rows(2)[0])
    for call in (partial(attach, mlp(), ["1"]), attached.score, partial(train, attached, targets=torch.rand(4, 2))):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            call(inputs)


def test_scores_that_are_refused() -> None:
    attached = attach(mlp(), ["1"], rows(2)[0])
    x = rows(30)[0]
    x[[4, 21]] = torch.nan
    with pytest.raises(ValueError, match="predicted loss must be finite; it is not for row 4, 21"):
        attached.score(x, batch_size=8)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        attached.score(x, batch_size=0)
    pair = attach(nn.Sequential(nn.Linear(3, 2), Gives(lambda x: (x, x))), ["0"], rows(2)[0])
    with pytest.raises(ValueError, match="wanted a model that returns a tensor with a row a sample, got tuple"):
        pair.score(rows()[0])


def noisy(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What no model can foresee grows with |x|: a predicted loss can be learnt from x."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 3, generator=generator) * 2 - 1
    return x, x[:, :2] + (0.05 + x[:, 2:].abs()) * torch.randn(n, 2, generator=generator)


@pytest.mark.parametrize(
    "objective", [llpp.losses.learning_loss, llpp.losses.learning_loss_pp, llpp.losses.learning_loss_pp_batch]
)
def test_the_loop_teaches_a_predictor_where_the_model_errs(objective) -> None:
    attached = attach(mlp(), ["1", "3"], rows(2)[0])
    history = train(attached, *noisy(400, 0), objective=objective, epochs=60, learning_rate=3e-3, progress=False)
    x, y = noisy(400, 1)
    scored = attached.score(x)
    assert history.true_loss[-1] < history.true_loss[0]
    assert len(history.true_loss) == len(history.objective["predictor"]) == 60
    true_loss = squared_error(scored.prediction, y)
    assert llpp.metrics.correlation(scored.predicted_loss, true_loss).spearman > 0.4


def test_the_loop_depends_on_its_seed_alone_and_leaves_torchs_random_state() -> None:
    x, y = pictures(16), torch.rand(16, 4)
    results = []
    for seed, noise in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(noise)
        state = torch.get_rng_state()
        attached = attach(net(), ["stem"], x[:2])
        train(attached, x, y, epochs=2, batch_size=8, seed=seed, progress=False)
        assert torch.equal(torch.get_rng_state(), state)
        results.append(attached)
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


def test_the_history_holds_the_means_of_an_epoch_and_a_short_last_batch_is_left_out() -> None:
    x, y = rows(11)
    attached = attach(mlp(), ["1"], x)
    sizes: list[int] = []

    def loss(prediction, target):
        sizes.append(len(target))
        return squared_error(prediction, target)

    history = train(
        attached, x, y, loss=loss, objective=lambda p, t: p.sum() * 0 + 7, epochs=2, batch_size=4, progress=False
    )
    assert sizes == [4] * 4
    assert history.objective["predictor"] == [7, 7]
    assert history.task_loss == history.true_loss


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"batch_size": 64}, "40 samples are fewer than a batch of 64"),
        ({"batch_size": 1}, "batches of two or more"),
        ({"epochs": 0}, "training needs an epoch"),
        ({"learning_rate": 0.0}, "a rate above 0"),
        ({"targets": torch.zeros(39, 2)}, "every sample needs a target, got 40 samples and 39 targets"),
        ({"targets": torch.zeros(40)}, "predictions and targets must have one shape, got (8, 2) and (8,)"),
        ({"loss": lambda p, t: (p - t).square().mean()}, "loss must give one number a sample, (8,), got ()"),
        ({"loss": lambda p, t: (p - t).square()}, "loss must give one number a sample, (8,), got (8, 2)"),
        ({"loss": lambda p, t: -squared_error(p, t)}, "the true loss must be finite and at least 0; it is not for row"),
    ],
)
def test_training_that_is_refused(settings, sentence: str) -> None:
    x, y = rows()
    with pytest.raises(ValueError, match=re.escape(sentence)):
        train(attach(mlp(), ["1"], x), x, **{"targets": y, "batch_size": 8, "progress": False, **settings})


def test_a_loss_that_is_not_finite_names_its_rows_and_changes_no_weight() -> None:
    x, y = rows()
    y[[3, 17]] = torch.inf
    attached = attach(mlp(), ["1"], x)
    with pytest.raises(ValueError, match=r"true loss must be finite and at least 0; it is not for row (3, 17|17, 3)$"):
        train(attached, x, y, batch_size=40, epochs=1, progress=False)
    assert same(attached.model, mlp())


def test_what_the_readers_loop_in_the_docstring_does() -> None:
    x, y = noisy(64, 0)
    attached = attach(mlp(), ["1"], x)
    optimizer = torch.optim.SGD(attached.parameters(), lr=0.05)
    before = copy.deepcopy(attached)
    prediction, predicted_loss = attached(x)
    true_loss = squared_error(prediction, y)
    (true_loss.mean() + llpp.losses.learning_loss_pp(predicted_loss, true_loss)).backward()
    optimizer.step()
    assert not same(attached.model, before.model)
    assert not same(attached.predictor, before.predictor)


def test_it_chooses_what_to_label_next() -> None:
    attached = attach(mlp(), ["1"], rows(2)[0])
    scored = attached.score(rows()[0])
    pool = llpp.acquisition.Pool(
        [str(i) for i in range(40)], predicted_loss=scored.predicted_loss, embeddings=scored.embeddings
    )
    for name in ("predicted_loss", "clustered_predicted_loss"):
        asked = llpp.acquisition.ask(llpp.acquisition.get(name), pool, 5, generator=torch.Generator().manual_seed(0))
        assert len(set(asked.tolist())) == 5
        assert int(asked[0]) == int(scored.predicted_loss.argmax())
