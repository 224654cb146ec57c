"""The running system as one actor may see and use it: what pages and routes have, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from access.context import RequestContext
from collectors.status import TakenItem
from data import paging
from data.clock import aware, utc_now
from data.nouns import Page, noun

if TYPE_CHECKING:
    from datetime import datetime

    from collectors.quotas import QuotaUse
    from collectors.status import SourceStatus
    from data.paging import PageRequest
    from data.store import Reading
    from server.container import Container
    from server.settings import Settings


@dataclass(frozen=True, slots=True)
class ServerContext(RequestContext):
    """A request within the running server."""

    container: Container

    @property
    def settings(self) -> Settings:
        """The settings of the process."""
        return self.container.settings

    def sources(self) -> list[SourceStatus]:
        """See `Container.sources`."""
        return self.container.sources()

    def quota_uses(self) -> list[QuotaUse]:
        """Return what was used of quotas today; none for users who may not see everything."""
        whole = self.reading.scope is None
        return self.container.quotas.uses() if whole and self.container.quotas.is_set else []

    def as_of(self) -> datetime | None:
        """Return when the store last took something in."""
        (row,) = self.reading.query("server/as_of")
        return aware(row["as_of"])

    def now(self) -> datetime:
        """Return the present moment."""
        return utc_now()


def taken_items(reading: Reading, source: str | None, wanted: PageRequest) -> Page[TakenItem]:
    """Return what one source, or all, took as a whole, such as files: a page, the newest first.

    Whose rows a file holds is not known: users who may not see everything see none.
    """
    if reading.scope is not None:
        return Page(0, [])
    return paging.read(reading, "server/source_items", {"source": source}, wanted, noun(TakenItem))
