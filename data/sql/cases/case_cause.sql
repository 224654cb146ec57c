-- at most one row: the failure of another service that the latest failure of a case comes from
select
    failed.error_type,
    failed.message,
    failed.trace_id,
    victim.service as caller,
    root.service,
    root.id as case_id,
    root.title,
from exception_case as victim
inner join case_occurrence as failed
    on victim.cause = failed.record_id
inner join exception_case as root
    on failed.case_id = root.id
where
    victim.id = $id
    and in_scope(victim.tenant, victim.flow, $scope::varchar[])
    and in_scope(root.tenant, root.flow, $scope::varchar[])
