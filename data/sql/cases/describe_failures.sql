-- one row per failure whose relation to another is known now: whether it only repeats that one
update failure
set
    describes = described_failure.describes
from described_failure
where
    failure.trace_id = described_failure.trace_id
    and failure.record_id = described_failure.record_id
