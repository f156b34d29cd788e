"""What made a page: found out when a notebook runs, and said on its page without a word that is not known."""

import importlib.util
import shutil
import subprocess

import pytest
from nbformat.v4 import new_notebook

KNOWN = {
    "seed": {"name": "seed", "default": "0"},
    "data": {"name": "data", "default": '"auto"'},
    "rates": {"name": "rates", "default": "[1, 2] * 2"},
}
FOUND = {
    "date": "2026-01-02",
    "machine": "An Engine, 2 cores, no GPU",
    "versions": ["Python 3.11.1", "torch 2.0"],
    "commit": "0123456789abcdef",
    "dirty": False,
    "no_commit": None,
}


@pytest.fixture(scope="module")
def provenance(root):
    specification = importlib.util.spec_from_file_location("book_provenance", root / "book" / "provenance.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def git(folder, *arguments):
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path / "project"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "notebooks" / "a.ipynb").write_text("{}")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def said(provenance, given=None, seconds=90.0, **changed):
    node = new_notebook()
    provenance.record(node, KNOWN, given or {}, seconds, {**FOUND, **changed})
    return provenance.section(node, "01_a.ipynb")


def test_the_facts_name_versions_and_machine(provenance, tmp_path):
    facts = provenance.facts(tmp_path)
    names = [one.split(" ")[0] for one in facts["versions"]]
    assert names[:4] == ["Python", "torch", "numpy", "scipy"]
    assert {"sympy", "plotly", "papermill"} <= set(names)
    assert ", no GPU" in facts["machine"] or " with " in facts["machine"]


def test_a_run_knows_its_commit_and_what_was_not_committed(provenance, repository):
    facts = provenance.facts(repository)
    assert facts["commit"] == git(repository, "rev-parse", "HEAD").strip()
    assert facts["dirty"] is False
    (repository / "notes.txt").write_text("no page depends on this")
    assert provenance.facts(repository)["dirty"] is False
    (repository / "notebooks" / "b.ipynb").write_text("{}")
    assert provenance.facts(repository)["dirty"] is True
    (repository / "notebooks" / "b.ipynb").unlink()
    (repository / "notebooks" / "a.ipynb").write_text("{ }")
    assert provenance.facts(repository)["dirty"] is True


def test_the_commit_of_a_repository_around_the_project_is_not_its_own(provenance, repository):
    inside = repository / "archive"
    inside.mkdir()
    assert provenance.facts(inside)["commit"] is None


def test_without_git_a_page_says_so(provenance, tmp_path, monkeypatch):
    assert provenance.facts(tmp_path)["no_commit"] == "the project's folder is no git repository with a commit"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    facts = provenance.facts(tmp_path)
    assert facts["commit"] is None
    text = said(provenance, **{name: facts[name] for name in ("commit", "dirty", "no_commit")})
    assert "Commit\n: none: git is not installed\n" in text


def test_a_page_says_when_on_what_with_what_and_at_which_commit(provenance):
    text = said(provenance)
    assert "Run\n: on 2026-01-02, in 1.5 minutes\n" in text
    assert "Machine\n: An Engine, 2 cores, no GPU\n" in text
    assert "Commit\n: `0123456789ab`\n" in text
    assert "Versions\n: Python 3.11.1, torch 2.0\n" in text
    assert "Data\n" not in text
    assert "in 3 seconds" in said(provenance, seconds=3.2)
    assert "`0123456789ab`, with changes not committed\n" in said(provenance, dirty=True)
    assert "Data\n: rendered figures\n" in said(provenance, data="rendered figures")


def test_the_table_holds_every_value_that_was_used(provenance):
    text = said(provenance, {"seed": 3, "data": "<figures>"})
    cells = ["<code>3</code> given", "<code>&#x27;&lt;figures&gt;&#x27;</code> given", "<code>[1, 2] * 2</code></td>"]
    for cell in cells:
        assert cell in text
    assert "3, 2 of them given" in text
    assert "<code>0</code></td>" in said(provenance)
    assert "3, all as in the notebook" in said(provenance)


def test_the_line_to_copy_runs_the_same_again(provenance):
    assert "\n  .venv/bin/papermill notebooks/01_a.ipynb out.ipynb\n" in said(provenance)
    given = {"seed": 3, "data": "my data"}
    assert " out.ipynb -p seed 3 -p data 'my data'\n" in said(provenance, given)


def test_a_copy_that_was_made_without_facts_claims_none(provenance):
    text = provenance.section(new_notebook(), "01_a.ipynb")
    assert "Not recorded" in text
    for word in ("Commit", "Machine", "Versions", "Parameters"):
        assert word not in text
    assert "papermill notebooks/01_a.ipynb" in text


@pytest.mark.parametrize("setting", [None, {}, {"branch": "main"}, {"url": ""}])
def test_without_a_repository_there_is_no_link_outside(provenance, setting):
    text = provenance.section(new_notebook(), "01_a.ipynb", setting)
    assert "http" not in text
    assert "{download}`Download the notebook <../downloads/01_a.ipynb>`" in text


def test_a_repository_on_github_opens_in_binder_and_colab(provenance):
    setting = {"url": "https://github.com/somebody/book.git", "branch": "a/b"}
    text = provenance.section(new_notebook(), "01_a.ipynb", setting)
    assert "(https://mybinder.org/v2/gh/somebody/book/a%2Fb?labpath=notebooks%2F01_a.ipynb)" in text
    assert "(https://colab.research.google.com/github/somebody/book/blob/a%2Fb/notebooks/01_a.ipynb)" in text
    assert "`pip install git+https://github.com/somebody/book`" in text


def test_a_repository_elsewhere_opens_in_binder_alone(provenance):
    text = provenance.section(new_notebook(), "01_a.ipynb", {"url": "https://git.example.org/somebody/book"})
    assert "/v2/git/https%3A%2F%2Fgit.example.org%2Fsomebody%2Fbook/main?" in text
    assert "colab" not in text


@pytest.mark.parametrize("url", ["somebody/book", "git@github.com:somebody/book.git", "https://github.com/"])
def test_what_is_no_address_of_a_repository_is_refused(provenance, url):
    with pytest.raises(ValueError, match=r"wanted the address of a repository .*, got '"):
        provenance.section(new_notebook(), "01_a.ipynb", {"url": url})
