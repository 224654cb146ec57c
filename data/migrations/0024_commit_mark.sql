-- The number of the last commit, for the witness outside the store to be compared with (data/witness.py).

create table commit_mark (
    store varchar not null,
    number bigint,
    hash varchar,
    previous varchar,
    time timestamp,
    records bigint,
    acts bigint
);

insert into commit_mark
select
    replace(uuid()::varchar, '-', '') as store,
    0 as number,
    '' as hash,
    '' as previous,
    '1970-01-01'::timestamp as time,
    0 as records,
    0 as acts;
