"""A page of groups and one of the queue: 100,000 exceptions in 5,000 groups, each with two failures.

A quarter of the exceptions, and so of the groups, comes from a failure of the exception before it: they are
lines under the group of that one. Measured are the product's own queries: one page of 50 groups, first and
later, one group, and what a page of the queue asks for.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from bench.figures import line, percentile, timed
from cases import groups, lifecycle, queries
from cases.queries import CaseFilter
from data.clock import utc_now
from data.store import FILE_NAME, Store

if TYPE_CHECKING:
    from collections.abc import Callable

CASES, GROUPS, ROUNDS = 100_000, 5_000, 30

_FILL = (
    """
    insert into exception_case by name
    select
        printf('%016x', i) as id,
        1 as version,
        case when i % 25 = 0 then 'recovered' else 'open' end as state,
        ['business', 'data', 'infrastructure'][1 + i % 3] as class,
        ['critical', 'high', 'medium', 'low'][1 + i % 4] as severity,
        'flow-' || (i % 40) as flow,
        'capture-payment' as step,
        'SO-' || i as correlation_id,
        'Payment gateway did not answer in time' as title,
        'read timed out' as message,
        'TimeoutError' as error_type,
        printf('%016x', (i * 7919) % $groups) as fingerprint,
        i * 1.5 as value_amount,
        ['EUR', 'USD'][1 + i % 2] as value_currency,
        2 as occurrences,
        1 as attempts,
        $now::timestamp - to_minutes(i % 20_000) as opened_at,
        opened_at as first_seen,
        opened_at as last_seen,
        opened_at as updated_at,
        opened_at + to_hours(8) as due_at,
        'acme' as tenant,
        case when i % 25 = 0 then 'retry' end as recovered_by,
        case when i % 25 = 0 then opened_at end as verified_at,
        case when i % 4 = 3 then hash(2 * (i - 1)) end as cause,
    from range($cases) as numbers (i)
    """,
    """
    insert into case_occurrence by name
    select
        printf('%016x', i // 2) as case_id,
        hash(i) as record_id,
        'read timed out' as message,
        $now::timestamp - to_minutes((i // 2) % 20_000) as time,
    from range(2 * $cases) as numbers (i)
    """,
)


def main() -> None:
    """Fill a store and print the figures."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        Store.open(folder).close()
        fill(folder)
        store = Store.open(folder)
        reading, now = store.everything(), utc_now()
        first = groups.listed(reading, CaseFilter(), now)
        middle = groups.listed(reading, CaseFilter(), now, place=groups.after(first.items[-1]))
        line(f"{CASES:,} exceptions", f"{first.total:,} groups")
        _print("the first page of 50 groups", lambda: groups.listed(reading, CaseFilter(), now))
        place = groups.after(middle.items[-1])
        _print("a later page", lambda: groups.listed(reading, CaseFilter(), now, place=place))
        few = CaseFilter(flow=["flow-1"])
        _print("the first page, one flow", lambda: groups.listed(reading, few, now))
        _print("one group", lambda: groups.one(reading, first.items[0].id, now))
        is_open = CaseFilter(state=[lifecycle.OPEN])
        _print("the queue's page of 50", lambda: queries.listed(reading, is_open), "")
        _print("its counts of the tabs", lambda: queries.state_counts(reading, CaseFilter()), "")
        _print("its counts of the filters", lambda: queries.facets(reading, is_open), "")
        store.close()


def fill(folder: Path, cases: int = CASES) -> None:
    """Put the exceptions into a store that is closed."""
    connection = duckdb.connect(str(folder / FILE_NAME))
    now = (utc_now() - timedelta(minutes=1)).replace(tzinfo=None)
    for statement in _FILL:
        values = {"cases": cases, "groups": GROUPS, "now": now}
        connection.execute(statement, {key: v for key, v in values.items() if f"${key}" in statement})
    connection.execute("checkpoint")
    connection.close()


def _print(name: str, work: Callable[[], object], aim: str = "150 ms") -> None:
    work()
    began = time.process_time()
    took = timed(work, ROUNDS)
    spent = (time.process_time() - began) / ROUNDS * 1000
    line(f"{name}, p95", f"{percentile(took, 0.95):.0f} ms", aim, f"CPU {spent:.0f} ms")


if __name__ == "__main__":
    main()
