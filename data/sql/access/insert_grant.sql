-- one row: a role that is given
insert into access_grant by name
select
    $holder as holder,
    $role as role,
    $tenant as tenant,
    $flow as flow,
