"""A store with every kind of unit and exception: what the golden figures are taken from.

Nothing here depends on the clock or on the machine: the same rows come out on each run.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from tests.kpis.tables import START, Tables, at
from tests.telemetry import START as RECORDS_START
from tests.telemetry import batch, failure, success

if TYPE_CHECKING:
    from data.store import Store
    from data.transaction import Tx

FLOWS: Final = ("orders", "returns", "invoices", "claims")
TENANTS: Final = ("acme", "globex", None)
SEGMENTS: Final = ("big", "small", None)
UNITS_OF_BUSINESS: Final = ("north", "south", None)
CURRENCIES: Final = ("EUR", "EUR", "EUR", "USD", "USD", "JPY", None)
CLASSES: Final = ("business", "data", "infrastructure", "unknown")
STEPS: Final = ("check", "ship", "pay")
OUTCOMES: Final = (
    "success", "success", "success", "failed", "partial", "ended",
    "completed_unproven", "completed_with_errors", "cancelled", None,
)  # fmt: skip
STATES: Final = (
    "open", "claimed", "retrying", "verifying", "expired",
    "recovered", "recovered", "recovered", "recovered", "recovered", "recovered", "resolved", "resolved",
)  # fmt: skip
NOTES: Final = (None, None, None, None, "closed by the script", "needs a look", "fixed outside")
VERBS: Final = ("retried", "edited", "decided", "fixed_outside", "claimed", "noted", "resolved")
CODES: Final = ("fixed_upstream", "data_corrected", "duplicate")
WEEKS_H: Final = 24 * 28
_AIMED: Final = (
    """
    update unit set routings = [
        {
            'stated_at': opened_at,
            'mode': if(ascii(right(correlation_id, 1)) % 3 = 0, 'auto', 'manual'),
        },
        {
            'stated_at': opened_at + interval 2 hours,
            'mode': if(ascii(right(correlation_id, 1)) % 4 = 0, 'manual', 'auto'),
        },
    ]
    where ascii(right(correlation_id, 1)) % 5 > 0
    """,
    """
    insert into kpi_objective values
        ('K14', null, 72000, 'ann', timestamp '2026-01-01'),
        ('K14', 'orders', 36000, 'ann', timestamp '2026-01-01'),
        ('K14', 'claims', null, 'ann', timestamp '2026-01-01')
    """,
    """
    insert into kpi_target values
        ('K15', 'orders', 20, null, 'ann', timestamp '2026-01-01'),
        ('K15', 'returns', 40, null, 'ann', timestamp '2026-01-01')
    """,
    """
    insert into kpi_baseline values
        (null, 'February', date '2026-02-16', date '2026-03-02', 'ann', timestamp '2026-01-01')
    """,
)
"""Routings that changed, objectives of some flows, and a baseline."""


class Rows(Tables):
    """Gathers the rows and writes each table in one transaction."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        self._rows[table].append(row)

    def write(self) -> None:
        """Write what was gathered."""
        self.store.act(self._write).result()

    def _write(self, tx: Tx) -> None:
        for table, rows in self._rows.items():
            names = list(dict.fromkeys(name for row in rows for name in row))
            columns = {name: [row.get(name) for row in rows] for name in names}
            tx.view("new_rows", pa.table(columns))
            tx.execute(f"insert into {table} by name select * from new_rows")  # noqa: S608 - names of ours


def fill(store: Store, units: int = 220) -> None:
    """Write four weeks around `tables.WEEK`, and a few units as records that arrive late."""
    rows, chance = Rows(store), random.Random(20260302)
    for n in range(units):
        _unit(rows, chance, n)
    for n in range(12):
        _case_alone(rows, chance, n)
    for n, age in enumerate((0.5, 2, 3, 10, 20)):
        rows.case(f"XR{n}", f"recent{n}", opened=168 - age, value="12.50 EUR", tenant="acme")
    _worked(rows, random.Random(20260303))
    rows.write()
    for statement in _AIMED:
        store.act(partial(_execute, statement)).result()
    store.act(lambda tx: tx.execute("update unit_signal set part = 'shop' where record_id % 3 > 0")).result()
    _promise(store)
    _arrive_late(store)


def _execute(statement: str, tx: Tx) -> None:
    tx.execute(statement)


def _unit(rows: Rows, chance: random.Random, n: int) -> None:
    opened = chance.uniform(-WEEKS_H / 2, 170)
    flow = chance.choice(FLOWS)
    # One business ID may travel through two flows.
    name = f"U{n - 1}" if n % 17 == 16 else f"U{n}"
    common = _context(chance)
    done = opened + chance.expovariate(0.05) if chance.random() < 0.75 else None
    failed = opened + chance.expovariate(0.05) if chance.random() < 0.35 else None
    rows.unit(
        name, opened=opened, done=done, failed=failed, flow=flow,
        outcome=chance.choice(OUTCOMES), failed_attempts=chance.choice((0, 0, 0, 1, 3)),
        human_at=at(opened + 1) if chance.random() < 0.1 else None,
        **_money(chance), **common,
    )  # fmt: skip
    for k in range(chance.choice((0, 0, 1, 1, 2, 3))):
        _case(rows, chance, f"C{n}-{k}", name, opened=opened + chance.uniform(0, 9), flow=flow, **common)
    for _ in range(chance.choice((0, 1, 2, 4))):
        error = chance.choice((*CLASSES[:3], None, None))
        rows.attempt(name, chance.choice(STEPS), opened + chance.uniform(0, 30), error, flow=flow)


def _case_alone(rows: Rows, chance: random.Random, n: int) -> None:
    """Write an exception whose unit has no row, or whose tenant is not that of its unit."""
    name = f"lost{n}" if n % 2 else f"U{n}"
    _case(
        rows,
        chance,
        f"X{n}",
        name,
        opened=chance.uniform(0, 100),
        flow=chance.choice(FLOWS),
        **_context(chance),
    )


def _case(rows: Rows, chance: random.Random, case: str, unit: str, **common: Any) -> None:
    opened, state = common["opened"], chance.choice(STATES)
    ends = _ends(chance, opened, state)
    note = chance.choice(NOTES)
    rows.case(
        case, unit, state=state, note=note, step=chance.choice(STEPS),
        people=opened + 1 if chance.random() < 0.3 else None,
        **ends, **_money(chance), **common, **{"class": chance.choice(CLASSES)},
    )  # fmt: skip
    for _ in range(chance.choice((1, 1, 2))):
        rows.occurrence(case, opened + chance.uniform(0, 5), note=note)
    if chance.random() < 0.5:
        _act(rows, chance, case)
    if chance.random() < 0.05:
        rows.merged(f"{case}-merged", case)
        rows.act(f"{case}-merged", "retried")


def _act(rows: Rows, chance: random.Random, case: str) -> None:
    rows.act(
        case,
        chance.choice(VERBS),
        kind=chance.choice(("human", "human", "service", "system")),
        record=chance.choice(("effect", "effect", "intent")),
        details=json.dumps({"code": chance.choice(CODES)}),
    )


def _ends(chance: random.Random, opened: float, state: str) -> dict[str, Any]:
    """Say when a case ended. A late proof has an event time long before it was noticed."""
    later = opened + chance.expovariate(0.03)
    if state == "recovered":
        return {"recovered_by": chance.choice(("automatic", "retry", "person")), "recovered": later}
    if state == "resolved":
        verified = later + chance.expovariate(0.1) if chance.random() < 0.4 else None
        return {"resolved": later, "verified": verified, "resolution_code": chance.choice(CODES)}
    return {"resolved": later} if state == "expired" else {}


def _context(chance: random.Random) -> dict[str, Any]:
    return {
        "tenant": chance.choice(TENANTS),
        "segment": chance.choice(SEGMENTS),
        "business_unit": chance.choice(UNITS_OF_BUSINESS),
    }


def _money(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.2:
        return {"value_amount": None, "value_currency": None}
    # Equal amounts are common: which exception speaks for its unit must not depend on chance.
    whole, parts = chance.choice((1, 5, 5, 250, 1999)), chance.choice((0, 0, 25, 9_999))
    amount = Decimal(whole * 10_000 + parts).scaleb(-4)
    return {"value_amount": amount, "value_currency": chance.choice(CURRENCIES)}


def _worked(rows: Rows, chance: random.Random) -> None:
    """Write what people did under claims, steps that were tried again, and what was written off."""
    for n in range(60):
        common, opened = {"flow": chance.choice(FLOWS), **_context(chance)}, chance.uniform(-300, 150)
        name, done = f"W{n}", opened + chance.uniform(3, 20)
        ends = {"failed": done} if n % 4 == 0 else {"done": done}
        rows.unit(name, opened=opened, failed_attempts=n % 3, **ends, **_money(chance), **common)
        lost = {"resolved": done, "resolution_code": "written_off"} if n % 4 == 0 else {"recovered": done}
        case = f"CW{n}"
        rows.case(case, name, opened=opened, **lost, **_money(chance), **common)
        _claims(rows, chance, case, opened)
        for number in range(1, 2 + n % 3):
            error = chance.choice(CLASSES[:3]) if number < 1 + n % 3 else None
            rows.attempt(
                name, chance.choice(STEPS[:2]), opened + number, error, attempt=number, flow=common["flow"],
                started_at=at(opened + number - 0.1), dependency=chance.choice(("gateway", None)),
                retry_id=f"R{n}" if n % 5 == 0 and number == 2 else None,
            )  # fmt: skip


def _claims(rows: Rows, chance: random.Random, case: str, opened: float) -> None:
    clock = opened + chance.uniform(0.1, 1)
    for verb, state in (("claimed", "claimed"), ("renewed", "claimed"), ("retried", "retrying")):
        rows.act(case, verb, time=at(clock), to_state=state)
        clock += chance.choice((0.05, 0.1, 0.5))


def _arrive_late(store: Store) -> None:
    """Send records in the wrong order: recovered, reopened, proven before it failed, and still open."""
    tenant = {"tenant": "acme"}
    for record in (
        failure(_seconds(30), "late", **tenant),
        success(_seconds(29), "late"),
        failure(_seconds(40), "recovered", **tenant),
        success(_seconds(41.5), "recovered"),
        failure(_seconds(50), "reopened", **tenant),
        success(_seconds(52), "reopened"),
        failure(_seconds(54), "reopened", **tenant),
        success(_seconds(61), "proven first", Decimal(70)),
        failure(_seconds(60), "proven first", **tenant),
    ):
        store.append(batch(record)).result()


def _seconds(hours: float) -> float:
    """Return hours after the start of the week as the records' helpers count."""
    return (START + timedelta(hours=hours) - RECORDS_START).total_seconds()


_PROMISED: Final = """
update exception_case set
    triage_due_at = opened_at + to_hours(1 + numbered.n % 20),
    due_at = opened_at + to_hours(20 + numbered.n % 60),
    triaged_at = case when numbered.n % 3 > 0 then opened_at + to_hours(numbered.n % 15) end
from (select id, row_number() over (order by id) as n from exception_case) as numbered
where exception_case.id = numbered.id and numbered.n % 7 > 0
"""
_ESCALATED: Final = """
insert into audit by name
select
    10000 + n as seq, opened_at + to_hours(3) as time, 'effect' as kind,
    if(n % 2 = 0, 'system', 'human') as actor_type, 'ann' as actor, 'escalated' as verb, id as case_id,
from (select *, row_number() over (order by id) as n from exception_case)
where id like 'C%' and not id like 'CW%' and n % 3 = 0
"""


def _promise(store: Store) -> None:
    """Give most exceptions due times, some of them kept, and let some be escalated."""
    store.act(lambda tx: [tx.execute(sql) for sql in (_PROMISED, _ESCALATED)]).result()
