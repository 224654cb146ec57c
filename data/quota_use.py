"""What batches take of quotas, and what was refused over one: counted in the transaction of their records."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.records import Batch
    from data.transaction import Tx


def count(tx: Tx, batches: Sequence[Batch]) -> None:
    """Add what the batches of the running transaction use."""
    if rows := [asdict(one) for batch in batches for one in batch.used]:
        tx.view("incoming_use", pa.Table.from_pylist(rows))
        tx.run("store/count_quota")
