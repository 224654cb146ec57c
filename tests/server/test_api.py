"""What other programs rely on, over real HTTP."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from data.records import Quarantined
from tests.telemetry import START, TRACE, batch, failure, log, span, success

if TYPE_CHECKING:
    import httpx

    from server.container import Container

pytestmark = [pytest.mark.slow]

LONG_AGO = "&from=2020-01-01T00:00:00Z"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def act(
    http: httpx.Client, path: str, body: Any = None, *, who: str = "ann", key: str | None = None
) -> httpx.Response:
    headers = {"Idempotency-Key": key or uuid.uuid4().hex, "X-Unsnag-Actor": who}
    return http.post(f"/api/v1/{path}", json=body, headers=headers)


@pytest.fixture
def case(container: Container, http: httpx.Client) -> dict[str, Any]:
    act(http, "retries/lease", {"handlers": [{"flow": "order-to-cash", "step": "pay"}], "worker": "w"})
    container.store.append(
        batch(failure(5, idempotent=True), span(4, 5, trace_id=TRACE, correlation_id="SO-1"))
    ).result()
    (item,) = http.get("/api/v1/cases").json()["items"]
    return dict(item)


def test_health_answers_and_readiness_gives_reasons(http: httpx.Client, container: Container) -> None:
    assert http.get("/healthz").status_code == 200
    assert http.get("/readyz").json() == {"status": "ready", "reasons": [], "instance": container.instance}
    container.collectors = None
    waiting = http.get("/readyz")
    assert waiting.status_code == 503
    assert waiting.json()["reasons"] == ["The collectors do not run yet."]


def test_a_case_has_the_promised_fields(case: dict[str, Any]) -> None:
    promised = (
        "id version state class severity flow step correlation_id title error_type fingerprint group value "
        "occurrences first_seen last_seen due_at holder lease_until attempts next_attempt_at"
    )
    assert set(promised.split()) <= set(case)
    assert TIME.fullmatch(case["first_seen"])
    assert re.fullmatch(r"[0-9a-f]+", case["id"])


def test_one_case_lists_attempts_acts_and_data(http: httpx.Client, case: dict[str, Any]) -> None:
    found = http.get(f"/api/v1/cases/{case['id']}").json()
    assert found["attempts"] == []
    assert [a["verb"] for a in found["acts"]] == ["opened"]
    assert {"data", "replay_safe", "idempotency_key"} <= set(found)


def test_the_whole_way_over_rest(http: httpx.Client, case: dict[str, Any], container: Container) -> None:
    assert act(http, f"cases/{case['id']}/claim").json()["holder"] == "ann"
    assert act(http, f"cases/{case['id']}/retry", {"reason": "back"}).json()["state"] == "retrying"
    lease = act(http, "retries/lease", {"flows": ["order-to-cash"], "wait_s": 1, "worker": "w"}).json()
    promised = {
        "id",
        "case",
        "flow",
        "step",
        "correlation_id",
        "idempotency_key",
        "traceparent",
        "data",
        "lease_until",
    }
    assert promised <= set(lease)
    assert act(http, f"retries/{lease['id']}/heartbeat").status_code == 200
    assert act(http, f"retries/{lease['id']}/complete").status_code == 200
    assert act(http, f"retries/{lease['id']}/complete").status_code == 410
    assert http.get(f"/api/v1/cases/{case['id']}").json()["state"] == "verifying"
    container.store.append(batch(success(60))).result()
    assert http.get(f"/api/v1/cases/{case['id']}").json()["state"] == "recovered"


def test_a_retry_is_cancelled_until_a_worker_runs_it(http: httpx.Client, case: dict[str, Any]) -> None:
    path = f"cases/{case['id']}"
    act(http, f"{path}/retry")
    assert act(http, f"{path}/cancel-retry", {"reason": "not mine"}, who="bob").json()["holder"] == "ann"
    cancelled = act(http, f"{path}/cancel-retry", {"reason": "wrong order"})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "open")
    act(http, f"{path}/retry")
    act(http, "retries/lease", {"flows": None, "worker": "w"})
    late = act(http, f"{path}/cancel-retry")
    assert late.status_code == 409
    assert "service/w runs its retry since" in late.json()["detail"]


def test_a_retry_of_a_business_error_needs_a_reason(http: httpx.Client, container: Container) -> None:
    act(http, "retries/lease", {"flows": None, "worker": "w"})
    container.store.append(batch(failure(5, error_class="business"))).result()
    (item,) = http.get("/api/v1/cases").json()["items"]
    refused = act(http, f"cases/{item['id']}/retry")
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
    assert refused.json()["field"] == "reason"
    retried = act(http, f"cases/{item['id']}/retry", {"reason": "The limit was raised"})
    assert (retried.status_code, retried.json()["state"]) == (200, "retrying")
    acts = http.get(f"/api/v1/cases/{item['id']}").json()["acts"]
    assert acts[-1]["reason"] == "The limit was raised"


def test_a_step_that_no_worker_announced_is_not_retried(http: httpx.Client, container: Container) -> None:
    container.store.append(batch(failure(5))).result()
    (item,) = http.get("/api/v1/cases").json()["items"]
    path = f"cases/{item['id']}"
    refused = act(http, f"{path}/retry")
    assert refused.status_code == 409
    assert "no worker has announced step pay of flow order-to-cash" in refused.json()["detail"]
    assert "no worker has announced step pay" in http.get(f"/api/v1/{path}").json()["retry_refusal"]
    announced = {"flows": ["order-to-cash"], "handlers": [{"flow": "order-to-cash", "step": "pay"}]}
    assert act(http, "retries/lease", {**announced, "worker": "w"}).status_code == 204
    found = http.get(f"/api/v1/{path}").json()
    assert (found["retry_refusal"], found["workers"][0]["name"]) == (None, "service/w")
    assert TIME.fullmatch(found["workers"][0]["last_seen"])
    assert act(http, f"{path}/retry").json()["state"] == "retrying"


def test_what_was_fixed_outside_waits_for_its_proof(
    http: httpx.Client, case: dict[str, Any], container: Container
) -> None:
    path = f"cases/{case['id']}"
    assert act(http, f"{path}/fixed-outside").status_code == 422
    assert act(http, f"{path}/fixed-outside", {"reason": "short"}).status_code == 422
    marked = act(http, f"{path}/fixed-outside", {"reason": "Paid by bank transfer"}).json()
    assert (marked["state"], marked["holder"], marked["next_attempt_at"]) == ("verifying", "ann", None)
    container.store.append(batch(success(60))).result()
    found = http.get(f"/api/v1/{path}").json()
    assert (found["state"], found["recovered_by"]) == ("recovered", "person")


def test_no_retry_waits_is_204(http: httpx.Client) -> None:
    assert act(http, "retries/lease", {"flows": None, "wait_s": 0}).status_code == 204


def test_the_loser_of_a_claim_gets_holder_and_since(http: httpx.Client, case: dict[str, Any]) -> None:
    act(http, f"cases/{case['id']}/claim", who="ann")
    lost = act(http, f"cases/{case['id']}/claim", who="bob")
    assert lost.status_code == 409
    assert lost.headers["content-type"] == "application/problem+json"
    problem = lost.json()
    assert problem["holder"] == "ann"
    assert TIME.fullmatch(problem["since"])
    assert {"type", "title", "status", "detail"} <= set(problem)


def test_a_write_needs_a_key_and_a_key_belongs_to_one_request(
    http: httpx.Client, case: dict[str, Any]
) -> None:
    assert http.post(f"/api/v1/cases/{case['id']}/claim").status_code == 400
    first = act(http, f"cases/{case['id']}/claim", key="k")
    again = act(http, f"cases/{case['id']}/claim", key="k")
    assert first.content == again.content
    assert act(http, f"cases/{case['id']}/release", key="k").status_code == 422


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("cases/nope", 404),
        ("units/nope", 404),
        ("traces/nope", 404),
        ("nope", 404),
        ("cases?limit=0", 422),
        ("cases?limit=1001", 422),
        ("cases?cursor=nope", 400),
        ("logs?severity=loud", 400),
        ("logs?from=yesterday", 400),
        ("kpis?by=mood", 400),
        ("kpis?from=2026-11-22&to=2026-11-21", 400),
        ("events?topic=mood", 400),
        ("cases?state=%00&flow=%ed%a0%80", 200),
        ("search?q=%27%3B%20drop%20table%20log%3B%20--", 200),
        ("traces?attr.a%22b=1", 400),
    ],
)
def test_a_bad_request_is_a_problem_never_a_crash(http: httpx.Client, path: str, status: int) -> None:
    answer = http.get(f"/api/v1/{path}")
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["status"] == status


def test_a_unit_shows_everything_in_the_promised_shape(http: httpx.Client, container: Container) -> None:
    container.store.append(
        batch(
            log(0, "unit.started", flow="order-to-cash", correlation_id="SO 1/ä", trace_id=TRACE),
            failure(5, unit="SO 1/ä", stacktrace="Traceback"),
            span(0, 5, flow="order-to-cash", correlation_id="SO 1/ä", attributes='{"a.b": 1}'),
        )
    ).result()
    unit = http.get("/api/v1/units/SO%201%2F%C3%A4").json()
    assert unit["correlation_id"] == "SO 1/ä"
    assert (unit["state"], unit["flows"]) == ("failed", ["order-to-cash"])
    assert unit["logs"][1]["exception"] == {
        "type": "TimeoutError",
        "message": "gateway did not answer within 10 s",
        "stacktrace": "Traceback",
    }
    assert unit["spans"][0]["attributes"] == {"a.b": 1}
    assert unit["cases"][0]["state"] == "open"
    assert unit["acts"][0]["verb"] == "opened"
    assert http.get(f"/api/v1/traces/{TRACE}").json()["spans"] == unit["spans"]


def test_traces_are_found_by_a_single_span_that_meets_all(http: httpx.Client, container: Container) -> None:
    container.store.append(
        batch(
            span(
                0,
                2,
                "pay",
                service="shop",
                attributes='{"http.status": 503}',
                events='[{"attributes":{"k":"v"}}]',
            ),
            span(0, 9, "slow", service="shop", resource='{"host": "h1"}'),
        )
    ).result()

    def found(query: str) -> int:
        return int(http.get(f"/api/v1/traces?{query}{'' if 'from=' in query else LONG_AGO}").json()["total"])

    assert http.get("/api/v1/traces").json()["total"] == 0, "more than 24 hours ago"
    assert found("service=shop") == 1
    assert found("operation=pay&min_duration_ms=1500&max_duration_ms=2500") == 1
    assert found("operation=pay&min_duration_ms=5000") == 0, "another span is that slow, not this one"
    assert found("attr.http.status=503") == found("attr.host=h1") == found("attr.k=v") == 1
    assert found("attr.http.status=503&attr.host=h1") == 0, "no single span has both"
    assert found("from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z") == 0


def test_lists_page_by_cursor_without_loss(http: httpx.Client, container: Container) -> None:
    container.store.append(batch(*(failure(n, unit=f"SO-{n}") for n in range(7)))).result()
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = http.get(f"/api/v1/cases?limit=3{'&cursor=' + cursor if cursor else ''}").json()
        assert page["total"] == 7
        seen += [item["correlation_id"] for item in page["items"]]
        cursor = page["next"]
    assert sorted(seen) == [f"SO-{n}" for n in range(7)]


def test_lists_of_records_look_a_day_back_unless_asked_otherwise(
    http: httpx.Client, container: Container
) -> None:
    seconds = (datetime.now(UTC) - START).total_seconds()
    rows = (log(seconds - hours * 3600, f"{hours} h ago", correlation_id="SO-7") for hours in (1, 23, 25, 49))
    container.store.append(batch(*rows)).result()

    def messages(**params: str) -> list[str]:
        return [item["message"] for item in http.get("/api/v1/logs", params=params).json()["items"]]

    assert messages() == ["1 h ago", "23 h ago"]
    assert messages(to=f"{START + timedelta(seconds=seconds - 24 * 3600):%Y-%m-%dT%H:%M:%SZ}") == ["25 h ago"]
    assert len(messages(**{"from": "2020-01-01T00:00:00Z"})) == len(messages(correlation_id="SO-7")) == 4
    first = http.get("/api/v1/logs?limit=1").json()
    assert first["to"] is None
    looked_back = datetime.now(UTC) - datetime.fromisoformat(first["from"])
    assert timedelta(hours=24) <= looked_back < timedelta(hours=25)
    rest = http.get("/api/v1/logs", params={"limit": 1, "cursor": first["next"]}).json()
    assert (rest["from"], rest["items"][0]["message"], rest["next"]) == (first["from"], "23 h ago", None)
    assert http.get("/api/v1/traces").json()["from"] is not None


def test_logs_are_filtered(http: httpx.Client, container: Container) -> None:
    container.store.append(batch(log(1, "quiet", flow="a"), failure(2))).result()
    assert http.get(f"/api/v1/logs?q={LONG_AGO}").json()["total"] == 2
    assert http.get(f"/api/v1/logs?severity=error{LONG_AGO}").json()["items"][0]["severity"] == "error"
    assert http.get(f"/api/v1/logs?flow=a&q=QUIET{LONG_AGO}").json()["total"] == 1
    assert http.get(f"/api/v1/logs?source=elsewhere{LONG_AGO}").json()["total"] == 0


def test_search_names_units_cases_and_traces(http: httpx.Client, case: dict[str, Any]) -> None:
    kinds = {
        hit["kind"]
        for q in ("SO-1", case["id"], TRACE)
        for hit in http.get(f"/api/v1/search?q={q}").json()["items"]
    }
    assert kinds == {"unit", "case", "trace"}


def test_quarantine_shows_why_and_what(http: httpx.Client, container: Container) -> None:
    made = batch()
    made.quarantined.append(Quarantined("spool", "not JSON", 0, b"<b>\xff</b>", 12))
    container.store.append(made).result()
    (item,) = http.get("/api/v1/quarantine").json()["items"]
    assert (item["source"], item["offset"], item["reason"]) == ("spool", 12, "not JSON")
    assert item["sample"] == "<b>\ufffd</b>"


def test_a_secret_in_quarantine_is_not_shown(http: httpx.Client, container: Container) -> None:
    made = batch()
    made.quarantined.append(
        Quarantined("spool", "not JSON", 0, b'{"password": "hunter2hunter2", "to": "ann@example.com"')
    )
    container.store.append(made).result()
    (item,) = http.get("/api/v1/quarantine").json()["items"]
    assert "ann@example.com" not in item["sample"]


def test_metrics_are_openmetrics_without_customers(http: httpx.Client, case: dict[str, Any]) -> None:
    text = http.get("/metrics").text
    assert f'unsnag_cases{{flow="{case["flow"]}",state="open"}} 1' in text
    assert text.endswith("# EOF\n")
    assert "customer" not in text


def test_metrics_are_read_by_the_parser_of_prometheus(http: httpx.Client, case: dict[str, Any]) -> None:
    families = {family.name: family for family in text_string_to_metric_families(http.get("/metrics").text)}
    assert (families["unsnag_records"].type, families["unsnag_cases"].type) == ("counter", "gauge")
    labels = [sample.labels for sample in families["unsnag_cases"].samples]
    assert {"flow": case["flow"], "state": "open"} in labels
    (entries,) = families["unsnag_audit_entries"].samples
    assert entries.name == "unsnag_audit_entries_total"


def test_events_tell_of_changes(http: httpx.Client, container: Container) -> None:
    with http.stream("GET", "/api/v1/events?topic=case", timeout=5) as stream:
        lines = (line for line in stream.iter_lines() if line)
        assert next(lines) == "event: case"
        before = next(lines)
        container.store.append(batch(failure(1))).result()
        assert next(lines) == "event: case"
        assert next(lines) > before


@pytest.mark.parametrize("name", ["SO-1/spans", "SO-1/logs", "SO-1/spans/logs", "a/b", "SO-1"])
def test_an_id_may_end_like_a_route(http: httpx.Client, container: Container, name: str) -> None:
    container.store.append(
        batch(span(0, 1, "work", correlation_id=name), log(1, "line", correlation_id=name))
    )
    container.store.append(batch(span(0, 1, "other", correlation_id="SO-1/other"))).result()
    unit = f"/api/v1/units/{quote(name, safe='')}"
    assert http.get(unit).json()["correlation_id"] == name
    assert [one["name"] for one in http.get(f"{unit}/spans").json()["items"]] == ["work"]
    assert [one["message"] for one in http.get(f"{unit}/logs").json()["items"]] == ["line"]
    assert http.get(f"/api/v1/units/{name}/spans").json()["total"] == 1, "a plain / is part of an ID as well"


def test_the_description_names_every_route(http: httpx.Client) -> None:
    paths = http.get("/api/v1/openapi.json").json()["paths"]
    promised = (
        "/healthz /readyz /metrics /v1/traces /v1/logs /v1/metrics /api/v1/units/{correlation_id} "
        "/api/v1/traces/{trace_id} /api/v1/traces /api/v1/search /api/v1/logs /api/v1/cases "
        "/api/v1/cases/{case_id} "
        "/api/v1/cases/{case_id}/claim /api/v1/cases/{case_id}/release /api/v1/cases/{case_id}/retry "
        "/api/v1/cases/{case_id}/resolve /api/v1/cases/{case_id}/cancel-retry "
        "/api/v1/cases/{case_id}/fixed-outside "
        "/api/v1/retries/lease /api/v1/retries/{lease_id}/heartbeat "
        "/api/v1/retries/{lease_id}/complete /api/v1/retries/{lease_id}/fail /api/v1/kpis /api/v1/quarantine "
        "/api/v1/sources /api/v1/events"
    )
    assert set(promised.split()) <= set(paths)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost:1"}, 200),
        ({"Origin": "https://evil.example"}, 200),
    ],
)
def test_only_this_machines_own_names_are_answered(
    http: httpx.Client, headers: dict[str, str], status: int
) -> None:
    assert http.get("/healthz", headers=headers).status_code == status


def test_a_foreign_page_cannot_act(http: httpx.Client, case: dict[str, Any]) -> None:
    headers = {"Origin": "https://evil.example", "Idempotency-Key": "k"}
    assert http.post(f"/api/v1/cases/{case['id']}/claim", headers=headers).status_code == 403
    assert http.get(f"/api/v1/cases/{case['id']}").json()["state"] == "open"


def test_a_mapping_is_tried_on_a_sample(http: httpx.Client) -> None:
    mapping = {"flow": "'shipping'", "correlation_id": {"from": "message", "pattern": r"SO-\d+"}}
    text = '2026-11-16 09:00:01 ERROR no label for SO-2\n{"broken":\n'
    found = http.post("/api/v1/mappings/test", json={"text": text, "mapping": mapping})
    assert found.status_code == 200, found.text
    (record,) = found.json()["records"]
    assert (record["time"], record["severity"]) == ("2026-11-16T09:00:01.000000Z", "error")
    assert record["fields"] == {"correlation_id": "SO-2", "flow": "shipping"}
    assert [one["line"] for one in found.json()["unread"]] == [2]
    refused = http.post("/api/v1/mappings/test", json={"text": "x", "name": "ship"})
    assert (refused.status_code, refused.json()["detail"]) == (400, "There is no mapping 'ship'.")
    mapping["correlation_id"] = {"from": "message", "pattern": "("}
    refused = http.post("/api/v1/mappings/test", json={"text": text, "mapping": mapping})
    assert refused.status_code in {400, 422}
    assert "is no pattern that RE2 knows" in refused.text
