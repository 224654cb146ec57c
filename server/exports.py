"""Rows that leave the server: each export is recorded before the first byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from access.commands import Command, Target
from audit import trail

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from access.context import RequestContext
    from data.transaction import Tx


@dataclass(frozen=True, slots=True)
class RecordExport(Command[None, None, None]):
    """Record that the actor exports the rows behind a figure, within their scope."""

    act: ClassVar = "export"
    subject: str
    details: Mapping[str, Any]

    def authorize(self, _loaded: None) -> Target:
        """Return what is exported."""
        return Target(subject=self.subject, anywhere=True)

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> None:
        """Write the entry."""
        entry = trail.Entry("exported", ctx.actor, subject=self.subject, details=self.details)
        trail.write(tx, [entry], now)
