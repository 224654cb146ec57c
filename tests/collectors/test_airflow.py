"""Airflow: its spans through the real SDK and receiver, and its task logs as a followed file reads them.

`recorded/airflow-3.3.2.traces` is what Airflow 3.3.2 sent of one run (`airflow dags test`) whose mapped step
`load` failed for two of four shops, and which went on by `trigger_rule="all_done"`. The other spans have
its names, attributes and states. Airflow itself does not run in the tests.
"""

from __future__ import annotations

import time
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import StatusCode, set_span_in_context

from tests import shown
from tests.collectors.rows import logs, read
from tests.collectors.test_otlp import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from data.store import Store

S = 1_000_000_000
NOW = time.time_ns() - 600 * S
RUN = "scheduled__2026-11-29T00:00:00+00:00"
DAG = {"airflow.dag_id": "nightly_prices", "airflow.dag_run.run_id": RUN}
AIRFLOW = Resource.create({"service.name": "airflow"})
TRACER = TracerProvider(resource=AIRFLOW).get_tracer("airflow")
ROOT = TRACER.start_span("dag_run.nightly_prices", attributes=DAG, start_time=NOW)


def task(name: str, index: int, state: str, at: int, tries: int = 1) -> ReadableSpan:
    label = f"{name}[{index}]" if index >= 0 else name
    own = {
        **DAG,
        "airflow.task_id": name,
        "airflow.task_instance.try_number": tries,
        "airflow.task_instance.map_index": index,
        "airflow.task_instance.state": state,
        "airflow.task_instance.id": f"ti-{name}-{index}",
    }
    around = set_span_in_context(ROOT)
    made = TRACER.start_span(f"task_run.{label}", around, attributes=own, start_time=NOW + at * S)
    made.set_status(StatusCode.OK if state == "success" else StatusCode.ERROR)
    made.end(NOW + (at + 1) * S)
    return made  # type: ignore[return-value]


class RunIds(IdGenerator):
    """What Airflow does: the run's span is written at its end, under the ids that its tasks had all along."""

    def generate_span_id(self) -> int:
        return ROOT.get_span_context().span_id

    def generate_trace_id(self) -> int:
        return ROOT.get_span_context().trace_id


def run(state: StatusCode, at: int = 90) -> ReadableSpan:
    provider = TracerProvider(resource=AIRFLOW, id_generator=RunIds())
    made = provider.get_tracer("airflow").start_span("dag_run.nightly_prices", attributes=DAG, start_time=NOW)
    made.set_status(state)
    made.end(NOW + at * S)
    return made  # type: ignore[return-value]


@pytest.fixture
def url(store: Store) -> Iterator[str]:
    with serve(store) as served:
        yield served.address


def export(url: str, *spans: ReadableSpan) -> None:
    OTLPSpanExporter(f"{url}/v1/traces").export(spans)


def cases(store: Store) -> list[dict[str, Any]]:
    return shown.cases(store)


def summaries(store: Store) -> list[tuple[Any, ...]]:
    names = ("correlation_id", "flow", "step", "state", "occurrences")
    return [
        (*(case[name] for name in names), case["title"].split(" tasks failed")[0]) for case in cases(store)
    ]


FIRST = (
    task("shops", -1, "success", 1),
    *(task("load", index, "failed" if index in (1, 3) else "success", 3 + index) for index in range(4)),
    task("load", 2, "up_for_retry", 2),
    task("report", -1, "skipped", 10),
)


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_mapped_tasks_that_fail_are_one_case_in_any_order(
    store: Store, url: str, order: tuple[int, ...]
) -> None:
    parts = (FIRST[:3], FIRST[3:], (run(StatusCode.ERROR),))
    for number in order:
        export(url, *parts[number])
    assert summaries(store) == [(RUN, "nightly_prices", "load", "open", 2, "2 of 4")]
    (case,) = cases(store)
    assert [(item["index"], item["succeeded_at"]) for item in case["tasks"]["items"]] == [
        ("1", None),
        ("3", None),
    ]
    assert (case["tasks"]["failing"], case["tasks"]["failed"], case["tasks"]["total"]) == (2, 2, 4)


def test_a_task_that_is_cleared_and_succeeds_leaves_the_list_and_the_last_one_recovers_the_case(
    store: Store, url: str
) -> None:
    export(url, *FIRST, run(StatusCode.ERROR))
    export(url, task("load", 3, "success", 100, tries=2))
    (case,) = cases(store)
    assert (case["state"], case["title"].split(":")[0]) == ("open", "1 of 4 tasks failed")
    assert [item["index"] for item in case["tasks"]["items"] if item["succeeded_at"]] == ["3"]
    export(url, task("load", 1, "success", 120, tries=2))
    (case,) = cases(store)
    assert (case["state"], case["tasks"]["failing"], case["verified_at"].timestamp()) == (
        "recovered", 0, pytest.approx(NOW / S + 121, abs=0.001),
    )  # fmt: skip
    assert case["title"].startswith("2 of 4 tasks failed")
    export(url, task("load", 3, "failed", 200, tries=3))
    (case,) = cases(store)
    assert (case["state"], case["title"].split(":")[0], case["occurrences"]) == (
        "open",
        "1 of 4 tasks failed",
        3,
    )


def test_a_run_that_succeeds_without_some_tasks_proves_none_of_them(store: Store, url: str) -> None:
    export(url, *FIRST, run(StatusCode.OK))
    assert summaries(store) == [(RUN, "nightly_prices", "load", "open", 2, "2 of 4")]


def test_a_task_that_is_not_mapped_is_proven_by_itself(store: Store, url: str) -> None:
    export(url, task("report", -1, "failed", 1), task("load", 0, "success", 20))
    (case,) = cases(store)
    assert (case["state"], case["step"], case["tasks"]) == ("open", "report", None)
    assert "tasks failed" not in case["title"]
    export(url, task("report", -1, "success", 30, tries=2))
    assert [case["state"] for case in cases(store)] == ["recovered"]


def test_what_airflow_itself_sent_is_one_case(store: Store, url: str) -> None:
    body = (Path(__file__).parent / "recorded" / "airflow-3.3.2.traces").read_bytes()
    sent = httpx.post(f"{url}/v1/traces", content=body, headers={"content-type": "application/x-protobuf"})
    sent.raise_for_status()
    run_id = "manual__2026-11-29T16:20:30.165726+00:00"
    assert summaries(store) == [(run_id, "nightly_prices", "load", "open", 2, "2 of 4")]
    (case,) = cases(store)
    assert [item["index"] for item in case["tasks"]["items"]] == ["1", "3"]


def line(index: int, message: str) -> bytes:
    """Return a line of a task log of Airflow 3, as a task that raises writes it."""
    frame = {"filename": "/opt/airflow/dags/nightly.py", "lineno": 12, "name": "load"}
    raised = {
        "exc_type": "ConnectionError", "exc_value": message, "exc_notes": [], "syntax_error": None,
        "is_cause": False, "frames": [frame], "is_group": False, "exceptions": [],
    }  # fmt: skip
    own = {
        "timestamp": "2026-11-29T02:00:00.190914Z", "event": "Task failed with exception", "level": "error",
        "task_id": "load", "map_index": index, "run_id": RUN, "try_number": 1, "ti_id": "01a02f58-b243",
        "dag_id": "nightly_prices", "logger": "task", "filename": "task_runner.py", "lineno": 1648,
        "error_detail": [raised],
    }  # fmt: skip
    return orjson.dumps(own) + b"\n"


def test_a_task_log_names_dag_step_run_and_task() -> None:
    first, second = logs(read(line(1, "shop 2 unreachable") + line(-1, "shop 4 unreachable")))
    names = ("flow", "step", "run_id", "map_index", "attempt", "error_type", "exception_message")
    assert tuple(first[name] for name in names) == (
        "nightly_prices", "load", RUN, "1", 1, "ConnectionError", "shop 2 unreachable",
    )  # fmt: skip
    assert "nightly.py" in first["stacktrace"]
    assert second["map_index"] == "-1"
