"""Who sits at the page: the name that the identity middleware put into the header."""

from __future__ import annotations

from urllib.parse import unquote

import streamlit as st

from desk.audit import Actor
from server.identity import HEADER, default_name


def who() -> Actor:
    """Return the person at the page."""
    return Actor(unquote(st.context.headers.get(HEADER, "") or "") or default_name())
