"""This process, as its records name it: a random identity, the order of its records, pid and host.

Pid and host name a process on a machine, on Linux with the namespace of the pid. The identity is never used
twice, which a pid is.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from typing import TYPE_CHECKING, Any

from unsnag.conventions import HOST_NAME, PROCESS_NAMESPACE, PROCESS_PID

if TYPE_CHECKING:
    from collections.abc import Callable


def new_id() -> str:
    """Return 16 random hex digits. Not from `random`: scripts seed it."""
    while (text := os.urandom(8).hex())[4:12].isdigit():
        continue  # a run of 13 digits could be masked as a card number
    return text


instance: str = new_id()
"""Identity of this process. Read it as ``process.instance``, since a fork replaces it."""

next_seq: Callable[[], int] = count(1).__next__
"""Return the place of the next record in the order of writing; one C call, so threads never share one."""

_place: dict[str, Any] = {}


def place() -> dict[str, Any]:
    """Return pid, host name and, on Linux, the namespace of the pid, as fields of a record."""
    global _place  # noqa: PLW0603 - asking the system once for each process is enough
    if not _place:
        _place = {PROCESS_PID: os.getpid(), HOST_NAME: host_name(), **_namespace()}
    return _place


def after_fork() -> None:
    """Become another process."""
    global instance, next_seq, _place
    instance, next_seq, _place = new_id(), count(1).__next__, {}


def host_name() -> str:
    """Return this machine's name; empty where the system has none."""
    if sys.platform == "win32":
        return os.environ.get("COMPUTERNAME", "")
    return os.uname().nodename  # what socket.gethostname() returns, without importing socket


def _namespace() -> dict[str, str]:
    try:
        return {PROCESS_NAMESPACE: f"{os.stat('/proc/self/ns/pid').st_ino:x}"}  # noqa: PTH116 - pathlib is not imported
    except OSError:  # no Linux
        return {}
