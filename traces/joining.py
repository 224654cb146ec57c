"""Joining as records arrive: each commit resolves again, as a whole, the traces that its records change.

1. The records of the commit are put to their traces. A trace without an error, whose signals name their unit
   and flow themselves, needs nothing more: `traces.signals` writes what it says.
2. Any other trace is resolved by `traces.failures.resolve` over all its records, those in memory and, where
   it is older, those in the store.
3. The new result is compared with the stored one. The difference is written, and returned for cases.

What a trace says is replaced, never adjusted, so the order of arrival cannot matter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from data.clock import micros, stored, utc_now
from traces import arrivals
from traces.members import learn_older
from traces.recent import SETTLES_FOR, Chunk, Recent, Waiting
from traces.resolving import Resolving
from traces.tree import JOINS_FOR_US

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from data.transaction import Tx
    from traces.resolving import Difference, Sign

WIDE: Final = 2_000
"""A trace with more records is resolved by the clock, not with every commit."""
RECENT: Final = "traces.recent"
"""Under which name the writer remembers the traces that are alive."""


def join(tx: Tx, now: datetime) -> Difference:
    """Join the incoming records of the running transaction; `now` is naive UTC."""
    recent = recent_traces(tx)
    chunk = arrivals.arrived(tx)
    for low, high in arrivals.times_of(chunk):
        learn_older(tx, recent, low, high)
    flags, counts = arrivals.flags_of(chunk)
    changed = arrivals.to_resolve(recent, flags) | recent.linking_to(arrivals.with_ids(flags))
    wide = {scope for scope in changed if arrivals.size_of(recent, scope) + counts.get(scope, 0) > WIDE}
    older = recent.is_older(list(changed - wide))
    # First of all, since resolving adds to what is remembered of these traces.
    tx.after_commit.append(lambda: recent.add(chunk, flags, counts))
    # Another part of the same trace may be what waits.
    times = recent.times_of_waiting(changed - wide)
    difference = Resolving(tx, recent, now, times=times).difference(
        changed - wide, older, chunk, plain=changed
    )
    if wide:
        tx.after_commit.append(lambda: recent.postpone(dict.fromkeys(wide, (chunk.latest, chunk.latest))))
    return difference


def rejoin(tx: Tx, now: datetime, before: pa.Table) -> Difference:
    """Join log records of the store again that say something else now.

    Args:
        tx: The running transaction, in which `incoming_log` holds the records as they are now.
        now: Naive UTC.
        before: The same records as they were; the columns that joining knows.
    """
    recent = recent_traces(tx)
    chunk = arrivals.arrived(tx)
    before = arrivals.telling(before)
    places = dict(zip(before.column("record_id").to_pylist(), arrivals.log_scopes(before), strict=True))
    flags, counts = arrivals.flags_of(chunk)
    changed = {*flags, *places.values()}
    times = [*arrivals.times_of(chunk), *arrivals.times_of(replace(chunk, logs=before))]
    for low, high in times:
        learn_older(tx, recent, low, high)
    recent.forget(changed)
    tx.after_commit.append(lambda: recent.add(chunk, flags, counts))
    resolving = Resolving(tx, recent, now, times=times, before=before, places=places)
    return resolving.difference(changed, set(changed), chunk)


def settle(tx: Tx, now: datetime, silent: Iterable[Sign] = ()) -> Difference:
    """Resolve the traces that were put off: wide ones, and those whose unit root did not come in time.

    `silent` are signs of life that were the last of their block for too long; their traces are due as well.
    """
    recent = recent_traces(tx)
    silent = tuple(silent)
    due = {sign.trace: (sign.time, sign.time) for sign in silent} | recent.due(now)
    empty = Chunk(pa.table({}), [], pa.table({}), [], 0)
    times = [*due.values(), *((sign.time, sign.time) for sign in silent)]
    for low, high in times:
        learn_older(tx, recent, low, high)
    resolving = Resolving(tx, recent, now, patient=False, times=times, silent=silent)
    difference = resolving.difference(set(due), recent.is_older(list(due)), empty)
    tx.after_commit.append(lambda: recent.done(due))
    return difference


def recent_traces(tx: Tx) -> Recent:
    """Return the traces that are alive, as the writer remembers them."""
    if RECENT not in tx.memo:
        recent = Recent()
        now = micros(utc_now())
        learn_older(tx, recent, now - JOINS_FOR_US, now)
        # What waited when the process ended is looked at again.
        until = stored(utc_now()) + SETTLES_FOR
        for row in tx.run("traces/unsettled"):
            learn_older(tx, recent, row["low"], row["high"])
            recent.wait(row["trace_id"], Waiting(until, (row["low"], row["high"])))
        tx.memo[RECENT] = recent
    found: Recent = tx.memo[RECENT]
    return found
