"""Sources over REST and in the metrics: what is unread, and the state of each in words."""

from __future__ import annotations

import re
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from collectors.pauses import Pauses
from collectors.sources import Sources
from data.clock import micros, utc_now
from server.settings import load
from tests.telemetry import at, batch, log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from data.store import Store
    from server.center import Center

LINE = b'{"event":"e","level":"info","timestamp":"2026-11-16T09:00:00Z"}\n'


@pytest.fixture
def started(center: Center) -> Iterator[Sources]:
    assert center.collecting is not None
    center.collecting.start()
    yield center.collecting
    center.collecting.stop()


def source(http: httpx.Client, name: str) -> dict[str, Any]:
    items = http.get("/api/v1/sources").json()["items"]
    return next(item for item in items if item["name"] == name)


def until(http: httpx.Client, name: str, **wanted: Any) -> dict[str, Any]:
    """Wait until a source shows these values."""
    end = time.monotonic() + 15
    while True:
        found = source(http, name)
        if all(found[key] == value for key, value in wanted.items()):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.usefixtures("started")
def test_what_is_unread_is_shown_over_rest_and_in_the_metrics(
    center: Center, http: httpx.Client, tmp_path: Path
) -> None:
    assert source(http, "spool")["state"] == "never_received"
    assert "no file matches" in source(http, "spool")["reason"]
    go = threading.Event()
    center.store.act(lambda _tx: go.wait(60))
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


def test_a_source_with_records_and_without_a_collector_says_so(center: Center, http: httpx.Client) -> None:
    center.store.append(batch(source="gone")).result()
    gone = source(http, "gone")
    assert (gone["state"], gone["lag_s"]) == ("not_collected", None)


def test_clocks_that_are_off_are_listed_with_their_source(center: Center, http: httpx.Client) -> None:
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
    center.store.act(lambda tx: tx.execute(age)).result()
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
    sources = Sources(store, load(["--config", str(config)], {}).collectors, tmp_path / "spool")
    now = utc_now()
    kept = {name: {"last_ingested_at": now.replace(tzinfo=None)} for name in ("own", "spool", "otlp")}
    states = [
        {row["name"]: row["state"] for row in sources.sources(kept, now + timedelta(minutes=minutes))}
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
    assert Pauses(store).longest_s("often", now) is None, "one arrival tells nothing"
    rows = [arrived(minute) for minute in (-20_000, 10, 30, 35)]
    store.append(batch(*rows, source="often")).result()
    assert Pauses(store).longest_s("often", now) == 20 * 60, "what is older than a week does not count"
