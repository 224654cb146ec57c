"""What a sender may write into any column that people read is masked there, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from tests.collectors.test_otlp import serve

if TYPE_CHECKING:
    from data.store import Store

CARD, MAIL, KEY = "4111111111111111", "anna@example.com", "a1B2c3D4e5F6"
T = "1764000000000000000"


def text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def send(url: str) -> None:
    raised = [text("exception.type", f"Error for {MAIL}")]
    span = {
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331",
        "name": f"GET ?key={KEY}",
        "startTimeUnixNano": T, "endTimeUnixNano": T, "status": {"code": 2},
        "events": [{"name": "exception", "timeUnixNano": T, "attributes": raised},
                   {"name": f"card {CARD}", "timeUnixNano": T}],
    }  # fmt: skip
    codes = [text("unsnag.error.code", f"E {CARD}"), text("exception.type", f"Error for {MAIL}")]
    record = {"timeUnixNano": T, "severityNumber": 17, "body": {"stringValue": "x"}, "attributes": codes}
    resource = {"attributes": [text("service.name", "shop"), text(f"owner {MAIL}", "x")]}
    scope = {"name": f"lib {MAIL}"}
    spans = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": [span]}]}]}
    logs = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [record]}]}]}
    assert httpx.post(f"{url}/v1/traces", json=spans, timeout=60).status_code == 200
    assert httpx.post(f"{url}/v1/logs", json=logs, timeout=60).status_code == 200


def test_names_types_codes_and_keys_are_masked(store: Store) -> None:
    with serve(store) as hosted:
        send(hosted.address)
    found = store.act(lambda tx: [tx.execute(f"select * from {table}") for table in ("span", "log")]).result()  # noqa: S608
    (span,), (log,) = found
    for secret in (CARD, MAIL, KEY):
        assert secret not in repr(found)
    assert span["name"] == "GET ?key=[masked: secret]"
    assert span["error_type"] == log["error_type"] == "Error for [masked: email]"
    assert log["error_code"] == "E [masked: card]"
    assert "card [masked: card]" in repr(span["events"])
    assert "owner [masked: email]" in repr(span["resource"])
