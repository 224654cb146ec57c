"""The address: all state of a page is in it, so that Back and a copied link lead to the same."""

from __future__ import annotations

import streamlit as st


def param(name: str, default: str = "") -> str:
    """Return one parameter of the address."""
    return str(st.query_params.get(name, default))


def several(name: str) -> list[str]:
    """Return a parameter that holds a list."""
    return [part for part in param(name).split(",") if part]


def go(**params: str | list[str] | None) -> None:
    """Set parameters of the address; None or nothing takes one away."""
    for name, value in params.items():
        text = ",".join(value) if isinstance(value, list) else value
        if text:
            st.query_params[name] = text
        elif name in st.query_params:
            del st.query_params[name]
