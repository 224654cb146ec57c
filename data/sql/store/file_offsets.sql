-- one row per followed file
select
    file_offset.path,
    file_offset.identity,
    file_offset.byte_offset,
from file_offset
