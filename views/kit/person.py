"""Who sits at the page, and what of the running system they may see and use."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import streamlit as st

from access.errors import SignedOutError
from audit.actor import Actor
from server.center import Seat, current
from server.guard import HEADER, default_name

if TYPE_CHECKING:
    from collections.abc import Callable


def who() -> Actor:
    """Return the person at the page, whom the guard recognised; looked up anew at every run.

    Raises:
        SignedOutError: their session has ended.
    """
    center = current()
    told = unquote(st.context.headers.get(HEADER, "") or "")
    if center.authority.local:
        return Actor(told or default_name())
    kind, _, session_id = told.partition(":")
    if kind != "session":
        raise SignedOutError
    return center.authority.person_of(session_id)


def seat() -> Seat:
    """Return the system as the person at the page may see and use it: for callbacks.

    Raises:
        SignedOutError: their session has ended.
    """
    return current().seat(who())


def here() -> Seat:
    """Return the system as the person at the page may see and use it: for what is drawn.

    Where their session has ended meanwhile, the whole page runs again and says so.
    """
    try:
        return seat()
    except SignedOutError:
        st.rerun()


def later(work: Callable[[Seat], bytes]) -> Callable[[], bytes]:
    """Return what makes a download's bytes when it is asked for.

    Streamlit calls it outside of any run, where nobody can be asked for: who is here is remembered, and
    what they may see and do is looked up when it is called.
    """
    actor = who()
    return lambda: work(current().seat(actor))
