"""Sources over REST and in the metrics: what is unread, and the state of each as text."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from collectors.backlog import Backlog
from collectors.pauses import Pauses
from collectors.source import Source
from collectors.sources import Sources
from collectors.status import Counts
from collectors.supervisor import Supervised
from data.clock import micros, utc_now
from data.records import SourceItem
from server.settings import load
from tests.telemetry import at, batch, log
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from data.store import Store
    from server.container import Container

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
LINE = b'{"event":"e","level":"info","timestamp":"2026-11-16T09:00:00Z"}\n'


@pytest.fixture
def started(container: Container) -> Iterator[Sources]:
    assert container.collectors is not None
    container.collectors.start()
    yield container.collectors
    container.collectors.stop()


def source(http: httpx.Client, name: str) -> dict[str, Any]:
    items = http.get("/api/v1/sources").json()["items"]
    return next(item for item in items if item["name"] == name)


def until(http: httpx.Client, name: str, **wanted: Any) -> dict[str, Any]:
    """Wait until a source shows these values."""

    def reached() -> dict[str, Any] | None:
        found = source(http, name)
        return found if wanted.items() <= found.items() else None

    return eventually(reached, lambda: source(http, name))


@pytest.mark.slow
@pytest.mark.usefixtures("started")
def test_what_is_unread_is_shown_over_rest_and_in_the_metrics(
    container: Container, http: httpx.Client, tmp_path: Path
) -> None:
    assert source(http, "spool")["state"] == "never_received"
    assert "no file matches" in source(http, "spool")["reason"]
    go = threading.Event()
    container.store.act(lambda _tx: go.wait(60))
    path = tmp_path / "spool/a.jsonl"
    path.write_bytes(LINE * 40_000)
    size = len(LINE) * 40_000
    waiting = until(http, "spool", unread_bytes=size)
    assert (waiting["state"], waiting["unread_files"], waiting["followed_files"]) == ("running", 1, 1)
    assert waiting["oldest_unread_at"] == "2026-11-16T09:00:00.000000Z"
    assert waiting["lag_s"] > 0
    (file,) = waiting["files"]
    assert (file["path"], file["size_bytes"], file["read_bytes"]) == (str(path), size, 0)
    text = http.get("/metrics").text
    assert f'unsnag_source_unread_bytes{{source="spool"}} {size}' in text
    assert f'unsnag_file_unread_bytes{{source="spool",file="{path}"}} {size}' in text
    assert 'unsnag_source_state{source="spool",state="running"} 1' in text
    lag = re.search(r'unsnag_file_lag_seconds\{source="spool",file="[^"]+"\} (\S+)', text)
    assert lag is not None
    assert float(lag[1]) >= waiting["lag_s"]
    go.set()
    done = until(http, "spool", unread_bytes=0, records=40_000)
    assert (done["state"], done["lag_s"], done["files"]) == ("running", 0, [])
    assert "unsnag_file_unread_bytes{" not in http.get("/metrics").text


def test_otlp_that_was_never_sent_anything_says_how_to_begin(http: httpx.Client) -> None:
    otlp = source(http, "otlp")
    assert (otlp["state"], otlp["lag_s"], otlp["unread_bytes"]) == ("never_received", 0, 0)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in otlp["next_step"]


def test_a_source_with_records_and_without_a_collector_says_so(
    container: Container, http: httpx.Client
) -> None:
    container.store.append(batch(source="gone")).result()
    gone = source(http, "gone")
    assert (gone["state"], gone["lag_s"]) == ("not_collected", None)


def test_clocks_that_are_off_are_listed_with_their_source(container: Container, http: httpx.Client) -> None:
    post(http, "alpha", fast_s=30)
    post(http, "beta", fast_s=-60)
    post(http, "gamma", fast_s=0)
    post(http, "delta", fast_s=400 * 86_400)
    clocks = source(http, "otlp")["clocks"]
    assert [(clock["name"], clock["is_host"], clock["arrivals"]) for clock in clocks] == [
        ("delta", True, 1),
        ("beta", True, 1),
        ("alpha", True, 1),
    ]
    expected = [400 * 86_400, -60, 30]
    assert [clock["fast_s"] for clock in clocks] == [pytest.approx(fast_s, abs=5) for fast_s in expected]
    assert source(http, "spool")["clocks"] == []
    age = "update clock set measured_at = measured_at - interval 25 hour"
    container.store.act(lambda tx: tx.execute(age)).result()
    assert source(http, "otlp")["clocks"] == []


def post(http: httpx.Client, host: str, *, fast_s: float) -> None:
    """Send one log record by OTLP from a host whose clock is off."""
    nanos = str(int((time.time() + fast_s) * 1e9))
    resource = {"attributes": [{"key": "host.name", "value": {"stringValue": host}}]}
    record = {"timeUnixNano": nanos, "body": {"stringValue": f"hello from {host}"}}
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}
    http.post("/v1/logs", json=body).raise_for_status()


def test_silent_is_decided_by_the_configured_time_or_the_usual_pause(store: Store, tmp_path: Path) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text(
        "[collectors]\nsilent_after_minutes = 30\n"
        f'[[collectors.jsonl]]\nname = "own"\npaths = "{tmp_path}/*.log"\nsilent_after_minutes = 90\n'
        "[collectors.otlp]\nsilent_after_minutes = 10\n"
    )
    sources = Sources(store, load(["--config", str(config)], {}).collectors, [tmp_path / "spool"])
    now = utc_now()
    kept = {name: Counts(name=name, last_ingested_at=now) for name in ("own", "spool", "otlp")}
    states = [
        {source.name: source.state for source in sources.sources(kept, now + timedelta(minutes=minutes))}
        for minutes in (9, 11, 31, 91)
    ]
    assert states == [
        {"spool": "running", "own": "running", "otlp": "running"},
        {"spool": "running", "own": "running", "otlp": "silent"},
        {"spool": "silent", "own": "running", "otlp": "silent"},
        {"spool": "silent", "own": "silent", "otlp": "silent"},
    ]


def test_the_usual_pause_is_the_longest_of_the_last_week(store: Store) -> None:
    def arrived(minute: int) -> dict[str, Any]:
        moment = micros(at(minute * 60))
        return log(minute, source="often", ingested_at=moment)

    now = at(40 * 60)
    store.append(batch(arrived(0), source="often")).result()
    assert Pauses(store).longest_s("often", now) is None, "one arrival has no pause"
    rows = [arrived(minute) for minute in (-20_000, 10, 30, 35)]
    store.append(batch(*rows, source="often")).result()
    assert Pauses(store).longest_s("often", now) == 20 * 60, "what is older than a week does not count"


def test_the_lag_over_rest_and_in_the_metrics_is_the_age_of_the_oldest_record(
    container: Container, http: httpx.Client, tmp_path: Path
) -> None:
    """Of a file that was written long after its records, and of one without times."""
    assert container.collectors is not None
    moment = utc_now() - timedelta(hours=2)
    line = f'{{"event":"e","timestamp":"{moment.isoformat()}"}}\n'.encode()
    (tmp_path / "spool/a.jsonl").write_bytes(line)
    (tmp_path / "spool/b.jsonl").write_bytes(b'{"event":"no time"}\n')
    go = threading.Event()
    container.store.act(lambda _tx: go.wait(60))
    container.collectors.start()
    try:
        found = until(http, "spool", unread_items=2)
        lag_s = (utc_now() - moment).total_seconds()
        assert found["lag_s"] == pytest.approx(lag_s, abs=10)
        assert found["oldest_unread_at"] == moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        by_file = {file["path"].rsplit("/", 1)[1]: file["lag_s"] for file in found["files"]}
        assert by_file["a.jsonl"] == pytest.approx(lag_s, abs=10)
        assert by_file["b.jsonl"] < 60
        text = http.get("/metrics").text
        shown = re.search(r'^unsnag_source_lag_seconds\{source="spool"\} (\S+)$', text, re.MULTILINE)
        assert shown is not None
        assert float(shown[1]) == pytest.approx(lag_s, abs=15)
        assert container.collectors.is_behind(utc_now())
        go.set()
        until(http, "spool", unread_items=0, lag_s=0)
        assert not container.collectors.is_behind(utc_now())
    finally:
        go.set()
        container.collectors.stop()


def test_a_source_is_behind_when_its_oldest_record_is_older_than_half_a_minute(container: Container) -> None:
    class Waiting(Source):
        name = kind = "waiting"

        def __init__(self, age_s: float) -> None:
            self.age_s = age_s

        def backlog(self) -> Backlog:
            return Backlog(items=1, oldest_item=NOW - timedelta(seconds=self.age_s))

    sources = Sources(container.store, container.settings.collectors)
    for age_s, behind in ((29, False), (30, False), (30.1, True), (3600, True)):
        sources._supervisor.add(Supervised(container.store, Waiting(age_s)))
        assert sources.is_behind(NOW) is behind


def test_what_sources_took_is_listed_by_pages(container: Container, http: httpx.Client) -> None:
    for number in range(3):
        made = batch(source="partner/a")
        made.items.append(SourceItem(f"{number}.csv", f"{number}" * 64, "1:1:1", 10, records=number))
        container.store.append(made).result()
    first = http.get("/api/v1/sources/partner/a/items", params={"limit": 2}).json()
    assert (first["total"], [item["name"] for item in first["items"]]) == (3, ["2.csv", "1.csv"])
    rest = http.get("/api/v1/sources/partner/a/items", params={"cursor": first["next"]}).json()
    (item,) = rest["items"]
    assert item == {
        "name": "0.csv", "digest": "0" * 64, "size": 10, "records": 0, "rejected": 0, "error": None,
        "same_as": None, "deliveries": 1, "taken_at": item["taken_at"],
    }  # fmt: skip
    assert http.get("/api/v1/sources/spool/items").json()["items"] == []
    for odd in ("%00", "a%2Fb%2F", "%ED%A0%80", "..%2F"):
        assert http.get(f"/api/v1/sources/{odd}/items").status_code in (200, 400, 404, 422), odd
