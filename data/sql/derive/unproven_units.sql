-- one row per unit with a failure that its success does not prove: it stays failed
update unit set
    completed_at = null,
    outcome = 'failed'
from exception_case
where
    exception_case.correlation_id = unit.correlation_id
    and exception_case.flow = unit.flow
    and exception_case.tenant is not distinct from unit.tenant
    and exception_case.state in ('open', 'claimed', 'retrying', 'verifying')
    and coalesce(exception_case.note, '') not in ('needs a look', 'the script went on after this error', 'partial')
    and unit.completed_at is not null
    and list_contains($ids::varchar[], unit.correlation_id)
