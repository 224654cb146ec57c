"""People, sessions and tokens: who comes in, who does not, and what ends at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access import names, passwords, roles, sessions
from access.authority import SessionLimits
from access.commands import perform
from access.errors import (
    AlreadyThereError,
    ForbiddenError,
    InvalidPersonError,
    LastAdminError,
    LinkUsedError,
    PersonNotFoundError,
    RefusedSignInError,
    SignedOutError,
    TokenNotFoundError,
    TooManyTriesError,
)
from access.links import accept, first_link
from access.people import (
    AddPerson,
    DisablePerson,
    EnablePerson,
    GiveRoles,
    MakeLink,
    change_password,
    everybody,
)
from access.roles import Grant
from access.sessions import OpenIdPerson, Visitor, begin_by_openid, sessions_of, sign_in, sign_out
from access.throttle import Throttle
from access.tokens import AddToken, RevokeToken, RotateToken, valid_tokens
from tests.gates import House

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audit.actor import Actor

pytestmark = [pytest.mark.slow]

SENTENCE = "an honest sentence"
HOME, ELSEWHERE = Visitor("127.0.0.1", "Firefox"), Visitor("10.9.8.7")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    yield opened
    opened.store.close()


@pytest.fixture
def root(house: House) -> Actor:
    link = first_link(house.as_system())
    assert link is not None
    accept(house.as_system(), link.code, SENTENCE, "root")
    return house.signed_in("root", SENTENCE)


class Kept(NamedTuple):
    """One house for all examples of a property: nothing is changed in it."""

    house: House
    secret: str
    token: str


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    house = House(tmp_path_factory.mktemp("kept"))
    secret = _first(house)
    session = house.authority.session(secret)
    assert session is not None
    owner = house.authority.person_of(session.id)
    yield Kept(
        house,
        secret,
        perform(AddToken("kept", grants=[Grant(roles.VIEWER)], days=1), house.context(owner)).text,
    )
    house.store.close()


def add(house: House, root: Actor, name: str = "ann", *grants: Grant) -> Actor:
    link = perform(AddPerson(name, grants or (Grant(roles.OPERATOR),)), house.context(root))
    assert link is not None
    accept(house.as_system(), link.code, SENTENCE)
    return house.signed_in(name, SENTENCE)


# --- the first admin, and links -----------------------------------------------------------------


def test_the_first_link_makes_one_admin_and_is_void_afterwards(house: House) -> None:
    first, second = first_link(house.as_system()), first_link(house.as_system())
    assert first is not None
    assert second is not None
    with pytest.raises(LinkUsedError):  # a newer start's link replaces it
        accept(house.as_system(), first.code, SENTENCE, "eve")
    assert accept(house.as_system(), second.code, SENTENCE, "root") == "root"
    with pytest.raises(LinkUsedError):
        accept(house.as_system(), second.code, SENTENCE, "eve")
    assert first_link(house.as_system()) is None
    assert [person.name for person in everybody(house.directory)] == ["root"]


def test_a_link_works_once_and_a_newer_one_voids_it(house: House, root: Actor) -> None:
    first = perform(AddPerson("ann", [Grant(roles.VIEWER)]), house.context(root))
    assert first is not None
    second = perform(MakeLink("ann"), house.context(root))
    with pytest.raises(LinkUsedError):
        accept(house.as_system(), first.code, SENTENCE)
    accept(house.as_system(), second.code, SENTENCE)
    with pytest.raises(LinkUsedError):
        accept(house.as_system(), second.code, "another honest sentence")


def test_a_link_runs_out(house: House, root: Actor) -> None:
    link = perform(AddPerson("ann", [Grant(roles.VIEWER)]), house.context(root))
    assert link is not None
    past = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=1)
    house.store.act(
        lambda tx: tx.execute("update access_link set expires_at = $past", {"past": past})
    ).result()
    with pytest.raises(LinkUsedError):
        accept(house.as_system(), link.code, SENTENCE)


@pytest.mark.parametrize("code", ["", "x", "a" * 43, "\x00", "' or 1=1 --", "é" * 40, "\ud800"])
def test_a_code_that_was_never_made_opens_nothing(house: House, code: str) -> None:
    first_link(house.as_system())
    with pytest.raises(LinkUsedError):
        accept(house.as_system(), code, SENTENCE, "eve")


def test_an_idempotency_key_tells_a_link_once_and_stores_it_never(house: House, root: Actor) -> None:
    link = perform(AddPerson("ann", [Grant(roles.VIEWER)]), house.context(root), key="k1")
    assert link is not None
    with pytest.raises(AlreadyThereError, match="shown only once"):
        perform(AddPerson("ann", [Grant(roles.VIEWER)]), house.context(root), key="k1")
    kept = str(house.store.query("access/idempotent_write", {"key": "k1", "actor": "root"}))
    assert link.code not in kept


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ann", "a", "ann.smith", "ann+ops@example.com", "x" * 60, "0ann"])
def test_a_plain_name_is_taken(name: str) -> None:
    assert names.checked(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "Ann", "\u0430nn", "\uff41nn", "ann\u202e", "a\u200bnn", "<b>ann</b>", "ann/bob",
        "service/ann", "an\nn",
        "-ann", "ann.", "x" * 61, "unsnag", "system", "ünal", "a b",
        "a'b", "ann\x00",
    ],
)  # fmt: skip
def test_a_name_that_could_be_taken_for_another_is_refused(name: str) -> None:
    with pytest.raises(InvalidPersonError):
        names.checked(name)


@given(st.text(max_size=70))
def test_a_name_that_is_taken_is_plain_ascii_and_no_services(text: str) -> None:
    try:
        name = names.checked(text)
    except InvalidPersonError:
        return
    assert name.isascii()
    assert name == name.lower()
    assert "/" not in name


def test_a_name_is_never_used_again(house: House, root: Actor) -> None:
    add(house, root)
    perform(DisablePerson("ann"), house.context(root))
    with pytest.raises(AlreadyThereError):
        perform(AddPerson("ann", [Grant(roles.VIEWER)]), house.context(root))


# --- passwords ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 201, "aaaaaaaaaaaaaaaa", "password1234", "ann ann ann ann"]
)
def test_a_weak_password_is_refused(house: House, root: Actor, password: str) -> None:
    link = perform(AddPerson("ann", [Grant(roles.VIEWER)]), house.context(root))
    assert link is not None
    with pytest.raises(InvalidPersonError):
        accept(house.as_system(), link.code, password)
    accept(house.as_system(), link.code, SENTENCE)  # the link is still good


def test_what_is_kept_of_a_password_is_argon2id() -> None:
    assert passwords.hashed(SENTENCE, "ann").startswith("$argon2id$")
    assert passwords.hashed(SENTENCE, "ann") != passwords.hashed(SENTENCE, "ann")


def test_no_secret_is_in_the_store_in_clear(house: House, root: Actor) -> None:
    add(house, root)
    token = perform(AddToken("orders", grants=[Grant(roles.WORKER)], days=1), house.context(root))
    secret = sign_in(house.as_system(), "ann", SENTENCE, HOME)
    link = perform(MakeLink("ann"), house.context(root))
    tables = house.store.act(lambda tx: tx.execute("select table_name from duckdb_tables()")).result()
    everything = ""
    for row in tables:
        sql = f'select * from "{row["table_name"]}"'  # noqa: S608 - the store's own names
        everything += str(house.store.act(lambda tx, sql=sql: tx.execute(sql)).result())
    for clear in (SENTENCE, secret, token.text, token.text.split("_", 2)[2], link.code):
        assert clear not in everything


# --- sessions -----------------------------------------------------------------------------------


def test_name_and_password_open_a_session_and_nothing_else_does(house: House, root: Actor) -> None:
    add(house, root)
    assert house.authority.session(sign_in(house.as_system(), " ANN ", SENTENCE, HOME))
    for name, password in (
        ("ann", "wrong"),
        ("ann", ""),
        ("bob", SENTENCE),
        ("", ""),
        ("ann", SENTENCE + " "),
    ):
        with pytest.raises(RefusedSignInError):
            sign_in(house.as_system(), name, password, HOME)


def test_somebody_invited_cannot_sign_in_before_they_chose_a_password(house: House, root: Actor) -> None:
    perform(AddPerson("ann", [Grant(roles.VIEWER)]), house.context(root))
    with pytest.raises(RefusedSignInError):
        sign_in(house.as_system(), "ann", "", HOME)


@given(cut=st.integers(0, 42), put=st.characters(codec="ascii"))
def test_a_secret_with_one_character_changed_is_nobodys(kept: Kept, cut: int, put: str) -> None:
    house, secret = kept.house, kept.secret
    forged = secret[:cut] + put + secret[cut + 1 :]
    assert (house.authority.session(forged) is None) == (forged != secret)
    assert house.authority.session(secret[:cut]) is None


def test_signing_out_ends_this_session_only_and_everywhere_ends_the_others(house: House, root: Actor) -> None:
    ann = add(house, root)
    here, there = house.signed_in("ann", SENTENCE), house.signed_in("ann", SENTENCE)
    sign_out(house.context(here))
    with pytest.raises(SignedOutError):
        house.authority.grants(here)
    assert house.authority.grants(there)
    assert sign_out(house.context(there), others=True) == 1
    with pytest.raises(SignedOutError):
        house.authority.grants(ann)
    assert house.authority.grants(there)


def test_nobody_ends_anothers_session(house: House, root: Actor) -> None:
    ann = add(house, root)
    roots = sessions_of(house.as_system(), "root")[0].id
    assert sign_out(house.context(ann), roots) == 0
    assert house.authority.grants(root)


def test_disabling_ends_all_sessions_and_enabling_brings_the_roles_back(house: House, root: Actor) -> None:
    ann = add(house, root)
    perform(DisablePerson("ann", reason="left"), house.context(root))
    with pytest.raises(SignedOutError):
        house.authority.grants(ann)
    with pytest.raises(RefusedSignInError):
        sign_in(house.as_system(), "ann", SENTENCE, HOME)
    perform(EnablePerson("ann"), house.context(root))
    with pytest.raises(SignedOutError):  # the old session stays ended
        house.authority.grants(ann)
    assert house.authority.grants(house.signed_in("ann", SENTENCE)) == (Grant(roles.OPERATOR),)


def test_a_role_that_is_taken_is_gone_in_open_pages_too(house: House, root: Actor) -> None:
    ann = add(house, root)
    assert house.authority.may(ann, "case.claim")
    perform(GiveRoles("ann", [Grant(roles.VIEWER)]), house.context(root))
    assert not house.authority.may(ann, "case.claim")


def test_the_last_admin_cannot_be_lost(house: House, root: Actor) -> None:
    with pytest.raises(LastAdminError):
        perform(DisablePerson("root"), house.context(root))
    with pytest.raises(LastAdminError):
        perform(GiveRoles("root", [Grant(roles.ADMIN, "acme")]), house.context(root))
    add(house, root, "ann", Grant(roles.ADMIN))
    perform(DisablePerson("root"), house.context(root))
    with pytest.raises(SignedOutError):
        perform(EnablePerson("root"), house.context(root))


def test_a_new_password_ends_the_other_sessions(house: House, root: Actor) -> None:
    ann, other = add(house, root), house.signed_in("ann", SENTENCE)
    with pytest.raises(InvalidPersonError, match="present"):
        change_password(house.context(ann), "wrong", "another honest sentence")
    change_password(house.context(ann), SENTENCE, "another honest sentence")
    assert house.authority.grants(ann)
    with pytest.raises(SignedOutError):
        house.authority.grants(other)
    with pytest.raises(RefusedSignInError):
        sign_in(house.as_system(), "ann", SENTENCE, HOME)


def test_sessions_survive_a_restart_and_ended_ones_stay_ended(tmp_path: Path) -> None:
    house = House(tmp_path)
    link = first_link(house.as_system())
    assert link is not None
    accept(house.as_system(), link.code, SENTENCE, "root")
    kept, gone = (sign_in(house.as_system(), "root", SENTENCE, HOME) for _ in range(2))
    session = house.authority.session(gone)
    assert session is not None
    sign_out(house.context(house.authority.person_of(session.id)))
    house.store.close()
    house = House(tmp_path)
    assert house.authority.session(kept)
    assert house.authority.session(gone) is None
    house.store.close()


# --- time ---------------------------------------------------------------------------------------


def test_a_session_ends_with_its_time_and_with_rest(tmp_path: Path) -> None:
    clock = Clock()
    house = House(tmp_path, SessionLimits(timedelta(hours=12), timedelta(hours=2)), clock)
    secret = _first(house)
    for _ in range(5):
        clock.pass_(timedelta(hours=1, minutes=59))
        session = house.authority.session(secret)
        assert session is not None
        house.directory.note_seen(session.id, clock())
    clock.pass_(timedelta(hours=2, minutes=1))
    assert house.authority.session(secret) is None  # rested too long
    clock.now -= timedelta(hours=2)
    assert house.authority.session(secret)
    clock.pass_(timedelta(hours=2, minutes=10))
    assert house.authority.session(secret) is None  # twelve hours are over
    sessions.sweep(house.as_system())
    assert sessions_of(house.as_system(), "root") == []
    house.store.close()


def test_a_clock_that_goes_back_ends_sessions_rather_than_prolonging_them(tmp_path: Path) -> None:
    clock = Clock()
    house = House(tmp_path, None, clock)
    clock.pass_(timedelta(days=1))
    link = first_link(house.as_system())
    assert link is not None
    accept(house.as_system(), link.code, SENTENCE, "root")
    secret = sign_in(house.as_system(), "root", SENTENCE, HOME)
    past = clock.now - timedelta(days=1, hours=1)
    clock.now = past
    assert house.authority.session(secret) is None
    house.store.close()


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, time: timedelta) -> None:
        self.now += time


# --- floods -------------------------------------------------------------------------------------


def test_wrong_tries_are_slowed_by_name_and_by_address(house: House, root: Actor) -> None:
    add(house, root)
    for _ in range(5):
        with pytest.raises(RefusedSignInError):
            sign_in(house.as_system(), "ann", "wrong", ELSEWHERE)
    with pytest.raises(TooManyTriesError) as refused:
        sign_in(house.as_system(), "ann", SENTENCE, ELSEWHERE)
    assert refused.value.wait_s > 0
    assert sign_in(house.as_system(), "ann", SENTENCE, HOME)  # ann herself, at home, is not locked out


def test_a_throttle_lets_go_with_time_and_keeps_bounded_memory() -> None:
    now = 0.0
    throttle = Throttle(free=2, refill_s=10, clock=lambda: now)
    for _ in range(2):
        throttle.check("k")
        throttle.count("k")
    with pytest.raises(TooManyTriesError):
        throttle.check("k")
    now = 10.1
    throttle.check("k")
    for n in range(20_000):
        throttle.count(str(n))
    assert len(throttle._spent) <= 10_000


# --- tokens -------------------------------------------------------------------------------------


def test_a_token_works_until_it_is_revoked_or_its_time_is_over(house: House, root: Actor) -> None:
    made = perform(AddToken("orders", grants=[Grant(roles.WORKER)], days=1), house.context(root))
    assert house.authority.token(made.text)
    perform(RevokeToken("orders"), house.context(root))
    assert house.authority.token(made.text) is None
    with pytest.raises(TokenNotFoundError):
        perform(RevokeToken("orders"), house.context(root))


def test_a_token_runs_out(tmp_path: Path) -> None:
    clock = Clock()
    house = House(tmp_path, None, clock)
    session = house.authority.session(_first(house))
    assert session is not None
    made = perform(
        AddToken("orders", grants=[Grant(roles.WORKER)], days=1),
        house.context(house.authority.person_of(session.id)),
    )
    assert house.authority.token(made.text)
    clock.pass_(timedelta(days=1, minutes=1))
    assert house.authority.token(made.text) is None
    house.store.close()


def test_rotating_keeps_two_secrets_and_no_more(house: House, root: Actor) -> None:
    first = perform(AddToken("orders", grants=[Grant(roles.WORKER)], days=30), house.context(root))
    second = perform(RotateToken("orders", days=30), house.context(root))
    assert house.authority.token(first.text)
    assert house.authority.token(second.text)
    old = next(token for token in valid_tokens(house.as_system()) if token.id == first.id)
    assert old.expires_at < datetime.now(UTC) + timedelta(hours=25)
    with pytest.raises(AlreadyThereError):
        perform(RotateToken("orders", days=30), house.context(root))
    perform(RevokeToken("orders", secret_id=first.id), house.context(root))
    assert house.authority.token(first.text) is None
    assert house.authority.token(second.text)


@given(cut=st.integers(0, 62), put=st.characters(codec="ascii"))
def test_a_token_with_one_character_changed_is_nobodys(kept: Kept, cut: int, put: str) -> None:
    house, token = kept.house, kept.token
    forged = token[:cut] + put + token[cut + 1 :]
    assert (house.authority.token(forged) is None) == (forged != token)
    assert house.authority.token(token[:cut]) is None


@pytest.mark.parametrize("role", [roles.APPROVER, roles.ADMIN, "", "root"])
def test_a_service_cannot_approve_or_say_who_is_who(house: House, root: Actor, role: str) -> None:
    with pytest.raises(InvalidPersonError):
        perform(AddToken("orders", grants=[Grant(role)], days=1), house.context(root))


def test_a_person_cannot_have_a_services_role_nor_none(house: House, root: Actor) -> None:
    for grants in ([Grant(roles.SENDER)], [Grant("root")], []):
        with pytest.raises(InvalidPersonError):
            perform(AddPerson("ann", grants), house.context(root))
    with pytest.raises(PersonNotFoundError):
        perform(GiveRoles("nobody", [Grant(roles.VIEWER)]), house.context(root))


# --- what is recorded ---------------------------------------------------------------------------


def test_a_refusal_changes_nothing_and_is_recorded(house: House, root: Actor) -> None:
    ann = add(house, root)
    with pytest.raises(ForbiddenError):
        perform(AddPerson("eve", [Grant(roles.ADMIN)]), house.context(ann))
    entries = house.entries()[-2:]
    assert [(row["kind"], row["verb"], row["actor"]) for row in entries] == [
        ("intent", "person.add", "ann"),
        ("decision", "person.add", "ann"),
    ]
    assert '"allowed":"no"' in entries[1]["details"]
    assert "eve" not in house.directory.people


def test_a_loop_of_refusals_does_not_fill_the_audit(house: House, root: Actor) -> None:
    ann = add(house, root)
    before = len(house.entries())
    for _ in range(20):
        with pytest.raises(ForbiddenError):
            perform(DisablePerson("root"), house.context(ann))
    assert len(house.entries()) == before + 2


def test_who_signed_in_and_who_failed_to_is_recorded_without_the_password(house: House, root: Actor) -> None:
    add(house, root)
    with pytest.raises(RefusedSignInError):
        sign_in(house.as_system(), "ann", "a wrong sentence", ELSEWHERE)
    with pytest.raises(RefusedSignInError):
        sign_in(house.as_system(), "<script>", "a wrong sentence", ELSEWHERE)
    entries = house.entries()
    assert entries[-1]["verb"] == "sign-in refused"
    assert entries[-1]["actor_type"] == "unknown"
    assert "a wrong sentence" not in str(entries)
    assert "<script>" not in str(entries)


# --- OpenID -------------------------------------------------------------------------------------


def test_a_person_who_was_added_takes_their_place_and_is_known_by_subject_then(
    house: House, root: Actor
) -> None:
    assert perform(AddPerson("ann", [Grant(roles.OPERATOR)], openid=True), house.context(root)) is None
    begin_by_openid(house.as_system(), OpenIdPerson("https://idp", "sub-1", "Ann"), HOME)
    assert house.directory.people["ann"].subject == "sub-1"
    begin_by_openid(
        house.as_system(), OpenIdPerson("https://idp", "sub-1", "renamed"), HOME
    )  # the name may change there
    with pytest.raises(RefusedSignInError):  # another subject of the same name is somebody else
        begin_by_openid(house.as_system(), OpenIdPerson("https://idp", "sub-2", "ann"), HOME, "viewer")
    with pytest.raises(RefusedSignInError):
        sign_in(house.as_system(), "ann", "", HOME)


@pytest.mark.usefixtures("root")
def test_a_stranger_comes_in_only_where_new_people_may(house: House) -> None:
    with pytest.raises(RefusedSignInError):
        begin_by_openid(house.as_system(), OpenIdPerson("https://idp", "sub-9", "newcomer"), HOME)
    begin_by_openid(house.as_system(), OpenIdPerson("https://idp", "sub-9", "newcomer"), HOME, "viewer")
    assert house.directory.people["newcomer"].grants == (Grant(roles.VIEWER),)


@pytest.mark.usefixtures("root")
def test_the_provider_cannot_take_the_place_of_somebody_with_a_password(house: House) -> None:
    with pytest.raises(RefusedSignInError):
        begin_by_openid(house.as_system(), OpenIdPerson("https://idp", "sub-1", "root"), HOME, "viewer")
    with pytest.raises(InvalidPersonError):
        begin_by_openid(
            house.as_system(), OpenIdPerson("https://idp", "sub-3", "r\u043e\u043et"), HOME, "viewer"
        )


def test_a_disabled_person_is_not_let_in_by_the_provider(house: House, root: Actor) -> None:
    perform(AddPerson("ann", [Grant(roles.OPERATOR)], openid=True), house.context(root))
    begin_by_openid(house.as_system(), OpenIdPerson("https://idp", "sub-1", "ann"), HOME)
    perform(DisablePerson("ann"), house.context(root))
    with pytest.raises(RefusedSignInError):
        begin_by_openid(house.as_system(), OpenIdPerson("https://idp", "sub-1", "ann"), HOME)


# --- aids ---------------------------------------------------------------------------------------


def _first(house: House) -> str:
    link = first_link(house.as_system())
    assert link is not None
    accept(house.as_system(), link.code, SENTENCE, "root")
    return sign_in(house.as_system(), "root", SENTENCE, HOME)
