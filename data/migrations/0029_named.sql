-- Which deliveries name a text, so that a look-up reads the row groups of these and no other (data/named.py).

-- one row per text and delivery, in runs that are sorted by key: 32 bits of the text, and ingested_at of the records
create table named_at (
    key uinteger not null,
    ingested_at timestamp not null,
);

-- one row per text and delivery of the latest commits, as they came
create table named_lately (
    key uinteger not null,
    ingested_at timestamp not null,
);

create macro key_of(words) as
(md5_number_lower(translate(words, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')) & 4294967295)::uinteger;

insert into named_at
select distinct
    key_of(words) as key,
    ingested_at
from (
    select correlation_id as words, ingested_at from span
    union all
    select run_id as words, ingested_at from span
    union all
    select technical_id as words, ingested_at from span
    union all
    select trace_id as words, ingested_at from span
    union all
    select correlation_id as words, ingested_at from log
    union all
    select run_id as words, ingested_at from log
    union all
    select technical_id as words, ingested_at from log
    union all
    select trace_id as words, ingested_at from log
    union all
    select unnest(mentions) as words, ingested_at from log where mentions is not null
)
where words is not null
order by key, ingested_at;

-- delivery: one row per delivery that names one of the texts with these keys
create macro delivery(keys) as table
select named_at.ingested_at from named_at where list_contains(keys::uinteger[], named_at.key)
union all
select named_lately.ingested_at from named_lately where list_contains(keys::uinteger[], named_lately.key);

-- unit_state: where a unit stands in one flow, as lists show it
create macro unit_state(outcome, completed_at, failed_at) as
case
    when outcome in ('completed_with_errors', 'completed_unproven', 'partial', 'ended') then outcome
    when completed_at is not null and (failed_at is null or completed_at >= failed_at) then 'completed'
    when failed_at is not null then 'failed'
    else 'in_flight'
end;
