"""The class of a case on the panel, the rule that gave it, and the question where the rules are not sure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from cases.change import GROUP, PERSON
from cases.classes import NAMED, is_guess
from cases.commands import Classify
from cases.lifecycle import LIVE
from data import formats
from unsnag.conventions import CLASS_UNKNOWN
from views.kit import labels
from views.kit.acting import act
from views.kit.markdown import escape
from views.kit.person import page_context, who

if TYPE_CHECKING:
    from cases.case import Case

HELP: Final = {
    "business": "Who decides about the order or the payment",
    "data": "Who owns the record or the file",
    "infrastructure": "Who runs the system, the network or the access",
}
"""Who can do something about a failure of each class."""


def class_badge(case: Case) -> None:
    """Draw the class; a guess carries a question mark."""
    name = labels.CLASSES[case.error_class][0]
    if is_guess(case):
        asked = "Needs you" if case.error_class == CLASS_UNKNOWN else f"{name}? Needs you"
        st.badge(asked, color="orange", icon=":material/help:")
    else:
        st.badge(name, color="gray", help=why(case))


def why(case: Case) -> str:
    """Return where the class comes from."""
    if case.class_rule == PERSON:
        return f"Named by {escape(case.class_by or '')}"
    if case.class_rule == GROUP:
        return f"Named for this group by {escape(case.class_by or '')}"
    if case.class_rule == "script":
        return "Stated by the script"
    if case.class_rule is None or case.class_confidence is None:
        return "Stated by the sender"
    if case.class_rule == "none":
        return "No rule matches this failure"
    sure = formats.number(100 * case.class_confidence)
    return f"Rule {escape(case.class_rule)}, {sure} % sure (version {case.class_version} of the rules)"


def class_question(case: Case, key: str) -> None:
    """Ask for the class where it is a guess; elsewhere offer to correct it."""
    if case.state not in LIVE or not page_context().may("case.class", case):
        return
    if is_guess(case):
        with st.container(border=True, gap="xxsmall"):
            st.markdown(":orange[**Who can do something about this?**]")
            guess = "" if case.error_class == CLASS_UNKNOWN else "The class is a guess. "
            st.caption(f"{guess}{why(case)}.")
            _choice(case, key)
    else:
        with st.popover("Correct the class", icon=":material/category:"):
            st.caption(f"{why(case)}.")
            _choice(case, key)


def _choice(case: Case, key: str) -> None:
    group_key = f"{key}_class_group_{case.id}"
    st.checkbox("Also for later failures with the same cause", key=group_key)
    with st.container(horizontal=True, gap="small"):
        for name in NAMED:
            st.button(
                labels.CLASSES[name][0], key=f"{key}_class_{name}", help=HELP[name],
                on_click=_classify, args=(case, name, group_key),
            )  # fmt: skip


def _classify(case: Case, name: str, group_key: str) -> None:
    # Read here and not where it is drawn: the box and the button may change in one run.
    for_group = bool(st.session_state.get(group_key))
    token = f"class:{name}:{for_group}:{who().name}:{case.version}"
    act([Classify(case.id, name, for_group)], token=token)
