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
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from data.clock import stored, utc_now
from data.nouns import noun
from data.transaction import Tx

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from access.context import RequestContext
    from audit.actor import Actor
    from cases.case import Case
    from data.store import Reading, Store

    Step = tuple[str | None, str | None]

WORK: Final = "retry.work"
"""The act that a worker's token allows."""
KNOWN: Final = timedelta(hours=24)
"""How long an announcement counts."""
PAUSES: Final = timedelta(days=7)
"""How far back a worker's pauses tell how long the next one may be."""
_FORGOTTEN: Final = timedelta(days=30)
STARTED: Final = "cases.workers_since"
NOTED: Final = "cases.workers_noted"
_NOTED_S: Final = 60.0
_MAX_NOTED: Final = 10_000
_MAX_STEPS: Final = 2_000
_MAX_CHARS: Final = 400
_EVERYTHING: Final[Step] = (None, None)
_PROCESS: Final = re.compile(r"-[0-9]{1,20}$")
"""The end of the name that a client gives itself: host name and process id."""


@dataclass(frozen=True, slots=True)
class StepWorker:
    """A worker that can carry out a step, and when it was seen last."""

    name: str
    last_seen: datetime


def begin(tx: Tx) -> None:
    """Note from when on workers can be seen: while the server was away, none could."""
    tx.memo.setdefault(STARTED, stored(utc_now()))


def is_news(store: Store, worker: Actor, flows: Sequence[str] | None, steps: Sequence[Step] | None) -> bool:
    """Return whether what a worker asks for and announces is to be noted: it is new, or a minute old."""
    noted_at = (store.remembered(NOTED) or {}).get(_announcement(worker, flows, steps))
    return noted_at is None or time.monotonic() - noted_at > _NOTED_S


def note_announced(
    tx: Tx, ctx: RequestContext, flows: Sequence[str] | None, handlers: Sequence[Step] | None, now: datetime
) -> None:
    """Keep what a worker announces, and remember that it was noted just now."""
    note(tx, ctx, announced(tx, ctx.actor, flows, handlers), now)
    noted: dict[tuple[Any, ...], float] = tx.memo.get(NOTED, {})
    kept = noted if len(noted) < _MAX_NOTED else {}
    tx.memo[NOTED] = kept | {_announcement(ctx.actor, flows, handlers): time.monotonic()}


def note(tx: Tx, ctx: RequestContext, steps: Sequence[Step], now: datetime) -> None:
    """Keep that a worker was seen with these steps, within its token's scope."""
    worker, scope = ctx.actor, ctx.authority.scope(ctx.actor, WORK)
    rows = [
        {
            "worker": _lasting_name(worker), "name": worker.name, "flow": flow, "step": step,
            "scope": None if scope is None else list(scope), "announced_at": now,
        }
        for flow, step in dict.fromkeys(steps)
    ]  # fmt: skip
    if not rows:
        return
    begin(tx)
    tx.view_rows("announced_step", rows, like="worker_step")
    pauses = {"started": tx.memo[STARTED], "untaken": ctx.limits.untaken_s}
    tx.run("cases/note_worker_gaps", pauses)
    tx.run("cases/announce_steps")
    tx.run("cases/forget_worker_gaps", {"since": now - PAUSES})
    tx.run("cases/forget_worker_steps", {"since": now - _FORGOTTEN})


def _announcement(
    worker: Actor, flows: Sequence[str] | None, steps: Sequence[Step] | None
) -> tuple[Any, ...]:
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
    return [(row["flow"], row["step"]) for row in tx.run("cases/taken_steps", wanted)]


def step_of(case: Case) -> dict[str, Any]:
    """Return the parameters that ask for the workers of a case's step."""
    return {"tenant": case.tenant, "flow": case.flow, "step": case.step}


def of_step(reader: Tx | Reading, case: Case) -> list[StepWorker]:
    """Return the workers that can carry out a case's step, the one seen last first. Times are aware."""
    ask = reader.run if isinstance(reader, Tx) else reader.query
    return ask("cases/step_workers", step_of(case), into=noun(StepWorker))


def missing(case: Case, workers: Sequence[StepWorker], now: datetime) -> str | None:
    """Return why nobody would come for a retry of the case, or None. `now` is aware."""
    latest = workers[0] if workers else None
    if latest and now - latest.last_seen <= KNOWN:
        return None
    last = f" {latest.name} was there last at {latest.last_seen:%d %b %H:%M} UTC." if latest else ""
    return (
        f"no worker has announced step {case.step} of flow {case.flow} within 24 h.{last} "
        "Start a worker with a handler for it, then retry."
    )
