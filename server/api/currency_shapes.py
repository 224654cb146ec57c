"""What the routes about currencies take and give."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Code = Annotated[str, Field(min_length=3, max_length=3, pattern="^[A-Z]{3}$")]


class Rate(BaseModel):
    """One of `currency` is worth `rate` of `against`, from the beginning of a day in UTC on."""

    model_config = ConfigDict(extra="forbid")

    currency: Code
    against: Code
    rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    valid_from: date


class Reporting(BaseModel):
    """The currency that money is reported in."""

    model_config = ConfigDict(extra="forbid")

    currency: Code | None


class Currencies(BaseModel):
    """What is known of currencies."""

    reporting: str | None
    rates: list[Rate]


class RatesRequest(BaseModel):
    """Rates to be set: one by one, as a file, or both."""

    model_config = ConfigDict(extra="forbid")

    rates: Annotated[list[Rate], Field(max_length=20_000)] = []
    csv: Annotated[str | None, Field(max_length=2_000_000)] = None
    """A file with the headings currency, against, rate, valid_from."""


class RatesSet(BaseModel):
    """How many rates were set, of which currencies and days."""

    model_config = ConfigDict(populate_by_name=True)

    rates: int
    currencies: list[str]
    start: Annotated[str, Field(validation_alias="from")]
    end: Annotated[str, Field(validation_alias="to")]
