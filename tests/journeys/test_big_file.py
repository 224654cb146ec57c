"""One big file across a kill: every line arrives once, and how much is left is shown meanwhile.

`make test-integration` reads 2.2 million lines; the quick form of the same journey reads 80,000.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from data.store import Store
from tests.journeys.serving import Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL, LARGE = 80_000, 2_200_000


def _write(path: Path, count: int) -> int:
    """Write a file as a busy shop's would be, and return its size."""
    with path.open("w", buffering=1 << 20) as file:
        for number in range(count):
            hour, rest = divmod(number // 40, 3600)
            stamp = f"2026-11-20T{hour:02}:{rest // 60:02}:{rest % 60:02}.{number % 40:02}Z"
            file.write(
                f'{{"timestamp":"{stamp}","level":"info","event":"line {number}","logger":"shop",'
                f'"unsnag.flow":"order-to-cash","unsnag.correlation_id":"SO-{number // 50}"}}\n'
            )
    return path.stat().st_size


def _spool(server: Server) -> dict[str, Any]:
    items = server.get("/api/v1/sources")["items"]
    found: dict[str, Any] = next(item for item in items if item["name"] == "spool")
    return found


def _wait(server: Server, holds: Callable[[dict[str, Any]], bool], within_s: float) -> dict[str, Any]:
    def reached() -> dict[str, Any] | None:
        with suppress(httpx.TransportError):
            spool = _spool(server)
            return spool if holds(spool) else None
        return None

    return eventually(reached, within_s=within_s)


def _arrives(folder: Path, count: int, within_s: float) -> None:
    server = Server(folder)
    server.spool.mkdir(parents=True)
    size = _write(server.spool / "big.jsonl", count)
    began = time.monotonic()
    server.start()
    try:
        reading = _wait(
            server,
            lambda spool: spool["records"] > count // 4 and spool["unread_bytes"] < size,
            within_s,
        )
        assert reading["unread_bytes"] > 0
        assert (reading["state"], reading["files"][0]["size_bytes"]) == ("running", size)
        assert reading["oldest_unread_at"].startswith("2026-11-20T")
        server.kill()
        killed_at = time.monotonic()
        server.start()
        resumed = _spool(server)
        assert resumed["records"] >= reading["records"], "what was committed is there"
        done = _wait(server, lambda spool: spool["records"] == count and not spool["unread_bytes"], within_s)
        took = time.monotonic() - began
    finally:
        server.stop()
    assert (done["state"], done["lag_s"], done["quarantined"]) == ("running", 0, 0)
    assert done["duplicates"] == 0, "reading went on where the last commit was"
    _check(server, count)
    sys.stdout.write(
        f"\n{count:,} lines, {size / 1e6:.0f} MB in {took:.1f} s with a kill after "
        f"{reading['records']:,} records ({killed_at - began:.1f} s): {count / took:,.0f} lines/s\n"
    )


def _check(server: Server, count: int) -> None:
    store = Store.open(server.data)
    try:
        (row,) = store.act(
            lambda tx: tx.execute("select count(*) as n, count(distinct message) as kinds from log")
        ).result()
    finally:
        store.close()
    assert row == {"n": count, "kinds": count}


@pytest.mark.fault
def test_a_big_file_arrives_completely_and_once_across_a_kill(tmp_path: Path) -> None:
    _arrives(tmp_path, SMALL, within_s=60)


@pytest.mark.integration
@pytest.mark.timeout(1800)
def test_two_million_lines_in_one_file_arrive_completely_and_once_across_a_kill(tmp_path: Path) -> None:
    _arrives(tmp_path, LARGE, within_s=1200)
