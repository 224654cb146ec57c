-- one row: bytes of the database file that hold nothing any more and are used again
select
    free_blocks * block_size as bytes,
from pragma_database_size()
where database_name = current_database()
