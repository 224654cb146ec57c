-- What a trace says of its records' tenant, beside the units that were concluded from it.

alter table unit_trace add column untold ubigint[];  -- of joined rows: records that name ID and flow, and take the tenant from their trace
alter table unit_trace add column human_at timestamp;  -- of joined rows: end of the first step that a person carried out
