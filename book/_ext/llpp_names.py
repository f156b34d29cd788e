"""Sphinx extension of the book's API reference: names in docstrings and signatures, looked up.

A name in single backticks, or in a signature, is looked up as Python would where it stands: in its class, its module,
the packages around it, the builtins. It becomes a link if a page documents what it means, and plain text if that is
elsewhere; a name that means nothing stays what it is to Sphinx, an error.
"""

import builtins
import importlib
import inspect
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

_NOTHING = object()


def resolve(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, text: nodes.Element
) -> nodes.Element | None:
    """Look up a name that Sphinx does not know as Python would: a link, plain text, or None for no such thing."""
    if node.get("refdomain") != "py":
        return None
    module, qualname = node.get("llpp_home") or (node.get("py:module"), node.get("py:class") or "")
    if not module and node["refdoc"].startswith("book/api"):
        module = "llpp_core"  # the first sentences of the rooms, in the list of them
    if not module:
        return None
    target = node["reftarget"].removesuffix("()").lstrip(".~")
    documented = env.domaindata["py"]["objects"]
    for scope in _scopes(module, qualname):
        owner, found = _attribute(scope, target)
        if found is _NOTHING:
            continue
        for candidate in (found, owner) if inspect.isclass(owner) else (found,):
            name = _documented(candidate, documented)
            if candidate is found:
                name = name or next((n for n in (f"{_name(scope)}.{target}", target) if n in documented), None)
            if name:
                entry = documented[name]
                return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, [text], name)
        return text
    return None


def _scopes(module: str, qualname: str) -> list[Any]:
    """Return where a name is looked for, from the inside outwards."""
    home = importlib.import_module(module)
    inside = getattr(home, qualname.partition(".")[0], None) if qualname else None
    parts = module.split(".")
    packages = [importlib.import_module(".".join(parts[:n])) for n in range(len(parts) - 1, 0, -1)]
    return [*([inside] if inspect.isclass(inside) else []), home, *packages, builtins, None]


def _name(scope: Any) -> str:
    return f"{scope.__module__}.{scope.__qualname__}" if inspect.isclass(scope) else getattr(scope, "__name__", "")


def _attribute(scope: Any, path: str) -> tuple[Any, Any]:
    """Return what a dotted path leads to, and what holds it; a scope of None is the world of absolute imports."""
    first, *rest = path.split(".")
    if scope is None:
        try:
            owner, found = None, importlib.import_module(first)
        except (ImportError, ValueError):
            return None, _NOTHING
    else:
        owner, found = scope, _member(scope, first)
    for name in rest:
        if found is _NOTHING:
            break
        owner, found = found, _member(found, name)
    return owner, found


def _member(owner: Any, name: str) -> Any:
    if inspect.ismodule(owner):
        try:
            return (
                owner.__dict__[name] if name in owner.__dict__ else importlib.import_module(f"{owner.__name__}.{name}")
            )
        except (ImportError, ValueError):
            return getattr(owner, name, _NOTHING)
    static = inspect.getattr_static(owner, name, _NOTHING)
    if static is _NOTHING and any(name in inspect.get_annotations(c) for c in getattr(owner, "__mro__", ())):
        return None  # a field without a default: it exists, and its class explains it
    return static


def _documented(found: Any, documented: dict[str, Any]) -> str | None:
    """Return the name under which a page documents a function, class, property or module."""
    if not (
        inspect.ismodule(found) or inspect.isroutine(found) or inspect.isclass(found) or isinstance(found, property)
    ):
        return None
    for name in documented:
        if name.rpartition(".")[2] == getattr(found, "__name__", "").rpartition(".")[2] or isinstance(found, property):
            if name == getattr(found, "__name__", None):
                return name
            owner = _attribute(None, name)[1]
            if owner is found:
                return name
    return None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the look-up; nothing keeps state, so pages may be read and written in parallel."""
    app.connect("missing-reference", resolve)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
