"""K2, K14, K15, K28 and K32: routing, objectives, incidents and baselines, computed by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from access.commands import perform
from cases.intake import intake
from collectors.lines import Reader
from collectors.normalise import Normaliser
from collectors.piece import Piece
from data.clock import micros, utc_now
from data.errors import UnsnagError
from data.store import Store
from kpis import display
from kpis.figure import Part
from kpis.objectives import Objective, SetBaseline, SetObjective, baseline, objectives
from kpis.periods import Period, week
from kpis.scoreboard import kpi, rows
from kpis.targets import SetTarget
from tests.app import app, local
from tests.gates import local_context
from tests.kpis.tables import START, WEEK, Tables, at
from tests.server.team import address
from tests.telemetry import batch, log, success

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kpis.figure import Kpi

NEXT = Period(WEEK.end, WEEK.end + timedelta(days=7))
HOUR = 3_600.0


def of(tables: Tables, kpi_id: str, period: Period = WEEK, **more: Any) -> Kpi:
    """Return a figure; its rows must add up to n, and so must the parts of its split."""
    found = kpi(tables.reading, kpi_id, period, **more)
    total, page = rows(tables.reading, kpi_id, period.start, period.end, more.get("flow"), limit=1_000)
    assert total == len(page) == found.n
    if more.get("by"):
        assert sum(part.n for part in found.breakdown) == found.n
    return found


def routed(tables: Tables, unit: str, *stated: tuple[float, str], **more: Any) -> None:
    """Write a unit with what was stated of its routing, by hour."""
    tables.unit(unit, **more, routings=[{"stated_at": at(hour), "mode": mode} for hour, mode in stated])


def seconds_allowed(tables: Tables, seconds: float | None, flow: str | None = None) -> None:
    perform(SetObjective("K14", seconds, flow), local_context(tables.store))


def may_fail(tables: Tables, percent: float | None, flow: str | None = None) -> None:
    perform(SetTarget("K15", percent, None, flow), local_context(tables.store))


# --- K2 shift to automated routing ---------------------------------------------------------------


def test_units_whose_routing_changed_count_once_and_the_net_shift_is_that_of_shares(tables: Tables) -> None:
    """The week before: 1 of 4 automated. This week 3 of 4: (75 % - 25 %) x 4 units = 2."""
    for n, mode in enumerate(("auto", "manual", "manual", "manual")):
        routed(tables, f"B{n}", (-30, mode), opened=-30, done=-20)
    routed(
        tables, "S1", (1, "manual"), (2, "auto"), (3, "manual"), (4, "auto"), opened=1, done=9, segment="big"
    )
    routed(tables, "S2", (1, "manual"), (5, "automatic"), opened=1, done=9)
    routed(tables, "A1", (1, "auto"), opened=1, done=9)
    routed(tables, "M1", (1, "auto"), (2, "manual"), opened=1, done=9)
    routed(tables, "mixed", (1, "manual"), (2, "mixed"), (3, "auto"), opened=1)
    routed(tables, "late", (1, "manual"), (170, "auto"), opened=1)
    tables.unit("says nothing", done=9)
    figure = of(tables, "K2", by="segment")
    assert (figure.value, figure.n, figure.previous) == (2.0, 2, 0.0)
    assert (figure.details["routed"], figure.details["automated_share"]) == (4, 75.0)
    assert figure.details["net_shift"] == pytest.approx(2.0)
    assert figure.breakdown == [Part("big", 1.0, 1), Part("not set", 1.0, 1)]
    assert display.note(figure) == "75.0 % of 4 automated · net shift +2.0 units"
    assert of(tables, "K2", NEXT).n == 1


def test_a_change_lies_within_one_flow(tables: Tables) -> None:
    routed(tables, "SO-1", (1, "manual"), done=9)
    routed(tables, "SO-1", (2, "auto"), done=9, flow="invoices")
    routed(tables, "SO-2", (1, "manual"), (2, "auto"), done=9)
    routed(tables, "SO-2", (3, "manual"), (4, "auto"), done=9, flow="invoices")
    figure = of(tables, "K2")
    assert (figure.n, figure.details["automated_share"]) == (1, 50.0)
    by_flow = kpi(tables.reading, "K2", WEEK, by="flow").breakdown
    assert by_flow == [Part("invoices", 1.0, 1), Part("orders", 1.0, 1)]


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_a_routing_is_the_same_in_any_order_of_arrival(tmp_path: Path, order: tuple[int, ...]) -> None:
    store = Store.open(tmp_path, intake)
    modes = ("manual", "manual", "auto", "auto", "manual")
    about = {"flow": "order-to-cash", "correlation_id": "SO-1"}
    for n in order:
        store.append(batch(log(60 * n, **about, routing=modes[n]))).result()
    store.append(batch(success(600))).result()
    found = kpi(store.everything(), "K2", week("2026-W47", "UTC"))
    kept = store.act(lambda tx: tx.execute("select len(routings) as n from unit")).result()
    store.close()
    assert (found.n, found.details["automated_share"]) == (1, 0.0)
    assert [row["n"] for row in kept] == [5]


# --- K14 latency ---------------------------------------------------------------------------------


def test_units_within_the_objective_of_their_flow_are_in_time(tables: Tables) -> None:
    """Orders may take 2 hours, all other flows 1: 3 of 5 in time, 60 %."""
    seconds_allowed(tables, HOUR)
    seconds_allowed(tables, 2 * HOUR, "orders")
    for n, hours in enumerate((1, 2, 3)):
        tables.unit(f"O{n}", opened=1, done=1 + hours, segment="big")
    for n, hours in enumerate((0.5, 2)):
        tables.unit(f"I{n}", opened=1, done=1 + hours, flow="invoices")
    tables.unit("failed", failed=1)
    tables.unit("old", opened=1)
    tables.unit("young", opened=167.5)
    figure = of(tables, "K14", by="flow")
    assert (figure.value, figure.n, figure.in_flight) == (60.0, 5, 2)
    assert (figure.details["overdue"], figure.details["without_objective"]) == (1, 0)
    assert figure.details["p50"] == 2 * HOUR
    assert figure.breakdown == [Part("orders", pytest.approx(200 / 3), 3), Part("invoices", 50.0, 2)]
    assert of(tables, "K14", flow="invoices").value == 50.0
    assert objectives(tables.reading) == [Objective("K14", None, HOUR), Objective("K14", "orders", 2 * HOUR)]


def test_an_id_counts_in_each_flow_that_it_entered_by_the_objective_of_that_flow(tables: Tables) -> None:
    seconds_allowed(tables, HOUR, "orders")
    seconds_allowed(tables, 3 * HOUR, "invoices")
    for flow in ("orders", "invoices", "returns"):
        tables.unit("SO-1", opened=1, done=3, flow=flow)
    figure = of(tables, "K14")
    assert (figure.value, figure.n, figure.details["without_objective"]) == (50.0, 2, 1)
    assert "1 unit without an objective" in display.note(figure)


def test_a_later_objective_changes_no_earlier_period_and_the_first_one_counts_before_it(
    tables: Tables,
) -> None:
    tables.unit("U1", opened=1, done=3)
    tables.unit("U2", opened=169, done=171)
    for hours, set_at in ((1, 100), (9, 200)):
        tables._insert(
            "kpi_objective", {"kpi": "K14", "bound": hours * HOUR, "actor": "x", "set_at": at(set_at)}
        )
    assert of(tables, "K14").value == 0.0
    assert of(tables, "K14", NEXT).value == 100.0
    tables.unit("U0", opened=-9, done=-8.5)
    assert of(tables, "K14", WEEK.before).value == 100.0
    seconds_allowed(tables, None)
    assert of(tables, "K14").value == 0.0


# --- K15 failures --------------------------------------------------------------------------------


def test_the_budget_is_what_the_objectives_of_the_flows_allow(tables: Tables) -> None:
    """Orders: 1 of 4 failed, 50 % may: 1 of 2. Invoices: 1 of 1, for which nobody set an objective."""
    may_fail(tables, 50, "orders")
    for n in range(3):
        tables.unit(f"O{n}", done=2)
    tables.unit("bad", failed=2)
    tables.unit("bad invoice", failed=2, flow="invoices")
    figure = of(tables, "K15", by="flow")
    assert (figure.value, figure.n) == (40.0, 5)
    assert (figure.details["failed"], figure.details["allowed"], figure.details["budget_left"]) == (
        2,
        2.0,
        50.0,
    )
    assert figure.details["without_objective"] == 1
    assert figure.breakdown == [Part("orders", 25.0, 4), Part("invoices", 100.0, 1)]
    may_fail(tables, 10)
    # One more of 5 units, of which half a unit and a tenth may fail.
    assert of(tables, "K15").details["budget_left"] == pytest.approx(100 - 100 * 2 / 2.1)


def test_what_the_objectives_allow_is_added_without_rounding_errors(tables: Tables) -> None:
    """Ten times 0.1 is 1, in whatever order the rows come: sums of binary fractions depend on it."""
    may_fail(tables, 10)
    for n in range(9):
        tables.unit(f"O{n}", done=2)
    tables.unit("bad", failed=2)
    details = of(tables, "K15").details
    assert (details["allowed"], details["budget_left"]) == (1.0, 0.0)


def test_where_nothing_may_fail_there_is_no_budget(tables: Tables) -> None:
    may_fail(tables, 0)
    tables.unit("bad", failed=2)
    figure = of(tables, "K15")
    assert (figure.value, figure.details["allowed"], figure.details["budget_left"]) == (100.0, 0.0, None)


# --- K28 time to restore -------------------------------------------------------------------------


def ends(tables: Tables, hour: float, *outcomes: str, flow: str = "orders") -> None:
    """Let units end one minute after the other."""
    for n, outcome in enumerate(outcomes):
        name = f"{flow}-{hour}-{n}"
        moment = hour + n / 60
        done = {"done": moment} if outcome == "ok" else {"failed": moment}
        tables.unit(name, opened=hour - 1, **done, flow=flow)


def test_an_incident_runs_from_the_first_failure_to_the_first_success_after_the_last(tables: Tables) -> None:
    """Orders: 10:00 to 10:31, over two quarters that missed and one in which nothing ended."""
    may_fail(tables, 20)
    ends(tables, 10, "bad", "bad", "ok", "bad")
    ends(tables, 10.5, "bad", "bad", "bad", "ok", "ok")
    ends(tables, 10.75, "ok", "ok")
    ends(tables, 50, "bad", "bad", "bad", "ok", flow="invoices")
    ends(tables, 60, "bad", "bad", "ok")  # two failures are none
    ends(tables, 70, "bad", "bad", "bad", *["ok"] * 12)  # 3 of 15: no more than the objective
    ends(tables, 160, "bad", "bad", "bad")
    figure = of(tables, "K28", by="flow")
    assert (figure.n, figure.in_flight) == (2, 1)
    assert figure.value == pytest.approx((33 + 3) / 2 * 60)
    assert figure.details["longest"] == pytest.approx(33 * 60)
    assert figure.breakdown == [
        Part("invoices", pytest.approx(180), 1),
        Part("orders", pytest.approx(33 * 60), 1),
    ]
    _, found = rows(tables.reading, "K28", WEEK.start, WEEK.end)
    assert [(row["flow"], row["failures"], row["units"]) for row in found] == [
        ("orders", 6, 9),
        ("invoices", 3, 4),
    ]
    ends(tables, 170, "ok")
    assert of(tables, "K28").in_flight == 1
    assert of(tables, "K28", NEXT).value == pytest.approx(10 * HOUR)


def test_a_good_quarter_hour_between_makes_two_incidents_and_no_objective_none(tables: Tables) -> None:
    ends(tables, 10, "bad", "bad", "bad", "ok")
    ends(tables, 10.25, "ok")
    ends(tables, 10.5, "bad", "bad", "bad", "ok")
    figure = of(tables, "K28")
    assert (figure.n, figure.value) == (0, None)
    assert display.note(figure) == "No flow has an objective of K15"
    may_fail(tables, 20, "orders")
    assert of(tables, "K28").n == 2


# --- K32 process-time reduction ------------------------------------------------------------------


def test_the_reduction_compares_segment_by_segment_with_the_mix_of_the_period(tables: Tables) -> None:
    """Small 1 h of 2 h, big 6 h of 8 h; 3 small and 1 big: 9 h of 14 h. A plain median says 50 %."""
    for n, (segment, before, now) in enumerate(
        (("small", 2, 1), ("small", 2, 1), ("small", 2, 1), ("big", 8, 6))
    ):
        tables.unit(f"B{n}", opened=-50, done=-50 + before, segment=segment)
        tables.unit(f"N{n}", opened=1, done=1 + now, segment=segment)
    tables.unit("new segment", opened=1, done=100, segment="huge")
    assert of(tables, "K32").value is None
    assert display.note(of(tables, "K32")) == "No baseline to compare with"
    context = local_context(tables.store)
    perform(SetBaseline("K32", "Before the new gateway", WEEK.before), context)
    figure = of(tables, "K32", by="segment")
    assert figure.value == pytest.approx(100 - 100 * 9 / 14)
    assert (figure.n, figure.details["compared"], figure.details["baseline_n"]) == (5, 4, 4)
    assert {part.key: part.value for part in figure.breakdown} == {"small": 50.0, "big": 25.0, "huge": None}
    assert kpi(tables.reading, "K32", WEEK, buckets=7).trend[0].n == 5 - 1
    perform(SetBaseline("K32", "Another", WEEK, "orders"), context)
    assert kpi(tables.reading, "K32", WEEK, flow="orders").value == 0.0
    assert kpi(tables.reading, "K32", WEEK).value == figure.value
    assert baseline(tables.reading, "orders").name == "Another"
    perform(SetBaseline("K32", None, None, "orders"), context)
    assert baseline(tables.reading, "orders").name == "Before the new gateway"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (SetObjective("K1", 5), "takes no objective"),
        (SetObjective("K14", 0), "more than 0 seconds"),
        (SetObjective("K99", 5), "no KPI"),
        (SetBaseline("K6", "x", WEEK), "takes no baseline"),
        (SetBaseline("K32", "x", None), "a name, a start and an end"),
        (SetBaseline("K32", "x", Period(START, datetime(2100, 1, 1, tzinfo=UTC))), "must be over"),
    ],
)
def test_what_is_no_objective_or_baseline_is_refused(tables: Tables, command: Any, says: str) -> None:
    with pytest.raises(UnsnagError, match=says):
        perform(command, local_context(tables.store))


# --- a run of a real program ---------------------------------------------------------------------


def run(spool: Path, phase: str) -> dict[str, float]:
    """Run the program, and return what it says of itself."""
    environment = {**os.environ, "UNSNAG_SPOOL": str(spool), "PYTHONPATH": str(Path(__file__).parents[2])}
    program = [sys.executable, str(Path(__file__).with_name("program.py")), phase]
    done = subprocess.run(program, env=environment, check=True, capture_output=True, text=True, timeout=120)
    return dict(json.loads(done.stdout))


@pytest.fixture
def ran(tmp_path: Path) -> Iterator[tuple[Any, datetime, dict[str, float]]]:
    """Run the program into a server; return its container, the moment between, what the program saw."""
    # Its failures must lie in one quarter of an hour, and both runs next to each other.
    while time.time() % 900 > 800:
        time.sleep(1)
    run(tmp_path / "spool", "before")
    between = utc_now()
    seen = run(tmp_path / "spool", "after")
    with app(local(tmp_path)) as container:
        for path in sorted((tmp_path / "spool").rglob("*.jsonl")):
            arrived = Normaliser("test", "jsonl", micros(utc_now()))
            Reader.into(arrived).read(Piece(path.read_bytes().split(b"\n"), None, 0, 7, final=True))
            container.store.append(arrived.batch()).result()
        yield container, between, seen


def test_figures_of_a_real_program_by_rest(ran: tuple[Any, datetime, dict[str, float]]) -> None:
    """8 of 11 units succeed, 7 of them within a second; one leaves people's hands; the flow is down once."""
    _, between, seen = ran
    minute = timedelta(seconds=60)
    period = {"from": between.isoformat(), "to": utc_now().isoformat()}
    with_base = {"name": "Before", "start": (between - minute).isoformat(), "end": between.isoformat()}
    with httpx.Client(base_url=address(), timeout=60) as http:
        for number, (path, body) in enumerate(
            {
                "K14/objective": {"seconds": 1, "flow": "order-to-cash"},
                "K15/target": {"target": 10},
                "K32/baseline": with_base,
            }.items()
        ):
            http.post(
                f"/api/v1/kpis/{path}", json=body, headers={"Idempotency-Key": f"key-{number}"}
            ).raise_for_status()
        items = http.get("/api/v1/kpis", params=period).raise_for_status().json()["items"]
        found = {one["id"]: one for one in items}
        for name in ("K2", "K14", "K15", "K28", "K32"):
            total = http.get(f"/api/v1/kpis/{name}/rows", params=period).raise_for_status().json()["total"]
            assert total == found[name]["n"], name
    assert (found["K2"]["value"], found["K2"]["details"]["automated_share"]) == (1, pytest.approx(200 / 3))
    assert found["K2"]["details"]["net_shift"] == pytest.approx(2)
    assert (found["K14"]["value"], found["K14"]["n"]) == (87.5, 8)
    assert (found["K15"]["value"], found["K15"]["n"]) == (pytest.approx(300 / 11), 11)
    assert found["K15"]["details"]["budget_left"] == pytest.approx(100 - 300 / 1.1)
    assert (found["K28"]["value"], found["K28"]["n"]) == (
        pytest.approx(seen["restored"] - seen["first_failure"], abs=0.3),
        1,
    )
    assert found["K32"]["value"] == pytest.approx(50, abs=12)
