-- K9 Value recovered
-- meaning: Money of units that were stuck and were proven recovered by their own success signal.
-- group: money
-- unit: money
-- better: up
-- grain: one row per period and split
-- version: 6
-- floor: 0
-- splits: recovered_by, class, flow, step, {splits}
-- rows: units_recovered
-- counted: value_known
-- rule: The period is that of the proof: the success signal that ended the unit's last exception.
-- rule: Only proven recoveries count. A step that ran again without the unit's own success signal does not, nor does a unit whose last exception was closed by hand.
-- rule: An exception that a person resolved as fixed upstream or data corrected counts once a later success of the unit has verified it.
-- rule: A unit is one correlation ID of a tenant and counts once, in however many flows it was stuck, with the highest value of its recovered exceptions, or its own value where they have none.
-- rule: Within one flow, and split by flow, it counts in each flow in which it was stuck.
-- rule: What happens later changes nothing. A unit that was recovered before the period and failed again counts nothing a second time.
-- rule: A unit with another exception still open is still at risk and is shown as in flight.
-- rule: Automatic recoveries and those by people are separate series. By people is an exception that a person retried, edited, decided, marked as fixed outside, or resolved as fixed upstream or data corrected; a claim alone is not, nor is a retry that a service asked for. So is one between whose failure and proof a person carried out a step of the unit, in whatever tool. A unit of which one exception was by people is by people.
-- rule: Its own value is the highest that one of its flows names. An exception that only needs a look holds none and does not count.
-- rule: Amounts are added in the reporting currency, each at the rate of the day on which it ended, where all these rates are known; currencies without a rate are named.
-- rule: Otherwise currencies are never added: the figure is in the currency that holds most value, by coarse rates that serve for order only; the others are listed beside it.
-- rule: Coverage is the share of the units whose value is known, in any currency.
with
recovered as (
    select
        period,
        key,
        recovered_by as part,
        counted,
        value_amount,
        value_currency,
        closed_at as valued_at
    from unit_recovered($starts, $ends, $scope, $flow, $by)
)
select
    * exclude (parts, part_units),
    coalesce(parts['automatic'], 0) as automatic,
    coalesce(part_units['automatic'], 0) as automatic_n,
    coalesce(parts['people'], 0) as people,
    coalesce(part_units['people'], 0) as people_n
from money('recovered', $zone::varchar)
