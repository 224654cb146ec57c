"""What figures cost: the CPU of each, over a week of a store with half a million finished units."""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from bench import filled
from bench.figures import line
from data.store import FILE_NAME, Store
from kpis import periods, scoreboard
from kpis.definition import definitions

if TYPE_CHECKING:
    from kpis.periods import Period

UNITS: Final = 500_000
ROUNDS: Final = 5
POINTS: Final = 14
_FINISH: Final = (
    # What ended well succeeded; of what failed, nineteen of twenty recovered an hour later.
    """
    update unit_signal set outcome = 'success', final = true
    """,
    """
    update exception_case set
        verified_at = opened_at + interval 1 hour,
        resolved_at = opened_at + interval 1 hour
    where state = 'recovered'
    """,
    """
    insert into unit_signal by name
    select
        'later' as trace_id, hash(id) as record_id, correlation_id, flow, tenant, verified_at as time,
        'success' as outcome, null as part, true as final, false as continues, 1 as change,
        verified_at as recorded_at,
    from exception_case
    where state = 'recovered'
    """,
    """
    update unit set
        outcome = if(failed.correlation_id is null or failed.verified_at is not null, 'success', 'failed'),
        completed_at = coalesce(failed.verified_at, unit.ended_at),
        first_completed_at = unit.ended_at,
        failed_at = failed.opened_at,
        first_failed_at = failed.opened_at,
        first_error_at = failed.opened_at,
    from unit as own
    left join exception_case as failed
        on own.correlation_id = failed.correlation_id and own.tenant is not distinct from failed.tenant
    where
        unit.correlation_id = own.correlation_id
        and unit.tenant is not distinct from own.tenant
    """,
    # Two steps a unit; in one of forty the second one failed before, and was tried again.
    """
    insert into attempt by name
    select
        hash(unit.correlation_id || coalesce(unit.tenant, '') || try.place) as record_id,
        unit.correlation_id, unit.flow,
        if(try.place = 0, 'check', 'charge') as step,
        if(try.place = 2 and hash(unit.correlation_id) % 40 = 0, 2, 1) as attempt,
        unit.ended_at - to_seconds(3 - try.place) as started_at,
        unit.ended_at - to_seconds(2 - try.place) as ended_at,
        if(try.place = 1, 'error', 'ok') as outcome,
        if(try.place = 1, 'infrastructure', null) as error_class,
        'trace' as trace_id, 'span' as span_id,
    from unit
    inner join range(3) as try (place)
        on try.place <> 1 or hash(unit.correlation_id) % 40 = 0
    """,
    "checkpoint",
)


def main() -> None:
    """Fill a store and print what each figure costs."""
    with tempfile.TemporaryDirectory() as folder:
        made = datetime.now(UTC).replace(microsecond=0)
        fill(Path(folder), UNITS, made)
        store = Store.open(Path(folder))
        measure(store, made)
        store.close()


def fill(folder: Path, units: int, now: datetime) -> None:
    """Make a store whose units are finished."""
    filled.fill(folder, units, int(now.timestamp() * 1_000_000))
    connection = duckdb.connect(str(folder / FILE_NAME), config={"memory_limit": "6GB"})
    for statement in _FINISH:
        connection.execute(statement)
    connection.close()


def measure(store: Store, now: datetime) -> None:
    """Print the CPU of each figure of the last week, with the one before and a trend as the page asks it."""
    period = periods.last(7, now, "UTC")
    for kpi_id in definitions():
        alone = [_cpu(store, kpi_id, period, 0) for _ in range(ROUNDS)]
        trend = [_cpu(store, kpi_id, period, POINTS) for _ in range(ROUNDS)]
        one = scoreboard.kpi(store.everything(), kpi_id, period)
        both = f"with a trend {statistics.median(trend):.0f} ms"
        line(f"CPU of {kpi_id} {one.name}", f"{statistics.median(alone):.0f} ms", f"n {one.n:,}", both)


def _cpu(store: Store, kpi_id: str, period: Period, points: int) -> float:
    """Return how many milliseconds of CPU a figure takes, in all threads."""
    began = time.process_time()
    moved = periods.Period(period.start - timedelta(minutes=1), period.end, period.zone)
    scoreboard.kpi(store.everything(), kpi_id, moved, buckets=points)
    return (time.process_time() - began) * 1000
