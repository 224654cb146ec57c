"""Names of people and tokens: plain, so that no two look alike and none is taken for something else."""

from __future__ import annotations

import re
from typing import Final

from access.errors import InvalidPersonError

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,58}[a-z0-9])?")
_TAKEN: Final = frozenset(("unsnag", "system", "anonymous", "service", "admin-link"))


def checked(name: str) -> str:
    """Return a name as it is kept.

    Raises:
        InvalidPersonError: it has letters that could be taken for others, or is reserved.
    """
    plain = name.strip()
    if not _NAME.fullmatch(plain):
        raise InvalidPersonError(
            "A name has 1 to 60 of: a to z, 0 to 9, and . _ @ + - between them. "
            "Other letters are refused, for some look like these."
        )
    if plain in _TAKEN:
        raise InvalidPersonError(f"The name {plain} is the system's own. Choose another.")
    return plain


def typed(name: str) -> str:
    """Return a name typed at sign-in in lower case, without outer spaces, at most 60 characters long."""
    return name.strip().lower()[:60]
