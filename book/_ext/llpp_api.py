"""Sphinx extension of the book's API reference: signatures, types and constants as the source has them.

Autodoc shows what Python made of a signature: of ``Float[Tensor, "n 3 s s"]`` the class that jaxtyping built. Here it
is read from the source instead. Names of type aliases, which no page explains, are replaced by what they stand for.
"""

import ast
import importlib
import inspect
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python._annotations import _parse_annotation
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.pycode import ModuleAnalyzer

import llpp_core

LONGEST_VALUE = 60
"""Letters of a constant's value, at most; a longer one is left to the docstring."""


@cache
def _text(module: str) -> str:
    return inspect.getsource(importlib.import_module(module))


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_text(module))


def _definition(module: str, qualname: str) -> ast.AST | None:
    """Return where the source defines a function, class or constant; the last definition where there are several."""
    place: ast.AST | None = _tree(module)
    for name in qualname.split("."):
        place = next((n for n in reversed(getattr(place, "body", [])) if name in _names(n)), None)
    return place


def _names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


@cache
def _imported_from(module: str) -> dict[str, tuple[str, str]]:
    """Return the names that a module imports from others of the package: module and name there."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in _tree(module).body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("llpp_core.")
        for alias in node.names
        if f"{node.module}.{alias.name}" not in sys.modules  # a module of the package, which is at home where it lies
    }


class _Aliases(ast.NodeTransformer):
    """Replaces the names of type aliases by what the source assigns to them."""

    def __init__(self, module: str) -> None:
        self.module = module

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if ast.unparse(node.value) == "Annotated":  # what typer reads of a command's option
            return self.visit(node.slice.elts[0]) if isinstance(node.slice, ast.Tuple) else node
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        module, name = self.module, node.id
        while name in _imported_from(module):
            module, name = _imported_from(module)[name]
        found = _definition(module, name)
        value = found.value if isinstance(found, ast.Assign | ast.AnnAssign) else None
        if value is None or isinstance(value, ast.Call):  # a class, a name of another library, a type variable
            return node
        return _Aliases(module).visit(_copy(value))


def _copy(node: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(node), mode="eval").body


def _written(node: ast.expr | None, module: str) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):  # a class that is not there yet
        return node.value
    return "" if node is None else ast.unparse(_Aliases(module).visit(_copy(node)))


def _arguments(of: ast.arguments, module: str, *, bound: bool) -> str:
    """Return the parameters of a function, without the first one where that is bound."""
    parts = []
    positional = [*of.posonlyargs, *of.args]
    defaults = [None] * (len(positional) - len(of.defaults)) + list(of.defaults)
    for place, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        if not (bound and place == 0):
            parts.append(_parameter(argument.arg, argument.annotation, default, module))
        if of.posonlyargs and place == len(of.posonlyargs) - 1 and parts:
            parts.append("/")
    if of.vararg:
        parts.append(_parameter(f"*{of.vararg.arg}", of.vararg.annotation, None, module))
    elif of.kwonlyargs:
        parts.append("*")
    for argument, default in zip(of.kwonlyargs, of.kw_defaults, strict=True):
        parts.append(_parameter(argument.arg, argument.annotation, default, module))
    if of.kwarg:
        parts.append(_parameter(f"**{of.kwarg.arg}", of.kwarg.annotation, None, module))
    return f"({', '.join(parts)})"


def _parameter(name: str, annotation: ast.expr | None, default: ast.expr | None, module: str) -> str:
    typed = f"{name}: {_written(annotation, module)}" if annotation else name
    if default is None:
        return typed
    return f"{typed} = {ast.unparse(default)}" if annotation else f"{typed}={ast.unparse(default)}"


def _fields(found: ast.ClassDef, module: str) -> str:
    """Return the parameters of a class whose fields make its constructor."""
    parts = []
    for node in found.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            annotation, default = ast.unparse(node.annotation), ast.unparse(node.value) if node.value else ""
            if not annotation.startswith("ClassVar") and "init=False" not in default:
                parts.append(_parameter(node.target.id, node.annotation, node.value, module))
    return f"({', '.join(parts)})"


def signature_as_written(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Take parameters, defaults and types from the source, for autodoc."""
    module, qualname = getattr(obj, "__module__", None) or "", getattr(obj, "__qualname__", "")
    if not module.startswith("llpp_core"):
        return None
    found = _definition(module, qualname)
    if isinstance(found, ast.FunctionDef):
        decorators = {ast.unparse(d) for d in found.decorator_list}
        bound = what == "method" and "staticmethod" not in decorators
        return _arguments(found.args, module, bound=bound), _written(found.returns, module) or None
    if isinstance(found, ast.ClassDef):
        constructor = _definition(module, f"{qualname}.__init__")
        if isinstance(constructor, ast.FunctionDef):
            return _arguments(constructor.args, module, bound=True), None
        if hasattr(obj, "__dataclass_fields__") or hasattr(obj, "_fields"):
            return _fields(found, module), None
        return "", None
    return None


def finish_description(app: Sphinx, domain: str, objtype: str, content: addnodes.desc_content) -> None:
    """Put a property's type and a constant's value as written, and note where a description's names are at home."""
    if domain != "py":
        return
    if content.children and content[0].astext() == "Bases: object":
        del content[0]
    for signature in content.parent.findall(addnodes.desc_signature):
        if signature.parent is not content.parent or not signature.get("module"):
            continue
        module, qualname = home(signature["module"], signature["fullname"])
        found = _definition(module, qualname) if module else None
        if isinstance(found, ast.FunctionDef) and objtype == "property" and found.returns:
            _retype(signature, _written(found.returns, module), app.env)
        if isinstance(found, ast.Assign | ast.AnnAssign) and found.value and objtype in ("data", "attribute"):
            value = _piece(module, found.value)
            if len(value) <= LONGEST_VALUE:
                signature += addnodes.desc_annotation("", "", nodes.inline("", f" = {value}", classes=["llpp-value"]))
        _write_as_the_source_does(signature, found, module)
        for reference in content.parent.findall(addnodes.pending_xref):
            reference.attributes.setdefault("llpp_home", (module, qualname))


def _write_as_the_source_does(signature: addnodes.desc_signature, found: ast.AST | None, module: str) -> None:
    """Undo what Sphinx does to quotes and numbers when it takes a signature apart."""
    for text in list(signature.findall(addnodes.desc_sig_literal_string)):
        _set(text, re.sub(r"^'([^\"]*)'$", r'"\1"', text.astext()))
    defaults = _defaults(found, module) if found else {}
    for parameter in signature.findall(addnodes.desc_parameter):
        name = next(iter(parameter.findall(addnodes.desc_sig_name))).astext() if len(parameter) > 1 else ""
        for value in list(parameter.findall(nodes.inline)):
            if "default_value" in value["classes"] and name in defaults:
                _set(value, defaults[name])


def _defaults(found: ast.AST, module: str) -> dict[str, str]:
    """Return the default of each parameter of a function, or of a class by its constructor or its fields."""
    if isinstance(found, ast.ClassDef):
        constructor = next((n for n in found.body if "__init__" in _names(n)), None)
        if constructor is not None:
            return _defaults(constructor, module)
        fields = [n for n in found.body if isinstance(n, ast.AnnAssign) and n.value]
        return {name: _piece(module, n.value) for n in fields for name in _names(n)}
    if not isinstance(found, ast.FunctionDef):
        return {}
    of = found.args
    positional = [*of.posonlyargs, *of.args]
    pairs = [*zip(positional[len(positional) - len(of.defaults) :], of.defaults, strict=True)]
    pairs += [(name, value) for name, value in zip(of.kwonlyargs, of.kw_defaults, strict=True) if value]
    return {argument.arg: _piece(module, value) for argument, value in pairs}


def _piece(module: str, node: ast.AST | None) -> str:
    """Return a piece of the source, in one line."""
    source = "" if node is None else ast.get_source_segment(_text(module), node) or ""
    return re.sub(r"(?<=[(\[{]) | (?=[)\]}])", "", " ".join(source.split()))


def _set(node: nodes.Element, text: str) -> None:
    node.clear()
    node += nodes.Text(text)


def _retype(signature: addnodes.desc_signature, annotation: str, env: BuildEnvironment) -> None:
    for node in list(signature.findall(addnodes.desc_annotation)):
        if node.astext().startswith(":"):
            node.clear()
            node += [addnodes.desc_sig_punctuation("", ":"), addnodes.desc_sig_space()]
            node += _parse_annotation(annotation, env)


def home(module: str, qualname: str) -> tuple[str, str]:
    """Return the module that defines what a room exports, and its name there."""
    first, _, rest = qualname.partition(".")
    while first in _imported_from(module):
        module, first = _imported_from(module)[first]
    return module, f"{first}.{rest}" if rest else first


def adopt_comments(app: Sphinx) -> None:
    """Let a room that exports a constant of one of its files show that file's docstring of it.

    Raises:
        ExtensionError: Sphinx imports the copy that lies among its sources, which lacks every file but Python's.
    """
    if Path(inspect.getfile(llpp_core)).is_relative_to(app.srcdir):
        raise ExtensionError(f"the reference must read the installed llpp_core, not the copy in {app.srcdir}")
    for module in [f"llpp_core.{room}" for room in vars(llpp_core)["__all__"]]:
        for name, (origin, there) in _imported_from(module).items():
            comments = ModuleAnalyzer.for_module(origin).find_attr_docs()
            if name in getattr(sys.modules[module], "__all__", []) and ("", there) in comments:
                ModuleAnalyzer.for_module(module).find_attr_docs().setdefault(("", name), comments["", there])


_BAR = re.compile(r"(`[^`]*`)|\|")
_LETTER = re.compile(r"(^\s*|: )([A-Za-z]\.)(?=\s|$)", flags=re.MULTILINE)


def docstring_as_meant(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep ``|x|`` from being a substitution and ``k.`` a list from k on, add a command's words on its options."""
    text = _BAR.sub(lambda found: found[1] or r"\|", "\n".join(lines))
    lines[:] = _LETTER.sub(r"\1\\\2", text).split("\n")
    if what == "function" and getattr(obj, "__module__", "").startswith("llpp_core.cli"):
        lines += _options(inspect.signature(obj))
        lines[:] = [re.sub(r"(?<![\w`-])--[a-z][a-z-]*", r"``\g<0>``", line) for line in lines]  # else a dash
    app.env.temp_data["llpp_docstring"] = list(lines)


def _options(signature: inspect.Signature) -> list[str]:
    known = {name: getattr(p.annotation, "__metadata__", [None])[0] for name, p in signature.parameters.items()}
    helped = {name: text for name, option in known.items() if (text := getattr(option, "help", None))}
    return ["", "Args:", *(f"    {name}: {text}" for name, text in helped.items()), ""] if helped else []


def not_a_type(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Undo napoleon where it takes the words before a colon for a type: ours stand in the annotations."""
    if what in ("attribute", "data", "property"):
        lines[:] = app.env.temp_data["llpp_docstring"]


def leave_out(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what Python itself wrote: the fields of a named tuple, which ``Attributes`` explains."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field number") else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of it; nothing keeps state, so pages may be read and written in parallel."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("builder-inited", adopt_comments)
    app.connect("autodoc-process-signature", signature_as_written)
    app.connect("autodoc-skip-member", leave_out)
    app.connect("object-description-transform", finish_description)
    app.connect("autodoc-process-docstring", docstring_as_meant, priority=400)  # napoleon's is 500
    app.connect("autodoc-process-docstring", not_a_type, priority=600)
    app.add_css_file("api.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
