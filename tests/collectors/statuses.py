"""The status of a supervised source, as a source shows it that brought nothing before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collectors.states import condition
from collectors.status import Counts
from data.clock import utc_now

if TYPE_CHECKING:
    from collectors.status import SourceStatus
    from collectors.supervisor import Supervised


def status(supervised: Supervised) -> SourceStatus:
    """Return what pages would show of a source now."""
    now = utc_now()
    return supervised.status(condition(supervised.signs(), now), Counts(name=supervised.name), now)
