"""The key of each table: what no two rows of it may have in common.

DuckDB keeps few of them by itself: a primary key costs four times the time of an insert, and its memory. The
one writer keeps them, and this is what it must have kept. A store of another engine would have them as
constraints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from data.store import Store

_UNIT: Final = ("tenant", "correlation_id", "flow")

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "access_grant": ("holder", "role", "tenant", "flow"),
    "access_link": ("code_hash",),
    "access_session": ("id",),
    "attempt": ("record_id", "correlation_id", "flow"),
    "audit": ("seq",),
    "audit_head": (),
    "batch": ("id",),
    "batch_item": ("batch_id", "case_id"),
    "case_episode": ("case_id", "episode", "change", "time", "recorded_at"),
    "case_occurrence": ("case_id", "record_id"),
    "change_marker": ("id",),
    "class_label": ("case_id", "time"),
    "clock": ("clock", "host", "source"),
    "commit_mark": (),
    "currency_rate": ("currency", "against", "valid_from"),
    "digest_delivery": ("week", "target", "attempt"),
    "exception_case": ("id",),
    "failure": ("trace_id", "record_id", "correlation_id"),
    "file_offset": ("path",),
    "flow_settings": ("flow", "version"),
    "folded_case": ("id",),
    "frozen_week": ("seq",),
    "group_claim": ("id",),
    "group_merge": ("id",),
    "group_note": ("fingerprint", "version"),
    "idempotent_write": ("key", "actor"),
    "kpi_baseline": ("flow", "set_at"),
    "kpi_objective": ("kpi", "flow", "set_at"),
    "kpi_target": ("kpi", "flow", "set_at"),
    "legal_hold": ("id",),
    "log": ("record_id",),
    "made_macro": ("file",),
    "mapping_job": ("id",),
    "mapping_use": ("name", "revision"),
    "mapping_version": ("name", "version"),
    "named_at": ("key", "ingested_at"),
    "named_lately": ("key", "ingested_at"),
    "notice": ("id",),
    "person": ("name",),
    "quarantine": ("id",),
    "quota_use": ("day", "kind", "name"),
    "removal": ("run", "class"),
    "removed_trace": ("key",),
    "reporting_currency": ("set_at",),
    "retry": ("id",),
    "saved_view": ("id",),
    "schema_migration": ("version",),
    "service_rule": ("chosen_at",),
    "service_token": ("id",),
    "source": ("name",),
    "source_cursor": ("source",),
    "source_item": ("source", "name", "taken_at"),
    "span": ("record_id",),
    "unit": _UNIT,
    "unit_signal": ("trace_id", "record_id", "correlation_id", "flow", "outcome", "change", "recorded_at"),
    "unit_trace": (*_UNIT, "trace_id", "joined", "first_seen", "last_seen"),
    "watched_field": ("source", "part", "kind", "field"),
    "week_action": ("id", "version"),
    "week_comment": ("week", "kpi", "time"),
    "week_entry": ("id", "version"),
    "week_note": ("week", "section", "time"),
    "worker_gap": ("worker", "flow", "step", "began_at"),
    "worker_step": ("worker", "flow", "step", "scope"),
}
"""Columns by table; none: the table has one row at most."""


def repeated(store: Store) -> dict[str, int]:
    """Return how many rows too many each table has, for tables in which a key occurs more than once."""
    asked = [
        f"select '{table}' as name, count(*) - count(distinct row({', '.join(key) or '0'})) as n from {table}"  # noqa: S608 - names of this file
        for table, key in KEYS.items()
    ]
    rows = store.act(lambda tx: tx.execute(" union all ".join(asked))).result()
    return {row["name"]: row["n"] for row in rows if row["n"]}
