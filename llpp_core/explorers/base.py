"""`Explorer`: an ipywidget that also runs on a static page.

A notebook shows it as an ordinary live widget: its traits are synchronised and can be linked. Its output
holds `text/html` as well, from `Explorer.html`: the same ES module and the current state, on a model of a few
lines in place of the kernel. A built book shows that, from a web server or from ``file://`` alike.
"""

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

_FOLDER = Path(__file__).parent / "browser"
_SHARED = ("drawing.js", "controls.js", "player.js", "frame.js")


@dataclass(frozen=True)
class Table:
    """A table of text: what stands in for an explorer where no script runs."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


class Explorer(anywidget.AnyWidget):
    """Base of all explorers.

    A subclass names its JavaScript and CSS files in the folder ``browser`` in ``parts`` and ``styles``. Its module is
    one file, joined in this order: who it is and what its traits are (``EXPLORER``, ``TRAITS``), the generated
    `mathematics`, the helpers that all share, and its ``parts``, which define ``render({ model, el })``.

    Attributes:
        anchor: how a page's address names it: ``page.html#anchor?trait=value``.
        title: its name, as a reader reads it.
        caption: a sentence or two about what to do and what to see, as HTML.

    Raises:
        TypeError: an argument names no trait of the explorer.
    """

    anchor: ClassVar[str]
    title: ClassVar[str]
    caption: ClassVar[str]
    parts: ClassVar[tuple[str, ...]]
    styles: ClassVar[tuple[str, ...]] = ()

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    def __init__(self, **state: Any) -> None:
        unknown = sorted(set(state) - set(self.state_names()))
        if unknown:
            known = ", ".join(self.state_names())
            raise TypeError(f"{type(self).__name__} has no trait {', '.join(unknown)}; it has {known}")
        super().__init__(**state)

    @classmethod
    def mathematics(cls) -> str:
        """Return the JavaScript that sympy generates for this explorer, and its constants."""
        raise NotImplementedError

    def description(self) -> str:
        """Return a text that tells a reader without scripts or sight what the explorer shows."""
        raise NotImplementedError

    def table(self) -> Table:
        """Return a few values, the current state's among them, for a reader without scripts."""
        raise NotImplementedError

    def picture(self) -> str:
        """Return the current view as an SVG element, for a reader without scripts and for paper; see `picture`."""
        raise NotImplementedError

    @classmethod
    def state_names(cls) -> list[str]:
        """Return the names of the explorer's own traits, those that a page or notebook may set."""
        own = set(cls.class_trait_names(sync=True)) - set(Explorer.class_trait_names())
        return sorted(name for name in own if not name.startswith("_"))

    @classmethod
    def sources(cls) -> list[Path]:
        """Return the files that the explorer is composed of, so that a build can watch them."""
        return [_FOLDER / name for name in (*_SHARED, "standalone.js", *cls.parts, "explorer.css", *cls.styles)]

    def state(self) -> dict[str, Any]:
        """Return the current values of the explorer's own traits."""
        return {name: getattr(self, name) for name in self.state_names()}

    def html(self) -> str:
        """Return the explorer as HTML that runs by itself: no kernel, no network, no other file.

        It starts in the current state. Without scripts a reader gets `picture`, `description` and `table`.
        """
        # In JSON "<" is written as an escape, so that no value can close the script element it stands in.
        state = json.dumps(self.state(), allow_nan=False, ensure_ascii=False).replace("<", "\\u003c")
        module = _inline_script(f"{self._esm}\n{_read('standalone.js')}")
        return (
            f'<figure class="llpp-explorer" data-explorer="{type(self).__name__}">\n'
            f"<style>{self._css}</style>\n"
            '<div class="llpp-explorer-view"></div>\n'
            f"<noscript>{self._fallback()}</noscript>\n"
            f"<figcaption>{self.caption}</figcaption>\n"
            f'<script type="application/json">{state}</script>\n'
            f'<script type="module">\n{module}</script>\n'
            "</figure>"
        )

    def _fallback(self) -> str:
        table = self.table()
        header = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in table.header)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
        )
        head_and_body = f"<thead><tr>{header}</tr></thead><tbody>{rows}</tbody>"
        return (
            f'{self.picture()}<p>{html.escape(self.description())}</p><div class="llpp-table" tabindex="0">'
            f"<table>{head_and_body}</table></div>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            # Jupyter ranks the widget's own type above HTML: a live notebook shows the live widget.
            bundle[0]["text/html"] = self.html()
        return bundle

    @traitlets.default("_esm")
    def _compose_module(self) -> str:
        who = {"name": type(self).__name__, "anchor": self.anchor, "title": self.title}
        traits = {name: self.class_traits()[name].kind for name in self.state_names()}
        head = f"const EXPLORER = {json.dumps(who)};\nconst TRAITS = {json.dumps(traits)};"
        parts = [_read(name) for name in (*_SHARED, *self.parts)]
        return "\n".join([head, self.mathematics(), *parts, "export default { render };"])

    @traitlets.default("_css")
    def _compose_style(self) -> str:
        return "\n".join(_read(name) for name in ("explorer.css", *self.styles))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _inline_script(source: str) -> str:
    """Return JavaScript that means the same and cannot end the script element that holds it."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", source, flags=re.IGNORECASE)
