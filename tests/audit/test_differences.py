"""What somebody changed in the store behind the product is named, though every entry of the audit holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from access import roles
from access.commands import perform
from access.people import DisablePerson, EnablePerson, GiveRoles
from access.roles import Grant
from audit.differences import differences
from cases.commands import Claim, Release, Resolve
from cases.intake import intake
from data.store import FILE_NAME, Store
from server import command
from server.container import Container
from server.settings import Settings
from tests.server.team import OWN, Team, team
from tests.telemetry import batch, failure, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Team]:
    """A team that has done a little of everything."""
    with team(tmp_path) as made:
        ctx = made.container.context
        made.person("ann", Grant(roles.OPERATOR, "acme"))
        made.person("bob", Grant(roles.VIEWER))
        made.person("cyd", Grant(roles.ADMIN))
        made.token("orders", Grant(roles.SENDER, "acme", "order-to-cash"))
        perform(GiveRoles("bob", grants=[Grant(roles.OPERATOR), Grant(roles.VIEWER, "acme", "x")]), ctx(OWN))
        perform(DisablePerson("bob"), ctx(OWN))
        perform(EnablePerson("bob"), ctx(OWN))
        perform(DisablePerson("bob"), ctx(OWN))
        made.container.store.append(
            batch(*(failure(number, f"SO-{number}", tenant="acme") for number in range(5)))
        ).result()
        ann = made.actor("ann")
        for number in range(4):
            perform(Claim(case_of(made, number)), ctx(ann))
        perform(Release(case_of(made, 1)), ctx(ann))
        perform(Resolve(case_of(made, 2), code="duplicate", reason="seen before"), ctx(ann))
        made.container.store.append(batch(failure(100, "SO-0", tenant="acme"), success(101, "SO-4"))).result()
        yield made


def case_of(crew: Team, number: int) -> str:
    """Return the id of a case."""
    rows = crew.container.store.act(
        lambda tx: tx.execute(
            "select id from exception_case where correlation_id = $id", {"id": f"SO-{number}"}
        )
    ).result()
    return str(rows[0]["id"])


def tampered(crew: Team, sql: str) -> list[str]:
    """Run a statement behind the product's back; return what is found then."""
    crew.container.store.act(lambda tx: tx.execute(sql)).result()
    state = crew.container.watch.check_all()
    assert state.verdict.intact, "every entry holds: only the rows differ"
    return [one.text for one in state.differences]


def test_what_the_product_did_is_no_difference(crew: Team) -> None:
    assert crew.container.watch.check_all().differences == ()
    assert crew.container.warnings() == []


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "update exception_case set state = 'resolved' where correlation_id = 'SO-0'",
            "its state is resolved, entry",
        ),
        (
            "update exception_case set holder = 'eve' where correlation_id = 'SO-0'",
            "its holder is eve, entry",
        ),
        (
            "update exception_case set holder = null where correlation_id = 'SO-3'",
            "its holder is none, entry",
        ),
        (
            "update exception_case set version = version + 1 where correlation_id = 'SO-0'",
            "its version is 4, entry",
        ),
        (
            "update exception_case set version = 1 where correlation_id = 'SO-1'",
            "its version is 1, entry",
        ),
        ("delete from exception_case where correlation_id = 'SO-3'", "is missing: entry"),
        (
            """
            insert into exception_case
            select * replace ('forged' as id) from exception_case where correlation_id = 'SO-3'
            """,
            "Exception forged stands in the store, and no entry of the audit knows it.",
        ),
        (
            "insert into access_grant values ('person:bob', 'admin', null, null)",
            "Person bob: the store has admin, operator, viewer of acme/x, entry",
        ),
        (
            "update access_grant set role = 'admin' where holder = 'person:ann'",
            "Person ann: the store has admin of acme/*, entry",
        ),
        ("delete from access_grant where holder = 'person:cyd'", "Person cyd: the store has no role, entry"),
        (
            "insert into access_grant values ('person:eve', 'admin', null, null)",
            "Person eve: the store has admin, no entry gave any.",
        ),
        (
            "update access_grant set flow = null where holder = 'token:orders'",
            "Token orders: the store has sender of acme/*, entry",
        ),
        (
            "update person set state = 'active' where name = 'bob'",
            "Person bob: the state is active, entry",
        ),
        (
            "update person set state = 'disabled' where name = 'cyd'",
            "Person cyd: the state is disabled, no entry says why.",
        ),
    ],
)
def test_a_row_that_was_changed_behind_the_product_is_named(crew: Team, sql: str, words: str) -> None:
    (found,) = tampered(crew, sql)
    assert words in found
    assert crew.container.watch.state is not None
    assert any("audit verify" in warning for warning in crew.container.warnings())


def test_who_may_not_see_a_row_learns_only_that_one_differs(crew: Team) -> None:
    crew.person("eve", Grant(roles.VIEWER, "globex"))
    (own,) = tampered(crew, "update exception_case set holder = 'eve' where correlation_id = 'SO-0'")
    with crew.as_person("eve") as eve, crew.as_person("ann") as ann:
        assert eve.get("/api/v1/audit/verdict").json()["differences"] == [
            "1 more, outside of what you may see."
        ]
        assert ann.get("/api/v1/audit/verdict").json()["differences"] == [own]


def test_an_entry_of_an_earlier_version_is_compared_by_its_state(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    store.append(batch(failure(1))).result()
    store.act(lambda tx: tx.execute("update audit set case_version = null, holder = null")).result()
    assert differences(store) == ()
    store.act(lambda tx: tx.execute("update exception_case set state = 'expired'")).result()
    assert "its state is expired" in differences(store)[0].text
    store.close()


def test_more_differences_than_are_named_are_counted(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    store.append(batch(*(failure(number, f"SO-{number}") for number in range(250)))).result()
    store.act(lambda tx: tx.execute("update exception_case set version = 9")).result()
    found = differences(store)
    assert len(found) == 201
    assert found[-1].text == "50 more differ."
    store.close()


# --- checkpoints in two folders, and none at all -------------------------------------------------------


def settings_of(folder: Path, **audit: Path) -> Settings:
    """Return settings with a store of its own."""
    return Settings.model_validate({"data": folder / "data", "audit": audit})


def test_the_second_folder_knows_what_was_cut_off_with_the_first_file(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, second_folder=tmp_path / "elsewhere")
    container = Container.open(settings)
    container.store.append(batch(failure(1))).result()
    container.close()
    before = (tmp_path / "data" / FILE_NAME).read_bytes()
    container = Container.open(settings)
    container.store.append(batch(failure(2, "SO-2"))).result()
    container.close()
    # Who put the older database back also cut the file beside it.
    (tmp_path / "data" / FILE_NAME).write_bytes(before)
    lines = settings.checkpoints.read_bytes().splitlines(keepends=True)
    settings.checkpoints.write_bytes(lines[0])
    container = Container.open(settings)
    state = container.watch.check_all()
    container.close()
    assert not state.verdict.intact
    assert "an older database was restored" in str(state.verdict.reason)


def test_a_second_folder_that_cannot_be_written_stops_nothing_and_is_filled_later(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("a file where the folder should be")
    settings = settings_of(tmp_path, second_folder=tmp_path / "elsewhere")
    container = Container.open(settings)
    container.store.append(batch(failure(1))).result()
    state = container.watch.check_all()
    assert state.verdict.intact
    assert "elsewhere" in str(state.trouble)
    assert settings.checkpoints.exists()
    (tmp_path / "elsewhere").unlink()
    assert container.watch.look().trouble is None
    assert settings.second_checkpoints is not None
    marks = [[(mark.seq, mark.hash) for mark in file.read()] for file in container.watch.checkpoints.files]
    assert marks[0] == marks[1]
    container.close()


def test_a_missing_checkpoint_file_is_a_warning(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    container = Container.open(settings)
    container.store.append(batch(failure(1))).result()
    assert container.watch.check_all().missing is None, "a new store has none yet"
    container.close()
    container = Container.open(settings)
    assert container.watch.check_all().missing is None
    container.close()
    settings.checkpoints.unlink()
    container = Container.open(settings)
    state = container.watch.check_all()
    assert state.verdict.intact
    assert str(settings.checkpoints) in str(state.missing)
    # It is written again at once, and the warning stays until somebody has seen it.
    assert "missing" in str(container.watch.check_all().missing)
    assert any("missing" in warning for warning in container.warnings())
    container.close()


def test_the_command_names_differences_and_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_of(tmp_path)
    container = Container.open(settings)
    container.store.append(batch(failure(1))).result()
    container.close()
    at_data = ["--data", str(settings.data), "--spool", str(tmp_path / "spool")]
    assert command.main(["audit", "verify", *at_data], {}) == 0
    assert capsys.readouterr().out.startswith("INTACT")
    settings.checkpoints.unlink()
    store = Store.open(settings.data, intake)
    store.act(lambda tx: tx.execute("update exception_case set holder = 'eve'")).result()
    store.close()
    assert command.main(["audit", "verify", *at_data], {}) == 1
    shown = capsys.readouterr()
    assert "DIFFERS: Exception" in shown.out
    assert "its holder is eve, entry 1 says none" in shown.out
    assert "INTACT: 1 entries" in shown.out
    assert f"WARNING: The checkpoint file {settings.checkpoints} is missing" in shown.err


def test_checkpoints_that_lie_only_beside_the_store_are_recognised(tmp_path: Path) -> None:
    assert settings_of(tmp_path).only_beside_the_store
    assert not settings_of(tmp_path, second_folder=tmp_path / "b").only_beside_the_store
    assert not settings_of(tmp_path, checkpoints=tmp_path / "c.jsonl").only_beside_the_store
