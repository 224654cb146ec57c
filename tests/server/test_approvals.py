"""Who gets the answer to an approval where people sign in and services have tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from access.commands import perform
from access.roles import APPROVER, SENDER, Grant
from cases.approving import Reject
from tests.client.asking import approval_of, script
from tests.server.team import team

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow]
REASON = "The price is above what was agreed"


def test_a_sender_of_one_tenant_gets_its_answer_and_no_other(tmp_path: Path) -> None:
    with team(tmp_path / "team") as crew:
        boss = crew.actor(crew.person("boss", Grant(APPROVER, "acme")))
        store, own = crew.container.store, crew.token("t-acme", Grant(SENDER, "acme"))
        with script(tmp_path, crew.address, "SO-1", UNSNAG_TOKEN=own) as process:
            case = approval_of(store, "SO-1")
            perform(Reject(case["id"], REASON), crew.container.context(boss))
            out, err = process.communicate(timeout=60)
        assert "<rejected by boss" in out, err
        path = f"/api/v1/approvals/{case['approval_id']}"
        with crew.as_token(crew.token("t-other", Grant(SENDER, "globex"))) as http:
            assert http.get(path).status_code == 404
        with crew.as_token(own) as http:
            assert http.get(path).json()["decided_by"] == "boss"
        with script(tmp_path, crew.address, "SO-2", UNSNAG_TOKEN="nothing") as process:
            _, err = process.communicate(timeout=60)
        assert "ApprovalError: The server answered 401" in err
