"""What ``unsnag doctor`` does: it sends one event the way a script would, and finds out whether it arrived.

1. It names where events go, and by which setting.
2. It checks the folder on the way, and what earlier programs left there.
3. It sends one event that belongs to no unit, so it opens no exception and is in no figure.
4. It asks for that very event: a server elsewhere by the event's id, the server of this machine by the notice
   that it keeps in the folder. Only then the exit code is 0.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from unsnag import conventions, destination, folders, outbox, posting, process, settings
from unsnag.encoding import encode
from unsnag.sending import Sender, explanation
from unsnag.spool import Spool
from unsnag.wire import RECORDS_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unsnag.destination import Destination

_SERVICE: Final = "unsnag-doctor"
_LOOK_S: Final = 0.1
_LITTLE_BYTES: Final = 100 * 1024 * 1024
_OLD_S: Final = 30.0
"""A notice of this age is one that a server left which is gone."""
_CLOCK_S: Final = 2.0
_CLOCK_PAUSES_S: Final = (0.0, 1.0, 1.0)
"""Before each time that a server is asked for its clock, while the clocks differ."""
_REQUEST_S: Final = 5.0


class Report:
    """One line a check, as it is made."""

    def __init__(self) -> None:
        self.is_good = True

    def well(self, text: str) -> None:
        """Print what is as it should be."""
        self._print("ok", text)

    def note(self, text: str) -> None:
        """Print what is worth knowing."""
        self._print("note", text)

    def fault(self, text: str) -> None:
        """Print what is wrong, and what to do."""
        self.is_good = False
        self._print("FAULT", text)

    def _print(self, mark: str, text: str) -> None:
        sys.stdout.write(f"{mark:6}{text}\n")
        sys.stdout.flush()


def examine(flow: str | None, tenant: str | None, wait_s: float) -> int:
    """Send one event, wait for it, print a line a check; return 0 if the server has it."""
    goes, report = destination.read(None), Report()
    record_id = process.new_id()
    line = _line(record_id, flow, tenant)
    report.well(_where(goes, os.environ))
    if goes.is_remote:
        _check_folder(goes.outbox, report)
        _check_clock(goes.url, report)
        found = _send(goes, line, record_id, wait_s, report)
    else:
        _check_folder(goes.spool, report)
        found = _drop(goes, line, wait_s, report)
    _check_left(goes, report)
    return 0 if found else 1


def _line(record_id: str, flow: str | None, tenant: str | None) -> bytes:
    now_ns = time.time_ns()
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ns // 1_000_000_000))
    fields = {
        "timestamp": f"{at}.{now_ns // 1000 % 1_000_000:06d}Z",
        "level": "info",
        "event": "unsnag doctor asks whether this arrives",
        "logger": "unsnag",
        conventions.RECORD_ID: record_id,
        conventions.SERVICE_NAME: _SERVICE,
        conventions.FLOW: flow,
        conventions.TENANT: tenant,
    }
    return encode({key: value for key, value in fields.items() if value is not None}) + b"\n"


def _where(goes: Destination, environment: Mapping[str, str]) -> str:
    names = ["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", conventions.ENV_SERVER, "OTEL_EXPORTER_OTLP_ENDPOINT"]
    if goes.is_remote:
        name = next((name for name in names if environment.get(name, "").strip()), "the environment")
        has_token = goes.logs is not None and "Authorization" in goes.logs.headers
        return f"Events go to {goes.url} ({name}), {'with' if has_token else 'without'} a token."
    if environment.get(conventions.ENV_SPOOL):
        return f"Events go into files in {goes.spool} ({conventions.ENV_SPOOL})."
    kind = "the shared folder" if goes.spool == folders.SHARED else "your state folder"
    return f"Events go into files in {goes.spool} ({kind}; neither UNSNAG_URL nor UNSNAG_SPOOL is set)."


# --- the folder ----------------------------------------------------------------------------------


def _check_folder(folder: str, report: Report) -> None:
    """Write into the folder, and say when the disk is nearly full."""
    path = os.path.join(folder, f".unsnag-doctor-{os.getpid()}")  # noqa: PTH118
    try:
        os.makedirs(folder, 0o700, exist_ok=True)  # noqa: PTH103
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        os.unlink(path)  # noqa: PTH108
        free = shutil.disk_usage(folder).free
    except OSError as fault:
        report.fault(
            f"{folder} cannot be written: {fault.strerror}. Free it, or set UNSNAG_SPOOL to another."
        )
        outbox.remove(path)
        return
    if free < _LITTLE_BYTES:
        report.fault(f"{folder} can be written, but its disk has only {free // 1024**2} MB left.")
    else:
        report.well(f"{folder} can be written.")


def _check_left(goes: Destination, report: Report) -> None:
    """Name what earlier programs could not send, and what the server refused."""
    for folder in outbox.folders(goes.spool):
        size = sum(os.path.getsize(path) for path in outbox.waiting(folder))  # noqa: PTH202
        where = "this address" if folder == goes.outbox and goes.is_remote else "another address"
        if size:
            report.note(f"{size:,} bytes for {where} wait in {folder}; `unsnag flush` sends them.")
        if refused := outbox.count_refused(folder):
            report.note(f"{refused} events that {where} refused are kept in {folder}/{outbox.REFUSED}.")


# --- a server elsewhere --------------------------------------------------------------------------


def _check_clock(url: str, report: Report) -> None:
    """Compare this machine's clock with the server's; a server that is busy may send a date of before."""
    for pause_s in _CLOCK_PAUSES_S:
        time.sleep(pause_s)
        try:
            before = time.time()
            date, after = _date_of(url), time.time()
        except (OSError, HTTPException, ValueError):
            return  # sending says what is wrong
        if date is None:
            return
        fast_s = ahead_s(before, date, after)
        if abs(fast_s) <= _CLOCK_S:
            break
    if abs(fast_s) > _CLOCK_S:
        way = "ahead of" if fast_s > 0 else "behind"
        report.note(f"This clock is {abs(fast_s):.0f} s {way} the server's: set it by NTP.")
    else:
        report.well("This clock agrees with the server's.")


def ahead_s(asked: float, date: float, answered: float) -> float:
    """Return how far a clock is at least ahead of a server's, whose date of an answer has whole seconds.

    The server's time was between `date` and a second later, at a moment between question and answer.
    """
    return max(asked - (date + 1), 0.0) + min(answered - date, 0.0)


def _date_of(url: str) -> float | None:
    try:
        with urlopen(Request(f"{url}/healthz"), timeout=_REQUEST_S) as answer:  # noqa: S310 - the user's own server
            text = answer.headers.get("Date")
    except HTTPError as error:
        with error:
            text = error.headers.get("Date")
    return parsedate_to_datetime(text).timestamp() if text else None


def _send(goes: Destination, line: bytes, record_id: str, wait_s: float, report: Report) -> bool:
    """Send the event as a script would, and ask the server whether it is stored."""
    sender = Sender(goes, _SERVICE, settings.read(_SERVICE).resource)
    sender.quiet()
    sender.write(line)
    sender.drain(wait_s)
    fault, rejection = sender.trouble, sender.rejection
    sender.close()
    if fault is not None or sender.unsent_bytes():
        fault = fault or posting.Answer(posting.SILENT, f"no answer in {wait_s:g} s", is_hanging=True)
        report.fault(_sentence(explanation(goes.url, fault, f"The event is kept in {goes.outbox}")))
        return False
    if rejection:
        report.fault(f"{goes.url} took the event, but {rejection}. Try --flow and --tenant of the token.")
        return False
    report.well(f"{goes.url} took the event.")
    return _confirm(goes, record_id, wait_s, report)


def _confirm(goes: Destination, record_id: str, wait_s: float, report: Report) -> bool:
    state: dict[str, Any] = {}

    def is_stored() -> bool:
        state.update(_ask(goes, record_id))
        return bool(state.get("stored")) or "fault" in state

    _wait(is_stored, wait_s)
    if state.get("stored"):
        report.well(f"The server has stored it: log record {record_id}.")
        return True
    why = state.get("fault") or f"it was not stored within {wait_s:g} s"
    report.fault(f"{goes.url} cannot confirm that the event is stored: {why}. Is it an Unsnag server?")
    return False


def _ask(goes: Destination, record_id: str) -> dict[str, Any]:
    headers = dict(goes.logs.headers) if goes.logs else {}
    try:
        request = Request(f"{goes.url}{RECORDS_PATH}/{record_id}", headers=headers)  # noqa: S310
        with urlopen(request, timeout=_REQUEST_S) as answer:  # noqa: S310
            return dict(json.loads(answer.read()))
    except HTTPError as error:
        with error:
            return {"fault": f"{error.code} {error.reason}"}
    except (OSError, HTTPException, ValueError) as fault:
        return {"fault": str(fault)}


# --- the server of this machine ------------------------------------------------------------------


def _drop(goes: Destination, line: bytes, wait_s: float, report: Report) -> bool:
    """Write the event into the spool folder, and look at the notice until it says that it is stored."""
    spool = Spool(goes.spool, _SERVICE, 1 << 20, mode=goes.mode)
    if not spool.write(line):
        report.fault(f"The event could not be written: {spool.fault}.")
        return False
    spool.close()
    name = os.path.basename(spool.paths[0])  # noqa: PTH119
    _wait(lambda: _stored(_notice(goes.spool), name) >= len(line), wait_s)
    notice = _notice(goes.spool)
    server = f"{notice.get('url') or 'A server'} (process {notice.get('pid')} on {notice.get('host')})"
    if _stored(notice, name) >= len(line):
        report.well(f"{server} has stored the event.")
        return True
    if time.time() - float(notice.get("at", 0)) > _OLD_S:
        report.fault(
            f"No server follows {goes.spool}. Start one here (`python app.py`, as this user or with "
            f"`--spool {goes.spool}`), or set UNSNAG_URL to a server elsewhere. Events are kept."
        )
    else:
        report.fault(
            f"{server} follows the folder, and has not stored the event in {wait_s:g} s: its page Collectors "
            "says why. Does its user have the right to read files of yours?"
        )
    return False


def _notice(folder: str) -> dict[str, Any]:
    try:
        with open(os.path.join(folder, folders.NOTICE), "rb") as file:  # noqa: PTH118, PTH123
            return dict(json.loads(file.read()))
    except (OSError, ValueError, TypeError):
        return {}


def _stored(notice: Mapping[str, Any], name: str) -> int:
    return int((notice.get("stored") or {}).get(name, -1))


def _wait(is_so: Callable[[], bool], wait_s: float) -> None:
    until = time.monotonic() + wait_s
    while not is_so() and time.monotonic() < until:
        time.sleep(_LOOK_S)


def _sentence(text: str) -> str:
    return text if text.startswith("http") else text[:1].upper() + text[1:]
