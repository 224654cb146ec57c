-- one row per flow that ever had a unit or an exception
select flow from unit
union
select flow from exception_case
order by flow
