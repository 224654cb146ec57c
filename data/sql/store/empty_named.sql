-- one row per text and delivery that lay as it came, and is sorted now
delete from named_lately
