"""The expected results, taken by hand from semantics.md sections 1 to 4. Never from what a server printed.

Where the rules leave something open, the value is `ANY`, or a comment states the reading.
"""

from __future__ import annotations

from typing import Final

from tests.scenarios import plays
from tests.scenarios.expected import ANY, NO_UNIT, NOTHING, RUN, SOME, TRACE, Case, Rate, Row, Unit
from tests.scenarios.plays import Part

FAILED: Final = Rate(0.0, 1)
SUCCEEDED: Final = Rate(100.0, 1)
EUR: Final = "129.90 EUR"


def mapping(service: str, attribute: str) -> str:
    """Return a config that names the attribute which holds a service's order ID."""
    return (
        f'[collectors.mappings.{service}]\nmatch = {{ "service.name" = "{service}" }}\n'
        f'correlation_id = "{attribute}"\n'
    )


BATCH: Final = """
[collectors.mappings.shipping]
match = { "service.name" = "shipping" }
run_id = "batch.id"
map_index = "batch.position"
success = { attribute = "celery.state", equals = "SUCCESS" }
"""
BATCH_STEP: Final = "run/batch_tasks.ship"

# --- section 1: which unit a record belongs to ---------------------------------------------------

NIGHTLY: Final = mapping("nightly", "order.id")
LEDGER: Final = '[[collectors.jsonl]]\nname = "ledger"\npaths = ["INCOMING/*"]\n'

UNITS = (
    Row(
        name="flask: the order's ID is on an inner span only",
        section="1",
        play=plays.flask("/charge/SO-7"),
        config=mapping("shop", "order.id"),
        units=(Unit("SO-7", "shop", "failed"),),
        cases=(Case("SO-7", "shop", "/charge/<order_id>", says="card service answered nonsense"),),
        k19=FAILED,
        found=("SO-7",),
        unknown=("SO-99",),
    ),
    Row(
        name="flask: the order's ID is in the extra of one log line only, and a mapping names it",
        section="1",
        play=plays.flask("/refuse/SO-7"),
        config=mapping("shop", "order_id"),
        units=(Unit("SO-7", "shop", "failed"),),
        cases=(Case("SO-7", "shop", "/refuse/<order_id>", says="card refused"),),
        k19=FAILED,
        found=("SO-7",),
    ),
    Row(
        name="flask: the same without a mapping, under the name correlation_id",
        section="1",
        play=plays.flask("/note/SO-7"),
        units=(Unit("SO-7", "shop", "failed"),),
        cases=(Case("SO-7", "shop", "/note/<order_id>", says="card refused"),),
        k19=FAILED,
        found=("SO-7",),
    ),
    Row(
        name="node: the order's ID travels in baggage",
        section="1",
        play=plays.node("/orders/SO-7", setup=plays.NODE_TELEMETRY, baggage="correlation_id=SO-7"),
        units=(Unit("SO-7", "front", "failed"),),
        cases=(
            Case("SO-7", "front", "/pay/:id", affected=frozenset({"front"}), says="card refused by the bank"),
        ),
        k19=FAILED,
        found=("SO-7",),
    ),
    Row(
        name="client: two tenants with one number",
        section="1",
        play=plays.block("tenants"),
        units=(Unit("SO-1", "orders", "failed", "acme"), Unit("SO-1", "orders", "success", "beta")),
        cases=(Case("SO-1", "orders", tenant="acme", value=EUR),),
        k1=SUCCEEDED,
        k19=Rate(50.0, 2),
        found=("SO-1",),
    ),
    Row(
        name="script: an error outside the orders of a batch belongs to the trace",
        section="1",
        play=plays.script("nightly.py", "batch with a complaint", service="nightly"),
        config=NIGHTLY,
        units=(
            *(Unit(key, "nightly", "failed") for key in ("SO-7", "SO-17", "SO-27")),
            Unit("SO-37", "nightly", "ended"),
            # An error record that opens a case makes a foreign unit fail, although its root ended well.
            Unit(TRACE, "nightly", "failed"),
        ),
        cases=(
            *(Case(key, "nightly", says="mail server said no") for key in ("SO-7", "SO-17", "SO-27")),
            Case(TRACE, "nightly", says="report could not be printed"),
        ),
        k19=Rate(0.0, 4),
        groups=2,
        found=("SO-7", "SO-37"),
    ),
    Row(
        name="script: only a request ID is known",
        section="1",
        play=plays.script("nightly.py", "request id", service="nightly"),
        # No span has a flow, and there is no trace: the flow is the service's name all the same.
        units=(Unit("req-41", "nightly", "in_flight"), Unit("req-42", "nightly", "failed")),
        cases=(Case("req-42", "nightly", says="answered"),),
        k19=FAILED,
        found=("req-41", "req-42"),
    ),
    Row(
        name="script: errors without any ID have no unit",
        section="1",
        play=plays.script("nightly.py", "stray", service="nightly"),
        units=(),
        cases=(Case(NO_UNIT, "nightly", occurrences=2, value=None, says="cannot read the price list"),),
    ),
    Row(
        name="rq: what a worker logs about a failed job has no unit",
        section="1",
        play=plays.rq("jobs.ship", "SO-7", "SO-8", instrumented=True),
        units=(),
        cases=(Case(NO_UNIT, "shipping", value=None, says="carrier unreachable"),),
        live=True,
    ),
    Row(
        name="log file: JSON with correlation_id",
        section="1",
        play=plays.log_file("ledger.py", "ledger.log"),
        config=LEDGER,
        units=(Unit("BK-7", "ledger", "failed"), Unit("BK-8", "ledger", "in_flight")),
        cases=(Case("BK-7", "ledger", says="debit and credit differ"),),
        k19=FAILED,
        found=("BK-7", "BK-8"),
        unknown=("BK-9",),
    ),
)

# --- section 2: one failure is one case ----------------------------------------------------------

ORDER_FAILED = (Unit("SO-7", "order-to-cash", "failed"),)
THREE: Final = ("SO-7", "SO-17", "SO-27")
SYNCED: Final = tuple(
    Unit(f"SO-{number}", "sync", "failed" if number % 10 == 3 else "success") for number in range(40)
)

FAILURES = (
    Row(
        name="flask: one failing request, no mapping",
        section="2",
        play=plays.flask("/ship/SO-7", "/orders/SO-8"),
        units=(Unit(TRACE, "shop", "failed"), Unit(TRACE, "shop", "ended")),
        cases=(Case(TRACE, "shop", "/ship/<order_id>", says="connection"),),
        k19=FAILED,
        unknown=("SO-99",),
        live=True,
    ),
    Row(
        name="fastapi: one failing request, no mapping",
        section="2",
        play=plays.fastapi("/ship/SO-7", "/orders/SO-8"),
        units=(Unit(TRACE, "api", "failed"), Unit(TRACE, "api", "ended")),
        cases=(Case(TRACE, "api", "/ship/{order_id}", says="connection"),),
        k19=FAILED,
        live=True,
    ),
    Row(
        name="fastapi: a failing request that logs nothing",
        section="2",
        play=plays.fastapi("/refuse/SO-7"),
        units=(Unit(TRACE, "api", "failed"),),
        cases=(Case(TRACE, "api", "/refuse/{order_id}"),),
        k19=FAILED,
    ),
    Row(
        name="fastapi: order ID on one span, mapping names the attribute",
        section="2",
        play=plays.fastapi("/charge/SO-7"),
        config=mapping("api", "order.id"),
        units=(Unit("SO-7", "api", "failed"),),
        cases=(Case("SO-7", "api", "/charge/{order_id}", says="card service answered nonsense"),),
        k19=FAILED,
        found=("SO-7",),
    ),
    Row(
        name="node: express asks a second service that fails",
        section="2",
        play=plays.node("/orders/SO-7"),
        units=(Unit(TRACE, "front", "failed"),),
        cases=(
            Case(TRACE, "front", "/pay/:id", affected=frozenset({"front"}), says="card refused by the bank"),
        ),
        k19=FAILED,
        live=True,
    ),
    Row(
        name="celery: a task fails, seen through OpenTelemetry only",
        section="2",
        play=plays.celery("tasks", "SO-7", "SO-8", span="run/tasks.ship"),
        units=(Unit(TRACE, "shipping", "failed"), Unit(TRACE, "shipping", "ended")),
        cases=(Case(TRACE, "shipping", "run/tasks.ship", says="carrier unreachable"),),
        k19=FAILED,
        live=True,
    ),
    Row(
        # The instrumentation sends nothing of the group: it is the tasks of one name in one trace.
        name="celery: a traced job sends a group, two of its three tasks fail",
        section="2",
        play=plays.celery_group("SO-7", "SO-8", "SO-17"),
        units=(Unit(TRACE, "nightly", "failed"),),
        cases=(
            Case(
                TRACE,
                "nightly",
                "run/tasks.ship",
                occurrences=2,
                affected=frozenset({"nightly"}),
                says="2 of 3 tasks failed",
            ),
        ),
        k19=FAILED,
        live=True,
    ),
    Row(
        name="celery: a group whose spans name batch and position, three of four fail",
        section="2",
        play=plays.celery_batch(),
        config=BATCH,
        units=(Unit("B-29", "shipping", "failed"),),
        cases=(Case("B-29", "shipping", BATCH_STEP, occurrences=3, says="3 of 4 tasks failed"),),
        k19=FAILED,
        live=True,
    ),
    Row(
        name="celery: two of the three are sent again and succeed: the case stays open for the third",
        section="2",
        play=plays.celery_batch("0", "2"),
        config=BATCH,
        now=True,
        units=(Unit("B-29", "shipping", "failed"),),
        cases=(Case("B-29", "shipping", BATCH_STEP, occurrences=3, says="1 of 4 tasks failed"),),
        k19=FAILED,
    ),
    Row(
        name="celery: all three are sent again and succeed: the case is recovered",
        section="2",
        play=plays.celery_batch("0", "2", "3"),
        config=BATCH,
        now=True,
        units=(Unit("B-29", "shipping", "success"),),
        cases=(
            Case(
                "B-29",
                "shipping",
                BATCH_STEP,
                state="recovered",
                occurrences=3,
                says="3 of 4 tasks failed",
            ),
        ),
        k1=SUCCEEDED,
        k19=SUCCEEDED,
        live=True,
    ),
    Row(
        name="client in fastapi: unit() raises, uvicorn logs it as well",
        section="2",
        play=plays.hooked_api("/pay/SO-7"),
        units=ORDER_FAILED,
        cases=(Case("SO-7", "order-to-cash", "pay", value=EUR, says="bank did not answer"),),
        k19=FAILED,
        found=("SO-7",),
        live=True,
    ),
    Row(
        name="client in celery: unit() raises, celery logs it as well",
        section="2",
        play=plays.celery("hooked_tasks", "SO-7", "SO-8", span="unit order-to-cash"),
        units=(*ORDER_FAILED, Unit("SO-8", "order-to-cash", "success")),
        cases=(Case("SO-7", "order-to-cash", "ship", value=EUR, says="carrier unreachable"),),
        k1=SUCCEEDED,
        k19=Rate(50.0, 2),
        found=("SO-7", "SO-8"),
    ),
    Row(
        # RQ logs the traceback as text, without a span: what a person sees is still one failure.
        name="client in rq: unit() raises, rq logs it as well",
        section="2",
        play=plays.rq("hooked_jobs.ship", "SO-7", "SO-8", instrumented=False),
        units=(*ORDER_FAILED, Unit("SO-8", "order-to-cash", "success")),
        cases=(Case("SO-7", "order-to-cash", "ship", value=EUR, says="carrier unreachable"),),
        k1=SUCCEEDED,
        k19=Rate(50.0, 2),
        found=("SO-7", "SO-8"),
    ),
    Row(
        name="client: unit() raises, the loop around it logs the exception",
        section="2",
        play=plays.block("loop_logs"),
        units=tuple(Unit(f"SO-{number}", "orders", "failed") for number in (1, 2, 3)),
        cases=tuple(Case(f"SO-{number}", "orders", "reserve", value=EUR) for number in (1, 2, 3)),
        k19=Rate(0.0, 3),
        groups=1,
        found=("SO-1",),
    ),
    Row(
        name="client and opentelemetry-instrument together",
        section="2",
        play=plays.both("/pay/SO-7"),
        units=ORDER_FAILED,
        cases=(Case("SO-7", "order-to-cash", "pay", value=EUR, says="bank did not answer", affected=ANY),),
        k19=FAILED,
        found=("SO-7",),
    ),
    Row(
        name="prefect: a task raises, seen through OpenTelemetry only",
        section="2",
        play=plays.prefect(),
        units=(Unit(RUN, "prices", "failed"),),
        cases=(Case(RUN, "prices", says="price server unreachable", affected=ANY),),
        k19=FAILED,
        live=True,
    ),
    Row(
        name="prefect: an asynchronous flow whose task raises",
        section="2",
        play=plays.prefect("async"),
        units=(Unit(RUN, "prices", "failed"),),
        cases=(Case(RUN, "prices", says="price server unreachable", affected=ANY),),
        k19=FAILED,
        live=True,
    ),
    Row(
        name="logfire: one block fails, one ends",
        section="2",
        play=plays.script("observed.py", service="observed"),
        units=(Unit(TRACE, "observed", "failed"), Unit(TRACE, "observed", "ended")),
        cases=(Case(TRACE, "observed", "close the books of {day}", says="debit and credit differ"),),
        k19=FAILED,
        live=True,
    ),
    Row(
        name="script: three orders in three traces, no mapping",
        section="2",
        play=plays.script("nightly.py", "separate", service="nightly"),
        units=(*(Unit(TRACE, "nightly", "failed") for _ in range(3)), Unit(TRACE, "nightly", "ended")),
        cases=tuple(Case(TRACE, "nightly", "send invoice", says="mail server said no") for _ in range(3)),
        k19=Rate(0.0, 3),
        groups=1,
        found=("SO-7", "SO-37"),
        live=True,
    ),
    Row(
        name="script: three orders in three traces, mapping names the attribute",
        section="2",
        play=plays.script("nightly.py", "separate", service="nightly"),
        config=NIGHTLY,
        units=(*(Unit(key, "nightly", "failed") for key in THREE), Unit("SO-37", "nightly", "ended")),
        cases=tuple(Case(key, "nightly", "send invoice", says="mail server said no") for key in THREE),
        k19=Rate(0.0, 3),
        groups=1,
        found=("SO-7", "SO-37"),
    ),
    Row(
        name="script: one nightly trace, three orders as child spans fail, root ends well",
        section="2",
        play=plays.script("nightly.py", "batch", service="nightly"),
        config=NIGHTLY,
        units=(
            *(Unit(key, "nightly", "failed") for key in THREE),
            Unit("SO-37", "nightly", "ended"),
            Unit(TRACE, "nightly", "ended"),
        ),
        cases=tuple(Case(key, "nightly", says="mail server said no") for key in THREE),
        k19=Rate(0.0, 3),
        groups=1,
        found=("SO-7", "SO-37"),
    ),
    Row(
        name="unsnag run: sync.py exits 1 because 4 of 40 orders failed",
        section="2",
        play=plays.under_run("sync.py", flow="sync", code=1),
        units=(*SYNCED, Unit(RUN, "sync", "failed")),
        cases=tuple(
            Case(f"SO-{number}", "sync", "upload", affected=SOME, value="10.00 EUR")
            for number in (3, 13, 23, 33)
        ),
        k1=Rate(100.0, 36),
        k19=Rate(87.8, 41),
        groups=1,
        found=("SO-3", "SO-4"),
    ),
    Row(
        name="flask: a cache call answers 404, the request ends well",
        section="2",
        play=plays.flask("/cached/SO-7"),
        units=(Unit(TRACE, "shop", "ended"),),
    ),
)

# --- section 3: how a unit's block ended ---------------------------------------------------------

WENT_ON: Final = "the script went on after this error"


def block_row(name: str, how: str, outcome: str, *cases: Case, code: int = 0, **more: object) -> Row:
    """Return the row of a script whose one unit is SO-1 in the flow `orders`."""
    rates = {"k1": SUCCEEDED, "k19": SUCCEEDED} if outcome == "success" else {"k1": NOTHING, "k19": FAILED}
    return Row(
        name=f"client: {name}",
        section="3",
        play=plays.block(how, code=code),
        units=(Unit("SO-1", "orders", outcome),),
        cases=cases,
        found=("SO-1",),
        **{**rates, **more},  # type: ignore[arg-type]
    )


def stuck(says: str = "", **more: object) -> Case:
    """Return the open case of SO-1 with its value at risk."""
    return Case("SO-1", "orders", says=says, **{"value": EUR, **more})  # type: ignore[arg-type]


BLOCKS = (
    block_row("the block ends normally", "works", "success", live=True),
    block_row("sys.exit(0) ends normally", "exit_0", "success"),
    block_row("GeneratorExit ends normally", "generator", "success"),
    block_row(
        "an exception leaves the block", "exception", "failed", stuck("unreachable", step="reserve"), code=1
    ),
    block_row("exit code 3", "exit_3", "failed", stuck(), code=3),
    block_row("KeyboardInterrupt", "interrupt", "failed", stuck(), code=-2),
    block_row("cancellation", "cancellation", "failed", stuck(), code=1),
    block_row("logs an exception and goes on", "swallowed", "completed_with_errors", stuck(WENT_ON)),
    block_row(
        "logs an HTTP status in text and goes on", "status_in_text", "completed_with_errors", stuck(WENT_ON)
    ),
    block_row(
        "logs an HTTP status as attribute and goes on",
        "status_in_attribute",
        "completed_with_errors",
        stuck(WENT_ON),
    ),
    block_row(
        "logs an error without any of these",
        "unproven",
        "completed_unproven",
        stuck("needs a look", severity="low", value=None),
        k1=SUCCEEDED,
    ),
    block_row("a second try of the step works", "step_again", "success"),
    block_row("tenacity tries again, and it works", "tenacity_again", "success"),
    Row(
        name="client: urllib3 tries again, and it works",
        section="3",
        play=plays.urllib3_again,
        units=(Unit("SO-1", "orders", "success"),),
        k1=SUCCEEDED,
        k19=SUCCEEDED,
        found=("SO-1",),
    ),
    block_row("an error, then unit.ok()", "ok", "success", stuck(state="resolved", value=ANY)),
    block_row("unit.ok(), then an error", "ok_then_error", "completed_with_errors", stuck(WENT_ON)),
    block_row(
        "unit.ok(), then an exception leaves the block",
        "ok_then_exception",
        "failed",
        stuck("unreachable"),
        code=1,
    ),
    block_row("unit.fail()", "fail", "failed", stuck("the customer is blocked")),
    block_row("unit.fail(), then unit.ok()", "fail_then_ok", "success", stuck(state="resolved", value=ANY)),
    Row(
        name="client: unit.partial(failed=3, total=40)",
        section="3",
        play=plays.block("partial"),
        units=(Unit("BATCH-1", "orders", "partial"),),
        cases=(Case("BATCH-1", "orders", says="3 of 40 failed"),),
        k19=FAILED,
        found=("BATCH-1",),
    ),
    Row(
        name="client: a block that holds a failed unit",
        section="3",
        play=plays.block("failed_inside"),
        units=(
            Unit("BATCH-1", "orders", "partial"),
            *(Unit(f"SO-{number}", "orders", "success") for number in (1, 2)),
            Unit("SO-3", "orders", "failed"),
        ),
        cases=(Case("SO-3", "orders", value=EUR, affected=ANY),),
        k1=Rate(100.0, 2),
        k19=Rate(50.0, 4),
        found=("BATCH-1", "SO-3"),
    ),
    block_row("completes=False", "progress", "in_flight", k19=NOTHING),
    Row(
        name="client: the process is killed, seen by unsnag run",
        section="3",
        play=plays.under_run("blocks.py", "killed", flow="orders", code=137),
        units=(Unit("SO-1", "orders", "failed"), Unit(RUN, "orders", "failed")),
        cases=(stuck("lost contact", affected=SOME),),
        k19=Rate(0.0, 2),
        found=("SO-1",),
    ),
    Row(
        name="client: an exception leaves the block, by way of the spool folder",
        section="3",
        play=plays.spooled("loop_logs"),
        units=tuple(Unit(f"SO-{number}", "orders", "failed") for number in (1, 2, 3)),
        cases=tuple(Case(f"SO-{number}", "orders", "reserve", value=EUR) for number in (1, 2, 3)),
        k19=Rate(0.0, 3),
        groups=1,
        found=("SO-1",),
    ),
)

# --- section 4: when a case is recovered ---------------------------------------------------------

LATER_S: Final = 3.0
"""More than the 2 s that clocks of two hosts may differ by."""
FLOW: Final = "order-to-cash"


def part_row(name: str, *runs: Part, state: str, step: str = "capture", now: bool = False) -> Row:
    """Return the row of programs that work on SO-1: the case ends recovered with the unit, or stays open."""
    good = state == "recovered"
    return Row(
        name=name,
        section="4",
        play=plays.parts(*runs),
        units=(Unit("SO-1", FLOW, "success" if good else "failed"),),
        cases=(Case("SO-1", FLOW, step, state=state, value=EUR),),
        k1=SUCCEEDED if good else NOTHING,
        k19=SUCCEEDED if good else FAILED,
        k9="129.9" if good else "0",
        found=("SO-1",),
        now=now,
    )


RECOVERY = (
    part_row(
        "capture failed, label printing of the same flow ended well",
        Part("capture --fails"), Part("labels", LATER_S), state="open",
    ),
    part_row(
        "capture failed, a later capture run ended well",
        Part("capture --fails"), Part("capture", LATER_S), state="recovered",
    ),
    part_row(
        "capture failed, label printing says that it completes the unit",
        Part("capture --fails"), Part("labels --completes yes", LATER_S), state="recovered",
    ),
    part_row(
        "capture says that it does not complete the unit and failed, label printing ended well",
        Part("capture --completes no --fails"), Part("labels", LATER_S), state="recovered",
    ),
    part_row(
        "two services are one part: the second one's success proves the first one's failure",
        Part("capture-old --part capture --fails"), Part("capture-new --part capture", LATER_S),
        state="recovered", step="capture-old",
    ),
    Row(
        name="success of another tenant proves nothing",
        section="4",
        play=plays.parts(Part("capture --tenant acme --fails"), Part("capture --tenant beta", LATER_S)),
        units=(Unit("SO-1", FLOW, "failed", "acme"), Unit("SO-1", FLOW, "success", "beta")),
        cases=(Case("SO-1", FLOW, "capture", tenant="acme", value=EUR),),
        k1=SUCCEEDED,
        k19=Rate(50.0, 2),
        found=("SO-1",),
    ),
    Row(
        name="one process: failed, then worked, in the order of writing",
        section="4",
        play=plays.block("twice_here"),
        units=(Unit("SO-1", "orders", "success"),),
        cases=(Case("SO-1", "orders", "reserve", state="recovered", value=EUR),),
        k1=SUCCEEDED,
        k19=SUCCEEDED,
        k9="129.9",
        found=("SO-1",),
    ),
    part_row(
        "success less than 2 s after the failure on another host proves nothing",
        Part("capture --fails"), Part("capture", host="beta", within_s=1.9), state="open", now=True,
    ),
    part_row(
        "success 3 s after the failure on another host proves",
        Part("capture --fails"), Part("capture", LATER_S, host="beta"), state="recovered", now=True,
    ),
    # In the four rows below the failure is truly the later one. What the clocks say must not hide that.
    part_row(
        "clock 30 s fast where it worked, then it failed elsewhere",
        Part("capture", clock="+30s"), Part("capture --fails", LATER_S, host="beta"), state="open", now=True,
    ),
    part_row(
        "clock 30 s slow where it failed, after it had worked elsewhere",
        Part("capture"), Part("capture --fails", LATER_S, host="beta", clock="-30s"), state="open", now=True,
    ),
    part_row(
        "clock 400 days fast where it worked, then it failed elsewhere",
        Part("capture", clock="+400d"), Part("capture --fails", LATER_S, host="beta"), state="open", now=True,
    ),
    part_row(
        "clock 400 days slow where it failed, after it had worked elsewhere",
        Part("capture"), Part("capture --fails", LATER_S, host="beta", clock="-400d"), state="open", now=True,
    ),
)  # fmt: skip

ROWS: tuple[Row, ...] = (*UNITS, *FAILURES, *BLOCKS, *RECOVERY)
