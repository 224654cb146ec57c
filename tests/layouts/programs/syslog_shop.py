"""Python's handler for syslog, and util-linux's `logger`. Arguments: the way, the socket, the file of the truth.

The way is `classic` (RFC 3164), `new` (RFC 5424 with structured data) or `journal`, for which the socket is ignored.
"""

import logging
import logging.handlers
import subprocess
import sys
import time

from telling import Truth, events

way, socket = sys.argv[1], sys.argv[2]
truth = Truth(sys.argv[3])
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
NAMES = {"debug": "debug", "info": "info", "warning": "warning", "error": "err", "critical": "crit"}
if way == "classic":
    handler = logging.handlers.SysLogHandler(socket, facility="local0")
    handler.setFormatter(logging.Formatter("%(name)s[4711]: %(message)s"))
for event in events():
    plain = {"type": "-", "failure": "-", "trace": 0}
    if way == "classic":
        truth.note(event, id="-", **plain)
        handler.handle(
            logging.LogRecord(event.logger, LEVELS[event.severity], "", 0, event.message, (), None)
        )
    elif way == "new":
        truth.note(event, logger="shop", **plain)
        data = ["--sd-id", "shop@32473", "--sd-param", f'correlation_id="{event.order}"']
        given = [
            "--rfc5424",
            *data,
            "-u",
            socket,
            "-t",
            "shop",
            "-p",
            f"user.{NAMES[event.severity]}",
            event.message,
        ]
        subprocess.run(["logger", *given], check=True)
    else:
        text = event.message
        if event.n % 10 == 0:
            text = f"{text}\\nsecond line of {event.n}"
        truth.note(event._replace(message=text), logger="shop", **plain)
        fields = [
            f"MESSAGE={text}".replace("\\n", "\n"),
            "SYSLOG_IDENTIFIER=shop",
            f"CORRELATION_ID={event.order}",
        ]
        priority = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}[event.severity]
        lines = fields[0].split("\n")
        given = "\n".join(
            [f"MESSAGE={line.removeprefix('MESSAGE=')}" for line in lines]
            + [*fields[1:], f"PRIORITY={priority}"]
        )
        subprocess.run(["logger", "--journald"], input=given, text=True, check=True)
    time.sleep(0.001)
