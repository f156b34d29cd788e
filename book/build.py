"""Builds the book: runs the notebooks that changed, stages them beside the prose, and renders the pages.

    python book/build.py                      what `make book` runs
    python book/build.py -p epochs 5          with a parameter for every notebook that has it
    python book/build.py --only-notebooks     stop after running the notebooks
    python book/build.py --strict             a warning that a notebook writes ends the build, as in the tests

Everything it writes lies in ``book/_build``: ``executed/`` (one run of a notebook for each key), ``source/`` (what
Sphinx reads) and ``html/``. A notebook runs again only when its key changes; the key covers the notebook, the
parameters, the sources of ``llpp_core``, ``requirements.lock``, the Python version, and the data or the record that it
would read.
"""

import argparse
import ast
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import Any

import nbformat
import papermill
import yaml
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from papermill.exceptions import PapermillExecutionError

from llpp_core import store
from llpp_core.experiment import data_folder

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book"))  # for a caller that loads this file by its path
import provenance  # noqa: E402

BUILD = ROOT / "book" / "_build"
TIMEOUT = 3600
"""Seconds that a cell may take, many times what any needs even on a busy machine; without a limit a hung kernel would
wait for ever."""

Parameters = dict[str, Any]


class BookError(Exception):
    """Something that the reader of the message can mend; its text is one sentence, and a traceback adds nothing."""


def main(arguments: list[str] | None = None) -> int:
    """Build the book and return the exit status: 0 done, 1 a notebook or page failed, 2 bad input, 130 interrupted."""
    parser = argparse.ArgumentParser(description="Run the notebooks that changed and build the book.")
    parser.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    parser.add_argument("--only-notebooks", action="store_true", help="stop after running the notebooks")
    parser.add_argument("--strict", action="store_true", help="a warning that a notebook writes ends the build")
    options = parser.parse_args(arguments)
    notebooks = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    try:
        parameters = _parameters_of(notebooks, dict(options.parameter))
        folder = data_folder(str(parameters["data"]) if "data" in parameters else "auto")
    except (BookError, ValueError) as error:
        print(f"book: {error}", file=sys.stderr)
        return 2
    if folder is not None:
        os.environ["LLPP_DATA"] = str(folder.resolve())  # kernels start elsewhere than a relative path may mean
    try:
        executed = {n.name: execute(n, parameters, folder, strict=options.strict) for n in notebooks}
        if options.only_notebooks:
            return 0
        stage(executed)
        render()
    except BookError as error:
        print(f"book: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("book: interrupted; notebooks that had finished are kept", file=sys.stderr)
        return 130
    print(f"The book is ready: {BUILD / 'html' / 'index.html'}")
    return 0


def key(notebook: Path, parameters: Parameters, data: Path | None) -> str:
    """Return the key of a notebook's run: anything that could change its outputs changes it."""
    known = papermill.inspect_notebook(str(notebook))
    package = ROOT / "llpp_core"
    sources = sorted(p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    parts: list[str | bytes] = [notebook.read_bytes(), (ROOT / "requirements.lock").read_bytes()]
    parts += [
        provenance.FORM,
        platform.python_version(),
        json.dumps({k: v for k, v in parameters.items() if k in known}, sort_keys=True),
    ]
    for source in sources:
        parts += [source.relative_to(package).as_posix(), source.read_bytes()]
    if "data" in known and data is not None:
        parts += [store.folder_fingerprint(data / name) for name in ("lsp", "lspet")]
    for name in ("record", "results"):  # a file that the notebook shows, or a folder of them
        if name in known:
            shown = ROOT / str(parameters.get(name, ast.literal_eval(known[name]["default"])))
            inside = sorted(p for p in shown.rglob("*") if p.is_file()) if shown.is_dir() else []
            for path in [shown] if shown.is_file() else inside:
                parts += [path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)]
                parts += [path.read_bytes()]
    return store.fingerprint(parts)[:16]


def execute(notebook: Path, parameters: Parameters, data: Path | None, *, strict: bool = False) -> Path:
    """Return the executed copy of a notebook, run through papermill unless one of the same key is there already.

    Raises:
        BookError: a cell failed (named, with its error) or took too long, the kernel died, or, where ``strict``, a
            notebook wrote a warning.
    """
    target = BUILD / "executed" / notebook.stem / f"{key(notebook, parameters, data)}.ipynb"
    if target.exists():
        print(f"{notebook.name}: unchanged since it ran")
        return target
    print(f"{notebook.name}: running", flush=True)
    known = papermill.inspect_notebook(str(notebook))
    given = {k: v for k, v in parameters.items() if k in known}
    found, start = provenance.facts(ROOT), time.monotonic()
    if "data" in known:
        found["data"] = "rendered figures" if data is None else "images of a folder (`LLPP_DATA` or `data`)"
    with store.written_whole(target) as part:
        try:
            node = papermill.execute_notebook(
                str(notebook),
                None,
                parameters=given,
                cwd=str(ROOT),
                progress_bar=False,  # the notebooks' own bars are shown instead
                stderr_file=sys.stderr,
                execution_timeout=TIMEOUT,
                extra_arguments=["--IPKernelApp.log_level=40"],  # a notice that its loopback port is not encrypted
            )
        except PapermillExecutionError as error:
            raise BookError(
                f"{notebook.name} failed in cell {error.cell_index}: {error.ename}: {error.evalue}"
            ) from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise BookError(f"{notebook.name} did not finish: {error}") from None
        for number, cell in enumerate(node.cells):
            said = "".join(o.text for o in cell.get("outputs", []) if o.output_type == "stream" and o.name == "stderr")
            warning = _without_progress(said)
            if warning and strict:
                raise BookError(f"{notebook.name}, cell {number}, wrote a warning: {warning}")
        provenance.record(node, known, given, time.monotonic() - start, found)
        part.write_text(nbformat.writes(node) + "\n", encoding="utf-8")
    return target


def stage(executed: Mapping[str, Path]) -> None:
    """Lay out what Sphinx reads in ``_build/source``: prose, assets, executed notebooks, and the sources shown.

    Raises:
        BookError: the repository that ``_config.yml`` names has no address.
    """
    source = BUILD / "source"
    shutil.rmtree(source, ignore_errors=True)
    for folder in ("notebooks", "downloads"):
        (source / folder).mkdir(parents=True)
    ignored = shutil.ignore_patterns("_build", "results", "__pycache__", "*.py")
    shutil.copytree(ROOT / "book", source / "book", ignore=ignored)
    shutil.copytree(ROOT / "book" / "_ext", source / "book" / "_ext", dirs_exist_ok=True)
    shutil.copy(ROOT / "_config.yml", source)
    vendor = source / "book" / "assets" / "vendor"
    vendor.mkdir()
    # The package's folder has a hyphen in its name, so it cannot be imported.
    mathjax = distribution("sphinx-mathjax-offline").locate_file(
        "sphinx-mathjax-offline/static/mathjax/tex-svg-full.js"
    )
    shutil.copy(str(mathjax), vendor / "mathjax-tex-svg-full.js")
    shutil.copy(str(files("plotly") / "package_data" / "plotly.min.js"), vendor)
    for room in ("llpp_core", "tests"):  # book/proofs.md shows functions of them
        shutil.copytree(ROOT / room, source / room, ignore=_all_but_python)
    repository = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8")).get("repository")
    for name, path in executed.items():
        node = _for_the_page(nbformat.read(path, as_version=4))
        try:
            node.cells.append(new_markdown_cell(provenance.section(node, name, repository)))
        except ValueError as error:
            raise BookError(str(error)) from None
        (source / "notebooks" / name).write_text(nbformat.writes(node) + "\n", encoding="utf-8")
        shutil.copy(ROOT / "notebooks" / name, source / "downloads")  # without outputs, for whoever runs it again


def render() -> None:
    """Run Jupyter Book over the staged sources, warnings as errors.

    Raises:
        BookError: Jupyter Book failed; its output is shown.
    """
    source = BUILD / "source"
    jupyter_book = str(Path(sys.executable).with_name("jupyter-book"))
    command = [jupyter_book, "build", ".", "--toc", "book/_toc.yml", "--path-output", str(ROOT / "book")]
    print("rendering the pages", flush=True)
    # A page that the table of contents no longer names would stay for ever, and a remembered one would keep the
    # explorer that it was made with: Sphinx looks at the page's own file alone.
    for made_before in ("html", ".doctrees"):
        shutil.rmtree(BUILD / made_before, ignore_errors=True)
    done = subprocess.run(
        [*command, "-W", "-n", "--keep-going", "-q"], cwd=source, capture_output=True, text=True, check=False
    )
    if done.returncode or not (BUILD / "html" / "index.html").exists():
        raise BookError(f"Jupyter Book failed:\n{done.stdout}{done.stderr}")


def _parameters_of(notebooks: list[Path], given: Mapping[str, str]) -> Parameters:
    known = {name for notebook in notebooks for name in papermill.inspect_notebook(str(notebook))}
    unknown = sorted(set(given) - known)
    if unknown:
        raise BookError(f"no notebook has the parameter {', '.join(unknown)}; they have {', '.join(sorted(known))}")
    return {name: _value(text) for name, text in given.items()}


def _all_but_python(folder: str, names: list[str]) -> set[str]:
    return {n for n in names if n == "__pycache__" or not (n.endswith(".py") or (Path(folder) / n).is_dir())}


def _value(text: str) -> Any:
    """Return a parameter as papermill's own command line would: a number, a truth value, or the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"True": True, "False": False, "None": None}.get(text, text)


def _without_progress(text: str) -> str:
    """Return what is left of a cell's stderr without tqdm's bars, each of which ends in a carriage return or line."""
    return "\n".join(line for line in re.split(r"[\r\n]+", text) if line.strip() and not re.search(r"\d+%\|", line))


def _for_the_page(node: NotebookNode) -> NotebookNode:
    """Return a notebook without what a page has no use for: bars, widget state, and the paths of this machine."""
    node.metadata.pop("widgets", None)
    node.metadata.pop("papermill", None)
    for cell in node.cells:
        cell.metadata.pop("papermill", None)
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if not (o.output_type == "stream" and o.name == "stderr")]
            for output in cell.outputs:  # Sphinx knows no plotly; it takes the HTML that stands beside it
                output.get("data", {}).pop("application/vnd.plotly.v1+json", None)
    return node


if __name__ == "__main__":
    sys.exit(main())
