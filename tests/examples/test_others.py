"""The automations around the order chain: a shell script, a log file, plain OpenTelemetry."""

from __future__ import annotations

import json
import subprocess
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from examples import clock, storage
from examples.order_to_cash import invoice
from examples.returns import returns_desk
from examples.shipping import carrier, shipping

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
EXPORT = ROOT / "examples" / "nightly_export" / "export.sh"
MAPPINGS = tomllib.loads((ROOT / "examples" / "unsnag.toml").read_text())["collectors"]["mappings"]


@pytest.fixture(autouse=True)
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXAMPLES_VAR", str(tmp_path))
    return tmp_path


def bill(number: str, issued_at: float) -> None:
    invoice.database().execute(
        "insert into invoices (order_number, customer, tenant, cents, currency, address, issued_at)"
        " values (?, 'C-1', 'acme', 12050, 'EUR', 'Hafenweg 3', ?)",
        [number, issued_at],
    )


# --- nightly-export ------------------------------------------------------------------------------


def export(day: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([EXPORT, day], capture_output=True, text=True, check=False)


def test_the_export_writes_the_invoices_of_a_day(var: Path) -> None:
    bill("SO-1", 1_790_000_000.0)  # 2026-09-21
    bill("SO-2", 1_790_200_000.0)
    assert export("2026-09-21").stdout == "exported 1 invoices of 2026-09-21\n"
    assert "SO-1,C-1,acme,120.5,EUR" in next((var / "export").glob("*.csv")).read_text()


def test_the_export_fails_when_its_quota_is_used_up(var: Path) -> None:
    bill("SO-1", 1_790_000_000.0)
    (var / "export").mkdir()
    for number in range(5):
        (var / "export" / f"{number}.csv").touch()
    ended = export("2026-09-21")
    assert ended.returncode == 73
    assert "disk quota" in ended.stderr


# --- shipping ------------------------------------------------------------------------------------


def test_shipping_logs_the_fields_that_its_mapping_names(
    var: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(carrier, "BAD_DAY", 0.0)
    monkeypatch.setattr(shipping.log, "handlers", [])
    bill("SO-1", clock.time())
    shipping.log_to_file()
    shipping.run_once()
    shipping.run_once()
    shipping.log.handlers[0].close()
    lines = [json.loads(line) for line in (var / "logs" / "shipping.log").read_text().splitlines()]
    assert [line["message"] for line in lines] == ["label printed", "shipment handed over"]
    mapping = MAPPINGS["shipping"]
    named = [mapping[name] for name in ("correlation_id", "step", "value_amount", "value_currency", "tenant")]
    assert [lines[-1][name] for name in named] == ["SO-1", "hand-over", "120.50", "EUR", "acme"]
    assert lines[-1][mapping["success"]["attribute"]] == mapping["success"]["equals"]
    assert not capsys.readouterr().err


def test_a_refused_parcel_is_logged_with_its_stack_and_given_up_after_three_tries(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier, "BAD_DAY", 1.0)
    monkeypatch.setattr(shipping.log, "handlers", [])
    bill("SO-1", clock.time())
    shipping.log_to_file()
    for _ in range(5):
        shipping.run_once()
    shipping.log.handlers[0].close()
    lines = [json.loads(line) for line in (var / "logs" / "shipping.log").read_text().splitlines()]
    refused = [line for line in lines if line["levelname"] == "ERROR"]
    assert len(refused) == 3
    assert "CarrierError" in refused[0]["exc_info"]


# --- returns -------------------------------------------------------------------------------------


class Receiver:
    """An OTLP/HTTP receiver that keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, dict[str, str], int]] = []
        self.logs: list[tuple[str, dict[str, str]]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for span in resource.scope_spans[0].spans:
                    self.spans.append((span.name, attributes(span), span.status.code))
        else:
            for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
                for record in resource.scope_logs[0].log_records:
                    self.logs.append((record.body.string_value, attributes(record)))


def attributes(thing: object) -> dict[str, str]:
    return {item.key: item.value.string_value for item in thing.attributes}  # type: ignore[attr-defined]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_the_returns_desk_sends_what_its_mapping_names(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = {"return": 0, "inspect": 1, "refund": 1}
    monkeypatch.setattr(returns_desk, "draw", lambda _, what: draws[what])
    for number in ("SO-1", "SO-2"):
        bill(number, clock.time() - 100)
    returns_desk.export(f"http://127.0.0.1:{receiver.server.server_port}")

    returns_desk.run_once()  # the bank refuses the first time
    returns_desk.run_once()  # not due yet
    storage.database("returns", "").execute("update returns set next_try_at = 0")
    returns_desk.run_once()
    returns_desk.shutdown()

    of_one = [span for span in receiver.spans if span[1][MAPPINGS["returns"]["correlation_id"]] == "SO-1"]
    assert [(name, status) for name, _, status in of_one] == [
        ("inspect-goods", 0), ("refund", 2), ("return", 2),
        ("inspect-goods", 0), ("refund", 0), ("close-return", 0), ("return", 0),
    ]  # fmt: skip
    assert of_one[-2][0] == MAPPINGS["returns"]["success"]["span"]
    assert of_one[-2][1][MAPPINGS["returns"]["value_amount"]] == "120.50"
    assert MAPPINGS["returns"]["step"] == ["span.name", "return.step"]
    assert [fields["return.step"] for _, fields in receiver.logs] == ["refund", "refund"]
