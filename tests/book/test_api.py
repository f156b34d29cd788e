"""The API reference: every public name is there and no other, written as in the source, its names looked up."""

import ast
import importlib
import inspect
import re
import sys
from html import unescape
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest

import llpp_core
from llpp_core import attach, data, figures, losses, models

WEIGHT = 1_000_000
"""Bytes that the HTML of a page may have."""


@pytest.fixture
def extension(root, monkeypatch):
    """A function that imports an extension of the book by its name."""
    monkeypatch.syspath_prepend(str(root / "book" / "_ext"))
    yield importlib.import_module
    for name in ("llpp_api", "llpp_names"):
        sys.modules.pop(name, None)


def public(module: ModuleType) -> set[str]:
    """The ids that a page must have for a module: of itself, and of what it exports or, without a list, documents."""
    found = {f"module-{module.__name__}"}
    for name in getattr(module, "__all__", None) or defined(module):
        member = getattr(module, name)
        found |= public(member) if inspect.ismodule(member) else {f"{module.__name__}.{name}"}
    return found


def defined(module: ModuleType) -> list[str]:
    """The functions and classes of a module, and its constants that a docstring follows."""
    body = ast.parse(inspect.getsource(module)).body
    names = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for node, after in pairwise(body):
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            names += [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in names if not name.startswith("_")]


def pages_of(book) -> dict[str, str]:
    return {page.stem: page.read_text() for page in sorted((book / "book" / "api").glob("*.html"))}


def test_every_public_name_has_its_place_and_nothing_else_has(book):
    wanted = {room: public(importlib.import_module(f"llpp_core.{room}")) for room in llpp_core.__all__}
    modules = {name.removeprefix("module-") for names in wanted.values() for name in names if "module-" in name}
    shown = {}
    for room, text in pages_of(book).items():
        ids = set(re.findall(r'id="((?:module-)?llpp_core\.[\w.]+)"', text))
        shown[room] = {i for i in ids if i.startswith("module-") or i.rpartition(".")[0] in modules}
    assert shown == wanted


def test_the_list_of_rooms_names_them_all(book):
    text = (book / "book" / "api.html").read_text()
    assert set(re.findall(r'href="api/(\w+)\.html#module', text)) == set(llpp_core.__all__)


def test_a_page_is_light_and_shows_types_as_they_are_written(book):
    for room, text in pages_of(book).items():
        assert len(text.encode()) < WEIGHT, room
        words = unescape(re.sub(r"<[^>]+>", "", text))
        assert not re.search(r"– ?</p>\s*<[ou]l", text), f"{room}: a letter and a full stop became a list"
        assert not re.search(r"<class |<function |object at 0x|jaxtyping\.Float|~\w+\.\w+", words), room
    words = unescape(re.sub(r"<[^>]+>", "", pages_of(book)["losses"]))
    assert 'predicted_loss: Float[Tensor, "n"] | Float[Tensor, "n 1"]' in words
    assert 'reduction: Literal["mean", "none"] = "mean"' in words
    words = unescape(re.sub(r"<[^>]+>", "", pages_of(book)["analysis"]))
    assert "between: tuple[float, float] = (1e-6, 1e6)" in words
    assert ">--boxes<" in pages_of(book)["cli"]


def test_a_name_of_a_docstring_leads_to_what_it_means(book):
    text = pages_of(book)["losses"]
    assert 'href="analysis.html#module-llpp_core.analysis.objectives"' in text
    assert not re.search(r"<a [^>]*>(<[^>]+>)*Tensor<", text)


@pytest.mark.parametrize(
    ("kind", "member", "wanted", "returns"),
    [
        ("function", losses.learning_loss, 'predicted_loss: Float[Tensor, "n"] | Float[Tensor, "n 1"], ', 'Float[Ten'),
        ("class", data.PoseDataset, 'images: UInt8[Tensor, "n 3 s s"]', None),
        ("class", models.MLP, "hidden: ", None),
        ("function", attach.attach, "model: nn.Module", "Attached"),
        ("method", figures.Figure.html, "()", "str"),
    ],
)  # fmt: skip
def test_a_signature_is_that_of_the_source(extension, kind, member, wanted, returns):
    written = extension("llpp_api").signature_as_written(None, kind, "", member, None, None, None)
    assert wanted in written[0].replace("'", '"')
    assert (written[1] or "").replace("'", '"').startswith(returns or "")
    assert "self" not in written[0]


def test_a_name_that_python_would_not_find_is_not_resolved(extension):
    names = extension("llpp_names")

    def known(name: str, module: str = "llpp_core.acquisition.strategy", inside: str = "") -> Any:
        return any(names._attribute(scope, name)[1] is not names._NOTHING for scope in names._scopes(module, inside))

    assert known("get")  # of the room
    assert all(map(known, ("Tensor", "ValueError", "functools.partial")))
    assert known("score", inside="Strategy")
    assert known("predicted_loss", inside="Pool")  # a field without a default
    assert known("analysis.objectives.Objective")
    assert not any(map(known, ("score_all", "torch.no_such_function", "losses.no_loss")))


def test_the_copy_among_the_sources_is_not_taken_for_the_package(extension, tmp_path, monkeypatch):
    api = extension("llpp_api")
    monkeypatch.setattr(llpp_core, "__file__", str(tmp_path / "llpp_core" / "__init__.py"))
    with pytest.raises(api.ExtensionError, match="installed llpp_core"):
        api.adopt_comments(type("App", (), {"srcdir": tmp_path}))
