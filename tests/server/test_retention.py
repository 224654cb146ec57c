"""Retention: what goes, what stays, and that nothing which was stated changes."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from access.roles import Grant
from cases import units
from cases.removal import REMOVED
from data.clock import utc_now
from data.errors import ConflictError
from data.named import deliveries
from kpis import scoreboard
from kpis.periods import Period
from server import policies
from server.holds import LiftHold, SetHold
from server.removing import LOGS, SPANS, Removing
from tests import shown
from tests.app import app, local
from tests.kpis import test_golden as golden
from tests.kpis.varied import fill
from tests.server.team import OWN, team
from tests.telemetry import TRACE, at, batch, failure, log, span, success
from traces import removal

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from data.store import Store
    from server.container import Container

ALL = {f"UNSNAG_RETENTION__{name}_DAYS": "7" for name in ("LOGS", "SPANS", "PAYLOAD", "CASES", "QUARANTINE")}
TELEMETRY = {name: "7" for name in ALL if "LOGS" in name or "SPANS" in name}
SOON = (utc_now() - at(0)).total_seconds()
"""Seconds from the start of the tests' time to now."""


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    with app(local(tmp_path, **ALL)) as opened:
        yield opened


def purge(container: Container) -> dict[str, int]:
    """Purge, and return how many rows of each class went."""
    made = container.retention.purge(container.context(OWN))
    assert all(one.finished_at for one in made)
    return {one.data: one.removed for one in made}


def left(store: Store) -> tuple[int, int]:
    """Return how many log records and spans there are."""
    counts = [
        store.act(lambda tx, table=table: tx.execute(f"select count(*) as n from {table}")).result()  # noqa: S608
        for table in ("log", "span")
    ]
    return counts[0][0]["n"], counts[1][0]["n"]


def stated(store: Store) -> dict[str, Any]:
    """Return every row that says something of units and cases; not when a row was written."""
    tables = (
        "unit", "unit_signal", "unit_trace", "failure", "exception_case", "case_episode", "folded_case",
        "attempt",
    )  # fmt: skip
    return {
        table: store.act(lambda tx, table=table: tx.execute(f"select * from {table} order by all")).result()  # noqa: S608
        for table in tables
    }


def age_cases(store: Store) -> None:
    """Make all cases as old as their records: they were opened just now."""
    store.act(lambda tx: tx.execute("update exception_case set updated_at = '2026-11-17'")).result()


def trace_of(number: int) -> str:
    return f"{number:032x}"


OF_RECORDS = "K25"
"""Data latency counts records, so it shows what is left of them; its definition says so."""


def order(number: int, seconds: float, **fields: Any) -> list[dict[str, Any]]:
    """Return the records of one order: a failed step, its report, and sometimes a success after it."""
    named = {
        "trace_id": trace_of(number),
        "flow": "order-to-cash",
        "correlation_id": f"SO-{number}",
        **fields,
    }
    root = span(
        seconds, seconds + 9, "order", **named, span_id=f"{number:016x}", role="unit", outcome="success"
    )
    tried = span(
        seconds + 1, seconds + 2, "pay", **named, parent_span_id=f"{number:016x}", role="step", step="pay",
        status="error", error_type="TimeoutError", exception_message="no answer", attempt=1,
    )  # fmt: skip
    report = failure(seconds + 2, **{**named, "unit": named.pop("correlation_id")}, span_id=tried["span_id"])
    return [tried, report, root] if number % 3 else [tried, report]


def tiles(store: Store) -> list[Any]:
    """Return every KPI for the weeks that hold something, with trend and details."""
    return [
        golden._plain(golden._figure(one))
        for period in (golden.PERIODS["four weeks"], Period(at(-86_400), at(6 * 86_400)))
        for flow in (None, "order-to-cash")
        for one in scoreboard.scoreboard(store.everything(), period.start, period.end, flow, buckets=5)
        if one.id != OF_RECORDS
    ]


def splits(store: Store) -> Any:
    """Return the parts of every split of four weeks."""
    return golden.splits(store, [("everything", "four weeks")])


def without_records(figures: Any) -> Any:
    """Leave out the figure of records wherever it is kept by name."""
    if isinstance(figures, dict):
        return {name: without_records(figure) for name, figure in figures.items() if OF_RECORDS not in name}
    return figures


# --- what is stated stays ---------------------------------------------------------------------------


@pytest.mark.slow
def test_all_figures_of_past_weeks_are_the_same_after_a_purge(container: Container) -> None:
    store = container.store
    fill(store)
    for begin in range(0, 200, 20):
        some = [one for number in range(begin, begin + 20) for one in order(number, number * 60.0)]
        store.append(batch(*some)).result()
    parts = (tiles, splits, golden.drawn, golden.rows)
    before = [without_records(part(store)) for part in parts]
    gone = purge(container)
    assert gone[LOGS] > 200
    assert gone[SPANS] > 300
    assert left(store) == (0, 0)
    assert [without_records(part(store)) for part in parts] == before


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_what_comes_late_for_removed_traces_changes_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with app(local(tmp_path, **ALL)) as container:
        store, early, late = container.store, [], []
        for number in range(30):
            records = order(number, number * 3600.0, tenant=chance.choice(["acme", None]))
            first = chance.randrange(1, len(records) + 1)
            chance.shuffle(records)
            early += [records[:first]]
            late += records  # those that are gone come again, too
        for records in early:
            store.append(batch(*records)).result()
        purge(container)
        assert left(store) == (0, 0)
        before = stated(store)
        chance.shuffle(late)
        for begin in range(0, len(late), 7):
            store.append(batch(*late[begin : begin + 7])).result()
        assert stated(store) == before
        assert sum(left(store)) == len(late), "it is stored and can be found"


def test_a_late_record_does_not_withdraw_a_case_after_a_restart(tmp_path: Path) -> None:
    with app(local(tmp_path, **ALL)) as container:
        container.store.append(batch(*order(3, 0))).result()
        purge(container)
    with app(local(tmp_path, **ALL)) as container:
        before = stated(container.store)
        (case,) = shown.cases(container.store)
        container.store.append(batch(log(5, trace_id=trace_of(3), correlation_id="SO-3"))).result()
        assert stated(container.store) == before
        assert shown.cases(container.store)[0]["state"] == case["state"] == "open"


def test_records_of_now_are_joined_as_ever(container: Container) -> None:
    container.store.append(batch(*order(3, 0))).result()
    purge(container)
    container.store.append(batch(*order(6, SOON), success(SOON + 5, "SO-3"))).result()
    states = {case["correlation_id"]: case["state"] for case in shown.cases(container.store)}
    assert states == {"SO-3": "recovered", "SO-6": "open"}


def test_a_unit_that_is_made_again_keeps_what_removed_records_stated(container: Container) -> None:
    store = container.store
    worth = {"value_amount": 12, "value_currency": "EUR", "customer": "Acme"}
    store.append(batch(failure(0, "SO-1", **worth), success(60, "SO-1"))).result()
    purge(container)
    (kept,) = store.act(lambda tx: tx.execute("select * from unit")).result()
    named = {"trace_id": trace_of(9), "flow": "order-to-cash"}
    bad = {"severity_number": 17, "severity": "error", "step": "pay"}
    of_nobody = log(SOON, "no ID of its own", **named, **bad, span_id=f"{7:016x}")
    store.append(batch(span(SOON, SOON + 1, **named, correlation_id="SO-1"), of_nobody)).result()
    # The line belongs to another unit once its span is here: what it stated of SO-1 is taken back.
    store.append(batch(span(SOON, SOON + 1, **named, correlation_id="SO-7", span_id=f"{7:016x}"))).result()
    (now,) = store.act(lambda tx: tx.execute("select * from unit where correlation_id = 'SO-1'")).result()
    for name in (
        "first_seen",
        "opened_at",
        "customer",
        "value_amount",
        "first_failed_at",
        "first_completed_at",
    ):
        assert now[name] == kept[name], name
    assert now["errors"] >= kept["errors"]


# --- what goes and what does not --------------------------------------------------------------------


def test_nothing_goes_where_no_policy_is_set(tmp_path: Path) -> None:
    with app(local(tmp_path)) as container:
        container.store.append(batch(*order(1, 0))).result()
        with pytest.raises(ConflictError, match="No policy is set"):
            purge(container)
        container.retention.purge_if_due(container.as_system(), utc_now())
        assert left(container.store) == (1, 2)


def test_a_dry_run_counts_what_a_purge_then_removes(container: Container) -> None:
    for number in range(20):
        container.store.append(batch(*order(number, number * 900.0))).result()
    container.store.append(batch(*order(500, SOON))).result()
    held = perform(SetHold("correlation_id", "so-4", "case 12"), container.context(OWN))
    foreseen = {one.policy.data: one for one in policies.preview(container.context(OWN))}
    before = left(container.store)
    assert sum(band.rows for band in foreseen[LOGS].bands) == before[0]
    assert foreseen["audit"].would_remove == foreseen["figures"].would_remove == 0
    gone = purge(container)
    gone["payload"] = foreseen["payload"].would_remove
    assert gone == {data: foreseen[data].would_remove for data in gone}
    assert before[0] - left(container.store)[0] == gone[LOGS]
    assert before[1] - left(container.store)[1] == gone[SPANS]
    assert held


def test_what_is_held_stays_until_the_hold_is_lifted(container: Container) -> None:
    ctx, store = container.context(OWN), container.store
    nameless = log(3, "no ID of its own", trace_id=trace_of(1))
    store.append(batch(*order(1, 0), nameless, *order(2, 0), *order(4, 0, flow="returns"))).result()
    by_id = perform(SetHold("correlation_id", "so-1", "court"), ctx)
    by_flow = perform(SetHold("flow", "returns", "court"), ctx)
    with pytest.raises(ConflictError, match="is held since"):
        perform(SetHold("flow", "returns", "again"), ctx)
    age_cases(store)
    purge(container)
    assert left(store) == (3, 4)
    assert {one.message for one in units.unit(ctx.reading, "SO-1").logs} >= {"no ID of its own"}
    messages = {case["correlation_id"]: case["message"] for case in shown.cases(store)}
    assert {unit: message == REMOVED for unit, message in messages.items()} == {
        "SO-1": False, "SO-2": True, "SO-4": False,
    }  # fmt: skip
    perform(LiftHold(by_id, "settled"), ctx)
    purge(container)
    assert left(store) == (1, 2)
    perform(LiftHold(by_flow, "settled"), ctx)
    purge(container)
    assert left(store) == (0, 0)


def test_a_trace_that_goes_on_is_kept_whole(container: Container) -> None:
    edge = SOON - 7 * 86_400
    old = span(edge - 3600, edge - 3000, trace_id=trace_of(1))
    store = container.store
    store.append(batch(old, span(edge + 3600, edge + 3601, trace_id=trace_of(1)))).result()
    store.append(batch(span(edge - 3600, edge - 3000, trace_id=trace_of(2)))).result()
    purge(container)
    assert left(store)[1] == 2
    assert units.trace(container.context(OWN).reading, trace_of(1)).spans[0].start == at(edge - 3600)


def test_attributes_go_alone(tmp_path: Path) -> None:
    with app(local(tmp_path, UNSNAG_RETENTION__PAYLOAD_DAYS="7")) as container:
        store = container.store
        store.append(batch(*order(3, 0, attributes='{"customer.mail": "x"}'))).result()
        before = stated(store)
        assert purge(container) == {"payload": 3 - 1}
        assert stated(store) == before
        found = units.unit(container.context(OWN).reading, "SO-3")
        assert [one.attributes for one in found.records] == [{}] * 2
        store.append(batch(log(5, trace_id=trace_of(3), correlation_id="SO-3"))).result()
        assert shown.cases(store)[0]["state"] == "open"


def test_names_of_deliveries_go_with_their_records(container: Container) -> None:
    store = container.store
    store.append(batch(*order(1, 0))).result()
    store.append(batch(*order(2, SOON))).result()
    assert deliveries(store, ["SO-1"])
    purge(container)
    assert not deliveries(store, ["SO-1"])
    assert deliveries(store, ["SO-2"])
    assert units.unit(container.context(OWN).reading, "SO-2").spans


def test_ended_cases_lose_their_details_and_open_ones_do_not(container: Container) -> None:
    store = container.store
    secret = {"exception_message": "the very words", "stacktrace": "File secret", "data": '{"iban": "x"}'}
    store.append(
        batch(failure(0, "SO-1", **secret), failure(0, "SO-2", **secret), success(60, "SO-1"))
    ).result()
    age_cases(store)
    assert purge(container)["cases"] == 1
    tables = stated(store)
    kept = {table: str([row for row in rows if row.get("correlation_id") == "SO-1" or table == "x"])
            for table, rows in tables.items()}  # fmt: skip
    assert "the very words" not in kept["exception_case"] + kept["failure"]
    assert "File secret" not in kept["exception_case"] + kept["failure"]
    assert "the very words" in str(
        [row for row in tables["exception_case"] if row["correlation_id"] == "SO-2"]
    )
    store.append(batch(failure(SOON, "SO-1"))).result()
    assert {case["correlation_id"]: case["state"] for case in shown.cases(store)}["SO-1"] == "open"


# --- stopped and started ------------------------------------------------------------------------------


def test_a_purge_that_was_stopped_goes_on_and_counts_each_row_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "ROWS", 5)
    settings = local(tmp_path, **{name: days for name, days in ALL.items() if "CASES" not in name})
    with app(settings) as container:
        store = container.store
        for number in range(1, 25):
            store.append(batch(*order(number, number * 3600.0))).result()
        there = left(store)
        steps = iter(range(6))
        monkeypatch.setattr(
            Removing, "work", _until(lambda: next(steps, None) is None, container.retention._stopping)
        )
        container.retention.purge(container.context(OWN))
        assert 0 < sum(left(store)) < sum(there)
    monkeypatch.undo()
    with app(settings) as container:
        container.retention.purge_if_due(container.as_system(), utc_now())
        made = {one.data: one for one in policies.removals(container.store.everything())}
        assert (made[LOGS].removed, made[SPANS].removed) == there
        assert left(container.store) == (0, 0)
        verbs = [
            row["verb"]
            for row in container.store.act(
                lambda tx: tx.execute("select verb from audit where subject like 'purge:%' order by seq")
            ).result()
        ]
        assert verbs == ["purge started", *["purged"] * 4]


def _until(is_over: Any, stopping: threading.Event) -> Any:
    """Return `Removing.work` that is report to stop in the middle of a class."""
    whole = Removing.work

    def work(self: Removing, one: Any, size: int) -> bool:
        act = self._store.act

        def counted(work: Any) -> Any:
            if is_over():
                stopping.set()
            return act(work)

        self._store = _Through(self._store, counted)
        return whole(self, one, size)

    return work


class _Through:
    def __init__(self, store: Any, act: Any) -> None:
        self._store, self.act = store, act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_purge_is_due_once_a_day(container: Container) -> None:
    ctx, now = container.as_system(), utc_now()
    for hours in (0, 1, 23, 25):
        container.retention.purge_if_due(ctx, now + timedelta(hours=hours))
    runs = {one.run for one in policies.removals(container.store.everything())}
    assert len(runs) == 2


# --- where it is shown ----------------------------------------------------------------------------------


def test_rest_says_what_was_removed_and_who_may_see_holds(tmp_path: Path) -> None:
    with (
        team(tmp_path) as crew,
        crew.holder("root", Grant("admin")) as admin,
        crew.holder("vera", Grant("viewer")) as vera,
    ):
        crew.container.settings.retention.logs_days = 7
        crew.container.settings.retention.spans_days = 7
        crew.container.store.append(batch(*order(1, 0))).result()
        head = {"Origin": crew.address}
        made = admin.post(
            "/api/v1/retention/holds",
            json={"kind": "flow", "value": "returns", "reason": "court"},
            headers=head | {"Idempotency-Key": "1"},
        )
        assert made.status_code == 200, made.text
        assert (
            vera.post("/api/v1/retention/purge", headers=head | {"Idempotency-Key": "2"}).status_code == 403
        )
        assert vera.get("/api/v1/retention/preview").status_code == 403
        seen = admin.get("/api/v1/retention/preview").json()["items"]
        assert {one["policy"]["data"]: one["would_remove"] for one in seen}["spans"] == 2
        done = admin.post("/api/v1/retention/purge", headers=head | {"Idempotency-Key": "3"})
        assert {one["data"]: one["removed"] for one in done.json()["items"]} == {"logs": 1, "spans": 2}
        unit = vera.get("/api/v1/units/SO-1").json()
        assert unit["state"] == "recovered"
        assert [one["data"] for one in unit["removed"]] == ["logs", "spans"]
        gone = vera.get(f"/api/v1/traces/{trace_of(1)}")
        assert gone.status_code == 410
        assert "Details removed on" in gone.json()["detail"]
        assert "SO-1" in gone.json()["detail"]
        assert vera.get(f"/api/v1/traces/{TRACE}").status_code == 404
        assert len(admin.get("/api/v1/retention").json()["holds"]) == 1
        assert vera.get("/api/v1/retention").json()["holds"] == []
        assert [hit["id"] for hit in vera.get("/api/v1/search", params={"q": "so-1"}).json()["items"]] == [
            "SO-1"
        ]
