"""Records as log shippers pass them on: a line of a program, with where it came from beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collectors import plaintext, values
from collectors.layouts.layout import EVENT, SEVERITY

if TYPE_CHECKING:
    from collectors.fields import Fields


_PLACED: Final = {
    "host": "host.name",
    "source": "log.file.path",
    "index": "splunk.index",
    "sourcetype": "splunk.sourcetype",
}


def gelf(fields: Fields) -> Fields:
    """Read GELF: syslog's levels, own fields with an underscore, the stack trace in the long message."""
    found: Fields = {}
    for key, value in fields.items():
        if key[:1] == "_":
            found[key[1:]] = value
        elif key not in {"version", "level", "host", "short_message", "full_message"}:
            found[key] = value
    found["message"] = fields.get("short_message")
    if "level" in fields:
        found["PRIORITY"] = fields[SEVERITY]
    if "host" in fields:
        found["host.name"] = fields["host"]
    if "LoggerName" in found:
        found["logger"] = found.pop("LoggerName")
    long = fields.get("full_message")
    trace = plaintext.trace_in(long) if isinstance(long, str) else None
    if trace is not None:
        found["exception"] = trace
    elif long and long != fields.get("short_message"):
        found["full_message"] = long
    return found


def splunk(fields: Fields) -> Fields:
    """Read an event of Splunk's HTTP event collector."""
    event = fields[EVENT]
    found: Fields = {name: fields[key] for key, name in _PLACED.items() if key in fields}
    more = fields.get("fields")
    found |= more if isinstance(more, dict) else {}
    if "time" in fields:
        found["time"] = fields["time"]
    if isinstance(event, dict):
        own = {key: value for key, value in found.items() if key != "time"}
        return {**own, **event, "eventTime": fields.get("time")}
    return within({**found, "event": event if isinstance(event, str) else str(event)})


def fluent(fields: Fields) -> Fields:
    """Read what Fluentd and Fluent Bit make of a container's line."""
    found = {key: value for key, value in fields.items() if key != "log"}
    kubernetes = found.pop("kubernetes", None)
    if isinstance(kubernetes, dict):
        names = {
            "pod_name": "k8s.pod.name",
            "namespace_name": "k8s.namespace.name",
            "container_name": "k8s.container.name",
        }
        found |= {ours: kubernetes[name] for name, ours in names.items() if name in kubernetes}
    return within({**found, "event": fields["log"].rstrip("\n")})


def beat(fields: Fields) -> Fields:
    """Read an event of Filebeat: the line is the message."""
    found = {key: value for key, value in fields.items() if key not in {"message", "@metadata"}}
    return within({**found, "event": fields["message"]})


def cloudwatch(fields: Fields) -> list[Fields]:
    """Read the events of a CloudWatch subscription, or those that its command line prints."""
    events = fields.get("logEvents") or fields.get("events") or []
    outer = {
        name: fields[key]
        for key, name in (("logGroup", "aws.log.group.name"), ("logStream", "aws.log.stream.name"))
        if key in fields
    }
    return [_cloudwatch_event(event, outer) for event in events if isinstance(event, dict)]


def _cloudwatch_event(event: Fields, outer: Fields) -> Fields:
    found: Fields = {**outer, "event": str(event.get("message", "")).rstrip("\n")}
    if "logStreamName" in event:
        found["aws.log.stream.name"] = event["logStreamName"]
    time = event.get("timestamp")
    # An epoch in milliseconds; what the line itself states is as exact and wins.
    name = "@timestamp" if isinstance(time, str) else "time"
    return within({**found, name: time})


def within(fields: Fields) -> Fields:
    """Return the fields of a record whose `event` may be a line of a layout, or JSON, with what is in it."""
    text = values.clean_text(str(fields[EVENT]))
    outer = {**fields, "event": text}
    times: Fields = {name: outer.pop(name) for name in ("@timestamp", "time") if name in outer}
    inner = plaintext.inside(outer)
    if inner is outer:
        return {**outer, **times}
    time = next(iter(times.values()), None)
    return inner if time is None else {**inner, "eventTime": time}
