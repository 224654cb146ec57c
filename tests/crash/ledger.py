"""What was sent to a server, and what it acknowledged: the measure of what must be there after a kill."""

from __future__ import annotations

from dataclasses import dataclass, field

RECENT, OLD, LINE = "K-", "O-", "L-"
"""How names begin: of records of today, of those that a purge removes, and of lines in the spool."""


@dataclass
class Ledger:
    """Names of records, ids of acts and folders of backups; threads only ever add to it."""

    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    """Records, by their names."""
    lines: list[str] = field(default_factory=list)
    """Lines that a script has written into the spool."""
    claimed: set[str] = field(default_factory=set)
    resolved: set[str] = field(default_factory=set)
    """Exceptions by id."""
    noted: set[str] = field(default_factory=set)
    """Texts of notes; each was sent until it was answered, with the same key."""
    backups: set[str] = field(default_factory=set)
    purges: int = 0
    refused: list[str] = field(default_factory=list)
    """What a sender got instead of 200, for the message of a failure."""

    @property
    def acts(self) -> int:
        """How many acts were acknowledged."""
        return len(self.claimed) + len(self.resolved) + len(self.noted)
