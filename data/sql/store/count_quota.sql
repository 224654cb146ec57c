-- one row per day, kind and name: what batches use of it, and what was refused
merge into quota_use
using (
    select
        incoming_use.day,
        incoming_use.kind,
        incoming_use.name,
        sum(incoming_use.records) as records,
        sum(incoming_use.bytes) as bytes,
        sum(incoming_use.refused_requests) as refused_requests,
        sum(incoming_use.refused_records) as refused_records,
    from incoming_use
    group by
        incoming_use.day,
        incoming_use.kind,
        incoming_use.name
) as brought
on
    quota_use.day = brought.day
    and quota_use.kind = brought.kind
    and quota_use.name = brought.name
when matched then update set
    records = quota_use.records + brought.records,
    bytes = quota_use.bytes + brought.bytes,
    refused_requests = quota_use.refused_requests + brought.refused_requests,
    refused_records = quota_use.refused_records + brought.refused_records
when not matched then insert by name
