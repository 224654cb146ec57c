"""The list of KPIs as a document: `python -m kpis.listing > docs/kpis.md`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kpis.definition import definitions

if TYPE_CHECKING:
    from kpis.definition import Definition

INTRODUCTION = """# KPIs

Made from the headers of `data/sql/kpis/k*.sql` by `python -m kpis.listing`; a test compares both.

- ISO weeks, days, dates and clock hours are those of the business time zone (setting `zone`).
- The period before is found by the clock on the wall; where a period still runs, both end at the same point.
- A figure belongs to the period in which its units or exceptions ended.
- Backlog and value at risk are as of the period's end.
- What has not finished is in no rate and is shown beside it as *in flight*.
- An exception that its own script closed (`unit.ok()` after the error) is in no figure.
- A past period stays as it was, whatever happens later; only records that arrive late change it.
- What a unit is split by, and its own value, are what any of its flows names today, not what was known then.
- So a later record that names a segment moves the unit to that part of a split in past periods, too.
- One that names a value changes what past periods show as at risk, recovered or lost, and no other figure.
- A unit is a correlation ID of a tenant and counts once, however many retries, traces and exceptions it had.
- Within one flow, and split by flow, it counts in each flow that it entered: these parts may add up to more.
- Every figure shows its n, the time of its data and its version, and opens its SQL and its rows.
- REST has the same (`/api/v1/kpis`, `/api/v1/kpis/ID/rows`), and so has `unsnag kpis` in a terminal.
- Target and owner are set by `POST /api/v1/kpis/ID/target`, over all flows or for one.
- The objective of K14 is set by `POST /api/v1/kpis/K14/objective`; that of K15 is its target.
- The baseline of K32 is set by `POST /api/v1/kpis/K32/baseline`.
- Money is added in the reporting currency where every rate is known; a currency without a rate is named.
- `unsnag rates FILE --reporting EUR`, and REST (`/api/v1/currencies`), set the rates and this currency.
- With n below the floor the figure says little: the screen shows it grey, as a count.
- A split has parts whose n add up to that of the figure.
- A change of meaning raises the version.
"""


MISSING = """## What is not built yet

Nothing records what these need. None of them is estimated.

| KPI | what it needs |
|---|---|
| K5 Retries by cost | rates per hour of work, per second of infrastructure and per call |
| K10 Value lost by a deadline | the moment after which a unit's value is lost |
| K22 Time of approvals and manual steps | how long people worked on them |
| K24 Change of people's work since a baseline | a count of exceptions that people resolved, by baseline |
| K28 Incidents by breaker | the states of a breaker |
| K39 Breaker activity | events of a breaker: tripped, calls rejected, closed. No part of Unsnag is one |
"""


def listing() -> str:
    """Return the document's text."""
    return "\n".join([INTRODUCTION, MISSING, *(_section(one) for one in definitions().values())])


def _section(one: Definition) -> str:
    facts = [
        f"Unit: {one.unit}. Better: {one.better}. Version {one.version}. Grain: {one.grain}.",
        f"Floor: {one.floor or 'none'}. Split by: {', '.join(one.splits)}.",
        f"SQL: `data/sql/{one.statement}.sql`.",
    ]
    rules = [f"- {rule}" for rule in one.rules]
    return "\n".join([f"## {one.id} {one.name}", "", one.meaning, "", *facts, "", *rules, ""])


if __name__ == "__main__":
    sys.stdout.write(listing())
