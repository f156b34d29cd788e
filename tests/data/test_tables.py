"""The table that plotly ships, as it is read."""

import importlib.util

import numpy as np
import pytest

from llpp_core.data import gapminder
from llpp_core.data.tables import CONTINENTS


def test_every_country_has_every_fifth_year() -> None:
    table = gapminder()
    assert len(table) == 142 * 12
    assert len(set(table.ids())) == len(table)
    assert sorted(set(table.year.tolist())) == list(range(1952, 2008, 5))
    np.testing.assert_array_equal(table.year.reshape(-1, 12), np.tile(range(1952, 2008, 5), (142, 1)))
    assert len(set(table.country.reshape(-1, 12)[:, 0].tolist())) == 142
    assert set(table.continent.tolist()) == set(CONTINENTS)


def test_a_row_that_is_known() -> None:
    table = gapminder()
    at = table.ids().index("Rwanda 1992")
    assert (table.country[at], table.continent[at], table.year[at]) == ("Rwanda", "Africa", 1992)
    assert table.life_expectancy[at] == pytest.approx(23.599)
    assert table.population[at] == 7290203
    assert table.gdp_per_head[at] == pytest.approx(737.07, abs=0.01)
    logs = np.log10([7290203, 737.0685949])
    np.testing.assert_allclose(table.features()[at], [1992, *logs, 1, 0, 0, 0, 0], rtol=1e-9)


def test_features_are_numbers_and_each_row_has_one_continent() -> None:
    features = gapminder().features()
    assert features.shape == (1704, 8)
    assert np.isfinite(features).all()
    np.testing.assert_array_equal(features[:, 3:].sum(1), 1)


def test_without_plotly_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"reads a table that plotly ships: pip install 'plotly>=6'"):
        gapminder()
