"""The class of a case: what the rules found, and what a person stated instead.

A person's word stays with its case. On request it is also the rule for the case's group in its tenant, for
failures that arrive later. Every word is kept as a label (`class_label`): rules can be measured by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cases.change import GROUPS, PERSON, Group, Word, of_groups, with_class
from cases.errors import InvalidActError, NotAllowedNowError
from cases.lifecycle import LIVE
from unsnag.classification import SURE
from unsnag.conventions import CLASS_BUSINESS, CLASS_DATA, CLASS_INFRASTRUCTURE

if TYPE_CHECKING:
    from datetime import datetime

    from cases.case import Case
    from data.transaction import Tx

NAMED: Final = (CLASS_BUSINESS, CLASS_DATA, CLASS_INFRASTRUCTURE)
"""The classes that a person can name."""


def is_guess(case: Case) -> bool:
    """Return whether the class of a case needs a person: no one named it, and the rules are not sure."""
    return case.class_by is None and case.class_confidence is not None and case.class_confidence < SURE


def named(case: Case, error_class: str, actor: str) -> Case:
    """Return a case with the class that a person names.

    Raises:
        InvalidActError: there is no such class.
        NotAllowedNowError: the case has ended. Figures about ended cases do not change.
    """
    if error_class not in NAMED:
        raise InvalidActError(f"Choose one of {', '.join(NAMED)} as the class.")
    if case.state not in LIVE:
        raise NotAllowedNowError(case, "classified", f"it is {case.state}, and figures about it stand.")
    return with_class(case, error_class, PERSON, actor)


def keep_label(tx: Tx, before: Case, after: Case, now: datetime, *, for_group: bool) -> None:
    """Write down what a person named, beside what the rules had found."""
    label = {
        "time": now,
        "case_id": after.id,
        "tenant": after.tenant,
        "flow": after.flow,
        "step": after.step,
        "fingerprint": after.group,
        "error_type": after.error_type,
        "message": after.message,
        "class": after.error_class,
        "was_class": before.error_class,
        "was_rule": before.class_rule,
        "was_confidence": before.class_confidence,
        "was_version": before.class_version,
        "actor": after.class_by,
        "for_group": for_group,
    }
    tx.view_rows("new_class_label", [label], like="class_label")
    tx.run("cases/insert_class_label")
    if for_group:
        word = Word(after.error_class, after.class_by or "")
        tx.memo[GROUPS] = {**of_groups(tx), Group(after.tenant, after.flow, after.group): word}
