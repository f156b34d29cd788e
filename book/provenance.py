"""What made a page: recorded in a notebook when it runs, and set out at the end of its page.

`book/build.py` asks for the `facts` before it runs a notebook and lays them into the executed copy, so that a copy
that is not run again tells of its own run, not of the build that shows it.
"""

import ast
import html
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import torch
from nbformat import NotebookNode

FORM = "facts, form 1"
"""Part of every notebook's key: a copy that was made without these facts is not taken for one that has them."""

FIELD = "made_by"
"""Where they stand in a notebook's metadata."""

PACKAGES = ("torch", "numpy", "scipy", "sympy", "plotly", "ipykernel", "papermill", "jupyter-book")

SOURCES = ("notebooks", "llpp_core", "book", "requirements.lock", "pyproject.toml")
"""What a notebook's run can depend on: another file that is not committed changes no page."""


def facts(root: Path) -> dict[str, Any]:
    """Return what is true of any notebook that runs now: when, on what, with what, and at which commit.

    Args:
        root: the project's folder.
    """
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": _machine(),
        "versions": [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)],
        **_commit(root),
    }


def record(
    node: NotebookNode, known: Mapping[str, Any], given: Mapping[str, Any], seconds: float, found: Mapping[str, Any]
) -> None:
    """Lay into an executed notebook what made it.

    Args:
        node: the executed notebook.
        known: its parameters, as `papermill.inspect_notebook` returns them.
        given: the values that were set for this run, by name; the others have their defaults.
        seconds: that the run took.
        found: what `facts` returned before it, and anything else that is to be kept.
    """
    parameters = [
        {"name": name, "value": repr(given.get(name, _default(one["default"]))), "given": name in given}
        for name, one in known.items()
    ]
    node.metadata[FIELD] = {
        **found,
        "minutes": round(seconds / 60, 2),
        "parameters": parameters,
        "arguments": [str(part) for name, value in given.items() for part in ("-p", name, value)],
    }


def section(node: NotebookNode, name: str, repository: Mapping[str, str] | None = None) -> str:
    """Return the section that ends a page, as MyST.

    Args:
        node: the executed notebook; one that `record` has not seen says that nothing was recorded.
        name: its file's name; the notebook without outputs lies in ``downloads`` under it.
        repository: Jupyter Book's setting of that name, with the ``url``, and the ``branch`` if it is not ``main``.
            Without it there are no links to services that open a notebook from there.

    Raises:
        ValueError: ``url`` is no address of a repository.
    """
    made = node.metadata.get(FIELD)
    text = ["## The run behind this page", "", "::::{container} llpp-made", ""]
    if made is None:
        text += ["Not recorded: this notebook ran before the book kept what made its pages.", ""]
    else:
        text += _set_out(made)
    line = shlex.join([".venv/bin/papermill", f"notebooks/{name}", "out.ipynb", *(made or {}).get("arguments", [])])
    offers = [f"{{download}}`Download the notebook <../downloads/{name}>`", *_elsewhere(name, repository)]
    text += [
        "Rerun this",
        ": From the project's folder; `-p NAME VALUE` sets a parameter.",
        "",
        "  ```bash",
        f"  {line}",
        "  ```",
        "",
        f"  {' · '.join(offers)}",
        "",
        "::::",
    ]
    return "\n".join(text)


def _set_out(made: Mapping[str, Any]) -> list[str]:
    minutes = made["minutes"]
    took = f"{minutes:.1f} minutes" if minutes >= 0.1 else f"{60 * minutes:.0f} seconds"
    text = ["Run", f": on {made['date']}, in {took}", ""]
    text += ["Machine", f": {made['machine']}", ""]
    if "data" in made:
        text += ["Data", f": {made['data']}", ""]
    if made["commit"] is None:
        text += ["Commit", f": none: {made['no_commit']}", ""]
    else:
        text += ["Commit", f": `{made['commit'][:12]}`{', with changes not committed' if made['dirty'] else ''}", ""]
    text += ["Versions", f": {', '.join(made['versions'])}", ""]
    given = sum(p["given"] for p in made["parameters"])
    said = f"{len(made['parameters'])}, {f'{given} of them given' if given else 'all as in the notebook'}"
    return [*text, "Parameters", f": {_table(said, made['parameters'])}", ""]


def _table(said: str, parameters: Sequence[Mapping[str, Any]]) -> str:
    """Return a folded table in one line of HTML, as below a figure."""
    rows = "".join(
        f"<tr><th scope='row'><code>{html.escape(p['name'])}</code></th>"
        f"<td><code>{html.escape(p['value'])}</code>{' given' if p['given'] else ''}</td></tr>"
        for p in parameters
    )
    return f'<details class="llpp-data"><summary>{said}</summary><table><tbody>{rows}</tbody></table></details>'


def _default(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return _Source(text)


class _Source(str):
    """The source of a default that is no literal; it is shown as it is written."""

    def __repr__(self) -> str:
        return str(self)


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return f"{_processor()}, {cores} core{'s' * (cores > 1)}, {f'with {gpu}' if gpu else 'no GPU'}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # only Linux has it
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _commit(root: Path) -> dict[str, Any]:
    """Return the commit that a run starts from, or why there is none to name."""
    if shutil.which("git") is None:
        return {"commit": None, "dirty": None, "no_commit": "git is not installed"}
    top = _git(root, "rev-parse", "--show-toplevel")
    commit = _git(root, "rev-parse", "HEAD")
    # An unpacked archive may lie inside another repository, whose commit says nothing about it.
    if top is None or Path(top).resolve() != root.resolve() or commit is None:
        return {"commit": None, "dirty": None, "no_commit": "the project's folder is no git repository with a commit"}
    return {"commit": commit, "dirty": _git(root, "status", "--porcelain", "--", *SOURCES) != "", "no_commit": None}


def _git(root: Path, *arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _elsewhere(name: str, repository: Mapping[str, str] | None) -> list[str]:
    """Return links to services that open a notebook from the repository, where there is one."""
    if not repository or not repository.get("url"):
        return []
    url = repository["url"].removesuffix("/").removesuffix(".git")
    parts = urlsplit(url)
    place = parts.path.strip("/")
    if parts.scheme not in ("http", "https") or "/" not in place:
        raise ValueError(f"wanted the address of a repository as url of _config.yml's repository, got {url!r}")
    branch = quote(repository.get("branch") or "main", safe="")
    opened = f"labpath=notebooks%2F{quote(name)}"
    if parts.hostname != "github.com":
        return [f"[Binder](https://mybinder.org/v2/git/{quote(url, safe='')}/{branch}?{opened})"]
    colab = f"https://colab.research.google.com/github/{place}/blob/{branch}/notebooks/{quote(name)}"
    return [
        f"[Binder](https://mybinder.org/v2/gh/{place}/{branch}?{opened})",
        f"[Colab]({colab}) (first `pip install git+{url}`)",
    ]
