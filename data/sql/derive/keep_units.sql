-- one row per unit that was made again: what removed records stated of it stays
-- Outcomes come from signals, which are kept; only the end of foreign work stands in records alone.
merge into unit
using kept_unit
on
    unit.correlation_id = kept_unit.correlation_id
    and unit.flow = kept_unit.flow
    and unit.tenant is not distinct from kept_unit.tenant
when matched then update set
    first_seen = least(unit.first_seen, kept_unit.first_seen),
    last_seen = greatest(unit.last_seen, kept_unit.last_seen),
    opened_at = least(unit.opened_at, kept_unit.opened_at),
    ended_at = greatest(unit.ended_at, kept_unit.ended_at),
    first_error_at = least(unit.first_error_at, kept_unit.first_error_at),
    outcome = if(unit.outcome = 'in_flight' and kept_unit.outcome = 'ended', 'ended', unit.outcome),
    value_amount = if(unit.value_time >= kept_unit.value_time, unit.value_amount, coalesce(kept_unit.value_amount, unit.value_amount)),
    value_currency = if(unit.value_time >= kept_unit.value_time, unit.value_currency, coalesce(kept_unit.value_currency, unit.value_currency)),
    value_time = greatest(unit.value_time, kept_unit.value_time),
    {unit_field} = greatest(unit.{unit_field}, kept_unit.{unit_field}),
    human_at = least(unit.human_at, kept_unit.human_at),
    human_times = case
        when kept_unit.human_times is null then unit.human_times
        else list_sort(list_distinct(list_concat(coalesce(unit.human_times, []), kept_unit.human_times)))
    end,
    routings = case
        when kept_unit.routings is null then unit.routings
        else routing_stretches(list_concat(coalesce(unit.routings, []), kept_unit.routings))
    end,
    attempts = greatest(unit.attempts, kept_unit.attempts),
    failed_attempts = greatest(unit.failed_attempts, kept_unit.failed_attempts),
    errors = greatest(unit.errors, kept_unit.errors)
when not matched then insert by name
