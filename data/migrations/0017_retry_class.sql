-- What a worker reports of a retry that failed: its class, beside error type and message.

alter table retry add column error_class varchar;    -- business, data, infrastructure, unknown
alter table retry drop column lease_token;           -- never written: the id of a lease is the proof of it
