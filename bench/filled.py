"""A store that already holds units: spans, units, ends, failures and cases, in the order of their arrival.

The rows are made inside DuckDB. They lie in the 56 days before now, two spans a unit. Of fifty units one
waits three days for its second span; one of a hundred has a case, and one of a thousand names no tenant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from data.store import FILE_NAME, Store

if TYPE_CHECKING:
    from pathlib import Path

DAYS: Final = 56
WAITS_DAYS: Final = 3
ONE_WAITS, ONE_FAILS = 50, 100

_FILL: Final = (
    # Event 2 i is the first span of unit i; event 2 i + 1 the second one of unit i, or of one that waited.
    """
    create temp table event as
    select
        case when e % 2 = 1 and (e // 2) % $one_waits = 0 then e // 2 - $waits else e // 2 end as unit,
        e % 2 as part,
        e as place,
        make_timestamp($now - ($units * 2 - e) * $apart::bigint) as time,
    from range($units * 2) as numbers (e)
    """,
    "delete from event where unit < 0",
    """
    insert into span by name
    select
        hash(place) as record_id,
        md5('trace ' || unit) as trace_id,
        printf('%016x', place) as span_id,
        case when part = 1 then printf('%016x', unit * 2) end as parent_span_id,
        ['POST /orders', 'GET /stock/{id}', 'charge', 'print label'][1 + unit % 4] as name,
        'client' as kind,
        time,
        time + interval 40 millisecond as end_time,
        40_000_000 as duration_ns,
        -- what one request brings arrives together
        make_timestamp((epoch_us(time) // $request + 1) * $request) as ingested_at,
        if(part = 1 and unit % $one_fails = 0, 'error', 'unset') as status,
        ['order-api', 'stock-api', 'card-job', 'label-job'][1 + unit % 4] as service,
        'order-to-cash' as flow,
        'SO-' || unit || '-' || substr(md5('unit ' || unit), 1, 6) as correlation_id,
        case when unit % 1000 <> 7 then ['acme', 'globex', 'initech'][1 + unit % 3] end as tenant,
        'otlp' as source,
        json_object(
            'url.full', 'https://shop.example.net/orders/' || hash(place), 'http.status', 200,
            'app.note', substr(md5('note ' || place), 1, 12)
        )::json::variant as attributes,
        '{"service.name":"order-api"}'::json::variant as resource,
    from event
    order by place
    """,
    """
    insert into unit by name
    select
        correlation_id, flow, tenant,
        min(time) as first_seen, max(end_time) as last_seen, min(time) as opened_at,
        max(end_time) as ended_at, 'ended' as outcome, 0 as attempts, 0 as failed_attempts, 0 as errors,
    from span
    group by correlation_id, flow, tenant
    order by first_seen
    """,
    """
    insert into unit_trace by name
    select correlation_id, flow, tenant, trace_id, time as first_seen, end_time as last_seen, false as joined
    from span
    order by ingested_at
    """,
    """
    insert into unit_signal by name
    select
        trace_id, record_id, correlation_id, flow, tenant, end_time as time, 'ended' as outcome,
        service as part, false as final, false as continues, 1 as change, ingested_at as recorded_at,
    from span
    where parent_span_id is null
    order by ingested_at
    """,
    """
    insert into failure by name
    select
        trace_id, record_id, correlation_id, flow, name as step, tenant, end_time as time,
        1 as attempts, '[]' as affected, '{"message":"read timed out","fingerprint":"f"}' as details,
    from span
    where status = 'error'
    order by end_time
    """,
    """
    insert into named_at
    select distinct key_of(words) as key, ingested_at
    from (
        select correlation_id as words, ingested_at from span
        union all
        select trace_id as words, ingested_at from span
    )
    order by key, ingested_at
    """,
    """
    insert into exception_case by name
    select
        printf('%016x', record_id) as id, 1 as version,
        if(row_number() over (order by time) % 20 = 0, 'open', 'recovered') as state,
        'infrastructure' as class, 'high' as severity,
        flow, step, correlation_id, tenant, 'Payment gateway did not answer in time' as title,
        'read timed out' as message, 'TimeoutError' as error_type, 'f' as fingerprint, 1 as occurrences,
        1 as attempts, time as opened_at, time as first_seen, time as last_seen, time as updated_at,
        time + to_hours(8) as due_at, 'trace' as unit_kind, 1 as episodes,
    from failure
    order by time
    """,
)


def fill(folder: Path, units: int, now: int) -> None:
    """Make a store in `folder`; `now` is in microseconds since the epoch."""
    Store.open(folder).close()
    connection = duckdb.connect(str(folder / FILE_NAME), config={"memory_limit": "6GB"})
    apart = DAYS * 86_400_000_000 // (units * 2)
    waits = units * WAITS_DAYS // DAYS // ONE_WAITS * ONE_WAITS
    values = {
        "units": units,
        "now": now,
        "apart": apart,
        "waits": waits,
        "request": apart * 512,
        "one_waits": ONE_WAITS,
        "one_fails": ONE_FAILS,
    }
    for statement in _FILL:
        connection.execute(statement, {k: v for k, v in values.items() if f"${k}" in statement})
    connection.execute("checkpoint")
    connection.close()
