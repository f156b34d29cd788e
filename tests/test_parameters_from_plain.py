"""Plain values become a dataclass, or one sentence that names the key; what an experiment makes of it: test_config."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from llpp_core.parameters import from_plain

pytestmark = pytest.mark.usefixtures("as_users_run_it")


@dataclass(frozen=True)
class Leaf:
    """What stands inside."""

    rate: float = 0.5
    kind: Literal["oak", "elm"] = "oak"

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError(f"rate must be at least 0, got {self.rate}")


@dataclass(frozen=True)
class Tree:
    """What stands outside."""

    name: str
    count: int = 1
    tall: bool = False
    span: float | int = 1.0
    limit: int | None = None
    label: str | None = None
    leaf: Leaf = field(default_factory=Leaf)
    leaves: Mapping[str, Leaf] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    sizes: tuple[float, ...] = ()


def test_what_is_not_said_keeps_its_default() -> None:
    assert from_plain(Tree, {"name": "x"}) == Tree("x")


def test_everything_said_is_taken() -> None:
    values = {
        "name": "x", "count": 3, "tall": True, "span": 2.5, "limit": 7, "label": "y",
        "leaf": {"rate": 0.25, "kind": "elm"}, "leaves": {"a": {}, "b": {"rate": 1.5}},
        "seeds": [3, 1], "sizes": (0.5, 2.0),
    }  # fmt: skip
    leaves = {"a": Leaf(), "b": Leaf(1.5)}
    assert from_plain(Tree, values) == Tree("x", 3, True, 2.5, 7, "y", Leaf(0.25, "elm"), leaves, (3, 1), (0.5, 2.0))


def test_a_whole_number_becomes_a_fraction_where_one_is_due_and_only_there() -> None:
    tree = from_plain(Tree, {"name": "x", "count": 2, "span": 2, "leaf": {"rate": 1}, "sizes": [1, 2]})
    assert [type(value) for value in (tree.count, tree.span, tree.leaf.rate, *tree.sizes)] == [int, *[float] * 4]
    assert (tree.span, tree.leaf.rate, tree.sizes) == (2.0, 1.0, (1.0, 2.0))


def test_none_is_a_value_beside_a_number_or_a_text() -> None:
    tree = from_plain(Tree, {"name": "x", "limit": None, "label": None})
    assert (tree.limit, tree.label) == (None, None)


def test_infinity_is_a_number_to_it() -> None:
    assert from_plain(Tree, {"name": "x", "span": math.inf}).span == math.inf


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (3, "Tree must be a table of keys and values, got 3"),
        ([("name", "x")], "Tree must be a table of keys and values, got [("),
        ({"name": "x", "cuont": 2}, "Tree has no key 'cuont'; did you mean 'count'?"),
        ({"name": "x", "zzz": 2}, "Tree has no key 'zzz'; it may have name, count, tall"),
        ({"name": "x", 5: 2}, "Tree has no key 5; it may have name"),
        ({"name": "x", "leaf": {"rat": 2}}, "leaf has no key 'rat'; did you mean 'rate'?"),
        ({"name": "x", "leaves": {"a": {"rat": 2}}}, "leaves.a has no key 'rat'; did you mean 'rate'?"),
        ({}, "'name'"),
        ({"name": 5}, "name must be a text, got 5"),
        ({"name": None}, "name must be a text, got None"),
        ({"name": "x", "count": 2.0}, "count must be a whole number, got 2.0"),
        ({"name": "x", "count": True}, "count must be a whole number, got True"),
        ({"name": "x", "count": None}, "count must be a whole number, got None"),
        ({"name": "x", "tall": 1}, "tall must be true or false, got 1"),
        ({"name": "x", "tall": "yes"}, "tall must be true or false, got 'yes'"),
        ({"name": "x", "span": "2"}, "span must be a number, got '2'"),
        ({"name": "x", "span": False}, "span must be a number, got False"),
        ({"name": "x", "span": None}, "span must be a number, got None"),
        ({"name": "x", "limit": "2"}, "limit must be a whole number, got '2'"),
        ({"name": "x", "limit": 2.5}, "limit must be a whole number, got 2.5"),
        ({"name": "x", "label": 2}, "label must be a text, got 2"),
        ({"name": "x", "leaf": 3}, "leaf must be a table of keys and values, got 3"),
        ({"name": "x", "leaf": {"rate": "a"}}, "leaf.rate must be a number, got 'a'"),
        ({"name": "x", "leaf": {"kind": "ash"}}, "leaf.kind must be one of oak, elm, got 'ash'"),
        ({"name": "x", "leaf": {"kind": ["oak"]}}, "leaf.kind must be one of oak, elm, got ['oak']"),
        ({"name": "x", "leaf": {"rate": -1}}, "leaf: rate must be at least 0, got -1.0"),
        ({"name": "x", "leaves": 3}, "leaves must be a table of keys and values, got 3"),
        ({"name": "x", "leaves": {"a": 3}}, "leaves.a must be a table of keys and values, got 3"),
        ({"name": "x", "leaves": {"a": {"rate": -1}}}, "leaves.a: rate must be at least 0, got -1.0"),
        ({"name": "x", "seeds": 3}, "seeds must be a list, got 3"),
        ({"name": "x", "seeds": "31"}, "seeds must be a list, got '31'"),
        ({"name": "x", "seeds": [1, "2"]}, "an entry of seeds must be a whole number, got '2'"),
        ({"name": "x", "seeds": [1, True]}, "an entry of seeds must be a whole number, got True"),
    ],
)
def test_what_does_not_fit_is_one_sentence_that_names_the_key(values: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        from_plain(Tree, values)


def test_where_it_stands_in_the_file_is_named() -> None:
    with pytest.raises(ValueError, match=r"^plan\.leaf\.rate must be a number, got 'a'"):
        from_plain(Tree, {"name": "x", "leaf": {"rate": "a"}}, where="plan")
    with pytest.raises(ValueError, match=r"^plan has no key 'nam'; did you mean 'name'"):
        from_plain(Tree, {"nam": "x"}, where="plan")
