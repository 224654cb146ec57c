"""All collectors of the process: started and stopped together, with the state of each; and replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from collectors import decode
from collectors.decode import LOGS, TRACES, Decoder
from collectors.jsonl import Follower
from collectors.lines import Piece, Reader
from collectors.mapping import Mapping
from collectors.normalise import Normaliser, hash64
from collectors.otlp import RECEIVED, Requests
from collectors.settings import OTLP, SPOOL
from data.clock import micros, stored, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from collectors.settings import CollectorSettings, JsonlSettings
    from data.store import Store

    Row = dict[str, Any]

REPLAYED = "replayed"


class Sources:
    """The collectors that the settings name, and the spool folder."""

    def __init__(self, store: Store, settings: CollectorSettings, spool: Path | None = None) -> None:
        self._store = store
        self._settings = settings
        folder = spool or settings.spool
        self._followers: dict[str, Follower] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._followers[SPOOL] = Follower(store, SPOOL, [f"{folder}/*.jsonl*", f"{folder}/*/*.jsonl*"])
        for source in settings.jsonl:
            self._followers[source.name] = self._follower(source)

    def _follower(self, source: JsonlSettings) -> Follower:
        mapping = Mapping.of(self._settings.mappings[source.mapping]) if source.mapping else None
        zone = ZoneInfo(source.timezone) if source.timezone else None
        return Follower(
            self._store, source.name, source.paths, mapping=mapping, zone=zone, encoding=source.encoding
        )

    def start(self) -> None:
        """Start all followers."""
        for follower in self._followers.values():
            follower.start()

    def stop(self) -> None:
        """Stop all followers; what they read is handed over first."""
        for follower in self._followers.values():
            follower.stop()

    def sources(self) -> list[Row]:
        """Return the state of each source: name, kind, state, lag in seconds, counts, last error."""
        return [*(follower.state() for follower in self._followers.values()), _otlp_state()]

    def replay(self, ids: Sequence[str]) -> dict[str, str]:
        """Read quarantined records again, as the collectors read today; return what became of each."""
        rows = self._store.query("collectors/quarantined", {"ids": list(ids)})
        return {row["id"]: self._replay_one(row) for row in rows}

    def _replay_one(self, row: Row) -> str:
        if row["replay_result"] == REPLAYED:
            return REPLAYED
        result = self._read_again(row)
        mark = {"id": row["id"], "now": stored(utc_now()), "result": result}
        self._store.act(lambda tx: tx.run("collectors/mark_replayed", mark)).result()
        return result

    def _read_again(self, row: Row) -> str:
        raw = bytes(row["bytes"])
        if row["size"] > len(raw):
            return f"only {len(raw)} of {row['size']} bytes were kept"
        n = self._normaliser(row["source"])
        try:
            self._fill(n, row, raw)
        except Exception as error:  # noqa: BLE001 - the reason is the answer
            return f"still unreadable: {error}"
        if n.quarantined:
            return f"still unreadable: {n.quarantined[0].reason}"
        if not len(n):
            return "nothing in it"
        self._store.append(n.batch()).result()
        return REPLAYED

    def _normaliser(self, source: str) -> Normaliser:
        follower = self._followers.get(source)
        if follower is not None:
            return follower.normaliser()
        name = OTLP if source.startswith(OTLP) else source
        return Normaliser(name, OTLP if name == OTLP else "jsonl", micros(utc_now()))

    def _fill(self, n: Normaliser, row: Row, raw: bytes) -> None:
        if row["source"] not in (TRACES, LOGS):
            seed = hash64(row["source"].encode(), raw)
            Reader.into(n).read(Piece([raw], None, row["source_offset"] or 0, seed, final=True))
            return
        decoder = Decoder(n, Requests(self._settings).mappings)
        if raw[:1] == b"{":
            decoder.json(decode.load(raw))
        elif row["source"] == TRACES:
            decoder.traces(raw)
        else:
            decoder.logs(raw)


def _otlp_state() -> Row:
    return {
        "name": OTLP,
        "kind": OTLP,
        "state": "error" if RECEIVED.last_error else "running" if RECEIVED.requests else "idle",
        "lag_s": 0.0,
        "last_error": RECEIVED.last_error,
    }
