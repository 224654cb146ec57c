"""Order in time: which of a success and a failure was later, and when clocks cannot tell."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from cases.case import Case, CaseState
from cases.intake import intake
from cases.proof import is_later
from cases.signal import Signal
from data.clock import micros
from data.store import Store
from tests.telemetry import at, batch, log, span
from traces.clocks import Doubt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLOW = "order-to-cash"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, intake)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("apart", "ahead", "behind", "expected"),
    [
        (1.9, 0, 0, None),
        (2.1, 0, 0, True),
        (0, 0, 0, False),  # only then does the failure win a tie
        (-1, 0, 0, False),
        (29, 30, 0, None),
        (31, 30, 0, True),
        (29, 0, 30, True),
        (-29, 0, 30, None),
        (-31, 0, 30, False),
    ],
)
def test_a_success_closer_than_the_clocks_differ_proves_nothing(
    apart: float, ahead: float, behind: float, expected: object
) -> None:
    case = Case(
        id="c1", state=CaseState.OPEN, tenant=None, flow=FLOW, step="pay", correlation_id="SO-1",
        error_class="unknown", severity="low", title="t", message="m", fingerprint="f", occurrences=1,
        attempts=1, opened_at=at(0), first_seen=at(0), last_seen=at(0), clock="f",
    )  # fmt: skip
    signal = Signal(
        record_id=1, correlation_id="SO-1", tenant=None, flow=FLOW, time=at(apart), part="pay", final=True,
        retry_id=None, clock="s", seq=None, step=None, map_index=None,
    )  # fmt: skip
    doubt = Doubt(timedelta(seconds=ahead), timedelta(seconds=behind))
    assert is_later(case, signal, doubt) is expected
    assert is_later(case, dataclasses.replace(signal, clock="f"), doubt) is (apart > 0)


def fails(
    true: float, *, off: float = 0, process: str = "f", way: float = 0.1, **fields: Any
) -> dict[str, Any]:
    """Return the error record of a unit that failed at a true time, on a clock that is off by so much."""
    sent = {"host": f"host-{process}", "instance": process, "source": "otlp", **fields}
    return log(
        true + off, "unit.failed", severity_number=17, severity="error", flow=FLOW, step="pay",
        correlation_id="SO-1", error_type="TimeoutError", exception_message="no answer", outcome="failed",
        service="pay", ingested_at=micros(at(true + way)), **sent,
    )  # fmt: skip


def works(
    true: float, *, off: float = 0, process: str = "s", way: float = 0.1, **fields: Any
) -> dict[str, Any]:
    """Return the span of a unit that ended well at a true time."""
    sent = {"host": f"host-{process}", "instance": process, "source": "otlp", **fields}
    return span(
        true + off - 1, true + off, "pay", role="unit", outcome="success", flow=FLOW, correlation_id="SO-1",
        service="pay", trace_id=f"{int(true) + 1:032x}", ingested_at=micros(at(true + way)), **sent,
    )  # fmt: skip


def other(true: float, *, off: float, process: str) -> dict[str, Any]:
    """Return a record of a process that says nothing of the unit."""
    sent = {"host": f"host-{process}", "instance": process, "source": "otlp"}
    return log(true + off, "hello", ingested_at=micros(at(true + 0.1)), **sent)


CASES = {
    "two clocks that are right": (works(10), fails(0), "recovered", None),
    "failed last": (works(0), fails(10), "open", None),
    "fast where it worked": (
        works(0, off=30), fails(3), "open",
        ("a success came 27 s after the failure, but the clock of host host-s is up to 40 s fast: "
         "they cannot tell which was later"),
    ),
    "slow where it failed": (
        works(0), fails(3, off=-30), "open",
        ("a success came 27 s after the failure, but the clock of host host-f is up to 30 s slow, "
         "or its records came late: they cannot tell which was later"),
    ),
    "slow where it failed, and worked long after": (works(40), fails(3, off=-30), "recovered", None),
    "fast where it failed, and worked soon after": (
        works(13), fails(3, off=30), "open",
        ("a success came 20 s before the failure, but the clock of host host-f is up to 40 s fast: "
         "they cannot tell which was later"),
    ),
    "slow where it worked after it failed": (works(40, off=-30), fails(3), "recovered", None),
    "a year slow where it failed": (
        works(0), fails(3, off=-400 * 86_400), "open",
        ("a success came 400 days after the failure, but the clock of host host-f is up to 400 days slow, "
         "or its records came late: they cannot tell which was later"),
    ),
    "one host, both late": (
        works(600, process="s", host="one", way=3000), fails(0, host="one", way=3600), "recovered", None,
    ),
    "two hosts, both late": (
        works(600, way=3000), fails(0, way=3600), "open",
        ("a success came 10 min after the failure, but the clock of host host-f is up to 60 min slow, or its "
         "records came late and the clock of host host-s is up to 50 min slow, or its records came late: "
         "they cannot tell which was later"),
    ),
    "two files, read late": (
        works(600, way=3000, source="spool"), fails(0, way=3600, source="spool"), "recovered", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("turn", [1, -1])
def test_a_case_recovers_only_where_the_clocks_can_tell(store: Store, name: str, turn: int) -> None:
    good, bad, state, note = CASES[name]
    for row in (good, bad)[::turn]:
        store.append(batch(row)).result()
    assert case(store) == (state, note)


def test_a_clock_that_turns_out_to_be_off_takes_a_proof_back_in_any_order(tmp_path: Path) -> None:
    """The success came late, so that its own arrival does not show that its clock is fast."""
    rows = (works(0, off=30, way=31), fails(3), other(60, off=30, process="s"))
    for number, order in enumerate(permutations(rows)):
        store = Store.open(tmp_path / str(number), intake)
        for row in order:
            store.append(batch(row)).result()
        assert case(store)[0] == "open", order
        store.close()


def test_a_clock_that_turns_out_to_be_right_lets_a_success_prove(store: Store) -> None:
    """The failure came a minute late; the next request of its process shows that its clock is right."""
    for row in (fails(0, way=60), works(30)):
        store.append(batch(row)).result()
    assert case(store)[0] == "open"
    store.append(batch(other(61, off=0, process="f"))).result()
    assert case(store)[0] == "recovered"


def case(store: Store) -> tuple[str, str | None]:
    (row,) = store.act(lambda tx: tx.execute("select state, note from exception_case")).result()
    return row["state"], row["note"]
