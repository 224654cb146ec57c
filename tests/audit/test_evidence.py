"""Evidence packs of a real store pass the stand-alone verifier; what was done to the store does not."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import time
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from access import roles
from access.commands import perform
from access.errors import ForbiddenError
from access.roles import Grant
from audit import trail, verifier
from audit.evidence import NothingToPackError, Wanted
from audit.signing import SigningKey, SigningKeyError
from cases.commands import Claim
from cases.holding import TakeOver
from data.clock import stored, utc_now
from data.secrets import SecretFileError
from server import audit
from server.audit import AuditFilter
from server.container import Container
from server.settings import Settings
from tests.server.team import OWN, Team, team
from tests.telemetry import batch, failure
from tests.waiting import eventually
from traces.known import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow]


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Team]:
    """A team to whom something happened, of two tenants."""
    with team(tmp_path) as made:
        made.container.store.append(
            batch(failure(1, "SO-1", tenant="acme"), failure(2, "SO-2", tenant="globex", flow="returns"))
        ).result()
        made.person("ann", Grant(roles.APPROVER, "acme"))
        made.person("root", Grant(roles.ADMIN))
        actor = made.actor("ann")
        (case,) = _cases(made, "SO-1")
        perform(Claim(case), made.container.context(actor), shown={"reach": "1 exception · €1.00 · 1 flow"})
        yield made


def _cases(crew: Team, unit: str) -> list[str]:
    rows = crew.container.store.everything().query("units/cases", {"correlation_id": unit, **ALWAYS})
    return [row["id"] for row in rows]


def packed(crew: Team, name: str, folder: Path, wanted: Wanted | None = None) -> Path:
    """Write the pack that somebody gets."""
    actor = crew.actor(name)
    with (folder / f"{name}.zip").open("wb") as file:
        audit.pack(crew.container.context(actor), wanted or Wanted(), file)
    return folder / f"{name}.zip"


def lines(pack: Path, name: str = "entries.jsonl") -> list[dict[str, Any]]:
    with zipfile.ZipFile(pack) as archive:
        return [json.loads(line) for line in archive.read(name).splitlines()]


def test_a_pack_passes_the_verifier_as_a_program_of_its_own(crew: Team, tmp_path: Path) -> None:
    pack = packed(crew, "root", tmp_path)
    with zipfile.ZipFile(pack) as archive:
        archive.extract("verifier.py", tmp_path)
    run = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "verifier.py"), str(pack), "--checkpoints",
         str(crew.container.settings.checkpoints)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert run.stdout.splitlines()[-1] == "INTACT", run.stdout + run.stderr
    reported = lines(pack)
    assert [row["kind"] for row in reported if row.get("case_id") and row["actor"] == "ann"] == [
        "intent", "decision", "effect",
    ]  # fmt: skip
    assert "1 exception · €1.00 · 1 flow" in str(reported)  # what she saw is recorded with what she meant
    assert reported[-1]["verb"] == "evidence packed"  # and the export itself


def test_what_lies_outside_the_scope_is_withheld_and_the_chain_still_holds(
    crew: Team, tmp_path: Path
) -> None:
    pack = packed(crew, "ann", tmp_path)
    result = verifier.verify(pack, crew.container.settings.checkpoints)
    assert result.problem is None
    assert result.withheld > 0
    shown = [row for row in lines(pack) if "verb" in row]
    assert {row["tenant"] for row in shown} == {"acme"}
    assert "globex" not in str(lines(pack))


def test_a_pack_of_a_flow_and_a_period_holds_only_that(crew: Team, tmp_path: Path) -> None:
    now = stored(utc_now())
    pack = packed(crew, "root", tmp_path, Wanted(now - timedelta(hours=1), now, "returns"))
    assert verifier.verify(pack).problem is None
    assert {row["flow"] for row in lines(pack) if "verb" in row} == {"returns"}
    with pytest.raises(NothingToPackError):
        packed(crew, "root", tmp_path, Wanted(until=now - timedelta(days=1)))


def test_a_pack_of_an_altered_store_is_broken(crew: Team, tmp_path: Path) -> None:
    crew.container.store.act(
        lambda tx: tx.execute("update audit set reason = 'nothing happened' where seq = 3")
    ).result()
    result = verifier.verify(packed(crew, "root", tmp_path))
    assert result.problem is not None
    assert "entry 3" in result.problem


def test_only_those_who_may_carry_it_away_and_csv_is_harmless(crew: Team) -> None:
    crew.person("eve", Grant(roles.OPERATOR))
    (case,) = _cases(crew, "SO-1")
    perform(
        TakeOver(case, reason="=HYPERLINK(1) it was a duplicate"),
        crew.container.context(crew.actor("root")),
    )
    with pytest.raises(ForbiddenError):
        audit.export(crew.container.context(crew.actor("eve")), AuditFilter(), io.BytesIO())
    out = io.BytesIO()
    count = audit.export(crew.container.context(crew.actor("root")), AuditFilter(), out)
    text = out.getvalue().decode()
    assert count == len(text.splitlines()) - 1
    assert ",=HYPERLINK" not in text
    assert "'=HYPERLINK" in text


def test_a_database_restored_from_yesterday_is_reported_at_the_start(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    container = Container.open(settings)
    container.store.append(batch(failure(1))).result()
    container.close()
    shutil.copy(tmp_path / "data" / "unsnag.duckdb", tmp_path / "yesterday")
    container = Container.open(settings)
    container.store.append(batch(failure(2, "SO-2"))).result()
    container.close()  # writes a checkpoint
    shutil.copy(tmp_path / "yesterday", tmp_path / "data" / "unsnag.duckdb")
    container = Container.open(settings)
    state = container.watch.check_all()
    assert not state.verdict.intact
    assert "an older database was restored" in str(state.verdict.reason)
    container.close()
    assert trail.verify  # the chain alone would have passed


def test_checkpoints_are_signed_with_a_key_that_nobody_else_may_read(tmp_path: Path) -> None:
    key = SigningKey.make(tmp_path / "key")
    with pytest.raises(SigningKeyError):
        SigningKey.make(tmp_path / "key")  # never written over
    settings = Settings.model_validate(
        {"data": tmp_path / "data", "audit": {"signing_key": tmp_path / "key"}}
    )
    container = Container.open(settings)
    container.store.append(batch(failure(1))).result()
    with (tmp_path / "pack.zip").open("wb") as file:
        audit.pack(container.context(OWN), Wanted(), file)
    container.close()
    assert verifier.verify(tmp_path / "pack.zip", None, key.public).problem is None
    assert verifier.verify(tmp_path / "pack.zip", None, "0" * 64).problem is not None
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(SecretFileError, match="chmod 600"):
        Container.open(settings)


@pytest.mark.parametrize(("checked_ago_s", "is_found"), [(86_401, True), (86_000, False)])
def test_the_whole_chain_is_checked_again_each_day(
    tmp_path: Path, checked_ago_s: float, *, is_found: bool
) -> None:
    """What is new is checked each minute; an old entry that somebody changes shows within a day."""
    container = Container.open(Settings(data=tmp_path / "data"))
    container.store.append(batch(failure(1))).result()
    container.store.append(batch(failure(2, "SO-2"))).result()
    watch = container.watch
    assert watch.check_all().verdict.intact
    changed = "update audit set reason = 'another' where seq = 1"
    container.store.act(lambda tx: tx.execute(changed)).result()
    assert watch.look().verdict.intact
    before = watch.state
    watch._all_at = time.monotonic() - checked_ago_s
    watch.start()
    eventually(lambda: watch.state is not before)
    state = watch.state
    watch.stop()
    container.close()
    assert state is not None
    assert state.verdict.intact is not is_found
