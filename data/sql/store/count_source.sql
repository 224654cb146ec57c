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
        $unknown_lines::bigint as unknown_lines,
        $unknown_sample::varchar[] as unknown_sample,
        $layouts::varchar[] as layouts,
        $varied::boolean as varied,
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
    unknown_lines = source.unknown_lines + brought.unknown_lines,
    unknown_sample = case
        when len(brought.unknown_sample) > 0 then brought.unknown_sample else source.unknown_sample
    end,
    layouts = list_sort(list_distinct(list_concat(source.layouts, brought.layouts)))[1:20],
    varied_at = case when brought.varied then brought.now else source.varied_at end,
    last_ingested_at = brought.now,
    last_event_time = greatest(source.last_event_time, brought.latest)
when not matched then insert (
    name,
    kind,
    records,
    duplicates,
    quarantined,
    dropped,
    unknown_lines,
    unknown_sample,
    layouts,
    varied_at,
    first_ingested_at,
    last_ingested_at,
    last_event_time
) values (
    brought.name,
    brought.kind,
    brought.records,
    brought.duplicates,
    brought.quarantined,
    brought.dropped,
    brought.unknown_lines,
    brought.unknown_sample,
    brought.layouts,
    case when brought.varied then brought.now end,
    brought.now,
    brought.now,
    brought.latest
)
