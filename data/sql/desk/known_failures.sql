-- one row per ID that has a failure or a case: 64 bits of it
select md5_number_lower(failure.correlation_id) as key from failure
union
select md5_number_lower(exception_case.correlation_id) as key from exception_case
