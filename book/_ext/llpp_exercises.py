"""Sphinx extension of the book: exercises as valid HTML.

sphinx-exercise wraps the content of every exercise and every solution in a section of one and the same id; a page that
has two exercises then has ids twice, which leads links and screen readers astray. The wrappers become plain boxes here.
"""

from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

_WRAPPERS = ("exercise-content", "solution-content")


class WithoutRepeatedIds(SphinxTransform):
    """Makes a box of each wrapper, with its id as a class."""

    default_priority = 11  # after sphinx-exercise has gathered what lies between a solution's start and its end

    def apply(self, **kwargs: Any) -> None:
        """Change the wrappers of the document."""
        for section in list(self.document.findall(nodes.section)):
            if len(section["ids"]) == 1 and section["ids"][0] in _WRAPPERS:
                box = nodes.compound("", *section.children, classes=section["ids"])
                section.parent.replace(section, box)  # replace_self would hand the ids on


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_transform(WithoutRepeatedIds)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
