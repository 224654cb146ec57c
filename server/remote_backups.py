"""Backups at an S3 address, as the settings say how to reach it: sent from here, and brought here."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data.remote import Access, Address, is_remote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.remote import Progress
    from server.settings import BackupSettings


def address(place: str, settings: BackupSettings) -> Address:
    """Return an S3 address with the credentials of the settings.

    Raises:
        RemoteError: this is none.
    """
    secret = settings.secret_key.get_secret_value() if settings.secret_key else None
    return Address(place, Access(settings.endpoint, settings.region, settings.access_key, secret))


@contextmanager
def brought(place: str, settings: BackupSettings, near: Path, progress: Progress) -> Iterator[Path]:
    """Give the folder of a backup; one at an S3 address is brought into a folder beside `near` meanwhile.

    Raises:
        RemoteError: there is no whole backup, or the address cannot be used.
    """
    if not is_remote(place):
        yield Path(place)
        return
    near.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=near.parent, prefix=".unsnag-brought-") as name:
        yield address(place, settings).fetch(Path(name), progress)
