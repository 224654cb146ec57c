"""The order in which one process wrote its records, and which process it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tests.client.test_otlp import Endpoint, listening, log_records
from unsnag import process

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Ran

HOOK = """
    import logging, os, unsnag
    log = logging.getLogger("x"); log.setLevel("INFO")
    unsnag.init(flow="f", service="s")
"""


def records(ran: Ran) -> list[dict[str, Any]]:
    return [*ran.logs, *ran.spans]


def seqs(found: list[dict[str, Any]]) -> list[int]:
    return [int(record["unsnag.seq"]) for record in found]


def instance(span: dict[str, Any]) -> str:
    values = {item["key"]: item["value"]["stringValue"] for item in span["resource"]["attributes"]}
    return str(values["service.instance.id"])


def test_logs_and_spans_of_a_process_share_one_order(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
    with unsnag.unit("SO-1"):
        log.info("a")
        with unsnag.step("s"): log.info("b")
        log.info("c")
    log.info("d")
    """
    )
    ordered = sorted(records(ran), key=lambda record: int(record["unsnag.seq"]))
    reported = [record.get("event") or record["name"] for record in ordered]
    assert reported == ["unit.started", "a", "b", "step s", "c", "unit f", "d"]
    assert {log["service.instance.id"] for log in ran.logs} == {instance(span) for span in ran.spans}
    (name,) = {log["service.instance.id"] for log in ran.logs}
    assert len(name) == 16
    assert int(name, 16) >= 0


def test_each_thread_writes_in_its_own_order_and_no_number_is_given_twice(
    run_script: Callable[..., Ran],
) -> None:
    ran = run_script(
        HOOK
        + """
    import threading
    def work(name):
        for number in range(300): log.info("n", extra={"worker": name, "number": number})
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    [thread.start() for thread in threads]; [thread.join() for thread in threads]
    """
    )
    assert len(set(seqs(ran.logs))) == 2400
    ordered = sorted(ran.logs, key=lambda log: int(log["unsnag.seq"]))
    for name in range(8):
        assert [log["number"] for log in ordered if log["worker"] == name] == list(range(300))


def test_a_forked_child_is_another_process(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
    with unsnag.unit("SO-1"):
        log.info("before")
        if os.fork() == 0:
            log.info("child"); unsnag.flush(); os._exit(0)
        os.wait()
        log.info("after")
    """
    )
    of = {log["event"]: log["service.instance.id"] for log in ran.logs}
    assert of["before"] == of["after"] == of["unit.started"] != of["child"]
    (span,) = ran.spans
    assert instance(span) == of["before"]


def test_two_runs_of_a_script_are_two_processes(run_script: Callable[..., Ran]) -> None:
    run_script(HOOK + '    log.info("a")')
    ran = run_script(HOOK + '    log.info("a")')
    assert len({log["service.instance.id"] for log in ran.logs}) == 2


def test_a_script_cannot_take_these_names(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK + '    log.info("a", extra={"unsnag.seq": "x", "service.instance.id": "mine", "own": 1})'
    )
    (line,) = [text for file in ran.spool.iterdir() for text in file.read_text().splitlines()]
    assert line.count('"unsnag.seq"') == line.count('"service.instance.id"') == 1
    assert isinstance(orjson.loads(line)["unsnag.seq"], int)
    assert orjson.loads(line)["own"] == 1


def test_over_otlp_the_process_is_in_the_resource(run_script: Callable[..., Ran]) -> None:
    with listening(Endpoint()) as endpoint:
        run_script(
            HOOK + '    with unsnag.unit("SO-1"): log.info("a")', OTEL_EXPORTER_OTLP_ENDPOINT=endpoint.url
        )
    resources = [
        {item["key"]: item["value"]["stringValue"] for item in group["resource"]["attributes"]}
        for _, body in endpoint.got
        for group in [*body.get("resourceLogs", []), *body.get("resourceSpans", [])]
    ]
    assert len({resource["service.instance.id"] for resource in resources}) == 1
    attributes = [{item["key"]: item["value"] for item in log["attributes"]} for log in log_records(endpoint)]
    assert all(item["unsnag.seq"].keys() == {"intValue"} for item in attributes)
    assert all("service.instance.id" not in item for item in attributes)


def test_both_copies_of_a_span_have_one_place(run_script: Callable[..., Ran]) -> None:
    """The script's own exporter sends the same span as our recorder: they are one."""
    ran = run_script("""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    import unsnag
    exporter = InMemorySpanExporter()
    provider = TracerProvider(); provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    unsnag.init(flow="f")
    with unsnag.unit("SO-1"): pass
    (span,) = exporter.get_finished_spans()
    print(span.attributes["unsnag.seq"], span.attributes["service.instance.id"])
    """)
    (span,) = ran.spans
    assert ran.stdout.split() == [span["unsnag.seq"], instance(span)]


def test_an_id_is_never_taken_for_a_card_number() -> None:
    assert not any(process.new_id()[4:12].isdigit() for _ in range(5000))
