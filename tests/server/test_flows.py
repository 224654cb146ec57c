"""Settings of flows over REST and on the disk: versions, conflicts, broken files, targets, scope."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from data.store import Reading
from flows import proposal, seen
from kpis import targets
from tests.app import app
from tests.telemetry import batch, failure, span, success

if TYPE_CHECKING:
    import httpx

    from server.container import Container

FIRST = "flow: order-to-cash\nowner: ann\ncriticality: high\ntargets: {K1: 95}\n"
BROKEN = "flow: order-to-cash\nowner: ann\nowner: bob\n"


def put(
    http: httpx.Client, text: str, expected: int, flow: str = "order-to-cash", **more: Any
) -> httpx.Response:
    return http.put(
        f"/api/v1/flows/{flow}/settings",
        json={"text": text, "expected": expected, "note": more.get("note")},
        headers={"Idempotency-Key": more.get("key") or uuid.uuid4().hex},
    )


def watch(container: Container) -> Path:
    """Begin to look at the folder, without the thread; return the folder."""
    container.flow_files._ctx = container.as_system()
    container.flow_files.look()
    return container.flow_files.folder


def look(container: Container) -> None:
    """Look until a file that changed is the same in two looks."""
    container.flow_files.look()
    container.flow_files.look()


def test_a_person_saves_and_the_file_is_written(http: httpx.Client, container: Container) -> None:
    folder = watch(container)
    assert http.get("/api/v1/flows").json() == {"total": 0, "items": [], "next": None}
    answer = put(http, FIRST, 0, note="a beginning")
    assert answer.json() == {"flow": "order-to-cash", "version": 1, "file": "order-to-cash.yaml"}
    assert (folder / "order-to-cash.yaml").read_text() == FIRST
    look(container)  # what the server wrote itself is no change
    changed = FIRST.replace("ann", "bob")
    assert put(http, changed, 1).json()["version"] == 2
    found = http.get("/api/v1/flows/order-to-cash/settings/versions").json()["items"]
    assert [(one["version"], one["text"], one["note"]) for one in found] == [
        (2, changed, None), (1, FIRST, "a beginning"),
    ]  # fmt: skip
    now = http.get("/api/v1/flows/order-to-cash/settings").json()
    assert (now["version"], now["text"], now["file"]) == (2, changed, "order-to-cash.yaml")
    detail = http.get("/api/v1/flows/order-to-cash").json()
    assert (detail["owner"], detail["criticality"], detail["state"]) == ("bob", "high", "valid")
    assert detail["settings"]["targets"]["K1"] == {"target": 95.0, "owner": None}
    assert http.get("/api/v1/flows").json()["items"][0]["version"] == 2


def test_two_editors_do_not_overwrite_each_other(http: httpx.Client, container: Container) -> None:
    assert put(http, FIRST, 0, key="once").status_code == 200
    assert put(http, FIRST, 0, key="once").json()["version"] == 1
    late = put(http, FIRST.replace("ann", "bob"), 0)
    assert late.status_code == 409
    assert "changed the settings of order-to-cash meanwhile" in late.json()["detail"]
    assert container.flows.settings["order-to-cash"].owner == "ann"
    assert put(http, "flow: returns", 3, "returns").status_code == 409
    assert not (container.flow_files.folder / "returns.yaml").exists()


def test_a_text_with_faults_is_refused_line_by_line(http: httpx.Client, container: Container) -> None:
    answer = put(http, BROKEN, 0)
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert (fault["line"], fault["advice"]) == (3, "Remove one.")
    assert put(http, "flow: returns", 0).json()["faults"][0]["line"] == 1
    assert put(http, "flow: order-to-cash\n" + "#" * 299_000, 0).status_code == 422
    assert container.flows.settings == {}
    found = http.post("/api/v1/flows/lint", json={"text": BROKEN}).json()
    assert (found["flow"], found["faults"][0]["line"], found["notes"]) == (None, 3, [])
    found = http.post("/api/v1/flows/lint", json={"text": FIRST + "reporting_currency: EUR\n"}).json()
    assert (found["flow"], found["faults"][0]["line"]) == (None, 5)


def test_targets_of_a_file_are_those_of_its_flow(http: httpx.Client, container: Container) -> None:
    reading = container.store.everything()
    put(http, FIRST, 0)
    assert targets.aims(reading, "order-to-cash")["K1"] == targets.Aim(95, None)
    assert targets.aims(reading, None) == {}
    kept = {
        one["id"]: one for one in http.get("/api/v1/kpis", params={"flow": "order-to-cash"}).json()["items"]
    }
    assert kept["K1"]["target"] == 95
    put(http, "flow: order-to-cash\ntargets: {K3: {target: 60, owner: bob}}\n", 1)
    found = targets.aims(reading, "order-to-cash")
    assert (found["K1"], found["K3"]) == (targets.Aim(), targets.Aim(60, "bob"))


def test_a_file_that_changes_on_the_disk_becomes_a_version(http: httpx.Client, container: Container) -> None:
    folder = watch(container)
    (folder / "mine.yaml").write_text(FIRST)
    container.flow_files.look()
    assert container.flows.settings == {}  # it may be half written
    container.flow_files.look()
    assert container.flows.settings["order-to-cash"].owner == "ann"
    (found,) = http.get("/api/v1/flows/order-to-cash/settings/versions").json()["items"]
    assert (found["author"], found["version"], found["file"]) == ("file", 1, "mine.yaml")
    assert targets.aims(container.store.everything(), "order-to-cash")["K1"].target == 95

    # A page saves into the same file; a file that is removed takes the settings away.
    put(http, FIRST.replace("ann", "bob"), 1)
    assert "bob" in (folder / "mine.yaml").read_text()
    look(container)
    (folder / "mine.yaml").unlink()
    container.flow_files.look()
    assert container.flows.settings  # it may be written again
    container.flow_files.look()
    assert container.flows.settings == {}
    assert http.get("/api/v1/flows/order-to-cash").status_code == 404
    audited = http.get("/api/v1/audit", params={"kind": "effect"}).json()["items"]
    verbs = [one["verb"] for one in audited if one["subject"] == "flow:order-to-cash"]
    assert verbs == ["flow settings removed", "flow settings saved", "flow settings saved"]
    assert http.get("/api/v1/audit/verdict").json()["intact"]


def test_a_broken_file_is_named_and_the_last_good_version_counts(
    http: httpx.Client, container: Container
) -> None:
    folder = watch(container)
    put(http, FIRST, 0)
    look(container)
    (folder / "order-to-cash.yaml").write_text(BROKEN)
    (folder / "large.yaml").write_text("#" * 5_000_000)
    (folder / "notes.txt").write_text("no settings")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad-\xff.yaml")).write_text("flow: bad")
    look(container)
    assert container.flows.settings["order-to-cash"].owner == "ann"
    assert set(container.flows.refused) == {"order-to-cash.yaml", "large.yaml"}
    (warning, _) = sorted(container.warnings(), reverse=True)
    assert warning.startswith("The flow settings in order-to-cash.yaml are refused. Line 3: The key owner is")
    detail = http.get("/api/v1/flows/order-to-cash").json()
    assert (detail["state"], detail["faults"][0]["line"], detail["version"]) == ("refused", 3, 1)
    (folder / "order-to-cash.yaml").write_text(FIRST.replace("ann", "eve"))
    (folder / "large.yaml").unlink()
    look(container)
    assert container.flows.refused == {}
    assert container.flows.settings["order-to-cash"].owner == "eve"


def test_a_file_that_breaks_or_goes_right_after_it_was_saved_is_noticed(
    http: httpx.Client, container: Container
) -> None:
    folder = watch(container)
    put(http, FIRST, 0)
    (folder / "order-to-cash.yaml").write_text(BROKEN)
    look(container)
    assert container.flows.refused_flows == {"order-to-cash": "order-to-cash.yaml"}
    put(http, FIRST, 1)
    (folder / "order-to-cash.yaml").unlink()
    look(container)
    assert container.flows.settings == {}
    assert container.flows.refused == {}


def test_a_second_file_of_a_flow_is_refused(container: Container) -> None:
    folder = watch(container)
    (folder / "a.yaml").write_text(FIRST)
    (folder / "b.yaml").write_text(FIRST.replace("ann", "bob"))
    look(container)
    assert container.flows.settings["order-to-cash"].owner == "ann"
    assert "stand in a.yaml already" in str(container.flows.refused["b.yaml"][0])


def test_a_restart_reads_every_file_and_writes_missing_ones_again(
    container: Container,
) -> None:
    settings = container.settings
    folder = watch(container)
    (folder / "a.yaml").write_text(FIRST)
    (folder / "b.yaml").write_text("flow: returns\nowner: bob\n")
    look(container)
    container.close()
    (folder / "a.yaml").unlink()
    (folder / "b.yaml").write_text("flow: returns\nowner: [\n")
    (folder / "c.yaml").write_text("flow: third\nowner: cleo\n")
    with app(settings) as again:
        watch(again)
        assert (folder / "a.yaml").read_text() == FIRST
        owners = {flow: one.owner for flow, one in again.flows.settings.items()}
        assert owners == {"order-to-cash": "ann", "returns": "bob", "third": "cleo"}
        assert set(again.flows.refused) == {"b.yaml"}
        assert again.flows.refused_flows == {"returns": "b.yaml"}


def test_a_folder_that_cannot_be_read_is_a_warning_and_takes_nothing_away(container: Container) -> None:
    folder = watch(container)
    (folder / "a.yaml").write_text(FIRST)
    look(container)
    folder.rename(folder.with_name("elsewhere"))
    look(container)
    assert container.flows.settings["order-to-cash"].owner == "ann"
    assert any("folder of flow settings cannot be read" in one for one in container.warnings())
    folder.with_name("elsewhere").rename(folder)
    look(container)
    assert container.warnings() == []


def test_a_file_that_cannot_be_written_saves_nothing(http: httpx.Client, container: Container) -> None:
    folder = container.flow_files.folder
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("this is a file, not a folder")
    answer = put(http, FIRST, 0)
    assert answer.status_code == 503
    assert "Nothing was saved" in answer.json()["detail"]
    assert container.flows.versions == {}
    assert http.get("/api/v1/audit/verdict").json()["intact"]


def test_the_service_levels_of_a_flow_move_its_exceptions(http: httpx.Client, container: Container) -> None:
    container.store.append(batch(failure(1), failure(2, "RT-1", flow="returns"))).result()
    before = due_minutes(http)
    put(http, "flow: order-to-cash\nservice_levels: [{triage: 3 min, resolve: 7 min}]", 0)
    container.use_service_rules()
    assert due_minutes(http) == before | {"SO-1": (3, 7)}
    put(http, "flow: order-to-cash\nservice_levels: [{class: business, resolve: 1 h}]", 1)
    container.use_service_rules()
    assert due_minutes(http) == before, "the failure is of another class"
    assert http.get("/api/v1/audit/verdict").json()["intact"]


def due_minutes(http: httpx.Client) -> dict[str, tuple[float, float]]:
    """Return after how many minutes triage and the end of each exception are due."""
    found = {}
    for case in http.get("/api/v1/cases").json()["items"]:
        start, triage, end = (
            datetime.fromisoformat(case[name]) for name in ("first_seen", "triage_due_at", "due_at")
        )
        found[case["correlation_id"]] = tuple((one - start).total_seconds() / 60 for one in (triage, end))
    return found


def test_flows_of_telemetry_are_listed_with_what_hurts(http: httpx.Client, container: Container) -> None:
    container.store.append(batch(failure(1, value_amount=None), success(30, "SO-2"))).result()
    container.store.append(batch(failure(5, "R-1", flow="returns"))).result()
    put(http, "flow: returns\nowner: eve\ncriticality: critical\n", 0, "returns")
    found = http.get("/api/v1/flows").json()["items"]
    assert [(one["name"], one["state"], one["owner"], one["open_exceptions"]) for one in found] == [
        ("returns", "valid", "eve", 1), ("order-to-cash", "none", None, 1),
    ]  # fmt: skip
    assert found[1]["units"] == 2
    assert found[1]["last_at"] == "2026-11-16T09:00:30.000000Z"
    assert http.get("/api/v1/flows/nobody").status_code == 404


def test_settings_are_made_from_what_was_observed(http: httpx.Client, container: Container) -> None:
    rows = []
    for number in range(10):
        unit = {"flow": "order-to-cash", "correlation_id": f"SO-{number}", "trace_id": f"{number:032x}"}
        start = 10 * number
        rows += [
            span(start, start + 1, "pick", role="step", step="pick", outcome=None, **unit),
            span(start + 1, start + 2, "ship", role="step", step="ship", outcome=None, **unit),
            span(start, start + 3, "order-to-cash", role="unit", outcome="success", segment="retail",
                 value_amount=40, value_currency="EUR", **unit),
        ]  # fmt: skip
    container.store.append(batch(*rows)).result()
    text = http.get("/api/v1/flows/order-to-cash/settings/proposal").json()["text"]
    assert "# The step ship came last in 10 of 10 completed units" in text
    assert "10 of 10 completed units carry a value, median €40.00" in text
    assert "retail (10)" in text
    assert put(http, text, 0).status_code == 200
    assert container.flows.settings["order-to-cash"].criticality == "medium"
    assert http.get("/api/v1/flows/nobody/settings/proposal").status_code == 404


def test_a_reader_of_a_part_sees_its_flows_only(http: httpx.Client, container: Container) -> None:
    container.store.append(batch(failure(1, tenant="acme"), failure(2, "R-1", flow="returns"))).result()
    put(http, FIRST, 0)
    put(http, "flow: secret\nowner: eve\n", 0, "secret")
    listed = lambda reach: [  # noqa: E731
        one.name
        for one in seen.listed(Reading(container.store, reach), container.flows, container.started_at, "UTC")
    ]
    assert listed(("acme\x1f*",)) == ["order-to-cash"]
    assert listed(None) == ["order-to-cash", "returns", "secret"]


def test_the_command_line_lists_shows_and_checks(
    http: httpx.Client, container: Container, tmp_path: Path
) -> None:
    container.store.append(batch(success(30, "SO-2"))).result()
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(FIRST)
    bad.write_text(BROKEN)

    def unsnag(*arguments: str) -> tuple[int, list[str]]:
        command = [sys.executable, "-m", "unsnag", "flows", *arguments, "--url", str(http.base_url)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return ran.returncode, (ran.stdout or ran.stderr).splitlines()

    put(http, FIRST, 0)
    code, lines = unsnag()
    assert (code, lines[1].split("\t")[:4]) == (0, ["order-to-cash", "valid", "ann", "high"])
    assert unsnag("order-to-cash") == (0, FIRST.splitlines())
    assert unsnag("order-to-cash", "--propose")[1][0] == "flow: order-to-cash"
    code, lines = unsnag("--lint", str(good), str(bad))
    assert code == 1
    assert lines == [
        f"{good}: no fault",
        f"{bad}:3: The key owner is given twice, first in line 2. Remove one.",
    ]
    assert unsnag("--lint", str(good))[0] == 0
    assert unsnag("--lint", str(tmp_path / "none.yaml"))[0] == 2
    assert unsnag("nobody")[0] == 2


@pytest.mark.parametrize("flow", ["a/b", "ü ö", ".hidden", "x" * 200, "100%"])
def test_any_name_has_a_file_within_the_folder(http: httpx.Client, container: Container, flow: str) -> None:
    answer = put(http, f"flow: {proposal._quoted(flow)}", 0, quote(flow, safe=""))
    assert answer.status_code == 200, answer.text
    written = container.flow_files.folder / answer.json()["file"]
    assert written.is_file()
    assert written.parent == container.flow_files.folder
    watch(container)
    assert list(container.flows.settings) == [flow]
    assert container.flows.versions[flow].version == 1
    assert seen.listed(container.store.everything(), container.flows, container.started_at, "UTC")
