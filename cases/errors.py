"""Errors of acts on cases. Each message states what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from data.errors import ConflictError, UnsnagError

if TYPE_CHECKING:
    from datetime import datetime

    from cases.case import Case


class CaseNotFoundError(UnsnagError):
    """There is no such exception."""

    def __init__(self, case_id: str, withdrawn: str | None = None) -> None:
        if withdrawn:
            super().__init__(f"Exception {case_id} was withdrawn: {withdrawn}.")
        else:
            super().__init__(f"There is no exception {case_id}. It may belong to another store.")


class GroupNotFoundError(UnsnagError):
    """There is no such group of exceptions."""

    def __init__(self, group_id: str) -> None:
        super().__init__(f"There is no group {group_id}. Its exceptions may have moved to another group.")


class UnitNotFoundError(UnsnagError):
    """No record carries this correlation ID.

    `newest` says of how many spans and log records the attributes were read, where there are more.
    """

    def __init__(self, correlation_id: str, newest: int | None = None) -> None:
        words = f"No record carries the correlation ID {correlation_id}."
        if newest is not None:
            words += (
                f" In attributes without a mapping only the newest {newest:,} spans and log records were"
                " searched: ask with everywhere=true to search all."
            )
        super().__init__(words)


class TraceNotFoundError(UnsnagError):
    """No record carries this trace ID."""

    def __init__(self, trace_id: str) -> None:
        super().__init__(f"No record carries the trace ID {trace_id}.")


class TraceRemovedError(UnsnagError):
    """The records of this trace were removed."""


class AlreadyClaimedError(ConflictError):
    """Someone was faster: the case is theirs until they release it or the claim runs out."""

    def __init__(self, case_id: str, holder: str, since: datetime | None, until: datetime | None) -> None:
        self.holder = holder
        self.since = since
        began = f" since {since:%H:%M} UTC" if since else ""
        lasts = f" The claim runs out at {until:%H:%M} UTC." if until else ""
        super().__init__(
            f"Exception {case_id} is already claimed by {holder}{began}.{lasts} "
            f"Ask {holder} to release it, take it over with a reason, or take another."
        )


class GroupClaimedError(ConflictError):
    """Somebody else has claimed the group."""

    def __init__(self, holder: str, since: datetime, until: datetime) -> None:
        self.holder = holder
        self.since = since
        super().__init__(
            f"The group is claimed by {holder} since {since:%H:%M} UTC; what arrives joins that claim. "
            f"It runs out at {until:%H:%M} UTC. Ask {holder} to release it, or take over single exceptions."
        )


class GroupMergedError(ConflictError):
    """The group is part of another already."""

    def __init__(self, group_id: str, into: str, actor: str, since: datetime) -> None:
        super().__init__(
            f"Group {group_id} is part of group {into} already: {actor} merged it at "
            f"{since:%Y-%m-%d %H:%M} UTC. Unmerge it first, or merge that group."
        )


class GroupWithinItselfError(ConflictError):
    """A group cannot become a part of itself."""

    def __init__(self, group_id: str, into: str) -> None:
        if group_id == into:
            super().__init__(f"Group {group_id} cannot be merged into itself. Choose another group.")
        else:
            super().__init__(
                f"Group {into} is part of group {group_id}, so {group_id} cannot become a part of it. "
                f"Unmerge {into} first, or choose another group."
            )


class GroupNotMergedError(ConflictError):
    """The group is not part of another."""

    def __init__(self, group_id: str) -> None:
        super().__init__(
            f"Group {group_id} is not part of another group. Somebody may have unmerged it already."
        )


class GroupNotClaimedError(ConflictError):
    """The actor has claimed neither the group nor any exception of it."""


class GroupNoteChangedError(ConflictError):
    """Somebody else has changed the group's note meanwhile. Read it again, then save yours."""


class NotAllowedNowError(ConflictError):
    """The case's state does not allow this act."""

    def __init__(self, case: Case, verb: str, words: str) -> None:
        self.state = case.state
        self.holder = case.holder
        self.since = case.updated_at
        super().__init__(f"Exception {case.id} cannot be {verb} now: {words}")


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


class IllegalTransitionError(Exception):
    """A fault of ours: a change that the table of transitions does not have. Nothing was written."""

    def __init__(self, verb: str, source: str, target: str) -> None:
        super().__init__(
            f"{verb}: no transition leads from {source} to {target} (cases.lifecycle.TRANSITIONS)"
        )
