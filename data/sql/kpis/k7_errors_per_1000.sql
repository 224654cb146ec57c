-- K7 Errors per 1,000
-- meaning: Units with at least one error, per 1,000 units that finished.
-- group: outcome
-- unit: per 1,000
-- better: down
-- grain: one row per period and split
-- version: 3
-- floor: 20
-- splits: class, flow, step, {splits}
-- rows: units
-- counted: with_error
-- rule: The period is that in which the unit came to its state: by its own signal, or by the proof of its last exception.
-- rule: A unit has an error if a step failed, an error was recorded, or an exception was opened, up to its end, even if it succeeded then.
-- rule: What happens later changes nothing: the unit's state at the end of the period counts, if it is another than at the start. A state that is only repeated counts nothing again.
-- rule: A unit counts once, however many errors it had, as in K19; exceptions opened per 1,000 is the second figure.
-- rule: Its class is that of its latest exception, or of its latest failed attempt where there is none.
-- rule: Its step, named with its flow, is that of its latest exception, or of its latest failed attempt where there is none.
-- rule: In the split by class or step, all parts share the base, so that they add up; "none" are the units without an error.
-- rule: Units that have not finished are shown as in flight and are not in the rate.
with
units as materialized (
    select
        row_number() over () as number,
        coalesce(split_part($by::varchar, '+', 1) in ('class', 'step'), false) as shares_base,
        -- of two fields, the part of the second one
        if(contains($by::varchar, '+'), chr(31) || split_part(unit.key, chr(31), 2), '') as within,
        unit.*
    from unit_in_period($starts, $ends, $scope, $flow, $by) as unit
),
stuck as (
    select
        units.number,
        count(distinct cases.case_id) as exceptions,
        arg_max(cases.class, struct_pack(a := cases.opened_at, b := cases.case_id)) as class,
        arg_max(cases.place, struct_pack(a := cases.opened_at, b := cases.case_id)) as place
    from units
    inner join unit_exception($scope, $flow, $by) as cases
        on
            units.correlation_id = cases.correlation_id
            and units.of_tenant is not distinct from cases.tenant
            and units.of_flow is not distinct from cases.of_flow
            and cases.opened_at <= units.closed_at
    where units.closed
    group by units.number
),
failing as (
    select correlation_id
    from units
    where
        split_part($by::varchar, '+', 1) in ('class', 'step')
        and closed
),
tried as (
    select
        units.number,
        arg_max(attempt.error_class, struct_pack(a := attempt.ended_at, b := attempt.record_id)) as class,
        arg_max(
            attempt.flow || ' / ' || attempt.step, struct_pack(a := attempt.ended_at, b := attempt.record_id)
        ) as place
    from units
    inner join unit_attempt('failing') as attempt
        on
            units.correlation_id = attempt.correlation_id
            and attempt.ended_at <= units.closed_at
            and (not attempt.in_several or units.of_tenant is not distinct from attempt.tenant)
            and (units.of_flow is null or units.of_flow = attempt.flow)
    where
        split_part($by::varchar, '+', 1) in ('class', 'step')
        and units.closed
        and attempt.outcome = 'error'
    group by units.number
),
classified as (
    select
        units.period,
        units.closed,
        units.in_flight,
        stuck.exceptions,
        units.first_error_at <= units.closed_at or stuck.exceptions is not null as with_error,
        units.shares_base,
        units.within,
        case
            when not units.shares_base then units.key
            when units.first_error_at <= units.closed_at or stuck.exceptions is not null
                then coalesce(
                    if(
                        split_part($by::varchar, '+', 1) = 'class',
                        coalesce(stuck.class, tried.class),
                        coalesce(stuck.place, tried.place)
                    ),
                    'unknown'
                ) || units.within
            else 'none' || units.within
        end as key
    from units
    left join stuck on units.number = stuck.number
    left join tried on units.number = tried.number
),
counted as (
    select
        period,
        key,
        shares_base,
        within,
        count(*) filter (where closed) as n,
        count(*) filter (where in_flight) as in_flight,
        count(*) filter (where closed and with_error) as with_error,
        coalesce(sum(exceptions), 0) as exceptions
    from classified
    group by
        period,
        key,
        shares_base,
        within
),
based as (
    select
        *,
        if(shares_base, sum(n) over (partition by period, within), n) as base
    from counted
)
select
    period,
    key,
    1000.0 * with_error / nullif(base, 0) as value,
    n,
    in_flight,
    with_error,
    coalesce(1000.0 * exceptions / nullif(base, 0), 0)::float8 as exceptions_per_1000
from based
