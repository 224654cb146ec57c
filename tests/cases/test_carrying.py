"""IDs that stand only in an attribute that no mapping names: look-up and search still find their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from cases import units
from cases.errors import UnitNotFoundError
from cases.intake import intake
from data.store import Reading, Store
from tests.telemetry import TRACE, at, batch, log, span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, intake)
    yield opened
    opened.close()


def carried(value: Any, name: str = "order.id") -> str:
    return orjson.dumps({"http.route": "/orders", name: value}).decode()


def ingest(store: Store, *rows: dict[str, Any]) -> Reading:
    store.append(batch(*rows)).result()
    return store.everything()


def test_a_look_up_finds_spans_and_logs_that_carry_the_id(store: Store) -> None:
    own = {"service": "nightly", "trace_id": TRACE}
    reading = ingest(
        store,
        span(0, 1, "send invoice", attributes=carried("SO-7"), **own),
        span(1, 2, "send invoice", attributes=carried("SO-70"), **own),
        log(3, "in an attribute", attributes=carried("so-7"), **own),
        log(4, "in the data", data=carried("SO-7"), service="nightly"),
        log(5, "SO-7 stands in the text only", service="nightly"),
        log(6, "as a name", attributes=carried(1, "SO-7"), service="nightly"),
    )
    found = units.unit(reading, "SO-7")
    assert (found.state, found.flows, found.cases, found.settling) == ("mentioned", (), (), ())
    assert [(one.name, one.trace_id) for one in found.spans] == [("send invoice", TRACE)]
    assert [one.message for one in found.logs] == ["in an attribute", "in the data"]
    assert (found.opened_at, found.last_seen, found.truncated) == (at(0), at(4), None)


def test_the_id_is_found_in_whatever_case_and_as_it_is_stored(store: Store) -> None:
    reading = ingest(store, span(0, 1, attributes=carried('SÖ-"7"\\x'), service="nightly"))
    assert units.unit(reading, 'sö-"7"\\X').correlation_id == 'SÖ-"7"\\x'
    (hit,) = units.search(reading, ' sö-"7"\\X ')
    assert (hit.kind, hit.id, hit.state) == ("unit", 'SÖ-"7"\\x', "mentioned")
    assert (hit.title, hit.time) == ("carried by 1 record", at(0))


@pytest.mark.parametrize("value", [4711, [1, 4711], [4711, 1], "4711", {"no": 4711}, ["4711"]])
def test_an_id_of_digits_is_found_as_a_number_and_in_lists(store: Store, value: Any) -> None:
    reading = ingest(store, span(0, 1, attributes=carried(value), service="nightly"))
    assert len(units.unit(reading, "4711").spans) == 1
    assert [hit.id for hit in units.search(reading, "4711")] == ["4711"]
    for other in ("471", "711", "47110"):
        with pytest.raises(UnitNotFoundError):
            units.unit(reading, other)


def test_an_event_of_a_span_carries_it_too(store: Store) -> None:
    events = orjson.dumps([{"name": "sent", "time": 0, "attributes": {"order.id": "SO-7"}}]).decode()
    reading = ingest(store, span(0, 1, events=events, service="nightly"))
    assert len(units.unit(reading, "SO-7").spans) == 1


@pytest.mark.parametrize("text", ["true", "null", ".*", "[:,\\[]", "", "%", "order.id", "1.5", "nightly"])
def test_what_is_no_value_of_an_attribute_is_not_found(store: Store, text: str) -> None:
    attributes = orjson.dumps({"order.id": "SO-7", "a": True, "b": None, "c": 1.5}).decode()
    reading = ingest(store, span(0, 1, attributes=attributes, resource=carried("nightly"), service="nightly"))
    with pytest.raises(UnitNotFoundError):
        units.unit(reading, text)
    assert units.search(reading, text) == []


def test_a_search_offers_it_before_units_that_only_begin_with_it(store: Store) -> None:
    reading = ingest(
        store,
        span(0, 1, role="unit", outcome="success", flow="orders", correlation_id="SO-70"),
        span(2, 3, attributes=carried("SO-7"), trace_id="b" * 32, service="nightly"),
    )
    assert [hit.id for hit in units.search(reading, "SO-7")] == ["SO-7", "SO-70"]
    assert [hit.id for hit in units.search(reading, "SO-70")] == ["SO-70"]


def test_what_lies_outside_the_scope_is_not_found(store: Store) -> None:
    ingest(store, span(0, 1, attributes=carried("SO-7"), tenant="acme", flow="orders", service="nightly"))
    globex, acme = Reading(store, ("globex\x1f*",)), Reading(store, ("acme\x1f*",))
    assert units.search(globex, "SO-7") == []
    with pytest.raises(UnitNotFoundError):
        units.unit(globex, "SO-7")
    assert len(units.unit(acme, "SO-7").spans) == 1


def test_a_trace_is_no_such_id(store: Store) -> None:
    reading = ingest(
        store,
        span(0, 1, service="nightly", correlation_id="SO-1", flow="orders"),
        log(1, "in an attribute", attributes=carried(TRACE, "caller.trace"), service="other"),
    )
    with pytest.raises(UnitNotFoundError):
        units.unit(reading, TRACE)
    assert {hit.kind for hit in units.search(reading, TRACE)} == {"trace"}


def test_the_newest_are_kept_and_counted(store: Store) -> None:
    reading = ingest(
        store, *(log(n, f"line {n}", attributes=carried("SO-7"), service="nightly") for n in range(2005))
    )
    found = units.unit(reading, "SO-7")
    assert (len(found.logs), found.logs[0].message) == (2000, "line 5")
    assert found.truncated == (0, 2005)


def test_older_records_are_asked_where_everything_is_asked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cases.carrying.NEWEST", 3)
    monkeypatch.setattr("cases.units.NEWEST", 3)
    ingest(store, span(0, 1, attributes=carried("SO-7"), service="nightly"))
    reading = ingest(
        store, *(log(n, attributes=carried(f"SO-{n}"), service="nightly") for n in range(10, 13))
    )
    assert [hit.id for hit in units.search(reading, "SO-7")] == ["SO-7"], "three of each kind are read"
    reading = ingest(store, *(span(n, n + 1, service="nightly") for n in range(20, 23)))
    assert units.search(reading, "SO-7") == []
    with pytest.raises(UnitNotFoundError, match=r"only the newest 3 spans .* everywhere=true"):
        units.unit(reading, "SO-7")
    assert [hit.id for hit in units.search(reading, "SO-7", everywhere=True)] == ["SO-7"]
    assert len(units.unit(reading, "SO-7", everywhere=True).spans) == 1
    with pytest.raises(UnitNotFoundError) as refused:
        units.unit(reading, "SO-8", everywhere=True)
    assert "newest" not in str(refused.value)
