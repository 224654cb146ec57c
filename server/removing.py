"""A purge at work: class by class, a few thousand rows a transaction, and the writer is free in between.

How far it is stands in the table `removal`, moved in the transaction of the rows. A server that is stopped or
killed goes on where it was: what is gone is counted once, and what is left is found again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from cases import removal as of_cases
from data.clock import stored
from data.nouns import noun
from data.removed import Holds
from traces import removal

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from data.ports import State
    from data.store import Store
    from data.transaction import Tx
    from traces.removal import Kind, Window

LOGS: Final = "logs"
SPANS: Final = "spans"
PAYLOAD: Final = "payload"
CASES: Final = "cases"
QUARANTINE: Final = "quarantine"
_KINDS: Final[dict[str, tuple[Kind, ...]]] = {
    PAYLOAD: removal.PAYLOAD,
    LOGS: (removal.LOGS,),
    SPANS: (removal.SPANS,),
}
PAUSE_S: Final = 0.05
"""Between two transactions: what waits for the writer comes first."""
_NAMES: Final = 1_000
"""Deliveries whose names are taken away in one transaction."""
_QUARANTINED: Final = 1_000
_ALL: Final = 2**62


@dataclass(frozen=True, slots=True)
class Removal:
    """One class of data of a purge."""

    run: str
    data: str
    """The class."""
    policy: str
    before: datetime
    removed: int
    bytes: int
    """About, without compression."""
    latest: datetime | None
    actor: str
    started_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Removal:
        """Return the removal of a row; its times are aware."""
        return _removal(row, data=row.get("class"))

    @property
    def key(self) -> dict[str, str]:
        """What names its row."""
        return {"run": self.run, "class": self.data}


_removal = noun(Removal)


class Removing:
    """Removes what the unfinished rows of the table `removal` name."""

    def __init__(self, store: Store, stopping: threading.Event) -> None:
        self._store = store
        self._stopping = stopping

    def work(self, one: Removal, size: int) -> bool:
        """Remove all of one class, of which a row takes about `size` bytes; say whether it is done."""
        before = stored(one.before)
        for step in self._steps(one.data, before):
            if self._stopping.is_set():
                return False
            while self._store.act(_counted(one, step, size)).result():
                if self._stopping.wait(PAUSE_S):
                    return False
        return self._forget_names(before) if one.data in (LOGS, SPANS) else True

    def _steps(self, data: str, before: datetime) -> Iterator[Callable[[Tx], removal.Taken]]:
        """Return what is done in one transaction each, repeated until nothing is left to do."""
        if data == CASES:
            yield lambda tx: removal.Taken(of_cases.take(tx, before))
        if data == QUARANTINE:
            yield lambda tx: removal.Taken(_quarantined(tx, before))
        for kind in _KINDS.get(data, ()):
            going_on = removal.living(self._store, kind, before)
            for window in removal.windows(self._store, kind, before):
                yield _telemetry(kind, window, before, going_on)

    def _forget_names(self, before: datetime) -> bool:
        gone = removal.empty_deliveries(self._store, before)
        for begin in range(0, len(gone), _NAMES):
            part = gone[begin : begin + _NAMES]
            self._store.act(partial(removal.forget_deliveries, gone=part)).result()
            if self._stopping.wait(PAUSE_S):
                return False
        return True


def _telemetry(
    kind: Kind, window: Window, before: datetime, going_on: pa.Table
) -> Callable[[Tx], removal.Taken]:
    return lambda tx: removal.take(tx, kind, window, before, going_on)


def _counted(one: Removal, step: Callable[[Tx], removal.Taken], size: int) -> Callable[[Tx], int]:
    """Return a step that also counts what it removed, and answers with it."""

    def run(tx: Tx) -> int:
        taken = step(tx)
        if taken.rows:
            more = {"more": taken.rows, "bytes": taken.rows * size, "latest": taken.latest}
            tx.run("retention/count_removal", one.key | more)
        return taken.rows

    return run


def _quarantined(tx: Tx, before: datetime) -> int:
    doomed = _doomed_quarantine(tx, before, _QUARANTINED)
    if doomed.num_rows:
        tx.view("doomed", doomed)
        tx.run("retention/delete_quarantine")
        tx.topics.add("ingest")
    return int(doomed.num_rows)


def _doomed_quarantine(tx: Tx, before: datetime, limit: int) -> pa.Table:
    """Return what may go: nothing while something is held, since it is unknown whose records these are."""
    if any(Holds.of(tx)):
        return pa.table({"id": pa.array([], pa.string())})
    return tx.arrow("retention/doomed_quarantine", {"before": before, "limit": limit})


def would_remove(store: Store, data: str, before: datetime) -> int:
    """Return how many rows of a class a purge would remove now; `before` is naive UTC."""
    if data == CASES:
        return store.act(lambda tx: of_cases.count(tx, before)).result()
    if data == QUARANTINE:
        return store.act(lambda tx: int(_doomed_quarantine(tx, before, _ALL).num_rows)).result()
    rows = 0
    for kind in _KINDS[data]:
        going_on = removal.living(store, kind, before)
        for window in removal.windows(store, kind, before):
            rows += store.act(_counting(kind, window, before, going_on)).result()
    return rows


def _counting(kind: Kind, window: Window, before: datetime, going_on: pa.Table) -> Callable[[Tx], int]:
    return lambda tx: removal.count(tx, kind, window, before, going_on)


def unfinished(state: State) -> list[Removal]:
    """Return what was begun and is not done, the oldest first."""
    return state.query("retention/unfinished", into=Removal.of)
