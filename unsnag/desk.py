"""``unsnag cases``, ``groups`` and ``batches``: the queue of exceptions in a terminal, over REST."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from unsnag.conventions import DEFAULT_SERVER, ENV_SERVER, ENV_TOKEN
from unsnag.rest import REFUSED, ServerSaysNoError, ask, line, page, send

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FILTERS: Final = ("state", "flow", "class", "severity", "tenant")
_SINGLE: Final = ("holder", "group", "q", "due")
_ACTS: Final = ("claim", "release", "retry", "resolve", "assign", "snooze", "escalate")
_TAKEN: Final = {
    "retry": ("reason",),
    "resolve": ("code", "reason"),
    "assign": ("to", "kind"),
    "snooze": ("until", "more", "reason"),
    "escalate": ("reason", "to", "kind"),
    "ask": ("question",),
    "approve": ("reason",),
    "reject": ("reason",),
}
"""What an act sends beside what it acts on."""
_CHANGES: Final = ("start", "pause", "resume", "cancel")
_DECISIONS: Final = {"approve": "approve what an automation asks", "reject": "reject it, with a reason"}
_CASE: Final = (
    "id", "state", "class", "flow", "step", "correlation_id", "title", "holder", "due_state", "next_due_at",
)  # fmt: skip
_GROUP: Final = (
    "id", "state", "class", "open", "total", "victim_cases", "oldest", "title", "holders", "flows",
)  # fmt: skip
_GROUP_FILTERS: Final = ("flow", "class", "severity", "tenant", "assignee", "due")
_ACTION: Final = (
    "time", "verb", "case_id", "subject", "correlation_id", "outcome", "state", "undo", "reason", "title",
)  # fmt: skip
_REGROUPS: Final = ("merge", "unmerge", "move")
_DUE: Final = "breached, warning, next_hour or unaddressed"
_BATCH: Final = ("id", "act", "state", "author", "total", "done", "failed", "skipped", "waiting")
_ITEM: Final = ("place", "state", "case_id", "correlation_id", "reason", "case_state")


def main(arguments: Sequence[str]) -> int:
    """Run a command; return 0, 1 where an act was refused, 2 where the request was."""
    options = _parser().parse_args(arguments)
    try:
        answer, lines, code = _NOUNS[options.noun](options)
    except ServerSaysNoError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    text = json.dumps(answer, indent=2) if options.json else "\n".join(lines)
    sys.stdout.write(f"{text}\n")
    return code


# --- cases --------------------------------------------------------------------------------------------


def _cases(options: argparse.Namespace) -> tuple[Any, list[str], int]:
    if options.verb == "list":
        most = options.limit
        params = {**_filter(options), "q": _searched(options), "limit": min(most, 1000)}
        params |= {"sort": options.sort}
        found = ask(options.url, "/api/v1/cases", params, most, options.actor)
        found = {**found, "items": found.get("items", [])[:most]}
        shown = len(found.get("items", ()))
        rest = [f"{shown} of {found.get('total')} exceptions"] if shown < found.get("total", 0) else []
        return found, [*_table(_CASE, found.get("items", ())), *rest], 0
    if options.verb == "actions":
        found = ask(options.url, "/api/v1/me/actions", {"limit": options.limit}, options.limit, options.actor)
        return found, _table(_ACTION, found.get("items", ())), 0
    if options.verb == "show":
        case = page(options.url, f"/api/v1/cases/{quote(options.ids[0], safe='')}", {})
        return case, _fields(case), 0
    return _act_on_ids(options) if options.ids else _act_on_all(options)


def _act_on_ids(options: argparse.Namespace) -> tuple[Any, list[str], int]:
    """Act on each exception that is named; one that is refused does not keep the others from being done."""
    done: list[Any] = []
    refused: list[dict[str, str]] = []
    for case_id in options.ids:
        path = f"/api/v1/cases/{quote(case_id, safe='')}/{options.verb}"
        try:
            done.append(send(options.url, path, _given(options), options.actor))
        except ServerSaysNoError as error:
            refused.append({"id": case_id, "reason": str(error)})
    lines = [*_table(_CASE, done), *(line((one.get("id"), "refused", one.get("reason"))) for one in refused)]
    return {"done": done, "refused": refused}, lines, 1 if refused else 0


def _act_on_all(options: argparse.Namespace) -> tuple[Any, list[str], int]:
    """Freeze the list of all that match, and start it where that is asked for."""
    lists = {name: value.split(",") for name in _FILTERS if (value := _filter(options)[name])}
    others = {name: value for name in _SINGLE if (value := _filter(options)[name])}
    body = {"act": options.verb, "filter": {**lists, **others}, **_given(options)}
    batch = send(options.url, "/api/v1/batches", body, options.actor)
    if options.yes:
        batch = send(options.url, f"/api/v1/batches/{batch.get('id')}/start", {}, options.actor)
        return batch, _table(_BATCH, [batch]), 0
    return batch, [*_reach(batch), f"Nothing was done. Start it: unsnag batches start {batch.get('id')}"], 0


def _given(options: argparse.Namespace) -> dict[str, Any]:
    names = _TAKEN.get(options.verb, ())
    return {name: value for name in names if (value := getattr(options, name))}


def _filter(options: argparse.Namespace) -> dict[str, str | None]:
    return {name: getattr(options, f"filter_{name}") for name in (*_FILTERS, *_SINGLE)}


def _searched(options: argparse.Namespace) -> str | None:
    """Return the search of a list: what stands behind the command, and the option."""
    return " ".join([*options.words, options.filter_q or ""]).strip() or None


# --- groups -------------------------------------------------------------------------------------------


def _groups(options: argparse.Namespace) -> tuple[Any, list[str], int]:
    if options.verb == "list":
        filters = {name: getattr(options, f"filter_{name}") for name in _GROUP_FILTERS}
        params = {
            **filters,
            "state": options.state,
            "q": _searched(options),
            "limit": min(options.limit, 100),
        }
        found = ask(options.url, "/api/v1/groups", params, options.limit, options.actor)
        lines = [text for group in found.get("items", ()) for text in _group_lines(group)]
        return found, [line(_GROUP), *lines], 0
    path = f"/api/v1/groups/{quote(options.id, safe='')}"
    if options.verb == "show":
        group = page(options.url, path, {})
        return group, [*_fields(group), *_related(group), *_note_of(group.get("note"))], 0
    if options.verb == "claim":
        claim = send(options.url, f"{path}/claim", {}, options.actor)
        left = [line((one.get("id"), "left out", one.get("reason"))) for one in claim.get("left_out", ())]
        return claim, [*(line((one, "claimed")) for one in claim.get("claimed", ())), *left], 0
    if options.verb in _REGROUPS:
        return _regroup(options, path)
    return _note(options, path)


def _group_lines(group: Mapping[str, Any]) -> list[str]:
    """Return a group as a line of the list, and under it the groups whose exceptions come from its own."""
    return [line(group.get(name) for name in _GROUP), *_related(group)]


def _related(group: Mapping[str, Any]) -> list[str]:
    """Return a line for each group of victims, and for each group that its own exceptions come from."""
    return [
        line((word, one.get("id"), one.get("cases"), one.get("title"), one.get("evidence", {}).get("words")))
        for word, name in (("victims", "victims"), ("comes from", "caused_by"))
        for one in group.get(name, ())
    ]


def _regroup(options: argparse.Namespace, path: str) -> tuple[Any, list[str], int]:
    """Merge a group, end a merge, or move one exception."""
    body = {"reason": options.reason}
    if options.verb == "move":
        path = f"/api/v1/cases/{quote(options.id, safe='')}/move"
        case = send(options.url, path, {**body, "to": options.to}, options.actor)
        return case, _table(("id", "group", "correlation_id", "title"), [case]), 0
    into = {"into": options.into} if options.verb == "merge" else {}
    group = send(options.url, f"{path}/{options.verb}", {**body, **into}, options.actor)
    return group, _table(_GROUP, [group]), 0


def _note(options: argparse.Namespace, path: str) -> tuple[Any, list[str], int]:
    """Show the versions of a group's note, or write one; where somebody was faster nothing is overwritten."""
    versions = page(options.url, f"{path}/notes", {})
    found = versions.get("items", [])
    if options.text is None:
        return versions, [text for note in found for text in _note_of(note)], 0
    text = sys.stdin.read() if options.text == "-" else options.text
    expected = found[0].get("version") if found else 0
    note = send(options.url, f"{path}/note", {"text": text, "expected": expected}, options.actor)
    return note, _note_of(note), 0


def _note_of(note: Mapping[str, Any] | None) -> list[str]:
    if not note:
        return []
    return [
        line(("note", note.get("version"), note.get("author"), note.get("written_at"))),
        note.get("text", ""),
    ]


# --- batches ------------------------------------------------------------------------------------------


def _batches(options: argparse.Namespace) -> tuple[Any, list[str], int]:
    if options.verb == "list":
        params = {"state": options.state, "author": options.author, "limit": min(options.limit, 1000)}
        found = ask(options.url, "/api/v1/batches", params, options.limit)
        return found, _table(_BATCH, found.get("items", ())), 0
    path = f"/api/v1/batches/{quote(options.id, safe='')}"
    if options.verb == "show":
        batch = page(options.url, path, {})
        return batch, [*_table(_BATCH, [batch]), *_reach(batch)], 0
    if options.verb == "items":
        found = ask(options.url, f"{path}/items", {"state": options.state, "limit": 1000})
        return found, _table(_ITEM, found.get("items", ())), 0
    batch = send(options.url, f"{path}/{options.verb}", {}, options.actor)
    return batch, _table(_BATCH, [batch]), 0


def _reach(batch: Mapping[str, Any]) -> list[str]:
    """Return what a batch reaches, five samples, and why items were left out, skipped or failed."""
    money = [f"{one.get('amount')} {one.get('currency') or ''}".strip() for one in batch.get("value", ())]
    head = f"{batch.get('act')} {batch.get('total')} exceptions of {', '.join(batch.get('flows', ()))}"
    samples = [line(("", one.get("correlation_id"), one.get("title"))) for one in batch.get("samples", ())]
    why = [line(one.get(name) for name in ("state", "items", "words")) for one in batch.get("reasons", ())]
    return [", ".join([head, *money]), *samples, *why]


_NOUNS: Final = {"cases": _cases, "groups": _groups, "batches": _batches}


# --- text ---------------------------------------------------------------------------------------------


def _table(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [line(names), *(line([row.get(name) for name in names]) for row in rows)]


def _fields(answer: Mapping[str, Any]) -> list[str]:
    plain = {name: value for name, value in answer.items() if not isinstance(value, (list, dict))}
    return [line((name, value)) for name, value in plain.items() if value is not None]


# --- options ------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="unsnag")
    nouns = parser.add_subparsers(dest="noun", required=True)
    for name, build in (("cases", _add_cases), ("groups", _add_groups), ("batches", _add_batches)):
        verbs = nouns.add_parser(name).add_subparsers(dest="verb", required=True)
        build(verbs)
    return parser


def _add_cases(verbs: Any) -> None:
    listed = _add(verbs, "list", "list exceptions, the most urgent first")
    _add_filter(listed)
    listed.add_argument("words", nargs="*", metavar="SEARCH", help="the same as --search")
    listed.add_argument("--sort", metavar="KEY", help="value, age, severity, due, …; also value.asc")
    listed.add_argument("--limit", type=int, default=50, help="at most so many (default 50)")
    mine = _add(verbs, "actions", "list what you did, with what came of it, the latest first")
    mine.add_argument("--limit", type=int, default=50, help="at most so many (default 50)")
    _add(verbs, "show", "show one exception").add_argument("ids", nargs=1, metavar="ID")
    for name in _ACTS:
        act = _add(verbs, name, f"{name} exceptions by their ids, or all that match a filter")
        act.add_argument("ids", nargs="*", metavar="ID")
        _add_filter(act)
        act.add_argument("--yes", action="store_true", help="with a filter: start the batch at once")
        _add_details(act, name)
    asked = _add(verbs, "ask", "ask the holder of exceptions; they get a notice")
    asked.add_argument("ids", nargs="+", metavar="ID")
    asked.add_argument("--question", required=True, help="what the holder should answer")
    for name, words in _DECISIONS.items():
        decision = _add(verbs, name, words)
        decision.add_argument("ids", nargs="+", metavar="ID")
        why = "why; the automation gets it"
        decision.add_argument("--reason", required=name == "reject", help=why)
        decision.epilog = f"{ENV_TOKEN} is sent as bearer token; deciding needs the role approver."


def _add_details(act: argparse.ArgumentParser, name: str) -> None:
    """Add what one act alone takes."""
    if "reason" in _TAKEN.get(name, ()):
        act.add_argument("--reason", required=name == "escalate", help="why; kept with each exception")
    if name == "assign":
        act.add_argument("--to", required=True, metavar="NAME", help="the person or team")
        act.add_argument("--team", dest="kind", action="store_const", const="team", default="person")
    if name == "snooze":
        act.add_argument("--until", metavar="TIME", help="RFC 3339; without a zone: UTC")
        act.add_argument("--more", type=int, help="how many more failures bring it back")
    if name == "escalate":
        act.add_argument("--to", metavar="NAME", help="else the next step of the rules, or the owner")
        act.add_argument("--kind", choices=("person", "team"), help="of what the name is (person)")
    if name == "resolve":
        act.add_argument("--code", required=True, help="fixed_upstream, data_corrected, duplicate, …")


def _add_filter(parser: argparse.ArgumentParser) -> None:
    for name in _FILTERS:
        parser.add_argument(f"--{name}", dest=f"filter_{name}", help="one, or several with commas between")
    parser.add_argument("--holder", dest="filter_holder", help="who has claimed it")
    parser.add_argument("--group", dest="filter_group", help="exceptions with this cause, by the group's id")
    parser.add_argument("--due", dest="filter_due", help=_DUE)
    parser.add_argument(
        "--search", dest="filter_q", help='as on the page, such as flow:invoice is:unclaimed "timeout"'
    )


def _add_groups(verbs: Any) -> None:
    listed = _add(
        verbs, "list", "list groups of exceptions with one cause, those with the most open ones first"
    )
    listed.add_argument("words", nargs="*", metavar="SEARCH", help="which exceptions, as on the page")
    listed.add_argument("--search", dest="filter_q", help="the same")
    listed.add_argument("--state", choices=("open", "closed", "all"), default="open")
    for name in _GROUP_FILTERS:
        help_text = _DUE if name == "due" else "one, or several with commas between"
        listed.add_argument(f"--{name}", dest=f"filter_{name}", help=help_text)
    listed.add_argument("--limit", type=int, default=50, help="at most so many (default 50)")
    _add(verbs, "show", "show one group").add_argument("id")
    _add(verbs, "claim", "claim what nobody has of a group; what arrives later joins").add_argument("id")
    merge = _add(verbs, "merge", "make a group part of another, with what arrives later")
    merge.add_argument("id")
    merge.add_argument("into", metavar="GROUP", help="the group that stays")
    unmerge = _add(verbs, "unmerge", "let a group that was merged be on its own again")
    unmerge.add_argument("id")
    move = _add(verbs, "move", "move an exception to another group")
    move.add_argument("id", metavar="EXCEPTION")
    move.add_argument("to", nargs="?", metavar="GROUP", help="without it, back to the group of its cause")
    for verb in (merge, unmerge, move):
        verb.add_argument("--reason", required=True, help="why; at least 10 characters")
    note = _add(verbs, "note", "show the note of a group and its versions, or write it")
    note.add_argument("id")
    note.add_argument("text", nargs="?", metavar="TEXT", help="Markdown; - reads it from the standard input")


def _add_batches(verbs: Any) -> None:
    listed = _add(verbs, "list", "list batches, the newest first")
    listed.add_argument("--state", help="frozen, running, paused, stopped, done, cancelled")
    listed.add_argument("--author", help="who started it")
    listed.add_argument("--limit", type=int, default=50, help="at most so many (default 50)")
    _add(verbs, "show", "show one batch").add_argument("id")
    items = _add(verbs, "items", "list the exceptions of a batch, each with what became of it")
    items.add_argument("id")
    items.add_argument("--state", help="waiting, done, failed, skipped, left_out")
    for name in _CHANGES:
        _add(verbs, name, f"{name} a batch").add_argument("id")


def _add(verbs: Any, name: str, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=words)
    parser.add_argument("--json", action="store_true", help="print the server's answer")
    parser.add_argument("--url", help=f"server; else {ENV_SERVER}, else {DEFAULT_SERVER}")
    parser.add_argument("--as", dest="actor", metavar="NAME", help="who acts, where nobody signs in")
    parser.epilog = f"{ENV_TOKEN} is sent as bearer token; acts need the role operator."
    return parser
