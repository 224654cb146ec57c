-- one row: do units name tenants, and are there units that name none?
select
    exists (select 1 from unit where unit.tenant is not null) as named,
    exists (select 1 from unit where unit.tenant is null) as untold,
