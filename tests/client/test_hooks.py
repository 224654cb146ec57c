from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Ran

PLAIN = """
    import logging, sys
    HOOK
    {setup}
    log = logging.getLogger("shop")
    log.debug("unseen"); log.info("info %s", 1); log.warning("warn", extra={{"order": 7}})
    try: 1 / 0
    except ZeroDivisionError: log.exception("broken")
    logging.getLogger("lone").warning("x")
    log.info("wrong %d", "arguments")
"""
SETUPS = {
    "configured before": 'logging.basicConfig(level="INFO", stream=sys.stdout)',
    "last resort": "",
    "dictConfig": """import logging.config
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False,
        "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
        "root": {"level": "INFO", "handlers": ["out"]}})""",
}
HOOK = 'import unsnag; unsnag.init(flow="f", service="s")'


def same(text: str) -> str:
    """Take away what differs between two runs: line numbers, times and paths."""
    return re.sub(r"line \d+|\d+:\d\d:\d\d(\.\d+Z)?|0x[0-9a-f]+", "", text)


@pytest.mark.parametrize("setup", SETUPS)
def test_the_scripts_own_output_stays_as_it_is(run_script: Callable[..., Ran], setup: str) -> None:
    source = PLAIN.format(setup=SETUPS[setup])
    bare = run_script(source.replace("HOOK", "pass"))
    hooked = run_script(source.replace("HOOK", HOOK))
    assert (same(hooked.stdout), same(hooked.stderr)) == (same(bare.stdout), same(bare.stderr))
    assert hooked.returncode == 0
    assert [log["order"] for log in hooked.named("warn")] == [7]
    (broken,) = hooked.named("broken")
    assert broken["exception.type"] == "ZeroDivisionError"
    assert "unseen" not in hooked.events


STRUCTLOG = {
    "console": """structlog.configure(processors=[structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])""",
    "as it comes": "structlog.configure(logger_factory=structlog.PrintLoggerFactory())",
    "json": """structlog.configure(processors=[structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer()])""",
    "json by orjson": """import orjson, sys
    structlog.configure(logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer), processors=[
        structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=orjson.dumps)])""",
    "rendered to stdlib": """structlog.configure(logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger, processors=[structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name, structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer()])""",
    "kwargs to stdlib": """structlog.configure(logger_factory=structlog.stdlib.LoggerFactory(),
        processors=[structlog.processors.format_exc_info, structlog.stdlib.render_to_log_kwargs])""",
    "formatted by stdlib": """structlog.configure(logger_factory=structlog.stdlib.LoggerFactory(),
        processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter])
    logging.getLogger().handlers[0].setFormatter(structlog.stdlib.ProcessorFormatter(
        processor=structlog.processors.JSONRenderer(sort_keys=True)))""",
    "a tuple, cached": """structlog.configure(cache_logger_on_first_use=True, processors=(
        structlog.processors.add_log_level, structlog.processors.JSONRenderer()))""",
}


@pytest.mark.parametrize("setup", STRUCTLOG)
@pytest.mark.parametrize("is_late", [False, True], ids=["configured before", "configured after"])
def test_structlog_is_recorded_once_and_prints_the_same(
    run_script: Callable[..., Ran],
    setup: str,
    is_late: bool,  # noqa: FBT001
) -> None:
    hook = f"{STRUCTLOG[setup]}\n    HOOK" if not is_late else f"HOOK\n    {STRUCTLOG[setup]}"
    source = f"""
    import logging, structlog
    logging.basicConfig(level="INFO", format="%(message)s")
    {hook}
    UNIT
    log = structlog.get_logger("shop")
    log.info("accepted", order=7)
    try: 1 / 0
    except ZeroDivisionError: log.error("broken", order=8, exc_info=SHOWN)
    logging.getLogger("plain").info("plain line")
    """
    # With rich the stack that is shown includes the lines around, which the hook changes.
    source = source.replace("SHOWN", str(setup != "as it comes"))
    bare = run_script(source.replace("HOOK", "pass").replace("UNIT", "pass"))
    unit = 'unsnag.unit("SO-1").__enter__()'
    hooked = run_script(source.replace("HOOK", HOOK).replace("UNIT", unit))
    assert (same(hooked.stdout), same(hooked.stderr)) == (same(bare.stdout), same(bare.stderr))
    assert hooked.events == ["unit.started", "accepted", "broken", "plain line"]
    accepted, broken = hooked.logs[1:3]
    assert (accepted["order"], accepted["level"], accepted["unsnag.correlation_id"]) == (7, "info", "SO-1")
    assert (broken["level"], broken["order"]) == ("error", 8)
    assert setup == "as it comes" or broken["exception.type"] == "ZeroDivisionError"


def test_what_nobody_caught_is_recorded_and_printed_as_before(run_script: Callable[..., Ran]) -> None:
    ran = run_script(f"""
    import sys, threading
    sys.excepthook = lambda *_: print("mine")
    {HOOK}
    thread = threading.Thread(target=lambda: [][0], name="t"); thread.start(); thread.join()
    raise RuntimeError("end")
    """)
    assert ran.stdout == "mine\n"
    assert ran.returncode == 1
    assert [log["exception.type"] for log in ran.named("process.failed")] == ["IndexError", "RuntimeError"]


def test_an_exception_that_ends_a_unit_and_the_program_is_one_error(run_script: Callable[..., Ran]) -> None:
    ran = run_script(f"""
    {HOOK}
    with unsnag.unit("SO-1"): raise RuntimeError("end")
    """)
    assert ran.events == ["unit.started", "unit.failed"]
    assert ran.returncode == 1
    assert "RuntimeError: end" in ran.stderr


def test_init_twice_records_once_and_changes_the_flow(run_script: Callable[..., Ran]) -> None:
    ran = run_script(f"""
    import logging
    {HOOK}
    logging.warning("one")
    unsnag.init(flow="g", service="other")
    logging.warning("two")
    """)
    assert [(log["event"], log["unsnag.flow"], log["service.name"]) for log in ran.logs] == [
        ("one", "f", "s"),
        ("two", "g", "other"),
    ]


def test_hooks_can_be_left_out(run_script: Callable[..., Ran]) -> None:
    ran = run_script("""
    import logging, structlog, threading, unsnag
    unsnag.init(flow="f", capture_stdlib=False, capture_structlog=False, capture_exceptions=False,
                propagate_threads=False)
    logging.warning("one"); structlog.get_logger().info("two")
    with unsnag.unit("SO-1"):
        thread = threading.Thread(target=lambda: print(unsnag.correlation_id()))
        thread.start(); thread.join()
    raise ValueError
    """)
    assert ran.events == ["unit.started"]
    assert ran.stdout.endswith("None\n")


def test_a_program_goes_on_with_the_work_of_the_one_that_started_it(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        """
    import os, subprocess, sys, unsnag, logging
    unsnag.init(flow="f", service=sys.argv[1] if len(sys.argv) > 1 else "first")
    if len(sys.argv) > 1:
        logging.warning("inside")
    else:
        with unsnag.unit("SO-1", tenant="acme"):
            subprocess.run([sys.executable, __file__, "second"], env={**os.environ, **unsnag.environment()})
    """
    )
    (inside,) = ran.named("inside")
    assert (inside["unsnag.correlation_id"], inside["unsnag.tenant"]) == ("SO-1", "acme")
    assert (inside["trace_id"], inside["service.name"]) == (ran.spans[0]["traceId"], "second")


def test_a_provider_of_the_scripts_own_gets_our_spans_nested_in_its(run_script: Callable[..., Ran]) -> None:
    ran = run_script("""
    import json, logging
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    import unsnag
    exporter = InMemorySpanExporter()
    provider = TracerProvider(); provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    unsnag.init(flow="f", service="s")
    tracer = trace.get_tracer("script")
    with tracer.start_as_current_span("theirs-outside"):
        with unsnag.unit("SO-1", value=1):
            with tracer.start_as_current_span("theirs-inside"):
                logging.warning("here")
                with unsnag.step("ours"): pass
    print(json.dumps([(s.name, f"{s.context.span_id:016x}", s.parent and f"{s.parent.span_id:016x}")
                      for s in exporter.get_finished_spans()]))
    """)
    assert ran.stderr.count("\n") == 1, ran.stderr  # the warning that the script prints itself
    spans = {span["name"]: span for span in ran.spans}
    parents = {name: span["parentSpanId"] for name, span in spans.items()}
    ids = {name: span["spanId"] for name, span in spans.items()}
    assert parents == {
        "theirs-outside": "",
        "unit f": ids["theirs-outside"],
        "theirs-inside": ids["unit f"],
        "step ours": ids["theirs-inside"],
    }
    assert len({span["traceId"] for span in ran.spans}) == 1
    assert spans["unit f"]["unsnag.outcome"] == "success"
    assert spans["theirs-inside"]["unsnag.correlation_id"] == "SO-1"
    assert ran.named("here")[0]["span_id"] == ids["theirs-inside"]
    assert all(own in ran.stdout for own in ids.values())


def test_a_units_outcome_is_recorded_though_the_script_samples_spans_away(
    run_script: Callable[..., Ran],
) -> None:
    ran = run_script("""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
    import unsnag
    trace.set_tracer_provider(TracerProvider(sampler=ALWAYS_OFF))
    unsnag.init(flow="f")
    with unsnag.unit("SO-1"): pass
    """)
    assert [span["unsnag.outcome"] for span in ran.spans] == ["success"]


def test_a_shifted_clock_shifts_everything(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        f"""
    import logging, structlog
    {HOOK}
    with unsnag.unit("SO-1"): logging.warning("a"); structlog.get_logger().info("b")
    """,
        UNSNAG_CLOCK_OFFSET_S="-86400000.5",
    )
    assert all(log["timestamp"].startswith(("2023", "2024", "2022")) for log in ran.logs)
    assert int(ran.spans[0]["startTimeUnixNano"]) < 1.75e18


def test_importing_loads_nothing_heavy(run_script: Callable[..., Ran]) -> None:
    ran = run_script("""
    import sys
    import unsnag
    unsnag.unit, unsnag.init
    heavy = {"streamlit", "duckdb", "pyarrow", "pandas", "numpy", "fastapi", "opentelemetry", "structlog"}
    print(sorted(heavy & set(sys.modules)))
    """)
    assert ran.stdout.splitlines() == ["[]"]
