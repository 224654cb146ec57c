"""What a store of any engine must pass, by its two ports; run against each that there is.

It speaks through named statements and commands only, so nothing here is DuckDB's. What belongs to it and
stands elsewhere: `test_scope.py` (nothing outside of a scope is read), `test_keys.py` (what comes again is no
second row), `test_seam.py` (no statement names tables of both sides), and tests/crash (what was acknowledged
survives a kill).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from access.errors import TokenReusedError
from audit import trail
from audit.actor import Actor
from cases import queries, units
from cases.case import CaseState
from cases.commands import Claim, FixedOutside, Release
from cases.errors import AlreadyClaimedError
from cases.intake import intake
from data.clock import stored
from data.errors import ConflictError
from data.store import Store
from tests.data import keys
from tests.gates import local_context
from tests.telemetry import TRACE, at, batch, failure, log, span, success

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cases.case import Case
    from data.ports import State, Telemetry
    from data.transaction import Tx

ENGINES: dict[str, Callable[..., Store]] = {"duckdb": Store.open}
AT_ONCE = 8


@dataclass
class Engine:
    """A store of one engine, which can be closed and opened again."""

    open: Callable[..., Store]
    folder: Path
    heard: list[int] = field(default_factory=list)
    """How many cases were open when each commit that touched cases was announced."""

    def __post_init__(self) -> None:
        self.store = self.open(self.folder, intake, self._committed)

    def again(self) -> Store:
        """Close the store and open it."""
        self.store.close()
        self.store = self.open(self.folder, intake)
        return self.store

    def append(self, *rows: dict[str, Any]) -> int:
        """Append records, and return how many were new."""
        return self.store.append(batch(*rows)).result().records

    def cases(self) -> list[Case]:
        """Return all cases."""
        return list(queries.listed(self.store.everything(), queries.CaseFilter(), 1_000, 0).items)

    def _committed(self, topics: set[str]) -> None:
        if "case" in topics:
            self.heard.append(len(self.cases()))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(ENGINES[request.param], tmp_path / "store")
    yield made
    made.store.close()


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Do all of it at the same time; what is raised is returned."""

    def tried(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(tried, calls))


def logs_of(telemetry: Telemetry, trace_id: str) -> list[str]:
    """Return the messages of a trace's log records, oldest first."""
    asked = {"id": trace_id, "deliveries": [stored(at(0))], "limit": 1_000, "scope": None}
    return [row["message"] for row in telemetry.query("units/logs_by_trace", asked)]


def head(state: State) -> tuple[int, str]:
    """Return the end of the audit."""
    (row,) = state.query("audit/head")
    return row["seq"], row["hash"]


# --- telemetry ---------------------------------------------------------------------------------


def test_telemetry_acknowledged_is_read_by_key_at_once_and_after_opening_again(engine: Engine) -> None:
    sent = [log(n, f"line {n}\x00 'é'", trace_id=TRACE, ingested_at=log(0)["time"]) for n in range(20)]
    engine.append(*sent, log(3, "of another trace", trace_id=TRACE[::-1]))
    expected = [row["message"] for row in sent]
    assert logs_of(engine.store.everything(), TRACE) == expected
    assert logs_of(engine.again().everything(), TRACE) == expected


def test_telemetry_that_is_delivered_at_once_and_cut_otherwise_is_one_row_each(engine: Engine) -> None:
    sent = [span(n, n + 1, f"s{n}") for n in range(60)]
    deliveries = [
        sent[first : first + size] for size in (60, 7, 13, 25) for first in range(0, len(sent), size)
    ]
    new = at_once([lambda rows=rows: engine.append(*rows) for rows in deliveries])  # type: ignore[misc]
    assert sum(new) == len(sent)
    assert len(units.trace(engine.store.everything(), TRACE).spans) == len(sent)
    assert keys.repeated(engine.store) == {}


def test_telemetry_keeps_times_to_the_microsecond(engine: Engine) -> None:
    engine.append(span(0.000001, 1.234567, "exact"))
    (found,) = units.trace(engine.store.everything(), TRACE).spans
    assert (found.start, found.end) == (at(0.000001), at(1.234567))


# --- state -------------------------------------------------------------------------------------


def test_a_transaction_of_state_is_kept_whole_or_not_at_all(engine: Engine) -> None:
    sought = {"key": "k-1", "actor": "ann"}
    answer = {**sought, "request_hash": "h", "status": 200, "body": "{}", "now": stored(at(0))}

    def half(tx: Tx) -> None:
        tx.run("access/insert_idempotent_write", answer)
        raise ConflictError

    with pytest.raises(ConflictError):
        engine.store.act(half).result()
    assert engine.store.query("access/idempotent_write", sought) == []
    engine.store.act(lambda tx: tx.run("access/insert_idempotent_write", answer)).result()
    assert len(engine.store.query("access/idempotent_write", sought)) == 1


def test_of_several_who_claim_at_once_one_has_the_case(engine: Engine) -> None:
    engine.append(failure(0))
    (case,) = engine.cases()
    people = [Actor(f"p{n}") for n in range(AT_ONCE)]
    found = at_once(
        [lambda who=who: perform(Claim(case.id), local_context(engine.store, who)) for who in people]  # type: ignore[misc]
    )
    (winner,) = [one for one in found if not isinstance(one, Exception)]
    assert [type(one) for one in found if one is not winner] == [AlreadyClaimedError] * (AT_ONCE - 1)
    (kept,) = engine.cases()
    assert (kept.holder, kept.version) == (winner.holder, case.version + 1)


def test_one_key_at_once_is_one_act_with_one_answer(engine: Engine) -> None:
    engine.append(failure(0))
    (case,) = engine.cases()
    ann = local_context(engine.store, Actor("ann"))
    perform(Claim(case.id), ann)
    written = FixedOutside(case.id, "The carrier was called")
    answers = at_once([lambda: perform(written, ann, key="k-1")] * AT_ONCE)
    assert len({(one.id, one.version, one.state) for one in answers}) == 1
    (kept,) = engine.cases()
    assert kept.version == case.version + 2
    with pytest.raises(TokenReusedError):
        perform(Release(case.id), ann, key="k-1")


def test_an_error_and_a_success_at_once_leave_no_case_open(engine: Engine) -> None:
    """The unit's row is written before its cases are read: else both miss what the other does."""
    names = [f"SO-{n}" for n in range(12)]
    at_once([lambda name=name: engine.append(failure(0, name)) for name in names])  # type: ignore[misc]
    again = [lambda name=name: engine.append(failure(3, name)) for name in names]  # type: ignore[misc]
    ended = [lambda name=name: engine.append(success(9, name)) for name in names]  # type: ignore[misc]
    assert at_once([call for pair in zip(again, ended, strict=True) for call in pair]) == [1] * 24
    assert {case.state for case in engine.cases()} == {CaseState.RECOVERED}
    assert len(engine.cases()) == len(names)


def test_acts_at_once_are_one_chain(engine: Engine) -> None:
    engine.append(*(failure(n, f"SO-{n}") for n in range(AT_ONCE)))
    acts = [Claim(case.id) for case in engine.cases()]
    at_once([lambda act=act: perform(act, local_context(engine.store, Actor("ann"))) for act in acts])  # type: ignore[misc]
    verdict = trail.verify(engine.store)
    assert verdict.intact
    assert (verdict.entries, verdict.head) == head(engine.store)
    assert keys.repeated(engine.store) == {}


def test_who_hears_of_a_commit_reads_what_it_wrote(engine: Engine) -> None:
    for n in range(5):
        engine.append(failure(n, f"SO-{n}"))
    assert engine.heard == [1, 2, 3, 4, 5]


def test_state_is_the_same_after_opening_again(engine: Engine) -> None:
    engine.append(failure(0), failure(1, "SO-2"), success(5, "SO-2"))
    perform(Claim(engine.cases()[0].id), local_context(engine.store, Actor("ann")))
    before = (engine.cases(), head(engine.store), units.unit(engine.store.everything(), "SO-2"))
    engine.again()
    assert before == (engine.cases(), head(engine.store), units.unit(engine.store.everything(), "SO-2"))
