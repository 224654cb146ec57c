-- one row: how much there is of what figures up to a moment rest on beside records: what was derived from them, and
-- what people set
select
    (select count(*) from unit_signal where unit_signal.time < $to) as signals,
    (select count(*) from case_episode where case_episode.time < $to) as episodes,
    (select count(*) from folded_case) as merges,
    (select count(*) from kpi_target) as targets,
    (select count(*) from kpi_objective) as objectives,
    (select count(*) from kpi_baseline) as baselines,
    (select count(*) from currency_rate) as rates,
    (select count(*) from reporting_currency) as currencies
