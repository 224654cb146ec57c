"""The real server for workers to work with: its store, its guard and its routes, over real HTTP."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from server.settings import CaseSettings, Settings
from tests.app import app
from tests.client.line import Line, line
from tests.server.team import address
from tests.telemetry import TRACE, batch, failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from server.container import Container

FLOW, STEP = "order-to-cash", "capture-payment"
SPAN = "b7ad6b7169203331"
KEY = "k" * 32


@dataclass
class Server:
    """A running server, and the one failed order in it."""

    container: Container
    line: Line
    http: httpx.Client
    case_id: str = ""

    @property
    def url(self) -> str:
        """Where workers reach it."""
        return self.line.url

    def fail(self, unit: str = "SO-1", flow: str = FLOW, step: str = STEP, **fields: Any) -> str:
        """Let a unit fail; return the case's id."""
        known = {item["id"] for item in self.cases()}
        self.container.store.append(
            batch(
                failure(5, unit, step, **{
                    "flow": flow, "trace_id": TRACE, "span_id": SPAN, "idempotency_key": KEY, "attempt": 3,
                    "data": '{"order": "SO-1"}', **fields,
                })
            )
        ).result()  # fmt: skip
        (self.case_id,) = {item["id"] for item in self.cases()} - known
        return self.case_id

    def ask_for_retry(self, case_id: str | None = None) -> None:
        """Let a person ask for a retry of a step that some worker has announced."""
        case = self.case(case_id)
        handler = {"flow": case["flow"], "step": case["step"]}
        self.post("retries/lease", {"flows": [case["flow"]], "worker": "w", "handlers": [handler]})
        self.post(f"cases/{case['id']}/retry", {"reason": "the cause is repaired"})

    def case(self, case_id: str | None = None) -> dict[str, Any]:
        """Return a case as REST shows it."""
        found: dict[str, Any] = self.http.get(f"/api/v1/cases/{case_id or self.case_id}").json()
        return found

    def cases(self) -> list[dict[str, Any]]:
        """Return all cases."""
        found: list[dict[str, Any]] = self.http.get("/api/v1/cases").json()["items"]
        return found

    def retry(self) -> dict[str, Any]:
        """Return the last retry of the case."""
        found: dict[str, Any] = self.case()["retries"][-1]
        return found

    def post(self, path: str, body: Any) -> httpx.Response:
        """Act as a person or another worker does."""
        headers = {"Idempotency-Key": uuid.uuid4().hex, "X-Unsnag-Actor": "ann"}
        answer = self.http.post(f"/api/v1/{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer


@contextmanager
def running(folder: Path, lease_s: int = 60) -> Iterator[Server]:
    """Run a server in local mode. Leases may be shorter than settings allow, so that tests need not wait."""
    cases = CaseSettings().model_copy(update={"retry_lease_seconds": lease_s})
    settings = Settings.model_validate({"data": folder / "store", "spool": folder / "collected"})
    with (
        app(settings.model_copy(update={"cases": cases})) as container,
        httpx.Client(base_url=address(), timeout=30) as http,
        line(str(http.base_url)) as opened,
    ):
        yield Server(container, opened, http)
