"""Sentences about Table 3, each held against the comparisons that it makes.

A sentence such as "LL++ finds more failures than LL in the first stages" stands for several comparisons of printed
means (Shukla & Ahmed, CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370, Table 3). `judge` counts how many of them point
its way, how many do so separably when looked at alone, and how many once all the table's comparisons are corrected for.
Beyond the paper; the statistics are those of `llpp_core.analysis.table3`.
"""

from dataclasses import dataclass, replace

from llpp_core.analysis import printed, table3
from llpp_core.analysis.table3 import HIGHER, LOWER, NOT_SEPARABLE, Comparison, Settings

TABLES = {"Table 3a": printed.TABLE_3A, "Table 3b": printed.TABLE_3B}


@dataclass(frozen=True)
class Reading:
    """A sentence about one of the tables.

    Attributes:
        sentence: what is read.
        claim: number of the paper's claim that it is part of (the book's *Claims* page), or None.
        source: "Table 3a" or "Table 3b".
        data: the data set.
        stages: printed column heads.
        method: the one it is about …
        references: … and those it is held against.
        expected: "lower" or "higher", or "not higher", which a comparison meets unless it is separably higher.
    """

    sentence: str
    claim: int | None
    source: str
    data: str
    stages: tuple[str, ...]
    method: str
    references: tuple[str, ...]
    expected: str


@dataclass(frozen=True)
class Judgement:
    """What the printed means and deviations say of a reading.

    Attributes:
        reading: the sentence.
        comparisons: those it makes, told from its side, decided together with the rest of their table.
        by_mean: how many differences of means point its way (for "not higher": are at most 0).
        alone: how many comparisons meet it, each looked at by itself.
        together: how many meet it after the correction for the whole table.
        against: how many say the opposite after that correction.
    """

    reading: Reading
    comparisons: tuple[Comparison, ...]
    by_mean: int
    alone: int
    together: int
    against: int

    @property
    def holds(self) -> bool:
        """Whether every comparison meets the sentence after the correction."""
        return self.together == len(self.comparisons)


_LATE = "finds more failures than each loss predictor"
_EARLY = "finds more failures than {} at the first two stages"

READINGS: tuple[Reading, ...] = (
    *(
        Reading(f"LL++ {_EARLY.format(other)}", 14, "Table 3a", data, stages, "LL++", (other,), LOWER)
        for other in ("Random", "Core-Set", "LL")
        for data, stages in (("LSP-LSPET", ("2000", "3000")), ("MPII", ("1000", "2000")))
    ),
    Reading("LL++conv finds more failures than LL++ at stage 1", 15, "Table 3a", "LSP-LSPET", ("2000",), "LL++conv",
            ("LL++",), LOWER),
    Reading(f"Core-Set {_LATE} at the last two stages", None, "Table 3a", "LSP-LSPET", ("5000", "6000"), "Core-Set",
            ("LL", "LL++", "LL++conv"), LOWER),
    Reading(f"Core-Set {_LATE} at the last two stages", None, "Table 3a", "MPII", ("4000", "5000"), "Core-Set",
            ("LL", "LL++", "LL++conv"), LOWER),
    Reading("LL finds more failures than both forms of LL++ from 4000 images on", None, "Table 3a", "LSP-LSPET",
            ("4000", "5000", "6000"), "LL", ("LL++", "LL++conv"), LOWER),
    *(
        Reading(f"{method} is no better than Random on the test set at stages 1 to 4", None, "Table 3b", "LSP",
                ("1", "2", "3", "4"), method, ("Random",), "not higher")
        for method in ("Core-Set", "LL", "LL++", "LL++conv")
    ),
)  # fmt: skip
"""What the paper's claims 14 and 15 say of Table 3, and sentences that a glance at it suggests."""


def judge(reading: Reading, settings: Settings | None = None) -> Judgement:
    """Return what the printed numbers say of a reading.

    Args:
        reading: the sentence.
        settings: how to read the numbers; the default is Welch, Holm, 95 %.

    Raises:
        ValueError: the tables have no such comparison.
    """
    settings = settings or Settings()
    if reading.expected not in (LOWER, HIGHER, "not higher"):
        raise ValueError(f"expected must be {LOWER!r}, {HIGHER!r} or 'not higher', got {reading.expected!r}")
    together = _chosen(reading, settings)
    alone = _chosen(reading, replace(settings, correction="none"))
    opposite = {LOWER: HIGHER, HIGHER: LOWER, "not higher": HIGHER}[reading.expected]
    return Judgement(
        reading,
        together,
        by_mean=sum(_points_the_way(c.difference, reading.expected) for c in together),
        alone=sum(_meets(c.verdict, reading.expected) for c in alone),
        together=sum(_meets(c.verdict, reading.expected) for c in together),
        against=sum(c.verdict == opposite for c in together),
    )


@dataclass(frozen=True)
class Likeness:
    """How alike the methods are in one data set's half of a table.

    Attributes:
        data: the data set.
        comparisons: how many pairs and stages there are.
        separable: how many of them differ, after the correction chosen for the whole table.
        largest_difference: of the printed means.
        bound: no difference is larger than this, for all of the table at once, with the chosen confidence (Bonferroni).
    """

    data: str
    comparisons: int
    separable: int
    largest_difference: float
    bound: float


def likeness(source: str, settings: Settings | None = None) -> tuple[Likeness, ...]:
    """Return, for each data set of a table, how many pairs differ and what difference the intervals still allow.

    That no difference is separable does not make methods alike; an interval that ends close to 0 does.

    Args:
        source: "Table 3a" or "Table 3b".
        settings: how to read the numbers.

    Raises:
        ValueError: there is no such table.
    """
    if source not in TABLES:
        raise ValueError(f"source must be one of {', '.join(TABLES)}, got {source!r}")
    settings = settings or Settings()
    chosen = table3.compare(TABLES[source], settings)
    joint = table3.compare(TABLES[source], replace(settings, correction="bonferroni"))
    rows = []
    for table in TABLES[source]:
        own, wide = table3.pick(chosen, data=table.data), table3.pick(joint, data=table.data)
        separable = sum(c.verdict != NOT_SEPARABLE for c in own)
        largest = max(abs(c.difference) for c in own)
        rows.append(Likeness(table.data, len(own), separable, largest, max(max(-c.low, c.high) for c in wide)))
    return tuple(rows)


def _chosen(reading: Reading, settings: Settings) -> tuple[Comparison, ...]:
    comparisons = table3.compare(TABLES[reading.source], settings)
    here = table3.pick(comparisons, data=reading.data, stage=reading.stages)
    chosen = [
        table3.oriented(c, reading.method)
        for c in here
        for other in reading.references
        if {c.method, c.reference} == {reading.method, other}
    ]
    if len(chosen) != len(reading.stages) * len(reading.references):
        raise ValueError(f"{reading.source} has no comparison of {reading.method} with {reading.references}")
    return tuple(chosen)


def _points_the_way(difference: float, expected: str) -> bool:
    return difference < 0 if expected == LOWER else difference > 0 if expected == HIGHER else difference <= 0


def _meets(verdict: str, expected: str) -> bool:
    return verdict != HIGHER if expected == "not higher" else verdict == expected
