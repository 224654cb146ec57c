"""An evidence pack: what an auditor takes away and checks without us and without our database.

A ZIP of the entries of a period (whole, or withheld where they are none of this reader's business), the
checkpoints that saw them, what the words mean, how to check, and the verifier: one file that can be read.
"""

from __future__ import annotations

import hashlib
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import orjson

from audit import chain
from audit.trail import entries_after
from data import sheet
from data.clock import utc_now
from data.errors import UnsnagError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from audit.chain import Sealed
    from audit.checkpoints import Checkpoints
    from audit.signing import SigningKey
    from data.store import Store

_PAGE: Final = 20_000
_BOUND: Final = frozenset({"v", "seq", "prev_hash", "hash"})
"""What stays of an entry that is withheld."""
_VERIFIER: Final = Path(__file__).parent / "verifier.py"
_TEXTS: Final = Path(__file__).parent / "pack"
COLUMNS: Final = (
    "seq", "time", "actor", "actor_type", "door", "kind", "verb", "flow", "step", "tenant", "correlation_id",
    "case_id", "subject", "from_state", "to_state", "case_version", "holder",
    "reason", "details", "act", "credential",
)  # fmt: skip


class NothingToPackError(UnsnagError):
    """There is no entry in this period."""


class CannotWithholdError(UnsnagError):
    """Entries of the first form cannot be withheld. Choose a later period, or no flow."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a pack is to hold; times are naive UTC, None leaves a side open."""

    since: datetime | None = None
    until: datetime | None = None
    flow: str | None = None


@dataclass(slots=True)
class Made:
    """What a pack holds."""

    first_seq: int
    last_seq: int
    start_hash: str
    end_hash: str
    made_at: datetime
    entries: int = 0
    withheld: int = 0
    files: dict[str, str] = field(default_factory=dict)


def pack(  # noqa: PLR0917 - called in one place
    store: Store,
    wanted: Wanted,
    whole: Callable[[Sealed], bool],
    out: IO[bytes],
    checkpoints: Checkpoints,
    key: SigningKey | None = None,
) -> Made:
    """Write a pack to `out`; entries for which `whole` is false are withheld.

    Raises:
        NothingToPackError: no entry lies in the period.
        CannotWithholdError: one that would have to be withheld is of the first form.
    """
    (found,) = store.query("audit/range", {"from": wanted.since, "to": wanted.until})
    if found["first_seq"] is None:
        raise NothingToPackError
    made_at = utc_now()  # before the head is read: a later checkpoint may know more than this pack
    (head,) = store.query("audit/head")
    (first,) = entries_after(store, found["first_seq"] - 1, 1)
    last_seq = _seen_by(checkpoints, found["last_seq"], head["seq"])
    made = Made(found["first_seq"], last_seq, first["prev_hash"], first["prev_hash"], made_at)
    shows = _shown(wanted, whole, found["last_seq"])
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        with _member(archive, "entries.jsonl", made) as file:
            for row in _rows(store, made):
                file.write(_line(row, made, is_shown=shows(row)))
        with _member(archive, "entries.csv", made) as file:
            sheet.write((row for row in _rows(store, made) if shows(row)), COLUMNS, file)
        with _member(archive, "checkpoints.jsonl", made) as file:
            for mark in checkpoints.read():
                if made.first_seq <= mark.seq <= made.last_seq:
                    file.write(mark.line())
        for name in ("README.md", "definitions.md"):
            with _member(archive, name, made) as file:
                file.write((_TEXTS / name).read_bytes())
        with _member(archive, "verifier.py", made) as file:
            file.write(_VERIFIER.read_bytes())
        _finish(archive, made, wanted, head, key)
    return made


def _finish(
    archive: zipfile.ZipFile, made: Made, wanted: Wanted, head: Mapping[str, Any], key: SigningKey | None
) -> None:
    manifest = _canonical(_manifest(made, wanted, head)) + b"\n"
    archive.writestr("manifest.json", manifest)
    if key:
        signature = {"key": key.public, "signature": key.sign(manifest)}
        archive.writestr("manifest.sig", _canonical(signature) + b"\n")


def _manifest(made: Made, wanted: Wanted, head: Mapping[str, Any]) -> dict[str, object]:
    return {
        "format": chain.FORM,
        "made_at": made.made_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "first_seq": made.first_seq,
        "last_seq": made.last_seq,
        "start_hash": made.start_hash,
        "end_hash": made.end_hash,
        "entries": made.entries,
        "withheld": made.withheld,
        "head": {"seq": head["seq"], "hash": head["hash"]},
        "period": {"from": _text(wanted.since), "to": _text(wanted.until)},
        "flow": wanted.flow,
        "files": made.files,
    }


def _seen_by(checkpoints: Checkpoints, last: int, head: int) -> int:
    """Return where a pack ends: at the first checkpoint that saw all of its period, if that is near."""
    marks = (mark.seq for mark in checkpoints.read() if last <= mark.seq <= min(head, last + _PAGE))
    return next(marks, last)


def _shown(wanted: Wanted, whole: Callable[[Sealed], bool], last: int) -> Callable[[Sealed], bool]:
    return lambda row: row["seq"] <= last and whole(row) and wanted.flow in (None, row.get("flow"))


def _rows(store: Store, made: Made) -> Iterator[Sealed]:
    after = made.first_seq - 1
    while after < made.last_seq:
        limit = min(_PAGE, made.last_seq - after)
        yield from entries_after(store, after, limit)
        after += limit


def _line(row: Sealed, made: Made, *, is_shown: bool) -> bytes:
    made.end_hash = row["hash"]
    if is_shown:
        made.entries += 1
        return _canonical(shown(row)) + b"\n"
    if "v" not in row:
        raise CannotWithholdError
    made.withheld += 1
    return _canonical(withheld(row)) + b"\n"


def shown(row: Sealed) -> Mapping[str, object]:
    """Return an entry as a pack holds it: with all that its hash covers."""
    return row if "v" in row else {**chain.first_form(row), "hash": row["hash"]}


def withheld(row: Sealed) -> dict[str, object]:
    """Return an entry without what it says: the chain still holds."""
    bound = {name: value for name, value in row.items() if name in _BOUND}
    return {**bound, "content_hash": chain.content_hash(row)}


class _Hashed:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.hash.update(data)
        self._file.write(data)


@contextmanager
def _member(archive: zipfile.ZipFile, name: str, made: Made) -> Iterator[_Hashed]:
    with archive.open(name, "w", force_zip64=True) as file:
        hashed = _Hashed(file)
        yield hashed
    made.files[name] = hashed.hash.hexdigest()


def _canonical(value: Mapping[str, object]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds") + "Z" if moment else None
