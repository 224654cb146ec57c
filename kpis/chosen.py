"""A part of a split as what figures are asked for: one segment, one tenant, one business unit.

A figure of a part is the row that its split has for it: the same statement, so the same number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from unsnag.fields import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from data.store import Reading
    from kpis.figure import Counted

EXPLAINED_BY: Final = ("flow", SPLITS[0], "step")
"""What a change is explained by: more than three tables a figure nobody reads."""
_BETWEEN: Final = "\x1f"
"""Between the parts of two fields, as the macro `split_key` makes a key of both."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One part of a split."""

    field: str
    """One of `unsnag.fields.SPLITS`."""
    value: str
    """As the split names it; `not set` where records name none."""

    def split_by(self, by: str | None) -> str:
        """Return what a statement is split by, so that this part can be taken out of its answer."""
        return f"{by}+{self.field}" if by else self.field

    def of(self, found: Iterable[Counted], by: str | None) -> list[Counted]:
        """Return what was counted in this part, by the parts of the other split."""
        if by is None:
            return [replace(one, key=None) for one in found if one.key == self.value]
        keys = ((one, *(one.key or "").rpartition(_BETWEEN)[::2]) for one in found)
        return [replace(one, key=own) for one, own, part in keys if part == self.value]


def parts_of_splits(reading: Reading) -> list[Chosen]:
    """Return the parts that units have in each field that figures are split by, the most common first."""
    found = reading.query("kpis/parts_of_splits", into=_part_of)
    return sorted(found, key=lambda one: SPLITS.index(one.field))


def _part_of(row: Mapping[str, Any]) -> Chosen:
    field, value, _units = row.values()
    return Chosen(field, value)


def row_params(chosen: Chosen | None) -> dict[str, Any]:
    """Return what a statement of rows is given: by which field, and which part of it; nulls for all rows."""
    return {"by": chosen and chosen.field, "part": chosen and chosen.value}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which work a review is about: all of it, one flow, one part of a split, or that part of the flow."""

    flow: str | None = None
    part: Chosen | None = None

    @property
    def is_all(self) -> bool:
        """Return whether nothing is left out."""
        return self.flow is None and self.part is None

    @property
    def params(self) -> dict[str, Any]:
        """Return what a statement is given that takes a flow, a split and a part of it."""
        return {"flow": self.flow, **row_params(self.part)}

    @property
    def splits(self) -> list[str]:
        """Return by what the change of a figure of this work is explained."""
        taken = {"flow" if self.flow else None, self.part and self.part.field}
        return [by for by in EXPLAINED_BY if by not in taken]

    def __str__(self) -> str:
        """Return the selection as text, such as `orders · segment b2b`."""
        part = f"{self.part.field.replace('_', ' ')} {self.part.value}" if self.part else ""
        return " · ".join(filter(None, (self.flow or "", part))) or "all flows"

    @property
    def one_part(self) -> tuple[str, str] | None:
        """Return the field and the value, where the work is one part of one split."""
        if self.flow is not None:
            return None if self.part else ("flow", self.flow)
        return (self.part.field, self.part.value) if self.part else None


ALL: Final = Selection()
