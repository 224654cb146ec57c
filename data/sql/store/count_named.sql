-- one row: how many pairs of text and delivery lie as they came
select
    count(*) as pairs,
from named_lately
