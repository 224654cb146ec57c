"""Synchronise forty orders; exit with 1 when some of them failed."""

import sys

import unsnag

unsnag.init(flow="sync", service="sync")
failed = 0
for number in range(40):
    try:
        with unsnag.unit(f"SO-{number}", value="10.00", currency="EUR"), unsnag.step("upload"):
            if number % 10 == 3:
                raise ConnectionError("shop system unreachable")
    except ConnectionError:
        failed += 1
sys.exit(1 if failed else 0)
