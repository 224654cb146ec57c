"""Quotas: one sender or tenant fills at most its share of a day, and nothing that is refused is lost."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from streamlit.testing.v1 import AppTest

from access import roles
from access.roles import Grant
from collectors import quotas
from collectors.quotas import Quotas, QuotaSettings, QuotaUsedError
from data.clock import utc_now
from data.store import Store
from server import container as containers
from server.settings import load
from tests.app import app
from tests.server.team import Serving, Team, team
from tests.telemetry import batch, log
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from server.container import Container

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def address() -> str:
    """Return a server of this module's own."""
    return Serving().address


@contextmanager
def limited(folder: Path, address: str, **limits: int) -> Iterator[Team]:
    """Run a center with quotas."""
    with team(folder, collectors={"quotas": limits}) as made:
        made.address = address
        yield made


def body(*names: str, tenant: str | None = None) -> bytes:
    """Return a request of one log record a name."""
    of_tenant = [{"key": "unsnag.tenant", "value": {"stringValue": tenant}}] if tenant else []
    records = [
        {"timeUnixNano": "1763000000000000000", "body": {"stringValue": name}, "attributes": of_tenant}
        for name in names
    ]
    return orjson.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})


def post(crew: Team, token: str, content: bytes) -> httpx.Response:
    """Send a request with a token."""
    with crew.as_token(token) as http:
        return http.post("/v1/logs", content=content, headers=JSON)


def names(store: Store) -> list[str]:
    """Return the messages of all records, oldest arrival first."""
    rows = store.act(lambda tx: tx.execute("select message from log order by message")).result()
    return [row["message"] for row in rows]


def uses(crew: Team) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return what was used and refused, by kind and name."""
    found = crew.container.quotas.uses()
    return {(o.kind, o.name): (o.records, o.refused_requests, o.refused_records) for o in found}


def test_a_sender_over_its_quota_is_refused_as_a_whole_and_others_go_on(tmp_path: Path, address: str) -> None:
    with limited(tmp_path, address, sender_records=3) as crew:
        shop, books = (crew.token(name, Grant(roles.SENDER)) for name in ("shop", "books"))
        assert post(crew, shop, body("a", "b")).status_code == 200
        refused = post(crew, shop, body("c", "d"))
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 900
        assert refused.json()["code"] == 8
        assert "quota of 3 records a day for this sender" in refused.json()["message"]
        assert post(crew, shop, body("e")).status_code == 200, "what still fits comes in"
        assert post(crew, shop, body("f")).status_code == 429
        assert post(crew, books, body("g", "h")).status_code == 200
        assert names(crew.container.store) == ["a", "b", "e", "g", "h"]
        kinds = {name: sums for (kind, name), sums in uses(crew).items() if kind == "sender"}
        assert sorted(kinds.values()) == [(2, 0, 0), (3, 2, 3)]


def test_a_request_over_the_quota_of_a_day_is_too_large(tmp_path: Path, address: str) -> None:
    with limited(tmp_path, address, sender_records=3) as crew:
        token = crew.token("shop", Grant(roles.SENDER))
        answer = post(crew, token, body("a", "b", "c", "d"))
        assert answer.status_code == 413
        assert "Send less in each" in answer.json()["message"]
        assert "Retry-After" not in answer.headers
        assert names(crew.container.store) == []
        assert post(crew, token, body("a", "b", "c")).status_code == 200


def test_a_tenant_over_its_quota_stops_no_other(tmp_path: Path, address: str) -> None:
    with limited(tmp_path, address, tenant_records=2) as crew:
        token = crew.token("gateway", Grant(roles.SENDER))
        assert post(crew, token, body("a", "b", tenant="acme")).status_code == 200
        answer = post(crew, token, body("c", tenant="acme"))
        assert answer.status_code == 429
        assert "tenant acme is used up" in answer.json()["message"]
        assert post(crew, token, body("d", tenant="globex")).status_code == 200
        assert post(crew, token, body("e")).status_code == 200
        assert names(crew.container.store) == ["a", "b", "d", "e"]
        assert uses(crew)["tenant", "acme"] == (2, 1, 1)


def test_bytes_count_and_so_does_a_body_that_cannot_be_read(tmp_path: Path, address: str) -> None:
    with limited(tmp_path, address, sender_mb=1) as crew:
        token = crew.token("shop", Grant(roles.SENDER))
        assert post(crew, token, body(*(f"{n:02}{'x' * 50_000}" for n in range(20)))).status_code == 200
        # Of a body that cannot be read 64 KB are kept.
        assert post(crew, token, b"{" * 500_000).status_code == 429
        assert post(crew, token, b"{" * 1000).status_code == 400
        (one,) = crew.container.quotas.uses()
        assert 1_001_000 < one.bytes < 1_010_000


def test_the_use_of_a_day_survives_a_restart_and_ends_with_the_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = QuotaSettings(sender_records=5)
    store = Store.open(tmp_path)
    first = Quotas(store, settings)
    store.append(first.take("shop", batch(*(log(number) for number in range(4))))).result()
    with pytest.raises(QuotaUsedError):
        first.take("shop", batch(log(10), log(11)))
    store.append(first.take("shop", batch(log(12)))).result()
    store.close()
    store = Store.open(tmp_path)
    again = Quotas(store, settings)
    with pytest.raises(QuotaUsedError):
        again.take("shop", batch(log(13)))
    assert [(one.records, one.refused_requests) for one in again.uses()] == [(5, 2)]
    tomorrow = utc_now() + timedelta(days=1)
    monkeypatch.setattr(quotas, "utc_now", lambda: tomorrow)
    assert again.uses() == []
    store.append(again.take("shop", batch(log(13)))).result()
    assert [one.records for one in again.uses()] == [1]
    store.close()


def test_a_batch_that_was_not_committed_uses_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    counted = Quotas(store, QuotaSettings(sender_records=2))
    taken = counted.take("shop", batch(log(1), log(2)))
    counted.give_back(taken)
    assert [one.records for one in counted.uses()] == [0]
    store.append(counted.take("shop", batch(log(1), log(2)))).result()
    store.close()


# --- files ----------------------------------------------------------------------------------------


def write(file: Path, first: int, last: int) -> None:
    """Append lines to a file of the spool."""
    line = '{{"event":"l-{0:05}","level":"info","timestamp":"2026-11-16T09:00:00Z"}}\n'
    with file.open("a") as out:
        out.writelines(line.format(number) for number in range(first, last))


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Container]:
    """A center that follows a spool of which a day takes 20 records."""
    given = ["--data", str(tmp_path / "store"), "--spool", str(tmp_path / "spool")]
    (tmp_path / "spool").mkdir()
    with app(load(given, {"UNSNAG_COLLECTORS__QUOTAS__SENDER_RECORDS": "20"})) as container:
        assert container.collectors is not None
        container.collectors.start()
        yield container
        container.collectors.stop()


def test_a_source_that_reads_files_pauses_says_so_and_loses_nothing(
    reading: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "spool" / "script-1.jsonl"
    write(file, 0, 20)
    eventually(lambda: len(names(reading.store)) == 20)
    write(file, 20, 40)

    def paused() -> bool:
        (spool,) = [one for one in reading.sources() if one.name == "spool"]
        return "quota of 20 records a day" in spool.reason

    eventually(paused, lambda: reading.sources()[0].reason)
    (spool,) = [one for one in reading.sources() if one.name == "spool"]
    assert (spool.state, spool.unread_bytes > 0) == ("stalled", True)
    assert "[collectors.quotas]" in spool.next_step
    assert len(names(reading.store)) == 20
    page = AppTest.from_string("from views import collectors; collectors.page()", default_timeout=30).run()
    shown = page.dataframe[-1].value
    assert list(shown["State"]) == ["used up"]
    assert list(shown["Records"]) == ["20 of 20"]
    assert containers.current() is reading
    tomorrow = utc_now() + timedelta(days=1)
    monkeypatch.setattr(quotas, "utc_now", lambda: tomorrow)
    eventually(lambda: len(names(reading.store)) == 40)
    assert names(reading.store) == [f"l-{number:05}" for number in range(40)]


def test_rest_lists_the_use_to_those_who_may_see_everything(tmp_path: Path, address: str) -> None:
    with limited(tmp_path, address, sender_records=9, tenant_mb=1) as crew:
        post(crew, crew.token("shop", Grant(roles.SENDER)), body("a", tenant="acme"))
        whole, part = crew.holder("ann", Grant(roles.VIEWER)), crew.holder("eve", Grant(roles.VIEWER, "acme"))
        with whole, part:
            items: list[dict[str, Any]] = whole.get("/api/v1/quotas").json()["items"]
            assert [(one["kind"], one["records"], one["max_records"]) for one in items] == [
                ("sender", 1, 9), ("tenant", 1, None),
            ]  # fmt: skip
            assert part.get("/api/v1/quotas").json()["items"] == []
