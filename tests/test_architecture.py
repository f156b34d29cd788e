"""The floors of the house: imports go down only, and naming the package loads nothing heavy."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import llpp_core

ROOT = Path(llpp_core.__file__).parents[1]
PACKAGE = ROOT / "llpp_core"
MODULES = sorted(PACKAGE.rglob("*.py"))

# CONTRIBUTING.md, "Where a line belongs". `report` words the results of `experiment` and `training`, `performance`
# those of the benchmarks; `parameters` knows nobody, as `store`.
FLOORS = {
    "store": 0,
    "parameters": 0,
    "models": 1,
    "data": 1,
    "downloads": 0,
    "losses": 1,
    "metrics": 1,
    "heads": 2,
    "training": 2,
    "acquisition": 2,
    "attach": 3,
    "cli": 4,
    "__main__": 4,
    "lab": 4,
    "experiment": 3,
    "report": 3,
    "witnesses": 3,
    "performance": 3,
    "figures": 3,
    "galleries": 3,
    "explorers": 3,
}
ANALYSTS = {"analysis", "experiment", "figures", "report", "explorers", "witnesses"}
TRAINING_PATH = (
    "attach",
    "heads",
    "training",
    "data",
    "models",
    "losses",
    "metrics",
    "experiment",
    "report",
    "acquisition",
    "store",
)


def room(module: str) -> str:
    return module.split(".")[1]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, module: str) -> set[str]:
    """Every module that the source imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own_imports(path: Path) -> set[str]:
    return {i for i in imports(path.read_text(), str(path)) if i.startswith("llpp_core.")}


def rooms_graph() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        if path.parent == PACKAGE and path.stem == "__init__":
            continue
        here = room(name_of(path))
        graph.setdefault(here, set()).update(room(i) for i in own_imports(path) if room(i) != here)
    return graph


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_every_room_has_a_floor() -> None:
    assert set(rooms_graph()) == set(FLOORS) | {"analysis"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_down_only(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        return  # names the rooms for type checkers, and imports none
    here = room(name_of(path))
    for imported in own_imports(path):
        there = room(imported)
        if there == "analysis":
            assert here in ANALYSTS, f"{here} imports {imported}"
        elif there != here:
            assert here != "analysis", f"analysis imports {imported}"
            assert FLOORS[there] <= FLOORS[here], f"{here} imports {imported}, which is a floor above"


def test_rooms_of_one_floor_do_not_import_each_other_in_a_circle() -> None:
    graph = rooms_graph()
    while graph:
        free = {r for r, needs in graph.items() if not needs & set(graph)}
        assert free, f"a circle among {sorted(graph)}"
        graph = {r: needs for r, needs in graph.items() if r not in free}


def test_analysis_imports_torch_inside_a_function_only() -> None:
    for path in (PACKAGE / "analysis").glob("*.py"):
        for statement in ast.parse(path.read_text()).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                assert not any(i.split(".")[0] == "torch" for i in imports(ast.unparse(statement), path.name)), path


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("llpp_core", ["torch", "plotly", "anywidget", "sympy", "numpy", "scipy"]),
        ("llpp_core.analysis", ["torch", "plotly", "anywidget"]),
        ("llpp_core.store", ["torch", "plotly", "anywidget", "sympy", "numpy", "scipy"]),
        ("llpp_core.explorers", ["torch", "plotly"]),
    ],
)
def test_importing_a_room_leaves_heavy_libraries_alone(imported: str, absent: list[str]) -> None:
    done = run_python(f"import sys, json, {imported}; print(json.dumps(sorted(sys.modules)))")
    assert done.returncode == 0, done.stderr
    assert not set(absent) & set(json.loads(done.stdout))


def test_the_training_path_needs_nothing_of_the_book() -> None:
    missing = ["plotly", "anywidget", "ipywidgets", "papermill", "IPython", "nbformat"]
    rooms = ", ".join(f"llpp_core.{r}" for r in TRAINING_PATH)
    # None in sys.modules makes an import fail as if the library were not installed.
    done = run_python(f"import sys; sys.modules.update(dict.fromkeys({missing})); import {rooms}")
    assert done.returncode == 0, done.stderr


def test_every_exported_room_can_be_named_and_none_is_forgotten() -> None:
    assert {getattr(llpp_core, name).__name__ for name in llpp_core.__all__} == {
        f"llpp_core.{name}" for name in llpp_core.__all__
    }
    assert set(llpp_core.__all__) == set(FLOORS) - {"__main__"} | {"analysis"}
    assert set(dir(llpp_core)) == {*llpp_core.__all__, "__version__"}


def test_an_unknown_room_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"llpp_core has no 'lossess'; it has acquisition, analysis, .*training"):
        _ = llpp_core.lossess


@pytest.mark.parametrize("name", ["acquisition", "analysis", "data", "explorers", "models"])
def test_what_a_room_lists_it_has(name: str) -> None:
    module = getattr(llpp_core, name)
    assert module.__all__
    assert all(hasattr(module, listed) for listed in module.__all__)


def sources_outside_the_package() -> dict[str, str]:
    sources = {
        str(p.relative_to(ROOT)): p.read_text() for p in (ROOT / "book").rglob("*.py") if "_build" not in p.parts
    }
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
        sources[str(path.relative_to(ROOT))] = "\n".join("".join(c["source"]) for c in cells)
    return sources


OUTSIDE = sources_outside_the_package()


def chain(node: ast.expr) -> list[str] | None:
    """The names of a.b.c, or None for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [*names, node.id][::-1] if isinstance(node, ast.Name) else None


@pytest.mark.parametrize("file", OUTSIDE)
def test_notebooks_and_book_use_only_what_the_package_exports(file: str) -> None:
    used = [i.split(".") for i in imports(OUTSIDE[file], file) if i.startswith("llpp_core.")]
    chains = [chain(node) for node in ast.walk(ast.parse(OUTSIDE[file])) if isinstance(node, ast.Attribute)]
    used += [["llpp_core", *names[1:]] for names in chains if names and names[0] in ("llpp", "llpp_core")]
    for _, name, *rest in used:
        assert name in llpp_core.__all__, f"{file} names {name}"
        if rest:
            module = importlib.import_module(f"llpp_core.{name}")
            assert not rest[0].startswith("_"), f"{file} uses {name}.{rest[0]}"
            assert rest[0] in getattr(module, "__all__", dir(module)), f"{file} uses {name}.{rest[0]}"


def test_the_notebooks_were_found() -> None:
    assert sum(name.endswith(".ipynb") for name in OUTSIDE) >= 3
