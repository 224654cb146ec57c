-- one row per unit: 64 bits of its ID, and when it begins
select
    md5_number_lower(unit.correlation_id) as key,
    epoch_us(unit.first_seen) as first_seen,
from unit
