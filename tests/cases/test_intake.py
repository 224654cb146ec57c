"""Error records open cases and success signals end them, in any order of arrival."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.intake import intake, prepare
from data.store import Store
from data.transaction import Tx
from tests import shown
from tests.telemetry import batch, failure, log, success
from traces.joining import RECENT

if TYPE_CHECKING:
    from pathlib import Path


def all_cases(store: Store) -> list[dict[str, Any]]:
    return shown.cases(store)


def only_case(store: Store) -> dict[str, Any]:
    (case,) = all_cases(store)
    return case


def verbs(store: Store, case: dict[str, Any]) -> list[str]:
    return [act["verb"] for act in shown.case(store, case["id"])["acts"]]


def append(store: Store, *records: dict[str, Any]) -> None:
    store.append(batch(*records)).result()


def test_an_error_record_opens_a_case_that_says_what_an_operator_asks(store: Store) -> None:
    append(
        store,
        log(
            0,
            "unit.started",
            flow="order-to-cash",
            correlation_id="SO-1",
            tenant="acme",
            value_amount=Decimal("129.90"),
            value_currency="EUR",
        ),
        failure(5, idempotent=True, data='{"order": "SO-1"}', stacktrace="Traceback", attempt=3),
    )
    case = only_case(store)
    assert {k: case[k] for k in ("state", "class", "flow", "step", "correlation_id", "tenant", "title")} == {
        "state": "open",
        "class": "infrastructure",
        "flow": "order-to-cash",
        "step": "pay",
        "correlation_id": "SO-1",
        "tenant": "acme",
        "title": "Payment gateway did not answer within 10 s",
    }
    assert case["value"] == {"amount": Decimal("129.90"), "currency": "EUR"}
    detail = shown.case(store, case["id"])
    assert detail["data"] == {"order": "SO-1"}
    assert detail["replay_safe"] is True
    assert detail["attempts_made"] == 3
    assert len(detail["idempotency_key"]) == 32


def test_the_value_at_risk_that_the_error_names_wins_over_the_units(store: Store) -> None:
    attributes = '{"unsnag.error.value_at_risk": "70.5"}'
    append(store, failure(5, value_amount=Decimal(100), value_currency="EUR", attributes=attributes))
    assert only_case(store)["value"]["amount"] == Decimal("70.5")


@pytest.mark.parametrize(("number", "severity"), [(17, "medium"), (20, "medium"), (21, "critical")])
def test_a_fatal_record_opens_a_critical_case(store: Store, number: int, severity: str) -> None:
    append(store, failure(5, severity_number=number))
    assert only_case(store)["severity"] == severity


def test_more_of_the_same_adds_occurrences_never_a_second_case(store: Store) -> None:
    append(store, failure(1), failure(11))
    append(store, failure(21, exception_message="refused"))
    case = only_case(store)
    assert case["occurrences"] == 3
    assert case["message"] == "refused"
    assert len(shown.case(store, case["id"])["occurrence_list"]) == 3


def test_the_same_error_sent_twice_within_five_seconds_is_one_occurrence(store: Store) -> None:
    append(store, failure(1))
    append(store, failure(5))
    assert only_case(store)["occurrences"] == 1


def test_another_step_or_unit_is_another_case(store: Store) -> None:
    append(store, failure(1), failure(2, step="stock"), failure(3, unit="SO-2"))
    assert len(all_cases(store)) == 3


def test_a_warning_opens_nothing(store: Store) -> None:
    append(store, failure(1, severity_number=13, severity="warning", outcome=None))
    assert all_cases(store) == []


def test_an_error_without_any_id_is_grouped_by_its_cause(store: Store) -> None:
    append(store, failure(1, correlation_id=None, flow=None), failure(12, correlation_id=None, flow=None))
    case = only_case(store)
    assert case["occurrences"] == 2
    assert case["correlation_id"] == case["fingerprint"]
    assert case["flow"] == "test"


def test_the_units_own_success_recovers_an_open_case_by_itself(store: Store) -> None:
    append(store, failure(5))
    append(store, success(9))
    case = only_case(store)
    assert (case["state"], case["recovered_by"]) == ("recovered", "automatic")
    assert verbs(store, case) == ["opened", "recovered"]


def test_a_success_before_the_failure_proves_nothing(store: Store) -> None:
    append(store, success(4))
    append(store, failure(5))
    assert only_case(store)["state"] == "open"


def test_the_success_of_another_unit_or_flow_proves_nothing(store: Store) -> None:
    append(store, failure(5))
    append(store, success(9, unit="SO-2"))
    append(store, {**success(9), "flow": "other", "record_id": 1, "span_id": "ab"})
    assert only_case(store)["state"] == "open"


def test_a_failure_after_the_recovery_brings_the_same_case_back(store: Store) -> None:
    append(store, failure(5), success(9))
    append(store, failure(20))
    case = only_case(store)
    assert (case["state"], case["occurrences"], case["verified_at"]) == ("open", 2, None)


def test_a_late_record_of_an_old_failure_does_not_bring_it_back(store: Store) -> None:
    append(store, failure(5), success(29))
    append(store, failure(17))
    case = only_case(store)
    assert (case["state"], case["occurrences"]) == ("recovered", 2)


EVENTS = [
    failure(1),
    failure(14),
    success(16),
    failure(18, unit="SO-2"),
    failure(29),
    success(42),
    failure(2, step="stock"),
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_split_and_repetition_gives_the_same_cases(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(EVENTS + data.draw(st.lists(st.sampled_from(EVENTS), max_size=3))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=4)))
    store = Store.open(tmp_path_factory.mktemp("any"), intake)
    try:
        for low, high in zip([0, *cuts], [*cuts, len(order)], strict=True):
            append(store, *order[low:high])
        seen = {
            (c["correlation_id"], c["step"]): (
                c["state"],
                c["occurrences"],
                c["first_seen"].second,
                c["last_seen"].second,
            )
            for c in all_cases(store)
        }
    finally:
        store.close()
    assert seen == {
        ("SO-1", "pay"): ("recovered", 3, 1, 29),
        ("SO-1", "stock"): ("recovered", 1, 2, 2),
        ("SO-2", "pay"): ("open", 1, 18, 18),
    }


def test_the_first_commit_after_a_start_does_not_count_its_own_records_as_older(tmp_path: Path) -> None:
    first = Store.open(tmp_path, intake)
    append(first, success(0, "SO-1") | {"trace_id": "a" * 32})
    first.close()
    for prepared in (False, True):
        store = Store.open(tmp_path, intake)
        if prepared:
            store.act(prepare).result()
        trace = ("c" if prepared else "b") * 32
        append(store, success(5, "SO-2") | {"trace_id": trace, "record_id": 7 + prepared})
        assert store.remembered(RECENT).is_older(["a" * 32, trace]) == {"a" * 32}
        store.close()


def test_a_commit_of_new_ids_reads_no_case_and_no_unit_that_is_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(store, failure(0, "SO-1"), success(1, "SO-2"))
    looks = {"cases/cases_by_key", "cases/failures_by_key", "cases/successes_of", "derive/judged_units"}
    ran: dict[str, Any] = {}
    run = Tx.run

    def noted(tx: Tx, name: str, params: Any = None, **how: Any) -> list[Any]:
        ran[name] = params
        return run(tx, name, params, **how)

    monkeypatch.setattr(Tx, "run", noted)
    append(store, failure(10, "SO-3"))
    assert "cases/insert_cases" in ran
    assert not looks & ran.keys()
    assert "derive/units" in ran
    assert "derive/replace_units" not in ran
    append(store, failure(20, "SO-1"))
    assert looks <= ran.keys()
    assert "derive/replace_units" in ran
