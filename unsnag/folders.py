"""The folders that scripts write to where nothing names one; client and server agree on them here.

Standard library only, no imports of other packages: both sides depend on this file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARED: Final = "/var/spool/unsnag"
"""For all users of a machine; its administrator makes it, and scripts only need to create files in it."""

NOTICE: Final = ".unsnag-server.json"
"""What a server leaves in each folder that it follows: its address, when it looked, how much is stored."""


def default_spool(environment: Mapping[str, str] = os.environ) -> str:
    """Return the shared folder where this user may write into it, else the user's own."""
    return SHARED if os.access(SHARED, os.W_OK | os.X_OK) else user_spool(environment)


def user_spool(environment: Mapping[str, str] = os.environ) -> str:
    """Return the spool folder of this user, never one relative to the working directory."""
    if os.name == "nt":
        given, usual = environment.get("LOCALAPPDATA", ""), "~\\AppData\\Local"
    else:
        given, usual = environment.get("XDG_STATE_HOME", ""), "~/.local/state"
    base = given if os.path.isabs(given) else os.path.expanduser(usual)  # noqa: PTH111, PTH117
    return os.path.join(base, "unsnag", "spool") if os.path.isabs(base) else SHARED  # noqa: PTH117, PTH118


def user_mark() -> str:
    """Return what parts the private folders of several users in one spool."""
    return f"-{os.getuid()}" if hasattr(os, "getuid") else ""
