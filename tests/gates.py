"""Gates for tests: local mode, where everybody may do everything, and the sign-in mode with its people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from access.authority import Authority
from access.directory import Directory
from access.gate import Gate

if TYPE_CHECKING:
    from data.store import Store


def local_gate(store: Store) -> Gate:
    """Return the gate of local mode over a store."""
    return Gate(store, Authority(Directory(), local=True))
