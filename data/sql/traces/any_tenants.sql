-- one row: do units name tenants, and are there records that name none?
select
    exists (select 1 from unit where unit.tenant is not null) as named,
    exists (select 1 from unit where unit.tenant is null)
    or exists (select 1 from unit_trace where unit_trace.tenant is null)
    or exists (select 1 from unit_signal where unit_signal.tenant is null)
    or exists (select 1 from failure where failure.tenant is null) as untold,
