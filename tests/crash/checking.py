"""What must hold after a kill: every acknowledged record and act is there once, and the audit is intact."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

from audit import trail
from audit.checkpoints import Checkpoints
from audit.differences import differences
from data.store import Store
from server import backups
from tests.crash.ledger import LINE, OLD, RECENT, Ledger
from tests.data import keys

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_RECORDS = "select message as name from log union all select name from span"
_UNITS = "select correlation_id as name, flow, tenant from unit"
_ACTS = "select case_id, verb, reason from audit where kind = 'effect' and case_id is not null"
_NAMED = (RECENT, OLD, LINE)
_SHOWN = 5


def problems(data: Path, ledger: Ledger, scratch: Path) -> list[str]:
    """Open a copy of a killed server's store and return what is wrong with it, as sentences.

    Args:
        data: The folder of the store; no process has it open.
        ledger: What was acknowledged before the kill.
        scratch: A folder for the copy, which is removed again.
    """
    copy = scratch / "copy"
    shutil.copytree(data, copy)
    try:
        store = Store.open(copy)
        try:
            found = [*_of_records(store, ledger), *_of_acts(store, ledger), *_of_audit(store, copy)]
            return found + _named("tables have a key more than once", keys.repeated(store))
        finally:
            store.close()
    finally:
        shutil.rmtree(copy)


def lost_lines(data: Path, ledger: Ledger, scratch: Path) -> list[str]:
    """Return which lines of the spool are missing, once a server had the time to read all of them."""
    copy = scratch / "copy"
    shutil.copytree(data, copy)
    store = Store.open(copy)
    present = {row["name"] for row in _rows(store, _RECORDS)}
    store.close()
    shutil.rmtree(copy)
    return _named("lines of the spool are missing", set(ledger.lines) - present)


def _rows(store: Store, sql: str) -> list[dict[str, Any]]:
    return store.act(lambda tx: tx.execute(sql)).result()


def _named(what: str, names: Iterable[str]) -> list[str]:
    found = sorted(names)
    return [f"{len(found)} {what}: {', '.join(found[:_SHOWN])}"] if found else []


def _of_records(store: Store, ledger: Ledger) -> list[str]:
    # What the server says of itself has no such name.
    present = Counter(r["name"] for r in _rows(store, _RECORDS) if r["name"].startswith(_NAMED))
    units = Counter((r["name"], r["flow"], r["tenant"]) for r in _rows(store, _UNITS))
    kept = {name for name in ledger.acknowledged if not name.startswith(OLD)}
    have_unit = {name for name, _, _ in units}
    return [
        *_named("acknowledged records are missing", kept - present.keys()),
        *_named("records are there more than once", (name for name, n in present.items() if n > 1)),
        *_named("units are there more than once", (name for (name, _, _), n in units.items() if n > 1)),
        # Also of what a purge removed: units stay.
        *_named("acknowledged records have no unit", ledger.acknowledged - have_unit),
        *_named("records were never sent", present.keys() - ledger.sent - set(ledger.lines)),
    ]


def _of_acts(store: Store, ledger: Ledger) -> list[str]:
    rows = _rows(store, _ACTS)
    done = Counter((row["case_id"], row["verb"]) for row in rows)
    notes = Counter(row["reason"] for row in rows if row["verb"] == "noted")
    return [
        *_named("acknowledged claims are not there once", _not_once(done, "claimed", ledger.claimed)),
        *_named("acknowledged resolutions are not there once", _not_once(done, "resolved", ledger.resolved)),
        *_named("acknowledged notes are not there once", (one for one in ledger.noted if notes[one] != 1)),
        *_named("notes are there more than once", (one for one, n in notes.items() if n > 1)),
        *_named(
            "exceptions were opened twice",
            (one for (one, verb), n in done.items() if verb == "opened" and n > 1),
        ),
    ]


def _not_once(done: Counter[tuple[str, str]], verb: str, cases: set[str]) -> list[str]:
    return [case for case in cases if done[case, verb] != 1]


def _of_audit(store: Store, folder: Path) -> list[str]:
    verdict = trail.verify(store, Checkpoints(folder / backups.CHECKPOINTS))
    broken = [] if verdict.intact else [f"the audit is broken at {verdict.broken_at}: {verdict.reason}"]
    return broken + [difference.text for difference in differences(store)]


def of_backups(folder: Path, known: set[str]) -> list[str]:
    """Read the backups that are new since the last look, and return what is wrong with them.

    A draft that a kill left is none: it has another name.
    """
    found = []
    for path in sorted(folder.glob("unsnag-*")) if folder.exists() else []:
        if path.is_dir() and path.name not in known:
            known.add(path.name)
            found += [f"backup {path.name}: {problem}" for problem in backups.problems(path)]
    return found
