-- K17 Triage within its due time
-- meaning: Share of exceptions that somebody took up by the time that their triage was due.
-- group: exceptions
-- unit: percent
-- better: up
-- grain: one row per period and split
-- version: 1
-- floor: 20
-- splits: flow, class, step, {splits}
-- rows: cases_due
-- counted: met
-- rule: The period is that in which triage was due. An exception that was reopened counts again.
-- rule: A claim, a retry, a mark as fixed outside or a resolution takes it up. One that nobody took up counts as missed, also while it is open.
-- rule: One that ended by itself before its triage was due is in neither part.
-- rule: The second figure is the same for the end: of the exceptions whose end was due in the period, those that were recovered or resolved by then.
-- rule: A due time counts as it stands now, for one that has ended as it stood at its end: another value, severity, class or setting moves it. Exceptions from before there were two due times are not counted.
-- rule: Exceptions whose triage is due after the period and that nobody has taken up are shown as in flight.
select
    period,
    key,
    percent_where(met, is_due and promise = 'triage') as value,
    count(*) filter (where is_due and promise = 'triage') as n,
    count(*) filter (where in_flight and promise = 'triage') as in_flight,
    percent_where(met, is_due and promise = 'resolve') as resolved,
    count(*) filter (where is_due and promise = 'resolve') as resolved_n
from case_due($starts, $ends, $scope, $flow, $by)
group by
    period,
    key
