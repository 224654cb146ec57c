"""What it costs to know who is there: a request, a run of a page, an act, and the check of the audit.

Each is measured with and without in the same run; BENCH_ENTRIES says how long a chain is checked.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from access import roles
from access.commands import perform
from access.roles import Grant
from audit import trail
from audit.actor import Actor
from bench.figures import line, timed
from cases.commands import Claim
from data.store import Store
from server.guard import Guard
from tests.server.team import team
from tests.telemetry import batch, failure

ENTRIES = int(os.environ.get("BENCH_ENTRIES", "1_000_000"))
ROUNDS = 2_000
ACTS = 200
_CASE = {"id": "c" * 16, "correlation_id": "SO-1", "flow": "order-to-cash", "step": "pay", "tenant": "acme"}


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, team(Path(folder)) as crew:
        crew.person("ann", Grant(roles.OPERATOR))
        _requests(crew)
        _runs(crew)
        _acts(crew)
    _verify()


def _requests(crew: Any) -> None:
    async def nothing(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    crew.container.settings.access.requests_per_second = 1e9
    cookie = f"unsnag={crew.cookie('ann')}".encode()
    scope = {
        "type": "http", "method": "GET", "path": "/", "query_string": b"", "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"127.0.0.1"), (b"cookie", cookie), (b"accept", b"text/html")],
    }  # fmt: skip

    async def measure(app: Any) -> float:
        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(_message: Any) -> None:
            return None

        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await app(scope, receive, send)
            took.append(time.perf_counter() - began)
        return statistics.median(took) * 1000

    bare, guarded = asyncio.run(measure(nothing)), asyncio.run(measure(Guard(nothing)))
    line("identity and authority, a request", f"{guarded - bare:.3f} ms", "at most 1 ms")


def _runs(crew: Any) -> None:
    credential = crew.actor("ann").credential.partition(":")[2]
    case = {"tenant": "acme", "flow": "order-to-cash"}

    def run() -> None:
        # What a run of the queue asks: who it is, the ctx, twenty questions of what may be offered.
        ctx = crew.container.context(crew.container.authority.person_of(credential))
        for act in ("case.claim", "case.retry", "case.resolve", "person.change", "audit.read") * 4:
            ctx.may(act, case)

    line(
        "identity and authority, a run of a page",
        f"{statistics.median(timed(run, ROUNDS)):.3f} ms",
        "at most 2 ms",
    )


def _acts(crew: Any) -> None:
    store = crew.container.store
    store.append(batch(*[failure(n, f"SO-{n}", tenant="acme") for n in range(ACTS * 2)])).result()
    rows = (
        store.everything().query("kpis/flows")
        and store.act(lambda tx: tx.execute("select id from exception_case")).result()
    )
    actor = crew.actor("ann")
    append = trail._append  # noqa: SLF001 - what is measured
    took: dict[Any, list[float]] = {append: [], _unchained: []}
    acts = []
    for number, row in enumerate(rows):
        written = append if number % 2 else _unchained

        def measured(tx: Any, written: Any = written) -> None:
            began = time.perf_counter()
            written(tx)
            took[written].append((time.perf_counter() - began) * 1000)

        trail._append = measured  # noqa: SLF001 - with and without, in turns
        began = time.perf_counter()
        perform(Claim(row["id"]), crew.container.context(actor))
        acts.append((time.perf_counter() - began) * 1000)
    trail._append = append  # noqa: SLF001 - as it was
    chained, plain = (statistics.median(took[how]) for how in (append, _unchained))
    compared = f"{chained:.2f} ms with, {plain:.2f} without; the whole act {statistics.median(acts):.1f} ms"
    name = "appending to the chain, an act of three records"
    line(name, f"{chained - plain:.2f} ms", "at most 0.5 ms", compared)


def _unchained(tx: Any) -> None:
    """Write the same entries without hashes and without moving the end."""
    rows = [{**row, "seq": 0, "v": 2, "salt": "", "prev_hash": "", "hash": ""} for row in tx.pending]
    tx.view_rows("new_audit", rows, like="audit")
    tx.run("audit/insert")


def _verify() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, actor = Store.open(folder), Actor("ann", credential="session:0123456789abcdef")
        now = datetime(2026, 11, 22)  # noqa: DTZ001 - as the store holds it
        for start in range(0, ENTRIES, 20_000):
            entries = [
                trail.Entry("claimed", actor, _CASE, "open", "claimed", None, {"n": n})
                for n in range(start, min(start + 20_000, ENTRIES))
            ]
            store.act(lambda tx, entries=entries: trail.write(tx, entries, now)).result()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        began = time.perf_counter()
        verdict = trail.verify(store)
        took = time.perf_counter() - began
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
        store.close()
    assert verdict.intact
    compared = f"{ENTRIES:,} entries; memory grew by {grown:.0f} MiB"
    line("audit verify", f"{ENTRIES / took:,.0f}/s", "at least 100,000/s", compared)


if __name__ == "__main__":
    main()
