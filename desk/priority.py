"""How severe a case is, and until when somebody should have looked at it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

SEVERITIES: Final = ("critical", "high", "medium", "low")
TRIAGE: Final = {
    "critical": timedelta(minutes=30),
    "high": timedelta(hours=2),
    "medium": timedelta(hours=8),
    "low": timedelta(hours=24),
}
"""Time from the first failure until a person should have claimed the case."""

_CRITICAL_VALUE: Final = Decimal(10_000)
_HIGH_VALUE: Final = Decimal(1_000)
_LOW_VALUE: Final = Decimal(50)
ERROR: Final = 17
_FATAL: Final = 21


def amount(value: Any) -> Decimal | None:
    """Return money as it was told, or None where it cannot be read."""
    try:
        number = None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number is None or number.is_finite() else None


def severity(value: Decimal | None, severity_number: int) -> str:
    """Return the severity from the money at stake and the record's own severity number."""
    if severity_number >= _FATAL or (value is not None and value >= _CRITICAL_VALUE):
        return "critical"
    if value is not None and value >= _HIGH_VALUE:
        return "high"
    if value is not None and value < _LOW_VALUE:
        return "low"
    return "medium"


def due_at(opened_at: datetime, severity: str) -> datetime:
    """Return when triage is due."""
    return opened_at + TRIAGE[severity]
