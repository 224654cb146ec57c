"""What a copy of the store holds, and how that is written beside it: rows, digests and hashes as JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import duckdb

from data.errors import UnsnagError
from unsnag import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

FORM: Final = 2
"""2: the settings of flows are in it. 1 had none."""
_CHUNK: Final = 1 << 20


class BackupError(UnsnagError):
    """The backup could not be made, or is not whole."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a table held: rows, and a digest of them that does not depend on their order."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of the copy: bytes, and its SHA-256 in hex."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the store stood: its last schema change, and the number of its last commit."""

    schema: str
    commit: int
    """0 in stores of versions that did not number them."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a copy holds; times are RFC 3339 UTC."""

    form: int
    made_at: str
    version: str
    """Of Unsnag."""
    engine: str
    """Of DuckDB: another one may compute other digests."""
    schema: str
    """The last schema change."""
    commit: int
    """The number of the last commit in it; 0 in stores of versions that did not number them."""
    tables: dict[str, Table]
    files: dict[str, File]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files.values())

    def differing(self, held: Mapping[str, Table]) -> list[str]:
        """Return the tables that do not hold what this says, by name; digests count for one engine only."""
        expected: Mapping[str, Table] = self.tables
        if self.engine != duckdb.__version__:
            held, expected = _without_digests(held), _without_digests(expected)
        return [name for name in sorted({*held, *expected}) if held.get(name) != expected.get(name)]

    def wrong_files(self, folder: Path) -> list[str]:
        """Read all files of a folder and return those that are not what was written, as sentences."""
        return [
            f"{name} is {'not the file that was written' if (folder / name).is_file() else 'missing'}"
            for name, file in self.files.items()
            if not (folder / name).is_file() or digest_of(folder / name) != file
        ]


def of(folder: Path, tables: dict[str, Table], marks: Marks, moment: datetime) -> Manifest:
    """Return the manifest of what lies in a folder now; the copy was begun at a moment."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return Manifest(
        form=FORM,
        made_at=f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}",
        version=__version__,
        engine=duckdb.__version__,
        schema=marks.schema,
        commit=marks.commit,
        tables=tables,
        files={path.relative_to(folder).as_posix(): digest_of(path) for path in paths},
    )


def write(manifest: Manifest, path: Path) -> None:
    """Write it as JSON."""
    path.write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")


def read(path: Path, what: str) -> Manifest:
    """Return what a file says that lies beside it, which is `what`: a backup, an export.

    Raises:
        BackupError: this is none, or one of a newer version.
    """
    try:
        return parsed(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{path.parent} is no {what}: its {path.name} cannot be read.") from error


def parsed(text: bytes) -> Manifest:
    """Return the manifest that stands in a text.

    Raises:
        BackupError: a newer version wrote it.
        Exception: ValueError, KeyError, TypeError or AttributeError: this is none.
    """
    values: dict[str, Any] = json.loads(text)
    if values["form"] > FORM:
        raise BackupError(
            f"A newer version ({values['version']}) made this copy: its form is {values['form']}, and this "
            f"version reads {FORM}. Nothing was touched. Use the newer version."
        )
    tables = {name: Table(**table) for name, table in values.pop("tables").items()}
    files = {name: File(**file) for name, file in values.pop("files").items()}
    if any(name.startswith("/") or ".." in name.split("/") for name in files):
        raise ValueError("a file lies outside")
    return Manifest(tables=tables, files=files, **values)


def marks(connection: duckdb.DuckDBPyConnection) -> Marks:
    """Return where the store behind a connection stands."""
    schema = connection.execute("select max(name) from schema_migration").fetchall()[0][0]
    tables = connection.execute("select 1 from duckdb_tables() where table_name = 'commit_mark'").fetchall()
    commit = connection.execute("select number from commit_mark").fetchall()[0][0] if tables else 0
    return Marks(str(schema), int(commit))


def digest_of(path: Path) -> File:
    """Read a file and return its size and hash."""
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return File(path.stat().st_size, digest.hexdigest())


def _without_digests(tables: Mapping[str, Table]) -> dict[str, Table]:
    return {name: replace(table, digest="") for name, table in tables.items()}


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
