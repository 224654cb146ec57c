"""Money at risk, recovered and lost: exact sums, in one currency."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from tests.kpis.reckoned.exceptions import BANDS, band
from tests.kpis.reckoned.frames import UNIT, Asked, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from tests.kpis.reckoned.units import Figures

COARSE: Final = {"EUR": 1.0, "USD": 1.1, "JPY": 165.0}
"""For order only, never for a sum."""
Row = dict[str, Any]


@dataclass
class Amount:
    """What a unit carries, in a period and part of a split."""

    period: int
    key: str
    part: str
    amount: Decimal | None
    currency: str | None
    moment: datetime


def rough(amount: Decimal | None, currency: str | None) -> float:
    """Return an amount at coarse rates, less than nothing where it is not known."""
    return -1.0 if amount is None or currency is None else float(amount) / COARSE[currency]


def _grouped(store: Store, asked: Asked) -> list[list[Row]]:
    """Return the episodes of each unit, with what its ID knows."""
    own = store.context.rename({"value_amount": "own_amount", "value_currency": "own_currency"})
    rows = store.unit_of(store.episode, asked).drop("segment", "business_unit")
    rows = rows.join(own, on=["tenant", "correlation_id"], how="left")
    acted = store.by_people.select("case_id", "episode", by_people=pl.lit(value=True)).unique()
    rows = rows.join(acted, on=["case_id", "episode"], how="left")
    # An exception that only needs a look holds no money up.
    rows = rows.filter(pl.col("note").ne_missing("needs a look"))
    return [part.to_dicts() for part in rows.partition_by(UNIT)]


def _speaks(rows: list[Row]) -> tuple[Row, Decimal | None, str | None]:
    """Return the exception with the highest value, and that value, or the unit's own where none has one."""
    first = min(
        rows,
        key=lambda one: (-rough(one["value_amount"], one["value_currency"]), one["opened"], one["case_id"]),
    )
    if first["value_amount"] is None:
        return first, first["own_amount"], first["own_currency"]
    return first, first["value_amount"], first["value_currency"]


def _key(asked: Asked, row: Row, by: str) -> str:
    if asked.by is None:
        return ""
    if asked.by == "step":
        return f"{row['flow']} / {row['step']}" if row["step"] else "not set"
    return by if asked.by == "recovered_by" else (row[asked.by] or "not set")


def at_risk(store: Store, asked: Asked) -> list[Amount]:
    """Units with an exception open at the end of the period."""
    found = []
    for number, (_, end) in enumerate(asked.periods):
        for rows in _grouped(store, asked):
            still = [
                one for one in rows if one["opened"] < end and (one["closed"] is None or one["closed"] >= end)
            ]
            if still:
                main, amount, currency = _speaks(still)
                age = band(min(one["opened"] for one in still), end)
                found.append(Amount(number, _key(asked, main, ""), age, amount, currency, end))
    return found


def _ended(row: Row, edge: datetime) -> datetime | None:
    """Return when an exception ended, by what happened before a moment: a proof counts first."""
    for name in ("verified", "closed"):
        if row[name] is not None and row[name] < edge:
            return row[name]  # type: ignore[no-any-return]
    return None


def _last(rows: list[Row], edge: datetime) -> tuple[datetime, list[Row]] | None:
    """Return when the last exception of a unit ended, and which did then; None while one is open."""
    known = [(_ended(one, edge), one) for one in rows if one["opened"] < edge]
    times = [time for time, _ in known if time is not None]
    if not known or len(times) < len(known):
        return None
    return max(times), [one for time, one in known if time == max(times)]


def is_recovered(row: Row, edge: datetime) -> bool:
    """Whether a success of the unit proved the exception before a moment."""
    return row["verified"] is not None and row["verified"] < edge


def is_lost(row: Row, edge: datetime) -> bool:
    """Whether it was written off before a moment."""
    return row["code"] == "written_off" and row["closed"] < edge and row["verified"] is None


def came_to(
    store: Store, asked: Asked, rule: Callable[[Row, datetime], bool]
) -> tuple[list[Amount], dict[tuple[int, str], int]]:
    """Units whose last exception came to a fate in the period, and how many have one open at its end."""
    found, open_ones = [], defaultdict(int)
    steps = _steps(store, asked)
    for number, (start, end) in enumerate(asked.periods):
        for rows in _grouped(store, asked):
            known = [one for one in rows if one["opened"] < end]
            fits = [one for one in known if rule(one, end)]
            main, amount, currency = _speaks(fits or known) if known else ({}, None, None)
            by = "people" if any(_by_people(one, steps) for one in fits) else "automatic"
            now, before = _last(rows, end), _last(rows, start)
            if known and now is None:
                open_ones[number, _key(asked, main, by)] += 1
            if now is None or now[0] < start or not any(rule(one, end) for one in now[1]):
                continue
            if before is None or not any(rule(one, start) for one in before[1]):
                found.append(Amount(number, _key(asked, main, by), by, amount, currency, now[0]))
    return found, open_ones


def _steps(store: Store, asked: Asked) -> dict[tuple[str, ...], list[datetime]]:
    found = defaultdict(list)
    for *unit, time in store.unit_of(store.human_step, asked).select(*UNIT, "time").rows():
        found[tuple(unit)].append(time)
    return found


def _by_people(row: Row, steps: dict[tuple[str, ...], list[datetime]]) -> bool:
    done = steps.get(tuple(row[name] for name in UNIT), [])
    return bool(row["by_people"]) or any(
        row["verified"] is not None and row["opened"] <= time <= row["verified"] for time in done
    )


class Purse:
    """Adds amounts: in the reporting currency where each rate is known, else in the one that holds most."""

    def __init__(self, store: Store, zone: str) -> None:
        self.rates = store.tables.get("currency_rate", [])
        chosen = store.tables.get("reporting_currency", [])
        self.reporting = chosen[-1]["currency"] if chosen else None
        self.zone = ZoneInfo(zone)

    def rate(self, currency: str, moment: datetime) -> float | None:
        """Return the rate into the reporting currency of the day on which something ended."""
        if currency == self.reporting:
            return 1.0
        day = self._day(moment)
        known = [
            one for one in self.rates
            if one["currency"] == currency and one["against"] == self.reporting and one["valid_from"] <= day
        ]  # fmt: skip
        return max(known, key=lambda one: one["valid_from"])["rate"] if known else None

    def _day(self, moment: datetime) -> date:
        return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(self.zone).date()

    def currency(self, amounts: list[Amount]) -> tuple[str | None, bool]:
        """Return the currency of a figure, and whether others are converted into it."""
        given = [one for one in amounts if one.amount is not None]
        if self.reporting and given and all(self.rate(one.currency or "", one.moment) for one in given):
            return self.reporting, True
        worth: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for one in given:
            worth[one.currency or ""][one.period > 0] += rough(one.amount, one.currency)
        # The first period decides; those that it does not have come last.
        first = {one.currency for one in given if one.period == 0}
        ranked = sorted(
            worth, key=lambda name: (name in first, worth[name][0], sum(worth[name])), reverse=True
        )
        return (ranked[0] if ranked else None), False

    def add(self, amounts: list[Amount], parts: tuple[str, ...]) -> Figures:
        """Return the figure of each period and key."""
        currency, is_converted = self.currency(amounts)
        by_key: dict[tuple[int, str], list[Amount]] = defaultdict(list)
        for one in amounts:
            by_key[one.period, one.key].append(one)
        return {
            place: {
                "value": sum(map(self._in(currency, is_converted), own), Decimal(0)), "n": len(own),
                "currency": currency,
                "coverage": 100.0 * sum(one.amount is not None for one in own) / len(own),
                **{
                    part: sum(
                        (self._in(currency, is_converted)(one) for one in own if one.part == part), Decimal(0)
                    )
                    for part in parts
                },
            }
            for place, own in by_key.items()
        }  # fmt: skip

    def _in(self, currency: str | None, is_converted: bool) -> Callable[[Amount], Decimal]:  # noqa: FBT001 - bound
        def amount(one: Amount) -> Decimal:
            if one.amount is None or (one.currency != currency and not is_converted):
                return Decimal(0)
            if one.currency == currency:
                return one.amount
            return Decimal(repr(float(one.amount) * (self.rate(one.currency or "", one.moment) or 0)))

        return amount


def k8(store: Store, asked: Asked) -> Figures:
    """Value at risk."""
    found = Purse(store, asked.zone).add(at_risk(store, asked), (*(name for name, _ in BANDS), "over_7d"))
    return {place: {**one, "in_flight": 0} for place, one in found.items()}


def k9(store: Store, asked: Asked) -> Figures:
    """Value recovered."""
    amounts, still = came_to(store, asked, is_recovered)
    return _with_open(Purse(store, asked.zone).add(amounts, ("automatic", "people")), still)


def k10(store: Store, asked: Asked) -> Figures:
    """Value lost."""
    amounts, still = came_to(store, asked, is_lost)
    purse = Purse(store, asked.zone)
    found, saved = purse.add(amounts, ()), purse.add(came_to(store, asked, is_recovered)[0], ())
    for place, one in found.items():
        one["currency"] = one["currency"] or saved.get(place, {}).get("currency")
    return _with_open(found, still)


def _with_open(found: Figures, still: dict[tuple[int, str], int]) -> Figures:
    places = {*found, *still}
    return {
        place: {"value": Decimal(0), "n": 0, **found.get(place, {}), "in_flight": still.get(place, 0)}
        for place in places
    }
