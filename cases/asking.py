"""Ask who holds a case: the holder sees the question as a notice, the asker the answer.

The question stands in the history of the case. The holder answers with a note, or gives the case back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from cases import lifecycle, notices
from cases.change import Change
from cases.commands import AtHand, CaseCommand, Decision
from cases.notes import checked

if TYPE_CHECKING:
    from datetime import datetime

    from access.context import RequestContext
    from cases.case import Case
    from data.transaction import Tx

ASKED: Final = "holder_asked"


@dataclass(frozen=True, slots=True)
class AskHolder(CaseCommand):
    """Ask the person who holds a case; nothing of the case changes.

    Raises, when performed:
        InvalidActError: the question is empty or too long.
        NotAllowedNowError: nobody else holds it.
    """

    act: ClassVar = "case.ask"
    question: str

    def decide(self, loaded: AtHand, ctx: RequestContext, _now: datetime) -> Decision:
        """Return the question."""
        case, question = loaded.case, checked(self.question)
        if case.holder is None:
            raise lifecycle.refusal(case, ASKED, "nobody has it. Claim it, or write a note.")
        if case.holder == ctx.actor.name:
            raise lifecycle.refusal(case, ASKED, "you have it yourself.")
        return Decision(Change(case, case, ASKED, ctx.actor, question, {"asked": case.holder}))

    def apply(self, tx: Tx, decided: Decision, ctx: RequestContext, now: datetime) -> Case:
        """Write the question, and the notice to the holder."""
        after = CaseCommand.apply(self, tx, decided, ctx, now)
        question = decided.change.reason
        notices.notify(tx, after.holder, notices.ASKED, after, by=ctx.actor, now=now, reason=question)
        return after
