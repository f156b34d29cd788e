"""Sphinx extension of the book: explorers in prose pages, links to targets, no script that a static page cannot use.

A prose page shows an explorer by the name of its class; options are traits::

    ```{explorer} GradientLandscape
    :predicted_gap: 0.5
    :margin: 1.0
    ```

A target ``(proof-shares)=`` is linked to by file, as a heading is, which also leads somewhere in JupyterLab::

    [Code and tests](../book/proofs.md#proof-shares)
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes  # type: ignore[import-untyped]
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from traitlets import TraitError

from llpp_core import explorers

# sphinx-thebe adds itself to every page of a Jupyter Book, twice, and declares its constants twice: a console
# error. It would start a kernel on a server outside, which this book has no use for.
_THEBE = re.compile(r"thebe", re.IGNORECASE)


# The theme leaves its mode empty on a first visit: a console error, and a flash of light on dark screens. Its own
# setting for it, `default_mode: auto`, would leave a reader without scripts no colours at all.
_MODE = """
{
  const page = document.documentElement.dataset;
  page.mode ||= "auto";
  page.theme ||= matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
"""


def _value(text: str | None) -> Any:
    """Return an option as JSON reads it, or as the text that it is; the trait judges."""
    try:
        return json.loads(text or "")
    except json.JSONDecodeError:
        return text


class _AnyOption(dict[str, Callable[[str], Any]]):
    """Accepts every option: whether a trait of that name exists is for the explorer to say."""

    def __missing__(self, name: str) -> Callable[[str], Any]:
        return _value


class ExplorerDirective(SphinxDirective):
    """``{explorer} Name``: the explorer of that name, its traits set by the options."""

    required_arguments = 1
    # One entry, because MyST takes an empty specification for "no options".
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = _AnyOption(margin=_value)

    def run(self) -> list[nodes.Node]:
        """Return the explorer as raw HTML, and its description for every other builder."""
        name = self.arguments[0]
        known = _explorers()
        if name not in known:
            raise self.error(f"there is no explorer {name!r}; there is {', '.join(sorted(known))}")
        try:
            explorer = known[name](**self.options)
        except (TraitError, TypeError) as problem:
            raise self.error(str(problem)) from problem
        try:
            page = addnodes.only(expr="html")
            page += nodes.raw("", explorer.html(), format="html")
            text = addnodes.only(expr="not html")
            text += nodes.paragraph("", explorer.description())
        finally:
            explorer.close()  # ipywidgets keeps every open widget for the life of the process
        for source in explorer.sources():
            self.env.note_dependency(str(source))
        return [page, text]


def _explorers() -> dict[str, type[explorers.Explorer]]:
    members = {name: getattr(explorers, name) for name in explorers.__all__}
    return {
        name: member
        for name, member in members.items()
        if isinstance(member, type) and issubclass(member, explorers.Explorer) and member is not explorers.Explorer
    }


def _targets_as_anchors(app: Sphinx, env: BuildEnvironment) -> None:
    # MyST looks up the part behind # among the slugs of a file's headings alone.
    for label, (page, anchor) in env.domaindata["std"]["anonlabels"].items():
        env.metadata[page].setdefault("myst_slugs", {}).setdefault(label, (0, anchor, label))


def _drop_thebe(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    for kind in ("script_files", "css_files"):
        if kind in context:
            context[kind] = [file for file in context[kind] if not _is_thebe(file)]


def _is_thebe(file: Any) -> bool:
    body = getattr(file, "attributes", {}).get("body") or ""
    return bool(_THEBE.search(f"{getattr(file, 'filename', file) or ''} {body}"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of it; nothing keeps state, so pages may be read and written in parallel."""
    app.add_directive("explorer", ExplorerDirective)
    app.add_js_file(None, body=_MODE, priority=100)
    app.connect("env-updated", _targets_as_anchors)
    app.connect("html-page-context", _drop_thebe, priority=900)  # after sphinx-thebe and the theme
    source = Path(explorers.__file__).parent
    version = str(max(int(file.stat().st_mtime) for file in source.iterdir() if file.is_file()))
    return {"version": version, "parallel_read_safe": True, "parallel_write_safe": True}
