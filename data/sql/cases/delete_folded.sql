-- one row per case that was folded
delete from exception_case
where exception_case.id in (select new_fold.id from new_fold)
