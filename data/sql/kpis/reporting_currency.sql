-- one row: the currency that money is reported in; null where nobody chose one, or the last choice was none
select nullif(chosen_currency(), '') as currency
