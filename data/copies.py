"""The database of a backup, asked by named statements as a store is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from data import backup, queries
from data.transaction import rows_of

if TYPE_CHECKING:
    from pathlib import Path


class Copy:
    """A backup's database, open for reading: nothing in it changes."""

    def __init__(self, folder: Path) -> None:
        self._connection = backup.opened(folder)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Give the file back."""
        self._connection.close()

    def query(self, name: str, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Run the named statement and return its rows as dicts; see `Store.query`."""
        return rows_of(self._connection.execute(queries.text(name), params or {}))

    def filled(self, name: str, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Run the named statement and return its rows as dicts that leave nulls out."""
        rows = self.query(name, params)
        return [{name: value for name, value in row.items() if value is not None} for row in rows]
