"""The life of a case, from birth to end. Rules only: values in, values out.

1. An error record opens a case: one unit stuck at one step.                     → open
2. More of the same add occurrences, never a second case.
3. Someone claims it: a lease, renewed by activity, that runs out by itself.     open → claimed
   Released or run out:                                                           claimed → open
4. A retry is asked for. Whoever asks holds the case.                             open, claimed → retrying
   A worker leases it, runs the step, and reports.
5. The step ran well. That proves nothing yet.                                    retrying → verifying
   The step failed, or three workers were lost over it:                           retrying → open
6. The unit's own success signal arrives, later than the case's last failure.     any live state → recovered
   It does not arrive in time, or the step fails again:                           verifying → open
7. A person closes it with a code and a reason. This wins over any claim.         any live state → resolved
8. Nothing can ever prove it (a trace, a request or no unit), and nothing new came for 14 days:
                                                                                  open → expired
9. A new failure of the same unit at the same step, later than the end: recovered, resolved, expired → open
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from desk.errors import AlreadyClaimedError, InvalidActError, NotAllowedNowError

if TYPE_CHECKING:
    from datetime import datetime

    Case = dict[str, Any]

OPEN: Final = "open"
CLAIMED: Final = "claimed"
RETRYING: Final = "retrying"
VERIFYING: Final = "verifying"
RECOVERED: Final = "recovered"
RESOLVED: Final = "resolved"
EXPIRED: Final = "expired"
STATES: Final = (OPEN, CLAIMED, RETRYING, VERIFYING, RECOVERED, RESOLVED, EXPIRED)
LIVE: Final = (OPEN, CLAIMED, RETRYING, VERIFYING)
ENDED: Final = (RECOVERED, RESOLVED, EXPIRED)

RESOLUTION_CODES: Final = {
    "fixed_upstream": "Fixed where it came from",
    "data_corrected": "Data corrected by hand",
    "moved_to_manual": "Finished by hand outside the automation",
    "duplicate": "Duplicate of another exception",
    "written_off": "Will not be fixed: written off",
    "false_alarm": "False alarm: nothing was wrong",
}
MIN_REASON: Final = 10
UNPROVABLE: Final = ("trace", "technical", "none")
"""A unit that only a trace or a technical ID names never comes again, so nothing can prove it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take. All in seconds."""

    claim_s: int = 20 * 60
    verify_s: int = 15 * 60
    untaken_s: int = 15 * 60
    """How long a retry waits for a worker before its case returns to the queue."""
    retry_lease_s: int = 60
    retry_leases: int = 3
    """How many workers may be lost over one retry before it counts as failed."""
    expire_s: int = 14 * 86_400
    """How long a case that nothing can prove stays open when nothing new happens to it."""


def claim(case: Case, actor: str, now: datetime, limits: Limits) -> Case:
    """Return what changes when `actor` claims. Claiming what one holds renews the lease.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: it is not waiting for a person.
    """
    if case["state"] not in (OPEN, CLAIMED):
        raise _not_now(case, "claimed")
    _refuse_other_holder(case, actor)
    renewed = case["state"] == CLAIMED
    return {
        "state": CLAIMED,
        "holder": actor,
        "claimed_at": case["claimed_at"] if renewed else now,
        "first_claimed_at": case["first_claimed_at"] or now,
        "lease_until": now + timedelta(seconds=limits.claim_s),
    }


def release(case: Case, actor: str) -> Case:
    """Return what changes when the holder gives the case back.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: nobody holds it.
    """
    if case["state"] != CLAIMED:
        raise _not_now(case, "released")
    _refuse_other_holder(case, actor)
    return _unheld(OPEN)


def retry(case: Case, actor: str, retry_id: str, now: datetime) -> Case:
    """Return what changes when `actor` asks for a retry; an open case becomes theirs.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: a retry runs already, or the case has ended.
        InvalidActError: nothing could ever prove that the unit recovered.
    """
    if case["state"] not in (OPEN, CLAIMED):
        raise _not_now(case, "retried")
    if case["unit_kind"] in UNPROVABLE:
        raise InvalidActError(
            f"Exception {case['id']} cannot be retried: only a trace or a request names its unit, so no "
            "later success could prove it. Fix the cause, then resolve it."
        )
    _refuse_other_holder(case, actor)
    return {
        "state": RETRYING,
        "holder": actor,
        "claimed_at": case["claimed_at"] or now,
        "first_claimed_at": case["first_claimed_at"] or now,
        "lease_until": None,
        "retry_id": retry_id,
        "verify_until": None,
        "next_attempt_at": now,
    }


def resolve(case: Case, code: str, reason: str, now: datetime) -> Case:
    """Return what changes when a person closes the case. A claim does not stand in the way.

    Raises:
        InvalidActError: unknown code, or a reason that is too short.
        NotAllowedNowError: the case has ended already.
    """
    if case["state"] in ENDED:
        raise _not_now(case, "resolved")
    if code not in RESOLUTION_CODES:
        raise InvalidActError(
            f"There is no resolution code {code!r}. Choose one of: {', '.join(RESOLUTION_CODES)}."
        )
    if len(reason.strip()) < MIN_REASON:
        raise InvalidActError(
            f"The reason must have at least {MIN_REASON} characters: it is read months later."
        )
    return {
        **_unheld(RESOLVED),
        "resolved_at": now,
        "resolution_code": code,
        "resolution_reason": reason.strip(),
        "recovered_by": None,
    }


def step_ran(case: Case, now: datetime, limits: Limits) -> Case:
    """Return what changes when a worker reports that the retried step went well."""
    return {
        "state": VERIFYING,
        "verify_until": now + timedelta(seconds=limits.verify_s),
        "next_attempt_at": None,
        "attempts": case["attempts"] + 1,
    }


def retry_failed(case: Case) -> Case:
    """Return what changes when a retry failed, was lost, or was never proven."""
    return {**_unheld(OPEN), "attempts": case["attempts"] + (case["state"] == RETRYING)}


def expired(now: datetime) -> Case:
    """Return what changes when nothing new has come for long, and nothing could ever prove the case."""
    return {**_unheld(EXPIRED), "resolved_at": now}


def recovered(case: Case, completed_at: datetime, now: datetime) -> Case:
    """Return what changes when the unit's own success signal proves the recovery."""
    return {
        **_unheld(RECOVERED),
        "verified_at": completed_at,
        "resolved_at": now,
        "resolution_code": None,
        "resolution_reason": None,
        "recovered_by": _recovered_by(case),
    }


def _recovered_by(case: Case) -> str:
    if case["retry_id"]:
        return "retry"
    return "person" if case["first_claimed_at"] else "automatic"


def reopens(case: Case, failed_at: datetime) -> bool:
    """Tell whether a failure at `failed_at` puts the case back to open."""
    if case["state"] == RECOVERED:
        return bool(failed_at > case["verified_at"])
    if case["state"] in (RESOLVED, EXPIRED):
        return bool(failed_at > case["resolved_at"])
    return bool(case["state"] == VERIFYING and failed_at > case["last_seen"])


def reopened(case: Case) -> Case:
    """Return what changes when a case comes back. When it was first opened stays as it was."""
    return {
        **_unheld(OPEN),
        "retry_id": case["retry_id"] if case["state"] == VERIFYING else None,
        "resolved_at": None,
        "resolution_code": None,
        "resolution_reason": None,
        "verified_at": None,
        "recovered_by": None,
    }


def claim_expired(case: Case, now: datetime) -> bool:
    """Tell whether the lease on a claimed case has run out."""
    return case["state"] == CLAIMED and case["lease_until"] is not None and case["lease_until"] <= now


def _unheld(state: str) -> Case:
    return {
        "state": state,
        "holder": None,
        "claimed_at": None,
        "lease_until": None,
        "verify_until": None,
        "next_attempt_at": None,
    }


def _refuse_other_holder(case: Case, actor: str) -> None:
    if case["holder"] and case["holder"] != actor:
        raise AlreadyClaimedError(case["id"], case["holder"], case["claimed_at"], case["lease_until"])


def _not_now(case: Case, verb: str) -> NotAllowedNowError:
    error = NotAllowedNowError(case["id"], case["state"], verb, _why_not(case), since=case["updated_at"])
    error.holder = case["holder"]
    return error


def _why_not(case: Case) -> str:
    if case["state"] == RETRYING:
        return f"a retry that {case['holder']} asked for is being carried out. Wait for its result."
    if case["state"] == VERIFYING:
        return "its retry ran and waits for the unit's own success signal. Wait for the proof."
    if case["state"] == RECOVERED:
        return "the unit has recovered. Nothing is left to do."
    if case["state"] == RESOLVED:
        return "it was resolved. Nothing is left to do."
    if case["state"] == EXPIRED:
        return "it expired: it did not occur again, and nothing could prove it. A new failure opens it again."
    return "nobody has claimed it."
