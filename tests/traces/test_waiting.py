"""A failed span waits for its unit root; what comes meanwhile does not make it forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cases import intake, moves
from data.clock import stored, utc_now
from data.store import Store
from tests import shown
from tests.telemetry import batch, log, span
from traces import joining

if TYPE_CHECKING:
    from pathlib import Path

    from data.transaction import Tx

HOUR = 3600


def failed(hours: float = 0) -> dict[str, Any]:
    """Return a failed span whose unit root is not there."""
    own = {"service": "shop", "flow": "orders", "correlation_id": None, "status": "error"}
    start = hours * HOUR
    return span(start, start + 1, "charge", span_id="5" * 16, parent_span_id="1" * 16, **own)


def stuck_steps(store: Store) -> list[str]:
    """Return the open exceptions once nothing waits any more."""

    def later(tx: Tx) -> None:
        now = stored(utc_now() + timedelta(minutes=1))
        moves.no_records(tx)
        intake._take(tx, joining.settle(tx, now), now)

    store.act(later).result()
    return [case["step"] for case in shown.cases(store)]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_part_of_another_day_leaves_what_waits(tmp_path: Path, *, restarts: bool) -> None:
    store = Store.open(tmp_path, intake.intake)
    store.append(batch(failed(49))).result()
    if restarts:
        store.close()
        store = Store.open(tmp_path, intake.intake)
    store.append(batch(span(0, 1, "ask", span_id="2" * 16, service="shop"))).result()
    assert stuck_steps(store) == ["charge"]
    store.close()


def test_what_waits_at_a_stop_waits_on_however_late_it_was_written(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake.intake)
    store.append(batch(failed())).result()  # arrived long ago, and is written only now
    store.append(batch(log(0, "hello", trace_id="b" * 32))).result()
    store.close()
    store = Store.open(tmp_path, intake.intake)
    assert stuck_steps(store) == ["charge"]
    store.close()


def test_what_waits_at_a_stop_waits_on_though_the_clock_was_set_back(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake.intake)
    store.append(batch(failed(1) | {"trace_id": "b" * 32, "name": "send"})).result()
    store.append(batch(failed())).result()
    store.close()
    store = Store.open(tmp_path, intake.intake)
    store.append(batch(log(0, "hello", trace_id="d" * 32))).result()  # its first commit asks what waits
    assert sorted(stuck_steps(store)) == ["charge", "send"]
    store.close()
