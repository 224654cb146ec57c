"""Mappings that people save: each version is kept, and counts at once for what arrives."""

from __future__ import annotations

import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from collectors.applying import Applying
from collectors.sources import Sources
from data.clock import micros, utc_now
from data.records import Batch, Quarantined
from server import container as containers
from server.container import Container
from server.settings import Settings
from tests.server.team import address
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATTERN = "correlation_id = { from = \"message\", pattern = 'SO-\\d+' }\nflow = \"'press'\"\n"


class Center:
    """A server that follows one file; its config file has a mapping for another source."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "press.log"
        self.log.touch()
        self.settings = Settings.model_validate({
            "data": folder / "store", "spool": folder / "spool",
            "collectors": {
                "jsonl": [
                    {"name": "press", "paths": [str(self.log)]},
                    {"name": "van", "paths": [str(folder / "van.log")], "mapping": "vans"},
                ],
                "mappings": {"vans": {"step": "action"}},
            },
        })  # fmt: skip
        self.start()

    def start(self) -> None:
        self.container = Container.open(self.settings)
        self.sources = Sources(
            self.container.store, self.settings.collectors, (), "", self.container.mappings
        )
        self.container.collectors = self.sources
        containers.install(self.container)
        self.sources.start()

    def stop(self) -> None:
        self.sources.stop()
        containers.install(None)
        self.container.close()

    def write(self, number: int) -> str | None:
        """Write a line about an order; return the ID that its record is stored under."""
        with self.log.open("a") as file:
            file.write(f'{{"event":"printed SO-{number} in tray {number}"}}\n')
        asked = {"wanted": f"printed SO-{number} in tray {number}"}
        sql = "select correlation_id from log where message = $wanted"
        rows = eventually(lambda: self.container.store.act(lambda tx: tx.execute(sql, asked)).result())
        return rows[0]["correlation_id"]


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    made = Center(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def http(center: Center) -> Iterator[httpx.Client]:
    assert center.container is containers.current()
    with httpx.Client(base_url=address(), timeout=30) as client:
        yield client


def post(http: httpx.Client, path: str, key: str | None = None, **body: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    return http.post(f"/api/v1/mappings/{path}", json=body, headers=headers)


def save(http: httpx.Client, text: str, expected: int, name: str = "press", **more: Any) -> httpx.Response:
    return post(http, f"{name}/versions", text=text, expected=expected, **more)


def test_what_is_saved_counts_for_what_arrives_next_and_after_a_restart(
    center: Center, http: httpx.Client
) -> None:
    assert center.write(1) is None
    answer = save(http, PATTERN, 0, note="the number stands in the text")
    assert answer.json() == {"name": "press", "revision": 1, "version": 1}
    assert center.write(2) == "SO-2"
    center.stop()
    center.start()
    assert center.write(3) == "SO-3"
    assert save(http, PATTERN.replace("{ from", '{ prefix = "DE-", from'), 1).json()["version"] == 2
    assert center.write(4) == "DE-SO-4"
    answer = post(http, "press/revert", version=1, expected=2, note="the prefix was wrong")
    assert answer.json() == {"name": "press", "revision": 3, "version": 1}
    assert center.write(5) == "SO-5"
    assert post(http, "press/off", expected=3).json() == {"name": "press", "revision": 4, "version": None}
    assert center.write(6) is None

    found = http.get("/api/v1/mappings/press").json()
    assert (found["now"]["counts"], found["now"]["text"], found["now"]["revision"]) == ("nothing", "", 4)
    assert [(one["version"], one["previous"]) for one in found["versions"]] == [(2, 1), (1, None)]
    assert found["versions"][1]["text"] == PATTERN
    assert found["versions"][1]["note"] == "the number stands in the text"
    assert [(one["act"], one["version"]) for one in found["uses"]] == [
        ("switched off", None), ("reverted", 1), ("saved", 2), ("saved", 1),
    ]  # fmt: skip
    assert {one["author"] for one in found["versions"]} == {http.get("/api/v1/me").json()["name"]}


def test_a_mapping_of_the_config_file_counts_until_one_of_its_name_is_saved(http: httpx.Client) -> None:
    (found,) = http.get("/api/v1/mappings").json()["items"]
    assert (found["name"], found["counts"], found["sources"]) == ("vans", "config file", ["van"])
    assert (found["text"], found["revision"]) == ('step = "action"\n', 0)
    assert save(http, 'step = "stop"\n', 0, "vans").status_code == 200
    history = http.get("/api/v1/mappings/vans").json()
    assert (history["now"]["counts"], history["now"]["text"]) == ("saved", 'step = "stop"\n')
    assert history["file_text"] == 'step = "action"\n'
    assert post(http, "vans/off", expected=1).status_code == 200
    assert http.get("/api/v1/mappings/vans").json()["now"]["counts"] == "config file"


def test_two_editors_do_not_overwrite_each_other(http: httpx.Client) -> None:
    assert save(http, PATTERN, 0).status_code == 200
    for path, more in (("versions", {"text": "step = 'x'"}), ("revert", {"version": 1}), ("off", {})):
        late = post(http, f"press/{path}", expected=0, **more)
        assert late.status_code == 409, path
        assert "changed this mapping meanwhile" in late.json()["detail"]
    assert len(http.get("/api/v1/mappings/press").json()["versions"]) == 1
    assert save(http, PATTERN, 7, "vans").status_code == 409
    assert post(http, "press/revert", version=9, expected=1).status_code == 404


def test_a_repeated_request_saves_once(http: httpx.Client) -> None:
    answers = [save(http, PATTERN, 0, key="once").json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(http.get("/api/v1/mappings/press").json()["versions"]) == 1


def test_a_text_that_is_no_mapping_is_refused_line_by_line(http: httpx.Client) -> None:
    answer = save(http, 'flow = "x"\ncorelation_id = "y"\n', 0)
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert (fault["line"], fault["advice"]) == (2, "Do you mean correlation_id?")
    assert http.get("/api/v1/mappings/press").json()["versions"] == []
    tried = http.post("/api/v1/mappings/test", json={"text": "a", "toml": "="})
    assert tried.status_code == 422
    assert http.get("/api/v1/mappings/nobody").status_code == 404


def test_each_change_stands_in_the_audit(http: httpx.Client) -> None:
    save(http, PATTERN, 0, note="first")
    post(http, "press/off", expected=1, note="wrong")
    found = http.get("/api/v1/audit", params={"kind": "effect"}).json()["items"]
    changes = [(e["verb"], e["subject"], e["reason"]) for e in found if e["verb"].startswith("mapping")]
    assert changes == [
        ("mapping switched off", "mapping:press", "wrong"), ("mapping saved", "mapping:press", "first"),
    ]  # fmt: skip
    assert http.get("/api/v1/audit/verdict").json()["intact"]


def worker(center: Center) -> Applying:
    container = center.container
    changes = partial(container.events.revision, "mapping")
    return Applying(container.store, center.sources, container.authority.limit_of_token, changes)


def applied(center: Center, http: httpx.Client, name: str, days: int = 1) -> dict[str, Any]:
    """Apply a mapping to earlier records and return how that ended; the worker begins again once."""
    answer = post(http, f"{name}/apply", days=days)
    assert answer.status_code == 200, answer.text
    assert post(http, f"{name}/apply", days=days).status_code == 409
    assert worker(center).step()
    made = worker(center)
    while made.step():
        pass
    found: dict[str, Any] = http.get(f"/api/v1/mappings/{name}").json()["jobs"][0]
    return found


def test_a_mapping_is_applied_to_earlier_records_and_to_quarantine(
    center: Center, http: httpx.Client
) -> None:
    for number in range(1, 6):
        assert center.write(number) is None
    bad = Batch("press", "jsonl")
    bad.quarantined.append(Quarantined("press", "broken", micros(utc_now()), b'{"event":"kept SO-77"}', 0))
    center.container.store.append(bad).result()
    save(http, PATTERN, 0)
    assert center.write(6) == "SO-6"
    job = applied(center, http, "press")
    assert (job["state"], job["total"], job["looked_at"], job["changed"]) == ("done", 6, 6, 5)
    assert (job["quarantined"], job["taken"]) == (1, 1)
    for number in (1, 5, 77):
        unit = http.get(f"/api/v1/units/SO-{number}").json()
        assert (unit["flows"], len(unit["logs"])) == (["press"], 1)
    again = applied(center, http, "press")
    assert (again["state"], again["looked_at"], again["changed"], again["quarantined"]) == ("done", 7, 0, 0)

    # Another version replaces what the first one gave, and switching off takes it away.
    save(http, PATTERN.replace("{ from", '{ prefix = "DE-", from'), 1)
    assert applied(center, http, "press")["changed"] == 7
    assert http.get("/api/v1/units/SO-1").status_code == 404
    assert len(http.get("/api/v1/units/DE-SO-1").json()["logs"]) == 1
    post(http, "press/off", expected=2)
    assert applied(center, http, "press")["changed"] == 7
    assert http.get("/api/v1/units/DE-SO-1").status_code == 404

    found = http.get("/api/v1/audit", params={"kind": "effect"}).json()["items"]
    states = [entry["to_state"] for entry in found if entry["verb"] == "mapping applied"]
    assert states == ["done", "started"] * 4
    assert http.get("/api/v1/audit/verdict").json()["intact"]


def test_only_what_a_source_uses_can_be_applied(http: httpx.Client) -> None:
    assert save(http, 'step = "x"', 0, "nobodys").status_code == 200
    assert post(http, "nobodys/apply", days=1).status_code == 422
    assert post(http, "never/apply", days=1).status_code == 404


def test_a_saved_mapping_counts_for_opentelemetry_at_once(center: Center, http: httpx.Client) -> None:
    provider = LoggerProvider(Resource({"service.name": "desk"}))
    provider.add_log_record_processor(
        SimpleLogRecordProcessor(OTLPLogExporter(f"{address()}/v1/logs", timeout=30))
    )
    logger = provider.get_logger("desk")
    emit = lambda text: logger.emit(  # noqa: E731
        LogRecord(timestamp=time.time_ns(), body=text, attributes={"nr": "R-1"})
    )
    emit("before")
    text = 'match = { "service.name" = "desk" }\ncorrelation_id = "nr"'
    assert save(http, text, 0, "desk").status_code == 200
    emit("after")
    provider.shutdown()
    rows = center.container.store.act(
        lambda tx: tx.execute("select message, correlation_id from log order by time")
    ).result()
    assert [(row["message"], row["correlation_id"]) for row in rows] == [("before", None), ("after", "R-1")]
    assert applied(center, http, "desk")["changed"] == 1
    assert len(http.get("/api/v1/units/R-1").json()["logs"]) == 2


def test_the_worker_looks_at_the_store_only_when_a_mapping_changed(
    center: Center, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    revisions: list[int] = []
    query, revision = center.container.store.query, center.container.events.revision

    def seen(name: str, *args: Any, **options: Any) -> Any:
        looked.append(name)
        return query(name, *args, **options)

    def counted(topic: str) -> int:
        revisions.append(revision(topic))
        return revisions[-1]

    center.write(1)
    save(http, PATTERN, 0)
    monkeypatch.setattr(center.container.events, "revision", counted)
    made = worker(center)
    monkeypatch.setattr(center.container.store, "query", seen)
    made.start()
    try:
        eventually(lambda: len(revisions) > 3)
        idle = looked.count("collectors/mapping_jobs")
        monkeypatch.setattr(center.container.store, "query", query)
        assert idle == 1
        post(http, "press/apply", days=1)
        eventually(lambda: http.get("/api/v1/mappings/press").json()["jobs"][0]["state"] == "done")
        assert http.get("/api/v1/units/SO-1").status_code == 200
    finally:
        made.stop()
