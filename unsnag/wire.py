"""What client and server exchange about retries: the one definition that both sides use.

The client writes and reads these classes; the server's routes validate with them, and its OpenAPI
description is made from them. The metadata of a field is its description and its limits, in the words
that pydantic takes; this module itself needs nothing but the standard library.

1. A worker posts `LeaseRequest` to `LEASE_PATH`. The answer is a `Lease`, or 204 when no retry is due.
2. It posts `Report` to `report_path(lease.id, "heartbeat")` while it works. The answer is a `LeaseState`.
3. It posts `Report` to "complete", or `FailReport` to "fail".
4. 410 means that the lease was lost. The id of a lease is new with each lease, so it is the proof of it.

Each request carries `IDEMPOTENCY_KEY`: the same key is the same request, however often it is sent.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar

from unsnag.conventions import ERROR_CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
RETRIES_PATH: Final = "/api/v1/retries"
LEASE_PATH: Final = f"{RETRIES_PATH}/lease"
APPROVALS_PATH: Final = "/api/v1/approvals"
"""Below it an automation asks, by the id of its approval, what was decided: an `Approval`."""
WAITING, APPROVED, REJECTED, CLOSED = "waiting", "approved", "rejected", "closed"
"""The states of an `Approval`. Closed: it ended without an answer, as nobody seemed to wait for it."""
RECORDS_PATH: Final = "/v1/records"
"""Below it a sender asks, by the id of a log record, whether the server has stored it."""
LEASE_LOST: Final = 410
"""The status of an answer to a worker that no longer has the lease."""
MAX_WAIT_S: Final = 20
MAX_NAME: Final = 200
MAX_FLOWS: Final = 1_000
MAX_ERROR_TYPE: Final = 400
MAX_MESSAGE: Final = 8_000

Verb = Literal["heartbeat", "complete", "fail"]
_REFUSE_UNKNOWN: Final = {"extra": "forbid"}


class ContractError(Exception):
    """An answer lacks a field, or has one that cannot be read."""


@dataclass(frozen=True)
class Handler:
    """A step that a worker can carry out again."""

    __pydantic_config__: ClassVar = _REFUSE_UNKNOWN

    flow: str
    step: str


@dataclass(frozen=True)
class LeaseRequest:
    """Which retries a worker takes, and how long it waits for one."""

    __pydantic_config__: ClassVar = _REFUSE_UNKNOWN

    flows: list[str] | None = field(
        default=None, metadata={"max_length": MAX_FLOWS, "description": "None: of every flow."}
    )
    wait_s: float = field(default=0, metadata={"ge": 0, "le": MAX_WAIT_S})
    worker: str = field(default="worker", metadata={"min_length": 1, "max_length": MAX_NAME})
    handlers: list[Handler] | None = field(
        default=None,
        metadata={
            "description": "What the worker can do. None: everything it asks for, or what it took before."
        },
    )


@dataclass(frozen=True)
class Report:
    """Who reports."""

    __pydantic_config__: ClassVar = _REFUSE_UNKNOWN

    worker: str | None = field(default=None, metadata={"max_length": MAX_NAME})


@dataclass(frozen=True)
class FailReport(Report):
    """How the step failed."""

    error_type: str | None = field(default=None, metadata={"max_length": MAX_ERROR_TYPE})
    message: str | None = field(default=None, metadata={"max_length": MAX_MESSAGE})
    error_class: str | None = field(
        default=None,
        metadata={
            "alias": "class",
            "pattern": f"^({'|'.join(ERROR_CLASSES)})$",
            "json_schema_extra": {"enum": [*ERROR_CLASSES]},
            "description": "What kind of error it was.",
        },
    )


@dataclass(frozen=True)
class Lease:
    """A retry that a worker may execute until the lease ends."""

    id: str
    case: str
    flow: str
    step: str
    correlation_id: str
    idempotency_key: str
    attempt: int
    traceparent: str | None
    data: dict[str, Any]
    lease_until: datetime


@dataclass(frozen=True)
class LeaseState:
    """Where a lease stands after a heartbeat or a report."""

    id: str
    state: str | None = None
    lease_until: datetime | None = None


@dataclass(frozen=True)
class Approval:
    """What became of what an automation asks."""

    id: str
    state: str = field(metadata={"description": "waiting, approved, rejected or closed."})
    case: str
    question: str
    answer_until: datetime | None = None
    escalations: int = field(
        default=0, metadata={"description": "How often it was escalated as nobody answered in time."}
    )
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = field(
        default=None, metadata={"description": "What the person wrote, or why it was closed."}
    )


def report_path(lease_id: str, verb: Verb) -> str:
    """Return where a worker reports on a lease."""
    return f"{RETRIES_PATH}/{lease_id}/{verb}"


def to_json(message: object) -> dict[str, Any]:
    """Return a message as JSON's values, without the fields that are None."""
    assert is_dataclass(message)  # noqa: S101 - a caller's mistake
    named = {_name(each): getattr(message, each.name) for each in fields(message)}
    return {name: _plain(value) for name, value in named.items() if value is not None}


def from_json(kind: type[T], content: Mapping[str, Any]) -> T:
    """Return what the server answered. Fields that this version does not know are left out.

    Raises:
        ContractError: a field is missing, or is no time where one is due.
    """
    assert is_dataclass(kind)  # noqa: S101 - a caller's mistake
    missing = [_name(each) for each in fields(kind) if _is_due(each) and _name(each) not in content]
    if missing:
        raise ContractError(f"{kind.__name__} lacks {', '.join(missing)}")
    known = [each for each in fields(kind) if _name(each) in content]
    return kind(**{each.name: _read(each, content[_name(each)]) for each in known})


def format_time(moment: datetime) -> str:
    """Return a time as RFC 3339 UTC with microseconds."""
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _name(of: Any) -> str:
    return str(of.metadata.get("alias", of.name))


def _is_due(each: Any) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return to_json(value) if is_dataclass(value) else value


def _read(each: Any, value: Any) -> Any:
    if value is None or not str(each.type).startswith("datetime"):
        return value
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))  # before 3.11 it knows no Z
    except (AttributeError, TypeError, ValueError) as error:
        raise ContractError(f"{_name(each)} is no time: {value!r}") from error
