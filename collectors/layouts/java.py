"""Java: the text patterns of log4j and logback, Spring Boot, Tomcat."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.layouts import pairs
from collectors.layouts.layout import ASCTIME, CLOCK, DIGITS, TIME, by_pattern

if TYPE_CHECKING:
    from collectors.fields import Fields


_LEVEL: Final = r"(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL|SEVERE|WARNING|CONFIG|FINE|FINER|FINEST)"
_NAME: Final = r"[\w.$\[\]/*-]{1,200}+"
_CONTEXT: Final = r"(?:\{(?P<context>[^{}\n]{0,2000}+)\} )?"
_CONTEXT_BEHIND: Final = r"(?:\{(?P<context2>[^{}\n]{0,2000}+)\} )?"
_WHEN: Final = rf"(?P<time>{TIME}|{CLOCK}|\d\d-[A-Z][a-z]{{2}}-\d{{4}} {CLOCK})"

_THREAD_FIRST: Final = re.compile(
    rf"{_WHEN} \[(?P<thread>[^\]\n]{{1,200}}+)\] (?P<level>{_LEVEL}) +{_CONTEXT}"
    rf"(?P<logger>{_NAME})(?::(?P<line>\d{{1,7}}+))? {_CONTEXT_BEHIND}- "
    rf"(?P<message>.*)",
    re.DOTALL,
)
_LEVEL_FIRST: Final = re.compile(
    rf"{_WHEN} (?P<level>{_LEVEL}) +\[(?P<thread>[^\]\n]{{1,200}}+)\] {_CONTEXT}"
    rf"(?P<logger>{_NAME})(?::(?P<line>\d{{1,7}}+))?(?: -|:| \[[^\]\n]{{0,200}}+\] -) ?(?P<message>.*)",
    re.DOTALL,
)
_SPRING: Final = re.compile(
    rf"(?P<time>{TIME}) +(?P<level>{_LEVEL}) "
    rf"(?:\[[^\]\n]{{0,200}}+\] )?(?P<pid>\d{{1,10}}+) --- (?:\[[^\]\n]{{1,100}}+\] )?"
    rf"\[(?P<thread>[^\]\n]{{1,200}}+)\] (?:\[[^\]\n]{{0,200}}+\] )?(?P<logger>{_NAME}) *: (?P<message>.*)",
    re.DOTALL,
)
_TOMCAT: Final = re.compile(
    rf"(?P<time>\d\d-[A-Z][a-z]{{2}}-\d{{4}} {CLOCK}) (?P<level>{_LEVEL}) \[(?P<thread>[^\]\n]{{1,200}}+)\] "
    rf"(?P<logger>{_NAME}) (?P<message>.*)",
    re.DOTALL,
)


def _with_context(fields: Fields) -> Fields:
    """Add what the mapped diagnostic context holds: `{order=SO-17, tenant=north}`."""
    context = fields.pop("context", None) or fields.pop("context2", None)
    fields.pop("context2", None)
    fields["thread.name"] = fields["thread.name"].strip()
    if "code.line.number" in fields:
        fields["code.line.number"] = int(fields["code.line.number"])
    if len(fields[ASCTIME]) <= len("00:00:00.123456789"):
        fields[ASCTIME] = f"T{fields['asctime']}"
    found = pairs.unquoted(f" {context.replace(', ', ' ')}")[1] if context else {}
    return {**found, **fields}


LAYOUTS: Final = (
    by_pattern(
        "log4j and logback, thread first",
        DIGITS,
        _THREAD_FIRST,
        "2026-11-29 21:00:00,123 [main] ERROR com.example.Pay - payment declined",
        "21:00:00.123 [pool-1-thread-2] WARN  c.e.Pay - slow",
        "2026-11-29 21:00:00.123 [main] ERROR com.example.Pay {order=SO-17} - payment declined",
        finish=_with_context,
    ),
    by_pattern(
        "log4j and logback, level first",
        DIGITS,
        _LEVEL_FIRST,
        "2026-11-29 21:00:00,123 ERROR [main] com.example.Pay:12 - payment declined",
        "2026-11-29 21:00:00,123 INFO  [main] com.example.Pay: started",
        finish=_with_context,
    ),
    by_pattern(
        "Spring Boot",
        DIGITS,
        _SPRING,
        "2026-11-29T21:00:00.123+01:00 ERROR 4711 --- [shop] [nio-8080-exec-1] c.e.Pay          : "
        "payment declined",
        "2026-11-29 21:00:00.123  INFO 4711 --- [           main] c.e.Shop                 : started",
        finish=_with_context,
    ),
    by_pattern(
        "Tomcat",
        DIGITS,
        _TOMCAT,
        "29-Nov-2026 21:00:00.123 SEVERE [main] org.apache.catalina.core.StandardContext.start failed",
        finish=_with_context,
    ),
)
