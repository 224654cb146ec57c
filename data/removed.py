"""What retention removed: which incoming records would have to be joined with it, and what is held.

A trace is removed as a whole, so a record that arrives later has nothing to be joined with. It is stored and
can be found, but no unit, case or figure changes: what was stated with all records at hand stays.
"""

from __future__ import annotations

from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from data.clock import stored

if TYPE_CHECKING:
    from datetime import datetime

    from data.store import Reading
    from data.transaction import Tx

JOINS_FOR: Final = timedelta(days=1)
"""How long after its last record a trace takes in others."""
UNTIL: Final = "data.removed"
"""Under which name the writer remembers up to when records were removed; None: none were."""
_RECORD: Final = itemgetter("record_id")
_LATE: Final = {
    "incoming_log": ("retention/late_logs", "time"),
    "incoming_span": ("retention/late_spans", "end_time"),
}


class Holds(NamedTuple):
    """What must not be removed: IDs in small letters, and flows."""

    ids: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()

    @classmethod
    def of(cls, tx: Tx) -> Holds:
        """Return the holds as they are in this transaction."""
        held = [tuple(row.values()) for row in tx.run("retention/holds")]
        return cls(
            tuple(value.lower() for kind, value in held if kind == "correlation_id"),
            tuple(value for kind, value in held if kind == "flow"),
        )

    def params(self) -> dict[str, list[str]]:
        """Return them as statements take them."""
        return {"ids": list(self.ids), "flows": list(self.flows)}


def removed_until(tx: Tx) -> datetime | None:
    """Return the time before which a record may belong to a removed trace; None where nothing was removed."""
    if UNTIL not in tx.memo:
        (until,) = tx.run("retention/removed_until", into=itemgetter("until"))
        tx.memo[UNTIL] = None if until is None else until + JOINS_FOR
    found: datetime | None = tx.memo[UNTIL]
    return found


def note_removed(tx: Tx, latest: datetime) -> None:
    """Remember that records up to this time are removed in the running transaction."""
    known = removed_until(tx)
    tx.memo[UNTIL] = max(latest + JOINS_FOR, known or latest)


def whole_since(reading: Reading, since: datetime) -> datetime:
    """Return from when on log records have all that they came with, at the earliest `since`; aware times.

    What is older may lack its attributes or the rest of its trace, so nothing can be concluded from it again.
    """
    (until,) = reading.query("retention/stripped_until", into=itemgetter("until"))
    if until is None or stored(since) >= until + JOINS_FOR:
        return since
    whole: datetime = until + JOINS_FOR
    return whole.replace(tzinfo=since.tzinfo)


def leave_out_late(tx: Tx) -> None:
    """Leave records of removed traces out of what is derived from the incoming ones."""
    until = removed_until(tx)
    if until is None:
        return
    for view, (statement, time) in _LATE.items():
        table = tx.tables.get(view)
        if table is None or not table.num_rows or pc.min(table[time]).as_py() >= until:
            continue
        late = pa.array(tx.run(statement, {"before": until}, into=_RECORD), pa.uint64())
        if len(late):
            tx.view(view, table.filter(pc.invert(pc.is_in(table.column("record_id"), late))))
