"""Go: klog and glog, and what a panic prints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.layouts import pairs
from collectors.layouts.layout import ASCTIME, EVENT, SEVERITY, by_pattern

if TYPE_CHECKING:
    from collectors.fields import Fields


_KLOG: Final = re.compile(
    r"(?P<level>[IWEF])(?P<month>\d\d)(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d\.\d{6})\s++(?P<thread>\d{1,10}) "
    r"(?P<file>[^\s:\]]{1,200}+):(?P<line>\d{1,7})\] (?P<message>.*)",
    re.DOTALL,
)
_LEVELS: Final = {"I": "info", "W": "warning", "E": "error", "F": "fatal"}
_QUOTED: Final = re.compile(r'"(?P<message>(?:[^"\\]|\\.)*+)"(?= |$)')


def _klog(fields: Fields) -> Fields:
    fields[SEVERITY] = _LEVELS[fields[SEVERITY]]
    # The year is put on where the time of arrival is known.
    fields[ASCTIME] = f"--{fields.pop('month')}-{fields.pop('day')}T{fields.pop('clock')}"
    fields["code.line.number"] = int(fields["code.line.number"])
    quoted = _QUOTED.match(fields[EVENT])
    if quoted is not None:  # klog's structured form: a message in quotes, then pairs
        rest = fields[EVENT][quoted.end() :]
        found = pairs.read(rest) if rest else {}
        if found is not None:
            return {**found, **fields, "event": pairs.unescaped(quoted.group("message"))}
    return fields


LAYOUTS: Final = (
    by_pattern(
        "klog and glog",
        "IWEF",
        _KLOG,
        "E1129 21:00:00.123456    1234 pay.go:35] payment declined",
        'I1129 21:00:00.123456       1 pod.go:12] "Pod status updated" pod="shop/pay-1" status="ready"',
        finish=_klog,
    ),
)
