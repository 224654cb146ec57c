-- one row: a retry moves on; only from the state and lease that were seen
merge into retry
using changed_retry
on
    retry.id = changed_retry.id
    and retry.state = $expected_state
    and retry.leases = $expected_leases
when matched then update by name
returning retry.id
