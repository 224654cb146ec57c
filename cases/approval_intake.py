"""Approvals in every ingest transaction: records ask and stop asking, the ends of units close them.

`cases.approval` has the rules. What is asked belongs to the unit that its own record names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from audit.actor import SYSTEM
from cases import failures
from cases.approval import UNIT_ENDED, Named, ended, entry_of, heard, source_of
from cases.case import Case
from cases.change import Change, make
from cases.content import valued
from cases.lifecycle import AWAITING
from cases.moves import described
from data.nouns import noun
from unsnag.conventions import APPROVAL_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from cases.approval import Entry, Source
    from data.transaction import Tx
    from traces.known import KnownIds
    from traces.tenants import Tenants
    from traces.units import Described, Units

_AWAITING: Final = "cases.awaiting"
_SIGN: Final = f'"{APPROVAL_PREFIX}'
_NAMES: Final = ("id", "question", "timeout_s", "state")
_ENDS: Final = ("success", "failed", "partial", "completed_with_errors", "completed_unproven", "cancelled")
"""Outcomes after which nobody waits any more. `progress` and `ended` leave open whether the unit goes on."""


@dataclass(frozen=True, slots=True)
class End:
    """How a part of a unit ended."""

    tenant: str | None
    flow: str
    correlation_id: str
    outcome: str
    part: str | None
    final: bool
    time: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> End:
        """Return the end of a stored row."""
        return _end(row)

    def closes(self, case: Case) -> bool:
        """Return whether nobody waits for the answer any more: the asking part of the unit ended later."""
        is_same = (self.flow, self.correlation_id) == (case.flow, case.correlation_id)
        is_of_tenant = self.tenant in (None, case.tenant)
        is_part = self.final or self.part is None or case.part is None or self.part == case.part
        return is_same and is_of_tenant and is_part and self.time > case.last_seen


_end = noun(End, aware=False)


def take(tx: Tx, ends: pa.Table, tenants: Tenants, *, units: Units, failed: KnownIds, now: datetime) -> None:
    """Open, change and close approvals by the records and the ends of the running transaction."""
    records = list(_entries(tx, tenants))
    asked = _hear(tx, records, units, failed, now) if records else []
    waiting = _awaiting(tx)
    ids = waiting & _ended_ids(ends) if waiting else set()
    ids |= {case.correlation_id for case in asked if case.state == AWAITING}
    if ids:
        _close(tx, ids, now)


def _ended_ids(ends: pa.Table) -> set[str]:
    outcomes, ids = ends.select(["outcome", "correlation_id"]).columns
    return set(ids.filter(pc.is_in(outcomes, pa.array(_ENDS))).to_pylist())


# --- records ----------------------------------------------------------------------------------------------


def _entries(tx: Tx, tenants: Tenants) -> Iterator[Entry]:
    """Return what the incoming records say of approvals, in the order of their times."""
    rows = [row for name in ("incoming_log", "incoming_span") for row in _rows(tx.tables[name])]
    for source in sorted(rows, key=attrgetter("time", "record_id")):
        known = orjson.loads(source.attributes)
        attributes = {name: known.get(f"{APPROVAL_PREFIX}{name}") for name in _NAMES}
        tenant = source.tenant or tenants.after.get(source.correlation_id or "")
        if record := entry_of(source, attributes, tenant):
            yield record


def _rows(table: pa.Table) -> list[Source]:
    (attributes,) = table.select(["attributes"]).columns
    if not any(_may_name(chunk) for chunk in attributes.chunks):
        return []
    has = pc.match_substring(attributes, _SIGN)
    return [source_of(row) for row in table.filter(has).to_pylist()]


def _may_name(attributes: pa.StringArray) -> bool:
    """Say whether any text may name an approval; a no is certain. All bytes at once: a third of the time."""
    _, _, texts = attributes.buffers()
    return texts is not None and _SIGN.encode() in texts.to_pybytes()


def _hear(tx: Tx, records: list[Entry], units: Units, failed: KnownIds, now: datetime) -> list[Case]:
    """Write what the records make of the approvals that they name, and return these."""
    before = {_named(case): case for case in _stored(tx, {record.id for record in records})}
    after = dict(before)
    for record in records:
        name = Named(record.key.tenant, record.key.correlation_id, record.id)
        after[name] = heard(after.get(name), record)
    after = _with_values(tx, units, after)
    changes = [change for name, case in after.items() for change in _changes(before.get(name), case)]
    make(tx, changes, now)
    failures.note(tx, failed, (), [case for name, case in after.items() if name not in before])
    tx.memo.pop(_AWAITING, None)
    return _stored(tx, {record.id for record in records})


def _with_values(tx: Tx, units: Units, cases: dict[Named, Case]) -> dict[Named, Case]:
    """Give each approval without a value that of its unit, of its own flow before others."""
    found: dict[tuple[str | None, str], list[Described]] = {}
    for unit in described(tx, units, {case.correlation_id for case in cases.values() if case.value is None}):
        found.setdefault((unit.tenant, unit.correlation_id), []).append(unit)
    return {
        name: _valued(case, found.get((case.tenant, case.correlation_id), [])) for name, case in cases.items()
    }


def _valued(case: Case, units: list[Described]) -> Case:
    unit = valued(units, case.flow)
    if unit is None or case.value is not None:
        return case
    return replace(case, value_amount=unit.amount, value_currency=unit.currency)


def _named(case: Case) -> Named:
    return Named(case.tenant, case.correlation_id, case.approval_id or "")


def _stored(tx: Tx, ids: Iterable[str]) -> list[Case]:
    return tx.run("cases/approvals_by_id", {"ids": sorted(ids)}, into=Case.of)


def _changes(before: Case | None, after: Case) -> Iterator[Change]:
    if before is None:
        yield Change(None, after, "asked", SYSTEM)
    elif before != after:
        yield Change(before, after, _verb(before, after), SYSTEM, _why(before, after))


def _verb(before: Case, after: Case) -> str:
    if before.state == after.state:
        return "asked" if after.occurrences > before.occurrences else "updated"
    return "asked" if after.state == AWAITING else "unanswered"


def _why(before: Case, after: Case) -> str | None:
    return after.resolution_reason if before.state == AWAITING != after.state else None


# --- ends of units ------------------------------------------------------------------------------------------


def _awaiting(tx: Tx) -> set[str]:
    """Return the IDs about which somebody is asked, as the writer remembers them; some may be answered."""
    if _AWAITING not in tx.memo:
        tx.memo[_AWAITING] = set(tx.run("cases/awaiting_ids", {"state": AWAITING}, into=_only_value))
    found: set[str] = tx.memo[_AWAITING]
    return found


def _only_value(row: Mapping[str, Any]) -> str:
    (value,) = row.values()
    return str(value)


def _close(tx: Tx, ids: set[str], now: datetime) -> None:
    """Close the approvals of these IDs whose unit has ended after they were asked."""
    cases = tx.run("cases/awaiting_of_ids", {"ids": sorted(ids), "state": AWAITING}, into=Case.of)
    if not cases:
        return
    since = min(case.last_seen for case in cases)
    wanted = {"ids": sorted(ids), "since": since, "outcomes": list(_ENDS)}
    ends = tx.run("cases/ends_of_ids", wanted, into=End.of)
    make(tx, [change for case in cases if (change := _ended(case, ends))], now)
    tx.memo.pop(_AWAITING, None)


def _ended(case: Case, ends: list[End]) -> Change | None:
    end = next((end for end in ends if end.closes(case)), None)
    if end is None:
        return None
    outcome = end.outcome.replace("_", " ")
    words = f"the unit ended at {end.time:%Y-%m-%d %H:%M:%S} UTC ({outcome}): nobody waits for the answer"
    return Change(case, ended(case, UNIT_ENDED, end.time, words), "unanswered", SYSTEM, words)
