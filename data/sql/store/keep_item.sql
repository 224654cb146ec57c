-- one row per source, name and content of what was taken as a whole; the same stamp is the same delivery
merge into source_item
using (
    select
        $source::varchar as source,
        $name::varchar as name,
        $digest::varchar as digest,
        $stamp::varchar as stamp,
        $size::bigint as size,
        $records::bigint as records,
        $rejected::bigint as rejected,
        $error::varchar as error,
        $same_as::varchar as same_as,
        $now::timestamp as now
) as brought
on
    source_item.source = brought.source
    and source_item.name = brought.name
    and source_item.digest = brought.digest
when matched then update set
    stamp = brought.stamp,
    deliveries = source_item.deliveries + case when source_item.stamp = brought.stamp then 0 else 1 end,
    taken_at = brought.now
when not matched then insert (
    source, name, digest, stamp, size, records, rejected, error, same_as, deliveries, taken_at
) values (
    brought.source,
    brought.name,
    brought.digest,
    brought.stamp,
    brought.size,
    brought.records,
    brought.rejected,
    brought.error,
    brought.same_as,
    1,
    brought.now
)
