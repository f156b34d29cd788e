"""`Explorer`: an ipywidget that also runs on a static page.

A notebook shows it as an ordinary live widget: its traits are synchronised and can be linked. Its output
holds `text/html` as well, from `Explorer.html`: the same ES module and the current state, on a model of ten
lines in place of the kernel. A built book shows that, from a web server or from ``file://`` alike.
"""

import html
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

_FOLDER = Path(__file__).parent

# Stands in for the kernel. Modules run in document order, so the first host not yet claimed is the one that
# this script stands in: no ids, and any number of explorers on a page.
_STANDALONE = """
{
  const host = document.querySelector('.llpp-explorer[data-explorer="%(name)s"]:not([data-ready])');
  const state = JSON.parse(host.querySelector('script[type="application/json"]').textContent);
  const listeners = {};
  const model = {
    get: (name) => state[name],
    set(name, value) {
      if (Object.is(state[name], value)) return;
      state[name] = value;
      for (const listener of [...(listeners["change:" + name] ?? [])]) listener();
    },
    on: (event, listener) => (listeners[event] ??= new Set()).add(listener),
    off: (event, listener) => listeners[event]?.delete(listener),
    save_changes() {},
  };
  render({ model, el: host.querySelector(".llpp-explorer-view") });
  host.dataset.ready = "true";
}
"""


class Bounded(traitlets.Float):  # type: ignore[type-arg]
    """A finite number within closed bounds; ``scale`` and ``step`` say how a slider walks through them.

    Args:
        default: value at the start.
        min: smallest value.
        max: largest value.
        scale: "linear", or "log" for a slider over the decimal logarithm.
        step: step of the slider, in units of the trait or of its decimal logarithm.

    Raises:
        traitlets.TraitError: (on assignment) not a number, not finite, or out of bounds.
    """

    def __init__(self, default: float, *, min: float, max: float, scale: str = "linear", step: float = 0.01):
        super().__init__(default)
        self.bounds = {"min": min, "max": max, "scale": scale, "step": step}
        self.low, self.high = min, max
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> float:
        """Return the value as a float, or raise `traitlets.TraitError` that names the trait and its bounds."""
        try:
            number = math.nan if isinstance(value, (bool, str)) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not self.low <= number <= self.high:  # false for NaN
            raise traitlets.TraitError(
                f"{type(obj).__name__}.{self.name} must be a number from {self.low:g} to {self.high:g}, got {value!r}"
            )
        return number


@dataclass(frozen=True)
class Table:
    """A table of text: what stands in for an explorer where no script runs."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


class Explorer(anywidget.AnyWidget):
    """Base of all explorers.

    A subclass names its JavaScript and CSS files beside this module in ``parts`` and ``styles``. The parts
    are joined in order after the generated `mathematics`; the last ends with ``export default { render };``.

    Raises:
        TypeError: an argument names no trait of the explorer.
    """

    parts: ClassVar[tuple[str, ...]]
    styles: ClassVar[tuple[str, ...]]

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
        """Return the JavaScript that sympy generates for this explorer; its module starts with it."""
        raise NotImplementedError

    def description(self) -> str:
        """Return a text that tells a reader without scripts or sight what the explorer shows."""
        raise NotImplementedError

    def table(self) -> Table:
        """Return a few values, the current state's among them, for a reader without scripts."""
        raise NotImplementedError

    @classmethod
    def state_names(cls) -> list[str]:
        """Return the names of the explorer's own traits, those that a page or notebook may set."""
        own = set(cls.class_trait_names(sync=True)) - set(Explorer.class_trait_names())
        return sorted(name for name in own if not name.startswith("_"))

    @classmethod
    def sources(cls) -> list[Path]:
        """Return the files that the explorer is composed of, so that a build can watch them."""
        return [_FOLDER / name for name in (*cls.parts, *cls.styles)]

    def state(self) -> dict[str, Any]:
        """Return the current values of the explorer's own traits."""
        return {name: getattr(self, name) for name in self.state_names()}

    def html(self) -> str:
        """Return the explorer as HTML that runs by itself: no kernel, no network, no other file.

        It starts in the current state. Without scripts a reader gets `description` and `table`.
        """
        name = type(self).__name__
        # In JSON "<" is written as an escape, so that no value can close the script element it stands in.
        state = json.dumps(self.state(), allow_nan=False).replace("<", "\\u003c")
        module = _inline_script(self._esm + _STANDALONE % {"name": name})
        return (
            f'<div class="llpp-explorer" data-explorer="{name}">\n'
            f"<style>{self._css}</style>\n"
            '<div class="llpp-explorer-view"></div>\n'
            f"<noscript>{self._fallback()}</noscript>\n"
            f'<script type="application/json">{state}</script>\n'
            f'<script type="module">\n{module}</script>\n'
            "</div>"
        )

    def _fallback(self) -> str:
        table = self.table()
        header = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in table.header)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
        )
        head_and_body = f"<thead><tr>{header}</tr></thead><tbody>{rows}</tbody>"
        return f'<p>{html.escape(self.description())}</p><div class="llpp-table"><table>{head_and_body}</table></div>'

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            # Jupyter ranks the widget's own type above HTML: a live notebook shows the live widget.
            bundle[0]["text/html"] = self.html()
        return bundle

    @traitlets.default("_esm")
    def _compose_module(self) -> str:
        parts = [(_FOLDER / name).read_text(encoding="utf-8") for name in self.parts]
        return "\n".join([self.mathematics(), *parts])

    @traitlets.default("_css")
    def _compose_style(self) -> str:
        return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in self.styles)


def _inline_script(source: str) -> str:
    """Return JavaScript that means the same and cannot end the script element that holds it."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", source, flags=re.IGNORECASE)
