"""The dashboard's frame: pages, who I am, the strip. Streamlit runs this file for each visit."""

from __future__ import annotations

import contextlib
import logging
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException, StopException

from access.errors import SignedOutError
from data.errors import UnsnagError
from server.center import current
from views import account, business, collecting, exceptions, people, trace, trail
from views.kit import words
from views.kit.empty import empty
from views.kit.person import who
from views.kit.strip import strip

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

    from server.center import Seat

_LOG: Final = logging.getLogger("unsnag.views")
_STATIC: Final = Path(__file__).parent / "static"
_STYLE: Final = """<style>
.block-container {padding: 1.1rem 2.25rem 2rem; max-width: 1760px;}
header[data-testid="stHeader"] {height: 0; min-height: 0; background: transparent;}
[data-testid="stSidebarUserContent"] {padding-top: 0.5rem;}
[data-testid="stElementToolbarButton"] [aria-label="Download as CSV"] {display: none;}
.st-key-case_panel {max-height: 80vh; overflow-y: auto; scrollbar-width: thin;}
@media (max-width: 1180px) {
    [data-testid="stLayoutWrapper"]:has(> .st-key-case_panel) {width: 100% !important; flex: 1 1 100%;}
    .st-key-queue_box {min-width: 100%;}
}
@media (max-width: 768px) {
    header[data-testid="stHeader"] {height: 2.75rem; min-height: 2.75rem;}
    .block-container {padding: 3.1rem 1rem 2rem;}
    .st-key-filters > div {flex: 1 1 45%; min-width: 0;}
    .st-key-filters > .st-key-filter_q {flex-basis: 100%;}
}
</style>"""


def main() -> None:
    """Draw the frame and the page that the address names."""
    st.set_page_config(page_title="Unsnag", page_icon=str(_STATIC / "favicon.svg"), layout="wide")
    st.html(_STYLE)
    try:
        seat = current().seat(who())
    except SignedOutError:
        _signed_out()
        return
    except UnsnagError as error:
        st.error(words.escape(str(error)), icon=":material/error:")
        return
    st.logo(str(_STATIC / "logo.svg"), icon_image=str(_STATIC / "favicon.svg"), size="large")
    chosen = st.navigation(_pages(seat))
    with st.sidebar:
        _person(seat)
    strip()
    _run(chosen)


def _pages(seat: Seat) -> dict[str, list[StreamlitPage]]:
    """List the pages that this person may open; each page and every act asks again."""
    system = [
        st.Page(collecting.page, title="Collectors", icon=":material/sensors:", url_path="collectors"),
        st.Page(trail.page, title="Audit", icon=":material/history:", url_path="audit"),
    ]
    if seat.may("person.change"):
        system.append(st.Page(people.page, title="People", icon=":material/group:", url_path="people"))
    system.append(
        st.Page(account.page, title="Account", icon=":material/account_circle:", url_path="account")
    )
    return {
        "Operate": [
            st.Page(
                exceptions.page,
                title="Exceptions",
                icon=":material/inbox:",
                url_path="exceptions",
                default=True,
            ),
            st.Page(trace.page, title="Trace", icon=":material/account_tree:", url_path="trace"),
        ],
        "Review": [
            st.Page(business.page, title="Business", icon=":material/monitoring:", url_path="business"),
        ],
        "System": system,
    }


def _person(seat: Seat) -> None:
    name = words.escape(seat.actor.name)
    if seat.center.authority.local:
        st.markdown(f":material/person: **{name}**  \n[Not you?](/me)")
        return
    st.markdown(f":material/person: **{name}**")
    st.button("Sign out", icon=":material/logout:", type="tertiary", on_click=_sign_out, key="leave")


def _sign_out() -> None:
    with contextlib.suppress(SignedOutError):
        current().sessions.end(who())


def _signed_out() -> None:
    st.navigation([st.Page(lambda: None, title="Signed out", url_path="signed-out")], position="hidden")
    st.space("large")
    empty(
        ":material/logout:",
        "You are signed out.",
        "Your session has ended: by you, by time, or by an admin. Nothing you did is lost.",
        "Sign in again to go on.",
    )
    # A link, not a button: whatever this page has not loaded yet, it cannot load any more.
    st.html('<p style="text-align:center"><a href="/sign-in" target="_self"><b>Sign in</b></a></p>')


def _run(chosen: StreamlitPage) -> None:
    try:
        chosen.run()
    except (RerunException, StopException):
        raise
    except UnsnagError as error:
        st.error(words.escape(str(error)), icon=":material/error:")
    except Exception:  # noqa: BLE001 - a broken page says so and leaves the frame standing
        incident = uuid.uuid4().hex[:12]
        _LOG.exception("page.failed incident=%s", incident)
        st.error(
            f"This page broke. The incident `{incident}` is in the server's log; the other pages go on.",
            icon=":material/report:",
        )


main()
