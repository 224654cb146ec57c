"""What ``unsnag flush`` does: it sends what earlier programs of this user could not send."""

from __future__ import annotations

import sys
import time

from unsnag import destination, outbox, settings
from unsnag.sending import Sender, explanation


def flush(within_s: float) -> int:
    """Send what waits for the server that the environment names; return the exit code."""
    goes = destination.read(None)
    if not goes.is_remote:
        sys.stdout.write(
            f"No server is named, so nothing waits to be sent: this machine's server reads {goes.spool}. "
            "Set UNSNAG_URL to send to a server elsewhere.\n"
        )
        return 0
    before = outbox.waiting(goes.outbox)
    sender = Sender(goes, "unsnag-flush", settings.read("unsnag").resource)
    fault = sender.send_left(time.monotonic() + within_s)
    left = outbox.waiting(goes.outbox)
    sent = len(set(before) - set(left))
    sys.stdout.write(f"Sent to {goes.url}: {sent} of {len(before)} files from {goes.outbox}.\n")
    if fault is not None:
        kept = f"The rest is kept in {goes.outbox}"
        sys.stderr.write(f"unsnag flush: {explanation(goes.url, fault, kept)}\n")
    elif left:
        sys.stdout.write(f"Programs that still run send the other {len(left)} themselves.\n")
    return 1 if fault is not None else 0
