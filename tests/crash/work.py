"""What goes on while a server is killed: telemetry, acts, backups and purges, each in a thread of its own.

A request without an answer is sent again as it was, as OpenTelemetry's exporters and careful scripts do it.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tests.crash.ledger import LINE, OLD, RECENT, Ledger

if TYPE_CHECKING:
    import threading

    from tests.journeys.serving import Server

BATCH = 20
_OLD_S = 20 * 86_400
_PAUSE_S = 0.05


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _context(name: str) -> list[dict[str, Any]]:
    return [_text("unsnag.flow", "crash"), _text("unsnag.step", "s"), _text("unsnag.correlation_id", name)]


def _logs(names: list[str], ago_s: int) -> dict[str, Any]:
    records = [
        {
            "timeUnixNano": str(time.time_ns() - ago_s * 10**9),
            "severityNumber": 17 if place == 0 else 9,
            "body": {"stringValue": name},
            "attributes": _context(name),
        }
        for place, name in enumerate(names)
    ]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}


def _spans(names: list[str], ago_s: int) -> dict[str, Any]:
    start = time.time_ns() - ago_s * 10**9
    spans = [
        {
            "traceId": uuid.uuid4().hex,
            "spanId": uuid.uuid4().hex[:16],
            "name": name,
            "kind": 1,
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + 10**6),
            "status": {"code": 2 if place == 0 else 1},
            "attributes": _context(name),
        }
        for place, name in enumerate(names)
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


def send(server: Server, ledger: Ledger, stop: threading.Event) -> None:
    """Send log records and spans of today."""
    _send_all(server, ledger, stop, RECENT, 0)


def send_old(server: Server, ledger: Ledger, stop: threading.Event) -> None:
    """Send log records and spans that are older than the policies keep."""
    _send_all(server, ledger, stop, OLD, _OLD_S)


def _send_all(server: Server, ledger: Ledger, stop: threading.Event, prefix: str, ago_s: int) -> None:
    with httpx.Client(base_url=server.address, timeout=5) as http:
        while not stop.is_set():
            names = [f"{prefix}{uuid.uuid4().hex}" for _ in range(BATCH)]
            path, form = random.choice((("/v1/logs", _logs), ("/v1/traces", _spans)))
            body = form(names, ago_s)
            ledger.sent |= set(names)
            if _Caller(http, ledger, stop).post(path, body):
                ledger.acknowledged |= set(names)


@dataclass(frozen=True)
class _Caller:
    """Posts until there is an answer."""

    http: httpx.Client
    ledger: Ledger
    stop: threading.Event

    def post(self, path: str, body: Any = None, key: str | None = None) -> bool | None:
        """Return whether it succeeded, or another act was faster; None: the end came before an answer."""
        answer = self.answer(path, body, key)
        return None if answer is None else answer.is_success

    def answer(self, path: str, body: Any = None, key: str | None = None) -> httpx.Response | None:
        """Return the answer, None where the end came first."""
        headers = {"Idempotency-Key": key} if key else {}
        while not self.stop.is_set():
            try:
                answer = self.http.post(path, json=body, headers=headers)
            except httpx.TransportError as error:
                self.ledger.refused.append(repr(error))
            else:
                if answer.is_success or answer.status_code in (404, 409):
                    return answer
                self.ledger.refused.append(f"{answer.status_code} {answer.text[:200]}")
            time.sleep(_PAUSE_S)
        return None


def act(server: Server, ledger: Ledger, stop: threading.Event) -> None:
    """Claim open exceptions twice with one key, note something on them, and resolve half of them."""
    with httpx.Client(base_url=server.address, timeout=5) as http:
        while not stop.is_set():
            try:
                found = http.get("/api/v1/cases", params={"state": "open", "limit": 5}).json()
            except (httpx.TransportError, ValueError):
                found = {}
            for case in found.get("items", []):
                _act_on(_Caller(http, ledger, stop), case["id"])
            time.sleep(_PAUSE_S)


def _act_on(caller: _Caller, case: str) -> None:
    def post(act: str, body: Any = None) -> bool:
        key = uuid.uuid4().hex
        path = f"/api/v1/cases/{case}/{act}"
        # The second time is a double click.
        return bool(caller.post(path, body, key)) and caller.post(path, body, key) is not False

    ledger = caller.ledger
    if not post("claim"):
        return
    ledger.claimed.add(case)
    text = f"note {uuid.uuid4().hex}"
    if post("notes", {"text": text}):
        ledger.noted.add(text)
    if random.random() < 0.5 and post("resolve", {"code": "false_alarm", "reason": "Raised by a test"}):
        ledger.resolved.add(case)


def write_spool(server: Server, ledger: Ledger, stop: threading.Event) -> None:
    """Write lines into the spool as a script does; the server's death is nothing to it."""
    server.spool.mkdir(parents=True, exist_ok=True)
    with (server.spool / f"script-{uuid.uuid4().hex[:8]}.jsonl").open("a") as file:
        while not stop.is_set():
            name = f"{LINE}{uuid.uuid4().hex}"
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            line = {"timestamp": now, "level": "info", "event": name, "unsnag.flow": "crash"}
            ledger.lines.append(name)
            file.write(json.dumps(line | {"unsnag.correlation_id": name}) + "\n")
            file.flush()
            time.sleep(0.01)


def back_up(server: Server, ledger: Ledger, stop: threading.Event) -> None:
    """Make one backup after the other."""
    with httpx.Client(base_url=server.address, timeout=30) as http:
        while not stop.is_set():
            answer = _Caller(http, ledger, stop).answer("/api/v1/store/backups")
            if answer is not None and answer.is_success:
                ledger.backups.add(answer.json()["folder"])


def purge(server: Server, ledger: Ledger, stop: threading.Event) -> None:
    """Purge again and again, while old records go on arriving."""
    with httpx.Client(base_url=server.address, timeout=30) as http:
        while not stop.is_set():
            key = uuid.uuid4().hex
            ledger.purges += bool(_Caller(http, ledger, stop).post("/api/v1/retention/purge", key=key))
            time.sleep(_PAUSE_S)
