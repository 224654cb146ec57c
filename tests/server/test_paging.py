"""Lists read page by page while rows come and go: a row that is there all the time is seen exactly once."""

from __future__ import annotations

import base64
import random
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from cases.ordering import KEYS
from data.clock import micros
from data.records import Quarantined
from tests.kpis.tables import Tables, at
from tests.telemetry import START, TRACE, batch, log, span

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from server.container import Container

pytestmark = [pytest.mark.slow]

LONG = {"from": "2026-01-01T00:00:00Z"}
ROWS = 14
SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class Listing:
    """A list of REST, how its n-th row is made, and which columns of which tables name a row."""

    path: str
    add: Callable[[Container, Tables, int], None]
    name: str
    """The field of an item that sets it apart from others; empty: all of it does."""
    tables: tuple[str, ...] = ()
    column: str = ""
    params: dict[str, str] = field(default_factory=dict)


def add_case(_: Container, tables: Tables, n: int) -> None:
    ended = {"resolved": 3 + n % 2} if n % 5 == 4 else {}
    tables.case(
        f"c{n:03}", f"SO-{n % 4}", opened=n % 2, value=(None, "5 EUR", "5 EUR", "20 EUR")[n % 4],
        severity=SEVERITIES[n % 3], attempts=n % 2, occurrences=1 + n % 2, last_seen=at(n % 2),
        due_at=None if n % 3 else at(9), triage_due_at=at(2) if n % 6 == 0 else None,
        tenant=("acme", "umbrella", None)[n % 3], **ended,
    )  # fmt: skip


def add_entry(_: Container, tables: Tables, n: int) -> None:
    tables.act("c1", hash="h", prev_hash="p", reason=f"entry {n}")


def add_quarantined(container: Container, _: Tables, n: int) -> None:
    made = batch()
    made.quarantined.append(
        Quarantined("spool", "no JSON", 1_000_000 * (n % 2), b"{", id=f"q{n * 7 % 50:03}")
    )
    container.store.append(made).result()


def add_item(_: Container, tables: Tables, n: int) -> None:
    row = {"source": "drop", "name": f"{n % 2}.csv", "digest": f"{n * 7 % 50:064}", "stamp": "1"}
    row |= {"size": 1, "records": 1, "rejected": 0, "deliveries": 1, "taken_at": at(n % 2)}
    tables._insert("source_item", row)


def add_log(container: Container, _: Tables, n: int) -> None:
    container.store.append(batch(log(n % 2, f"line {n}"))).result()


def add_trace(container: Container, _: Tables, n: int) -> None:
    trace = f"{n * 7 % 50:032x}"
    container.store.append(batch(span(n % 2, 3, trace_id=trace), span(2, 3, trace_id=trace))).result()


def add_unit(_: Container, tables: Tables, n: int) -> None:
    name, tenant, flow = f"SO-{n // 3}", ("acme", "umbrella", None)[n % 3], f"flow {n:02}"
    value = (None, "5 EUR")[n // 6 % 2]
    ends = {"done": 30.0} if n // 3 % 2 else {"failed": 31.0}
    tables.unit(name, opened=20, value=value, tenant=tenant, flow=flow, **ends)
    if "failed" in ends:
        tables.case(f"c{n:03}", name, opened=25, value=value, tenant=tenant, flow=flow)


LISTS = {
    "audit": Listing("audit", add_entry, "seq", ("audit",), "seq"),
    "quarantine": Listing("quarantine", add_quarantined, "id", ("quarantine",), "id"),
    "items": Listing("sources/drop/items", add_item, "digest", ("source_item",), "digest"),
    "logs": Listing("logs", add_log, "message", ("log",), "message", LONG),
    "traces": Listing("traces", add_trace, "trace_id", ("span",), "trace_id", LONG),
    "flows": Listing("flows", add_unit, "name", ("unit", "exception_case"), "flow"),
    **{
        f"cases by {order}": Listing("cases", add_case, "id", ("exception_case",), "id", params)
        for order, params in (
            ("urgency", {}),
            *((f"{key}.{way}", {"sort": f"{key}.{way}"}) for key in KEYS for way in ("asc", "desc")),
        )
    },
    **{
        f"rows of {kpi}": Listing(
            f"kpis/{kpi}/rows", add_unit, "", ("unit", "unit_signal", "exception_case"), "flow", week
        )
        for kpi, week in ((name, {"week": "2026-W10"}) for name in ("K1", "K6", "K8", "K15", "K16", "K43"))
    },
}


@pytest.fixture
def tables(container: Container) -> Tables:
    return Tables(container.store)


def read(http: httpx.Client, listing: Listing, **more: Any) -> dict[str, Any]:
    asked = {**listing.params, **{name: str(value) for name, value in more.items()}}
    return dict(http.get(f"/api/v1/{listing.path}", params=asked).raise_for_status().json())


def names(page: dict[str, Any], listing: Listing) -> list[Any]:
    return [
        item[listing.name] if listing.name else orjson.dumps({**item, "seconds": 0}) for item in page["items"]
    ]


def remove(tables: Tables, listing: Listing, value: Any) -> None:
    if not listing.name:
        value = orjson.loads(value)["flow"]
    for table in listing.tables:
        text = f"delete from {table} where {listing.column} = $value"  # noqa: S608 - names are this file's
        tables.store.act(partial(_execute, text, value)).result()


def _execute(text: str, value: Any, tx: Any) -> None:
    tx.execute(text, {"value": value})


@pytest.mark.parametrize("named", LISTS)
def test_what_stays_is_seen_once_while_rows_come_and_go(
    container: Container, http: httpx.Client, tables: Tables, named: str
) -> None:
    listing, chance = LISTS[named], random.Random(named)
    for n in range(ROWS):
        listing.add(container, tables, n)
    there = names(read(http, listing, limit=1_000), listing)
    assert len(there) == len(set(there)) > ROWS / 4, "each row has a name of its own"
    stays, seen, added = set(there), Counter[Any](), ROWS
    page = read(http, listing, limit=3)
    order = names(page, listing)
    while page["next"]:
        for _ in range(2):
            listing.add(container, tables, added)
            added += 1
        gone = chance.choice(sorted(stays))
        remove(tables, listing, gone)
        stays.discard(gone)
        page = read(http, listing, limit=3, cursor=page["next"])
        order += names(page, listing)
        assert page["total"] == read(http, listing, limit=1)["total"], "of the whole list"
    seen.update(order)
    assert {name: seen[name] for name in stays} == dict.fromkeys(stays, 1)
    assert [name for name in order if name in stays] == [name for name in there if name in stays]
    assert max(seen.values()) == 1, "nor is any other seen twice"


def test_a_cursor_counts_for_its_own_list_filter_and_order_only(
    container: Container, http: httpx.Client, tables: Tables
) -> None:
    for n in range(5):
        add_case(container, tables, n)
    cursor = http.get("/api/v1/cases?limit=2&sort=value").json()["next"]
    assert http.get("/api/v1/cases", params={"limit": 3, "sort": "value", "cursor": cursor}).is_success
    for other in ("cases?sort=due&", "cases?", "cases?sort=value&state=open&", "audit?", "quarantine?"):
        refused = http.get(f"/api/v1/{other}cursor={cursor}")
        assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
        assert "another filter or order" in refused.json()["detail"]


NO_CURSORS = (
    base64.urlsafe_b64encode(b"50").decode(),
    "",
    "AQ",
    "é",
    "AAAA====",
    base64.urlsafe_b64encode(b"\x01" + b"\x7f" * 8 + b"digest.." + b"place").decode(),
    base64.urlsafe_b64encode(b"\x01" + b"\x00" * 8 + b"digest.." + b"place").decode(),
    base64.urlsafe_b64encode(b"\x02" + b"\x00" * 16 + b"place").decode(),
)


def test_what_is_no_cursor_is_refused(http: httpx.Client) -> None:
    for path in ("cases", "audit", "logs", "groups", "batches", "flows", "actions"):
        for cursor in NO_CURSORS:
            refused = http.get(f"/api/v1/{path}", params={"cursor": cursor})
            kind = refused.headers["content-type"]
            assert (refused.status_code, kind) == (400, "application/problem+json"), cursor
            assert "not a cursor of this server" in refused.json()["detail"]


def test_a_place_that_somebody_made_up_is_one_more_place(
    container: Container, http: httpx.Client, tables: Tables
) -> None:
    for n in range(5):
        add_case(container, tables, n)
    cursor = http.get("/api/v1/cases?limit=2").json()["next"]
    head = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[:17]
    for place, left in ((b"\x00", 5), (b"\xff", 0), (b"'; drop table log; --", 0)):
        made_up = base64.urlsafe_b64encode(head + place).decode().rstrip("=")
        answer = http.get("/api/v1/cases", params={"cursor": made_up})
        assert (answer.status_code, len(answer.json()["items"]), answer.json()["total"]) == (200, left, 5)


def test_ids_of_any_length_make_cursors_that_come_back(http: httpx.Client, tables: Tables) -> None:
    for n in range(4):
        tables.case(f"c{n}", "é" * 3_000 + f"{n}", flow="f" * 3_000, step="s" * 3_000)
    page, seen = read(http, LISTS["cases by unit.asc"], limit=1), list[str]()
    while page["next"]:
        seen += names(page, LISTS["cases by unit.asc"])
        page = read(http, LISTS["cases by unit.asc"], limit=1, cursor=page["next"])
    assert sorted([*seen, *names(page, LISTS["cases by unit.asc"])]) == ["c0", "c1", "c2", "c3"]


def test_all_records_of_a_unit_are_reached_page_by_page(container: Container, http: httpx.Client) -> None:
    named = {"correlation_id": "SO-1", "flow": "orders"}
    root = span(0, 9, "order", span_id="a" * 16, role="unit", outcome="success", **named)
    calls = [span(1 + n % 2, 3, f"call {n}", parent_span_id="a" * 16) for n in range(7)]
    lines = [log(1 + n % 2, f"line {n}", trace_id=TRACE, span_id="a" * 16) for n in range(7)]
    elsewhere = [span(1, 2, "elsewhere", trace_id="e" * 32), log(1, "elsewhere")]
    container.store.append(batch(root, *calls, *lines, *elsewhere)).result()
    whole = http.get("/api/v1/units/SO-1").json()
    assert (len(whole["spans"]), len(whole["logs"])) == (8, 7)
    for kind in ("spans", "logs"):
        listing = Listing(f"units/SO-1/{kind}", add_log, "")
        page = read(http, listing, limit=3)
        found = page["items"]
        while page["next"]:
            late = {"time": micros(START), "trace_id": TRACE, "correlation_id": "SO-1", "flow": "orders"}
            container.store.append(batch(log(len(found), "late", **late))).result()
            page = read(http, listing, limit=3, cursor=page["next"])
            found += page["items"]
        assert [item for item in found if item.get("message") != "late"] == whole[kind]
        assert page["total"] >= len(found)
    assert http.get("/api/v1/units/SO-404/spans").status_code == 404


@pytest.mark.parametrize(
    "time", ["0001-01-02", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "2200-01-01"]
)
@pytest.mark.parametrize(
    "place", ["kpis?to", "kpis?from", "markers?to", "traces?to", "logs?from", "audit?to"]
)
def test_a_time_that_nothing_is_computed_for_is_refused_in_words(
    http: httpx.Client, place: str, time: str
) -> None:
    answer = http.get(f"/api/v1/{place}={time}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert time.partition("T")[0] in answer.json()["detail"]
