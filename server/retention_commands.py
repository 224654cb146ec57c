"""Commands about retention: purge, and what is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from data import formats
from server.calls import Calls, say
from server.settings import add_options

if TYPE_CHECKING:
    import argparse

COMMANDS: Final = ("purge", "hold")


class RetentionCalls(Calls):
    """Those that the routes answer."""

    async def purge_start(self, given: argparse.Namespace) -> int:
        """Remove what is older than its policy says, or only print what would go."""
        if given.dry_run:
            return _printed((await self.get("/retention/preview")).pop("items"))
        for one in (await self.post("/retention/purge")).pop("items"):
            say("{policy}: {removed:,} rows removed,".format(**one) + f" {_about(one, 'bytes')}.")
        return 0

    async def hold_add(self, given: argparse.Namespace) -> int:
        """Keep what belongs to an ID or a flow, and print the hold's id."""
        kind, value = ("flow", given.flow) if given.flow else ("correlation_id", given.id)
        body = {"kind": kind, "value": value, "reason": given.reason}
        print((await self.post("/retention/holds", body)).pop("id"))  # noqa: T201 - data
        return 0

    async def hold_lift(self, given: argparse.Namespace) -> int:
        """Let policies remove again what was held."""
        await self.post(f"/retention/holds/{given.hold}/lift", {"reason": given.reason})
        say("Lifted. The next purge removes what its policies say.")
        return 0

    async def hold_list(self, _given: argparse.Namespace) -> int:
        """Print what is held."""
        for one in (await self.get("/retention")).pop("holds"):
            ended = "lifted by {lifted_by} {lifted_at}".format(**one) if one.get("lifted_at") else "held"
            print("{id}\t{kind}\t{value}\tby {set_by} {set_at}\t{reason}\t".format(**one) + ended)  # noqa: T201
        return 0


def _printed(items: list[dict[str, Any]]) -> int:
    for one in items:
        policy = one.pop("policy")
        print("{data}\t{words}".format(**policy))  # noqa: T201 - data
        for band in one.pop("bands"):
            print("\t{age}\t{rows:,} rows".format(**band) + f"\t{_about(band, 'bytes')}")  # noqa: T201
        if policy.pop("days") is not None:
            print("\tto remove\t{would_remove:,} rows".format(**one) + f"\t{_about(one, 'would_free')}")  # noqa: T201
    say("Nothing was changed. Sizes are without compression; on the disk they are a fraction.")
    return 0


def _about(row: dict[str, Any], name: str) -> str:
    return f"about {formats.size(row[name])}"


def add_parsers(commands: Any) -> None:
    """Add the options of these commands."""
    purge = commands.add_parser("purge", help="remove what is older than its policy says")
    purge.set_defaults(verb="start")
    purge.add_argument("--dry-run", action="store_true", help="only print what would go, by class and age")
    add_options(purge)
    verbs = commands.add_parser("hold", help="what is not removed: add, lift, list").add_subparsers(
        dest="verb", required=True
    )
    add = verbs.add_parser("add", help="keep what belongs to an ID or a flow, and print the hold's id")
    which = add.add_mutually_exclusive_group(required=True)
    which.add_argument("--id", help="a correlation ID")
    which.add_argument("--flow", help="a flow")
    lift = verbs.add_parser("lift", help="let policies remove it again")
    lift.add_argument("hold", help="the hold's id")
    for one in (add, lift):
        one.add_argument("--reason", required=True, help="why; it is in the audit")
        add_options(one)
    add_options(verbs.add_parser("list", help="print what is held"))
