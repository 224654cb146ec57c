"""Every statement has a file, every file is used, and every file runs on an empty store."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from cases.queries import CaseFilter
from data import queries
from data.migrate import migrate
from data.records import LOG_COLUMNS, SPAN_COLUMNS, empty_logs, empty_spans, to_arrow
from traces.units import SPOKEN

ROOT = Path(__file__).parents[2]
ROOMS = ("access", "audit", "data", "cases", "traces", "collectors", "kpis", "flows", "server", "views")
MADE_BY_NAME = ("units/logs_by_", "units/spans_by_", "server/case_states", "server/retry_states", "kpis/")

TABLES = (
    "unit|log|span|attempt|exception_case|case_occurrence|retry|audit|failure|unit_signal|unit_trace|case_episode"
    "|folded_case|clock|unit_in_period|unit_shape|unit_touch|unit_exception|unit_at_risk|unit_recovered"
    "|episode|case_in_period|step_failure"
)
READS = re.compile(rf'\b(?:from|join|into|update|using)\s+"?(?:{TABLES})\b')
UNSCOPED = (
    # A mapping is applied to earlier records by the system itself, in the writer's transaction.
    "collectors/count_earlier_logs",
    "collectors/logs_of_sources",
    "store/change_logs",
    "store/logs_again",
    "store/logs_before",
    "traces/delete_named_units",
    "traces/doubtful_units",
    "traces/logs_without_ids",
    "traces/unnamed_units",
    # The newest lines of a source are shown only to those who may see everything.
    "collectors/newest_records",
    # A sender asks whether a record is stored by its id, 64 random bits that only who sent it knows.
    "collectors/is_stored",
    # Acts and intake ask for their rows inside the writer's transaction: acts check the scope by the case.
    "cases/case_for_act",
    # Lists of batches are frozen and acted on in the writer; each act checks its own case.
    "cases/batch_samples",
    "cases/batch_scope",
    "cases/cancel_retry",
    "cases/cases_for_act",
    "cases/approvals_by_id",
    "cases/awaiting_ids",
    "cases/awaiting_of_ids",
    "cases/ends_of_ids",
    "cases/live_ids",
    "cases/to_escalate",
    "cases/cases_by_key",
    "cases/cancel_folded_retries",
    "cases/cancel_running_retries",
    "cases/cases_to_prove",
    "cases/close_folded_episodes",
    "cases/delete_folded",
    "cases/delete_occurrences",
    "cases/describe_failures",
    "cases/failures_by_key",
    "cases/failures_of_runs",
    "cases/ids_of_clocks",
    "cases/known_failures",
    "cases/held_by",
    "cases/live_of_group",
    "cases/places_of_group",
    "cases/regroup_cases",
    "cases/insert_cases",
    "cases/insert_episodes",
    "cases/insert_folds",
    "cases/merge_retries",
    "cases/parts_of_flows",
    "cases/successes_of",
    "cases/taken_steps",
    "cases/cases_to_value",
    "cases/tasks_by_key",
    "cases/tasks_known",
    "cases/units_of_cases",
    "cases/insert_occurrences",
    "cases/insert_retry",
    "cases/overdue",
    "cases/retry_by_id",
    "cases/update_cases",
    "cases/update_retry",
    # What arrives is stored and derived for everybody.
    "derive/attempts",
    "derive/bounds_of_units",
    "derive/concluded_of_units",
    "derive/delete_units",
    "derive/held_units",
    "derive/replace_units",
    "derive/logs_of_units",
    "derive/spans_of_units",
    "derive/judged_units",
    "derive/tenants_of_units",
    "derive/units",
    "store/insert_logs",
    "store/insert_spans",
    "store/known_logs",
    "store/known_spans",
    # Joining reads every record of a trace, whatever its scope.
    "traces/any_tenants",
    "traces/clocks",
    "traces/delete_clocks",
    "traces/delete_failures",
    "traces/delete_joined_units",
    "traces/failures_of",
    "traces/insert_clocks",
    "traces/known_units",
    "traces/ids_of_traces",
    "traces/insert_failures",
    "traces/insert_joined_units",
    "traces/insert_signals",
    "traces/insert_unit_traces",
    "traces/logs_of_ids",
    "traces/logs_of_traces",
    "traces/older_traces",
    "traces/open_blocks",
    "traces/signals_of",
    "traces/spans_of_traces",
    "traces/speaking_logs",
    "traces/speaking_spans",
    "traces/tenants_of_ids",
    "traces/own_tenants_of_ids",
    "traces/tenants_of_lines",
    "traces/times_of_ids",
    "traces/units_of",
    "traces/unsettled",
    "traces/untold_failures",
    # Retention removes for everybody, whatever anybody may see; its counts are for admins.
    "derive/keep_units",
    "derive/older_units",
    "retention/ages",
    "retention/ages_of_state",
    "retention/delete_logs",
    "retention/delete_spans",
    "retention/doomed_cases",
    "retention/doomed_logs",
    "retention/doomed_spans",
    "retention/held_traces",
    "retention/hours_of_logs",
    "retention/hours_of_spans",
    "retention/living_traces",
    "retention/sizes",
    "retention/sizes_of_state",
    "retention/stored_deliveries",
    "retention/strip_cases",
    "retention/strip_failures",
    "retention/strip_logs",
    "retention/strip_occurrences",
    "retention/strip_retries",
    "retention/strip_spans",
    # Changes of settings name flows: kpis.markers leaves out those that a scope does not reach.
    "kpis/changes",
    # A week is frozen over everything; how much came meanwhile stays in the writer's transaction.
    "kpis/rests_on",
    "kpis/rests_on_records",
    # What places records of a unit among those of others; nothing of it is shown (cases.placing).
    "units/spans_of_others",
    # How long a source pauses is no record: only lengths of time leave it.
    "collectors/pauses",
    # Only whether the store holds more than some thousand records.
    "units/has_more",
    # A clock belongs to a machine, which is no tenant's; those who see sources see it.
    "server/clocks",
    # More of one case that "cases/case" found within the scope (cases.queries.one).
    "cases/case_acts",
    "cases/case_attempts",
    "cases/case_occurrences",
    "cases/case_retries",
    # The chain is written and proved as a whole.
    # All of the store is compared; what is shown of it is within the scope (server.audit).
    "audit/access_differences",
    "audit/case_differences",
    "audit/insert",
    "audit/page",
    "audit/range",
)

VIEWS = {
    "changed_case": "exception_case",
    "wanted_case": "exception_case",
    "changed_clock": "clock",
    "new_audit": "audit",
    "new_occurrence": "case_occurrence",
    "new_retry": "retry",
    "new_batch": "batch",
    "changed_batch": "batch",
    "finished_item": "batch_item",
    "new_notice": "notice",
    "new_group_claim": "group_claim",
    "new_group_note": "group_note",
    "new_group_merge": "group_merge",
    "changed_root": "group_merge",
    "changed_retry": "retry",
    "incoming_quarantine": "quarantine",
    "new_episode": "case_episode",
    "new_class_label": "class_label",
    "new_fold": "folded_case",
    "announced_step": "worker_step",
    "new_failure": "failure",
    "gone_failure": "failure",
    "described_failure": "failure",
    "new_signal": "unit_signal",
    "joined_unit": "unit_trace",
    "lost_unit": "unit_trace",
    "wanted_trace": "unit_trace",
    "asked_id": "unit",
    "task_case": "exception_case",
    "new_named": "named_lately",
    "new_saved_view": "saved_view",
    "new_rate": "currency_rate",
    "incoming_use": "quota_use",
}


@pytest.fixture(scope="module")
def empty() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    migrate(connection)
    connection.register("incoming_log", to_arrow(empty_logs(), LOG_COLUMNS))
    connection.register("incoming_span", to_arrow(empty_spans(), SPAN_COLUMNS))
    for view, table in VIEWS.items():
        connection.execute(f"create view {view} as select * from {table}")  # noqa: S608 - names of ours
    connection.execute("create or replace view joined_unit as select * from unit_trace")
    connection.execute(
        "create or replace view wanted_case as select *, true as takes_untold from exception_case"
    )
    connection.execute("create view incoming_watched as select *, 0 as lead from watched_field")
    connection.execute("create view speaking as select record_id from log")
    connection.execute("create view changed_log as select * from log")
    connection.execute("create view log_before as select * from log")
    connection.execute("create view doubtful_unit as select * from unit_trace")
    connection.execute("create view unnamed_unit as select * from unit_trace")
    connection.execute("create view wanted_origin as select service as origin from log")
    connection.execute("create view wanted_id as select correlation_id as id from log")
    connection.execute("create view kept_unit as select * from unit")
    connection.execute("create view held_unit as select rowid as place, * from unit")
    connection.execute(
        "create view board_unit as select true as in_one_flow, * exclude (key)"
        " from unit_of_periods([now()::timestamp], [now()::timestamp], null, null, null)"
    )
    connection.execute("create view living_trace as select key from removed_trace")
    connection.execute("create view held_trace as select trace_id from unit_trace")
    connection.execute("create view empty_delivery as select ingested_at from named_at")
    connection.execute(
        "create view doomed as select 1::ubigint as record_id, 1::ubigint as key, id, correlation_id, flow,"
        " step, tenant from exception_case"
    )
    connection.register("spoken", SPOKEN.empty_table())
    return connection


@pytest.mark.parametrize("name", queries.names())
def test_every_statement_runs_on_an_empty_store(empty: duckdb.DuckDBPyConnection, name: str) -> None:
    sql = queries.text(name)
    params = {p: _value(p) for p in re.findall(r"\$([a-z_]+)", sql)}
    for scope in (None, [], ["acme\x1f*", "*\x1forders", "acme\x1forders"]):
        empty.begin()
        try:
            empty.execute(sql, {**params, "scope": scope} if "scope" in params else params)
        finally:
            empty.rollback()


@pytest.mark.parametrize("name", queries.names())
def test_every_statement_that_reads_telemetry_or_cases_reads_within_a_scope(name: str) -> None:
    sql = "\n".join(line.split("--")[0] for line in queries.text(name).splitlines())
    if READS.search(sql):
        assert queries.takes_scope(name) != (name in UNSCOPED)


def test_what_reads_without_a_scope_is_still_there() -> None:
    assert [name for name in UNSCOPED if name not in queries.names()] == []


def _value(name: str) -> object:
    known = {
        "limit": 5,
        "after": 0,
        "seq": 1,
        "offset": 0,
        "expected_leases": 0,
        "status": 200,
        "byte_offset": 0,
        "conditions": "[]",
    }
    known |= {"path": "p", "identity": "i", "buckets": 7, "zone": "UTC", "grain": "day"}
    known |= {"name": "n", "kind": "jsonl", "records": 0, "duplicates": 0, "quarantined": 0, "latest": 0}
    known |= dict.fromkeys(("key", "actor", "request_hash", "body", "hash", "secret_hash", "code_hash"), "x")
    known |= dict.fromkeys(("id", "case_id", "holder", "role", "person", "state", "method", "by"), "x")
    known |= dict.fromkeys(("source", "digest", "stamp", "value"), "x") | {"size": 0, "rejected": 0}
    known |= dict.fromkeys(("week", "kpi", "frozen_at", "content", "salt", "prev_hash"), "x") | {"v": 2}
    known |= {"of_flow": "x", "to_target": "x", "file": "x", "attempt": 1}
    known |= {"section": "x", "removed": False, "owner": "x"}
    known |= {"text": "x", "act": "saved", "author": "x", "version": 1, "revision": 1}
    known |= {"sources": ["s"], "total": 0, "after_record": 1, "changed": 0, "taken": 0, "error": None}
    known |= {"run": "r", "class": "logs", "policy": "p", "mark": "m", "more": 0, "bytes": 0, "reason": "x"}
    known |= {"ids": [], "flows": [], "ended": [], "stripping": False}
    moments = (
        "now",
        "before",
        "started",
        "since",
        "announced",
        "gaps_since",
        "low",
        "high",
        "start",
        "end",
        "as_of",
        "expires_at",
        "idle_since",
        "happened_at",
    )
    known |= {"untaken": 900, "rules": "{}"} | CaseFilter().params()
    known |= dict.fromkeys(moments, "2026-11-22 00:00:00")
    return known.get(name)


@pytest.mark.parametrize("name", queries.names())
def test_every_statement_is_used(name: str) -> None:
    if name.startswith(MADE_BY_NAME):
        return
    sources = [path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert any(f'"{name}"' in source for source in sources)


@pytest.mark.parametrize("name", queries.names())
def test_every_statement_states_its_grain(name: str) -> None:
    assert queries.header(name)
    assert "$" not in queries.header(name)


def test_an_unknown_statement_is_named() -> None:
    with pytest.raises(KeyError, match="cases/nothing"):
        queries.text("cases/nothing")


def test_the_end_of_a_page_stands_where_its_line_does() -> None:
    ends = queries.with_fields("select 1 as place\n    {page}\n)\n").splitlines()
    assert (ends[1], ends[-2], ends[-1]) == ("    qualify", "    offset $offset", ")")
    assert queries.takes("units/logs_by_trace", "behind") is False
    assert queries.takes("kpis/rows_units", "behind")
