"""Acts from a page: done once however often a page runs, told kindly however they end."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from data.errors import ConflictError, UnsnagError
from views.kit import words
from views.kit.person import seat, who

if TYPE_CHECKING:
    from collections.abc import Iterable

_DONE: Final = {
    "claim": "claimed",
    "release": "released",
    "retry": "sent to be retried",
    "cancel_retry": "taken out of the retry queue",
    "fixed_outside": "marked as fixed outside",
    "resolve": "resolved",
}
_TOASTS: Final = "unsnag_toasts"


def act(name: str, case_ids: Iterable[str], *, token: str | None = None, **arguments: Any) -> int:
    """Do one act on one or several cases, tell how it went, and return how many it reached.

    `token` stays the same for the same click: a page that runs again does not act again.
    """
    ids = list(case_ids)
    batch = token or uuid.uuid4().hex
    if len(ids) > 1 and "shown" not in arguments:
        arguments["shown"] = {"selected": len(ids), "cases": ids}
    done, refused = 0, []
    for case_id in ids:
        try:
            perform = getattr(seat().acts, name)
            perform(case_id, actor=who(), token=f"{batch}:{case_id}", **arguments)
            done += 1
        except UnsnagError as error:
            refused.append(error)
    _tell(name, ids, done, refused)
    return done


def _tell(name: str, ids: list[str], done: int, refused: list[UnsnagError]) -> None:
    if done:
        say(f"{words.plural(done, 'exception')} {_DONE[name]}", ":material/check_circle:")
    if len(ids) == 1 and refused:
        say(words.escape(str(refused[0])), ":material/warning:")
    elif refused:
        first = words.escape(str(refused[0]))
        conflicts = sum(isinstance(error, ConflictError) for error in refused)
        told = f"{conflicts} had moved on already" if conflicts == len(refused) else f"{len(refused)} refused"
        say(f"{told}. {first}", ":material/warning:")


def say(text: str, icon: str) -> None:
    """Keep a message for the next run of the page: a callback cannot draw."""
    st.session_state.setdefault(_TOASTS, []).append((text, icon))


def show_messages() -> None:
    """Show what was said since the last run."""
    for text, icon in st.session_state.pop(_TOASTS, []):
        st.toast(text, icon=icon)
