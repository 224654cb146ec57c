"""The life of a case, from birth to end. Rules only: values in, values out.

1. An error record opens a case: one unit stuck at one step.                     → open
2. More of the same add occurrences, never a second case.
3. Someone claims it: a lease, renewed by activity, that runs out by itself.     open → claimed
   Released or run out:                                                           claimed → open
4. A retry is asked for. Whoever asks holds the case.                             open, claimed → retrying
   A worker leases it, runs the step, and reports.
   It is cancelled before a worker took it:                                       retrying → claimed, open
5. The step ran well. That proves nothing yet.                                    retrying → verifying
   The step failed, or three workers were lost over it:                           retrying → open
6. The unit's own success signal arrives, later than the case's last failure.     any live state → recovered
   It does not arrive in time, or the step fails again:                           verifying → open
   A person who repaired it elsewhere waits for the same proof, for days:         open, claimed → verifying
7. A person closes it with a code and a reason. This wins over any claim.         any live state → resolved
   Where they say that it was repaired, a later success is noted: verified.
   So does the script that failed: its block said `unit.ok()` after the error.    any live state → resolved
8. Nothing can ever prove it (a trace, a request or no unit), and nothing new came for 14 days:
                                                                                  open → expired
9. A new failure of the same unit at the same step, later than the end: recovered, resolved, expired → open
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from desk.errors import AlreadyClaimedError, InvalidActError, NotAllowedNowError, ReasonMissingError
from unsnag.conventions import CLASS_BUSINESS

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
VERIFIABLE: Final = ("fixed_upstream", "data_corrected")
"""Codes that say that it was repaired: a later success of the unit verifies them."""
CLOSED_BY_SCRIPT: Final = "closed_by_script"
"""The code of a case that no person closed: its own block said `unit.ok()` after the error."""
CODE_NAMES: Final = {**RESOLUTION_CODES, CLOSED_BY_SCRIPT: "Closed by the script"}
"""What each resolution code is called, also those that a person cannot choose."""
MIN_REASON: Final = 10
UNPROVABLE: Final = ("trace", "technical", "none")
"""A unit that only a trace or a technical ID names never comes again, so nothing can prove it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take. All in seconds."""

    claim_s: int = 20 * 60
    verify_s: int = 15 * 60
    fixed_outside_s: int = 3 * 24 * 3600
    """How long a case that was fixed outside waits for the unit's own success signal."""
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
    """Return what changes when the holder gives the case back, or takes back that it was fixed outside.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: nobody holds it.
    """
    if case["state"] != CLAIMED and not is_fixed_outside(case):
        raise _not_now(case, "released")
    _refuse_other_holder(case, actor)
    return _unheld(OPEN) | ({"people_at": None} if is_fixed_outside(case) else {})


def retry(case: Case, actor: str, retry_id: str, reason: str | None, now: datetime) -> Case:
    """Return what changes when `actor` asks for a retry; an open case becomes theirs.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: a retry runs already, or the case has ended.
        InvalidActError: nothing could ever prove that the unit recovered.
        ReasonMissingError: a rule of the business said no, and nobody says why it should say yes now.
    """
    if case["state"] not in (OPEN, CLAIMED):
        raise _not_now(case, "retried")
    _refuse_unprovable(case, "retried")
    _refuse_other_holder(case, actor)
    if needs_reason(case) and not (reason or "").strip():
        raise ReasonMissingError(
            f"Exception {case['id']} is a business error: the same step ends the same way unless something "
            "has changed. Give a reason why it should end differently now."
        )
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


def needs_reason(case: Case) -> bool:
    """Tell whether a retry of the case needs a reason."""
    return bool(case["class"] == CLASS_BUSINESS)


def cancel_retry(case: Case, retry: Case | None, now: datetime, limits: Limits) -> Case:
    """Return what changes when a retry that no worker has taken is cancelled; `retry` is the case's own.

    A case that was claimed before the retry goes back to its holder, any other to the queue.

    Raises:
        NotAllowedNowError: there is no retry that waits, or a worker runs it already.
    """
    if case["state"] != RETRYING or retry is None:
        words = "no retry of it waits."
        raise _refusal(case, "taken out of the retry queue", words)
    if retry["state"] != "queued":
        words = (
            f"{retry['worker']} runs its retry since {retry['started_at']:%H:%M} UTC. Wait for the result."
        )
        raise _refusal(case, "taken out of the retry queue", words)
    back = _unheld(OPEN)
    # The retry of an open case claims it in the same moment.
    if case["claimed_at"] and case["claimed_at"] < retry["requested_at"]:
        kept = {"holder": case["holder"], "claimed_at": case["claimed_at"]}
        back |= {"state": CLAIMED, **kept, "lease_until": now + timedelta(seconds=limits.claim_s)}
    return {**back, **without_retry(case, retry)}


def without_retry(case: Case, retry: Case) -> Case:
    """Return what changes where a retry ends that no worker ever took: it did nothing for the unit."""
    if retry["leases"]:
        return {}
    asked_last = case["people_at"] == retry["requested_at"]
    people_at = None if asked_last else case["people_at"]
    return {"retry_id": None, "people_at": people_at, "attempts": case["attempts"]}


def fixed_outside(case: Case, actor: str, reason: str, now: datetime, limits: Limits) -> Case:
    """Return what changes when `actor` says that the unit was repaired elsewhere: it waits for the proof.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: a retry is under way, or the case has ended.
        InvalidActError: the reason is too short, or nothing could ever prove that the unit recovered.
    """
    if case["state"] not in (OPEN, CLAIMED):
        raise _not_now(case, "marked as fixed outside")
    _refuse_unprovable(case, "marked as fixed outside")
    _refuse_other_holder(case, actor)
    _refuse_short(reason)
    return {
        "state": VERIFYING,
        "holder": actor,
        "claimed_at": case["claimed_at"] or now,
        "first_claimed_at": case["first_claimed_at"] or now,
        "lease_until": None,
        "retry_id": None,
        "verify_until": now + timedelta(seconds=limits.fixed_outside_s),
        "next_attempt_at": None,
    }


def is_provable(case: Case) -> bool:
    """Tell whether a success can still say something of the case."""
    if case["state"] == RESOLVED:
        return case["resolution_code"] in VERIFIABLE
    return bool(case["state"] != EXPIRED)


def is_fixed_outside(case: Case) -> bool:
    """Tell whether the case waits for its proof because somebody marked it fixed outside, without a retry."""
    return case["state"] == VERIFYING and case["retry_id"] is None


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
    _refuse_short(reason)
    return {
        **_unheld(RESOLVED),
        "resolved_at": now,
        "resolution_code": code,
        "resolution_reason": reason.strip(),
        "recovered_by": None,
    }


def closed_by_script(now: datetime) -> Case:
    """Return what changes when the script's own word closes the case. It proves nothing."""
    return {
        **_unheld(RESOLVED),
        "resolved_at": now,
        "resolution_code": CLOSED_BY_SCRIPT,
        "resolution_reason": "the unit's block called ok() after this error",
        "verified_at": None,
        "recovered_by": None,
    }


def is_closed_by_script(case: Case) -> bool:
    """Tell whether the script's own word closed the case."""
    return bool(case["state"] == RESOLVED and case["resolution_code"] == CLOSED_BY_SCRIPT)


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
    """Return what brought the recovery about. A claim alone repairs nothing."""
    if case["retry_id"]:
        return "retry"
    return "person" if case["people_at"] else "automatic"


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
        "people_at": case["people_at"] if case["state"] == VERIFYING else None,
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


def _refuse_unprovable(case: Case, verb: str) -> None:
    if case["unit_kind"] in UNPROVABLE:
        raise InvalidActError(
            f"Exception {case['id']} cannot be {verb}: only a trace or a request names its unit, so no "
            "later success could prove it. Fix the cause, then resolve it."
        )


def _refuse_short(reason: str) -> None:
    if len(reason.strip()) < MIN_REASON:
        raise InvalidActError(
            f"The reason must have at least {MIN_REASON} characters: it is read months later."
        )


def _refuse_other_holder(case: Case, actor: str) -> None:
    if case["holder"] and case["holder"] != actor:
        raise AlreadyClaimedError(case["id"], case["holder"], case["claimed_at"], case["lease_until"])


def _not_now(case: Case, verb: str) -> NotAllowedNowError:
    return _refusal(case, verb, _why_not(case))


def _refusal(case: Case, verb: str, words: str) -> NotAllowedNowError:
    error = NotAllowedNowError(case["id"], case["state"], verb, words, since=case["updated_at"])
    error.holder = case["holder"]
    return error


_WHY_ENDED: Final = {
    RECOVERED: "the unit has recovered. Nothing is left to do.",
    RESOLVED: "it was resolved. Nothing is left to do.",
    EXPIRED: "it expired: it did not occur again, and nothing could prove it. A new failure opens it again.",
}


def _why_not(case: Case) -> str:
    if case["state"] == RETRYING:
        return f"a retry that {case['holder']} asked for is being carried out. Wait for its result."
    if is_fixed_outside(case):
        return f"{case['holder']} marked it as fixed outside; it waits for the unit's own success signal."
    if case["state"] == VERIFYING:
        return "its retry ran and waits for the unit's own success signal. Wait for the proof."
    return _WHY_ENDED.get(case["state"], "nobody has claimed it.")
