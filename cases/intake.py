"""The cases' part of every ingest transaction: failures open cases, success signals end them.

Any order of arrival gives the same cases: the failures of a trace are resolved again with every record that
it gets (`traces.joining`), and a case is counted from the failures that stand (`cases.moves`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases import approval_intake, moves, proof
from cases.failures import failed_ids
from data.clock import stored, utc_now
from traces import clocks, joining, signals, units
from traces.tenants import learn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    import pyarrow as pa

    from data.transaction import Tx
    from traces.resolving import Difference, Sign


def prepare(tx: Tx) -> None:
    """Remember what intake asks of every commit: a second for a million spans of the last two days.

    Done before records are accepted; the first commit would wait for it otherwise. What the store holds of
    older days is read when their records arrive.
    """
    moves.no_records(tx)
    joining.recent_traces(tx)
    units.known_units(tx)
    failed_ids(tx)


def intake(tx: Tx) -> None:
    """Open, recur, move and recover cases from the records of the running transaction."""
    now = stored(utc_now())
    _take(tx, joining.join(tx, now), now, clocks.learn(tx, now))


def take_again(tx: Tx, before: pa.Table) -> None:
    """Take log records in again that say something else now; `before` holds them as they were.

    `incoming_log` holds them as they are now, as the store does.
    """
    now = stored(utc_now())
    difference = joining.rejoin(tx, now, before)
    # What units take from records that were theirs is taken away by making them again.
    difference.retold |= units.ids_of_logs(before)
    _take(tx, difference, now)


def settle(tx: Tx, silent: Iterable[Sign] = ()) -> None:
    """Look again at traces that waited: for their unit root, or because they are wide.

    `silent` are signs of life that were the last of their block for too long; see `cases.contact`.
    """
    now = stored(utc_now())
    moves.no_records(tx)
    _take(tx, joining.settle(tx, now, silent), now)


def _take(tx: Tx, difference: Difference, now: datetime, measured: AbstractSet[str] = frozenset()) -> None:
    written = signals.write(tx, difference, now)
    tenants = learn(tx, difference)
    begun = units.derive(tx, difference, tenants)
    failed = failed_ids(tx)
    touched = moves.move(tx, difference, tenants, units=begun, failed=failed, now=now)
    unsure = tenants.changed | proof.ids_of_clocks(tx, measured, now)
    proof.prove(tx, written, touched, unsure, units=begun, failed=failed, now=now)
    approval_intake.take(tx, written, tenants, units=begun, failed=failed, now=now)
