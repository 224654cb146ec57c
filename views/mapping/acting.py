"""Changes of a mapping from its page: performed once, with a message however they end."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from access.commands import perform
from data.errors import UnsnagError
from views.kit.acting import say
from views.kit.markdown import escape
from views.kit.person import context

if TYPE_CHECKING:
    from collectors.kept_mappings import MappingCommand
    from views.mapping.draft import Draft


def change(draft: Draft, command: MappingCommand, done: str) -> bool:
    """Perform a change; the draft rests on what it led to. Say whether it was done."""
    try:
        answer = perform(command, context(), key=uuid.uuid4().hex)
    except UnsnagError as error:
        say(escape(str(error)), ":material/warning:")
        return False
    draft.revision = answer.get("revision", draft.revision)
    say(done, ":material/check_circle:")
    return True
