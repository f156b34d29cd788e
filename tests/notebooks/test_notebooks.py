"""The notebooks, run through papermill as a reader runs them; the book's own tests run them with their defaults."""

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import nbformat
import pytest

TRAIN = "07_train_and_predict"
SMALL = {"epochs": "1", "pool_size": "60"}
TINY = {"configuration": str(Path(__file__).with_name("tiny.toml")), "device": "cpu", "seeds": "2"}


def papermill(root, notebook, out, *arguments, **environment):
    """Run papermill's command line and return the finished process."""
    command = [sys.executable, "-m", "papermill", f"notebooks/{notebook}.ipynb", str(out), "--execution-timeout", "900"]

    return subprocess.run(
        [*command, *arguments],
        cwd=root, capture_output=True, text=True, check=False, timeout=1800, env={**os.environ, **environment},
    )  # fmt: skip


def small(**parameters):
    return [word for name, value in {**SMALL, **parameters}.items() for word in ("-p", name, value)]


def printed(path: Path) -> str:
    texts = []
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            texts.append(output.get("text", "") or output.get("data", {}).get("text/markdown", ""))
            texts.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(texts)


def test_the_readme_command_runs_as_a_user_types_it(root, tmp_path):
    out = tmp_path / "out.ipynb"
    done = papermill(root, TRAIN, out, *small(seed="3", data="figures"))
    assert done.returncode == 0, done.stderr[-3000:]
    text = printed(out)
    assert "seed 3" in text
    assert "1 epochs" in text or "1 epoch" in text
    assert "low" in text, "after one epoch the page has to say that the model's accuracy is low"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("epoch", "1", r"no parameter 'epoch'; did you mean 'epochs'\?"),
        ("epochs", "many", r"'epochs' must be int, got 'many'"),
        ("epochs", "0", r"'epochs' must be a number from 1 to"),
        ("device", "abacus", r"device must be .* got 'abacus'"),
        ("image_size", "100", r"must be a multiple of 64 pixels"),
        ("seed", "-1", r"'seed' must be a number from 0 to"),
        ("data", "/no/such/folder", r"/no/such/folder is no folder"),
    ],
)
def test_a_bad_parameter_stops_it_with_one_sentence_before_any_training(root, tmp_path, name, value, sentence):
    out = tmp_path / "out.ipynb"
    done = papermill(root, TRAIN, out, "-p", name, value)
    assert done.returncode != 0
    assert re.search(sentence, done.stderr), done.stderr[-1500:]
    assert "training:" not in nbformat.writes(nbformat.read(out, as_version=4))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("image_size", "100", r"must be a multiple of 64 pixels"),
        ("channels", "6", r"channels a multiple of 4"),
        ("epoch", "1", r"no parameter 'epoch'; did you mean 'epochs'\?"),
    ],
)
def test_the_machine_refuses_a_bad_parameter_before_anything_is_shown(root, tmp_path, name, value, sentence):
    out = tmp_path / "out.ipynb"
    done = papermill(root, "06_the_machine", out, "-p", name, value)
    assert done.returncode != 0
    assert re.search(sentence, done.stderr), done.stderr[-1500:]
    assert not printed(out).strip()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("objectives", "hinge", r"an objective must be one of learning_loss, .*got 'hinge'"),
        ("margin", "4", r"'margin' must be a number from 0 to 3, got 4"),
        ("source", "lsp", r"neither data nor LLPP_DATA names its folder"),
    ],
)
def test_the_lab_refuses_a_bad_parameter(root, tmp_path, name, value, sentence):
    done = papermill(root, "13_lab", tmp_path / "out.ipynb", "-p", name, value, "-p", "data", "figures")
    assert done.returncode != 0
    assert re.search(sentence, done.stderr), done.stderr[-1500:]


@pytest.mark.parametrize(
    ("notebook", "name", "value", "sentence"),
    [
        ("10_does_it_know", "configuration", "figure", r"got 'figure', which is neither; did you mean 'figures'\?"),
        ("10_does_it_know", "seeds", "0", r"'seeds' must be a number from 1 to 100, got 0"),
        ("11_cycles", "method", "random", r"no parameter 'method'; did you mean 'methods'\?"),
        ("11_cycles", "methods", "random, best", r"the experiment has no method 'best'; it has random, core_set"),
    ],
)
def test_an_experiments_chapter_refuses_a_bad_parameter_before_any_work(
    root, tmp_path, notebook, name, value, sentence
):
    parameters = {**TINY, name: value}
    words = [word for pair in parameters.items() for word in ("-p", *pair)]
    done = papermill(root, notebook, tmp_path / "out.ipynb", *words, LLPP_CACHE=str(tmp_path / "cache"))
    assert done.returncode != 0
    assert re.search(sentence, done.stderr), done.stderr[-1500:]
    assert not (tmp_path / "cache").exists()
    assert not printed(tmp_path / "out.ipynb").strip()


CHAPTERS = {
    "01_learning_loss": ({"true_loss_j": "0.46", "margin": "0.1"}, "gradient in theta_j: derived minus claimed = 0"),
    "02_learning_loss_pp": ({"true_loss_j": "0.46", "shape": "0.7"}, "gradient in theta_j: derived minus claimed = 0"),
    "03_pairs_too_close": ({"shape": "0.7", "margin": "0.05"}, "0.7"),
    "04_expected_gradient": ({"shape": "0.3"}, "0.3"),
    "05_beyond_pairs": ({"shape": "0.5", "batch_size": "8"}, "two samples minus the pair: 0"),
    "06_the_machine": ({"data": "figures", "images": "32", "epochs": "1", "profile_steps": "1"}, "two stacks"),
    "08_table_3": ({"correction": "none", "confidence": "0.8"}, "80"),
    "10_does_it_know": (TINY, "Of the 6 samples of this pool with the highest true loss"),
    "11_cycles": (
        {**TINY, "methods": "random, LL++", "stop_after": "2"},
        "10 units are done, 0 are left",
    ),
    "12_your_model": (
        {"repetitions": "2", "labeled": "120", "epochs": "3", "figures": "60", "figure_epochs": "1"}
        | {"figure_repetitions": "2", "budget": "7"},
        "1,584 rows",
    ),
    "14_reproduction": ({"ours": "LL++conv-all", "beside": "", "joint": ""}, "Pearson on LSPET, LL++conv-all, above"),
    "13_lab": ({"epochs": "1", "samples": "20", "held_out": "4"}, "Trained 1 of 1 epochs."),
}


@pytest.mark.parametrize("notebook", CHAPTERS)
def test_a_chapter_runs_with_other_parameters(root, tmp_path, notebook):
    out = tmp_path / "out.ipynb"
    parameters, shown = CHAPTERS[notebook]
    words = [word for pair in parameters.items() for word in ("-p", *pair)]
    done = papermill(root, notebook, out, *words, LLPP_CACHE=str(tmp_path / "cache"))  # runs of the past are not shown
    assert done.returncode == 0, done.stderr[-3000:]
    assert shown in printed(out)


def test_the_default_run_on_figures_reaches_the_accuracy_that_the_page_needs(root, tmp_path, request):
    if os.environ.get("LLPP_DATA"):  # the book was made from real data
        out = tmp_path / "out.ipynb"
        done = papermill(root, TRAIN, out, "-p", "data", "figures")
        assert done.returncode == 0, done.stderr[-3000:]
        text = printed(out)
        pck = re.search(r"\| rendered figures, everyday, held out \| \*\*([\d.]+)\*\*", text)
    else:
        book = request.getfixturevalue("book")
        text = unescape(re.sub(r"<[^>]+>|\s+", " ", (book / f"notebooks/{TRAIN}.html").read_text()))
        pck = re.search(r"PCK@0\.2 .*? rendered figures, everyday, held out +([\d.]+)", text)
    assert pck is not None
    assert float(pck[1]) >= 0.8
