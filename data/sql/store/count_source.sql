-- one row per source: add what a transaction brought
merge into source
using (
    select
        $name::varchar as name,
        $kind::varchar as kind,
        $records::bigint as records,
        $duplicates::bigint as duplicates,
        $quarantined::bigint as quarantined,
        $dropped::bigint as dropped,
        $now::timestamp as now,
        make_timestamp($latest::bigint) as latest,
) as brought
on source.name = brought.name
when matched then update set
    kind = brought.kind,
    records = source.records + brought.records,
    duplicates = source.duplicates + brought.duplicates,
    quarantined = source.quarantined + brought.quarantined,
    dropped = source.dropped + brought.dropped,
    last_ingested_at = brought.now,
    last_event_time = greatest(source.last_event_time, brought.latest)
when not matched then insert (
    name, kind, records, duplicates, quarantined, dropped, first_ingested_at, last_ingested_at, last_event_time
) values (
    brought.name,
    brought.kind,
    brought.records,
    brought.duplicates,
    brought.quarantined,
    brought.dropped,
    brought.now,
    brought.now,
    brought.latest
)
