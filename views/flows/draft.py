"""The draft of a flow's settings: what a person edits, and on which version it rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from flows.lint import Lint, lint
from views.components.editor import typed

if TYPE_CHECKING:
    from flows.seen import SeenFlow

EDITOR: Final = "flow_editor"
_DRAFT: Final = "unsnag_flow_draft"


@dataclass(slots=True)
class Draft:
    """What is edited. It stays while the page runs again, until another flow is opened."""

    flow: str
    text: str
    """As it was loaded."""
    version: int
    """The version that it rests on."""
    token: int
    """Another one each time that a text is loaded."""

    def load(self, text: str, version: int | None = None) -> None:
        """Let a text stand in the editor; with `version` it rests on that."""
        self.text = text
        self.token += 1
        if version is not None:
            self.version = version

    def rest_on(self, version: int) -> None:
        """Keep the text, and let it replace this version."""
        self.load(self.current(), version)

    def current(self) -> str:
        """Return the text as it stands in the editor."""
        found = typed(EDITOR, self.token)
        return self.text if found is None else found

    def looked_at(self) -> Lint:
        """Return what is wrong with the text, and what of it has no effect."""
        return lint(self.current(), self.flow)


def draft_of(seen: SeenFlow) -> Draft:
    """Return the draft of a flow, begun with what counts now."""
    kept: Draft | None = st.session_state.get(_DRAFT)
    if kept is not None and kept.flow == seen.name:
        return kept
    number, text = (seen.version.version, seen.version.text) if seen.version else (0, None)
    # A token of its own for each draft: the editor in the browser outlives them.
    made = Draft(seen.name, text or "", number, kept.token + 1 if kept else 1)
    st.session_state[_DRAFT] = made
    return made
