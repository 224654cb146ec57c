"""All collectors of the process: started and stopped together, with the state of each; and replay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from collectors import decode
from collectors.backlog import Backlog
from collectors.decode import LOGS, TRACES, Decoder
from collectors.jsonl import Follower
from collectors.lines import Piece, Reader
from collectors.mapping import Mapping
from collectors.normalise import Normaliser, hash64
from collectors.otlp import RECEIVED, Requests
from collectors.pauses import Pauses
from collectors.settings import OTLP, SPOOL
from collectors.states import SILENT_FLOOR_S, Signs, condition
from data.clock import aware, micros, stored, utc_now
from data.errors import UnsnagError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Mapping as Rows
    from datetime import datetime
    from pathlib import Path

    from access.sending import SenderLimit
    from collectors.settings import CollectorSettings, JsonlSettings
    from data.store import Store

    Row = dict[str, Any]

REPLAYED = "replayed"
BEHIND_S = 30.0
"""From this age of the oldest unread record on, a source is behind in reading."""


def no_limit_known(token: str) -> SenderLimit | None:
    """Refuse to read what a limited sender sent, where nobody knows its limit."""
    raise UnsnagError(f"It is not known what the token {token} may send for.")


class Sources:
    """The collectors that the settings name, and the spool folder."""

    def __init__(self, store: Store, settings: CollectorSettings, spool: Path | None = None) -> None:
        self._store = store
        self._settings = settings
        folder = spool or settings.spool
        self._pauses = Pauses(store)
        self._followers: dict[str, Follower] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            patterns = [f"{folder}/*.jsonl*", f"{folder}/*/*.jsonl*"]
            self._followers[SPOOL] = Follower(
                store, SPOOL, patterns, silent_after_s=settings.silent_after_s()
            )
        for source in settings.jsonl:
            self._followers[source.name] = self._follower(source)

    def _follower(self, source: JsonlSettings) -> Follower:
        mapping = Mapping.of(self._settings.mappings[source.mapping]) if source.mapping else None
        zone = ZoneInfo(source.timezone) if source.timezone else None
        return Follower(
            self._store,
            source.name,
            source.paths,
            mapping=mapping,
            zone=zone,
            encoding=source.encoding,
            silent_after_s=self._settings.silent_after_s(source.silent_after_minutes),
        )

    def start(self) -> None:
        """Start all followers."""
        for follower in self._followers.values():
            follower.start()

    def stop(self) -> None:
        """Stop all followers; what they read is handed over first."""
        for follower in self._followers.values():
            follower.stop()

    def sources(self, kept: Rows[str, Row], now: datetime) -> list[Row]:
        """Return each source: name, kind, state with its reason and next step, what is unread, last error.

        `kept` is what the store counts of each source, by name; see `server/sources`.
        """
        live = [(follower.state(), _signs(follower)) for follower in self._followers.values()]
        otlp = _otlp_signs(self._settings.silent_after_s(self._settings.otlp.silent_after_minutes))
        live.append((_otlp_state(now), otlp))
        return [self._with_condition(row, signs, kept.get(row["name"]), now) for row, signs in live]

    def is_behind(self, now: datetime) -> bool:
        """Tell whether a record of a followed file has waited to be read for longer than a moment."""
        return any(follower.lag_s(now) > BEHIND_S for follower in self._followers.values())

    def _with_condition(self, row: Row, signs: Signs, kept: Row | None, now: datetime) -> Row:
        received = aware(kept["last_ingested_at"]) if kept else None
        signs = replace(signs, received_at=received)
        if received is not None and (now - received).total_seconds() > SILENT_FLOOR_S:
            signs = replace(signs, longest_pause_s=self._pauses.longest_s(row["name"], now))
        found = condition(signs, now)
        return {
            **row,
            "state": found.state,
            "state_since": found.since,
            "reason": found.reason,
            "next_step": found.next_step,
        }

    def replay(
        self, ids: Sequence[str], limit_of: Callable[[str], SenderLimit | None] = no_limit_known
    ) -> dict[str, str]:
        """Read quarantined records again, as the collectors read today; return what became of each.

        `limit_of` returns what the token of a limited sender may send for now, and raises UnsnagError
        where that token is no longer valid: its records stay in quarantine.
        """
        rows = self._store.query("collectors/quarantined", {"ids": list(ids)})
        return {row["id"]: self._replay_one(row, limit_of) for row in rows}

    def _replay_one(self, row: Row, limit_of: Callable[[str], SenderLimit | None]) -> str:
        if row["replay_result"] == REPLAYED:
            return REPLAYED
        try:
            limit = limit_of(row["sender"]) if row["sender"] is not None else None
        except UnsnagError as error:
            result = f"not taken: {error}"
        else:
            result = self._read_again(row, limit)
        mark = {"id": row["id"], "now": stored(utc_now()), "result": result}
        self._store.act(lambda tx: tx.run("collectors/mark_replayed", mark)).result()
        return result

    def _read_again(self, row: Row, limit: SenderLimit | None) -> str:
        raw = bytes(row["bytes"])
        if row["size"] > len(raw):
            return f"only {len(raw)} of {row['size']} bytes were kept"
        n = self._normaliser(row["source"])
        n.limit = limit
        try:
            self._fill(n, row, raw)
        except Exception as error:  # noqa: BLE001 - the reason is the answer
            return f"still unreadable: {error}"
        if n.quarantined:
            return f"still unreadable: {n.quarantined[0].reason}"
        if not len(n):
            return "a mapping leaves it out" if n.dropped else "nothing in it"
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


def _signs(follower: Follower) -> Signs:
    signs = follower.signs()
    return replace(signs, setting="`--spool`") if follower.name == SPOOL else signs


def _otlp_signs(silent_after_s: float | None) -> Signs:
    return Signs(kind=OTLP, error=RECEIVED.last_error, silent_after_s=silent_after_s)


def _otlp_state(now: datetime) -> Row:
    # A request waits at its sender until it is committed: nothing is unread here.
    return {
        "name": OTLP,
        "kind": OTLP,
        "last_error": RECEIVED.last_error,
        **Backlog().totals(0.0, now),
        "files": [],
    }
