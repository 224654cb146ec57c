"""Rows become nouns at the store's border: frozen dataclasses whose fields are columns, with aware times."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Maker(Protocol[T_co]):
    """What makes a noun of a row."""

    def __call__(self, row: Mapping[str, Any], /, **instead: Any) -> T_co:
        """Return the noun."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list, and how long the whole list is."""

    total: int
    items: list[T]
    after: bytes | None = None
    """The place of the last item, where more follow; see `data.paging`."""

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], into: Callable[[Any], T]) -> Page[T]:
        """Return the part that these rows are; their column `total` counts the whole list."""
        return cls(rows[0]["total"] if rows else 0, [into(row) for row in rows])


def noun(cls: type[T], *, aware: bool = True) -> Maker[T]:
    """Return what makes a `cls` of a row: each field from the column of its name, naive times made UTC.

    Columns without a field are left out. A field without a column takes its default. What is given by name
    besides the row counts instead of its column. Times stay naive where `aware` is false: in the writer.
    """
    names = field_names(cls)
    times = [one.name for one in fields(cast("Any", cls)) if aware and "datetime" in str(one.type)]

    def of(row: Mapping[str, Any], /, **instead: Any) -> T:
        known = {name: row[name] for name in names if name in row}
        known.update(instead)
        for name in times:
            if name in known:
                known[name] = _aware(known[name])
        return cls(**known)

    return of


def field_names(cls: type | object) -> tuple[str, ...]:
    """Return the names of a noun's fields, in their order."""
    return tuple(one.name for one in fields(cast("Any", cls)))


def shallow(found: object, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return a noun's fields by name. What they hold stays as it is: `asdict` copies all of it."""
    return {name: getattr(found, name) for name in names or field_names(found)}


def _aware(value: datetime | None) -> datetime | None:
    return value if value is None or value.tzinfo is not None else value.replace(tzinfo=UTC)
