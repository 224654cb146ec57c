-- What the shared nouns of the figures have in common: periods, splits, and which of two amounts is more.
--
-- Macros are made in the order of their files' names, each from those before it.
-- Parameters: starts and ends are lists of moments; reach is a scope as in_scope takes it; only_flow and
-- split_by are null for every flow and for no split. All of them are bound, so null folds a condition away.
-- Columns of tables are named one by one: a view with * breaks when its table gets a column.

-- period: one row per period that a statement answers for, numbered from 1
create or replace macro period(starts, ends) as table
select
    generate_subscripts(starts::timestamp[], 1) as number,
    unnest(starts::timestamp[]) as starts_at,
    unnest(ends::timestamp[]) as ends_at;

-- sortable: a text as a place in a list has it: what is long is cut, and stays another than what begins as it does
create or replace macro sortable(given) as
if(strlen(given) <= 200, given, left(given, 100) || md5(given));

-- place_of: the names that set a row of a list apart, as one part of its place: what has none comes last
create or replace macro place_of(first_name, second_name, third_name, fourth_name) as
create_sort_key(
    sortable(first_name), 'asc nulls last',
    sortable(second_name), 'asc nulls last',
    sortable(third_name), 'asc nulls last',
    sortable(fourth_name), 'asc nulls last'
);

-- split_value: what a row has of one field that figures are split by
create or replace macro split_value(
    field, flow, step, class, recovered_by,
    {split},
) as
    coalesce(
        case field
            when 'flow' then flow
            when 'step' then flow || ' / ' || step
            when '{split}' then {split}
            when 'class' then class
            when 'recovered_by' then recovered_by
        end,
        'not set'
    );

-- split_key: the part that a row belongs to; null without a split. Two fields with + between them (step+segment)
-- make one key of both, with the unit separator (31) between: the parts of one part of the other field.
create or replace macro split_key(
    split_by, flow, step, class, recovered_by,
    {split},
) as
    case
        when split_by::varchar is null then null
        when contains(split_by::varchar, '+') then split_value(
            split_part(split_by::varchar, '+', 1), flow, step, class, recovered_by,
            {split},
        ) || chr(31) || split_value(
            split_part(split_by::varchar, '+', 2), flow, step, class, recovered_by,
            {split},
        )
        else split_value(
            split_by::varchar, flow, step, class, recovered_by,
            {split},
        )
    end;

-- is_end: whether a signal of this outcome states how a unit ended. As a list (`in`) it would be joined, and DuckDB
-- passes no bounds of other joins through that join: the whole table would be read.
create or replace macro is_end(outcome) as
    case outcome
        when 'success' then true
        when 'completed_unproven' then true
        when 'failed' then true
        when 'partial' then true
        when 'completed_with_errors' then true
        else false
    end;

-- percent_where: the share of the rows of `base` that are `good`, in percent; null where there are none
create or replace macro percent_where(good, base) as
    100.0 * count(*) filter (where good and base) / nullif(count(*) filter (where base), 0);

-- own_flow: the flow where units of single flows are asked for; null where a unit is the ID over all its flows
create or replace macro own_flow(only_flow, split_by, flow) as
    case when only_flow::varchar is not null or contains(split_by::varchar, 'flow') then flow end;

-- age_band: how long something that began was open at a moment, in the bands of the screens.
-- In microseconds: comparing intervals takes three times as long.
create or replace macro age_band(began, moment) as
    case
        when epoch_us(moment) - epoch_us(began) < 3_600_000_000 then 'under_1h'
        when epoch_us(moment) - epoch_us(began) < 14_400_000_000 then 'from_1h_to_4h'
        when epoch_us(moment) - epoch_us(began) < 86_400_000_000 then 'from_4h_to_24h'
        when epoch_us(moment) - epoch_us(began) < 604_800_000_000 then 'from_1d_to_7d'
        else 'over_7d'
    end;

-- clock_hour: when the clock hour of a zone began that a moment lies in. Hours that a clock shows twice are two.
create or replace macro clock_hour(moment, zone) as
    moment - (
        timezone(zone, timezone('UTC', moment)) - date_trunc('hour', timezone(zone, timezone('UTC', moment)))
    );

-- rough_value: an amount in euros at coarse rates of early 2026, for order and limits only, never for a sum;
-- null where the currency has none
create or replace macro rough_value(amount, currency) as
    amount::double / map {
        'EUR': 1, 'USD': 1.1, 'GBP': 0.86, 'CHF': 0.95, 'JPY': 165, 'CNY': 7.9, 'HKD': 8.6, 'SGD': 1.46,
        'AUD': 1.68, 'NZD': 1.85, 'CAD': 1.5, 'SEK': 11.3, 'NOK': 11.7, 'DKK': 7.46, 'ISK': 148, 'PLN': 4.3,
        'CZK': 25, 'HUF': 400, 'RON': 5.0, 'BGN': 1.96, 'TRY': 42, 'ILS': 4.0, 'ZAR': 20, 'BRL': 6.0, 'MXN':
        21, 'ARS': 1300, 'CLP': 1030, 'COP': 4600, 'INR': 95, 'IDR': 17800, 'MYR': 4.8, 'THB': 37, 'PHP':
        63, 'KRW': 1500, 'TWD': 35, 'VND': 28500, 'AED': 4.0, 'SAR': 4.1, 'EGP': 54, 'NGN': 1700, 'KES':
        142, 'UAH': 46, 'RUB': 95, 'KWD': 0.34, 'BHD': 0.41
    }[currency];
