"""A user who reads within a scope sees what a store would show that holds nothing else."""

from __future__ import annotations

import itertools
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from cases import queries, units
from cases.intake import intake
from cases.queries import CaseFilter
from data.errors import ScopeMissingError, UnsnagError
from data.paging import PageRequest
from data.store import Reading, Store
from kpis import scoreboard
from kpis.definition import definitions
from kpis.periods import Period
from tests import shown
from tests.kpis.tables import WEEK as TABLES_WEEK
from tests.kpis.tables import Tables
from tests.telemetry import START, batch, failure, log, span
from traces.known import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from data.transaction import Tx

    Scope = tuple[str, ...] | None
    Row = dict[str, Any]

pytestmark = [pytest.mark.slow]

# --- the macro -----------------------------------------------------------------------------------

ACME: Final = ["acme\x1f*"]
ORDERS: Final = ["*\x1forders"]
BOTH: Final = ["acme\x1forders"]


@pytest.mark.parametrize(
    ("tenant", "flow", "scope", "seen"),
    [
        ("acme", "orders", None, True),
        (None, None, None, True),
        ("acme", "orders", [], False),
        (None, None, [], False),
        ("acme", "orders", ACME, True),
        ("acme", "returns", ACME, True),
        ("acme", None, ACME, True),
        ("globex", "orders", ACME, False),
        (None, "orders", ACME, False),
        (None, None, ACME, False),
        ("acme", "orders", ORDERS, True),
        (None, "orders", ORDERS, True),
        ("acme", "returns", ORDERS, False),
        ("acme", None, ORDERS, False),
        ("acme", "orders", BOTH, True),
        ("acme", "returns", BOTH, False),
        ("globex", "orders", BOTH, False),
        ("acme", None, BOTH, False),
        (None, "orders", BOTH, False),
        (None, None, BOTH, False),
        ("globex", "returns", [*ORDERS, "globex\x1freturns"], True),
        ("acme", "returns", [*ORDERS, "globex\x1freturns"], False),
        # A name is compared as it is: no case, no prefix, no empty text that stands for none.
        ("ACME", "orders", ACME, False),
        ("acme2", "orders", ACME, False),
        ("", "", ACME, False),
        (None, None, ["\x1f"], False),
        # A tenant or flow that is really called * is reached by those who reach any, and by its name.
        ("*", "orders", ORDERS, True),
        ("*", "orders", ACME, False),
        ("*", "orders", BOTH, False),
        ("acme", "*", ACME, True),
        ("acme", "*", ORDERS, False),
        ("*", "*", [*ACME, *ORDERS], False),
        ("globex", "returns", ["*\x1fother", "other\x1f*"], False),
        # A separator in a name cannot make it another.
        ("acme\x1f*", "orders", ACME, False),
        ("acme\x1forders", None, BOTH, False),
        ("acme\x1forders", "returns", BOTH, False),
        # What no grant makes reaches nothing.
        ("acme", "orders", [None], False),
        ("acme", "orders", ["acme", "*", ""], False),
        (None, None, [None, ""], False),
    ],
)
def test_a_scope_reaches(
    store: Store, tenant: str | None, flow: str | None, scope: list[str | None] | None, *, seen: bool
) -> None:
    sql = "select in_scope($tenant::varchar, $flow::varchar, $scope::varchar[]) as seen"
    params = {"tenant": tenant, "flow": flow, "scope": scope}
    assert store.act(lambda tx: tx.execute(sql, params)).result() == [{"seen": seen}]


def test_a_statement_that_reads_within_a_scope_is_not_asked_without_one(store: Store) -> None:
    wanted = {"correlation_id": "SO-1", **ALWAYS}
    with pytest.raises(ScopeMissingError, match="units/unit"):
        store.query("units/unit", wanted)
    with pytest.raises(ScopeMissingError):
        store.arrow("units/unit", wanted)
    with pytest.raises(ScopeMissingError):
        store.act(lambda tx: tx.run("units/unit", wanted)).result()
    assert store.query("units/unit", {**wanted, "scope": None}) == []
    assert store.everything().query("units/unit", wanted) == []
    assert store.everything().arrow("units/unit", wanted).num_rows == 0


def test_a_scope_that_is_handed_in_does_not_replace_that_of_the_reading(store: Store) -> None:
    store.append(batch(failure(1, tenant="acme"))).result()
    wanted = {"correlation_id": "SO-1", "scope": None, **ALWAYS}
    assert Reading(store, ("globex\x1f*",)).query("units/unit", wanted) == []
    assert len(Reading(store, ("acme\x1f*",)).query("units/unit", wanted)) == 1
    assert Reading(store, ()).arrow("units/unit", wanted).num_rows == 0


def test_what_takes_no_scope_is_read_as_it_is(store: Store) -> None:
    store.append(batch(log(1))).result()
    assert [row["name"] for row in Reading(store, ()).query("server/sources")] == ["test"]


# --- everything that doors read ------------------------------------------------------------------

PLACES: Final = [*itertools.product(("acme", "globex", None), ("orders", "returns")), ("*", "orders")]
SCOPES: Final = [
    None,
    (),
    ("acme\x1f*",),
    ("*\x1forders",),
    ("acme\x1forders",),
    ("globex\x1freturns", "acme\x1forders"),
    ("acme\x1f*", "*\x1freturns"),
]
SHARED: Final = "feed" * 8
"""A trace through all tenants and flows."""
MADE_NOW: Final = {"updated_at", "resolved_at", "at", "seq", "hash", "prev_hash", "salt"}
"""What the moment, and the place in the chain, decide."""
WEEK: Final = Period(START - timedelta(days=1), START + timedelta(days=6))


def lies_in(scope: Scope, tenant: str | None, flow: str) -> bool:
    """Tell, in other words than the macro's, whether a scope reaches a place."""
    grants = [("*", "*")] if scope is None else [tuple(grant.split("\x1f")) for grant in scope]
    return any(
        (wanted_tenant == "*" or (tenant is not None and tenant == wanted_tenant))
        and wanted_flow in {"*", flow}
        for wanted_tenant, wanted_flow in grants
    )


def records(number: int, tenant: str | None, flow: str) -> Iterator[Row]:
    """Make what one flow of one tenant sends: units that succeed, fail, recover, and logs and traces."""
    mark = f"{tenant}/{flow}"
    for n in range(4):
        # All at once, for a unit's time bounds must not hide what its scope should; but no two records
        # share a moment: nothing is left to chance in what is ordered by it.
        start = number / 16 + n * 3_601
        common = {
            "tenant": tenant,
            "flow": flow,
            # The same name in the flows of one tenant: two units, of which a scope may reach one.
            "correlation_id": f"{tenant}-{n}",
            "customer": f"customer of {tenant}",
            "segment": mark,
            "business_unit": f"unit {mark}",
            "run_id": f"run-{number}-{n}",
            "trace_id": SHARED if n == 0 else f"{number:016x}{n:016x}",
            "service": f"service {mark}",
            "value_amount": 10 * number + n + 1,
            "value_currency": "EUR" if number % 2 else "USD",
        }
        failed = n in {1, 2}
        attempt = {"role": "step", "step": "pay", "attempt": 1, "dependency": mark}
        if failed:
            attempt |= {"status": "error", "error_class": ("data", "business")[n - 1]}
        yield span(start, start + 5, f"pay {mark}", **common, **attempt)
        yield log(start + 3, f"secret of {mark}", **common, data='{"secret":"' + mark + '"}')
        if failed:
            expected = {"exception_message": f"no {mark}", "error_class": ("data", "unknown")[n - 1]}
            yield failure(start + 7, **{**common, **expected})
            yield failure(start + 8, step="ship", **{**common, "error_class": "business"})
        if n == 3:
            again = {"role": "step", "step": "pack", "error_class": "infrastructure"}
            yield span(start + 6, start + 6.5, f"pack {mark}", **common, **again, attempt=1, status="error")
            yield span(start + 7, start + 8, f"pack {mark}", **common, **again, attempt=2)
        if n != 1:
            ended = {"role": "unit", "outcome": "success"}
            yield span(start + 9, start + 60 + 2.5 * number, f"work {mark}", **common, **ended)


_ACTS: Final = (
    """
    update exception_case set state = 'claimed', holder = 'ann', lease_until = last_seen + interval 1 hour
    where state = 'open' and step = 'pay'
    """,
    """
    insert into audit by name
    select
        1000 + row_number() over (order by flow, correlation_id, step) as seq,
        last_seen as time, 'ann' as actor, 'human' as actor_type, 'retried' as verb, 'effect' as kind,
        'claimed' as to_state,
        id as case_id, correlation_id, flow, step, tenant,
    from exception_case
    where step = 'pay'
    """,
    """
    insert into retry by name
    select
        md5(flow || correlation_id) as id, id as case_id, flow, step, correlation_id, 2 as attempt,
        'queued' as state, 'k' as idempotency_key, 'ann' as requested_by, last_seen as requested_at,
        0 as leases,
    from exception_case
    where state = 'open'
    """,
)


def filled(store: Store, scope: Scope) -> Store:
    """Fill a store with what lies in a scope, and let a person act on it."""
    for number, place in enumerate(PLACES):
        if lies_in(scope, *place):
            store.append(batch(*records(number, *place))).result()

    def act(tx: Tx) -> None:
        for statement in _ACTS:
            tx.execute(statement)

    store.act(act).result()
    return store


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("whole"), intake)
    yield filled(store, None)
    store.close()


@pytest.fixture(params=SCOPES, ids=lambda scope: str(scope).replace("\x1f", "/"))
def scope(request: pytest.FixtureRequest) -> Scope:
    wanted: Scope = request.param
    return wanted


@pytest.fixture
def part(tmp_path: Any, scope: Scope) -> Iterator[Store]:
    """A store that holds nothing but what lies in the scope."""
    store = Store.open(tmp_path, intake)
    yield filled(store, scope)
    store.close()


def case_ids(store: Store) -> dict[str, str]:
    """Name each case by what is the same in every store."""
    found = shown.cases(store)
    return {
        f"{case['tenant']} {case['flow']} {case['correlation_id']} {case['step']}": case["id"]
        for case in found
    }


def reported(ask: Callable[[], Any]) -> Any:
    """Return the answer, or what kind of error came instead."""
    try:
        return ask()
    except UnsnagError as error:
        return type(error).__name__


def of_cases(reading: Reading, ids: dict[str, str], names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    yield "cases", asdict(replace(queries.listed(reading, CaseFilter(), 100, 0), after=None))
    yield "a page", asdict(replace(queries.listed(reading, CaseFilter(), 3, 2), after=None))
    yield "behind the last", asdict(replace(queries.listed(reading, CaseFilter(), 3, 500), after=None))
    yield "by text", asdict(replace(queries.listed(reading, CaseFilter(text="acme"), 100, 0), after=None))
    yield (
        "by tenant",
        asdict(replace(queries.listed(reading, CaseFilter(tenant=["globex"]), 100, 0), after=None)),
    )
    yield "counts", queries.counts(reading, CaseFilter(), mine="ann")
    yield "facets", asdict(queries.facets(reading))
    yield "claims", asdict(queries.my_claims(reading, "ann"))
    yield "case states", reading.query("server/case_states")
    yield "retry states", reading.query("server/retry_states")
    yield "next retry", reading.query("cases/next_retry", {"flows": None})
    for name in names:
        case_id = ids.get(name, "not in this store")
        yield f"case {name}", reported(lambda case_id=case_id: asdict(queries.one(reading, case_id)))
        yield f"found case {name}", hits(reading, case_id)


def of_units(reading: Reading) -> Iterator[tuple[str, Any]]:
    for tenant in sorted({str(tenant) for tenant, _ in PLACES}):
        yield f"customer {tenant}", hits(reading, f"customer of {tenant}", 100)
        yield f"begins {tenant}", hits(reading, f"{tenant}-", 100)
        for n in range(4):
            yield (
                f"unit {tenant}-{n}",
                reported(lambda name=f"{tenant}-{n}": asdict(units.unit(reading, name))),
            )
    for number in range(len(PLACES)):
        trace_id = f"{number:016x}{2:016x}"
        yield f"trace {trace_id}", reported(lambda trace_id=trace_id: asdict(units.trace(reading, trace_id)))
        yield f"found {trace_id}", hits(reading, trace_id)
        yield f"found run {number}", hits(reading, f"run-{number}-0")
    yield "shared trace", reported(lambda: asdict(units.trace(reading, SHARED)))
    yield (
        "found shared trace",
        reported(lambda: [{**hit, "title": ""} for hit in hits(reading, SHARED)]),
    )


def each(found: Iterable[Any]) -> list[Row]:
    return [asdict(one) for one in found]


def hits(reading: Reading, text: str, limit: int = 20) -> list[Row]:
    return each(units.search(reading, text, limit))


def of_records(reading: Reading) -> Iterator[tuple[str, Any]]:
    anything: Row = dict.fromkeys(
        ("q", "from", "to", "flow", "severity_number", "source", "correlation_id", "trace_id")
    )
    for wanted in ({}, {"q": "secret"}, {"flow": "orders"}, {"severity_number": 17}, {"limit": 3}):
        asked = {**anything, "limit": 500, "offset": 0, "behind": None, **wanted}
        part = PageRequest(asked["limit"])
        yield f"logs {wanted}", asdict(replace(units.logs(reading, asked, part), after=None))
        yield f"log table {wanted}", reading.arrow("units/logs", asked).num_rows
    anything = dict.fromkeys(("service", "operation", "min_ns", "max_ns", "from", "to"))
    for wanted in ({}, {"service": "service acme/orders"}, {"min_ns": 10**10}, {"limit": 2}):
        asked = {**anything, "conditions": "[]", "limit": 500, "offset": 0, "behind": None, **wanted}
        # Of the units of a trace any one is named: which, nobody says.
        found = reading.query("units/traces", asked)
        yield f"traces {wanted}", [{**row, "correlation_id": ""} for row in found]


def of_figures(reading: Reading) -> Iterator[tuple[str, Any]]:
    for by in ("flow", "tenant"):
        board = scoreboard.scoreboard(reading, WEEK.start, WEEK.end, by=by, buckets=3)
        yield f"figures by {by}", [asdict(figure) for figure in board]
    for name, by in (("K7", "class"), ("K9", "recovered_by"), ("K8", "class"), ("K1", "segment")):
        yield f"{name} by {by}", asdict(scoreboard.kpi(reading, name, WEEK, by=by))
    yield "of a flow", asdict(scoreboard.kpi(reading, "K19", WEEK, flow="orders"))
    for name in (*definitions(), "shape_of_work", "failures_by_step"):
        yield f"rows of {name}", scoreboard.rows(reading, name, WEEK.start, WEEK.end, limit=500)
    yield "trend", [asdict(point) for point in scoreboard.trend(reading, "K8", WEEK.start, WEEK.end, 3)]
    yield "shape", each(scoreboard.shape_of_work(reading, WEEK.start, WEEK.end, "hour"))
    yield "failures", each(scoreboard.failures_by_step(reading, WEEK.start, WEEK.end))
    yield "flows", scoreboard.flows(reading)


def seen(reading: Reading, names: Iterable[str]) -> dict[str, Any]:
    """Ask all that doors ask, and name cases so that two stores can be compared."""
    ids = case_ids(reading.store)
    reported_of = {**dict(of_cases(reading, ids, names)), **dict(of_units(reading))}
    reported_of |= {**dict(of_records(reading)), **dict(of_figures(reading))}
    named: dict[str, Any] = settled(reported_of, {case_id: name for name, case_id in ids.items()})
    return named


def settled(value: Any, names: dict[str, str]) -> Any:
    """Leave out what chance and the moment decided."""
    if isinstance(value, dict):
        return {key: settled(inner, names) for key, inner in value.items() if key not in MADE_NOW}
    if isinstance(value, list | tuple):
        return [settled(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


def test_a_scope_shows_what_a_store_would_that_holds_nothing_else(
    whole: Store, part: Store, scope: Scope
) -> None:
    names = sorted(case_ids(whole))[::2]
    within, alone = seen(Reading(whole, scope), names), seen(part.everything(), names)
    for question, answer in alone.items():
        assert within[question] == answer, question
    words = repr(within)
    for tenant, flow in PLACES:
        mark = f"secret of {tenant}/{flow}"
        assert (mark in words) == lies_in(scope, tenant, flow), mark


def test_the_whole_is_not_empty(whole: Store) -> None:
    """Guard the comparison: two stores that show nothing would be equal."""
    answers = seen(whole.everything(), sorted(case_ids(whole)))
    assert [question for question, answer in answers.items() if not answer] == []
    assert [question for question, answer in answers.items() if isinstance(answer, str)] == []
    assert len(case_ids(whole)) == 4 * len(PLACES)
    figures = {figure["id"]: figure for figure in answers["figures by flow"]}
    # Nobody wrote anything off, set an objective or changed a routing: test_golden.py has these.
    assert [name for name, figure in figures.items() if not figure["n"]] == ["K2", "K10", "K14", "K28"]
    assert figures["K1"]["details"]["assisted"] > 0


def test_a_case_and_a_unit_of_one_name_tell_nothing_of_each_other_across_tenants(store: Store) -> None:
    """Two tenants that number alike share a unit's name: what is joined by it is asked for its scope too."""
    tables, week = Tables(store), (TABLES_WEEK.start, TABLES_WEEK.end)
    tables.unit("open", done=2, value="99 EUR", tenant="acme")
    tables.unit("recovered", done=2, value="99 EUR", tenant="acme")
    tables.unit("closed by hand", failed=2, tenant="acme")
    tables.case("C1", "open", opened=1, tenant="globex")
    tables.case("C2", "recovered", opened=1, recovered=2, tenant="globex")
    tables.case("C3", "closed by hand", opened=1, resolved=3, tenant="globex")
    for case in ("C1", "C2", "C3"):
        tables.act(case)
    acme, globex = Reading(store, ("acme\x1f*",)), Reading(store, ("globex\x1f*",))
    figures = {figure.id: figure for figure in scoreboard.scoreboard(acme, *week)}
    assert figures["K1"].details == {"touchless": 2, "assisted": 0, "outside_is_seen": False}
    assert figures["K7"].details == {"with_error": 1, "exceptions_per_1000": 0}
    assert {(row["exceptions"], row["human_acts"]) for row in scoreboard.rows(acme, "K19", *week)[1]} == {
        (0, 0)
    }
    shape = scoreboard.shape_of_work(acme, *week, "day")[0]
    assert [shape.units[name] for name in ("touchless", "assisted", "manual", "failed")] == [2, 0, 0, 1]
    for name in ("K8", "K9"):
        assert scoreboard.kpi(globex, name, TABLES_WEEK).details["coverage"] == 0
        assert [row["value_amount"] for row in scoreboard.rows(globex, name, *week)[1]] == [None]
