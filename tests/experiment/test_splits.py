"""Where an experiment's data comes from, and what each method would pick."""

from pathlib import Path

import pytest
import torch

from llpp_core import experiment
from llpp_core.data import PoseDataset, render_figures
from llpp_core.experiment import splits as splits_of
from llpp_core.training import Scores


@pytest.fixture
def half_there(tmp_path: Path) -> Path:
    (tmp_path / "lsp").mkdir()
    (tmp_path / "lspet").mkdir()
    return tmp_path


@pytest.fixture
def real(half_there: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that passes for whole; what the checks look at is `data.lsp`'s to test."""
    monkeypatch.setattr(splits_of, "check_lsp", lambda root: None)
    monkeypatch.setattr(splits_of, "check_lspet", lambda root: None)
    return half_there


def test_a_folder_that_is_half_there_is_refused_naming_what_is_missing(half_there: Path) -> None:
    with pytest.raises(ValueError, match=rf"wanted {half_there}/lsp/joints.mat, which is not there"):
        experiment.data_folder(str(half_there))


def test_what_is_missing_in_the_pool_is_told_before_lsp_is_read(
    half_there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splits_of, "check_lsp", lambda root: None)
    monkeypatch.setattr(splits_of, "load_lsp", lambda *a, **k: pytest.fail("read LSP first"))
    with pytest.raises(ValueError, match=rf"wanted {half_there}/lspet/joints.mat"):
        experiment.load_splits(str(half_there))


@pytest.mark.parametrize("variable", [None, ""])
def test_auto_means_figures_where_no_folder_is_named(monkeypatch: pytest.MonkeyPatch, variable: str | None) -> None:
    monkeypatch.delenv("LLPP_DATA", raising=False)
    if variable is not None:
        monkeypatch.setenv("LLPP_DATA", variable)
    assert experiment.data_folder("auto") is None


def test_figures_means_figures_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch, real: Path) -> None:
    monkeypatch.setenv("LLPP_DATA", str(real))
    assert experiment.data_folder("figures") is None


def test_a_folder_is_taken_from_the_environment_or_from_the_argument(
    monkeypatch: pytest.MonkeyPatch, real: Path
) -> None:
    assert experiment.data_folder(str(real)) == real
    monkeypatch.setenv("LLPP_DATA", str(real))
    assert experiment.data_folder("auto") == real


def test_home_is_understood(monkeypatch: pytest.MonkeyPatch, real: Path) -> None:
    monkeypatch.setenv("HOME", str(real.parent))
    assert experiment.data_folder(f"~/{real.name}") == real


@pytest.mark.parametrize("missing", ["", "lsp", "lspet"])
@pytest.mark.parametrize("named_by", ["LLPP_DATA", "data"])
def test_a_folder_that_lacks_something_is_refused_naming_it(
    monkeypatch: pytest.MonkeyPatch, real: Path, missing: str, named_by: str
) -> None:
    folder = real / missing if missing else real / "nowhere"
    if missing:
        folder.rmdir()
    root = real if missing else folder
    monkeypatch.setenv("LLPP_DATA", str(root))
    with pytest.raises(ValueError, match=rf"^{named_by} must name a folder .*; {folder} is no folder"):
        experiment.data_folder("auto" if named_by == "LLPP_DATA" else str(root))


def test_figures_come_in_three_parts_that_share_nothing() -> None:
    splits = experiment.load_splits("figures", size=16, train_figures=6, test_figures=4, pool=5)
    assert (len(splits.train), len(splits.test), len(splits.pool)) == (6, 4, 5)
    assert {part.size for part in (splits.train, splits.test, splits.pool)} == {16}
    ids = [*splits.train.ids, *splits.test.ids, *splits.pool.ids]
    assert len(set(ids)) == len(ids)
    assert not torch.equal(splits.train.images[:4], splits.test.images)
    assert [i.split("-")[0] for i in splits.pool.ids] == ["everyday"] * 3 + ["acrobatic"] * 2


def test_a_seed_makes_the_splits() -> None:
    def images(seed: int) -> torch.Tensor:
        splits = experiment.load_splits("figures", seed=seed, size=16, train_figures=3, test_figures=3, pool=3)
        return torch.cat([splits.train.images, splits.test.images, splits.pool.images])

    assert torch.equal(images(1), images(1))
    assert len(torch.cat([images(1), images(2)]).unique(dim=0)) == 18  # no figure of one seed is another seed's


def test_real_splits_are_lsps_halves_and_a_sample_of_lspet(monkeypatch: pytest.MonkeyPatch, real: Path) -> None:
    asked = []
    figures = render_figures(2, 0, size=16)
    monkeypatch.setattr(splits_of, "load_lsp", lambda *a, **k: asked.append((a, k)) or figures)
    monkeypatch.setattr(splits_of, "load_lspet", lambda *a, **k: asked.append((a, k)) or figures)
    experiment.load_splits(str(real), seed=7, size=32, pool=123, progress=False)
    common = {"size": 32, "progress": False}
    assert asked == [
        ((real / "lsp", "train"), common),
        ((real / "lsp", "test"), common),
        ((real / "lspet",), {"sample": 123, "seed": 7, **common}),
    ]


def test_auto_is_a_device_that_works_and_cpu_is_always_one() -> None:
    assert experiment.device() in ("cpu", "cuda")
    assert experiment.device("cpu") == "cpu"
    torch.zeros(1, device=experiment.device())


@pytest.mark.parametrize("name", ["gpu", "", "cuda:99", "meta", "hpu"])
def test_a_device_that_cannot_compute_here_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f'device must be "auto", "cpu" or a GPU that torch finds, got {name!r}'):
        experiment.device(name)


@pytest.fixture(scope="module")
def pool() -> PoseDataset:
    return render_figures(20, 0, size=16)


def scores_of(true: torch.Tensor) -> Scores:
    noise = torch.randn(20, generator=torch.Generator().manual_seed(2))
    return Scores(torch.zeros(20, 14, 2), true, {"LL": true.log(), "LL++": noise})


def test_picks_take_the_highest_predicted_and_the_oracle_the_highest_true_losses(pool: PoseDataset) -> None:
    scores = scores_of(torch.rand(20, generator=torch.Generator().manual_seed(1)) + 0.1)
    chosen = experiment.picks(scores, pool, 6, seed=3)
    best = scores.true_loss.argsort(descending=True)[:6]
    assert list(chosen) == ["random", "LL", "LL++", "oracle"]
    assert chosen["oracle"].tolist() == chosen["LL"].tolist() == best.tolist()
    assert chosen["LL++"].tolist() == scores.predicted_loss["LL++"].argsort(descending=True)[:6].tolist()
    mean = {name: float(scores.true_loss[at].mean()) for name, at in chosen.items()}
    assert all(mean["oracle"] >= value for value in mean.values())
    assert all(len(set(at.tolist())) == 6 for at in chosen.values())


def test_only_the_random_pick_depends_on_the_seed(pool: PoseDataset) -> None:
    scores = scores_of(torch.arange(1.0, 21.0))
    first, again, other = (experiment.picks(scores, pool, 8, seed=seed) for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert [name for name in first if not torch.equal(first[name], other[name])] == ["random"]


@pytest.mark.parametrize("budget", [21, 0, -1])
def test_a_budget_is_from_one_to_the_pools_size(pool: PoseDataset, budget: int) -> None:
    with pytest.raises(ValueError, match=str(budget)):
        experiment.picks(scores_of(torch.ones(20)), pool, budget)
