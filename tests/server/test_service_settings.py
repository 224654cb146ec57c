"""The sections [service_levels] and [calendar]: what they say, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cases import service_rules
from cases.business_hours import Calendar
from cases.escalation import OwnerRule, Step, Team
from cases.levels import Promise
from data.clock import stored
from server.settings import Settings, SettingsError, load
from tests.app import app, local
from tests.shown import cases
from tests.telemetry import at, batch, failure

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
zone = "Europe/Berlin"
[calendar]
days = ["mon", "sat"]
opens = 08:30:00
closes = "24:00"
holidays = ["2026-12-25", 2026-12-26]
[service_levels.severity.high]
triage_minutes = 15
[service_levels.class.data.any]
hours = "business"
[service_levels.flows.billing.severity.high]
triage_minutes = 5
resolve_minutes = 20
[service_levels.flows."order-to-cash".class.business.low]
resolve_minutes = 600
"""


def written(folder: Path, text: str) -> Settings:
    config = folder / "unsnag.toml"
    config.write_text(text)
    return load(["--config", str(config)], {})


def test_levels_and_calendar_are_read(tmp_path: Path) -> None:
    levels = written(tmp_path, WHOLE).rules().levels
    minute = timedelta(minutes=1)
    assert levels.of("x", "unknown", "high") == Promise(15 * minute, 120 * minute, business_hours=False)
    assert levels.of("billing", "data", "high") == Promise(5 * minute, 20 * minute, business_hours=True)
    assert levels.of("order-to-cash", "business", "low").resolve == 600 * minute
    calendar = levels.calendar
    assert (calendar.zone, calendar.days, len(calendar.holidays)) == ("Europe/Berlin", ("mon", "sat"), 2)
    day = calendar.between(stored(at(0)), stored(at(86_400)))
    assert day == timedelta(hours=14), "from 10:00 in Berlin to midnight; Tuesday is no working day"


def test_empty_settings_are_the_built_in_rules(tmp_path: Path) -> None:
    assert written(tmp_path, "").rules() == service_rules.ServiceRules()
    assert Calendar() == service_rules.ServiceRules().levels.calendar


def test_teams_ownership_and_steps_are_read(tmp_path: Path) -> None:
    text = """
[teams.Finance]
contact = "mailto:finance@example.com"
people = ["ann"]
[[ownership]]
team = "Finance"
flow = "billing"
class = "business"
[[escalation]]
to = "owner"
[[escalation]]
after_minutes = 90
to = "person:lea"
flow = "billing"
"""
    found = written(tmp_path, text).rules().escalation
    assert found.teams == {"Finance": Team("mailto:finance@example.com", ("ann",))}
    assert found.owners == (OwnerRule("Finance", flow="billing", error_class="business"),)
    assert found.steps_of("billing") == [Step(timedelta(minutes=90), "person", "lea", "billing")]
    assert found.steps_of("orders") == [Step(timedelta(0), "owner")]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[service_levels.severity.urgent]\ntriage_minutes = 1", "service_levels.severity.urgent"),
        ("[service_levels.severity.high]\ntriage_minutes = 0", "triage_minutes"),
        ("[service_levels.severity.high]\ntriage = 5", "service_levels.severity.high.triage"),
        ("[service_levels.severity.high]\nhours = 'office'", "hours"),
        ("[service_levels.severity.any]\ntriage_minutes = 999", "must not take longer"),
        ("[service_levels.flows.billing.severity.high]\nresolve_minutes = 20", "the flow 'billing'"),
        ("[service_levels.class.approval.any]\ntriage_minutes = 5", "nobody takes up an approval"),
        ("[service_levels.class.approvals.any]\nresolve_minutes = 5", "service_levels.class.approvals"),
        ("[[ownership]]\nteam = 'Nobody'", "no team 'Nobody'"),
        ("[[escalation]]\nto = 'team:Nobody'", "no team 'Nobody'"),
        ("[[escalation]]\nto = 'everybody'", "escalation.0.to"),
        ("[teams.X]\ncontact = 'javascript:alert(1)'", "is no link"),
        ("[calendar]\ndays = []", "calendar.days"),
        ("[calendar]\nzone = 'Mars/Olympus'", "no time zone 'Mars/Olympus'"),
        ("[calendar]\nopens = 22:00:00\ncloses = 06:00:00", "22:00 to 06:00"),
        ("[calendar]\nholidays = ['Christmas']", "calendar.holidays"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError) as error:
        written(tmp_path, text)
    assert named in str(error.value)


def test_other_settings_at_a_start_change_the_due_times_of_live_exceptions(tmp_path: Path) -> None:
    with app(local(tmp_path)) as before:
        before.store.append(batch(failure(0))).result()
    config = tmp_path / "unsnag.toml"
    config.write_text("[service_levels.severity.medium]\ntriage_minutes = 3\nresolve_minutes = 4")
    with app(local(tmp_path, UNSNAG_CONFIG=str(config))) as after:
        (case,) = cases(after.store)
    assert (case["triage_due_at"], case["due_at"]) == (at(180), at(240))


def test_the_answer_of_an_approval_is_due_by_its_own_class(tmp_path: Path) -> None:
    text = """
[service_levels.severity.medium]
resolve_minutes = 600
[service_levels.class.approval.any]
resolve_minutes = 240
[service_levels.flows.billing.class.approval.medium]
resolve_minutes = 30
"""
    levels = written(tmp_path, text).rules().levels
    assert levels.of("orders", "approval", "medium").resolve == timedelta(minutes=240)
    assert levels.of("billing", "approval", "medium").resolve == timedelta(minutes=30)
    assert levels.of("orders", "business", "medium").resolve == timedelta(minutes=600)
