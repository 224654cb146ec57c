"""Writes story.tsv: what every program of this folder logs. Run it once; the file is kept."""

from __future__ import annotations

import random
from pathlib import Path

ORDERS = 240
LOGGERS = ("shop.pay", "shop.intake", "shop.ship")
TEXTS = {
    "debug": ("basket {n} has {k} lines", "cache hit {n}: key=basket/{n}"),
    "info": (
        "order {n} taken over from https://shop.example/orders/{n}?state=new&page=2",
        "invoice {n} written (total: {k},99 EUR) [batch 7]",
        "Bestellung {n}: Gebühr geprüft, nächster Schritt 'Versand'",
        'label {n} printed for "Müller & Söhne" - copy {k}',
    ),
    "warning": (
        "stock of article {n} is low: {k} left",
        "retry {k} of 3 for order {n}: gateway slow | 900 ms",
    ),
    "error": ("payment {n} declined", "order {n} not shipped: no carrier for zone {k}"),
    "critical": ("queue {n} lost",),
}
FAILURES = ("card refused: code=51 for order {n}", "no answer within {k} s (order {n})", "")


def main() -> None:
    """Write the table: number, severity, logger, order, message, failure, cause."""
    rng = random.Random(10)
    lines = []
    for n in range(1, ORDERS + 1):
        severity = rng.choices(list(TEXTS), weights=(15, 50, 15, 18, 2))[0]
        k = rng.randrange(2, 9)
        message = rng.choice(TEXTS[severity]).format(n=n, k=k)
        failure = cause = "-"
        if severity in {"error", "critical"} and rng.random() < 0.7:
            failure = rng.choice(FAILURES[:2]).format(n=n, k=k)
            cause = f"socket closed after {k} s" if rng.random() < 0.3 else "-"
        lines.append(
            "\t".join((str(n), severity, rng.choice(LOGGERS), f"SO-{n:05d}", message, failure, cause))
        )
    Path(__file__).with_name("story.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
