"""A program with real faults: orders that are quick, slow, fail one after the other, or leave people's hands.

It prints the moments that the figures must find, as one line of JSON.
"""

import json
import sys
import time

import unsnag

unsnag.init("order-to-cash")
seen = {}


def order(name: str, *, takes: float = 0, fails: bool = False, **more: str) -> None:
    """Work on one order."""
    try:
        with unsnag.unit(name, **more), unsnag.step("capture"):
            time.sleep(takes)
            int("refused" if fails else "0")
    except ValueError:
        pass


if sys.argv[1] == "before":
    for n in range(3):
        order(f"OLD-{n}", takes=0.6, segment="big")
    order("OLD-MANUAL", routing="manual")
else:
    for n in range(4):
        order(f"SO-{n}", takes=0.3, segment="big")
    order("SO-SLOW", takes=1.2, segment="big")
    for n in range(3):
        order(f"BAD-{n}", takes=0.1, fails=True)
        seen.setdefault("first_failure", time.time())
    time.sleep(0.5)
    order("SO-SHIFTED", completes=False, routing="manual")
    order("SO-SHIFTED", routing="auto", segment="small")
    seen["restored"] = time.time()
    order("SO-AUTO", routing="auto")
    order("SO-MANUAL", routing="manual")
unsnag.flush()
sys.stdout.write(json.dumps(seen))
