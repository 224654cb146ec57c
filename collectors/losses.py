"""Why a file cannot be read, and what was lost of one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file could not be read the last time."""

    reason: str
    stamp: tuple[int, ...]
    """What the file looked like."""
    at: float
    is_broken: bool = False
    """Only another content helps."""
    ends_early: bool = False
    """A packed file that breaks off: it may still be written."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Bytes that were there and not read when a file was truncated, and how that content began."""

    size: int
    head: bytes
    at: float
