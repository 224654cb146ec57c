"""A page over a slow line: what the server sends can be held back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.journeys.browsing import settle
from tests.views.test_components_browser import WAIT_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.serving import Server


def eventually_on(page: Page, is_true: Callable[[], bool]) -> None:
    """Wait until something is true, while the page's socket goes on."""
    for _ in range(600):
        if is_true():
            return
        page.wait_for_timeout(100)
    assert is_true()


def _ends_run(message: str | bytes) -> bool:
    assert isinstance(message, bytes)
    return ForwardMsg.FromString(message).WhichOneof("type") == "script_finished"


class SlowLine:
    """The socket of a page: what goes over it can be held back."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.asked = 0
        self._holds = False
        self._held: list[str | bytes] = []
        page.route_web_socket("**/_stcore/stream", self._connect)

    def _connect(self, socket: WebSocketRoute) -> None:
        self._socket, server = socket, socket.connect_to_server()
        socket.on_message(lambda message: self._ask(server, message))
        server.on_message(self._answer)

    def _ask(self, server: WebSocketRoute, message: str | bytes) -> None:
        self.asked += 1
        server.send(message)

    def _answer(self, message: str | bytes) -> None:
        if self._holds:
            self._held.append(message)
        else:
            self._socket.send(message)

    def hold(self) -> None:
        """Hold back what the server sends."""
        self.asked, self._holds = 0, True

    def wait_for_requests(self, times: int) -> None:
        """Wait until the page has asked the server so often."""
        eventually_on(self._page, lambda: self.asked >= times)

    def wait_for_answers(self, times: int) -> None:
        """Wait until the server has ended so many runs, of which what it sends is held back."""
        eventually_on(self._page, lambda: sum(map(_ends_run, self._held)) >= times)

    def deliver_run(self) -> None:
        """Deliver what was held back, up to the end of the first run."""
        while not _ends_run(self._deliver()):
            pass

    def go_on(self) -> None:
        """Deliver what was held back, and all that follows."""
        self._holds = False
        while self._held:
            self._deliver()

    def _deliver(self) -> str | bytes:
        message = self._held.pop(0)
        self._socket.send(message)
        return message


def arrived(started: Browser) -> Page:
    page = started.new_context(extra_http_headers={"X-Unsnag-Actor": "ann"}).new_page()
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    return page


def opened(server: Server, started: Browser) -> Page:
    page = arrived(started)
    page.goto(server.address)
    settle(page)
    return page
