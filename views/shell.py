"""The dashboard's frame: navigation, user and strip. Streamlit runs this file for each visit."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException, StopException

from access.errors import SignedOutError
from data.errors import UnsnagError
from server.container import current
from views import account, actions, audit, collectors, people
from views.batches import page as batches
from views.business import page as business
from views.connect import page as connect
from views.exceptions import page as exceptions
from views.flows import page as flows
from views.kit.empty import empty
from views.kit.leaving import sign_out_button
from views.kit.markdown import escape
from views.kit.person import who
from views.kit.strip import strip
from views.mapping import page as mapping
from views.review import page as review
from views.trace import page as trace

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

    from server.context import ServerContext

_LOG: Final = logging.getLogger("unsnag.views")
_STATIC: Final = Path(__file__).parent / "static"
_STYLE: Final = """<style>
.block-container {padding: 1.1rem 2.25rem 2rem; max-width: 1760px;}
header[data-testid="stHeader"] {height: 0; min-height: 0; background: transparent;}
[data-testid="stSidebarUserContent"] {padding-top: 0.5rem;}
[data-testid="stElementToolbarButton"] [aria-label="Download as CSV"] {display: none;}
[data-testid="stCaptionContainer"] span[role="img"] {display: inline !important;}
.st-key-case_panel {max-height: 80vh; overflow-y: auto; scrollbar-width: thin;}
.st-key-page_title h1 {min-height: 44px; line-height: 44px; padding: 0;}
[data-testid="stSidebarNavLink"][aria-current="page"] {box-shadow: inset 3px 0 0 currentColor;}
[data-testid="stSidebarNavLink"]:focus-visible {
    outline: 2px solid currentColor !important; outline-offset: 1px;
}
@media (max-width: 1180px) {
    [data-testid="stLayoutWrapper"]:has(> .st-key-case_panel) {
        width: 100% !important; flex: 1 1 100%; order: -1;
    }
    .st-key-queue_box {min-width: 100%;}
}
@media (max-width: 768px) {
    header[data-testid="stHeader"] {height: 2.75rem; min-height: 2.75rem;}
    .block-container {padding: 3.1rem 1rem 2rem;}
    .st-key-filters > div {flex: 1 1 45%; min-width: 0;}
    .st-key-filters > div:has(.st-key-search_box), .st-key-filters > .st-key-audit_q {flex-basis: 100%;}
    .st-key-search_box {width: 100% !important;}
    .st-key-column_width {display: none;}
}
</style>"""

_DARK: Final = """<style>
button[kind^="primary"]:enabled, button[kind^="primary"]:enabled * {color: #0E1016 !important;}
</style>"""
"""White on the light violet of the dark theme has 3 to 1; this has 6.5."""


def main() -> None:
    """Draw the frame and the page that the address names."""
    st.set_page_config(page_title="Unsnag", page_icon=str(_STATIC / "favicon.svg"), layout="wide")
    st.html(_STYLE + (_DARK if st.context.theme.type == "dark" else ""))
    try:
        ctx = current().context(who())
    except SignedOutError:
        _signed_out()
        return
    except UnsnagError as error:
        st.error(escape(str(error)), icon=":material/error:")
        return
    st.logo(str(_STATIC / "logo.svg"), icon_image=str(_STATIC / "favicon.svg"), size="large")
    chosen = st.navigation(_pages(ctx), expanded=True)
    with st.sidebar:
        _person(ctx)
    strip()
    _run(chosen)


def _pages(ctx: ServerContext) -> dict[str, list[StreamlitPage]]:
    """List the pages that this person may open; each page and each act checks again."""
    system = [
        st.Page(connect.page, title="Connect", icon=":material/cable:", url_path="connect"),
        st.Page(collectors.page, title="Collectors", icon=":material/sensors:", url_path="collectors"),
        st.Page(mapping.page, title="Mapping", icon=":material/conversion_path:", url_path="mapping"),
        st.Page(audit.page, title="Audit", icon=":material/history:", url_path="audit"),
    ]
    if ctx.may("person.change"):
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
            st.Page(batches.page, title="Batches", icon=":material/stacks:", url_path="batches"),
            st.Page(actions.page, title="My actions", icon=":material/checklist:", url_path="actions"),
            st.Page(trace.page, title="Trace", icon=":material/account_tree:", url_path="trace"),
        ],
        "Review": [
            st.Page(review.page, title="Weekly review", icon=":material/event_note:", url_path="review"),
            st.Page(business.page, title="Business", icon=":material/monitoring:", url_path="business"),
            st.Page(flows.page, title="Flows", icon=":material/schema:", url_path="flows"),
        ],
        "System": system,
    }


def _person(ctx: ServerContext) -> None:
    name = escape(ctx.actor.name)
    if ctx.container.authority.local:
        st.markdown(f":material/person: **{name}**  \n[Not you?](/me)")
        return
    st.markdown(f":material/person: **{name}**")
    sign_out_button("leave")


def _signed_out() -> None:
    st.navigation([st.Page(lambda: None, title="Signed out", url_path="signed-out")], position="hidden")
    st.space("large")
    empty(
        ":material/logout:",
        "You are signed out.",
        "Your session ended: you signed out, it expired, or an admin ended it. Your work is saved.",
        "Sign in again to continue.",
    )
    # A link, not a button: without a session this page can load nothing more.
    st.html('<p style="text-align:center"><a href="/sign-in" target="_self"><b>Sign in</b></a></p>')


def _run(chosen: StreamlitPage) -> None:
    try:
        chosen.run()
    except (RerunException, StopException):
        raise
    except UnsnagError as error:
        st.error(escape(str(error)), icon=":material/error:")
    except Exception:  # noqa: BLE001 - a broken page shows an error inside an intact frame
        incident = uuid.uuid4().hex[:12]
        _LOG.exception("page.failed incident=%s", incident)
        st.error(
            f"This page failed. No data is lost and the other pages work. "
            f"The server log holds the details under the incident `{incident}`.",
            icon=":material/report:",
        )


main()
