-- one row per watched field: add what a transaction brought; one that is taken from elsewhere is counted from zero
merge into watched_field
using incoming_watched as brought
on
    watched_field.source = brought.source
    and watched_field.part = brought.part
    and watched_field.kind = brought.kind
    and watched_field.field = brought.field
when matched and watched_field.names <> brought.names then update set
    names = brought.names,
    owner = brought.owner,
    records = brought.records,
    having_it = brought.having_it,
    run = brought.run,
    longest = brought.longest,
    wrong = brought.wrong,
    gone_since = case when brought.run > 0 then $now::timestamp end,
    updated_at = $now::timestamp
when matched then update set
    owner = brought.owner,
    records = watched_field.records + brought.records,
    having_it = watched_field.having_it + brought.having_it,
    run = case when brought.having_it > 0 then brought.run else watched_field.run + brought.run end,
    longest = greatest(
        watched_field.longest,
        brought.longest,
        case when brought.having_it > 0 then watched_field.run + brought.lead end
    ),
    wrong = case
        when brought.having_it > 0 or brought.wrong <> '' then brought.wrong else watched_field.wrong
    end,
    gone_since = case
        when brought.having_it = 0 then coalesce(watched_field.gone_since, $now::timestamp)
        when brought.run > 0 then $now::timestamp
    end,
    updated_at = $now::timestamp
when not matched then insert (
    source, part, kind, field, names, owner, records, having_it, run, longest, wrong, gone_since, updated_at
) values (
    brought.source,
    brought.part,
    brought.kind,
    brought.field,
    brought.names,
    brought.owner,
    brought.records,
    brought.having_it,
    brought.run,
    brought.longest,
    brought.wrong,
    case when brought.run > 0 then $now::timestamp end,
    $now::timestamp
)
