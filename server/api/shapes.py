"""The shapes that other programs rely on: fields may be added, never renamed or retyped.

Times are RFC 3339 UTC; money is a decimal string beside its currency; ids are lower-case hex.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, create_model

from unsnag.fields import shown_on
from unsnag.wire import format_time

T = TypeVar("T")


def _decimal(amount: Decimal) -> str:
    """Write the amount with two decimals, or with the four that the store keeps where they matter."""
    cents = amount.quantize(Decimal("0.01"))
    return format(cents if cents == amount else amount, "f")


Time = Annotated[datetime, PlainSerializer(format_time, str)]
Amount = Annotated[Decimal, PlainSerializer(_decimal, str)]


class Body(BaseModel):
    """What a request says. A field that is not known is refused: its sender would believe that it counts."""

    model_config = ConfigDict(extra="forbid")


class Money(BaseModel):
    """An amount in its currency."""

    amount: Amount
    currency: str | None = None


_CONTEXT: Final[dict[str, Any]] = {field.name: (str | None, ...) for field in shown_on("rest")}
Context: Final = create_model("Context", **_CONTEXT)
"""Whose work it is: the fields that `unsnag.fields` shows in REST."""


class Listed(BaseModel, Generic[T]):
    """Part of a list, how long the whole list is, and where the next part begins."""

    total: int
    items: list[T]
    next: str | None = None


class Bounded(Listed[T], Generic[T]):
    """Part of a list that looks between two times, and which these were."""

    start: Time | None = Field(alias="from", description="The last 24 hours, unless the request names it.")
    end: Time | None = Field(None, alias="to")


class TrialRecord(BaseModel):
    """A record of a sample, as it would be stored."""

    line: int
    time: Time
    severity: str
    message: str
    logger: str | None = None
    error_type: str | None = None
    has_stacktrace: bool
    outcome: str | None = None
    mentions: list[str]
    fields: dict[str, Any]
    attributes: dict[str, Any]


class Unread(BaseModel):
    """Text of a sample that would go to quarantine."""

    line: int
    reason: str
    text: str


class Trial(BaseModel):
    """What a mapping makes of a sample."""

    records: list[TrialRecord]
    unread: list[Unread]
    dropped: int
    filled: dict[str, int]
    left_over: dict[str, int]
    without_time: int
