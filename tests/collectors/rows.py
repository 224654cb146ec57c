"""Lines to rows without a store: what tests of dialects and of reading look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson

from collectors.lines import Reader
from collectors.normalise import Normaliser
from collectors.piece import Piece
from data.clock import micros
from tests.telemetry import START, at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collectors.mapping import Mapping

NOW = micros(at(86_400))
BERLIN = ZoneInfo("Europe/Berlin")


def normaliser(mapping: Mapping | None = None, zone: ZoneInfo | None = None) -> Normaliser:
    """Return an empty batch of a source in Berlin."""
    return Normaliser("test", "jsonl", NOW, mapping=mapping, zone=zone, local_zone=BERLIN)


def read(raw: bytes | str, mapping: Mapping | None = None) -> Normaliser:
    """Read a whole file's bytes."""
    raw = raw if isinstance(raw, bytes) else raw.encode()
    n = normaliser(mapping)
    Reader.into(n).read(Piece(raw.split(b"\n"), None, 0, 7, final=True))
    return n


def logs(n: Normaliser) -> list[dict[str, Any]]:
    """Return the log rows, each as a dict of what is not None, with `attributes` parsed."""
    return list(_rows(n.batch().logs))


def spans(n: Normaliser) -> list[dict[str, Any]]:
    """Return the span rows in the same form."""
    return list(_rows(n.batch().spans))


def _rows(columns: dict[str, list[Any]]) -> Iterable[dict[str, Any]]:
    for values in zip(*columns.values(), strict=True):
        row = {name: value for name, value in zip(columns, values, strict=True) if value is not None}
        yield {**row, "attributes": orjson.loads(row["attributes"])}


__all__ = ["NOW", "START", "logs", "normaliser", "read", "spans"]
