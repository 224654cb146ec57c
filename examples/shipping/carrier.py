"""The carrier: takes most parcels, and has bad days and bad addresses."""

from __future__ import annotations

import random
import zlib

BAD_DAY = 1 / 120
UNDELIVERABLE = 500
"""One address in 500 is refused however often one asks: always the same ones."""


class CarrierError(Exception):
    """The carrier refuses a parcel."""


def hand_over(number: str, address: str) -> None:
    """Give a parcel to the carrier."""
    if random.random() < BAD_DAY or zlib.crc32(number.encode()) % UNDELIVERABLE == 0:
        raise CarrierError(f"Carrier answered: address not deliverable ({address or 'empty'})")
