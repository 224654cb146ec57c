"""Why a sign-in at the provider fails, as text for the person who tried."""

from __future__ import annotations

from typing import Final

from data.errors import UnsnagError

_MAX_SHOWN: Final = 200
LATER: Final = "You were not signed in. Try again in a moment; if it stays so, tell an admin."
ADMIN: Final = "You were not signed in. Tell an admin."
AGAIN: Final = "You were not signed in. Try again."


class OidcRefusedError(UnsnagError):
    """The provider's answer cannot be accepted. You were not signed in. Try again."""


class OidcUnavailableError(UnsnagError):
    """The sign-in provider cannot be used now. You were not signed in. Try again in a moment."""


def shown(text: str) -> str:
    """Return a foreign text as it may stand in a message."""
    return "".join(char for char in text[:_MAX_SHOWN] if char.isprintable())
