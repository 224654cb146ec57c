-- one row per incoming log record
insert into log by name
select
    incoming_log.* exclude (attributes, resource, data),
    incoming_log.data::json as data,
    incoming_log.attributes::json::variant as attributes,
    incoming_log.resource::json::variant as resource,
from incoming_log
