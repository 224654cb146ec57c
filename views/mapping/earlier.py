"""What came before: a mapping applied to the records of the last days, with its progress."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

import streamlit as st

from collectors.applying import DONE, MOST_DAYS, RUNNING
from data import formats
from data.errors import UnsnagError
from server import mappings
from server.mappings import NOTHING
from views.kit.acting import say
from views.kit.markdown import escape
from views.kit.person import context

if TYPE_CHECKING:
    from collectors.applying import MappingJob
    from server.context import ServerContext
    from server.mappings import MappingHistory

_DAYS: Final = "mapping_days"
_SHOWN: Final = 3


def earlier(ctx: ServerContext, found: MappingHistory) -> None:
    """Draw the request for earlier records, and how far the last ones are."""
    may = ctx.may("mapping.change")
    if not found.jobs and (not may or (found.now.counts == NOTHING and not found.uses)):
        return
    st.subheader("Earlier records", anchor=False)
    is_running = any(job.state == RUNNING for job in found.jobs)
    if may:
        st.caption(
            "What counts now can be applied to log records that came before, and to records in quarantine. "
            "Records keep what they state themselves; times, spans and what was masked stay as they are."
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.number_input("Days back", 1, MOST_DAYS, 7, key=_DAYS, width=140)
            st.button(
                "Apply to earlier records",
                icon=":material/history:",
                disabled=is_running,
                on_click=_apply,
                args=(found.now.name,),
            )
    for job in found.jobs[:_SHOWN]:
        _progress(ctx, job)


def _progress(ctx: ServerContext, job: MappingJob) -> None:
    text = f"{job.looked_at:,} of {formats.count(job.total, 'record')} looked at, {job.changed:,} changed"
    if job.quarantined:
        text += f"; {job.taken:,} of {job.quarantined:,} taken from quarantine"
    if job.state == RUNNING:
        st.progress(min(job.looked_at / job.total, 1.0) if job.total else 1.0, text)
        return
    moment = formats.clock(job.until, ctx.settings.zone, ctx.now())
    mark = ":green[:material/check_circle:]" if job.state == DONE else ":red[:material/error:]"
    reason = f" {escape(job.error)}" if job.error else ""
    st.markdown(f"{mark} **{escape(job.requested_by)}** :gray[{moment}] {text}.{reason}")


def _apply(name: str) -> None:
    try:
        job = mappings.apply(context(), name, int(st.session_state[_DAYS]), key=uuid.uuid4().hex)
    except UnsnagError as error:
        say(escape(str(error)), ":material/warning:")
        return
    say(f"{formats.count(job.total, 'record')} to look at", ":material/history:")
