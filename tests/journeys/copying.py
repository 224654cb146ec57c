"""What tests of copies share: a server under load, commands beside it, and all that it answers."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from typing import Any, Final

import httpx

from tests.journeys.serving import ROOT, Server
from tests.waiting import eventually

OF_COPIES: Final = (
    "store restored", "store imported", "backup made", "store exported", "store.backup", "store.restore",
)  # fmt: skip
"""Entries of the audit that a copy and its source do not share."""


def _record(name: str) -> dict[str, Any]:
    attributes = {"unsnag.flow": "backup", "unsnag.step": "s", "unsnag.correlation_id": name}
    return {
        "timeUnixNano": str(time.time_ns()),
        "severityNumber": 17,
        "body": {"stringValue": f"{name} failed"},
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }


class Load:
    """Sends failures and claims their exceptions, and remembers what was acknowledged."""

    def __init__(self, server: Server) -> None:
        self.sent: list[str] = []
        self.claimed: list[str] = []
        self._server = server
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._send, self._claim)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, sent: int, claimed: int) -> None:
        """Wait until so much was acknowledged."""
        eventually(lambda: len(self.sent) >= sent and len(self.claimed) >= claimed, within_s=120)

    def stop(self) -> None:
        """End."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        while not self._stop.is_set():
            names = [f"B-{uuid.uuid4().hex}" for _ in range(5)]
            body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [_record(name) for name in names]}]}]}
            if httpx.post(f"{self._server.address}/v1/logs", json=body, timeout=60).status_code == 200:
                self.sent += names

    def _claim(self) -> None:
        while not self._stop.is_set():
            listed = self._server.get("/api/v1/cases", state="open", limit=3)["items"]
            for case in listed:
                path = f"{self._server.address}/api/v1/cases/{case['id']}/claim"
                key = {"Idempotency-Key": uuid.uuid4().hex}
                if httpx.post(path, headers=key, timeout=60).status_code == 200:
                    self.claimed.append(case["id"])


def command(*words: str) -> tuple[int, str]:
    run = subprocess.run(
        [sys.executable, "app.py", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    return run.returncode, run.stdout + run.stderr


def every(server: Server, path: str, **params: Any) -> list[dict[str, Any]]:
    """Return every item of a list."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = server.get(path, limit=1000, **params, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


def answers(server: Server, until: str) -> dict[str, Any]:
    """Return cases, figures up to a time, and audit, as the routes answer them."""
    week = {"from": "2020-01-01T00:00:00Z", "to": until}
    return {
        "cases": sorted(every(server, "/api/v1/cases"), key=lambda case: str(case["id"])),
        # When each server last took something in is its own.
        "figures": [
            {name: value for name, value in figure.items() if name != "data_as_of"}
            for figure in server.get("/api/v1/kpis", **week)["items"]
        ],
        "audit": [entry for entry in every(server, "/api/v1/audit") if entry["verb"] not in OF_COPIES],
    }
