"""Which currency money is reported in, and what each currency is worth on which day.

Both are append-only: a rate that is set again for the same day replaces the one before. Who did it is known.
"""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pyarrow as pa

from access.commands import Command, Target
from audit import trail
from data.errors import UnsnagError
from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx

COLUMNS: Final = ("currency", "against", "rate", "valid_from")
"""The columns of a file of rates; others are refused, the order is free."""
MOST_RATES: Final = 20_000
"""Of one request: 50 currencies for more than a year."""
_CODE: Final = re.compile(r"[A-Z]{3}")


class InvalidRateError(UnsnagError):
    """It is no rate, or no file of rates."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One of `currency` is worth `rate` of `against`, from the beginning of a day in UTC on."""

    currency: str
    against: str
    rate: float
    valid_from: date

    def checked(self) -> Rate:
        """Return itself.

        Raises:
            InvalidRateError: it is no rate.
        """
        for code in (self.currency, self.against):
            check_code(code)
        if self.currency == self.against:
            raise InvalidRateError(f"{self.currency} against itself needs no rate.")
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise InvalidRateError(f"The rate of {self.currency} must be a number above 0, not {self.rate}.")
        return self


_rate: Final = noun(Rate)


def check_code(code: str) -> None:
    """Refuse what is no currency.

    Raises:
        InvalidRateError: it is not three capital letters.
    """
    if not _CODE.fullmatch(code):
        raise InvalidRateError(f"{code[:20]!r} is no currency. Write its ISO code, such as EUR.")


def rates(reading: Reading) -> list[Rate]:
    """Return the rates that count, by currency, the latest first."""
    return reading.query("kpis/rates", into=_rate)


def reporting(reading: Reading) -> str | None:
    """Return the currency that money is reported in; None where nobody chose one."""
    found = reading.query("kpis/reporting_currency")
    return found[0]["currency"] if found else None


def read_csv(text: str) -> list[Rate]:
    """Read rates from a file with a line of headings.

    Raises:
        InvalidRateError: it is no such file; the line is named.
    """
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    heading = [name.strip() for name in next(lines, [])]
    if sorted(heading) != sorted(COLUMNS):
        raise InvalidRateError(f"The first line must name the columns {', '.join(COLUMNS)}.")
    return [
        _read_line(dict(zip(heading, cells, strict=False)), lines.line_num)
        for cells in lines
        if any(map(str.strip, cells))
    ]


def _read_line(cells: Mapping[str, str], number: int) -> Rate:
    try:
        currency, against, rate, valid_from = (cells[name].strip() for name in COLUMNS)
        return Rate(currency, against, float(rate), date.fromisoformat(valid_from)).checked()
    except KeyError:
        raise InvalidRateError(f"Line {number} has fewer cells than the first line.") from None
    except (ValueError, InvalidRateError) as error:
        raise InvalidRateError(f"Line {number}: {error}") from None


@dataclass(frozen=True, slots=True)
class SetRates(Command[None, None, dict[str, Any]]):
    """Set rates; one for the same currencies and day replaces the one before."""

    act: ClassVar = "currency.rate"
    rates: tuple[Rate, ...]

    def authorize(self, _loaded: None) -> Target:
        """Return the rates."""
        return Target(subject="currencies")

    def decide(self, _loaded: None, _ctx: RequestContext, _now: datetime) -> None:
        """Refuse what is no rate, and two for the same currencies and day.

        Raises:
            InvalidRateError: one of them is none.
        """
        if not 0 < len(self.rates) <= MOST_RATES:
            raise InvalidRateError(f"Give at least one rate, and at most {MOST_RATES:,} at once.")
        seen = set()
        for one in self.rates:
            key = (one.checked().currency, one.against, one.valid_from)
            if key in seen:
                raise InvalidRateError(f"The rate of {one.currency} from {one.valid_from} on is given twice.")
            seen.add(key)

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write the rates."""
        tx.view("new_rate", pa.Table.from_pylist([asdict(one) for one in self.rates]))
        tx.run("kpis/insert_rates", {"actor": ctx.actor.name, "now": now})
        days = [one.valid_from.isoformat() for one in self.rates]
        codes = sorted({one.currency for one in self.rates})
        details = {"rates": len(self.rates), "currencies": codes, "from": min(days), "to": max(days)}
        trail.write(tx, [trail.Entry("rates set", ctx.actor, subject="currencies", details=details)], now)
        return details


@dataclass(frozen=True, slots=True)
class SetReportingCurrency(Command[None, None, "dict[str, str | None]"]):
    """Choose the currency that money is reported in; None: none, amounts stay in theirs."""

    act: ClassVar = "currency.report"
    currency: str | None

    def authorize(self, _loaded: None) -> Target:
        """Return the rates."""
        return Target(subject="currencies")

    def decide(self, _loaded: None, _ctx: RequestContext, _now: datetime) -> None:
        """Refuse what is no currency.

        Raises:
            InvalidRateError: it is none.
        """
        if self.currency is not None:
            check_code(self.currency)

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, str | None]:
        """Write the choice."""
        answer = {"currency": self.currency}
        tx.run("kpis/insert_reporting_currency", {**answer, "actor": ctx.actor.name, "now": now})
        entry = trail.Entry("reporting currency set", ctx.actor, subject="currencies", details=answer)
        trail.write(tx, [entry], now)
        return answer
