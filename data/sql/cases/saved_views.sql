-- one row per view of the queue that a person sees: their own, and those that are shared
select
    saved_view.*,
from saved_view
where
    saved_view.shared
    or saved_view.author = $me
order by
    lower(saved_view.name),
    saved_view.created_at,
    saved_view.author
