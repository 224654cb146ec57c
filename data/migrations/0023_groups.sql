-- Which version of the rules put a case into its group: one that has a group keeps it when the rules change.

alter table exception_case add column group_version integer;    -- of traces/fingerprint.py; null: 1
