"""Real tables that an installed package ships, for regressors that read rows instead of pictures (beyond the paper).

`gapminder` is the excerpt of Gapminder's data (gapminder.org) that plotly ships: 142 countries, every fifth year from
1952 to 2007.
"""

import csv
import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

CONTINENTS = ("Africa", "Americas", "Asia", "Europe", "Oceania")


@dataclass(frozen=True, eq=False)
class Gapminder:
    """One row a country and year, in the order of the file: by country, then by year.

    Attributes:
        country: (n,) names.
        continent: (n,) one of `CONTINENTS`.
        year: (n,) 1952 to 2007, every fifth.
        population: (n,) people.
        gdp_per_head: (n,) gross domestic product per head, in US dollars adjusted for inflation.
        life_expectancy: (n,) at birth, in years.
    """

    country: npt.NDArray[Any]
    continent: npt.NDArray[Any]
    year: npt.NDArray[np.int64]
    population: npt.NDArray[np.float64]
    gdp_per_head: npt.NDArray[np.float64]
    life_expectancy: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.year)

    def ids(self) -> tuple[str, ...]:
        """Return a name of each row: "Rwanda 1992"."""
        return tuple(f"{country} {year}" for country, year in zip(self.country, self.year, strict=True))

    def features(self) -> npt.NDArray[np.float64]:
        """Return (n, 8): year, log₁₀ population, log₁₀ GDP per head, and one column of 0 and 1 a continent."""
        numbers = [self.year, np.log10(self.population), np.log10(self.gdp_per_head)]
        return np.stack([*numbers, *(self.continent == c for c in CONTINENTS)], axis=1).astype(np.float64)


def gapminder() -> Gapminder:
    """Return the table.

    Raises:
        ModuleNotFoundError: plotly is not installed, or a version without the file.
    """
    found = importlib.util.find_spec("plotly")
    folders = [] if found is None else list(found.submodule_search_locations or [])
    files = [Path(folder) / "package_data" / "datasets" / "gapminder.csv.gz" for folder in folders]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise ModuleNotFoundError("gapminder() reads a table that plotly ships: pip install 'plotly>=6'")
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))

    def column(name: str) -> npt.NDArray[np.float64]:
        return np.array([float(row[name]) for row in rows])

    return Gapminder(
        country=np.array([row["country"] for row in rows]),
        continent=np.array([row["continent"] for row in rows]),
        year=column("year").astype(np.int64),
        population=column("pop"),
        gdp_per_head=column("gdpPercap"),
        life_expectancy=column("lifeExp"),
    )
