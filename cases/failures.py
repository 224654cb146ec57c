"""The failures that a transaction brings and takes back, and which IDs failed before it.

An ID of which nothing ever failed asks nothing of failures and cases, however many there are. For another one
the writer remembers when its failures and cases were first seen, so that a statement reads only those times.
Failures of a run that only describe another one are kept, but are no occurrence of any case (`traces.runs`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
import pyarrow as pa

from cases.case import CaseKey
from cases.failure import Failure
from cases.tasks import TaskFailure, of_failures
from data.clock import micros
from data.nouns import noun
from traces.known import Known, KnownIds, keys_of_ids
from traces.runs import Account, RunFailure, described

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cases.case import Case
    from cases.failure import Place
    from data.transaction import Tx
    from traces.resolving import Difference
    from traces.tenants import Tenants

FAILED: Final = "cases.failed"
"""Under which name the writer remembers which IDs have failures or cases."""
_task_failure = noun(TaskFailure, aware=False)


def failed_ids(tx: Tx) -> KnownIds:
    """Return which IDs have failures or cases, as the writer remembers it."""
    if FAILED not in tx.memo:
        table = tx.arrow("cases/known_failures")
        tx.memo[FAILED] = Known()
        for end in ("low", "high"):
            tx.memo[FAILED].add(table["key"].to_numpy(), table[end].to_numpy())
    return KnownIds(tx.memo[FAILED])


def note(tx: Tx, failed: KnownIds, failures: Iterable[Failure], cases: Iterable[Case]) -> None:
    """Take in the failures and the cases that a transaction writes."""
    times = [(failure.correlation_id, failure.time) for failure in failures]
    times += [(case.correlation_id, case.first_seen) for case in cases]
    if times:
        ids, moments = zip(*times, strict=True)
        at = pa.array(moments, pa.timestamp("us")).cast(pa.int64()).to_numpy()
        failed.add(tx, keys_of_ids(ids), at)


class Target(NamedTuple):
    """The failure that a record describes now: where it is anchored, and the key of its case."""

    place: Place
    key: CaseKey


class Moves:
    """The failures that came and went, each with the tenant that its case has."""

    def __init__(self, difference: Difference, tenants: Tenants, failed: KnownIds) -> None:
        self._tenants = tenants
        self._failed = failed
        self.come = [_within(Failure.of(row), tenants.after) for row in difference.come]
        self.gone = [_within(Failure.of(row), tenants.before) for row in difference.gone]
        self._moved = {
            place: _target(row, tenants.after) if row else None for place, row in difference.moved.items()
        }

    def retenant(self, tx: Tx) -> None:
        """Move the failures without a tenant of IDs whose tenant is another one now."""
        ids = self._failed.before(self._tenants.changed)
        if not ids:
            return
        tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(ids), pa.string())}))
        known = {failure.place for failure in (*self.come, *self.gone)}
        for failure in tx.run("traces/untold_failures", self._failed.between(ids), into=Failure.of):
            if failure.place not in known:
                self.gone.append(_within(failure, self._tenants.before))
                self.come.append(_within(failure, self._tenants.after))
                self._moved[failure.place] = Target(failure.place, self.come[-1].key)

    def join_runs(self, tx: Tx) -> None:
        """Leave out the failures of runs that only describe another failure of their run."""
        ids = {failure.correlation_id for failure in (*self.come, *self.gone) if failure.account}
        if not ids:
            return
        known = self._failed.before(ids)
        # Nothing ever failed for the other IDs: what arrived is all that there is of them.
        of_runs = [one for one in self.come if one.account and one.correlation_id not in known]
        if known:
            tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(known), pa.string())}))
            found = tx.run("cases/failures_of_runs", self._failed.between(known), into=Failure.of)
            of_runs += [_within(failure, self._tenants.after) for failure in found]
        if len(of_runs) > 1 or any(one.describes for one in (*of_runs, *self.gone)):
            self.come, self.gone = _join_runs(tx, of_runs, self.come, self.gone, self._moved)

    def touched(self) -> set[CaseKey]:
        """Return the keys of cases that may change."""
        return {one.key for one in (*self.come, *self.gone, *self._moved.values()) if one}

    def targets(self) -> dict[CaseKey, CaseKey | None]:
        """Return for each key that lost failures where the latest of them went."""
        targets: dict[CaseKey, CaseKey | None] = {}
        for failure in sorted(self.gone, key=lambda one: one.order):
            target = self._moved.get(failure.place)
            targets[failure.key] = target.key if target else targets.get(failure.key)
        return targets


def _within(failure: Failure, sole: dict[str, str]) -> Failure:
    return failure if failure.tenant else replace(failure, tenant=sole.get(failure.correlation_id))


def _target(row: Mapping[str, Any], sole: dict[str, str]) -> Target:
    own = CaseKey.of(row)
    place = row["trace_id"], row["record_id"]
    return Target(place, own if own.tenant else own._replace(tenant=sole.get(own.correlation_id)))


def of_tasks(tx: Tx) -> dict[CaseKey, dict[str | None, TaskFailure]]:
    """Return the last failure of each task of the cases in the view `wanted_case`."""
    of_keys: dict[CaseKey, list[TaskFailure]] = {}
    for row in tx.run("cases/tasks_by_key"):
        of_keys.setdefault(CaseKey.of(row), []).append(_task_failure(row))
    return {key: of_failures(found) for key, found in of_keys.items()}


# --- failures of runs ---------------------------------------------------------------------------------


def _join_runs(
    tx: Tx,
    of_runs: Iterable[Failure],
    come: list[Failure],
    gone: list[Failure],
    moved: dict[Place, Target | None],
) -> tuple[list[Failure], list[Failure]]:
    """Return which failures come and go, once those that only describe another are left out.

    What is left out depends on all failures of a run that stand, so no order of arrival can matter.

    Args:
        tx: The running transaction, in which joining wrote its difference.
        of_runs: All failures of the runs in question, with the tenants that their cases have.
        come: Failures that joining found.
        gone: Failures that joining took back.
        moved: For each failure that went, where it belongs now; changed in place.
    """
    of_place = {failure.place: failure for failure in of_runs}
    home_of = described(_run_failure(failure) for failure in of_place.values())
    homes = {line: Target(home, of_place[home].key) for line, home in home_of.items()}
    came = {failure.place for failure in come}
    come = [failure for failure in come if failure.place not in homes]
    # What was no occurrence before cannot go.
    gone = [failure for failure in gone if failure.describes is None]
    for place, failure in of_place.items():
        if place not in came and (place in homes) != (failure.describes is not None):
            (gone if place in homes else come).append(failure)
    moved |= {failure.place: homes[failure.place] for failure in gone if failure.place in homes}
    moved |= {place: homes[to.place] for place, to in moved.items() if to and to.place in homes}
    _note(tx, of_place, homes)
    return come, gone


def _note(tx: Tx, of_place: dict[Place, Failure], homes: dict[Place, Target]) -> None:
    changed = []
    for place, failure in of_place.items():
        home = homes[place].place[1] if place in homes else None
        if failure.describes != home:
            changed.append((*place, home))
    if changed:
        traces, ids, described_ids = zip(*changed, strict=True)
        columns = {"record_id": pa.array(ids, pa.uint64()), "describes": pa.array(described_ids, pa.uint64())}
        tx.view("described_failure", pa.table({"trace_id": pa.array(traces, pa.string()), **columns}))
        tx.run("cases/describe_failures")


def _run_failure(failure: Failure) -> RunFailure:
    since, until, exceptions, texts = orjson.loads(failure.account or "")
    return RunFailure(
        place=failure.place,
        unit=(failure.tenant, failure.correlation_id, failure.flow),
        time=micros(failure.time.replace(tzinfo=UTC)),
        account=Account(since, until, tuple((kind, message) for kind, message in exceptions), tuple(texts)),
        stands=failure.details.is_counted,
    )
