"""The log handler of AWS Lambda's own runtime for Python. Arguments: `text` or `cloudwatch`, and the file of the truth.

The runtime hands framed records to the platform; each frame is written as a line here, or as an event of a
CloudWatch subscription.
"""

import json
import logging
import os
import struct
import sys
import tempfile
import time
import uuid

from awslambdaric import bootstrap
from telling import Declined, Truth, events, fail

FRAME = struct.Struct(">IIq")
form = sys.argv[1]
truth = Truth(sys.argv[2])
frames = tempfile.TemporaryFile()
sink = bootstrap.FramedTelemetryLogSink(os.dup(frames.fileno()))
sink.__enter__()
log = logging.getLogger("shop")
bootstrap._setup_logging("Text", "DEBUG", sink)
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
for event in events():
    request = str(uuid.UUID(int=event.n + (1 << 120), version=4))
    bootstrap._GLOBAL_AWS_REQUEST_ID = request
    truth.note(event, logger="-", id=request, type="telling.Declined" if event.failure else "-")
    try:
        if event.failure:
            fail(event)
        log.log(LEVELS[event.severity], event.message)
    except Declined:
        log.log(LEVELS[event.severity], event.message, exc_info=True)
sink.file.flush()
raw = os.pread(frames.fileno(), 1 << 24, 0)
at, found = 0, []
while at < len(raw):
    _, size, micros = FRAME.unpack_from(raw, at)
    found.append((micros, raw[at + FRAME.size : at + FRAME.size + size].decode()))
    at += FRAME.size + size
if form == "text":
    for _, text in found:
        print(text.rstrip("\n"))
else:
    for first in range(0, len(found), 7):
        batch = [
            {"id": str(first + number), "timestamp": micros // 1000, "message": text}
            for number, (micros, text) in enumerate(found[first : first + 7])
        ]
        outer = {
            "messageType": "DATA_MESSAGE",
            "owner": "1",
            "logGroup": "/aws/lambda/shop",
            "logStream": "a",
        }
        print(json.dumps({**outer, "subscriptionFilters": ["all"], "logEvents": batch}))
