"""Lines of the Container Runtime Interface: what Kubernetes keeps of the streams of a container."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_CRI: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) "
    r"(?P<stream>stdout|stderr) (?P<tag>[FP])(?::[^ ]{0,40})? (?P<text>.*)",
    re.DOTALL,
)


class CriLine(NamedTuple):
    """A line of a container's stream, or a part of one."""

    time: str
    stream: str
    text: str
    is_whole: bool


def cri_line(line: str) -> CriLine | None:
    """Return what a line of this form holds; None for any other."""
    found = _CRI.match(line)
    if found is None:
        return None
    time, stream, tag, text = found.group("time", "stream", "tag", "text")
    return CriLine(time, stream, text, is_whole=tag == "F")
