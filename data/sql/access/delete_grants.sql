-- one row per role that is taken from a holder
delete from access_grant
where access_grant.holder = $holder
returning
    access_grant.role
