"""The dashboard's frame: pages, who I am, the strip. Streamlit runs this file for each visit."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException, StopException

from data.errors import UnsnagError
from views import business, collecting, exceptions, trace
from views.kit import words
from views.kit.person import who
from views.kit.strip import strip

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

_LOG: Final = logging.getLogger("unsnag.views")
_STATIC: Final = Path(__file__).parent / "static"
_STYLE: Final = """<style>
.block-container {padding: 1.1rem 2.25rem 2rem; max-width: 1760px;}
header[data-testid="stHeader"] {height: 0; min-height: 0; background: transparent;}
[data-testid="stSidebarUserContent"] {padding-top: 0.5rem;}
.st-key-case_panel {max-height: 80vh; overflow-y: auto; scrollbar-width: thin;}
@media (max-width: 1180px) {
    [data-testid="stLayoutWrapper"]:has(> .st-key-case_panel) {width: 100% !important; flex: 1 1 100%;}
    .st-key-queue_box {min-width: 100%;}
}
</style>"""


def main() -> None:
    """Draw the frame and the page that the address names."""
    st.set_page_config(page_title="Unsnag", page_icon=str(_STATIC / "favicon.svg"), layout="wide")
    st.logo(str(_STATIC / "logo.svg"), icon_image=str(_STATIC / "favicon.svg"), size="large")
    st.html(_STYLE)
    chosen = st.navigation(
        {
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
            "System": [
                st.Page(
                    collecting.page, title="Collectors", icon=":material/sensors:", url_path="collectors"
                ),
            ],
        }
    )
    with st.sidebar:
        st.markdown(f":material/person: **{words.escape(who().name)}**  \n[Not you?](/me)")
    strip()
    _run(chosen)


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
