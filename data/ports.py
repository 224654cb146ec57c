"""What code needs of the store that asks one of its two sides only: telemetry, or state.

Both are one DuckDB file and one transaction here. A statement names tables of one side, so its name says
which it asks; a parameter of one of these types says the same of a function. `Store.append` and transactions
of the writer are of both: a batch and what follows from it are committed together.
`tests/data/test_contract.py` is what a store of any engine must pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    import pyarrow as pa

    from data.transaction import Into, Params, Tx

T = TypeVar("T")


class _Statements(Protocol):
    """Named statements, as `data.store.Store` and `Reading` answer them."""

    @overload
    def query(self, name: str, params: Params | None = None) -> list[dict[str, Any]]: ...
    @overload
    def query(self, name: str, params: Params | None = None, *, into: Into[T]) -> list[T]: ...
    def arrow(self, name: str, params: Params | None = None) -> pa.Table:
        """Run a statement and return its rows as an Arrow table."""


class Telemetry(_Statements, Protocol):
    """Log records and spans: asked by time and key, appended, removed when they are old."""


class State(_Statements, Protocol):
    """Everything else: units, cases, retries, the audit, people, settings."""

    def act(self, work: Callable[[Tx], T]) -> Future[T]:
        """Run work alone in one transaction."""
