"""Removing what is old of log records and spans: whole traces, a few thousand records a transaction.

A trace that goes on after the day that counts is kept whole, so what is left of a trace is never judged
without the rest. What was concluded of units stands in other tables and stays; `data.removed` keeps records
that come later from changing it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from data.removed import JOINS_FOR, Holds, note_removed

if TYPE_CHECKING:
    from data.ports import Telemetry
    from data.store import Store
    from data.transaction import Params, Tx

ROWS: Final = 4_000
"""Records of one transaction: 20 to 60 ms of the writer."""
_ALL: Final = 2**62
_ARRIVAL: Final = itemgetter("ingested_at")
_TRACE: Final = itemgetter("trace_id")
_HOUR: Final = timedelta(hours=1)


class Kind(NamedTuple):
    """Records of one table that are removed, or lose their attributes."""

    hours: str
    doomed: str
    change: str
    strips: bool = False


LOGS: Final = Kind("retention/hours_of_logs", "retention/doomed_logs", "retention/delete_logs")
SPANS: Final = Kind("retention/hours_of_spans", "retention/doomed_spans", "retention/delete_spans")
PAYLOAD: Final = (
    Kind("retention/hours_of_logs", "retention/doomed_logs", "retention/strip_logs", strips=True),
    Kind("retention/hours_of_spans", "retention/doomed_spans", "retention/strip_spans", strips=True),
)


class Window(NamedTuple):
    """Hours of which records are looked at together; naive UTC."""

    low: datetime
    high: datetime


class Taken(NamedTuple):
    """What one transaction removed."""

    rows: int
    latest: datetime | None = None
    """Time of the latest record that is gone; None where records only lost their attributes."""


def windows(telemetry: Telemetry, kind: Kind, before: datetime) -> list[Window]:
    """Return the hours that hold records older than `before` (naive UTC), as many as make a transaction."""
    found: list[Window] = []
    size = 0
    asked = {"before": before, "stripping": kind.strips}
    for hour, records in (row.values() for row in telemetry.query(kind.hours, asked)):
        if found and size + records <= ROWS:
            found[-1] = found[-1]._replace(high=hour + _HOUR)
            size += records
        else:
            found.append(Window(hour, hour + _HOUR))
            size = records
    return found


def living(telemetry: Telemetry, kind: Kind, before: datetime) -> pa.Table:
    """Return 64 bits of each trace that goes on after `before`: it is kept whole."""
    if kind.strips:  # a record without attributes is judged as before
        return pa.table({"key": pa.array([], pa.uint64())})
    times = {"low": before, "high": before + JOINS_FOR}
    return telemetry.arrow("retention/living_traces", times)


def take(tx: Tx, kind: Kind, window: Window, before: datetime, going_on: pa.Table) -> Taken:
    """Remove some records of a window in the running transaction; fewer than `ROWS` means that it is done."""
    doomed = _doomed(tx, kind, window, {"before": before, "limit": ROWS}, going_on)
    if not doomed.num_rows:
        return Taken(0)
    tx.view("doomed", doomed)
    tx.run(kind.change, window._asdict())
    tx.topics.add("ingest")
    if kind.strips:
        return Taken(doomed.num_rows)
    tx.run("retention/insert_removed_traces")
    latest: datetime = pc.max(doomed.column("moment")).as_py()
    note_removed(tx, latest)
    return Taken(doomed.num_rows, latest)


def count(tx: Tx, kind: Kind, window: Window, before: datetime, going_on: pa.Table) -> int:
    """Return how many records of a window would be removed."""
    return int(_doomed(tx, kind, window, {"before": before, "limit": _ALL}, going_on).num_rows)


def _doomed(tx: Tx, kind: Kind, window: Window, upto: Params, going_on: pa.Table) -> pa.Table:
    holds = Holds.of(tx)
    held = tx.run("retention/held_traces", holds.params(), into=_TRACE) if any(holds) else []
    names = pa.array(held, pa.string())
    tx.view("held_trace", pa.table({"trace_id": names}))
    tx.view("living_trace", going_on)
    asked = {**window._asdict(), **upto, "stripping": kind.strips}
    return tx.arrow(kind.doomed, asked | holds.params())


def empty_deliveries(store: Store, before: datetime) -> list[datetime]:
    """Return the deliveries whose records are all gone, though texts still name them (`data.named`)."""
    asked = {"before": before}
    named = set(store.query("retention/named_deliveries", asked, into=_ARRIVAL))
    if not named:
        return []
    return sorted(named - set(store.query("retention/stored_deliveries", asked, into=_ARRIVAL)))


def forget_deliveries(tx: Tx, gone: list[datetime]) -> None:
    """Take away what names these deliveries."""
    tx.view("empty_delivery", pa.table({"ingested_at": pa.array(gone, pa.timestamp("us"))}))
    tx.run("retention/delete_named_at")
    tx.run("retention/delete_named_lately")
    tx.memo.pop("data.named", None)  # how many lie unsorted is counted again
