"""Prints what a text line costs to read, by layout, beside a JSON line of the client; nothing is stored."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.figures import line
from bench.varied import log_line
from collectors.lines import Reader
from collectors.normalise import Normaliser
from collectors.piece import Piece
from collectors.sheet import of_sample

if TYPE_CHECKING:
    from collections.abc import Sequence

LINES = 20_000
BEGUN = time.time_ns() - 3_600_000_000_000
PIECE = 5_000
ROUNDS = 5
TEXTS = {
    "unknown, short": "nothing that a layout knows, order {n} of the day",
    "unknown, begins with a digit": "4711;{n};Müller;12,50 EUR;offen;und so weiter",
    "unknown, begins with a bracket": "[{n}] nothing that a layout knows",
    "logfmt": 'time=2026-11-16T10:00:00Z level=info msg="order taken" order={n} total=12.50',
    "log4j": "2026-11-16 10:00:00,123 [main] INFO  shop.Pay - order {n} taken",
    "structlog console": "2026-11-16 10:00:00 [info     ] order taken         [shop.pay] order={n}",
    "Monolog": '[2026-11-16T10:00:00.123456+00:00] shop.INFO: order taken {{"order":{n}}} []',
    "klog": "I1116 10:00:00.123456    4711 pay.go:35] order {n} taken",
    "CSV": '2026-11-16 10:00:00,info,shop.pay,SO-{n},"order {n} taken, and paid",12.50,EUR',
    "general": "2026-11-16 10:00:00,123 - shop.pay - INFO - order {n} taken",
}
HEADS = {"CSV": [b"sep=,", b"timestamp,level,logger,correlation_id,message,total,currency"]}


def main() -> None:
    """Measure each kind of line in turn, several times, and print the best round."""
    numbers = range(LINES)
    kinds = {"JSON": [log_line(number, BEGUN) for number in numbers]}
    for name, text in TEXTS.items():
        kinds[name] = [*HEADS.get(name, ()), *(text.format(n=number).encode() for number in numbers)]
    best = dict.fromkeys(kinds, float("inf"))
    for _ in range(ROUNDS):
        for name, lines in kinds.items():
            best[name] = min(best[name], _took(lines))
    for name, took in best.items():
        ratio = took / best["JSON"]
        aim = "<= 2 × JSON" if name != "JSON" else ""
        line(f"a line, {name}", f"{took / LINES * 1e6:.1f} µs", aim, f"{ratio:.2f} × JSON")


def _took(lines: Sequence[bytes]) -> float:
    n = Normaliser("bench", "jsonl", time.time_ns() // 1000)
    began = time.thread_time()
    sheet, start = of_sample(lines, None), 0
    for first in range(0, len(lines), PIECE):
        piece = lines[first : first + PIECE]
        Reader.into(n).read(Piece(piece, None, start, 1, final=True, sheet=sheet))
        start += sum(map(len, piece)) + len(piece)
    return time.thread_time() - began


if __name__ == "__main__":
    main()
