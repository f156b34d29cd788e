"""A notebook refuses parameters that it does not know, and values of another type."""

import pytest

from llpp_core.parameters import Between, check

ALLOWED = {"epochs": int, "margin": float, "data": str, "recompute": bool, "sample": (int, type(None))}
VALUES = {"epochs": 3, "margin": 1.0, "data": "auto", "recompute": False, "sample": None}


def injected(text: str) -> list[str]:
    return ["import llpp_core", "epochs = 3", f"# Parameters\n{text}\n"]


def test_known_parameters_of_their_types_pass() -> None:
    check(VALUES, ALLOWED, injected("epochs = 5\nmargin = 2.0"))
    check(VALUES, ALLOWED, [])


@pytest.mark.parametrize(("name", "value"), [("margin", 3), ("sample", 10), ("sample", None)])
def test_values_that_fit_pass(name: str, value: object) -> None:
    check({**VALUES, name: value}, ALLOWED, [])


def test_an_unknown_parameter_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match=r"no parameter 'epoch'; did you mean 'epochs'\? It has epochs, margin, data"):
        check(VALUES, ALLOWED, injected("epoch = 5"))


def test_an_unknown_parameter_unlike_any_is_refused_in_whole_sentences() -> None:
    with pytest.raises(ValueError, match=r"^this notebook has no parameter 'xyz'\. It has epochs, margin, data"):
        check(VALUES, ALLOWED, injected("xyz = 5"))


def test_only_the_inserted_cell_names_parameters() -> None:
    check(VALUES, ALLOWED, ["other = 1", "# comment\nthing = 2"])


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("epochs", 3.0, "parameter 'epochs' must be int, got 3.0, a float"),
        ("epochs", "3", "parameter 'epochs' must be int, got '3', a str"),
        ("epochs", True, "parameter 'epochs' must be int, got True, a bool"),
        ("margin", True, "parameter 'margin' must be float, got True, a bool"),
        ("margin", "1", "parameter 'margin' must be float, got '1', a str"),
        ("recompute", 1, "parameter 'recompute' must be bool, got 1, a int"),
        ("sample", 1.5, "parameter 'sample' must be int or NoneType, got 1.5, a float"),
        ("data", None, "parameter 'data' must be str, got None, a NoneType"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check({**VALUES, name: value}, ALLOWED, [])


@pytest.mark.parametrize(
    ("name", "bounds", "value"), [("epochs", Between(int, 1, 9), 9), ("margin", Between(float, 0), 0)]
)
def test_a_number_in_its_range_passes_with_both_ends(name: str, bounds: Between, value: object) -> None:
    check({name: value}, {name: bounds}, [])


@pytest.mark.parametrize(
    ("bounds", "value", "said"),
    [
        (Between(int, 1, 10_000), 0, "parameter 'x' must be a number from 1 to 10,000, got 0"),
        (Between(int, 1, 10_000), 10_001, "parameter 'x' must be a number from 1 to 10,000, got 10001"),
        (Between(float, 0), -0.5, "parameter 'x' must be a number from 0, got -0.5"),
        (Between(float, 0), float("inf"), "parameter 'x' must be a number from 0, got inf"),
        (Between(float, 0, 3), float("nan"), "parameter 'x' must be a number from 0 to 3, got nan"),
        (Between(int, 0), 1.5, "parameter 'x' must be int, got 1.5, a float"),
    ],
)
def test_a_number_outside_its_range_is_refused(bounds: Between, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check({"x": value}, {"x": bounds}, [])
