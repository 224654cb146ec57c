"""What a KPI means: read from the header of its SQL file, so that screen and formula cannot differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from data import queries
from data.errors import UnsnagError

_FILE: Final = re.compile(r"kpis/k(\d+)_")
ORDER: Final = ("K1", "K19", "K7", "K3", "K8", "K9", "K16", "K20")
"""The tiles' order: outcomes, then money, then load. A KPI that is not named comes last, by number."""
CHARTS: Final = ("shape_of_work", "failures_by_step")
"""Figures that are drawn, not told in one number. Their headers say the same things."""


class UnknownKpiError(UnsnagError):
    """There is no such KPI."""

    def __init__(self, kpi_id: str) -> None:
        super().__init__(f"There is no KPI {kpi_id!r}. Choose one of: {', '.join(ids())}.")


@dataclass(frozen=True, slots=True)
class Definition:
    """One KPI's header: what its figure means and how it is cut."""

    id: str
    name: str
    meaning: str
    unit: str
    """percent, seconds, per 1,000, units, exceptions, or money (the figure then names its currency)."""
    better: str
    """up or down."""
    grain: str
    version: int
    floor: int
    """With fewer than this the figure says little: it is shown grey. 0: a count, which always holds."""
    splits: tuple[str, ...]
    """What the figure may be broken down by; the first is the one that tells most."""
    rows: str
    """Which rows stand behind `n`: the name of `kpis/rows_*`."""
    counted: str
    """Which of those rows make the numerator."""
    rules: tuple[str, ...]
    statement: str
    """The name of the SQL file, as the store asks it."""

    @property
    def sql(self) -> str:
        """Return the statement without its header."""
        text = queries.text(self.statement)
        return text[text.index("\nwith") + 1 :]


@cache
def definitions() -> dict[str, Definition]:
    """Return every KPI by its id, in the order of the tiles."""
    found = [_read(name) for name in queries.names() if _FILE.match(name)]
    return {one.id: one for one in sorted(found, key=_place)}


@cache
def charts() -> dict[str, Definition]:
    """Return what is drawn by its id."""
    return {name: _read(f"kpis/{name}") for name in CHARTS}


def definition(kpi_id: str) -> Definition:
    """Return the definition of one KPI or chart.

    Raises:
        UnknownKpiError: there is no such KPI.
    """
    try:
        return (definitions() | charts())[kpi_id]
    except KeyError:
        raise UnknownKpiError(kpi_id) from None


def ids() -> list[str]:
    """List the KPIs' ids, in the order of the tiles."""
    return list(definitions())


def _place(one: Definition) -> tuple[int, int]:
    return (ORDER.index(one.id) if one.id in ORDER else len(ORDER), int(one.id[1:]))


def _read(statement: str) -> Definition:
    title, *lines = queries.header(statement).splitlines()
    kpi_id, name = title.split(" ", 1)
    pairs = [line.split(": ", 1) for line in lines]
    said = {key: value for key, value in pairs if key != "rule"}
    return Definition(
        id=kpi_id,
        name=name,
        meaning=said["meaning"],
        unit=said["unit"],
        better=said["better"],
        grain=said["grain"],
        version=int(said["version"]),
        floor=int(said["floor"]),
        splits=tuple(said["splits"].split(", ")),
        rows=said["rows"],
        counted=said["counted"],
        rules=tuple(value for key, value in pairs if key == "rule"),
        statement=statement,
    )
