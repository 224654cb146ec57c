"""The commands about the store itself: its state, backup, restore, check, export, import."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from data import formats
from data.remote import is_remote
from server import backups, importing, restoring
from server.calls import Calls, say
from server.identity import owner
from server.remote_backups import brought
from server.settings import add_options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from server.settings import Settings

COMMANDS: Final = ("store", "backup", "restore", "check", "export", "import")
_SAY_EVERY_S: Final = 2.0
_WRONG: Final = 1


class StoreCalls(Calls):
    """Those that the routes answer."""

    async def store_state(self, _given: argparse.Namespace) -> int:
        """Print what is known of the store's commits."""
        found = await self.get("/store")
        reasons = found.pop("reasons")
        print("last commit: {commit} of {committed_at}".format(**found))  # noqa: T201 - data
        return _listed(reasons)

    async def store_accept(self, given: argparse.Namespace) -> int:
        """Go on without the commits that are missing."""
        lost = await self.post("/store/accept", {"reason": given.reason})
        say("Accepted, and recorded in the audit. {missing} The store writes again.".format(**lost))
        return 0

    async def backup_make(self, given: argparse.Namespace) -> int:
        """Make a backup and print its folder."""
        made = await self._watched("/store/backups", given.folder, formats.size)
        size = formats.size(made.pop("bytes"))
        say("{rows} rows up to commit {commit}, read again and compared.".format(**made) + f" {size}.")
        print(made.pop("folder"))  # noqa: T201 - data
        return 0

    async def export_make(self, given: argparse.Namespace) -> int:
        """Write the store as Parquet, say how far it is, and print the folder."""
        made = await self._watched("/store/exports", given.folder, "{:,} rows".format)
        size = formats.size(made.pop("bytes"))
        say("{rows:,} rows up to commit {commit}, read again and compared.".format(**made) + f" {size}.")
        print(made.pop("folder"))  # noqa: T201 - data
        return 0

    async def _watched(self, path: str, folder: str, shown: Callable[[int], str]) -> Any:
        """Return what a long write is answered; say meanwhile how far it is."""
        writing = asyncio.create_task(self.post(path, {"folder": folder}))
        while not (await asyncio.wait({writing}, timeout=_SAY_EVERY_S))[0]:
            found = await self.get("/store/exports")
            if found.get("what"):
                say(f"{shown(found['done'])} of {shown(found['total'])}, {found['what']} is done.")
        return await writing

    async def check_store(self, _given: argparse.Namespace) -> int:
        """Read all of the store and print what is wrong."""
        return _listed((await self.get("/store/check")).pop("problems"))


def beside_the_server(given: argparse.Namespace, settings: Settings) -> int | None:
    """Run a command that needs no server and return its exit code; None where it is another one."""
    if given.command == "restore":
        return _restore(given, settings)
    if given.command == "import":
        return _import(given, settings)
    if given.command == "check" and given.folder:
        with brought(given.folder, settings.backup, settings.data, _Spoken(formats.size)) as folder:
            return _listed(backups.problems(folder))
    return None


class _Spoken:
    """Prints how far something is, every few seconds."""

    def __init__(self, shown: Callable[[int], str]) -> None:
        self._shown = shown
        self._at = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Print it where the last line is old enough."""
        if time.monotonic() - self._at >= _SAY_EVERY_S:
            self._at = time.monotonic()
            say(f"{self._shown(done)} of {self._shown(total)}, {what} is done.")


def _restore(given: argparse.Namespace, settings: Settings) -> int:
    with brought(given.folder, settings.backup, settings.data, _Spoken(formats.size)) as folder:
        aside = restoring.restore(folder, settings, owner(), replace=given.replace)
    say(f"Restored to {settings.data}, and recorded in its audit.")
    if aside is not None:
        say(f"What was there is in {aside}.")
    return 0


def _import(given: argparse.Namespace, settings: Settings) -> int:
    held = importing.import_export(Path(given.folder), settings, owner(), _Spoken("{:,} rows".format))
    say(f"{held.rows:,} rows imported to {settings.data}, compared, and recorded in its audit.")
    return 0


def _listed(wrong: list[str]) -> int:
    for line in wrong:
        print(line)  # noqa: T201 - data
    if not wrong:
        say("Nothing is wrong.")
    return _WRONG if wrong else 0


def add_parsers(commands: Any) -> None:
    """Add the options of these commands."""
    _store(commands.add_parser("store", help="the store: state, accept"))
    make = commands.add_parser("backup", help="copy the store to a folder or S3 address")
    make.set_defaults(verb="make")
    make.add_argument("folder", type=_absolute, help="the folder or s3://BUCKET/PREFIX below which it lies")
    add_options(make)
    restore = commands.add_parser("restore", help="put a backup in the place of the store")
    restore.add_argument("folder", help="the backup's own folder or S3 address")
    restore.add_argument("--replace", action="store_true", help="move a store that is there aside")
    add_options(restore)
    export = commands.add_parser(
        "export", help="write all of the store as Parquet, also while the server runs"
    )
    export.set_defaults(verb="make")
    export.add_argument("folder", type=_absolute, help="the folder in which the export's own folder is made")
    add_options(export)
    read = commands.add_parser("import", help="make a store of an export, in an empty data folder")
    read.add_argument("folder", help="the export's own folder")
    add_options(read)
    check = commands.add_parser("check", help="read all of the store, or of a backup, and say what is wrong")
    check.set_defaults(verb="store")
    check.add_argument("folder", nargs="?", help="the backup's own folder; without it, the store")
    add_options(check)


def _absolute(text: str) -> str:
    """Return what means the same to the server, which runs in another folder."""
    return text if is_remote(text) else str(Path(text).absolute())


def _store(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    add_options(verbs.add_parser("state", help="print the last commit, and what is missing"))
    accept = verbs.add_parser("accept", help="go on without the commits that are missing")
    accept.add_argument("--reason", required=True, help="why; it is in the audit")
    add_options(accept)
