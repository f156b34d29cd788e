"""Where an experiment's data comes from: labeled crops to train on, labeled ones to test on, a pool to choose from.

With real data the paper's setting: train on LSP's first 1,000 images, test on its last 1,000, and choose from LSPET, a
shift in distribution. Without any, the same shape in rendered figures: everyday poses to train and test on, and a pool
of which half is acrobatic.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

import llpp_core
from llpp_core import store
from llpp_core.acquisition import Pool, ask, get
from llpp_core.data import cache
from llpp_core.data.figures import render_figures
from llpp_core.data.lsp import LSPET_IMAGES, check_lsp, check_lspet, load_lsp, load_lspet
from llpp_core.data.mpii import load_mpii
from llpp_core.data.pose import PoseDataset, concatenate
from llpp_core.experiment.config import DataPlan
from llpp_core.training import Scores

FIGURES = "figures"


@dataclass(frozen=True)
class Splits:
    """The three parts of an experiment.

    Attributes:
        train: what the base model is trained on.
        test: held out, of the same distribution.
        pool: unlabeled as far as any method knows, of a shifted distribution.
    """

    train: PoseDataset
    test: PoseDataset
    pool: PoseDataset


def data_folder(data: str) -> Path | None:
    """Return the folder of real data that ``data`` names, or None for rendered figures.

    Args:
        data: a folder that holds ``lsp/`` and ``lspet/``; "figures"; or "auto": the folder that the environment
            variable ``LLPP_DATA`` names, figures where it is not set.

    Raises:
        ValueError: the folder, one of the two inside it, its annotations or one of its images is not there, or the
            annotations are of another shape. No image is decoded to find out.
    """
    if data == FIGURES or (data == "auto" and not os.environ.get("LLPP_DATA")):
        return None
    folder = _named(data, "a folder that holds lsp/ and lspet/, each with images/ and joints.mat", ("lsp", "lspet"))
    check_lsp(folder / "lsp")
    check_lspet(folder / "lspet")
    return folder


def load_splits(
    data: str = "auto",
    *,
    seed: int = 0,
    size: int = 64,
    train_figures: int = 1_000,
    test_figures: int = 500,
    pool: int = 2_000,
    progress: bool = True,
) -> Splits:
    """Return the parts of an experiment, real or rendered.

    Args:
        data: as in `data_folder`.
        seed: of the rendered figures, or of the sample of LSPET.
        size: side of the crops in pixels.
        train_figures: rendered figures to train on; LSP's training half is always taken whole.
        test_figures: rendered figures held out; LSP's test half is always taken whole.
        pool: images of LSPET, or rendered figures (half of them acrobatic), to choose from; at least 2.
        progress: show a progress bar while images are read.
    """
    folder = data_folder(data)
    if seed < 0 or (folder is not None and pool > LSPET_IMAGES):
        raise ValueError(f"wanted a seed of at least 0 and a pool of at most {LSPET_IMAGES}, got {seed} and {pool}")
    if pool < 2 or min(train_figures, test_figures) < 1:
        raise ValueError(
            f"wanted a pool of at least 2 and at least 1 figure to train and test on, "
            f"got {pool}, {train_figures} and {test_figures}"
        )
    if folder is None:
        # Streams of figures that no seed shares with another part.
        return Splits(
            train=render_figures(train_figures, 3 * seed, size=size, poses="everyday"),
            test=replace(
                render_figures(test_figures, 3 * seed + 1, size=size, poses="everyday"),
                name="rendered figures, everyday, held out",
            ),
            pool=_mixed_pool(pool, 3 * seed + 2, size),
        )
    return Splits(
        train=load_lsp(folder / "lsp", "train", size=size, progress=progress),
        test=load_lsp(folder / "lsp", "test", size=size, progress=progress),
        pool=load_lspet(folder / "lspet", sample=pool, seed=seed, size=size, progress=progress),
    )


def planned_splits(plan: DataPlan, seed: int, *, data: str = "auto", progress: bool = True) -> Splits:
    """Return the parts that an experiment's data plan asks for.

    Args:
        plan: which data, and how much of it.
        seed: of the repetition: which figures, or which of MPII's people are labeled at first.
        data: a folder that holds what the plan names: ``lsp/`` and ``lspet/``, or ``mpii/``; "auto": the one that
            ``LLPP_DATA`` names. Not looked at for figures.
        progress: show a progress bar while images are read.

    Raises:
        ValueError: the folder or something in it is not there or broken, or the plan asks for more than there is.
    """
    if plan.kind == "figures":
        assert plan.test is not None  # the plan sees to it
        assert plan.pool is not None
        return load_splits(
            FIGURES, seed=seed, size=plan.size, train_figures=plan.train, test_figures=plan.test, pool=plan.pool
        )
    if plan.kind == "lsp_lspet":
        folder = data_folder(data)
        if folder is None:
            raise ValueError("this experiment is made on LSP and LSPET: name their folder by --data or LLPP_DATA")
        if plan.pool is not None and plan.pool > LSPET_IMAGES:
            raise ValueError(f"data.pool: LSPET has {LSPET_IMAGES} images, asked for {plan.pool}")
        return Splits(
            train=_first(load_lsp(folder / "lsp", "train", size=plan.size, progress=progress), plan.train),
            test=_first(load_lsp(folder / "lsp", "test", size=plan.size, progress=progress), plan.test),
            pool=load_lspet(folder / "lspet", sample=plan.pool, seed=plan.seed, size=plan.size, progress=progress),
        )
    folder = _named(data, "a folder that holds mpii/, with images/ and the annotations", ("mpii",)) / "mpii"
    people = load_mpii(folder, split="train", size=plan.size, progress=progress)
    pool = len(people) - plan.train if plan.pool is None else plan.pool
    if plan.train + pool > len(people) or pool < 1:
        wanted = f"{plan.train} people labeled at first and a pool of {pool}"
        raise ValueError(f"wanted {wanted}, but {folder} has {len(people)} people to train on")
    order = torch.randperm(len(people), generator=torch.Generator().manual_seed(seed))
    return Splits(
        train=replace(people.subset(order[: plan.train].sort().values), name="MPII train, labeled at first"),
        test=_first(load_mpii(folder, split="validation", size=plan.size, progress=progress), plan.test),
        pool=replace(people.subset(order[plan.train : plan.train + pool].sort().values), name="MPII train, the rest"),
    )


def runs_folder(runs: str = "auto") -> Path:
    """Return the folder in which a page keeps its runs.

    Args:
        runs: a folder, or "auto": one in the cache (`data.cache`) that belongs to the package's code as it is, so that
            no page shows what other code computed; ``runs`` here where nothing is cached.
    """
    if runs != "auto":
        return Path(runs).expanduser()
    kept = cache.folder()
    if kept is None:
        return Path("runs")
    package = Path(llpp_core.__file__).parent
    sources = sorted(package.rglob("*.py"))
    code = store.fingerprint([part for path in sources for part in (path.name, path.read_bytes())])
    return kept / f"runs-{code[:10]}"


def _first(data: PoseDataset, n: int | None) -> PoseDataset:
    if n is None or n == len(data):
        return data
    if n > len(data):
        raise ValueError(f"{data.name} has {len(data)} samples, asked for {n}")
    return replace(data.subset(torch.arange(n)), name=f"{data.name}, its first {n:,}")


def _named(data: str, wanted: str, parts: tuple[str, ...]) -> Path:
    """Return the folder of real data that ``data`` names, if it holds these folders."""
    if data == "auto" and not os.environ.get("LLPP_DATA"):
        raise ValueError(f"wanted {wanted}: name it by --data or LLPP_DATA")
    named_by = "LLPP_DATA" if data == "auto" else "data"
    folder = Path(os.environ["LLPP_DATA"] if data == "auto" else data).expanduser()
    for needed in (folder, *(folder / part for part in parts)):
        if not needed.is_dir():
            raise ValueError(f"{named_by} must name {wanted}; {needed} is no folder")
    return folder


def device(name: str = "auto") -> str:
    """Return a torch device: "auto" is the GPU where there is one.

    Raises:
        ValueError: the device is unknown, or not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    wanted = f'device must be "auto", "cpu" or a GPU that torch finds, got {name!r}'
    try:
        if torch.device(name).type not in ("cpu", "cuda"):
            raise ValueError(wanted)
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(wanted) from error
    return name


def picks(scores: Scores, pool: PoseDataset, budget: int, *, seed: int = 0) -> dict[str, Tensor]:
    """Return what each method would ask to be labeled: indices into the pool, first to ask for first.

    Args:
        scores: of the pool.
        pool: what to choose from.
        budget: how many each method may ask for, 1 to the pool's size.
        seed: of the random choice.

    Returns:
        "random", one entry a loss predictor under its name, and "oracle", which sees the true losses and is no method.

    Raises:
        ValueError: a budget outside 1 to the pool's size.
    """
    if not 1 <= budget <= len(pool):
        raise ValueError(f"from a pool of {len(pool)} samples each method may ask for 1 to {len(pool)}, got {budget}")
    generator = torch.Generator().manual_seed(seed)
    chosen = {"random": ask(get("random"), Pool(pool.ids), budget, generator=generator)}
    for name, predicted in scores.predicted_loss.items():
        candidates = Pool(pool.ids, predicted_loss=predicted)
        chosen[name] = ask(get("predicted_loss"), candidates, budget, generator=generator)
    chosen["oracle"] = ask(get("oracle"), Pool(pool.ids, true_loss=scores.true_loss), budget, generator=generator)
    return chosen


def _mixed_pool(n: int, seed: int, size: int) -> PoseDataset:
    everyday = render_figures(n - n // 2, seed, size=size, poses="everyday")
    acrobatic = render_figures(n // 2, seed, size=size, poses="acrobatic")
    return concatenate("rendered figures, everyday and acrobatic", [everyday, acrobatic])
