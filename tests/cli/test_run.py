"""``llpp run`` and ``llpp train``: exit codes, what is printed, and what a signal leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from llpp_core import experiment
from llpp_core.cli import app
from llpp_core.cli import run as command
from llpp_core.experiment import Outcome

TINY = """
name = "tiny"
seeds = [0]
stages = 1
budget = 2

[data]
kind = "figures"
size = 64
train = 4
test = 3
pool = 6

[model]
stacks = 1
channels = 4

[training]
epochs = {epochs}
batch_size = 2

[predictors]
"LL++" = {{ objective = "learning_loss_pp" }}

[methods]
random = {{ strategy = "random" }}
"LL++" = {{ strategy = "predicted_loss", predictor = "LL++" }}
"""
LONG = 60
"""Epochs that leave time for a signal: some seconds."""
UNITS = ["seed0/base", "seed0/random/stage1", "seed0/LL++/stage1"]


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    return written(tmp_path, epochs=1)


def written(folder: Path, *, epochs: int) -> str:
    (folder / "tiny.toml").write_text(TINY.format(epochs=epochs))
    return str(folder / "tiny.toml")


def llpp(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(autouse=True)
def _just_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget counts from the beginning of the process, and this one is older."""
    monkeypatch.setattr(command, "BEGUN", time.monotonic())


def test_done_is_0_and_says_how_far_it_is(tiny: str, tmp_path: Path) -> None:
    done = llpp("run", tiny, "--runs", tmp_path / "runs", "--device", "cpu")
    assert done.exit_code == 0, done.stderr
    folder = tmp_path / "runs" / experiment.load_experiment(tiny).folder_name
    assert done.stdout == f"{folder}: 3 of 3 units done\n"
    assert "seed0/base: begun" in done.stderr
    assert len(experiment.Results.read(folder).records) == 3


def test_no_time_is_3_and_json_is_all_that_is_printed(tiny: str, tmp_path: Path) -> None:
    options = ["run", tiny, "--runs", tmp_path / "runs", "--device", "cpu", "--json"]
    stopped = llpp(*options, "--budget-minutes", "0")
    assert stopped.exit_code == 3
    said = json.loads(stopped.stdout)
    assert said["left"] == UNITS
    assert said["done"] == said["notices"] == []
    assert "3 units are left; the same command goes on" in stopped.stderr
    finished = llpp(*options)
    assert finished.exit_code == 0
    assert json.loads(finished.stdout)["done"] == UNITS
    assert llpp(*options, "--budget-minutes", "0").exit_code == 0  # all is done, whatever the time


def test_a_budget_that_lasts_is_no_stop(tiny: str, tmp_path: Path) -> None:
    assert llpp("run", tiny, "--runs", tmp_path / "runs", "--device", "cpu", "--budget-minutes", "9").exit_code == 0


def test_seeds_methods_and_weights_are_passed_on(tiny: str, tmp_path: Path) -> None:
    done = llpp(
        "run",
        tiny,
        "--runs",
        tmp_path / "runs",
        "--device",
        "cpu",
        "--seed",
        "0",
        "--method",
        "LL++",
        "--no-weights",
        "--json",
    )
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["done"] == ["seed0/base", "seed0/LL++/stage1"]
    assert not list(Path(said["folder"]).rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.toml"], "wanted a TOML file or one of"),
        (["figure"], "did you mean 'figures'?"),
        (["{tiny}", "--seed", "4"], "the experiment has no seed 4; it has 0"),
        (["{tiny}", "--method", "LL"], "the experiment has no method 'LL'; it has random, LL++"),
        (["{tiny}", "--device", "tpu"], "device must be"),
        (["{tiny}", "--budget-minutes", "-1"], "budget-minutes"),
        (["{tiny}", "--budget-minutes", "soon"], "budget-minutes"),
        (["{tiny}", "--nonsense"], "nonsense"),
        ([], "config"),
        (["lsp_lspet", "--data", "/nowhere"], "/nowhere is no folder"),
    ],
)
@pytest.mark.parametrize("name", ["run", "train"])
def test_wrong_usage_is_2_and_one_sentence(
    tiny: str, tmp_path: Path, name: str, arguments: list[str], said: str
) -> None:
    if name == "train" and any(a in ("--method", "--budget-minutes") or a == "4" for a in arguments):
        return  # no option of it
    place = ["--runs", str(tmp_path / "runs")] if name == "run" else ["-o", str(tmp_path / "m.safetensors")]
    done = llpp(name, *(a.format(tiny=tiny) for a in arguments), *place)
    assert done.exit_code == 2
    assert said.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not list(tmp_path.rglob("*.safetensors*"))


def test_a_full_disk_is_1_and_says_so(tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        done = llpp("run", tiny, "--runs", tmp_path / "runs", "--device", "cpu")
    assert done.exit_code == 1
    assert "No space left on device" in done.stderr
    assert llpp("run", tiny, "--runs", tmp_path / "runs", "--device", "cpu").exit_code == 0


def test_what_was_damaged_is_in_the_json(tiny: str, tmp_path: Path) -> None:
    options = ["run", tiny, "--runs", tmp_path / "runs", "--device", "cpu", "--json"]
    folder = Path(json.loads(llpp(*options).stdout)["folder"])
    (folder / "seed0/random/stage1/metrics.csv").write_text("x")
    said = json.loads(llpp(*options).stdout)
    assert said["done"] == UNITS
    assert len(said["notices"]) == 1
    assert "seed0/random/stage1/metrics.csv is not what was written" in said["notices"][0]


CODE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
from llpp_core.cli import app
app()
"""


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def signalled(process: subprocess.Popen[str], number: int, said: str) -> tuple[str, str]:
    """Send a signal once the process has said something, and return what it printed."""
    assert process.stderr is not None
    before = ""
    while said not in before:
        letter = process.stderr.read(1)
        assert letter, f"it ended too early: {before}"
        before += letter
    process.send_signal(number)
    out, error = process.communicate(timeout=60)
    return out, before + error


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("undisturbed")
    return experiment.run(
        experiment.load_experiment(written(folder, epochs=LONG)), folder, methods=[], device="cpu", progress=False
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_3_with_a_state_that_can_be_gone_on_from(undisturbed: Outcome, tmp_path: Path, number: int) -> None:
    config = written(tmp_path, epochs=LONG)
    process = started("run", config, "--runs", tmp_path / "runs", "--device", "cpu")
    out, error = signalled(process, number, "epoch=")  # in the second epoch or later
    assert process.returncode == 3, error
    assert "Traceback" not in error
    assert "goes on" in error
    folder = tmp_path / "runs" / undisturbed.folder.name
    assert (folder / "seed0/base/checkpoint.pt").exists()
    assert not list(folder.rglob("*.part"))
    if number == signal.SIGTERM:
        assert out == f"{folder}: 0 of 3 units done\n"
    plan = experiment.load_experiment(config)
    finished = experiment.run(plan, tmp_path / "runs", methods=[], device="cpu", progress=False)
    assert (finished.done, finished.notices) == (("seed0/base",), ())
    assert "seed0/base: going on" in (folder / "log.txt").read_text()
    for name in ("metrics.csv", "selected.csv", "model.safetensors"):
        assert (folder / "seed0/base" / name).read_bytes() == (undisturbed.folder / "seed0/base" / name).read_bytes()


def test_train_writes_one_file_that_can_be_used(tiny: str, tmp_path: Path) -> None:
    done = llpp("train", tiny, "-o", tmp_path / "in" / "m.safetensors", "--device", "cpu", "--json", "--seed", "3")
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["model"] == str(tmp_path / "in" / "m.safetensors")
    assert {row["of"] for row in said["test"]} == {"", "LL++"}
    assert all(set(row) == {"of", "metric", "value", "n"} for row in said["test"])
    trained = experiment.load_trained(said["model"])
    assert (list(trained.heads), trained.size, len(trained.joint_names)) == (["LL++"], 64, 14)
    assert os.listdir(tmp_path / "in") == ["m.safetensors"]
    plan = experiment.load_experiment(tiny)
    assert trained.experiment == plan


def test_train_says_its_numbers_in_words(tiny: str, tmp_path: Path) -> None:
    done = llpp("train", tiny, "-o", tmp_path / "m.safetensors", "--device", "cpu", "--epochs", "2")
    assert done.exit_code == 0, done.stderr
    assert "task model" in done.stdout
    assert "PCK@0.2" in done.stdout
    assert f"wrote {tmp_path / 'm.safetensors'}" in done.stderr
    assert experiment.load_trained(tmp_path / "m.safetensors").experiment.training.epochs == 2


def test_train_is_the_base_model_of_run(tiny: str, tmp_path: Path) -> None:
    llpp("train", tiny, "-o", tmp_path / "m.safetensors", "--device", "cpu")
    run = llpp("run", tiny, "--runs", tmp_path / "runs", "--device", "cpu", "--json")
    kept = experiment.load_trained(Path(json.loads(run.stdout)["folder"]) / "seed0/base/model.safetensors")
    mine = experiment.load_trained(tmp_path / "m.safetensors")
    assert all(torch.equal(v, mine.model.state_dict()[k]) for k, v in kept.model.state_dict().items())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_train_goes_on_after_a_signal(undisturbed: Outcome, tmp_path: Path, number: int) -> None:
    config = written(tmp_path, epochs=LONG)
    process = started("train", config, "-o", tmp_path / "m.safetensors", "--device", "cpu")
    _, error = signalled(process, number, "epoch=")
    assert process.returncode == 3, error
    assert "Traceback" not in error
    assert "goes on" in error
    assert not (tmp_path / "m.safetensors").exists()
    state = tmp_path / "m.safetensors.checkpoint"
    assert state.exists()
    done = llpp("train", config, "-o", tmp_path / "m.safetensors", "--device", "cpu")
    assert done.exit_code == 0, done.stderr
    assert not state.exists()
    kept = experiment.load_trained(undisturbed.folder / "seed0/base/model.safetensors").model.state_dict()
    mine = experiment.load_trained(tmp_path / "m.safetensors").model.state_dict()
    assert all(torch.equal(v, mine[k]) for k, v in kept.items())


def test_another_training_s_checkpoint_is_refused_and_named(tiny: str, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors.checkpoint").write_text("something else")
    done = llpp("train", tiny, "-o", tmp_path / "m.safetensors", "--device", "cpu")
    assert done.exit_code == 2
    assert f"{tmp_path / 'm.safetensors.checkpoint'} is no checkpoint" in done.stderr
    assert (tmp_path / "m.safetensors.checkpoint").read_text() == "something else"


def test_an_output_that_cannot_be_written_is_told_before_training(tiny: str, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    done = llpp("train", tiny, "-o", tmp_path / "m", "--device", "cpu")
    assert done.exit_code == 2
    assert str(tmp_path / "m") in done.stderr
    assert "training" not in done.stderr
