-- The audit proves itself: each entry carries the hash of the one before.

alter table audit add column kind varchar;        -- intent, decision, effect
alter table audit add column prev_hash varchar;
alter table audit add column hash varchar;

-- one row: the end of the chain, so that an append needs no look at the rest
create table audit_head (
    seq bigint not null,
    hash varchar not null,
);

insert into audit_head values (0, repeat('0', 64));
