-- one row: the currency that money is reported in from now on
insert into reporting_currency by name
select
    $currency as currency,
    $actor as actor,
    $now::timestamp as set_at
