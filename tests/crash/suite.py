"""Kills of the real server at random moments, over everything that writes.

After each kill a copy of the store is opened and compared with what was acknowledged, and the server is
started again over the store itself.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.crash import checking, upgrades, work
from tests.crash.ledger import Ledger
from tests.journeys.serving import Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Work = Callable[[Server, Ledger, threading.Event], None]

ALWAYS: Final[tuple[Work, ...]] = (work.send, work.act, work.write_spool)
KINDS: Final[dict[str, tuple[Work, ...]]] = {
    "ingest and acts": (),
    "backup": (work.back_up,),
    "purge": (work.send_old, work.purge),
}
UPGRADE: Final = "upgrade"
_LONGEST_S: Final = {"ingest and acts": 1.5, "backup": 5.0, "purge": 3.0}
"""How long the work goes on at most: long enough that some of it is acknowledged."""
_READY_S: Final = 300.0
_PURGES: Final = {"UNSNAG_RETENTION__LOGS_DAYS": "7", "UNSNAG_RETENTION__SPANS_DAYS": "7"}


@dataclass
class Suite:
    """One store that is killed again and again, and one for upgrades; `problems` is what was found."""

    folder: Path
    ledger: Ledger = field(default_factory=Ledger)
    problems: list[str] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=dict)
    _backups: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Make the servers; nothing is started yet."""
        for name in ("main", "upgrades"):
            (self.folder / name).mkdir(parents=True)
        self._to = self.folder / "backups"
        environment = {**_PURGES, "UNSNAG_BACKUP__FOLDER": str(self._to)}
        self.server = Server(self.folder / "main", environment=environment, ready_s=_READY_S)
        self._upgrading = Server(self.folder / "upgrades", ready_s=_READY_S)
        upgrades.make_old(self.folder / "old")

    def run(self, kills: int, seed: int, say: Callable[[str], None]) -> None:
        """Kill so many times; stop at the first kill after which something is wrong."""
        chosen = random.Random(seed)
        names = [*KINDS, UPGRADE]
        with self._working(ALWAYS), self._ended():
            for number in range(1, kills + 1):
                # Each kind once before any comes again, in a random order.
                kind = names[(number - 1) % len(names)]
                if kind == UPGRADE:
                    chosen.shuffle(names)
                when, found = self._upgrade() if kind == UPGRADE else self._kill(kind, chosen)
                self.kills[kind] = self.kills.get(kind, 0) + 1
                self.problems += found
                say(f"kill {number}/{kills}, {kind}, {when}: {self._sum()}; {_verdict(found)}")
                if found:
                    return
        self.problems += self._at_the_end()

    def _kill(self, kind: str, chosen: random.Random) -> tuple[str, list[str]]:
        self.server.start()
        before = len(self.ledger.acknowledged)
        # A slow machine must not kill an idle server.
        answered = len(self.ledger.refused)
        eventually(
            lambda: len(self.ledger.acknowledged) > before,
            lambda: self.ledger.refused[answered:][-3:],
            _READY_S,
        )
        after = chosen.uniform(0.02, _LONGEST_S[kind])
        with self._working(KINDS[kind]):
            time.sleep(after)
            self.server.kill()
            known = Ledger(**{name: _copied(value) for name, value in vars(self.ledger).items()})
        found = checking.problems(self.server.data, known, self.folder)
        return f"{after:.2f} s", found + checking.of_backups(self._to, self._backups)

    def _upgrade(self) -> tuple[str, list[str]]:
        when = upgrades.kill_in_upgrade(self._upgrading, self.folder / "old")
        return when, upgrades.problems(self._upgrading)

    def _at_the_end(self) -> list[str]:
        """Let the server read what scripts wrote last, end it in order, and look again."""
        self.server.start()
        last = f"/api/v1/units/{self.ledger.lines[-1]}"
        eventually(lambda: _is_there(self.server, last))
        self.server.stop()
        found = checking.problems(self.server.data, self.ledger, self.folder)
        return found + checking.lost_lines(self.server.data, self.ledger, self.folder)

    @contextmanager
    def _working(self, works: tuple[Work, ...]) -> Iterator[None]:
        stop = threading.Event()
        threads = [threading.Thread(target=one, args=(self.server, self.ledger, stop)) for one in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    @contextmanager
    def _ended(self) -> Iterator[None]:
        """End the servers, whatever happened."""
        try:
            yield
        finally:
            self.server.kill()
            self._upgrading.kill()

    def _sum(self) -> str:
        ledger = self.ledger
        return (
            f"{len(ledger.acknowledged):,} records, {ledger.acts:,} acts, {len(ledger.backups)} backups and "
            f"{ledger.purges} purges acknowledged"
        )


def _copied(value: Any) -> Any:
    """Return a copy of what other threads add to."""
    return value.copy() if isinstance(value, (set, list)) else value


def _is_there(server: Server, path: str) -> bool:
    try:
        return bool(server.get(path))
    except Exception:  # noqa: BLE001 - not yet
        return False


def _verdict(found: list[str]) -> str:
    return "WRONG: " + "; ".join(found) if found else "all there once, audit intact"
