"""Who may do what: the table in docs/access.md, checked in pages, REST and commands.

The document is the expectation, the code is what is tested: a row that differs fails here.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from access import roles
from access.commands import perform
from access.roles import ACTS, LADDER, SERVICE_ROLES, Grant
from access.tokens import AddToken
from audit.actor import service
from cases import units
from cases.case import Case
from server import command, review_files
from server.running import Running
from tests.server.team import OWN, Team, team
from tests.telemetry import batch, failure, log
from traces.known import ALWAYS
from views.review import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

pytestmark = [pytest.mark.slow]

ROOT = Path(__file__).parents[2]
COLUMNS = (*LADDER, roles.SENDER, roles.WORKER)
SCOPES = {
    "everything": (None, None),
    "its tenant": ("acme", None),
    "its flow": (None, "order-to-cash"),
    "its tenant and flow": ("acme", "order-to-cash"),
    "another tenant": ("globex", None),
    "another flow": (None, "returns"),
    "its flow of another tenant": ("globex", "order-to-cash"),
}
REFUSED = (401, 403, 404)


def table() -> dict[str, tuple[set[str], bool]]:
    """Read the table of the document: which roles may do an act, and whether only for everything."""
    found = {}
    for line in (ROOT / "docs" / "access.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 9 and cells[0].startswith("`"):
            allowed = {role for role, cell in zip(COLUMNS, cells[1:7], strict=True) if cell}
            found[cells[0].strip("`")] = (allowed, bool(cells[7]))
    return found


TABLE = table()
RATES = "currency,against,rate,valid_from\nUSD,EUR,0.9,2026-01-01\n"


def is_expected(act: str, role: str, scope: str, *, on_a_case: bool) -> bool:
    """Tell what the document says; acts on nothing in particular need a role for anything at all."""
    allowed, whole = TABLE[act]
    tenant, flow = SCOPES[scope]
    fits = scope in ("everything", "its tenant", "its flow", "its tenant and flow")
    return role in allowed and ((tenant is None and flow is None) or (not whole and (fits or not on_a_case)))


def test_the_document_lists_every_act_and_no_other() -> None:
    assert set(TABLE) == set(ACTS)
    for name, (allowed, whole) in TABLE.items():
        assert ACTS[name].roles == allowed, name
        assert ACTS[name].whole == whole, name


def grants() -> list[tuple[str, str, Grant]]:
    """Return every role in every scope that can be given."""
    return [(role, scope, Grant(role, *SCOPES[scope])) for role, scope in itertools.product(COLUMNS, SCOPES)]


# --- what pages ask -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with team(tmp_path_factory.mktemp("crew")) as made:
        yield made


@pytest.mark.parametrize(("role", "scope", "grant"), grants())
def test_pages_get_the_permissions_of_the_table(crew: Team, role: str, scope: str, grant: Grant) -> None:
    name = f"p-{uuid.uuid4().hex[:8]}"
    if role in LADDER:
        actor = crew.actor(crew.person(name, grant))
    else:
        made = perform(AddToken(name, grants=[grant], days=1), crew.container.context(OWN))
        actor = service(name, f"token:{made.id}")
    case = SimpleNamespace(tenant="acme", flow="order-to-cash")
    ctx = crew.container.context(actor)
    for act in TABLE:
        assert ctx.may(act, case) == is_expected(act, role, scope, on_a_case=True), act
        assert ctx.may(act) == is_expected(act, role, scope, on_a_case=False), act


# --- REST ---------------------------------------------------------------------------------------


class Door:
    """One case in each state, and one request for each act."""

    def __init__(self, crew: Team) -> None:
        self.crew = crew
        crew.container.store.append(
            batch(
                failure(1, "SO-1", tenant="acme", flow="order-to-cash"),
                failure(2, "SO-2", tenant="acme", flow="order-to-cash", step="ship", idempotent=False),
            )
        ).result()
        asks = {"unsnag.approval.id": "sure", "unsnag.approval.question": "Sure?"}
        whose = {"correlation_id": "SO-3", "tenant": "acme", "flow": "order-to-cash"}
        asked = log(3, "Sure?", **whose, attributes=json.dumps(asks))
        crew.container.store.append(batch(asked)).result()
        ctx = crew.container.context(OWN)
        self.asked = self._case("SO-3")
        self.case, self.unsafe = (
            units.search(ctx.reading, unit) and self._case(unit) for unit in ("SO-1", "SO-2")
        )
        (one,) = crew.container.store.everything().query("cases/case", {"id": self.case}, into=Case.of)
        self.group = one.fingerprint
        crew.person("victim", Grant(roles.VIEWER))

    def _case(self, unit: str) -> str:
        rows = self.crew.container.store.everything().query("units/cases", {"correlation_id": unit, **ALWAYS})
        return str(rows[0]["id"])

    def requests(self, http: httpx.Client) -> dict[str, tuple[bool, Callable[[], httpx.Response]]]:
        """Return for each act that has a route: whether it is on a case, and the request."""
        fresh = uuid.uuid4().hex

        def post(path: str, body: Any = None, **more: Any) -> httpx.Response:
            return http.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex}, **more)

        case, unsafe = f"/api/v1/cases/{self.case}", f"/api/v1/cases/{self.unsafe}"
        asked = f"/api/v1/cases/{self.asked}"
        group = f"/api/v1/groups/{self.group}"
        role = [{"role": "viewer"}]
        hold = {"kind": "flow", "value": fresh, "reason": "court"}
        resolve = {"code": "nothing", "reason": "x"}  # refused for its code by those who may
        return {
            "read": (True, lambda: http.get(case)),
            "case.claim": (True, lambda: post(f"{case}/claim")),
            "case.take_over": (True, lambda: post(f"{case}/takeover", {"reason": "x"})),
            "case.ask": (True, lambda: post(f"{case}/ask", {"question": " "})),
            "case.release": (True, lambda: post(f"{case}/release")),
            "case.retry": (True, lambda: post(f"{case}/retry")),
            "case.retry_unsafe": (True, lambda: post(f"{unsafe}/retry")),
            "case.cancel_retry": (True, lambda: post(f"{case}/cancel-retry")),
            "case.fixed_outside": (True, lambda: post(f"{case}/fixed-outside", {"reason": "x"})),
            "case.class": (True, lambda: post(f"{case}/class", {"class": "data"})),
            "case.note": (True, lambda: post(f"{case}/notes", {"text": " "})),
            "case.snooze": (True, lambda: post(f"{case}/snooze", {})),
            "case.assign": (True, lambda: post(f"{case}/assign", {"to": "x", "kind": "nothing"})),
            "case.escalate": (True, lambda: post(f"{case}/escalate", {"reason": "x"})),
            "case.move": (True, lambda: post(f"{case}/move", {"to": None, "reason": "x"})),
            "group.merge": (False, lambda: post(f"{group}/merge", {"into": "nothing", "reason": "x"})),
            "group.note": (True, lambda: post(f"{group}/note", {"text": "x", "expected": 99})),
            "case.resolve": (True, lambda: post(f"{case}/resolve", resolve)),
            "case.approve": (True, lambda: post(f"{asked}/approve")),
            "case.reject": (True, lambda: post(f"{asked}/reject", {"reason": "x"})),
            "approval.read": (True, lambda: http.get("/api/v1/approvals/sure")),
            "batch.freeze": (False, lambda: post("/api/v1/batches", {"act": "claim", "ids": ["nothing"]})),
            "batch.run": (False, lambda: post("/api/v1/batches/nothing/pause")),
            "view.save": (False, lambda: post("/api/v1/views", {"name": fresh, "filter": {}})),
            "view.share": (
                False,
                lambda: post("/api/v1/views", {"name": f"s-{fresh}", "filter": {}, "shared": True}),
            ),
            "audit.verify": (False, lambda: http.get("/api/v1/audit/verdict")),
            "audit.read": (False, lambda: http.get("/api/v1/audit")),
            "audit.export": (False, lambda: post("/api/v1/audit/pack")),
            "person.add": (False, lambda: post("/api/v1/people", {"name": f"n-{fresh}", "roles": role})),
            "person.change": (False, lambda: post("/api/v1/people/victim/roles", {"roles": role})),
            "token.change": (
                False,
                lambda: post("/api/v1/tokens", {"name": f"n-{fresh}", "roles": role, "days": 1}),
            ),
            "telemetry.send": (False, lambda: http.post("/v1/logs", json={"resourceLogs": []})),
            "retry.work": (False, lambda: post("/api/v1/retries/lease", {"flows": []})),
            "kpi.target": (False, lambda: post("/api/v1/kpis/K1/target", {"target": 97})),
            "export": (False, lambda: http.get("/api/v1/weeks/2026-W99/review.csv")),
            "marker.set": (False, lambda: post("/api/v1/markers", {"text": "x", "at": "2199-01-01"})),
            "currency.rate": (
                False,
                lambda: post("/api/v1/currencies/rates", {"csv": RATES}),
            ),
            "currency.report": (False, lambda: post("/api/v1/currencies/reporting", {"currency": "EUR"})),
            "week.comment": (
                False,
                lambda: post("/api/v1/weeks/2026-W10/comments", {"kpi": "K1", "text": "as before"}),
            ),
            "week.write": (
                False,
                lambda: post("/api/v1/weeks/2026-W10/notes", {"section": "money", "text": "as before"}),
            ),
            "week.freeze": (False, lambda: post("/api/v1/weeks/2026-W10/freeze")),
            "quarantine.replay": (False, lambda: post("/api/v1/quarantine/nothing/replay")),
            "mapping.change": (
                False,
                lambda: post(f"/api/v1/mappings/{fresh}/versions", {"expected": 0, "text": "flow = 'x'"}),
            ),
            "flow.settings": (
                False,
                lambda: http.put(
                    f"/api/v1/flows/{fresh}/settings",
                    json={"expected": 0, "text": f"flow: '{fresh}'"},
                    headers={"Idempotency-Key": fresh},
                ),
            ),
            "store.backup": (False, lambda: http.get("/api/v1/store/check")),
            "store.purge": (False, lambda: http.get("/api/v1/retention/preview")),
            "store.hold": (False, lambda: post("/api/v1/retention/holds", hold)),
            "store.accept": (False, lambda: post("/api/v1/store/accept", {"reason": "nothing is missing"})),
            "metrics": (False, lambda: http.get("/metrics")),
        }


@pytest.fixture(scope="module")
def door(crew: Team) -> Door:
    review_files.use(files.made)
    return Door(crew)


NOT_THERE = ("record-not-found", "batch-not-found")
NOT_BY_REST = {"quarantine.unmask", "clock", "store.restore"}


@pytest.mark.parametrize(("role", "scope", "grant"), grants())
def test_rest_does_what_the_table_says(door: Door, role: str, scope: str, grant: Grant) -> None:
    name = f"{'t' if role in (roles.SENDER, roles.WORKER) else 'p'}-{uuid.uuid4().hex[:8]}"
    with door.crew.holder(name, grant) as http:
        requests = door.requests(http)
        assert set(TABLE) - set(requests) == NOT_BY_REST
        for act, (on_a_case, request) in requests.items():
            answer = request()
            may = is_expected(act, role, scope, on_a_case=on_a_case)
            # What does not exist is reported to a person with the permission: 404 of its own type.
            gone = answer.status_code == 404 and answer.json()["type"].endswith(NOT_THERE)
            assert (answer.status_code not in REFUSED or gone) == may, (act, answer.status_code, answer.text)
            if answer.status_code in REFUSED and not gone:
                # Exporters of OpenTelemetry read a google.rpc.Status, everybody else a problem.
                kind = "application/json" if act == "telemetry.send" else "application/problem+json"
                assert answer.headers["content-type"] == kind, act


# --- the command line ---------------------------------------------------------------------------


COMMANDS = {
    "person.add": ["user", "add", "NEW", "--role", "viewer"],
    "person.change": ["user", "disable", "victim2"],
    "token.change": ["token", "add", "NEW", "--role", "sender"],
    "audit.verify": ["audit", "verify"],
    "audit.export": ["audit", "pack", "OUT"],
}


@pytest.mark.parametrize(("role", "scope", "grant"), [g for g in grants() if g[0] in SERVICE_ROLES])
def test_commands_do_what_the_table_says(
    crew: Team, tmp_path: Path, role: str, scope: str, grant: Grant
) -> None:
    with contextlib.suppress(Exception):
        crew.person("victim2", Grant(roles.VIEWER))
    data = crew.container.settings.data
    Running(crew.address, crew.container.command_secret).write(data)
    environment = {"UNSNAG_TOKEN": crew.token(f"t-{uuid.uuid4().hex[:8]}", grant)}
    for act, arguments in COMMANDS.items():
        given = [
            {"NEW": f"n-{uuid.uuid4().hex[:8]}", "OUT": str(tmp_path / "pack.zip")}.get(word, word)
            for word in arguments
        ]
        code = command.main([*given, "--data", str(data)], environment)
        assert (code == 0) == is_expected(act, role, scope, on_a_case=False), (act, code)


def test_commands_without_a_token_are_the_owners(crew: Team, tmp_path: Path) -> None:
    data = crew.container.settings.data
    Running(crew.address, crew.container.command_secret).write(data)
    for words in COMMANDS.values():
        given = [
            {"NEW": f"n-{uuid.uuid4().hex[:8]}", "OUT": str(tmp_path / "p.zip"), "victim2": "victim3"}.get(
                w, w
            )
            for w in words
        ]
        with contextlib.suppress(Exception):
            crew.person("victim3", Grant(roles.VIEWER))
        assert command.main([*given, "--data", str(data)], {}) == 0, words
