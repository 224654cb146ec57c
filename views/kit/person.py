"""Who uses the page, and what they may see and do."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import streamlit as st

from access.errors import SignedOutError
from audit.actor import Actor
from server.container import current
from server.identity import HEADER, default_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.context import ServerContext


def who() -> Actor:
    """Return the person at the page as the guard identified them; looked up at each run.

    Raises:
        SignedOutError: their session has ended.
    """
    ctx = current()
    identity = unquote(st.context.headers.get(HEADER, "") or "")
    if ctx.authority.local:
        return Actor(identity or default_name())
    kind, _, session_id = identity.partition(":")
    if kind != "session":
        raise SignedOutError
    return ctx.authority.person_of(session_id)


def context() -> ServerContext:
    """Return the request context of the person at the page, for callbacks.

    Raises:
        SignedOutError: their session has ended.
    """
    return current().context(who())


def page_context() -> ServerContext:
    """Return the request context of the person at the page, for drawing.

    If their session has ended, the whole page runs again and shows that.
    """
    try:
        return context()
    except SignedOutError:
        st.rerun()


def later(work: Callable[[ServerContext], bytes]) -> Callable[[], bytes]:
    """Return what makes a download's bytes when it is asked for.

    Streamlit calls it outside of any run, where nobody can be asked for: who is here is remembered, and
    what they may see and do is looked up when it is called.
    """
    actor = who()
    return lambda: work(current().context(actor))
