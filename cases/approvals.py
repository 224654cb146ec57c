"""What an automation gets to know of its approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cases.approval import APPROVED, APPROVED_OUTSIDE, REJECTED, REJECTED_OUTSIDE
from cases.case import Case
from cases.lifecycle import AWAITING
from data.errors import ConflictError, UnsnagError
from unsnag import wire

if TYPE_CHECKING:
    from data.store import Reading

_ANSWERS: Final = {
    APPROVED: wire.APPROVED,
    APPROVED_OUTSIDE: wire.APPROVED,
    REJECTED: wire.REJECTED,
    REJECTED_OUTSIDE: wire.REJECTED,
}


class ApprovalNotFoundError(UnsnagError):
    """No record asks for this approval, as far as the caller may see."""

    def __init__(self, approval_id: str) -> None:
        super().__init__(
            f"No record asks for the approval {approval_id}. It may be on its way: ask again in some seconds."
        )


class SeveralApprovalsError(ConflictError):
    """Two tenants or units use the same id, and the caller may see both."""

    def __init__(self, approval_id: str) -> None:
        super().__init__(
            f"Several units ask for an approval {approval_id}. Name the tenant and the ID of the unit."
        )


def answer_of(
    reading: Reading, approval_id: str, tenant: str | None, correlation_id: str | None
) -> wire.Approval:
    """Return what became of an approval.

    Raises:
        ApprovalNotFoundError: there is none within the scope.
        SeveralApprovalsError: there are several.
    """
    asked = {"id": approval_id, "tenant": tenant, "correlation_id": correlation_id}
    found = [case.aware() for case in reading.query("cases/approvals_named", asked, into=Case.of)]
    if not found:
        raise ApprovalNotFoundError(approval_id)
    if len(found) > 1:
        raise SeveralApprovalsError(approval_id)
    return _answer(found[0])


def _answer(case: Case) -> wire.Approval:
    state = wire.WAITING if case.state == AWAITING else _ANSWERS.get(case.resolution_code or "", wire.CLOSED)
    is_answer = state in (wire.APPROVED, wire.REJECTED)
    return wire.Approval(
        id=case.approval_id or "",
        state=state,
        case=case.id,
        question=case.message,
        answer_until=case.answer_until,
        escalations=case.escalation_level or 0,
        decided_by=case.decided_by,
        decided_at=case.resolved_at if is_answer else None,
        reason=case.resolution_reason,
    )
