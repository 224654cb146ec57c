-- one row per group that is part of another now by way of a third
update group_merge set root = changed_root.root
from changed_root
where
    group_merge.source = changed_root.source
    and group_merge.ended_at is null
