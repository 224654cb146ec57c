-- one row per list that was frozen and never started, with what is known of it
delete from batch
where
    batch.state = 'frozen'
    and batch.created_at < $since::timestamp
