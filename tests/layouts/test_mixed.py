"""What is hard: layouts that change or interleave, streams of a container, colours, long lines."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from collectors.lines import Reader
from collectors.parse import MAX_LINE
from collectors.pieces import Splitter
from tests.collectors.rows import logs, normaliser, read

TRACE = 'Traceback (most recent call last):\n  File "shop.py", line 3, in pay\nTimeoutError: no answer'
LOGFMT = 'time=2026-11-16T10:00:00+01:00 level=error msg="payment declined" correlation_id=SO-17'
PYTHON = "2026-11-16 10:00:01,000 - shop.pay - ERROR - no answer"
JAVA = "2026-11-16 10:00:02,000 [main] ERROR shop.Pay - declined"


def seen(text: str) -> list[tuple[Any, ...]]:
    return [(row["severity"], row["message"], row.get("error_type")) for row in logs(read(text))]


def test_a_layout_may_change_within_a_file() -> None:
    expected = [("error", "payment declined", None), ("error", "no answer", "TimeoutError")]
    assert (
        seen("\n".join([*[LOGFMT] * 3, *[f"{PYTHON}\n{TRACE}"] * 3])) == [expected[0]] * 3 + [expected[1]] * 3
    )


def test_two_layouts_may_interleave() -> None:
    java = f"{JAVA}\nshop.Declined: refused\n\tat shop.Pay.run(Pay.java:3)\nCaused by: java.io.IOException: x"
    text = "\n".join([LOGFMT, f"{PYTHON}\n{TRACE}", java] * 2)
    expected = [
        ("error", "payment declined", None),
        ("error", "no answer", "TimeoutError"),
        ("error", "declined", "shop.Declined"),
    ]
    assert seen(text) == expected * 2


FIRST = [PYTHON, *TRACE.split("\n")]
SECOND = [
    "2026-11-16 10:00:01,100 - shop.ship - ERROR - bad number",
    "Traceback (most recent call last):",
    '  File "ship.py", line 9, in ship',
    "    raise ValueError",
    "ValueError: bad",
]


@pytest.mark.parametrize("random", range(20))
def test_two_torn_traces_lose_no_error(random: int) -> None:
    """Two processes write to one file line by line: whose a line of a trace is cannot be known."""
    order = Random(random).sample([0] * len(FIRST) + [1] * len(SECOND), len(FIRST) + len(SECOND))
    lines = [iter(FIRST), iter(SECOND)]
    rows = logs(read("\n".join(next(lines[which]) for which in order)))
    stated = {(row["logger"], row["message"].split("\n")[0]) for row in rows if "logger" in row}
    assert stated == {("shop.pay", "no answer"), ("shop.ship", "bad number")}
    assert all("stacktrace" in row for row in rows if row["severity"] == "error" and "logger" not in row)


@pytest.mark.parametrize("head", [PYTHON, JAVA, LOGFMT, "ERROR:shop:no answer", "ERROR: no answer"])
def test_a_trace_that_breaks_off_takes_no_record_behind_it(head: str) -> None:
    torn = f'{PYTHON}\nTraceback (most recent call last):\n  File "shop.py", line 3, in pay'
    assert len(logs(read(f"{torn}\n{head}"))) == 2


def test_encodings_may_change_from_line_to_line() -> None:
    """UTF-8 and one other: what is not UTF-8 is read in the encoding that is guessed first."""
    lines = ["ERROR:shop:Größe fehlt", "ERROR:shop:Müller & Söhne", "ERROR:shop:Überweisung läuft"]
    raw = b"".join(
        f"{line}\n".encode("utf-8" if number % 2 else "cp1252") for number, line in enumerate(lines * 50)
    )
    n = normaliser()
    Reader.into(n).read(Splitter(None).split(raw, 0, 7, final=True))
    assert [row["message"] for row in logs(n)] == [line.rpartition(":")[2] for line in lines * 50]


def test_a_line_that_only_may_name_an_exception_is_a_record_of_its_own() -> None:
    assert seen(f"{JAVA}\nTotal: 5\nDone\n{JAVA}") == [
        ("error", "declined", None),
        ("info", "Total: 5", None),
        ("info", "Done", None),
        ("error", "declined", None),
    ]


def cri(stream: str, text: str, tag: str = "F") -> str:
    return f"2026-11-16T09:00:00.123456789Z {stream} {tag} {text}"


def test_a_trace_of_one_stream_stays_whole_between_lines_of_another() -> None:
    lines = ["ERROR:shop:no answer", *TRACE.split("\n")]
    text = "\n".join(
        part for line in lines for part in (cri("stderr", line), cri("stdout", "INFO:shop:going on"))
    )
    rows = logs(read(text))
    assert [row["message"] for row in rows].count("going on") == len(lines)
    (failed,) = [row for row in rows if row["severity"] == "error"]
    assert (failed["message"], failed["error_type"]) == ("no answer", "TimeoutError")
    assert failed["stacktrace"] == TRACE


def test_an_open_record_of_one_stream_does_not_hold_the_others_up() -> None:
    text = "\n".join([cri("stderr", "ERROR:shop:no answer"), *[cri("stdout", "INFO:shop:x")] * 200])
    rows = logs(read(text))
    assert len(rows) == 201
    assert [row["severity"] for row in rows].index("error") < 60


def test_parts_of_a_line_of_kubernetes_are_joined() -> None:
    message = json.dumps({"level": "error", "msg": "a" * 40_000})
    parts = [cri("stdout", message[at : at + 8_000], "P") for at in range(0, len(message), 8_000)]
    (row,) = logs(read("\n".join([*parts, cri("stdout", "")])))
    assert (row["severity"], len(row["message"])) == ("error", 40_000)


def test_colours_are_removed_first() -> None:
    (row,) = logs(read("\x1b[31mERROR\x1b[0m:shop:\x1b[1mno answer\x1b[0m"))
    assert (row["severity"], row["message"]) == ("error", "no answer")
    (row,) = logs(read('{"level":"error","msg":"\\u001b[31mno answer\\u001b[0m"}'))
    assert row["message"] == "no answer"


def test_a_line_of_ten_megabytes_costs_only_itself() -> None:
    n = read(f"{LOGFMT}\n{'x' * 10_000_000}\n{LOGFMT}")
    assert [row["message"] for row in logs(n)] == ["payment declined"] * 2
    (entry,) = n.quarantined
    assert (entry.size, entry.reason) == (10_000_000, f"a line of 10000000 bytes, more than {MAX_LINE}")


def test_a_message_may_look_like_pairs() -> None:
    (row,) = logs(read("2026-11-16 10:00:00 [info     ] x=1 and y=2 [shop.pay] correlation_id=SO-17"))
    assert (row["message"], row["logger"], row["correlation_id"]) == ("x=1 and y=2", "shop.pay", "SO-17")


def test_a_panic_keeps_its_goroutines() -> None:
    calls = "main.pay(...)\n\t/srv/pay.go:12\nmain.main()\n\t/srv/pay.go:8 +0x1d\nexit status 2"
    text = f"panic: no gateway\n\ngoroutine 1 [running]:\n{calls}"
    (row,) = logs(read(f"{text}\n{LOGFMT}"))[:1]
    assert (row["severity"], row["error_type"], row["exception_message"]) == (
        "critical",
        "panic",
        "no gateway",
    )
    assert row["stacktrace"].endswith("exit status 2")
