-- one row per tenant, flow and group whose class a person named, for what arrives later
select
    class_label.tenant,
    class_label.flow,
    class_label.fingerprint,
    arg_max(class_label.class, class_label.time) as class,
    arg_max(class_label.actor, class_label.time) as actor,
from class_label
where class_label.for_group
group by all
