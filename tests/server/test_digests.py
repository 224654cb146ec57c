"""Digests go to a real SMTP server and a real HTTP receiver: once, again on failure, no secret logged."""

from __future__ import annotations

import http.server
import threading
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from aiosmtpd.controller import Controller

from access.commands import perform
from data.secrets import SecretFileError
from kpis.targets import SetTarget
from server.digest import due_week
from server.digesting import BeginDelivery, Digests, addresses
from tests.app import app, local
from tests.journeys.serving import free_port
from tests.server.team import OWN
from tests.telemetry import batch, failure, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from server.container import Container

# A part of apprise imports a module that Python 3.13 no longer has; it does without it there.
pytestmark = [pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")]

SECRET = "hunter2-and-more"  # noqa: S105 - looked for where it must not be
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""The week 2026-W47, in which all tests' records lie, is over."""


class Receiver:
    """An HTTP server that keeps what it gets, and refuses while `status` says so."""

    def __init__(self) -> None:
        self.status, self.got = 200, list[dict[str, Any]]()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.got.append(orjson.loads(body))
                self.send_response(owner.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"json://user:{SECRET}@127.0.0.1:{self.server.server_port}/hook"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Mailbox:
    """What an SMTP server took."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, _server: object, _session: object, envelope: Any
    ) -> str:
        self.taken.append(envelope.content)
        return "250 taken"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def mail() -> Iterator[tuple[str, Mailbox]]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield (
        f"mailto://127.0.0.1:{controller.port}?mode=insecure&from=unsnag@example.com&to=ops@example.com",
        box,
    )
    controller.stop()


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Container]:
    urls = tmp_path / "urls"
    variables = {"UNSNAG_DIGEST__URLS": str(urls), "UNSNAG_ZONE": "UTC"}
    with app(local(tmp_path, **variables)) as container:
        container.store.append(
            batch(failure(1), *(success(30 + n, f"SO-{n}") for n in range(2, 40)))
        ).result()
        perform(SetTarget("K19", 99.9, "orders team"), container.context(OWN))
        yield container


def write(container: Container, *lines: str) -> None:
    path = container.settings.digest.urls
    assert path is not None
    path.touch(mode=0o600)
    path.write_text("# where digests go\n" + "\n".join(lines) + "\n")


def begun(container: Container) -> Digests:
    """Return what sends digests, without its thread."""
    made = Digests(container.settings)
    made._ctx = container.as_system()
    return made


def states(container: Container) -> list[tuple[str, str, int]]:
    rows = container.store.query("server/digests", {"week": None})
    return sorted((row["kind"], row["state"], row["attempt"]) for row in rows)


@pytest.mark.parametrize(
    ("now", "zone", "week"),
    [
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), "UTC", "2026-W47"),
        (datetime(2026, 11, 23, 7, 59, tzinfo=UTC), "UTC", None),  # that of the week before is too old
        (datetime(2026, 11, 23, 7, 0, tzinfo=UTC), "Europe/Berlin", "2026-W47"),
        (datetime(2026, 11, 26, 8, 0, tzinfo=UTC), "UTC", "2026-W47"),
        (datetime(2026, 11, 26, 8, 1, tzinfo=UTC), "UTC", None),
        (datetime(2026, 3, 30, 6, 0, tzinfo=UTC), "Europe/Berlin", "2026-W13"),  # summer time began
        (datetime(2026, 3, 30, 5, 59, tzinfo=UTC), "Europe/Berlin", None),
        (datetime(2027, 1, 4, 8, 0, tzinfo=UTC), "UTC", "2026-W53"),
    ],
)
def test_it_is_due_on_its_weekday_by_the_clock_of_the_business(
    now: datetime, zone: str, week: str | None
) -> None:
    assert due_week(now, zone, "monday", time(8)) == week


def test_it_goes_to_mail_and_webhook_once(
    center: Container, receiver: Receiver, mail: tuple[str, Mailbox], caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    address, box = mail
    write(center, receiver.url, address)
    made = begun(center)
    made.look(MONDAY - timedelta(hours=2))
    assert (receiver.got, box.taken) == ([], [])
    for hours in (0, 1, 30):
        made.look(MONDAY + timedelta(hours=hours))
    begun(center).look(MONDAY + timedelta(hours=31))  # after a restart
    assert states(center) == [("json", "sent", 1), ("mailto", "sent", 1)]
    (posted,), (raw,) = receiver.got, box.taken
    assert posted["title"] == "Unsnag: weekly review 2026-W47"
    letter = message_from_bytes(raw, policy=policy.default)
    assert letter["To"] == "ops@example.com"
    text = letter.get_body(("plain", "html"))
    assert text is not None
    for body in (posted["message"], text.get_content()):
        assert "/review?week=2026-W47" in body
        assert "Success rate: 97.4 %, target 99.9 %" in body
        assert "orders team" in body
    entries = [
        (one["verb"], one["subject"])
        for one in center.store.act(lambda tx: tx.execute("select * from audit order by seq")).result()
        if one["kind"] == "effect"
    ]
    assert entries[-2:] == [("digest sent", "week:2026-W47")] * 2
    kept = str(center.store.act(lambda tx: tx.execute("select * from digest_delivery")).result())
    shown = caplog.text + kept + str(capfd.readouterr()) + str(addresses(center.settings.digest.urls))
    assert SECRET not in shown


def test_what_fails_is_tried_again_later_and_given_up_in_the_end(
    center: Container, receiver: Receiver
) -> None:
    write(center, receiver.url)
    made, posts = begun(center), receiver.got
    receiver.status = 500
    made.look(MONDAY)
    tried = len(posts)
    assert tried
    assert states(center) == [("json", "failed", 1)]
    assert made.trouble is not None
    assert "could not be delivered by json. It is tried again." in made.trouble
    made.look(MONDAY)
    assert len(posts) == tried  # ten minutes have not passed
    later = Digests(center.settings.model_copy(deep=True))
    later._settings.digest.retry_minutes, later._ctx = 1e-9, made._ctx
    later.look(MONDAY)
    assert states(center) == [("json", "failed", 2)]
    receiver.status = 200
    later.look(MONDAY)
    assert states(center) == [("json", "sent", 3)]
    assert later.trouble is None
    before = len(posts)
    later.look(MONDAY)
    assert len(posts) == before


def test_it_is_given_up_after_its_tries(center: Container) -> None:
    write(center, f"json://user:{SECRET}@127.0.0.1:1/nobody", "no address at all")
    made = begun(center)
    made._settings.digest.retry_minutes = 1e-9
    for _ in range(8):
        made.look(MONDAY)
    assert [(state, attempt) for _, state, attempt in states(center)] == [("failed", 6)] * 2
    assert made.trouble is not None
    assert "given up" in made.trouble


def test_one_that_a_crash_interrupted_is_never_sent_again(center: Container, receiver: Receiver) -> None:
    write(center, receiver.url)
    (to,) = addresses(center.settings.digest.urls)
    assert perform(BeginDelivery("2026-W47", to.target, to.kind, 6, 600), center.as_system()) == 1
    begun(center).look(MONDAY)
    assert states(center) == [("json", "unknown", 1)]
    assert receiver.got == []


def test_a_file_that_others_may_read_is_refused(center: Container, receiver: Receiver) -> None:
    write(center, receiver.url)
    path = center.settings.digest.urls
    assert path is not None
    path.chmod(0o644)
    with pytest.raises(SecretFileError):
        begun(center).look(MONDAY)
    assert receiver.got == []
