"""The life of a case, from birth to end. Rules only: values in, values out.

1. An error record opens a case: one unit stuck at one step.                     → open
2. More of the same add occurrences, never a second case.
3. Someone claims it: a lease, renewed by activity, that runs out by itself.     open → claimed
   Its group is claimed already: it joins that claim.                             open → claimed
   Released or run out:                                                           claimed → open
   Snoozed, it stays open, but is left out until a time or a count (`cases.snoozing`).
   Only the holder acts on it. Another person takes it over first, with a reason: the state stays.
4. A retry is asked for. The person who asks holds it.                            open, claimed → retrying
   A worker leases it, runs the step, and reports.
   It is cancelled before a worker took it:                                       retrying → claimed, open
5. The step ran well. That proves nothing yet.                                    retrying → verifying
   The step failed, or three workers were lost over it:                           retrying → open
6. The unit's own success signal arrives, later than the case's last failure.     any live state → recovered
   It does not arrive in time, or the step fails again:                           verifying → open
   A person who repaired it elsewhere waits for the same proof, for days:         open, claimed → verifying
7. Its holder, or anybody while nobody holds it, closes it with a code and a reason:
                                                                                  any live state → resolved
   It wins over a claim that was made since the person who closes it saw the case.
   Where they say that it was repaired, a later success is noted: verified.
   So does the script that failed: its block called `unit.ok()` after the error.  any live state → resolved
8. Nothing can ever prove it (a trace, a request or no unit), and nothing new came for 14 days:
                                                                                  open → expired
9. A new failure of the same unit at the same step, later than the end: recovered, resolved, expired → open

An approval (`cases.approval`) is no failure: an automation asks, a person answers.
   It is asked, and asked again after it ended without an answer:                 → awaiting_approval
   Approved or rejected, or nobody waits for the answer any more:                 awaiting_approval → resolved

`TRANSITIONS` is this story as data: rules, statements, tabs and the tests read it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cases.case import CaseState, RetryState
from cases.errors import AlreadyClaimedError, InvalidActError, NotAllowedNowError, ReasonMissingError
from unsnag.conventions import CLASS_BUSINESS

if TYPE_CHECKING:
    from datetime import datetime

    from access.limits import Limits
    from cases.case import Case, Retry

OPEN, CLAIMED, RETRYING, VERIFYING = (
    CaseState.OPEN, CaseState.CLAIMED, CaseState.RETRYING, CaseState.VERIFYING,
)  # fmt: skip
RECOVERED, RESOLVED, EXPIRED = CaseState.RECOVERED, CaseState.RESOLVED, CaseState.EXPIRED
AWAITING: Final = CaseState.AWAITING_APPROVAL

WAITING: Final = frozenset((OPEN, CLAIMED))
"""A person may act on it: claim, retry, mark as fixed outside."""
LIVE: Final = frozenset((OPEN, CLAIMED, RETRYING, VERIFYING))
"""A failure that has not ended."""
PENDING: Final = LIVE | {AWAITING}
"""Failures and approvals that have not ended."""
FOR_PEOPLE: Final = WAITING | {AWAITING}
"""Its due times count, and it is escalated: a person has to act."""
ENDED: Final = frozenset((RECOVERED, RESOLVED, EXPIRED))


@dataclass(frozen=True, slots=True)
class Transition:
    """A way from some states to another: the verb is what the audit says of it."""

    verb: str
    sources: frozenset[CaseState]
    target: CaseState


TRANSITIONS: Final = (
    Transition("claimed", frozenset((OPEN,)), CLAIMED),
    Transition("joined", frozenset((OPEN,)), CLAIMED),
    Transition("renewed", frozenset((CLAIMED,)), CLAIMED),
    Transition("released", frozenset((CLAIMED, VERIFYING)), OPEN),
    Transition("expired", frozenset((CLAIMED,)), OPEN),
    Transition("retried", WAITING, RETRYING),
    Transition("retry_cancelled", frozenset((RETRYING,)), OPEN),
    Transition("retry_cancelled", frozenset((RETRYING,)), CLAIMED),
    Transition("retry_failed", frozenset((RETRYING,)), OPEN),
    Transition("verifying", frozenset((RETRYING,)), VERIFYING),
    Transition("fixed_outside", WAITING, VERIFYING),
    Transition("unproven", frozenset((VERIFYING,)), OPEN),
    Transition("recovered", LIVE, RECOVERED),
    Transition("resolved", LIVE, RESOLVED),
    Transition("closed", LIVE | {RECOVERED, EXPIRED}, RESOLVED),
    Transition("closed", frozenset((OPEN,)), EXPIRED),
    Transition("reopened", ENDED | {VERIFYING}, OPEN),
    Transition("approved", frozenset((AWAITING,)), RESOLVED),
    Transition("rejected", frozenset((AWAITING,)), RESOLVED),
    Transition("unanswered", frozenset((AWAITING,)), RESOLVED),
    Transition("asked", frozenset((RESOLVED,)), AWAITING),
)
"""Every way between states. A change with another verb (opened, recurred, verified, …) keeps the state."""


def allowed(verb: str, source: CaseState, target: CaseState) -> bool:
    """Return whether the table has this way; staying in a state is always one."""
    if source == target:
        return True
    return any(t.verb == verb and source in t.sources and t.target == target for t in TRANSITIONS)


RESOLUTION_CODES: Final = {
    "fixed_upstream": "Fixed where it came from",
    "data_corrected": "Data corrected by hand",
    "moved_to_manual": "Finished by hand outside the automation",
    "duplicate": "Duplicate of another exception",
    "written_off": "Will not be fixed: written off",
    "false_alarm": "False alarm: nothing was wrong",
}
VERIFIABLE: Final = ("fixed_upstream", "data_corrected")
"""Codes that say that it was repaired: a later success of the unit verifies them."""
CLOSED_BY_SCRIPT: Final = "closed_by_script"
"""The code of a case that no person closed: its own block called `unit.ok()` after the error."""
CODE_NAMES: Final = {**RESOLUTION_CODES, CLOSED_BY_SCRIPT: "Closed by the script"}
"""What each resolution code is called, also those that a person cannot choose."""
MIN_REASON: Final = 10
CLOCK_SLACK: Final = timedelta(hours=1)
"""How far in the future a claim may lie: shorter leases by another setting are no wrong clock."""
UNPROVABLE: Final = ("trace", "technical", "none")
"""A unit that only a trace or a technical ID names never comes again, so nothing can prove it."""
AWAKE: Final[dict[str, Any]] = dict.fromkeys(("snoozed_by", "snoozed_until", "snoozed_count"))
"""What a case loses when it is not snoozed any more."""
_UNHELD: Final[dict[str, Any]] = AWAKE | dict.fromkeys((
    "holder", "claimed_at", "lease_until", "verify_until", "next_attempt_at",
))  # fmt: skip
"""What a case loses when nobody works on it any more."""
_UNRESOLVED: Final[dict[str, Any]] = dict.fromkeys((
    "resolved_at", "resolution_code", "resolution_reason", "verified_at", "recovered_by",
))  # fmt: skip


# --- what people do -----------------------------------------------------------------------------------


def claim(case: Case, actor: str, now: datetime, limits: Limits) -> Case:
    """Return the case claimed by `actor`. Claiming what one holds renews the lease.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: it is not waiting for a person.
    """
    if case.state not in WAITING:
        raise not_now(case, "claimed")
    refuse_other_holder(case, actor)
    is_renewed = case.state == CLAIMED
    return replace(
        case,
        state=CLAIMED,
        holder=actor,
        claimed_at=case.claimed_at if is_renewed else now,
        first_claimed_at=case.first_claimed_at or now,
        lease_until=now + timedelta(seconds=limits.claim_s),
        **AWAKE,
    )


def renewed(case: Case, actor: str, now: datetime, limits: Limits) -> Case:
    """Return the case after an act of `actor`: where they have claimed it, the lease begins again."""
    if case.state != CLAIMED or case.holder != actor:
        return case
    return replace(case, lease_until=now + timedelta(seconds=limits.claim_s))


def release(case: Case, actor: str) -> Case:
    """Return the case given back by its holder, or no longer marked as fixed outside.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: nobody holds it.
    """
    if case.state != CLAIMED and not is_fixed_outside(case):
        raise not_now(case, "released")
    refuse_other_holder(case, actor)
    people_at = None if is_fixed_outside(case) else case.people_at
    return replace(case, state=OPEN, **_UNHELD | {"people_at": people_at})


def retry(case: Case, actor: str, retry_id: str, reason: str | None, now: datetime) -> Case:
    """Return the case with a retry that waits; an open case becomes the actor's.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: a retry runs already, or the case has ended.
        InvalidActError: nothing could ever prove that the unit recovered.
        ReasonMissingError: it is a business error, and no reason is given.
    """
    if case.state not in WAITING:
        raise not_now(case, "retried")
    _refuse_unprovable(case, "retried")
    refuse_other_holder(case, actor)
    if needs_reason(case) and not (reason or "").strip():
        raise ReasonMissingError(
            f"Exception {case.id} is a business error: the same step ends the same way unless something "
            "has changed. Give a reason why it should end differently now."
        )
    held = _held(case, actor, now)
    return replace(held, state=RETRYING, retry_id=retry_id, verify_until=None, next_attempt_at=now)


def needs_reason(case: Case) -> bool:
    """Return whether a retry of the case needs a reason."""
    return case.error_class == CLASS_BUSINESS


def cancel_retry(case: Case, actor: str, waiting: Retry | None, now: datetime, limits: Limits) -> Case:
    """Return the case without its retry that no worker has taken.

    A case that was claimed before the retry, or taken over since, goes back to its holder, any other to the
    queue.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: there is no retry that waits, or a worker runs it already.
    """
    taken_out = "taken out of the retry queue"
    if case.state != RETRYING or waiting is None:
        raise refusal(case, taken_out, "no retry of it waits.")
    if waiting.state != RetryState.QUEUED:
        runs = f"{waiting.worker} runs its retry since {waiting.started_at:%H:%M} UTC. Wait for the result."
        raise refusal(case, taken_out, runs)
    refuse_other_holder(case, actor)
    back = without_retry(replace(case, state=OPEN, **_UNHELD), waiting)
    # The retry of an open case claims it in the same moment.
    if case.claimed_at in (None, waiting.requested_at):
        return back
    lease_until = now + timedelta(seconds=limits.claim_s)
    return replace(
        back, state=CLAIMED, holder=case.holder, claimed_at=case.claimed_at, lease_until=lease_until
    )


def without_retry(case: Case, ended: Retry) -> Case:
    """Return the case after a retry that no worker ever took: it did nothing for the unit."""
    if ended.leases:
        return case
    was_last = case.people_at == ended.requested_at
    return replace(case, retry_id=None, people_at=None if was_last else case.people_at)


def fixed_outside(case: Case, actor: str, reason: str, now: datetime, limits: Limits) -> Case:
    """Return the case waiting for the proof of what `actor` repaired elsewhere.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: a retry is under way, or the case has ended.
        InvalidActError: the reason is too short, or nothing could ever prove that the unit recovered.
    """
    marked = "marked as fixed outside"
    if case.state not in WAITING:
        raise not_now(case, marked)
    _refuse_unprovable(case, marked)
    refuse_other_holder(case, actor)
    refuse_short(reason)
    verify_until = now + timedelta(seconds=limits.fixed_outside_s)
    held = _held(case, actor, now)
    return replace(held, state=VERIFYING, retry_id=None, verify_until=verify_until, next_attempt_at=None)


def resolve(
    case: Case, actor: str, code: str, reason: str, now: datetime, *, seen: int | None = None
) -> Case:
    """Return the case closed by a person. `seen` is the version of the case that they acted on.

    Raises:
        AlreadyClaimedError: someone else holds it, and held it when the person saw the case.
        InvalidActError: unknown code, or a reason that is too short.
        NotAllowedNowError: the case has ended already.
    """
    if case.state not in LIVE:
        raise not_now(case, "resolved")
    if not was_free(case, seen):
        refuse_other_holder(case, actor)
    refuse_resolution(code, reason)
    closed = {"resolved_at": now, "resolution_code": code, "resolution_reason": reason.strip()}
    return replace(case, state=RESOLVED, **_UNHELD | closed, recovered_by=None)


# --- what records, workers and time do ----------------------------------------------------------------


def step_ran(case: Case, now: datetime, limits: Limits) -> Case:
    """Return the case after a worker reported that the retried step went well: it waits for the proof."""
    verify_until = now + timedelta(seconds=limits.verify_s)
    attempts = case.attempts + 1
    return replace(case, state=VERIFYING, verify_until=verify_until, next_attempt_at=None, attempts=attempts)


def retry_failed(case: Case) -> Case:
    """Return the case after a retry failed, was lost, or was never proven."""
    attempts = case.attempts + (case.state == RETRYING)
    return replace(case, state=OPEN, **_UNHELD, attempts=attempts)


def retry_ended(case: Case, ended: Retry) -> Case:
    """Return the case after its retry came to nothing. One that no worker took is no attempt."""
    if ended.leases:
        return retry_failed(case)
    return without_retry(replace(case, state=OPEN, **_UNHELD), ended)


def recovered(case: Case, completed_at: datetime, now: datetime) -> Case:
    """Return the case ended by the unit's own success signal, which proves the recovery."""
    ended = {"verified_at": completed_at, "resolved_at": now, "recovered_by": _recovered_by(case)}
    return replace(case, state=RECOVERED, **_UNHELD | _UNRESOLVED | ended)


def _recovered_by(case: Case) -> str:
    """Return what brought the recovery about. A claim alone repairs nothing."""
    if case.retry_id:
        return "retry"
    return "person" if case.people_at else "automatic"


def closed_by_script(case: Case, now: datetime) -> Case:
    """Return the case closed by the script's own word. It proves nothing."""
    words = "the unit's block called ok() after this error"
    closed = {"resolved_at": now, "resolution_code": CLOSED_BY_SCRIPT, "resolution_reason": words}
    return replace(case, state=RESOLVED, **_UNHELD | _UNRESOLVED | closed)


def expired(case: Case, now: datetime) -> Case:
    """Return the case ended because nothing new came for long, and nothing could ever prove it."""
    return replace(case, state=EXPIRED, **_UNHELD, resolved_at=now)


def reopens(case: Case, failed_at: datetime) -> bool:
    """Return whether a failure at `failed_at` puts the case back to open."""
    if case.state == RECOVERED:
        return case.verified_at is not None and failed_at > case.verified_at
    if case.state in ENDED:
        return case.resolved_at is not None and failed_at > case.resolved_at
    return case.state == VERIFYING and failed_at > case.last_seen


def reopened(case: Case, before: Case | None = None) -> Case:
    """Return the case opened again. When it was first opened stays as it was.

    `before` is the case as it was where `case` has a newer content already.
    """
    was_verifying = (before or case).state == VERIFYING
    kept = {} if was_verifying else {"retry_id": None, "people_at": None}
    return replace(case, state=OPEN, **_UNHELD | _UNRESOLVED | kept)


# --- questions ----------------------------------------------------------------------------------------


def is_provable(case: Case) -> bool:
    """Return whether a success can still say something of the case."""
    if case.state == RESOLVED:
        return case.resolution_code in VERIFIABLE
    return case.state != EXPIRED


def is_fixed_outside(case: Case) -> bool:
    """Return whether the case waits for its proof as fixed outside, without a retry."""
    return case.state == VERIFYING and case.retry_id is None


def is_closed_by_script(case: Case) -> bool:
    """Return whether the script's own word closed the case."""
    return case.state == RESOLVED and case.resolution_code == CLOSED_BY_SCRIPT


def was_free(case: Case, version: int | None) -> bool:
    """Return whether nobody held the case at one of its versions, just before its holder claimed it."""
    last = case.free_to_version
    if version is None or last is None:
        return False
    return (case.free_from_version or last) <= version <= last


def claim_expired(case: Case, now: datetime) -> bool:
    """Return whether the lease on a claimed case has run out."""
    return case.state == CLAIMED and case.lease_until is not None and case.lease_until <= now


def is_from_the_future(case: Case, limits: Limits, now: datetime) -> bool:
    """Return whether a claim was made or renewed while the clock was ahead: nobody waits for its lease."""
    latest = now + timedelta(seconds=limits.claim_s) + CLOCK_SLACK
    claimed_at, lease_until = case.claimed_at or now, case.lease_until or now
    return case.state == CLAIMED and (claimed_at > now + CLOCK_SLACK or lease_until > latest)


# --- refusals -----------------------------------------------------------------------------------------


def _held(case: Case, actor: str, now: datetime) -> Case:
    """Return the case held by the person who acts on it, without a lease that could run out."""
    return replace(
        case,
        holder=actor,
        claimed_at=case.claimed_at or now,
        first_claimed_at=case.first_claimed_at or now,
        lease_until=None,
        **AWAKE,
    )


def _refuse_unprovable(case: Case, verb: str) -> None:
    if case.unit_kind in UNPROVABLE:
        raise InvalidActError(
            f"Exception {case.id} cannot be {verb}: only a trace or a request names its unit, so no "
            "later success could prove it. Fix the cause, then resolve it."
        )


def refuse_resolution(code: str, reason: str) -> None:
    """Refuse a resolution that names no code, or gives no reason.

    Raises:
        InvalidActError: unknown code, or a reason that is too short.
    """
    if code not in RESOLUTION_CODES:
        raise InvalidActError(
            f"There is no resolution code {code!r}. Choose one of: {', '.join(RESOLUTION_CODES)}."
        )
    refuse_short(reason)


def refuse_short(reason: str) -> None:
    """Refuse a reason that says nothing.

    Raises:
        InvalidActError: it is too short.
    """
    if len(reason.strip()) < MIN_REASON:
        raise InvalidActError(
            f"The reason must have at least {MIN_REASON} characters: it is read months later."
        )


def refuse_other_holder(case: Case, actor: str) -> None:
    """Refuse what only the holder of a case does.

    Raises:
        AlreadyClaimedError: someone else holds it.
    """
    if case.holder and case.holder != actor:
        raise AlreadyClaimedError(case.id, case.holder, case.claimed_at, case.lease_until)


def not_now(case: Case, verb: str) -> NotAllowedNowError:
    """Return why the state of a case does not allow an act."""
    return refusal(case, verb, _why_not(case))


def refusal(case: Case, verb: str, words: str) -> NotAllowedNowError:
    """Return why a case cannot be changed so, with the words for it."""
    return NotAllowedNowError(case, verb, words)


_WHY_ENDED: Final = {
    RECOVERED: "the unit has recovered. Nothing is left to do.",
    RESOLVED: "it was resolved. Nothing is left to do.",
    AWAITING: "it is an approval. Approve or reject it.",
    EXPIRED: "it expired: it did not occur again, and nothing could prove it. A new failure opens it again.",
}


def _why_not(case: Case) -> str:
    if case.state == RETRYING:
        return f"a retry is being carried out, and {case.holder} has it. Wait for its result."
    if is_fixed_outside(case):
        return (
            f"it was marked as fixed outside, and {case.holder} has it. It waits for the unit's own success."
        )
    if case.state == VERIFYING:
        return "its retry ran and waits for the unit's own success signal. Wait for the proof."
    return _WHY_ENDED.get(case.state, "nobody has claimed it.")
