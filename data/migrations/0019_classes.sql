-- Which rule gave a failure its class, how sure it was, and what people state instead.

alter table log add column class_rule varchar;                  -- rule, confidence and version, as unsnag.error.rule
alter table span add column class_rule varchar;
alter table exception_case add column class_rule varchar;       -- such as http.402; person or group where people named it
alter table exception_case add column class_confidence double;  -- 0 to 1; null: the sender stated the class without a rule
alter table exception_case add column class_version integer;    -- of the tables of rules
alter table exception_case add column class_by varchar;         -- who named the class, for this exception or its group

-- one row per class that a person named; append-only
create table class_label (
    time timestamp not null,
    case_id varchar not null,
    tenant varchar,
    flow varchar not null,
    step varchar not null,
    fingerprint varchar not null,       -- the group
    error_type varchar,
    message varchar not null,
    class varchar not null,             -- business, data, infrastructure
    was_class varchar not null,
    was_rule varchar,
    was_confidence double,
    was_version integer,
    actor varchar not null,
    for_group boolean not null,         -- also a rule for what arrives later in the group
);
