"""How long things may take: claims, retries, proofs. The section [cases] of the config file sets them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """All in seconds, but `retry_leases`."""

    claim_s: int = 20 * 60
    """How long a claim lasts without activity."""
    verify_s: int = 15 * 60
    """How long a case waits for the unit's own success signal after its retry ran."""
    fixed_outside_s: int = 3 * 24 * 3600
    """How long a case that was fixed outside waits for that signal."""
    untaken_s: int = 15 * 60
    """How long a retry waits for a worker before its case returns to the queue."""
    retry_lease_s: int = 60
    """How long a worker may be silent before another gets its retry."""
    retry_leases: int = 3
    """How many workers may be lost over one retry before it counts as failed."""
    expire_s: int = 14 * 86_400
    """How long a case that nothing can prove stays open when nothing new happens to it."""
