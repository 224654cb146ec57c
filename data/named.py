"""Which deliveries brought records that name a text: an ID, a run, a request, a trace.

A delivery is what one request or one read of a source brought. Its records share `ingested_at` and lie
together in their table, so a statement that knows the deliveries reads a few row groups, however large the
table is and whenever the records happened. A text is known by 32 bits, letters A to Z as small ones. Two
texts with the same bits cost a look in vain, never a wrong answer.

The pairs of the latest commits lie as they came, the others in sorted runs: a look-up reads a piece of each.
"""

from __future__ import annotations

import hashlib
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from data.ports import State
    from data.transaction import Tx

UNSORTED: Final = 500_000
"""Pairs that may lie as they came: reading them takes half a millisecond."""
_MEMO: Final = "data.named"
_NAMING: Final = ("correlation_id", "run_id", "technical_id", "trace_id")
_DELIVERY: Final = itemgetter("ingested_at")
_SCHEMA: Final = pa.schema([("text", pa.string()), ("ingested_at", pa.timestamp("us"))])


def keys_of(texts: Iterable[str]) -> list[int]:
    """Return the 32 bits of each text; the migration that made the tables has the same in SQL."""
    return [
        int.from_bytes(hashlib.md5(text.encode().lower(), usedforsecurity=False).digest()[8:12], "little")
        for text in texts
    ]


def deliveries(state: State, texts: Iterable[str]) -> list[datetime]:
    """Return the deliveries that name one of these texts, in whatever case; the oldest first, naive UTC.

    Some may name none of them. Where there is none, no record of the store names a text.
    """
    # Other letters than A to Z keep their case in the bits.
    spelled = {form for text in texts for form in (text, text.lower(), text.upper())}
    keys = sorted(set(keys_of(form.encode(errors="replace").decode() for form in spelled)))
    return state.query("store/deliveries", {"keys": keys}, into=_DELIVERY)


def deliveries_within(tx: Tx, texts: Iterable[str]) -> list[datetime]:
    """Return the deliveries that name one of these texts as it is written, the transaction's included."""
    return tx.run("store/deliveries", {"keys": sorted(set(keys_of(texts)))}, into=_DELIVERY)


def note(tx: Tx) -> None:
    """Write what the incoming records of the running transaction name."""
    pairs = _pairs(tx)
    if not pairs.num_rows:
        return
    coded = pairs.column("text").combine_chunks().dictionary_encode()
    keys = pa.array(keys_of(coded.dictionary.to_pylist()), pa.uint32()).take(coded.indices)
    tx.view("new_named", pa.table({"key": keys, "ingested_at": pairs.column("ingested_at")}))
    tx.run("store/insert_named")
    if _MEMO not in tx.memo:
        (row,) = tx.run("store/count_named")
        tx.memo[_MEMO] = row["pairs"]
    else:
        tx.memo[_MEMO] += pairs.num_rows
    if tx.memo[_MEMO] > UNSORTED:
        tx.run("store/sort_named")
        tx.run("store/empty_named")
        tx.memo[_MEMO] = 0


def _pairs(tx: Tx) -> pa.Table:
    """Return each text with each delivery that names it, once."""
    parts = [part for name in ("incoming_log", "incoming_span") for part in _of_table(tx.tables[name])]
    named = pa.concat_tables([_SCHEMA.empty_table(), *parts])
    return named.group_by(_SCHEMA.names).aggregate([])


def _of_table(table: pa.Table) -> Iterator[pa.Table]:
    for name in _NAMING:
        if name in table.column_names and table[name].null_count < table.num_rows:
            own = pa.table({"text": table[name], "ingested_at": table.column("ingested_at")}, schema=_SCHEMA)
            yield own.filter(pc.is_valid(own.column("text")))
    if "mentions" in table.column_names and table.column("mentions").null_count < table.num_rows:
        lists = table.column("mentions").combine_chunks()
        times = table.column("ingested_at").take(pc.list_parent_indices(lists))
        yield pa.table({"text": pc.list_flatten(lists), "ingested_at": times}, schema=_SCHEMA)
