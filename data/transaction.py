"""The writer's transaction: named statements, and Arrow tables that they read as views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, overload

import duckdb
import pyarrow as pa

from data import queries
from data.errors import ScopeMissingError

T = TypeVar("T")
Params = dict[str, Any]
Into = Callable[[dict[str, Any]], T]
"""What makes a noun of a row, such as `Case.of`."""

_SCHEMAS: Final[dict[str, pa.Schema]] = {}


class _View:
    """An Arrow table that statements read under a name; each transaction brings its own.

    The name stays registered: to register it and to take it away costs 0.8 ms, more than most statements over
    a commit's rows.
    """

    __slots__ = ("schema", "table")

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.table: pa.Table | None = None

    def __arrow_c_schema__(self) -> object:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        if self.table is None:
            raise LookupError("The transaction that made this view has ended.")
        return self.table.__arrow_c_stream__(requested_schema)


@dataclass(slots=True)
class Prepared:
    """Statements and views by name."""

    parsed: dict[str, duckdb.Statement] = field(default_factory=dict)
    """Parsing is an eighth of what a statement over few rows costs."""
    views: dict[str, _View] = field(default_factory=dict)


class Tx:
    """The writer's transaction: run named statements in it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        memo: Params | None = None,
        prepared: Prepared | None = None,
    ) -> None:
        self._connection = connection
        self._prepared = prepared or Prepared()
        self.memo: Params = {} if memo is None else dict(memo)
        """What the writer remembers from one transaction to the next; forgotten if this one fails."""
        self.tables: dict[str, pa.Table] = {}
        """The Arrow tables that are readable as views, by name."""
        self.topics: set[str] = set()
        """What this transaction changes, for those who watch (server.events)."""
        self.act: str | None = None
        """The id of the act that is being performed."""
        self.records: int | None = None
        """How many records it brings; None: it is an act."""
        self.has_written = False
        self.pending: list[Params] = []
        """Entries of the audit that are written before the commit."""
        self.before_commit: list[Callable[[Tx], None]] = []
        self.after_commit: list[Callable[[], None]] = []
        """What is remembered outside the store once the transaction is on disk."""

    @overload
    def run(self, name: str, params: Params | None = None) -> list[dict[str, Any]]: ...
    @overload
    def run(self, name: str, params: Params | None = None, *, into: Into[T]) -> list[T]: ...
    def run(self, name: str, params: Params | None = None, *, into: Into[T] | None = None) -> Any:
        """Run a named statement and return its rows; see `Store.query`."""
        parsed = self._prepared.parsed
        if name not in parsed:
            (parsed[name],) = self._connection.extract_statements(queries.text(name))
        self._note(parsed[name])
        return rows_of(self._connection.execute(parsed[name], bound(name, params)), into)

    def arrow(self, name: str, params: Params | None = None) -> pa.Table:
        """Run a named statement and return its rows as an Arrow table."""
        return self._connection.sql(queries.text(name), params=bound(name, params)).to_arrow_table()

    def execute(self, sql: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Run a statement given as text: for tests and tools, never with text made from input."""
        for statement in self._connection.extract_statements(sql):
            self._note(statement)
        return rows_of(self._connection.execute(sql, params or {}))

    def _note(self, statement: duckdb.Statement) -> None:
        self.has_written = self.has_written or statement.type != duckdb.StatementType.SELECT

    def view(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under `name` until the transaction ends."""
        views = self._prepared.views
        if name not in views or views[name].schema != table.schema:
            views[name] = _View(table.schema)
            self._connection.register(name, views[name])
        views[name].table = self.tables[name] = table

    def view_rows(self, name: str, rows: list[Params], like: str) -> None:
        """Make rows readable under `name`, with the columns and types of the table `like`."""
        self.view(name, pa.Table.from_pylist(rows, self._schema(like)))

    def _schema(self, table: str) -> pa.Schema:
        if table not in _SCHEMAS:
            empty = self._connection.sql(f'select * from "{table}" limit 0').to_arrow_table()  # noqa: S608
            # JSON travels as text: the insert parses it.
            _SCHEMAS[table] = pa.schema([(f.name, _storage(f.type)) for f in empty.schema])
        return _SCHEMAS[table]

    def end(self, *, kept: bool) -> None:
        """Take the tables away; the names stay registered where the transaction was committed."""
        for name in self.tables:
            self._prepared.views[name].table = None
        self.tables.clear()
        if not kept:
            self._prepared.views.clear()


def bound(name: str, params: Params | None) -> Params:
    """Return the parameters of a named statement.

    Raises:
        ScopeMissingError: the statement reads within a scope, and `params` has none.
    """
    given = params or {}
    if "scope" not in given and queries.takes_scope(name):
        raise ScopeMissingError(name)
    return given


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def rows_of(result: duckdb.DuckDBPyConnection, into: Into[Any] | None = None) -> list[Any]:
    """Return the rows of a result as dicts, or as what `into` makes of each."""
    if result.description is None:
        return []
    names = [column[0] for column in result.description]
    rows = (dict(zip(names, row, strict=True)) for row in result.fetchall())
    return list(rows) if into is None else [into(row) for row in rows]
