"""Commands from a page: performed once however often a page runs, with a message however they end."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from access.commands import Answer, perform
from data import formats
from data.errors import ConflictError, UnsnagError
from views.kit import labels
from views.kit.markdown import escape
from views.kit.person import context

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from access.commands import Command
    from cases.commands import CaseCommand

_TOASTS: Final = "unsnag_toasts"


def act(
    commands: Iterable[CaseCommand], *, token: str | None = None, shown: Mapping[str, Any] | None = None
) -> int:
    """Perform commands of one kind, each on another case; report the result; return how many succeeded.

    `token` stays the same for the same click: a page that runs again does nothing twice. `shown` is what the
    person saw before.
    """
    wanted = list(commands)
    ids, batch = [command.case_id for command in wanted], token or uuid.uuid4().hex
    if len(ids) > 1 and shown is None:
        shown = {"selected": len(ids), "cases": ids}
    done, refused = 0, []
    for command in wanted:
        try:
            perform(command, context(), key=f"{batch}:{command.case_id}", shown=shown)
            done += 1
        except UnsnagError as error:
            refused.append(error)
    if wanted:
        _say_result(type(wanted[0]), done, refused)
    return done


def do(
    command: Command[Any, Any, Answer], done: str | None = None, *, token: str | None = None
) -> Answer | None:
    """Perform a command; say that it is `done`, or why it is refused. Return its answer; None if refused."""
    try:
        answer = perform(command, context(), key=token)
    except UnsnagError as error:
        say(escape(str(error)), ":material/warning:")
        return None
    if done:
        say(done, ":material/check_circle:")
    return answer


def _say_result(kind: type[CaseCommand], done: int, refused: list[UnsnagError]) -> None:
    if done:
        say(f"{formats.count(done, 'exception')} {labels.DONE[kind]}", ":material/check_circle:")
    if not refused:
        return
    first = escape(str(refused[0]))
    if done == 0 and len(refused) == 1:
        say(first, ":material/warning:")
        return
    conflicts = sum(isinstance(error, ConflictError) for error in refused)
    count = f"{conflicts} have changed since" if conflicts == len(refused) else f"{len(refused)} refused"
    say(f"{count}. {first}", ":material/warning:")


def say(text: str, icon: str) -> None:
    """Keep a message for the next run of the page: a callback cannot draw."""
    st.session_state.setdefault(_TOASTS, []).append((text, icon))


def show_messages() -> None:
    """Show the messages since the last run."""
    for text, icon in st.session_state.pop(_TOASTS, []):
        st.toast(text, icon=icon)
