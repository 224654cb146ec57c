"""The server is killed at random moments, again and again: what it acknowledged is there, once."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from data.store import Store
from tests.journeys.serving import Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

BATCH = 20


@dataclass
class Ledger:
    """What was sent, what was acknowledged."""

    sent: list[list[str]] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    claimed: set[str] = field(default_factory=set)
    resolved: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    """What the sender got instead of 200, for the message of a failure."""


def _record(name: str, *, error: bool) -> dict[str, Any]:
    attributes = {"unsnag.flow": "kill", "unsnag.step": "s", "unsnag.correlation_id": name}
    return {
        "timeUnixNano": str(time.time_ns()),
        "severityNumber": 17 if error else 9,
        "body": {"stringValue": name},
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }


def _send(server: Server, ledger: Ledger, stop: threading.Event) -> None:
    unanswered: tuple[list[str], dict[str, Any]] | None = None
    with httpx.Client(base_url=server.address, timeout=5) as http:
        while not stop.is_set():
            if unanswered is None:
                names = [f"K-{uuid.uuid4().hex}" for _ in range(BATCH)]
                records = [_record(name, error=index == 0) for index, name in enumerate(names)]
                unanswered = names, {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
                ledger.sent.append(names)
            try:
                answer = http.post("/v1/logs", json=unanswered[1])
            except Exception as error:  # noqa: BLE001 - any error is reported, and the batch is sent again
                ledger.refused.append(repr(error))
                time.sleep(0.05)  # killed: the same batch goes again when it is back
                continue
            if answer.status_code == 200:
                ledger.acknowledged += unanswered[0]
                unanswered = None
            else:
                ledger.refused.append(f"{answer.status_code} {answer.text[:200]}")
                time.sleep(0.05)


def _act(server: Server, ledger: Ledger, stop: threading.Event) -> None:
    with httpx.Client(base_url=server.address, timeout=5) as http:
        while not stop.is_set():
            try:
                _act_once(http, ledger)
                time.sleep(0.02)
            except httpx.TransportError:
                time.sleep(0.05)


def _act_once(http: httpx.Client, ledger: Ledger) -> None:
    for case in http.get("/api/v1/cases", params={"state": "open", "limit": 5}).json().get("items", []):
        key = uuid.uuid4().hex
        for _ in range(2):  # a double click
            if (
                http.post(f"/api/v1/cases/{case['id']}/claim", headers={"Idempotency-Key": key}).status_code
                == 200
            ):
                ledger.claimed.add(case["id"])
        if random.random() < 0.5:
            body = {"code": "false_alarm", "reason": "Raised by a test"}
            path = f"/api/v1/cases/{case['id']}/resolve"
            if http.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex}).status_code == 200:
                ledger.resolved.add(case["id"])


def _write_spool(server: Server, ledger: Ledger, stop: threading.Event) -> None:
    server.spool.mkdir(parents=True, exist_ok=True)
    with (server.spool / "script-1.jsonl").open("a") as file:
        while not stop.is_set():
            name = f"L-{uuid.uuid4().hex}"
            line = {
                "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "level": "info",
                "event": name,
            }
            file.write(json.dumps(line | {"unsnag.flow": "kill", "unsnag.correlation_id": name}) + "\n")
            file.flush()
            ledger.lines.append(name)
            time.sleep(0.002)


@pytest.mark.fault
@pytest.mark.timeout(900)
@pytest.mark.parametrize("rounds", [10, pytest.param(30, marks=pytest.mark.integration)])
def test_kills_lose_nothing_and_double_nothing(tmp_path: Path, rounds: int) -> None:
    server, ledger, stop = Server(tmp_path), Ledger(), threading.Event()
    threads = [
        threading.Thread(target=work, args=(server, ledger, stop)) for work in (_send, _act, _write_spool)
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in range(rounds):
            server.start()
            _wait_for_work(ledger, len(ledger.acknowledged))
            time.sleep(random.uniform(0.05, 1.2))
            server.kill()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    server.start()
    _wait_for_lines(server, ledger.lines[-1])
    server.stop()
    _check(server, ledger, rounds)


def _wait_for_work(ledger: Ledger, before: int) -> None:
    """Wait until this round has acknowledged something: a slow machine must not kill an idle server."""
    eventually(lambda: len(ledger.acknowledged) > before, lambda: ledger.refused[-3:])


def _wait_for_lines(server: Server, last: str) -> None:
    unit = f"{server.address}/api/v1/units/{last}"
    eventually(lambda: httpx.get(unit, timeout=30).status_code == 200)


def _check(server: Server, ledger: Ledger, rounds: int) -> None:
    store = Store.open(server.data)
    try:
        counted = store.act(
            lambda tx: tx.execute("select message, count(*) as n from log group by all")
        ).result()
        acts = store.act(
            lambda tx: tx.execute(
                "select case_id, verb, count(*) as n from audit where case_id is not null group by all"
            )
        ).result()
    finally:
        store.close()
    present = {row["message"]: row["n"] for row in counted}
    known = {name for names in ledger.sent for name in names} | set(ledger.lines)
    assert len(ledger.acknowledged) >= rounds * BATCH, f"the rounds did real work: {ledger.refused[-3:]}"
    assert ledger.claimed
    assert not [name for name in [*ledger.acknowledged, *ledger.lines] if name not in present], "lost"
    assert not [name for name, n in present.items() if n != 1 and name in known], "doubled"
    done = {(row["case_id"], row["verb"]): row["n"] for row in acts}
    assert all(done.get((case, "claimed")) == 1 for case in ledger.claimed)
    assert all(done.get((case, "resolved")) == 1 for case in ledger.resolved)
    assert all(n == 1 for (_case, verb), n in done.items() if verb == "opened")
