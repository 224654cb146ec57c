"""Mapping: an editor beside the last lines of a source, with the result as one types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from collectors.kept_mappings import MOST_NOTE, SaveMapping
from server import mappings
from server.mappings import FILE, NOTHING, SAVED, MappingNotFoundError
from unsnag.masking import mask_text
from views.components.editor import editor
from views.components.live import live
from views.kit.acting import show_messages
from views.kit.empty import empty
from views.kit.markdown import escape
from views.kit.person import context, page_context
from views.kit.saving import saving_row, written
from views.kit.state import choose, param, preset
from views.kit.title import title
from views.mapping.acting import change
from views.mapping.draft import draft_of
from views.mapping.earlier import earlier
from views.mapping.history import history
from views.mapping.result import result

if TYPE_CHECKING:
    from server.context import ServerContext
    from server.mappings import MappingHistory
    from views.mapping.draft import Draft

_NOTE: Final = "mapping_note"
_OF_RESOURCES: Final = "otlp"
_STYLE: Final = """<style>
@media (max-width: 1100px) {
    .st-key-mapping_bench [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"]) {
        flex-direction: column;
    }
    .st-key-mapping_bench [data-testid="stColumn"] {width: 100% !important; flex: 1 1 100% !important;}
}
</style>"""


def page() -> None:
    """Draw the page."""
    st.html(_STYLE)
    row = title("Mapping")
    show_messages()
    ctx = page_context()
    names = _names(ctx)
    if not names:
        empty(
            ":material/conversion_path:",
            "Which attribute of foreign telemetry is the ID, the flow, the value.",
            "No source is configured that could have a mapping.",
            "Add a log file or a folder to the config file, or send OpenTelemetry.",
            "[Connect something](/connect)",
        )
        return
    name = param("name") or (mappings.name_for(ctx, param("source")) if param("source") else names[0])
    with row:
        _chooser(names, name)
    _bench(name)


def _names(ctx: ServerContext) -> list[str]:
    """Return the names of all mappings, also of those that sources would use."""
    collectors = ctx.container.collectors
    of_sources = [] if collectors is None else [mappings.name_for(ctx, one) for one in collectors.mappable()]
    return sorted({*of_sources, *(one.name for one in mappings.listed(ctx))})


def _chooser(names: list[str], name: str) -> None:
    key = "mapping_chosen"
    preset(key, name)
    st.selectbox(
        "Mapping",
        list(dict.fromkeys([*names, name])),
        key=key,
        width=240,
        label_visibility="collapsed",
        on_change=lambda: choose("name", st.session_state[key], source=None),
    )


@st.fragment
def _bench(name: str) -> None:
    """Draw the lines, the editor and the result; it runs again with every pause in typing."""
    show_messages()
    ctx = page_context()
    try:
        found = mappings.history(ctx, name)
    except MappingNotFoundError as error:
        empty(
            ":material/conversion_path:",
            "Which attribute of foreign telemetry is the ID, the flow, the value.",
            escape(str(error)),
            "Choose a mapping above, or open one from the page Collectors.",
            "[Collectors](/collectors)",
        )
        return
    now = found.now
    source = param("source") or (now.sources[0] if now.sources else _OF_RESOURCES)
    draft = draft_of(ctx, now, source)
    may = ctx.may("mapping.change")
    faults = draft.faults()
    with st.container(key="mapping_bench"):
        lines, text = st.columns(2, gap="medium")
        with lines:
            _lines(ctx, draft)
        with text:
            _origin(found, draft)
            editor(draft.text, key=draft.key, token=draft.token, faults=faults, read_only=not may)
            _saving(found, draft, may=may, is_good=not faults)
    _result(draft, ctx.settings.zone, has_faults=bool(faults))
    earlier(ctx, found)
    history(ctx, found, draft)
    live("mapping", key="mapping_live")


def _result(draft: Draft, zone: str, *, has_faults: bool) -> None:
    """Draw what the text makes of the lines, or its last form that could be read."""
    st.subheader("What becomes of these lines", anchor=False)
    if not draft.sample.lines:
        st.caption("Nothing to try it on yet.")
    elif draft.good is None:
        st.caption("Correct the text above: the result is shown as soon as it can be read.")
    else:
        if has_faults:
            st.caption(":orange[As the text was before its last error.]")
        result(draft.sample, draft.good, zone)


def _lines(ctx: ServerContext, draft: Draft) -> None:
    """Show the last lines, masked, and what stands in them."""
    sample = draft.sample
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**Last lines of {escape(draft.source)}**", width="stretch")
        st.button(
            "Read again", icon=":material/refresh:", type="tertiary", on_click=_read_again, args=(draft,)
        )
    if not sample.lines:
        if ctx.reading.scope is not None:
            why = "Only users with access to everything can see lines: nobody knows whose they are."
        else:
            why = "This source has brought nothing yet."
        empty(":material/notes:", "The lines that the mapping is tried on.", why, "Read again later.")
        return
    text = "\n".join(mask_text(line.decode("utf-8", "replace")) for line in sample.lines)
    st.code(text, language=None, line_numbers=True, height=300)
    where = f"The newest file: {escape(sample.path)}" if sample.path else "Made of the newest records"
    st.caption(f"{where}. Personal data is masked here; the mapping reads what came.")
    _seen(draft, may=ctx.may("mapping.change"))


def _read_again(draft: Draft) -> None:
    draft.read_again(context())


def _seen(draft: Draft, *, may: bool) -> None:
    """List what may be the ID, and the attributes that were seen."""
    proposal = draft.proposal
    if proposal.candidates:
        st.markdown("**What may be the ID**")
    for place, one in enumerate(proposal.candidates):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            total = len(draft.sample.lines)
            st.markdown(
                f"{escape(one.what)}, in {one.lines} of {total} lines, such as **{escape(one.example)}**",
                width="stretch",
            )
            st.button(
                "Use",
                key=f"mapping_use_{place}",
                disabled=not may,
                on_click=draft.use_as_id,
                args=(one.rule,),
                help="Puts it into the mapping as correlation_id",
            )
    if proposal.seen:
        with st.expander(f"Attributes seen: {len(proposal.seen)}", icon=":material/data_object:"):
            st.dataframe(
                [
                    {"Attribute": one.name, "Lines": one.lines, "Values": one.values, "Example": one.example}
                    for one in proposal.seen
                ],
                hide_index=True,
                width="stretch",
            )


def _origin(found: MappingHistory, draft: Draft) -> None:
    """Say what counts now, and whether somebody was faster."""
    now = found.now
    words = {
        SAVED: f"Version {now.version} counts, by {escape(now.changed_by or '')}",
        FILE: "The config file's mapping counts; saving makes a copy in the store, which then counts",
        NOTHING: "No mapping counts yet; this is a proposal made of the lines",
    }
    used = f"for {', '.join(map(escape, now.sources))}" if now.sources else "for resources of OTLP that match"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**Mapping {escape(now.name)}**, {used}  \n:gray[{words[now.counts]}.]", width="stretch")
        st.button(
            "Propose",
            icon=":material/auto_awesome:",
            type="tertiary",
            disabled=not draft.sample.lines,
            on_click=draft.load,
            args=(draft.proposal.text,),
            help="Replaces the text by one made of the lines",
        )
    if now.revision != draft.revision:
        st.warning(
            f"{escape(now.changed_by or '')} changed this mapping meanwhile. Your text is still here.",
            icon=":material/group:",
        )
        with st.container(horizontal=True, gap="small"):
            st.button("Load theirs", on_click=draft.load, args=(now.text, now))
            st.button("Keep mine", on_click=draft.rest_on, args=(now,))


def _saving(found: MappingHistory, draft: Draft, *, may: bool, is_good: bool) -> None:
    """Offer to save the text as a version."""
    if not may:
        st.caption(":material/lock: Changing mappings needs the approver role. You can look at it here.")
        return
    now = found.now
    is_new = now.counts != SAVED or draft.current() != now.text
    newest = found.versions[0].version if found.versions else 0
    saving_row(
        newest + 1,
        _save,
        (draft, newest + 1),
        note=_NOTE,
        longest=MOST_NOTE,
        can_save=is_good and is_new and now.revision == draft.revision,
    )
    if is_good and is_new:
        st.caption("Not saved yet. A saved mapping counts for what arrives from then on.")


def _save(draft: Draft, version: int) -> None:
    text = draft.current()
    if change(
        draft, SaveMapping(draft.name, draft.revision, written(_NOTE), text), f"Version {version} counts now"
    ):
        draft.load(text)
        st.session_state[_NOTE] = ""
