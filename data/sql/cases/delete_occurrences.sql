-- one row per occurrence whose failure is understood differently now
delete from case_occurrence
where case_occurrence.record_id in (select gone_failure.record_id from gone_failure)
