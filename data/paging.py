"""Lists are read in parts, each behind the place of the last row before it.

A row that comes or goes between two parts moves no other one across their border, as it does where rows are
counted. A statement that is read so has

- a column `place`: what its rows are ordered by, made by `create_sort_key`, so that one comparison holds for
  all columns, both directions and nulls; what is unique comes last, and texts go through `sortable`;
- a column `total`, how long the whole list is: counted before places are compared, or apart from the rows;
- a line `{page}` where it ends (`data.queries`), which reads the parameters `behind`, `limit` and `offset`; a
  statement that chooses rows before it reads them whole reads these itself. A screen with numbers of pages
  gives the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from data.nouns import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from data.ports import Telemetry
    from data.store import Reading
    from data.transaction import Params

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list: at most `limit` rows, behind a place, or from its beginning."""

    limit: int = 50
    offset: int = 0
    """How many rows more are left out."""
    behind: bytes | None = None
    """The `after` of the page before."""

    def params(self) -> Params:
        """Return it as parameters of a statement: with one row more, which says whether any follows."""
        return {"limit": self.limit + 1, "offset": self.offset, "behind": self.behind}


def read(
    reading: Reading | Telemetry,
    name: str,
    asked: Params,
    wanted: PageRequest,
    into: Callable[[Mapping[str, Any]], T],
) -> Page[T]:
    """Return a part of the list that a statement gives; `total` counts all of it, also behind its end."""
    rows = reading.query(name, {**asked, **wanted.params()})
    shown = rows[: wanted.limit]
    after = shown[-1]["place"] if len(rows) > wanted.limit else None
    total = rows[0]["total"] if rows else _total(reading, name, asked, wanted)
    return Page(total, [into(row) for row in shown], after)


def _total(reading: Reading | Telemetry, name: str, asked: Params, wanted: PageRequest) -> int:
    if not wanted.offset and wanted.behind is None:
        return 0
    none_of_it = {**asked, **PageRequest(0).params()}
    return sum(reading.query(name, none_of_it, into=itemgetter("total")))


def cut(found: Sequence[T], wanted: PageRequest, place: Callable[[T], bytes]) -> Page[T]:
    """Return a part of a list that is held whole, in the order of its places, which all differ."""
    behind = [one for one in found if wanted.behind is None or place(one) > wanted.behind]
    shown = behind[wanted.offset :][: wanted.limit]
    has_more = len(behind) > wanted.offset + len(shown)
    return Page(len(found), shown, place(shown[-1]) if shown and has_more else None)
