"""What a mapping makes of the sample: each record, and what was not understood."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from collectors.trial import trial
from data import formats
from unsnag.fields import MAPPED
from unsnag.masking import mask_text
from views.kit.markdown import escape

if TYPE_CHECKING:
    from collectors.latest import Lines
    from collectors.sections import MappingSettings
    from collectors.trial import Trial, TrialRecord

_COLUMNS: Final = {field.name: field.label or field.name for field in MAPPED} | {
    "correlation_id": "ID",
    "flow": "Flow",
    "step": "Step",
    "run_id": "Run",
    "value_amount": "Value",
    "value_currency": "Currency",
    "map_index": "Task",
    "map_total": "Tasks",
}
_RARE: Final = ("Exception", "Outcome", "Also names")
"""Columns that are hidden while they are empty."""
_HEIGHT: Final = 380


def result(sample: Lines, settings: MappingSettings | None, zone: str) -> None:
    """Draw what the mapping makes of the lines."""
    found = trial(sample.lines, settings, path=sample.path)
    st.markdown(_summary(found))
    columns = [
        name
        for name in _COLUMNS
        if name in found.filled or any(name in record.fields for record in found.records)
    ]
    if found.records:
        rows = [_row(record, columns, zone) for record in found.records]
        silent = {name for name in _RARE if not any(row[name] for row in rows)}
        rows = [{name: text for name, text in row.items() if name not in silent} for row in rows]
        st.dataframe(rows, hide_index=True, width="stretch", height=min(_HEIGHT, 38 + 35 * len(rows)))
    for one in found.unread[:3]:
        st.caption(f":red[Line {one.line} cannot be read]: {escape(one.reason)}")
        st.code(mask_text(one.text), language=None, wrap_lines=True)
    if found.left_over:
        names = ", ".join(f"{escape(name)} ({count})" for name, count in list(found.left_over.items())[:30])
        st.caption(f"Kept as attributes, no column takes them: {names}")


def _summary(found: Trial) -> str:
    total = len(found.records)
    named = sum("correlation_id" in record.fields for record in found.records)
    filled = {"correlation_id": named, **found.filled}
    parts = [_share(_COLUMNS[name], count, total) for name, count in filled.items()]
    parts.append(_share("Time", total - found.without_time, total))
    parts.append(_severities(found))
    if found.dropped:
        parts.append(f"{formats.count(found.dropped, 'record')} left out")
    if found.unread:
        parts.append(f":red[{formats.count(len(found.unread), 'line')} not readable]")
    return " · ".join(filter(None, parts))


def _share(name: str, count: int, total: int) -> str:
    colour = "green" if count == total else "orange" if count else "red"
    return f"**{name}** :{colour}[in {count} of {total}]"


def _severities(found: Trial) -> str:
    counted: dict[str, int] = {}
    for record in found.records:
        counted[record.severity] = counted.get(record.severity, 0) + 1
    return ", ".join(f"{count} {name}" for name, count in counted.items())


def _row(record: TrialRecord, columns: list[str], zone: str) -> dict[str, Any]:
    values = {_COLUMNS[name]: _text(record.fields.get(name)) for name in columns}
    first = record.message.split("\n", 1)[0]
    return {
        "Line": record.line,
        **values,
        "Severity": record.severity,
        "Message": first,
        "Time": formats.clock(record.time, zone),
        "Exception": record.error_type or "",
        "Outcome": record.outcome or "",
        "Also names": ", ".join(record.mentions),
    }


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return "–" if value is None else str(value)
