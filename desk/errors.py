"""What can go wrong with an act, told so that a person knows what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from data.errors import ConflictError, UnsnagError

if TYPE_CHECKING:
    from datetime import datetime


class CaseNotFoundError(UnsnagError):
    """There is no such exception."""

    def __init__(self, case_id: str, withdrawn: str | None = None) -> None:
        if withdrawn:
            super().__init__(f"Exception {case_id} was withdrawn: {withdrawn}.")
        else:
            super().__init__(f"There is no exception {case_id}. It may belong to another store.")


class UnitNotFoundError(UnsnagError):
    """No record carries this correlation ID."""

    def __init__(self, correlation_id: str) -> None:
        super().__init__(f"No record carries the correlation ID {correlation_id}.")


class TraceNotFoundError(UnsnagError):
    """No record carries this trace ID."""

    def __init__(self, trace_id: str) -> None:
        super().__init__(f"No record carries the trace ID {trace_id}.")


class AlreadyClaimedError(ConflictError):
    """Someone was faster: the case is theirs until they release it or the claim runs out."""

    def __init__(self, case_id: str, holder: str, since: datetime, until: datetime | None) -> None:
        self.holder = holder
        self.since = since
        lasts = f" The claim runs out at {until:%H:%M} UTC." if until else ""
        super().__init__(
            f"Exception {case_id} is already claimed by {holder} since {since:%H:%M} UTC.{lasts} "
            f"Ask {holder} to release it, or take another."
        )


class NotAllowedNowError(ConflictError):
    """The case's state does not allow this act."""

    def __init__(
        self, case_id: str, state: str, verb: str, words: str, *, since: datetime | None = None
    ) -> None:
        self.state = state
        self.holder: str | None = None
        self.since = since
        super().__init__(f"Exception {case_id} cannot be {verb} now: {words}")


class InvalidActError(UnsnagError):
    """The act lacks something, or says something that does not exist."""


class NoWorkerError(ConflictError):
    """No worker would come for a retry of the case."""

    def __init__(self, case_id: str, words: str) -> None:
        super().__init__(f"Exception {case_id} cannot be retried now: {words}")


class ReasonMissingError(UnsnagError):
    """The act needs a reason, and there is none."""

    field: Final = "reason"


class LeaseLostError(UnsnagError):
    """The lease on this retry was lost: another worker may run it. Stop, and report nothing."""
