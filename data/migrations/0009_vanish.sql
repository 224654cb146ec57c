-- What a trace says of its records' tenant, beside the units that were concluded from it.

alter table unit_trace add column untold ubigint[];  -- of joined rows: records that name ID and flow, and take the tenant from their trace
