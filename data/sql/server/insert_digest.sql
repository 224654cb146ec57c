-- one row: what became of the delivery of a digest
insert into digest_delivery by name
select
    $week as week,
    $to_target as target,
    $kind as kind,
    $state as state,
    $attempt as attempt,
    $now::timestamp as at_time
