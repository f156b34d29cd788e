"""The files around the package agree with each other and with what the README promises."""

import re
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def locked(root):
    lines = (root / "requirements.lock").read_text().splitlines()
    pins = [re.fullmatch(r"([\w.\-]+)==([\w.]+)", line) for line in lines]
    assert all(pins), "every line of the lock pins one exact version"
    return {canonicalize_name(name): Version(version) for name, version in (p.groups() for p in pins)}


def test_every_dependency_is_locked_within_its_range(project, locked):
    extras = project["optional-dependencies"].values()
    for text in [*project["dependencies"], *(r for extra in extras for r in extra)]:
        requirement = Requirement(text)
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in requirements.lock: run make lock"
        assert version in requirement.specifier, f"the lock's {requirement.name} {version} is outside {text}"


def test_every_dependency_has_a_reason(root):
    text = (root / "pyproject.toml").read_text()
    for line in re.findall(r'^    "[\w\-]+>=.*$', text, flags=re.MULTILINE):
        assert re.search(r"#\s+\S.*\w", line), f"no reason given for {line.strip()}"


def test_torch_is_pinned_in_the_lock_and_a_range_in_the_project(project, locked):
    assert str(locked["torch"]) == "2.13.0"
    (torch,) = (Requirement(r) for r in project["dependencies"] if r.startswith("torch"))
    assert Version("2.11.0") in torch.specifier


def test_the_build_tools_are_locked_too(root, locked):
    for text in tomllib.loads((root / "pyproject.toml").read_text())["build-system"]["requires"]:
        requirement = Requirement(text)
        assert locked[canonicalize_name(requirement.name)] in requirement.specifier


def test_conda_installs_the_same_lock_on_a_python_that_the_project_allows(root, project):
    environment = yaml.safe_load((root / "environment.yml").read_text())
    (pip,) = (d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert pip == ["-r requirements.lock", "--editable ."]  # pip takes one option a line here
    (python,) = (d.removeprefix("python=") for d in environment["dependencies"] if str(d).startswith("python="))
    assert Version(python) in Requirement(f"python{project['requires-python']}").specifier


def test_the_readme_names_the_commands_and_the_makefile_has_them(root):
    makefile, readme = (root / "Makefile").read_text(), (root / "README.md").read_text()
    for target in ("book", "test", "serve", "lab", "lint", "clean"):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
        assert f"make {target}" in readme


def test_the_readme_names_every_folder_and_every_path_in_it_exists(root):
    readme = (root / "README.md").read_text()
    for folder in ("book", "llpp_core", "notebooks", "tests"):
        assert f"`{folder}/`" in readme
    for path in re.findall(r"\]\(([\w./\-]+)\)", readme):
        assert (root / path).exists(), f"the README links to {path}, which is not there"


def test_the_citation_names_software_and_paper(root, project):
    citation = yaml.safe_load((root / "CITATION.cff").read_text())
    assert citation["version"] == project["version"]
    assert citation["references"][0]["doi"] == "10.1109/CVPRW53098.2021.00370"
    assert citation["license"] == project["license"]


def test_every_entry_of_the_bibliography_has_a_doi(root):
    entries = (root / "book" / "references.bib").read_text().split("@")[1:]
    assert entries
    for entry in entries:
        assert re.search(r"doi\s*=\s*\{10\.\d+/\S+\}", entry), entry.splitlines()[0]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_stripped_has_one_parameters_cell_and_no_long_function(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    assert not any(c.outputs or c.execution_count for c in cells), "strip the outputs before committing"
    assert sum("parameters" in c.metadata.get("tags", []) for c in cells) == 1
    assert max(len(c.source.splitlines()) for c in cells) <= 40


def test_no_picture_of_a_research_data_set_is_in_the_repository(root):
    ignored = {".venv", "_build", ".git"}
    pictures = [p for p in root.rglob("im[0-9]*.jpg") if not ignored & set(p.parts)]
    assert not pictures
