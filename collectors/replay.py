"""Reads quarantined records again, as the collectors and their mappings read today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors.lines import Reader
from collectors.normalise import Normaliser, hash64
from collectors.piece import Piece
from collectors.sheet import of_sample
from collectors.source import Rereads
from data.clock import micros, stored, utc_now
from data.errors import UnsnagError

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.sending import SenderLimit
    from collectors.supervisor import Supervised, Supervisor
    from data.store import Store

    LimitOf = Callable[[str], SenderLimit | None]

REPLAYED = "replayed"


def no_limit_known(token: str) -> SenderLimit | None:
    """Refuse to read what a limited sender sent, where nobody knows its limit."""
    raise UnsnagError(f"It is not known what the token {token} may send for.")


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record in quarantine, as it came."""

    id: str
    source: str
    source_offset: int | None
    size: int
    """Of it as it came: `bytes` may hold the beginning only."""
    bytes: bytes
    sender: str | None
    replay_result: str | None


@dataclass(frozen=True, slots=True)
class Replay:
    """Reads records again with the sources that brought them."""

    store: Store
    sources: Supervisor

    def one(self, record: KeptRecord, limit_of: LimitOf) -> str:
        """Read a record of `collectors/quarantined` again, note what became of it, and return that."""
        if record.replay_result == REPLAYED:
            return REPLAYED
        try:
            limit = limit_of(record.sender) if record.sender is not None else None
        except UnsnagError as error:
            result = f"not taken: {error}"
        else:
            result = self._read_again(record, limit)
        mark = {"id": record.id, "now": stored(utc_now()), "result": result}
        self.store.act(lambda tx: tx.run("collectors/mark_replayed", mark)).result()
        return result

    def _read_again(self, record: KeptRecord, limit: SenderLimit | None) -> str:
        raw = bytes(record.bytes)
        if record.size > len(raw):
            return f"only {len(raw)} of {record.size} bytes were kept"
        supervised = self._source_of(record.source)
        n = supervised.normaliser() if supervised else Normaliser(record.source, "jsonl", micros(utc_now()))
        n.limit = limit
        try:
            _fill(n, supervised, record, raw)
        except Exception as error:  # noqa: BLE001 - the reason is the answer
            return f"still unreadable: {error}"
        if n.quarantined:
            return f"still unreadable: {n.quarantined[0].reason}"
        if not len(n):
            return "a mapping leaves it out" if n.dropped else "nothing in it"
        self.store.append(n.batch()).result()
        return REPLAYED

    def _source_of(self, name: str) -> Supervised | None:
        """Return the source of a name; a source may put parts of itself behind a slash: `otlp/traces`."""
        return self.sources.get(name) or self.sources.get(name.partition("/")[0])


def _fill(n: Normaliser, supervised: Supervised | None, record: KeptRecord, raw: bytes) -> None:
    if supervised is not None and isinstance(supervised.source, Rereads):
        supervised.source.read_again(n, record.source, raw)
        return
    seed = hash64(record.source.encode(), raw)
    lines = raw.split(b"\n")
    sheet = of_sample(lines, None)
    if sheet is None:
        Reader.into(n).read(Piece([raw], None, record.source_offset or 0, seed, final=True))
    else:
        Reader.into(n).read(Piece(lines, None, 0, seed, final=True, sheet=sheet))
