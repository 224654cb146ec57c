-- one row per incoming span
insert into span by name
select
    incoming_span.* exclude (attributes, resource, events, links),
    incoming_span.attributes::json::variant as attributes,
    incoming_span.resource::json::variant as resource,
    incoming_span.events::json::variant as events,
    incoming_span.links::json::variant as links,
from incoming_span
