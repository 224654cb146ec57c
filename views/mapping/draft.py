"""The draft of a mapping: what a person edits, and on which revision it rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from collectors import mapping_text
from collectors.mapping_text import BadMappingError, Fault
from collectors.proposal import Proposal, propose
from server import mappings
from server.mappings import NOTHING, MappingView
from views.components.editor import typed

if TYPE_CHECKING:
    from collectors.latest import Lines
    from collectors.sections import MappingSettings
    from server.context import ServerContext

EDITOR: Final = "mapping_editor"
_DRAFT: Final = "unsnag_mapping_draft"


@dataclass(slots=True)
class Draft:
    """What is edited. It stays while the page runs again, until another mapping or source is opened."""

    name: str
    source: str
    sample: Lines
    proposal: Proposal
    text: str
    """As it was loaded."""
    revision: int
    """The revision that it rests on."""
    token: int = 0
    """Another one each time that a text is loaded."""
    good: MappingSettings | None = None
    """What the text stood for when it last had no fault."""

    @property
    def key(self) -> str:
        """The key of its editor."""
        return EDITOR

    def load(self, text: str, now: MappingView | None = None) -> None:
        """Let a text stand in the editor; with `now` it rests on what counts now."""
        self.text = text
        self.token += 1
        if now is not None:
            self.revision = now.revision

    def rest_on(self, now: MappingView) -> None:
        """Keep the text, and let it replace what counts now."""
        self.load(self.current(), now)

    def current(self) -> str:
        """Return the text as it stands in the editor."""
        found = typed(self.key, self.token)
        return self.text if found is None else found

    def faults(self) -> list[Fault]:
        """Read the text; return what is wrong with it."""
        try:
            self.good = mapping_text.read(self.current())
        except BadMappingError as error:
            return list(error.faults)
        return []

    def use_as_id(self, rule: str) -> None:
        """Let a rule find the correlation ID: its line is replaced, or put in front."""
        lines = self.current().split("\n")
        wanted = f"correlation_id = {rule}"
        for place, line in enumerate(lines):
            if line.replace(" ", "").startswith("correlation_id="):
                lines[place] = wanted
                break
        else:
            lines.insert(0, wanted)
        self.load("\n".join(lines))

    def read_again(self, ctx: ServerContext) -> None:
        """Take the last lines of the source as they are now."""
        self.sample = mappings.latest(ctx, self.source)
        self.proposal = propose(self.name, self.sample.lines, self.sample.path)


def draft_of(ctx: ServerContext, now: MappingView, source: str) -> Draft:
    """Return the draft of a mapping, begun with what counts, or with a proposal where nothing does."""
    kept: Draft | None = st.session_state.get(_DRAFT)
    if kept is not None and (kept.name, kept.source) == (now.name, source):
        return kept
    sample = mappings.latest(ctx, source)
    proposal = propose(now.name, sample.lines, sample.path)
    text = proposal.text if now.counts == NOTHING and sample.lines else now.text
    # A token of its own for each draft: the editor in the browser outlives them.
    made = Draft(now.name, source, sample, proposal, text, now.revision, kept.token + 1 if kept else 1)
    st.session_state[_DRAFT] = made
    return made
