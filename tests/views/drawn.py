"""What the queue's components were given to draw: an AppTest has no browser, so it sees their data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


def data_of(app: AppTest, component: str) -> dict[str, Any]:
    """Return what the only component of a name draws."""
    named = [part.proto for part in app.get("bidi_component") if component in part.proto.component_name]
    (proto,) = named
    found: dict[str, Any] = json.loads(proto.json)
    return found


def tabs_of(app: AppTest) -> list[str]:
    """Return the tabs of the queue, each with its count: `Open 2`."""
    data = data_of(app, "queue_tabs")
    return [f"{label} {data['counts'][name]}" for name, label in data["tabs"]]


def note_of(app: AppTest) -> str:
    """Return which rows are shown of how many: `1–3 of 3`."""
    data = data_of(app, "queue_note")
    return f"{data['first'] + 1}–{data['first'] + data['rows']} of {data['total']}"
