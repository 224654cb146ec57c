"""Any order of arrival, any split, any repetition, any restart gives what all records say at once."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from cases import intake, moves
from data.clock import micros, stored, utc_now
from data.records import LOG_COLUMNS, SPAN_COLUMNS, to_arrow
from data.store import Store
from tests.telemetry import at, batch, log, span
from tests.traces.reference import Reported, reported
from traces import joining
from traces.record import of_logs, of_spans
from traces.resolving import Sign

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from data.transaction import Tx

    Row = dict[str, Any]

ERRORS = (("ValueError", "boom"), ("TimeoutError", "no answer"), (None, None))
WAY_US = 100_000
"""How long records take to arrive."""


class World:
    """Random telemetry: traces of one or two orders, well-formed and wild."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.rows: list[Row] = []
        for number in range(self._random.randint(2, 5)):
            self._trace(f"{number + 1:032x}")
        for number in range(self._random.randint(0, 3)):
            self._line(number)
        self._random = random.Random(f"signs of life {seed}")
        for number in range(self._random.choice([0, 0, 1, 5])):
            self._sign(number)
        if self._random.random() < 0.3:
            self._pass_days()
        for row in self.rows:
            row["value_amount"] = (
                Decimal(self._random.randint(1, 9_000)) if self._random.random() < 0.3 else None
            )

    def _trace(self, trace: str) -> None:
        r = self._random
        ids: list[str | None] = [None]
        names = [f"{i:016x}" for i in range(1, r.randint(2, 7))]
        for name in names:
            parent = r.choice([*ids, r.choice(names) if r.random() < 0.1 else r.choice(ids)])
            self._span(trace, name, parent)
            ids.append(name)
        for _ in range(r.randint(0, 3)):
            self._log(trace, r.choice([*names, None]))

    def _common(self) -> Row:
        r = self._random
        return {
            "correlation_id": r.choice([None, None, "SO-1", "SO-2"]),
            "flow": r.choice([None, "orders", "orders", "billing"]),
            "tenant": r.choice([None, None, "acme", "globex"]) if r.random() < 0.4 else None,
            "service": r.choice(["shop", "stock"]),
            "run_id": r.choice([None, None, None, "run-1"]),
            "source": r.choice(["otlp", "test"]),
        }

    def _span(self, trace: str, name: str, parent: str | None) -> None:
        r = self._random
        start = r.randint(0, 60)
        own = self._common()
        if r.random() < 0.3:  # our client's
            own |= {
                "role": r.choice(["unit", "step"]),
                "seq": r.randint(1, 99),
                "instance": r.choice(["p1", "p2"]),
            }
            own["outcome"] = r.choice(["success", "progress", "failed"]) if own["role"] == "unit" else None
            own["verdict"] = r.choice([None, "ok"]) if own["outcome"] in ("success", "progress") else None
            own["step"] = "pay" if own["role"] == "step" else None
            own["completes"] = r.choice([None, None, True]) if own["outcome"] == "success" else None
        elif r.random() < 0.1:
            own["outcome"] = "success"
        kind, stated = r.choice(ERRORS)
        if r.random() < 0.4:
            own |= {"status": "error", "error_type": kind, "exception_message": stated}
        made = span(start, start + r.randint(0, 20), r.choice(["GET", "work"]), **own)
        kinds = ["internal", "server", "client"]
        place = {"trace_id": trace, "span_id": name, "parent_span_id": parent, "kind": r.choice(kinds)}
        # The clocks are right: of those that are off, see tests/traces/test_clocks.py.
        arrived = {"ingested_at": made["end_time"] + WAY_US}
        self.rows.append(made | place | arrived | {"record_id": int(trace, 16) * 1000 + int(name, 16)})

    def _log(self, trace: str | None, name: str | None) -> None:
        r = self._random
        kind, stated = r.choice(ERRORS)
        severity = r.choice([9, 17, 17])
        own = self._common() | {"trace_id": trace, "span_id": name, "severity_number": severity}
        if severity > 9:
            own |= {"error_type": kind, "exception_message": stated}
        if r.random() < 0.2:
            own["exception_id"] = r.choice(["e1", "e2"])
        time = r.randint(0, 90)
        own["ingested_at"] = micros(at(time)) + WAY_US
        self.rows.append(log(time, r.choice(["failed", "went wrong"]), **own))

    def _sign(self, number: int) -> None:
        """Add a start or a heartbeat of a block whose end is, or is not, among the spans."""
        r = self._random
        spans = [row for row in self.rows if "end_time" in row]
        block = r.choice(spans)["span_id"] if r.random() < 0.5 else r.choice(["b" * 16, "c" * 16])
        own = {"trace_id": r.choice(spans)["trace_id"], "span_id": block, "instance": "p1", "seq": number}
        named = {"correlation_id": r.choice(["SO-1", "SO-2"]), "flow": "orders", "service": "shop"}
        message, time = r.choice(["unit.started", "unit.heartbeat"]), r.randint(0, 90)
        arrived = {"ingested_at": micros(at(time)) + WAY_US}
        self.rows.append(log(time, message, **own, **named, **arrived))

    def _pass_days(self) -> None:
        """Let some records come a day later: just in time to join their trace, or just too late."""
        r = self._random
        for row in self.rows:
            if r.random() < 0.3:
                hours = r.choice([20, 23.9, 24.1, 47, 49])
                # A time far ahead of its arrival would have been replaced by it.
                for name in ("time", "end_time", "ingested_at"):
                    if name in row:
                        row[name] += int(hours * 3600) * 1_000_000

    def _line(self, number: int) -> None:
        del number
        self._log(None, None)


class RunWorld:
    """Random telemetry of runs: traces that fail or not, and lines without a trace that may repeat it."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"runs {seed}")
        self.rows: list[Row] = []
        for number in range(self._random.randint(2, 5)):
            self._run(number)

    def _run(self, number: int) -> None:
        r = self._random
        own = {
            "run_id": r.choice(["run-1", "run-1", "run-2"]),
            "service": r.choice(["shop", "shop", "shop", "stock"]),
        }
        own["tenant"] = r.choice([None, None, "acme", "globex"])
        raised = r.choice([*ERRORS[:2], *ERRORS])
        start = r.randint(0, 90)
        self._trace(number, start, own, raised)
        own["tenant"] = r.choice([None, own["tenant"]])
        for line in range(r.randint(0, 2)):
            kind, stated = r.choice([raised, raised, raised, *ERRORS])
            carried = {"error_type": kind, "exception_message": stated} if r.random() < 0.3 else {}
            named = {"correlation_id": "SO-1", "flow": "orders"} if r.random() < 0.1 else {}
            time = start + r.choice([-9, 3, 6, 60, 75])
            text = f"Finished in state Failed('{kind}: {stated}')"
            made = log(time, text, severity_number=17, trace_id=None, span_id=None, **own, **carried, **named)
            place = {"record_id": 9_000 + 10 * number + line, "ingested_at": micros(at(time)) + WAY_US}
            self.rows.append(made | place)

    def _trace(self, number: int, start: int, own: Row, raised: tuple[str | None, str | None]) -> None:
        r = self._random
        failed = {"status": "error", "error_type": raised[0], "exception_message": raised[1]}
        place = {"trace_id": f"{number + 1:032x}"}
        good = {"outcome": r.choice([None, "success"])} if r.random() < 0.3 else None
        flow = span(start, start + 5, "flow", **own, **(good or failed), parent_span_id=None)
        task = span(start, start + 2, "load", **own, **(failed if r.random() < 0.8 else {}))
        again = span(start + 3, start + 4, "load", **own, outcome="success")
        places = (("a" * 16, None), ("b" * 16, "a" * 16), ("c" * 16, "a" * 16))
        for made, (name, parent) in zip((flow, task, again), places, strict=True):
            if r.random() < 0.7:
                place |= {"span_id": name, "parent_span_id": parent, "kind": "client"}
                own_id = {"record_id": 100 * (number + 1) + len(self.rows)}
                self.rows.append(made | place | own_id | {"ingested_at": made["end_time"] + WAY_US})


class TaskWorld:
    """Random telemetry of mapped and grouped tasks: of runs in one or several traces, and of traces alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"tasks {seed}")
        self.rows: list[Row] = []
        for number in range(self._random.randint(1, 4)):
            self._trace(number)
        for number in range(self._random.randint(0, 3)):
            self._line(number)

    def _common(self) -> Row:
        r = self._random
        return {
            "run_id": r.choice(["run-1", "run-1", "run-2", None]),
            "flow": r.choice(["nightly", None]),
            "tenant": r.choice([None, None, None, "acme", "globex"]),
            "service": "airflow",
        }

    def _trace(self, number: int) -> None:
        r = self._random
        own, trace = self._common(), f"{number + 1:032x}"
        start = r.randint(0, 200)
        good = {"outcome": "success", "role": "unit"}
        root = r.choice([good, good | {"verdict": "run_ok"}, {"outcome": "failed"}, {"status": "error"}, {}])
        if r.random() < 0.7:
            self._span((trace, "a" * 16, None), (start, 90), "dag_run", own | root)
        for task in range(r.randint(1, 6)):
            self._task(trace, task, start, own)

    def _task(self, trace: str, task: int, start: int, own: Row) -> None:
        r = self._random
        name, index = f"{task + 1:016x}", r.choice(["0", "1", "2", None])
        own = own | {"map_index": index, "map_total": r.choice([None, None, None, 7])}
        own |= {"step": r.choice(["load", "load", "send", None])}
        own |= r.choice(
            [
                {"verdict": "ok"}, {"verdict": "ok"}, {"status": "error", "outcome": "failed"},
                {"status": "error", "outcome": "failed"}, {"status": "error", "verdict": "undecided"},
                {"status": "error"}, {"outcome": "success"}, {},
                {"status": "error", "error_type": "ValueError", "exception_message": "boom"},
            ]
        )  # fmt: skip
        if r.random() < 0.15:
            own |= {"correlation_id": r.choice(["SO-1", "SO-2"])}
        begun = start + r.randint(0, 80)
        own["kind"] = r.choice(["internal", "consumer"])
        self._span((trace, name, "a" * 16), (begun, 5), f"task {index}", own)
        if r.random() < 0.4:
            kind, message = r.choice(ERRORS)
            failed = {"status": "error", "error_type": kind, "exception_message": message}
            inside = {name: own[name] for name in ("run_id", "flow", "tenant", "service")} | failed
            self._span((trace, f"{task + 17:016x}", name), (begun, 3), "GET", inside)
        if r.random() < 0.3:
            self._log(trace, name, begun + 4, own)

    def _span(self, place: tuple[str, str, str | None], times: tuple[int, int], name: str, own: Row) -> None:
        made = span(times[0], sum(times), name, **{"kind": "internal", **own})
        names = dict(zip(("trace_id", "span_id", "parent_span_id"), place, strict=True))
        arrived = {"ingested_at": made["end_time"] + WAY_US}
        self.rows.append(made | names | arrived | {"record_id": int(place[0], 16) * 1000 + len(self.rows)})

    def _log(self, trace: str | None, name: str | None, time: int, own: Row) -> None:
        kind, message = self._random.choice(ERRORS)
        names = ("run_id", "flow", "tenant", "service", "step", "map_index", "map_total", "correlation_id")
        own = {name: own.get(name) for name in names} | {"trace_id": trace, "span_id": name}
        own |= {"severity_number": 17, "error_type": kind, "exception_message": message}
        own["ingested_at"] = micros(at(time)) + WAY_US
        self.rows.append(log(time, "Task failed with exception", **own))

    def _line(self, number: int) -> None:
        r = self._random
        own = self._common() | {"map_index": r.choice(["0", "1", None]), "step": r.choice(["load", "send"])}
        if r.random() < 0.6:
            self._log(None, None, r.randint(0, 250), own)
        else:
            time = r.randint(0, 250) + number
            succeeded = own | {"outcome": "success", "ingested_at": micros(at(time)) + WAY_US}
            self.rows.append(log(time, "Task instance succeeded", **succeeded))


def expected(rows: list[Row]) -> Reported:
    made = batch(*rows)
    records = of_spans(_table(made.spans, SPAN_COLUMNS)) + of_logs(_table(made.logs, LOG_COLUMNS))
    named = {
        (r.cid or (r.run or r.technical if not r.trace else None), r.tenant) for r in records if r.tenant
    }
    return reported(
        (r for r in records if _says_something(r)), {(cid, tenant) for cid, tenant in named if cid}
    )


def _table(columns: Any, schema: Any) -> pa.Table:
    return to_arrow(columns, schema)


def _says_something(record: Any) -> bool:
    if record.is_span or record.err or record.outcome:
        return True
    return bool(record.trace and (record.cid or record.run or record.flow))


def settle_all(store: Store) -> None:
    """Let the time pass after which nothing waits any more."""
    later = stored(utc_now() + timedelta(hours=1))

    def work(tx: Tx) -> None:
        moves.no_records(tx)
        # Also those whose block has ended: that is for the rules to find.
        signs = tx.execute(
            "select trace_id, record_id, epoch_us(time) as time from log where starts_with(message, 'unit.')"
        )
        silent = [Sign(row["trace_id"], row["record_id"], row["time"]) for row in signs]
        intake._take(tx, joining.settle(tx, later, silent), stored(utc_now()))

    store.act(work).result()


# Signals that count and are older than their unit; one without a tenant is that of the only one of its ID.
_OLDER = """
    select unit_signal.record_id
    from unit_signal
    inner join (
        select *, count(*) over (partition by correlation_id, flow) as tenants from unit
    ) as unit on
        unit.correlation_id = unit_signal.correlation_id
        and unit.flow = unit_signal.flow
        and (
            unit.tenant is not distinct from unit_signal.tenant
            or (unit_signal.tenant is null and unit.tenants = 1)
        )
    where unit_signal.time < unit.opened_at
    group by
        unit_signal.record_id, unit_signal.correlation_id, unit_signal.flow, unit_signal.tenant,
        unit_signal.outcome
    having sum(unit_signal.change) > 0
"""


def seen(store: Store) -> Reported:
    assert store.act(lambda tx: tx.execute(_OLDER)).result() == [], (
        "figures read no signal older than its unit"
    )
    sql = "select * from exception_case"
    cases = {}
    for row in store.act(lambda tx: tx.execute(sql)).result():
        affected = tuple(tuple(place.values()) for place in orjson.loads(row["affected"] or "[]"))
        key = row["tenant"], row["flow"], row["step"], row["correlation_id"]
        cases[key] = (
            row["state"],
            row["occurrences"],
            row["first_seen"],
            row["last_seen"],
            row["verified_at"],
            affected,
            _tasks(row["tasks"]),
        )
    units = store.act(
        lambda tx: tx.execute("select tenant, correlation_id, flow, outcome from unit")
    ).result()
    reported = {(u["tenant"], u["correlation_id"], u["flow"]): u["outcome"] for u in units}
    assert len(reported) == len(units), "a unit has two rows"
    return Reported(cases, reported)


def _tasks(stored: str | None) -> Any:
    if stored is None:
        return None
    found = orjson.loads(stored)
    proofs = {item["index"]: item["succeeded_at"] for item in found["items"]}
    return found["total"], frozenset((i, at and datetime.fromisoformat(at)) for i, at in proofs.items())


def ingest(folder: Path, rows: list[Row], seed: int) -> Store:
    """Send rows shuffled, split and partly twice, with restarts and a memory that forgets at once."""
    r = random.Random(seed)
    arrived = rows + [row for row in rows if r.random() < 0.25]
    r.shuffle(arrived)
    memory = r.choice([6, 30, 60_000])
    store = _open(folder, memory)
    while arrived:
        part, arrived = arrived[: (size := r.randint(1, 12))], arrived[size:]
        store.append(batch(*part)).result()
        if r.random() < 0.1:
            store.close()
            store = _open(folder, memory)
        if r.random() < 0.1:
            settle_all(store)
    return store


def _open(folder: Path, memory: int) -> Store:
    def limited(tx: Tx) -> None:
        recent = joining.recent_traces(tx)
        recent.most_rows = memory
        intake.intake(tx)

    return Store.open(folder, limited)


def check(folder: Path, rows: list[Row], seed: int) -> None:
    wanted = expected(rows)
    store = ingest(folder, rows, seed)
    try:
        settle_all(store)
        found = seen(store)
    finally:
        store.close()
    assert found.cases == wanted.cases, f"seed {seed}"
    stuck = {(k[0], k[3], k[1]) for k, case in wanted.cases.items() if case[0] == "open" or case[4]}
    for key, outcome in wanted.units.items():
        if key in stuck:  # failed until it is proven, whatever its parts state
            continue
        assert found.units.get(key) == outcome, f"seed {seed}: {key}"


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(n, marks=pytest.mark.slow) for n in range(3, 12))]
)
def test_any_order_of_arrival_gives_what_all_records_say_at_once(tmp_path: Path, seed: int) -> None:
    check(tmp_path, World(seed).rows, seed)


@pytest.mark.parametrize(
    "seed", [*range(5), *(pytest.param(n, marks=pytest.mark.slow) for n in range(5, 20))]
)
def test_runs_and_lines_about_them_give_in_any_order_what_all_records_say_at_once(
    tmp_path: Path, seed: int
) -> None:
    check(tmp_path, RunWorld(seed).rows, seed)


@pytest.mark.parametrize(
    "seed", [*range(5), *(pytest.param(n, marks=pytest.mark.slow) for n in range(5, 20))]
)
def test_mapped_and_grouped_tasks_give_in_any_order_what_all_records_say_at_once(
    tmp_path: Path, seed: int
) -> None:
    check(tmp_path, TaskWorld(seed).rows, seed)


if __name__ == "__main__":
    import sys
    import tempfile
    from pathlib import Path

    for number in range(int(sys.argv[1]), int(sys.argv[2])):
        for made in (World(number), RunWorld(number), TaskWorld(number)):
            check(Path(tempfile.mkdtemp()), made.rows, number)
