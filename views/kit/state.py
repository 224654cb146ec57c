"""The address: all state of a page is in it, so that Back and a copied link lead to the same."""

from __future__ import annotations

import time
from typing import Final, NamedTuple

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_CHANGED: Final = "changed_address"
_BROWSER: Final = "known_address"
_LABELS: Final = "labels_of_widgets"
_UNKNOWN_S: Final = 10
"""So long after a change a browser may not know it, where only the whole page runs again."""


class _Change(NamedTuple):
    """The last change of the address that a page made; `at` is of the monotonic clock."""

    before: dict[str, str]
    after: dict[str, str]
    at: float


class _Known(NamedTuple):
    """The address that a browser asked for a run with."""

    run: object
    address: dict[str, str]


def param(name: str, default: str = "") -> str:
    """Return one parameter of the address."""
    return str(st.query_params.get(name, default))


def several(name: str) -> list[str]:
    """Return a parameter that holds a list."""
    return [part for part in param(name).split(",") if part]


def go(**params: str | list[str] | None) -> None:
    """Set parameters of the address; None or nothing takes one away."""
    keep_address()
    before = st.query_params.to_dict()
    texts = {name: _text(value) for name, value in params.items()}
    # All at once: between two changes a browser would ask for a run with half of them.
    st.query_params.from_dict({name: text for name, text in {**before, **texts}.items() if text})
    st.session_state[_CHANGED] = _Change(before, st.query_params.to_dict(), time.monotonic())


def choose(name: str, value: str | list[str] | None, **others: str | list[str] | None) -> None:
    """Set the parameter that a widget stands for to what the widget reports, and others with it.

    A browser that does not know the last change of the address reports what its widgets had before. Nobody
    chose that: it is what the browser's own address has.
    """
    if _text(value) == _known().get(name, ""):
        keep_address()
    else:
        go(**{name: value}, **others)


def preset(key: str, value: object, label: object = None) -> None:
    """Set the value of a widget before it is drawn, where it has another one or another label.

    What is set here is sent to the browser and takes the place of what a person chose there meanwhile.
    """
    labels: dict[str, object] = st.session_state.setdefault(_LABELS, {})
    if key not in st.session_state or st.session_state[key] != value or labels.get(key) != label:
        st.session_state[key], labels[key] = value, label


def keep_address() -> None:
    """Set the address again where the browser asked for a run before it knew the last change.

    A browser sends its address with each run that it asks for, and Streamlit takes that address. An event
    that arrives while a page is drawn asks for a run with the address of before, which would take the
    change back.
    """
    _known()  # as the browser asked, before it is changed here
    changed: _Change | None = st.session_state.get(_CHANGED)
    run, shown = get_script_run_ctx(), st.query_params.to_dict()
    if changed is None or run is None or shown == changed.after:
        return
    # A person who opens the page again by the menu also asks for a whole run with an address of before.
    is_late = not run.fragment_ids_this_run and time.monotonic() - changed.at > _UNKNOWN_S
    if shown == changed.before and not run.is_history_navigation and not is_late:
        st.query_params.from_dict(changed.after)
    else:
        st.session_state.pop(_CHANGED)


def _known() -> dict[str, str]:
    """Return the address that the browser asked for this run with, whatever was set since."""
    run = get_script_run_ctx()
    this_run = run.cursors if run else None  # another object in each run
    known: _Known | None = st.session_state.get(_BROWSER)
    if known is None or known.run is not this_run:
        known = st.session_state[_BROWSER] = _Known(this_run, st.query_params.to_dict())
    return known.address


def _text(value: str | list[str] | None) -> str:
    return ",".join(value) if isinstance(value, list) else value or ""
