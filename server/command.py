"""Commands beside the server: people, tokens, the audit, mappings.

They speak to the running server where there is one, for the store has one owner, and open the store
themselves otherwise: the same routes, over the same application. Who may read the server's own files may do
everything; with UNSNAG_TOKEN set they act as that token instead.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import ssl
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx

from audit.signing import SigningKey
from data.errors import UnsnagError
from server import container as containers
from server import retention_commands, store_commands, trials
from server.api.app import build
from server.calls import CommandRefusedError, say
from server.container import Container
from server.guard import Guard
from server.identity import HEADER
from server.running import Running
from server.settings import Settings, add_options, chosen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

COMMANDS: Final = (
    "user", "token", "audit", "mapping", *store_commands.COMMANDS, *retention_commands.COMMANDS,
)  # fmt: skip
_GRANT: Final = "ROLE, or ROLE:TENANT/FLOW with * for any, such as operator:acme/*"
_BROKEN: Final = 1
_WAIT_S: Final = 3600.0


def main(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Run one command; return the exit code: 0 done, 1 something was found to be wrong, 2 refused."""
    given = parsed(arguments)
    try:
        settings = chosen(vars(given), environment)
        if (code := store_commands.beside_the_server(given, settings)) is not None:
            return code
        if (given.command, given.verb) == ("audit", "key"):
            return _make_key(given.file)
        if given.command == "mapping":
            return trials.run(given, settings)
        return asyncio.run(_run(given, settings, environment))
    except UnsnagError as error:
        print(error, file=sys.stderr)  # noqa: T201 - narration goes to stderr
        return 2


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return a command's options."""
    return _parser().parse_args(arguments)


async def _run(given: argparse.Namespace, settings: Settings, environment: Mapping[str, str]) -> int:
    async with _client(settings, environment) as client:
        caller = Caller(client)
        return int(await getattr(caller, f"{given.command}_{given.verb}")(given))


class Caller(store_commands.StoreCalls, retention_commands.RetentionCalls):
    """The commands, as calls of the REST routes."""

    async def user_add(self, given: argparse.Namespace) -> int:
        """Add a person and print the link by which they come in."""
        body = {"name": given.name, "roles": _grants(given.role), "openid": given.openid}
        made = await self.post("/people", body)
        if made["link"]:
            say(f"{made['name']} chooses a password here, once, until {made['expires_at']}:")
            print(made["link"])  # noqa: T201 - data goes to stdout
        else:
            say(f"{made['name']} signs in with the OpenID provider.")
        if (await self.get("/me"))["local"]:
            say("The server runs in local mode. It asks for sign-in from its next start on.")
        return 0

    async def user_role(self, given: argparse.Namespace) -> int:
        """Replace a person's roles."""
        say(_person(await self.post(f"/people/{quote(given.name)}/roles", {"roles": _grants(given.role)})))
        return 0

    async def user_disable(self, given: argparse.Namespace) -> int:
        """Let a person in no more."""
        say(_person(await self.post(f"/people/{quote(given.name)}/disable", {"reason": given.reason})))
        return 0

    async def user_enable(self, given: argparse.Namespace) -> int:
        """Let a person in again."""
        say(_person(await self.post(f"/people/{quote(given.name)}/enable")))
        return 0

    async def user_link(self, given: argparse.Namespace) -> int:
        """Print a new one-time link."""
        print((await self.post(f"/people/{quote(given.name)}/link"))["link"])  # noqa: T201 - data
        return 0

    async def user_list(self, _given: argparse.Namespace) -> int:
        """Print everybody."""
        for person in (await self.get("/people"))["items"]:
            print(_person(person))  # noqa: T201 - data
        return 0

    async def token_add(self, given: argparse.Namespace) -> int:
        """Make a token and print it, once."""
        body = {"name": given.name, "roles": _grants(given.role), "days": given.days}
        return _print_token(await self.post("/tokens", body))

    async def token_rotate(self, given: argparse.Namespace) -> int:
        """Make a second secret and print it, once."""
        body = {"days": given.days, "overlap_hours": given.overlap_hours}
        return _print_token(await self.post(f"/tokens/{quote(given.name)}/rotate", body))

    async def token_revoke(self, given: argparse.Namespace) -> int:
        """Take a token back."""
        ended = await self.post(f"/tokens/{quote(given.name)}/revoke", {"id": given.id})
        say(f"{given.name}: {ended['revoked']} secret(s) revoked.")
        return 0

    async def token_list(self, _given: argparse.Namespace) -> int:
        """Print the valid secrets' ids."""
        for token in (await self.get("/tokens"))["items"]:
            used = token["used_at"] or "never"
            print(  # noqa: T201 - data
                f"{token['name']}\t{token['id']}\t{_roles(token)}\tuntil {token['expires_at']}\tused {used}"
            )
        return 0

    async def audit_verify(self, _given: argparse.Namespace) -> int:
        """Check the whole chain, compare what stands in the store with it, and say what was found."""
        found = await self.get("/audit/verdict")
        names = ("checkpoints", "warnings", "differences", "intact")
        checkpoints, warnings, differences, is_intact = (found[name] for name in names)
        if checkpoints:
            say(f"The checkpoints could not be compared: {checkpoints}")
        for warning in warnings:
            say(f"WARNING: {warning}")
        for difference in differences:
            print(f"DIFFERS: {difference}")  # noqa: T201 - data
        if not is_intact:
            print(f"BROKEN at entry {found['broken_at']}: {found['reason']}")  # noqa: T201 - data
            return _BROKEN
        print(f"INTACT: {found['entries']} entries, the last one's hash is {found['head']}")  # noqa: T201
        return _BROKEN if differences else 0

    async def audit_pack(self, given: argparse.Namespace) -> int:
        """Write an evidence pack."""
        body = {"from": given.since, "to": given.until, "flow": given.flow}
        answer = await self.answer("POST", "/audit/pack", body)
        await asyncio.to_thread(Path(given.file).write_bytes, answer.content)
        say(f"{given.file}: check it with `python3 verifier.py {given.file}`; the verifier is inside.")
        return 0


# --- the way to the server --------------------------------------------------------------------


@asynccontextmanager
async def _client(settings: Settings, environment: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    running = Running.find(settings.data)
    token = environment.get("UNSNAG_TOKEN")
    if running is not None and await _answers(running):
        async with httpx.AsyncClient(
            base_url=running.url,
            headers=_headers(token, running.secret),
            verify=_trust(running),
            timeout=_WAIT_S,
        ) as client:
            yield client
        return
    container = await asyncio.to_thread(Container.open, settings)
    containers.install(container)
    try:
        transport = httpx.ASGITransport(Guard(build()))
        headers = _headers(token, container.command_secret)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers=headers
        ) as client:
            yield client
    finally:
        containers.install(None)
        await asyncio.to_thread(container.close)


def _headers(token: str | None, secret: str) -> dict[str, str]:
    if token:
        return {"Authorization": f"Bearer {token}"}
    return {"Authorization": f"Command {secret}", HEADER: quote(getpass.getuser())}


async def _answers(running: Running) -> bool:
    try:
        async with httpx.AsyncClient(base_url=running.url, verify=_trust(running)) as client:
            return (await client.get("/healthz")).is_success
    except httpx.TransportError:
        return False


def _trust(running: Running) -> ssl.SSLContext | bool:
    """Trust the server's own certificate and no other: it is named in a file that only it could write."""
    if running.cert is None:
        return False
    context = ssl.create_default_context(cafile=running.cert)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context


# --- words ------------------------------------------------------------------------------------


def _grants(texts: Sequence[str]) -> list[dict[str, Any]]:
    return [_grant(text) for text in texts]


def _grant(text: str) -> dict[str, Any]:
    role, colon, where = text.partition(":")
    tenant, slash, flow = where.partition("/")
    if colon and not slash:
        raise CommandRefusedError(f"{text!r} is no role: write {_GRANT}.")
    return {"role": role, "tenant": _any(tenant), "flow": _any(flow)}


def _any(part: str) -> str | None:
    return None if part in ("", "*") else part


def _roles(holder: dict[str, Any]) -> str:
    return ", ".join(_role(given) for given in holder["roles"]) or "no role"


def _role(given: dict[str, Any]) -> str:
    if given["tenant"] is None and given["flow"] is None:
        return str(given["role"])
    return f"{given['role']}:{given['tenant'] or '*'}/{given['flow'] or '*'}"


def _person(person: dict[str, Any]) -> str:
    return f"{person['name']}\t{person['state']}\t{_roles(person)}"


def _print_token(token: dict[str, Any]) -> int:
    say(f"The token of {token['name']}, valid until {token['expires_at']}. It is shown only now:")
    print(token["token"])  # noqa: T201 - data
    return 0


def _make_key(file: str) -> int:
    key = SigningKey.make(Path(file))
    say(f"{file} is the key that signs checkpoints; nobody else may read it. Its public half, for auditors:")
    print(key.public)  # noqa: T201 - data
    return 0


# --- options ----------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py", description="People, tokens, the audit, mappings and the store of Unsnag."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _user(commands.add_parser("user", help="people: add, role, disable, enable, link, list"))
    _token(commands.add_parser("token", help="tokens of services: add, rotate, revoke, list"))
    _audit(commands.add_parser("audit", help="the audit: verify, pack, key"))
    store_commands.add_parsers(commands)
    retention_commands.add_parsers(commands)
    _mapping(commands.add_parser("mapping", help="mappings: test"))
    return parser


def _mapping(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    test = verbs.add_parser("test", help="print what a mapping of the config file makes of a log file")
    test.add_argument("file", help="the log file, or - for standard input; its first 1,000 lines are read")
    test.add_argument("--mapping", metavar="NAME", help="the mapping; without it, what is read without one")
    test.add_argument("--json", action="store_true", help="print everything, as JSON")
    add_options(test)


def _user(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    add = _named(verbs, "add", "add a person and print their one-time link")
    add.add_argument("--role", action="append", required=True, metavar="ROLE", help=_GRANT)
    add.add_argument("--openid", action="store_true", help="the OpenID provider vouches for them")
    _named(verbs, "role", "replace a person's roles").add_argument(
        "role", nargs="+", metavar="ROLE", help=_GRANT
    )
    _named(verbs, "disable", "let a person in no more").add_argument(
        "--reason", help="why; it is in the audit"
    )
    _named(verbs, "enable", "let a person in again")
    _named(verbs, "link", "print a new one-time link")
    add_options(verbs.add_parser("list", help="print everybody"))


def _token(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    add = _named(verbs, "add", "make a token and print it")
    add.add_argument("--role", action="append", required=True, metavar="ROLE", help=_GRANT)
    add.add_argument("--days", type=int, default=90, help="how long it is valid (default 90)")
    rotate = _named(verbs, "rotate", "make a second secret; the first works on for a while")
    rotate.add_argument("--days", type=int, default=90, help="how long it is valid (default 90)")
    rotate.add_argument("--overlap-hours", type=float, default=24, help="how long both work (default 24)")
    _named(verbs, "revoke", "take a token back").add_argument("--id", help="one secret of it only")
    add_options(verbs.add_parser("list", help="print the valid ones"))


def _audit(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    add_options(verbs.add_parser("verify", help="check the whole chain against all checkpoints"))
    pack = verbs.add_parser("pack", help="write an evidence pack")
    pack.add_argument("file", help="the ZIP to write")
    pack.add_argument("--from", dest="since", metavar="TIME", help="RFC 3339")
    pack.add_argument("--to", dest="until", metavar="TIME", help="RFC 3339")
    pack.add_argument("--flow", help="entries of other flows are withheld")
    add_options(pack)
    key = verbs.add_parser("key", help="make a key that signs checkpoints")
    key.add_argument("file", help="the file to write")
    add_options(key)


def _named(verbs: Any, verb: str, words: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = verbs.add_parser(verb, help=words)
    made.add_argument("name")
    add_options(made)
    return made
