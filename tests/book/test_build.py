"""The book's build runs a notebook when something that it depends on changed, and only then."""

import importlib.util
import shutil
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook


@pytest.fixture
def build(root, tmp_path, monkeypatch):
    """`book/build.py` over a small copy of the project: one notebook that counts its runs."""
    specification = importlib.util.spec_from_file_location("book_build", root / "book" / "build.py")
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "book_build", module)
    specification.loader.exec_module(module)
    shutil.copytree(root / "llpp_core", tmp_path / "llpp_core", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "requirements.lock", tmp_path)
    for name in ("lsp", "lspet"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "joints.mat").write_bytes(b"some joints")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "BUILD", tmp_path / "_build")
    return module


def write(folder, *sources, name="01_counts.ipynb"):
    cells = [new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = folder / name
    path.write_text(nbformat.writes(new_notebook(cells=cells, metadata=kernel)))
    return path


COUNT = "from pathlib import Path\np = Path('runs')\np.write_text(p.read_text() + 'x' if p.exists() else 'x')"


def append(path):
    path.write_bytes(path.read_bytes() + b"\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: append(folder / "01_counts.ipynb"),
        lambda folder: append(folder / "llpp_core" / "losses.py"),
        lambda folder: append(folder / "llpp_core" / "explorers" / "browser" / "landscape.js"),
        lambda folder: append(folder / "llpp_core" / "explorers" / "browser" / "landscape.css"),
        lambda folder: (folder / "llpp_core" / "new.py").write_text(""),
        lambda folder: append(folder / "requirements.lock"),
        lambda folder: append(folder / "data" / "lspet" / "joints.mat"),
        lambda folder: (folder / "data" / "lsp" / "im0001.jpg").write_bytes(b""),
    ],
    ids=["notebook", "source", "script", "style", "new source", "lock", "data", "new data"],
)
def test_the_key_covers_all_that_could_change_the_outputs(build, tmp_path, change):
    notebook = write(tmp_path, "data = 'auto'\nepochs = 1")
    before = build.key(notebook, {}, tmp_path / "data")
    assert build.key(notebook, {}, tmp_path / "data") == before
    change(tmp_path)
    assert build.key(notebook, {}, tmp_path / "data") != before


def test_the_key_covers_the_parameters_and_the_data_of_notebooks_that_have_them(build, tmp_path):
    plain = write(tmp_path, "epochs = 1")
    assert build.key(plain, {"epochs": 1}, None) != build.key(plain, {"epochs": 2}, None)
    assert build.key(plain, {"other": 1}, None) == build.key(plain, {"other": 2}, None)
    assert build.key(plain, {}, None) == build.key(plain, {}, tmp_path / "data")


def test_the_key_covers_the_record_that_a_notebook_shows(build, tmp_path):
    notebook, other = write(tmp_path, "record = 'book/record.json'"), tmp_path / "other.json"
    keys = [build.key(notebook, {}, None)]
    for path, parameters in [(tmp_path / "book" / "record.json", {}), (other, {"record": str(other)})]:
        path.parent.mkdir(exist_ok=True)
        path.write_text("1")
        keys.append(build.key(notebook, parameters, None))
        path.write_text("2")
        keys.append(build.key(notebook, parameters, None))
        assert build.key(notebook, parameters, None) == keys[-1]
    assert len(set(keys)) == 5


def test_the_key_covers_the_folder_of_records_that_a_notebook_shows(build, tmp_path):
    notebook = write(tmp_path, "record = 'a_run'\nresults = 'book/results'")
    keys = [build.key(notebook, {}, None)]
    place = tmp_path / "book" / "results" / "a_run"
    place.mkdir(parents=True)
    for name, content in (("metrics.csv", "1"), ("metrics.csv", "2"), ("along.csv", "2")):
        (place / name).write_text(content)
        keys.append(build.key(notebook, {}, None))
        assert build.key(notebook, {}, None) == keys[-1]
    assert len(set(keys)) == 4


def test_the_pages_lie_beside_the_sources_that_they_show(build, root, tmp_path):
    for folder in ("book", "tests"):
        shutil.copytree(root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("_build", "__pycache__"))
    shutil.copy(root / "_config.yml", tmp_path)
    build.stage({})
    source = tmp_path / "_build" / "source"
    assert (source / "book" / "proofs.md").exists()
    for shown in ("llpp_core/analysis/objectives.py", "tests/analysis/test_objectives.py"):
        assert (source / shown).read_bytes() == (root / shown).read_bytes()
    copied = [p for room in ("llpp_core", "tests") for p in (source / room).rglob("*") if p.is_file()]
    assert {p.suffix for p in copied} == {".py"}


def test_an_unchanged_notebook_is_not_run_again(build, tmp_path):
    notebook = write(tmp_path, "epochs = 1", COUNT)
    first = build.execute(notebook, {}, None)
    assert build.execute(notebook, {}, None) == first
    assert (tmp_path / "runs").read_text() == "x"
    build.execute(notebook, {"epochs": 2}, None)
    assert (tmp_path / "runs").read_text() == "xx"


def test_a_failing_cell_is_named_and_leaves_nothing_that_would_pass_for_a_run(build, tmp_path):
    notebook = write(tmp_path, "epochs = 1", "raise ValueError('wanted a fish, got a fork')")
    with pytest.raises(build.BookError, match=r"01_counts.ipynb failed in cell \d: ValueError: wanted a fish"):
        build.execute(notebook, {}, None)
    assert not list((tmp_path / "_build").rglob("*.ipynb*"))


def test_a_warning_ends_a_strict_build_and_a_progress_bar_does_not(build, tmp_path):
    bar = "import sys\nsys.stderr.write('\\rtraining:  50%|#####     | 5/10')"
    build.execute(write(tmp_path, "epochs = 1", bar), {}, None, strict=True)
    warning = write(tmp_path, "epochs = 1", "import warnings\nwarnings.warn('too hot')", name="02_warns.ipynb")
    with pytest.raises(build.BookError, match=r"wrote a warning: .*too hot"):
        build.execute(warning, {}, None, strict=True)
    assert build.execute(warning, {}, None).exists()


def test_a_parameter_that_no_notebook_has_is_refused(build, capsys):
    (build.ROOT / "notebooks").mkdir()
    write(build.ROOT / "notebooks", "epochs = 1")
    assert build.main(["-p", "epoch", "3", "--only-notebooks"]) == 2
    assert "no notebook has the parameter epoch; they have epochs" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("2e-3", 0.002), ("True", True), ("figures", "figures")])
def test_parameters_are_read_as_papermill_reads_them(build, text, value):
    assert build._value(text) == value
    assert type(build._value(text)) is type(value)


def test_a_notebook_that_is_not_run_again_keeps_the_facts_of_its_run(build, tmp_path):
    notebook = write(tmp_path, "epochs = 1  # passes\nseed = 0", "epochs")
    made = nbformat.read(build.execute(notebook, {"epochs": 2, "other": 3}, None), as_version=4).metadata["made_by"]
    assert [(p["name"], p["value"], p["given"]) for p in made["parameters"]] == [
        ("epochs", "2", True),
        ("seed", "0", False),
    ]
    assert made["arguments"] == ["-p", "epochs", "2"]
    assert made["commit"] is None
    assert "no git repository" in made["no_commit"]
    assert 0 <= made["minutes"] < 5
    again = nbformat.read(build.execute(notebook, {"epochs": 2}, None), as_version=4).metadata["made_by"]
    assert again == made
