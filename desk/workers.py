"""Which workers can carry out which steps: what they announced, when they were seen, how long they pause.

1. A worker asks for retries and announces its handlers: kept for each step, to the minute.
2. One that asks for everything counts for every step within its scope.
3. One of an older client announces nothing: the steps that it took retries of count.
4. A step that no worker announced within `KNOWN` cannot be retried: nobody would come for it.
5. A retry waits as long as the longest pause of such a worker, where that is more than the usual time.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from data.clock import stored, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from audit.actor import Actor
    from data.store import Tx

    Row = dict[str, Any]
    Step = tuple[str | None, str | None]

KNOWN: Final = timedelta(hours=24)
"""How long an announcement counts."""
PAUSES: Final = timedelta(days=7)
"""How far back a worker's pauses tell how long the next one may be."""
_FORGOTTEN: Final = timedelta(days=30)
_NOTED_S: Final = 60.0
_MAX_NOTED: Final = 10_000
_MAX_STEPS: Final = 2_000
_MAX_CHARS: Final = 400
_EVERYTHING: Final[Step] = (None, None)
_PROCESS: Final = re.compile(r"-[0-9]{1,20}$")
"""The end of the name that a client gives itself: host name and process id."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Notes what workers announce; `untaken_s` is how long a pause is worth noting."""

    untaken_s: int
    started: datetime = field(default_factory=lambda: stored(utc_now()))
    _noted: dict[tuple[Any, ...], float] = field(default_factory=dict)

    def is_news(self, worker: Actor, flows: Sequence[str] | None, steps: Sequence[Step] | None) -> bool:
        """Tell whether what a worker asks for and announces is to be noted: it is new, or a minute old."""
        noted_at = self._noted.get(_said(worker, flows, steps))
        return noted_at is None or time.monotonic() - noted_at > _NOTED_S

    def noted(self, worker: Actor, flows: Sequence[str] | None, steps: Sequence[Step] | None) -> None:
        """Remember that it was noted just now."""
        if len(self._noted) >= _MAX_NOTED:
            self._noted.clear()
        self._noted[_said(worker, flows, steps)] = time.monotonic()

    def note(
        self, tx: Tx, worker: Actor, reach: Sequence[str] | None, steps: Sequence[Step], now: datetime
    ) -> None:
        """Keep that a worker was seen with these steps; `reach` is its token's scope, None: everything."""
        rows = [
            {
                "worker": _lasting_name(worker), "name": worker.name, "flow": flow, "step": step,
                "scope": reach, "announced_at": now,
            }
            for flow, step in dict.fromkeys(steps)
        ]  # fmt: skip
        if not rows:
            return
        tx.view_rows("announced_step", rows, like="worker_step")
        tx.run("desk/note_worker_gaps", {"started": self.started, "untaken": self.untaken_s})
        tx.run("desk/announce_steps")
        tx.run("desk/forget_worker_gaps", {"since": now - PAUSES})
        tx.run("desk/forget_worker_steps", {"since": now - _FORGOTTEN})


def _said(worker: Actor, flows: Sequence[str] | None, steps: Sequence[Step] | None) -> tuple[Any, ...]:
    asks_for = None if flows is None else tuple(flows)
    return worker.name, worker.credential, asks_for, tuple(steps or ())


def _lasting_name(worker: Actor) -> str:
    """Return a name that a worker keeps when it is started again; that of a token is one already."""
    return worker.name if worker.credential else _PROCESS.sub("", worker.name)


def announced(
    tx: Tx, worker: Actor, flows: Sequence[str] | None, handlers: Sequence[Step] | None
) -> list[Step]:
    """Return the steps that a worker can do: what it announces, else everything, else what it took before."""
    if handlers:
        own = [step for step in handlers if flows is None or step[0] in flows]
        return [step for step in own if all(len(name or "") <= _MAX_CHARS for name in step)][:_MAX_STEPS]
    if flows is None:
        return [_EVERYTHING]
    wanted = {"flows": list(flows), "worker": _lasting_name(worker)}
    return [(row["flow"], row["step"]) for row in tx.run("desk/taken_steps", wanted)]


def asked(case: Row) -> Row:
    """Return the parameters that ask for the workers of a case's step."""
    return {name: case[name] for name in ("tenant", "flow", "step")}


def missing(case: Row, workers: Sequence[Row], now: datetime) -> str | None:
    """Return why nobody would come for a retry of the case, or None.

    `workers` are the rows of `desk/step_workers`; `now` is of the same kind as their times.
    """
    if workers and now - workers[0]["last_seen"] <= KNOWN:
        return None
    last = (
        f" {workers[0]['name']} was there last at {workers[0]['last_seen']:%d %b %H:%M} UTC."
        if workers
        else ""
    )
    return (
        f"no worker has announced step {case['step']} of flow {case['flow']} within 24 h.{last} "
        "Start a worker with a handler for it, then retry."
    )
